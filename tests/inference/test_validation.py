# SPDX-License-Identifier: GPL-3.0-or-later
"""References, validation and classification end to end with a tiny encoder, against the files that users read."""

import csv
import json
import shutil
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, PngImagePlugin
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score

from synthetic_similarity_search.inference.classifier import Classifier
from synthetic_similarity_search.inference.database import ReferenceDatabase
from synthetic_similarity_search.inference.embedding import embed_files, embed_references
from synthetic_similarity_search.inference.encoder import Encoder
from synthetic_similarity_search.inference.errors import InputError
from synthetic_similarity_search.inference.files import class_folders, label_problem
from synthetic_similarity_search.inference.predictions import read_predictions
from synthetic_similarity_search.inference.preprocessing import Preprocessing
from synthetic_similarity_search.inference.progress import Progress
from synthetic_similarity_search.inference.reference_image import KEY
from synthetic_similarity_search.inference.validation import validate
from synthetic_similarity_search.tests.tiny_encoder import COLOURS, write_pictures, write_tiny_encoder

CLASSES = tuple(sorted(COLOURS))


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    return Encoder(write_tiny_encoder(tmp_path_factory.mktemp("encoder") / "tiny.onnx"))


@pytest.fixture(scope="module")
def references(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pictures(tmp_path_factory.mktemp("station") / "references", 6, seed=0)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return write_pictures(tmp_path / "photos", 4, seed=1)


def build(folder: Path, encoder: Encoder) -> ReferenceDatabase:
    return embed_references(folder, encoder, Preprocessing(), Progress(), folder.with_suffix(".safetensors"))


@pytest.fixture(scope="module")
def database(references: Path, encoder: Encoder) -> ReferenceDatabase:
    return build(references, encoder)


def score(database: ReferenceDatabase, encoder: Encoder, photos: Path, output: Path, k: int = 5) -> dict[str, Any]:
    classifier = Classifier.create(database, encoder, k, Progress())
    return validate(classifier, photos, output, Progress()).to_json()


def predictions(output: Path) -> list[dict[str, str]]:
    with (output / "predictions.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


# References


def test_a_folder_of_class_folders_becomes_a_database(database: ReferenceDatabase) -> None:
    assert database.classes == CLASSES
    assert database.images[0] == "references/blue/0000.png", "relative to the database file"
    assert database.labels.tolist() == [0] * 6 + [1] * 6 + [2] * 6
    assert (database.poses == np.eye(4)).all()
    assert database.recipe.keys() == {"created"}


def test_a_database_elsewhere_names_images_relative_to_the_references(
    references: Path, encoder: Encoder, tmp_path: Path
) -> None:
    database = embed_references(references, encoder, Preprocessing(), Progress(), tmp_path / "elsewhere.safetensors")
    assert database.images[0] == "blue/0000.png"


def test_vectors_do_not_depend_on_the_rest_of_the_folder(
    database: ReferenceDatabase, references: Path, encoder: Encoder
) -> None:
    alone = embed_files(encoder, Preprocessing(), [references / "green" / "0003.png"], Progress(), "one")
    assert np.abs(alone.embeddings[0] - database.embeddings[9]).max() < 1e-6


def write_recipe(folder: Path, classes: tuple[str, ...] = ("red", "green")) -> dict[str, Any]:
    """A recipe for pictures 0000 and 0001 of each class; gives the pictures their keys."""
    images = []
    for index, label in enumerate(classes):
        for number in (0, 1):
            path = f"{label}/{number:04}.png"
            pose = np.eye(4)
            pose[:3, 3] = index, number, 7
            images.append(
                {"path": path, "class": label, "variant": 0, "index": number, "key": f"k{path}", "pose": pose.tolist()}
            )
            write_key(folder / path, f"k{path}")
    recipe = {"format_version": 1, "seed": 3, "created": "2025-01-01T00:00:00+00:00", "images": images}
    (folder / "recipe.json").write_text(json.dumps(recipe))
    return recipe


def write_key(path: Path, key: str) -> None:
    text = PngImagePlugin.PngInfo()
    text.add_text(KEY, key)
    with Image.open(path) as image:
        image.load()
    image.save(path, pnginfo=text)


def test_a_recipe_gives_order_poses_and_provenance(tmp_path: Path, encoder: Encoder) -> None:
    folder = write_pictures(tmp_path / "references", 3, seed=0, classes=("green", "red"))
    write_recipe(folder)
    write_key(folder / "green" / "0002.png", "of another plan")
    database = build(folder, encoder)
    assert database.classes == ("red", "green")
    assert database.images == tuple(
        f"references/{name}.png" for name in ("red/0000", "red/0001", "green/0000", "green/0001", "red/0002")
    ), "planned ones in their order, then the one that someone added; without the one of another plan"
    assert database.poses[:, :3, 3].tolist() == [[0, 0, 7], [0, 1, 7], [1, 0, 7], [1, 1, 7], [0, 0, 0]]
    assert database.recipe == {"format_version": 1, "seed": 3, "created": "2025-01-01T00:00:00+00:00"}


def test_an_unfinished_render_is_refused(tmp_path: Path, encoder: Encoder) -> None:
    folder = write_pictures(tmp_path / "references", 2, seed=0, classes=("green", "red"))
    write_recipe(folder)
    (folder / "red" / "0001.png").unlink()
    write_key(folder / "green" / "0000.png", "of earlier settings")
    with pytest.raises(InputError, match="2 of 4 images .* are rendered. Run render again"):
        build(folder, encoder)


@pytest.mark.parametrize(
    "recipe", ["{", "[]", '{"images": [{}]}', '{"images": 3}', '{"images": [{"path": "../a.png", "class": "a", "key": "", "pose": []}]}']
)  # fmt: skip
def test_a_damaged_recipe_is_refused(tmp_path: Path, encoder: Encoder, recipe: str) -> None:
    folder = write_pictures(tmp_path / "references", 1, seed=0)
    (folder / "recipe.json").write_text(recipe)
    with pytest.raises(InputError, match="damaged"):
        build(folder, encoder)


def test_all_problems_of_a_references_folder_come_at_once(tmp_path: Path, encoder: Encoder) -> None:
    with pytest.raises(InputError, match="cannot be read: no such file"):
        build(tmp_path / "none", encoder)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="There are no images"):
        build(tmp_path / "empty", encoder)
    folder = write_pictures(tmp_path / "references", 1, seed=0)
    (folder / "red" / "a.png").write_text("")
    (folder / "red" / "b.png").write_text("b")
    with pytest.raises(InputError) as caught:
        build(folder, encoder)
    assert [("a.png" in p, "b.png" in p) for p in caught.value.problems] == [(True, False), (False, True)]
    for name in ("CON", "ends with dot."):
        shutil.copytree(folder / "green", folder / name)
    with pytest.raises(InputError) as caught:
        build(folder, encoder)
    assert len(caught.value.problems) == 2


@pytest.mark.parametrize(
    "label", ["screw", "Türgriff links", "螺丝", "no screw", "M5 × 0.8", "a.b", "console", "-x", "=1+1"]
)
def test_good_labels(label: str) -> None:
    assert label_problem(label) is None


@pytest.mark.parametrize(
    "label",
    ["", " ", ".", "a\x85b", "a\u2028b", "..", "../x", "a/b", "a\\b", "CON", "con.txt", "LPT1", "nul ", "a.", "a ", " a", ".hidden", "a\nb",
     "a\0b", "a:b", "what?", "x" * 101, "ü" * 51, "\ud800"],
)  # fmt: skip
def test_bad_labels(label: str) -> None:
    problem = label_problem(label)
    assert problem is not None and "\n" not in problem
    problem.encode()


# Validation


def test_figures_follow_from_the_predictions(
    database: ReferenceDatabase, encoder: Encoder, photos: Path, tmp_path: Path
) -> None:
    for wrong in range(3):  # so that there are mistakes: green photos filed under red
        shutil.copy(photos / "green" / f"{wrong:04}.png", photos / "red" / f"wrong{wrong}.png")
    returned = score(database, encoder, photos, tmp_path / "out")
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text("utf-8"))
    assert metrics == returned
    assert metrics.keys() == {
        "macro_f1", "accuracy", "classes", "confusion", "intervals", "photos", "unreadable", "k", "whitened", "model", "database", "seconds",
        "quality", "photos_directory", "references_among_photos",
    }  # fmt: skip
    rows = predictions(tmp_path / "out")
    true, predicted = [row["true"] for row in rows], [row["predicted"] for row in rows]
    assert metrics["photos"] == len(rows) == 15 and 0 < metrics["accuracy"] < 1
    assert metrics["macro_f1"] == pytest.approx(f1_score(true, predicted, average="macro"), abs=1e-12)
    assert metrics["accuracy"] == pytest.approx(accuracy_score(true, predicted), abs=1e-12)
    assert metrics["confusion"]["labels"] == list(CLASSES)
    assert metrics["confusion"]["matrix"] == confusion_matrix(true, predicted, labels=CLASSES).tolist()
    for label in CLASSES:
        expected = f1_score(true, predicted, labels=[label], average=None)[0]
        assert metrics["classes"][label]["f1"] == pytest.approx(expected, abs=1e-12)
        assert metrics["classes"][label]["support"] == true.count(label)
    assert metrics["model"]["name"] == "tiny" and "tests only" in metrics["model"]["weights"]


