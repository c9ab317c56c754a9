# SPDX-License-Identifier: GPL-3.0-or-later
"""The report: its figures against ``predictions.csv``, its size, and what a browser makes of it."""

import csv
import json
import re
import shutil
import subprocess
from dataclasses import replace
from html import unescape
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.decomposition import PCA
from sklearn.metrics import accuracy_score, f1_score, precision_recall_fscore_support

from synthetic_similarity_search.inference import report_charts
from synthetic_similarity_search.inference.classifier import Classifier
from synthetic_similarity_search.inference.database import ReferenceDatabase
from synthetic_similarity_search.inference.embedding import embed_references
from synthetic_similarity_search.inference.encoder import Encoder
from synthetic_similarity_search.inference.evidence import compare
from synthetic_similarity_search.inference.predictions import read_predictions
from synthetic_similarity_search.inference.preprocessing import Preprocessing
from synthetic_similarity_search.inference.progress import Progress
from synthetic_similarity_search.inference.report import Evaluation, render
from synthetic_similarity_search.inference.validation import validate
from synthetic_similarity_search.inference.validation_result import ValidationResult
from synthetic_similarity_search.tests.tiny_encoder import COLOURS, write_pictures, write_tiny_encoder

CLASSES = sorted(COLOURS)


@pytest.fixture(scope="module")
def validated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output of a validation with mistakes: three green photos are filed under red, one red under blue."""
    folder = tmp_path_factory.mktemp("report")
    encoder = Encoder(write_tiny_encoder(folder / "tiny.onnx"))
    references = write_pictures(folder / "references", 6, seed=0)
    photos = write_pictures(folder / "photos", 5, seed=1)
    for number in range(3):
        shutil.copy(photos / "green" / f"{number:04}.png", photos / "red" / f"wrong{number}.png")
    shutil.copy(photos / "red" / "0000.png", photos / "blue" / "<b>&amp;'.png")
    (photos / "red" / "broken.jpg").write_bytes(b"")
    file = folder / "references.safetensors"
    database = embed_references(references, encoder, Preprocessing(), Progress(), file)
    database.save(file)
    validate(Classifier.create(database, encoder, 5, Progress()), photos, folder / "out", Progress())
    return folder / "out"


def table(html: str, start: str) -> list[list[str]]:
    """The rows of the table that follows ``start``, as texts."""
    inside = html[html.index(start) :].partition("</table>")[0]
    rows = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in inside.split("<tr>")[1:]]
    return [[" ".join(text(cell).split()) for cell in row] for row in rows]


def text(html: str) -> str:
    return unescape(re.sub(r"<[^>]*>", " ", html))


def test_every_figure_follows_from_the_predictions(validated: Path) -> None:
    html = (validated / "report.html").read_text("utf-8")
    with (validated / "predictions.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    true, predicted = [row["true"] for row in rows], [row["predicted"] for row in rows]
    wrong = [row for row in rows if row["true"] != row["predicted"]]

    def figure(name: str) -> str:
        return text(re.search(rf'id="{name}">(.*?)<', html)[1])

    assert figure("macro-f1") == f"{f1_score(true, predicted, average='macro'):.3f}"
    assert figure("accuracy") == f"{accuracy_score(true, predicted):.3f}"
    assert figure("mistake-count") == str(len(wrong)) == "4"

    classes = table(html, 'id="classes"')[1:]
    expected = zip(CLASSES, *precision_recall_fscore_support(true, predicted, labels=CLASSES))
    for row, (label, precision, recall, f1, support) in zip(classes, expected, strict=True):
        assert row[0] == label and row[4] == str(support)
        for cell, value in zip(row[1:4], (precision, recall, f1), strict=True):
            shown, interval = cell.split()
            low, high = interval.split("–")
            assert shown == f"{value:.3f}" and float(low) <= value <= float(high)

    confusion = table(html, '<table class="confusion"')
    for row in confusion[1:]:
        for label, count in zip(CLASSES, row[1:], strict=True):
            assert int(count) == list(zip(true, predicted, strict=True)).count((row[0], label))

    for group, chosen in (("right", [row for row in rows if row not in wrong]), ("wrong", wrong)):
        bars = re.findall(rf"<title>([\d.]+) to ([\d.]+): (\d+) photos? {group}</title>", html)
        assert sum(int(count) for _, _, count in bars) == len(chosen)
        for low, high, count in bars:
            inside = [row for row in chosen if float(low) - 6e-4 <= float(row["similarity_1"]) <= float(high) + 6e-4]
            assert int(count) <= len(inside)

    mistakes = html.split('<article class="mistake">')[1:]
    assert len(mistakes) == len(wrong)
    by_path = {row["path"]: row for row in wrong}
    for mistake in mistakes:
        mistake = mistake.partition("</article>")[0]
        row = by_path[unescape(re.search(r"<title>(.*?)</title>", mistake)[1])]
        assert f"{row['predicted']} {row['votes']}" in text(mistake)
        near = re.findall(r'<b class="similarity">([\d.]+)</b>', mistake)
        assert near == [f"{float(row[f'similarity_{rank}']):.3f}" for rank in range(1, 6)]
        places = [text(mistake).index(row[f"reference_{rank}"]) for rank in range(1, 6)]
        assert places == sorted(places)
        assert mistake.count("<use ") == 7, "the photo, where it differs, and its five references are pictured"


def test_every_cell_lists_its_photos(validated: Path) -> None:
    html = (validated / "report.html").read_text("utf-8")
    metrics = json.loads((validated / "metrics.json").read_text("utf-8"))
    for row, counts in enumerate(metrics["confusion"]["matrix"]):
        for column, count in enumerate(counts):
            cell = f'id="cell-{row}-{column}"'
            assert (cell in html) == (f'href="#cell-{row}-{column}"' in html) == bool(count)
            if count:
                assert html[html.index(cell) :].partition("</section>")[0].count("<li>") == count


def test_principal_components_agree_with_scikit_learn() -> None:
    vectors = np.random.default_rng(0).normal(size=(40, 8)).astype(np.float32) * np.arange(1, 9, dtype=np.float32)
    ours, theirs = report_charts.principal_components(vectors), PCA(2)
    points = theirs.fit_transform(vectors.astype(np.float64))
    assert np.abs(np.abs(ours.points) - np.abs(points)).max() < 1e-6
    assert ours.shares == pytest.approx(theirs.explained_variance_ratio_)


def test_a_thousand_photos_stay_below_15_megabytes(tmp_path: Path, validated: Path) -> None:
    """Noise compresses worse than any photo; half of the photos are misclassified."""
    noise = np.random.default_rng(0).integers(0, 256, (128, 128, 3), dtype=np.uint8)
    for number in range(1000):
        place = tmp_path / "red" / f"{number}.jpg"
        place.parent.mkdir(exist_ok=True)
        Image.fromarray(noise).save(place) if number == 0 else place.hardlink_to(tmp_path / "red" / "0.jpg")
    database = ReferenceDatabase.load(validated.parent / "references.safetensors")
    embeddings = np.resize(database.embeddings[:12], (1000, database.model.dim))
    classifier = Classifier.create(database, Encoder(validated.parent / "tiny.onnx"), 5, Progress())
    verdicts = classifier.judge([tmp_path / "red" / f"{number}.jpg" for number in range(1000)], embeddings)
    result = replace(ValidationResult.read(validated / "metrics.json"), photos=1000)
    evaluation = Evaluation(result, ["green"] * 1000, verdicts, embeddings, classifier, tmp_path)
    html = render(evaluation, Progress())
    assert html.count('<symbol id="p') == 1000 and html.count('<article class="mistake"') == 400
    assert 1e6 < len(html.encode()) < 15e6


def test_photos_and_references_with_control_characters_are_pictured(tmp_path: Path) -> None:
    encoder = Encoder(write_tiny_encoder(tmp_path / "tiny.onnx"))
    references = write_pictures(tmp_path / "references", 2, seed=0, classes=("green", "red"))
    photos = write_pictures(tmp_path / "photos", 1, seed=1, classes=("green", "red"))
    for folder in (references, photos):
        for picture in list(folder.glob("*/*.png")):
            picture.rename(picture.with_name(f"a\n\\x0a\udcff{picture.name}"))
    (photo,) = (photos / "green").iterdir()
    wrong = photo.rename(photos / "red" / f"wrong\t{photo.name}")
    database = embed_references(references, encoder, Preprocessing(), Progress(), tmp_path / "references.safetensors")
    classifier = Classifier.create(database, encoder, 1, Progress())
    validate(classifier, photos, tmp_path / "out", Progress())
    html = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert "no picture" not in html and html.count("<symbol") == 4, "two photos, a reference, where they differ"
    (row,) = [row for row in read_predictions(tmp_path / "out" / "predictions.csv") if row.true != row.predicted]
    assert photos / row.photo == wrong and (tmp_path / row.nearest).is_file()
    (verdict,) = classifier.classify([wrong], Progress()).verdicts
    assert compare(classifier, verdict).photo.size == (224, 224)


def browse(page: Path, target: str, folder: Path) -> tuple[np.ndarray, str]:
    """Open a page from disk in headless Chromium; returns its picture, int [H, W, 3], and what the console said."""
    chromium = next(
        (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
    )
    if chromium is None:
        pytest.skip("there is no Chromium; install the Debian package chromium")
    done = subprocess.run(
        [
            chromium, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--no-first-run",
            "--disable-background-networking", "--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={folder / 'browser'}",
            "--window-size=1100,1400", f"--screenshot={folder / 'page.png'}", page.as_uri() + target,
        ],
        capture_output=True, text=True, timeout=300, check=True,
    )  # fmt: skip
    with Image.open(folder / "page.png") as image:
        return np.asarray(image.convert("RGB")).astype(int), "\n".join(
            line for line in done.stderr.splitlines() if "CONSOLE" in line
        )


def test_a_browser_opens_it_from_disk_without_errors_or_requests(validated: Path, tmp_path: Path) -> None:
    def green(pixels: np.ndarray) -> int:
        return int((np.abs(pixels - COLOURS["green"]).max(axis=2) < 70).sum())

    # The page's own policy forbids every request, and the console tells of each that it stops.
    closed, console = browse(validated / "report.html", "", tmp_path)
    assert console == ""
    opened, console = browse(validated / "report.html", "#cell-1-1", tmp_path)
    assert console == ""
    assert green(opened) > green(closed) + 5 * 2000, "the cell shows the five photos classified as green"

    html = (validated / "report.html").read_text("utf-8")
    (tmp_path / "other.html").write_text(html.replace("</h1>", '</h1><img src="https://example.org/a.png">'), "utf-8")
    assert "example.org" in browse(tmp_path / "other.html", "", tmp_path)[1], "or the console would never tell"