def test_every_row_shows_its_evidence(
    database: ReferenceDatabase, encoder: Encoder, photos: Path, tmp_path: Path
) -> None:
    database = replace(database, whitened=False)  # test_whitening.py checks the measure that is the default
    score(database, encoder, photos, tmp_path / "out", k=3)
    rows = predictions(tmp_path / "out")
    assert list(rows[0]) == [
        "path", "true", "predicted", "votes", "similarity_1", "reference_1", "similarity_2", "reference_2", "similarity_3",
        "reference_3",
    ]  # fmt: skip
    assert [row["path"] for row in rows] == [f"{label}/{n:04}.png" for label in CLASSES for n in range(4)]
    for row in rows:
        embedded = embed_files(encoder, Preprocessing(), [photos / row["path"]], Progress(), "one").embeddings[0]
        exact = database.embeddings.astype(np.float64) @ embedded.astype(np.float64)
        best = np.argsort(-exact)[:3]
        assert [row[f"reference_{n}"] for n in (1, 2, 3)] == [database.images[n] for n in best]
        assert [float(row[f"similarity_{n}"]) for n in (1, 2, 3)] == pytest.approx(exact[best], abs=1e-5)
        labels = [database.classes[database.labels[n]] for n in best]
        assert int(row["votes"]) == labels.count(row["predicted"]) == max(map(labels.count, labels))


def test_what_cannot_be_read_is_listed_and_the_rest_scored(
    database: ReferenceDatabase, encoder: Encoder, photos: Path, tmp_path: Path
) -> None:
    (photos / "red" / "deeper").mkdir()
    shutil.copy(photos / "red" / "0000.png", photos / "red" / "deeper" / "image")
    (photos / "red" / "empty.jpg").write_bytes(b"")
    (photos / "green" / "phone.heic").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0")
    (photos / "blue" / "notes.txt").write_text("hello")
    for ignored in ("Thumbs.db", "desktop.ini", ".DS_Store"):
        (photos / "blue" / ignored).write_text("x")
    (photos / ".cache").mkdir()
    metrics = score(database, encoder, photos, tmp_path / "out")
    assert metrics["photos"] == 13
    assert [photo["path"] for photo in metrics["unreadable"]] == ["blue/notes.txt", "green/phone.heic", "red/empty.jpg"]
    assert "export it as JPEG" in metrics["unreadable"][1]["reason"]
    assert "red/deeper/image" in [row["path"] for row in predictions(tmp_path / "out")]
    report = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert all(photo["path"] in report and photo["reason"] in report for photo in metrics["unreadable"])


def test_photos_that_do_not_fit_are_refused_before_anything_is_written(
    database: ReferenceDatabase, encoder: Encoder, photos: Path, tmp_path: Path
) -> None:
    def problems(folder: Path) -> tuple[str, ...]:
        with pytest.raises(InputError) as caught:
            score(database, encoder, folder, tmp_path / "out")
        assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())
        return caught.value.problems

    for name in ("purple", "Red"):
        shutil.copytree(photos / "red", photos / name)
    said = problems(photos)
    assert ['"Red"' in said[0], '"purple"' in said[1], len(said)] == [True, True, 2] and "blue, green, red" in said[0]

    (tmp_path / "flat").mkdir()
    shutil.copy(photos / "red" / "0000.png", tmp_path / "flat")
    assert "no sub-folders" in problems(tmp_path / "flat")[0]
    assert "cannot be read" in problems(tmp_path / "none")[0]
    (tmp_path / "bare" / "red").mkdir(parents=True)
    assert "no photo in any class folder" in problems(tmp_path / "bare")[0]
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / "bare" / "red" / name).write_bytes(b"")
    assert ["red/a.jpg" in said for said in problems(tmp_path / "bare")] == [True, False]


def test_another_encoder_is_refused(database: ReferenceDatabase, photos: Path, tmp_path: Path) -> None:
    other = Encoder(write_tiny_encoder(tmp_path / "other.onnx", seed=1, name="other"))
    with pytest.raises(InputError, match="encoder tiny .* in use is other"):
        score(database, other, photos, tmp_path / "out")


def test_an_output_that_cannot_be_written_is_said_before_the_work(
    database: ReferenceDatabase, encoder: Encoder, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written to"):
        score(database, encoder, photos, tmp_path / "file" / "out")
    assert "Embedding" not in capsys.readouterr().err


def test_k(
    database: ReferenceDatabase, encoder: Encoder, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for k in (0, -3):
        with pytest.raises(InputError, match="at least one neighbour"):
            score(database, encoder, photos, tmp_path / "out", k=k)
    assert score(database, encoder, photos, tmp_path / "out", k=99)["k"] == 18
    assert "holds 18 references" in capsys.readouterr().err


def test_two_runs_give_the_same_files(
    database: ReferenceDatabase, encoder: Encoder, photos: Path, tmp_path: Path
) -> None:
    first, second = (score(database, encoder, photos, tmp_path / name) for name in ("a", "b"))
    first.pop("seconds"), second.pop("seconds")
    assert first == second
    for name in ("predictions.csv", "report.html"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_cells_are_harmless_in_a_spreadsheet(encoder: Encoder, tmp_path: Path) -> None:
    folder = write_pictures(tmp_path / "references", 2, seed=0, classes=("red", "green"))
    (folder / "red").rename(folder / "=HYPERLINK(1)")
    (folder / "green").rename(folder / "@green")
    photos = shutil.copytree(folder, tmp_path / "photos")
    (photos / "@green" / "0000.png").rename(photos / "@green" / "+1.png")
    metrics = score(build(folder, encoder), encoder, photos, tmp_path / "out", k=3)
    with (tmp_path / "out" / "predictions.csv").open(encoding="utf-8-sig", newline="") as file:
        cells = [cell for row in list(csv.reader(file))[1:] for cell in row]
    assert "'=HYPERLINK(1)" in cells and "'@green" in cells and "'@green/+1.png" in cells
    assert not [cell for cell in cells if cell[0] in "=+@\t\r" or (cell[0] == "-" and not cell[1:2].isdigit())]
    assert set(metrics["classes"]) == {"=HYPERLINK(1)", "@green"}, "only the spreadsheet needs the mark"
    rows = read_predictions(tmp_path / "out" / "predictions.csv")
    assert {row.true for row in rows} == {"=HYPERLINK(1)", "@green"}
    assert Path("@green/+1.png") in {row.photo for row in rows}


class Page(HTMLParser):
    """Collects what a browser would load or run, and the text it would show."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.tags: set[str] = set()
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.loaded += [
            str(value)
            for name, value in attrs
            if name in ("src", "href", "srcset", "data", "action")
            and not str(value).startswith(("#", "data:image/jpeg;"))
        ]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_report_is_self_contained_and_shows_names_as_text(encoder: Encoder, tmp_path: Path) -> None:
    folder = write_pictures(tmp_path / "references", 2, seed=0, classes=("red", "green"))
    photos = write_pictures(tmp_path / "photos", 1, seed=1, classes=("red", "green"))
    label = "red & 'green' &lt;"
    (folder / "red").rename(folder / label)
    (photos / "red").rename(photos / label)
    (photos / "green" / "0000.png").rename(photos / label / "<script>alert(1)<!--.png")
    (photos / label / "<img src=x>").write_text("no photo")
    score(build(folder, encoder), encoder, photos, tmp_path / "out", k=1)
    html = (tmp_path / "out" / "report.html").read_text("utf-8")
    page = Page(html)
    assert not page.loaded and not page.tags & {"script", "img", "link", "iframe"} and "url(" not in html
    for name in (label, "<script>alert(1)<!--.png", "<img src=x>"):
        assert name in page.text
    assert "Random weights, for tests only" in page.text


def test_a_strangers_database_cannot_stop_the_report(
    encoder: Encoder, database: ReferenceDatabase, photos: Path, tmp_path: Path
) -> None:
    images = tuple(f"\ud800<b>{number}.png" for number in range(len(database)))
    for recipe in ({}, {"created": "\ud800<script>"}):
        score(replace(database, images=images, recipe=recipe), encoder, photos, tmp_path / "out")
        assert "script" not in Page((tmp_path / "out" / "report.html").read_text("utf-8")).tags
    assert predictions(tmp_path / "out")[0]["reference_1"].startswith("\\ud800<b>")


# Classification


def test_classify_agrees_with_validate(
    database: ReferenceDatabase, encoder: Encoder, photos: Path, tmp_path: Path
) -> None:
    score(database, encoder, photos, tmp_path / "out")
    (tmp_path / "broken.png").write_text("")
    paths = [path for files in class_folders(photos).values() for path in files]
    found = Classifier.create(database, encoder, 5, Progress()).classify([tmp_path / "broken.png", *paths], Progress())
    assert found.unreadable == {tmp_path / "broken.png": "the file is empty"}
    for verdict, row in zip(found.verdicts, predictions(tmp_path / "out"), strict=True):
        assert verdict.photo == photos / row["path"] and verdict.predicted == row["predicted"]
        assert verdict.votes[verdict.predicted] == int(row["votes"]) and sum(verdict.votes.values()) == 5
        assert [near.reference for near in verdict.neighbours] == [row[f"reference_{n}"] for n in range(1, 6)]
        assert all(near.label in near.reference for near in verdict.neighbours)
