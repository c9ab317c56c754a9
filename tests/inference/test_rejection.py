# SPDX-License-Identifier: GPL-3.0-or-later
"""Rejection of photos of no class, and how well references' classes can be told apart."""

import csv
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.metrics import f1_score, roc_auc_score

from synthetic_similarity_search.inference.command_line import main
from synthetic_similarity_search.inference.database import ReferenceDatabase
from synthetic_similarity_search.inference.encoder import Model
from synthetic_similarity_search.inference.errors import InputError
from synthetic_similarity_search.inference.preprocessing import Preprocessing
from synthetic_similarity_search.inference.rejection import (
    Subspace,
    auroc,
    choose_threshold,
    familiarity_of_references,
    fit_rejection,
)
from synthetic_similarity_search.inference.separability import separability
from synthetic_similarity_search.tests.tiny_encoder import (
    photos_folder,
    real_encoder,
    write_pictures,
    write_tiny_encoder,
)


def database_of(
    vectors: np.ndarray, labels: list[int], poses: list[int], classes: tuple[str, ...]
) -> ReferenceDatabase:
    """A database whose pose number 0 is unknown."""
    matrices = np.tile(np.eye(4, dtype=np.float32), (len(labels), 1, 1))
    matrices[:, 0, 3] = poses
    unit = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    images = tuple(f"{number}.png" for number in range(len(labels)))
    model = Model("test", "0" * 64, vectors.shape[1])
    return ReferenceDatabase(unit, np.array(labels), matrices, classes, images, model, Preprocessing(), {})


def test_familiarity_agrees_with_scikit_learn() -> None:
    generator = np.random.default_rng(0)
    references = generator.normal(size=(30, 12)).astype(np.float32) * np.arange(12, 0, -1, dtype=np.float32) + 5
    references /= np.linalg.norm(references, axis=1, keepdims=True)
    queries = references[::-1] + generator.normal(0, 0.1, references.shape).astype(np.float32)
    queries /= np.linalg.norm(queries, axis=1, keepdims=True)
    pca = PCA(0.95, svd_solver="full").fit(references.astype(np.float64))
    nearest = pca.inverse_transform(pca.transform(queries.astype(np.float64)))
    expected = (queries * nearest).sum(axis=1) / np.linalg.norm(nearest, axis=1)
    assert np.abs(Subspace.of(references).familiarity(queries) - expected).max() < 1e-6


def test_the_same_photo_is_equally_familiar_whatever_is_asked_with_it() -> None:
    generator = np.random.default_rng(0)
    references, photos = generator.normal(size=(2, 40, 384)).astype(np.float32)
    subspace = Subspace.of(references)
    together = subspace.familiarity(photos)
    assert [subspace.familiarity(photos[[number]])[0] for number in range(40)] == together.tolist()


@pytest.mark.parametrize("seed", range(20))
def test_auroc_and_threshold(seed: int) -> None:
    generator = np.random.default_rng(seed)
    known, unknown = generator.integers(3, 12, 20) / 10, generator.integers(0, 9, 15) / 10
    truth, scores = np.repeat([1, 0], (20, 15)), np.concatenate([known, unknown])
    assert auroc(known, unknown) == pytest.approx(roc_auc_score(truth, scores), abs=1e-12)

    chosen = choose_threshold(known, unknown)
    assert (unknown <= chosen).mean() >= 0.95 and (unknown < chosen).mean() <= 0.95
    assert choose_threshold(known, unknown[:0]) == known.min()


def test_references_are_not_measured_by_their_own_pose() -> None:
    vectors = np.random.default_rng(0).normal(size=(12, 40))
    poses = [1, 1, 2, 2, 3, 3, 4, 4, 0, 0, 0, 0]
    database = database_of(vectors, [0, 1] * 6, poses, ("a", "b"))
    groups = database.pose_groups()
    assert groups[0] == groups[1] and groups[6] == groups[7] and len(set(groups.tolist())) == 8
    without = np.flatnonzero(groups != groups[2])
    expected = Subspace.of(database.embeddings[without]).familiarity(database.embeddings[2:4])
    assert familiarity_of_references(database)[2:4] == pytest.approx(expected)


def test_a_class_called_unknown_cannot_be_rejected() -> None:
    database = database_of(np.eye(3), [0, 1, 1], [1, 2, 3], ("known", "unknown"))
    with pytest.raises(InputError, match="Rename the class"):
        fit_rejection(database, None, np.empty((0, 3), np.float32))


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """References and photos of two colours; photos of a third are negatives, and two are filed among the photos."""
    folder = tmp_path_factory.mktemp("station")
    write_tiny_encoder(folder / "tiny.onnx")
    write_pictures(folder / "references", 6, seed=0, classes=("green", "red"))
    write_pictures(folder / "photos", 6, seed=1, classes=("green", "red"))
    write_pictures(folder / "negatives", 6, seed=2, classes=("blue",))
    for number in range(2):
        shutil.copy(folder / "negatives" / "blue" / f"{number:04}.png", folder / "photos" / "red" / f"blue{number}.png")
    assert main(["embed", "--references", str(folder / "references"), "--encoder", str(folder / "tiny.onnx")]) == 0
    return folder


def call(command: str, station: Path, *arguments: object) -> int:
    common = ("--database", station / "references.safetensors", "--encoder", station / "tiny.onnx", "--json")
    return main([command, *map(str, (*common, *arguments))])


@pytest.mark.parametrize("with_negatives", [False, True])
def test_validate_rejects(
    station: Path, tmp_path: Path, with_negatives: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    more = ("--negatives", station / "negatives") if with_negatives else ("--reject",)
    assert call("validate", station, "--photos", station / "photos", "--output", tmp_path, *more) == 0
    assert ("untested" in capsys.readouterr().out) != with_negatives
    metrics = json.loads((tmp_path / "metrics.json").read_text("utf-8"))
    html = (tmp_path / "report.html").read_text("utf-8")
    with (tmp_path / "predictions.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    unknown, threshold = metrics["unknown"], metrics["unknown"]["threshold"]
    true, predicted = [row["true"] for row in rows], [row["predicted"] for row in rows]
    for row in rows:
        rejected = float(row["familiarity"]) < threshold
        assert row["predicted"] == ("unknown" if rejected else row["voted"])
    blue = [row["predicted"] for row in rows if "blue" in row["path"]]
    assert blue == ["unknown"] * 2 and unknown["rejected"]["red"] >= 2
    assert metrics["macro_f1"] == pytest.approx(f1_score(true, predicted, labels=["green", "red"], average="macro"))

    def figure(name: str) -> str:
        return re.search(rf'id="{name}">(.*?)<', html)[1]

    assert figure("threshold") == f"{threshold:.3f}" and figure("rejected") == str(predicted.count("unknown"))
    for step in unknown["curve"]:
        if min(abs(float(row["familiarity"]) - step["threshold"]) for row in rows) < 2e-6:
            continue  # the file's digits do not tell on which side
        at = [row["voted"] if float(row["familiarity"]) >= step["threshold"] else "unknown" for row in rows]
        expected = f1_score(true, at, labels=["green", "red"], average="macro", zero_division=0)
        assert step["macro_f1"] == pytest.approx(expected)
    assert (tmp_path / "negatives.csv").exists() == with_negatives
    if with_negatives:
        with (tmp_path / "negatives.csv").open(encoding="utf-8-sig", newline="") as file:
            strangers = list(csv.DictReader(file))
        scores = [float(row["familiarity"]) for row in (*rows, *strangers)]
        expected = roc_auc_score([1] * len(rows) + [0] * len(strangers), scores)
        assert unknown["auroc"] == pytest.approx(expected, abs=1e-3) and figure("auroc") == f"{unknown['auroc']:.3f}"
        count = [row["predicted"] for row in strangers].count("unknown")
        assert figure("negatives-rejected") == str(count) == str(unknown["negatives_rejected"])


def test_classify_rejects(station: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photos = [station / "photos" / "red" / "0000.png", station / "negatives" / "blue" / "0000.png"]
    capsys.readouterr()
    for options, predicted in (
        ((), "red"),
        (("--reject",), "unknown"),
        (("--threshold", -1), "red"),
        (("--threshold", 1.1), "unknown"),
    ):
        assert call("classify", station, *options, *photos) == 0
        verdicts = json.loads(capsys.readouterr().out.splitlines()[-1])["photos"]
        assert (verdicts[1]["predicted"] == "unknown") == (predicted == "unknown")
        assert verdicts[0]["voted"] == "red" and (verdicts[0]["familiarity"] is None) == (not options)
    assert (
        call(
            "validate",
            station,
            "--photos",
            station / "photos",
            "--output",
            station / "out",
            "--negatives",
            station / "none",
        )
        == 2
    )


def test_unknown_objects_on_a_real_station(tmp_path: Path) -> None:
    """Photos of one half stand in for references; the objects of ``t_joint_unknown`` are of no class."""
    encoder, photos = real_encoder(), photos_folder()
    for label in ("t_joint", "metal_blank", "empty_table"):
        for number, photo in enumerate(sorted((photos / "t_joint" / label).iterdir())[:16]):
            place = tmp_path / ("references" if number % 2 else "photos") / label
            place.mkdir(parents=True, exist_ok=True)
            (place / photo.name).symlink_to(photo)
    database = tmp_path / "references.safetensors"
    assert main(["embed", "--references", str(tmp_path / "references"), "--encoder", str(encoder)]) == 0
    options = (
        "--database",
        database,
        "--encoder",
        encoder,
        "--photos",
        tmp_path / "photos",
        "--output",
        tmp_path / "out",
    )
    assert main(["validate", *map(str, options), "--negatives", str(photos / "t_joint_unknown")]) == 0
    assert json.loads((tmp_path / "out" / "metrics.json").read_text("utf-8"))["unknown"]["auroc"] >= 0.9


# Separability


def test_separability_against_leaving_out_by_hand() -> None:
    generator = np.random.default_rng(0)
    labels, poses = [0, 1, 2] * 10, np.repeat(np.arange(1, 11), 3).tolist()
    centres = np.array([[5, 0, 0, 0], [0, 5, 0, 0], [0, 4.9, 0.6, 0]])
    database = database_of(centres[labels] + generator.normal(0, 0.5, (30, 4)), labels, poses, ("a", "b", "c"))
    database = replace(database, whitened=False)
    found = separability(database, 3)
    similarities = database.embeddings.astype(np.float64) @ database.embeddings.T
    margins, right = [], 0
    for row, (label, pose) in enumerate(zip(labels, poses, strict=True)):
        others = [n for n in range(30) if poses[n] != pose]
        best = {c: max(similarities[row, n] for n in others if labels[n] == c) for c in range(3)}
        if label in (1, 2):
            margins.append(best[label] - best[3 - label])
        nearest = sorted(others, key=lambda n: -similarities[row, n])[:3]
        votes = [labels[n] for n in nearest]
        right += (
            max(range(3), key=lambda c: (votes.count(c), sum(similarities[row, n] for n in nearest if labels[n] == c)))
            == label
        )
    closest = found.pairs[0]
    assert (closest.first, closest.second, closest.references) == ("b", "c", 20)
    assert closest.margin == pytest.approx(np.mean(margins), abs=1e-6)
    assert closest.nearer_to_other == sum(margin < 0 for margin in margins) and closest.too_close
    assert not any(pair.too_close for pair in found.pairs[1:])
    assert found.metrics.accuracy == pytest.approx(right / 30)


def test_one_pose_cannot_be_left_out() -> None:
    with pytest.raises(InputError, match="same pose"):
        separability(database_of(np.eye(2), [0, 1], [1, 1], ("a", "b")), 1)


def test_check_database(station: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--database", str(station / "references.safetensors"), "--json"]) == 0
    out = capsys.readouterr().out.splitlines()
    assert "macro F1 1.000" in out[0] and json.loads(out[-1])["warnings"] == []
    for label in ("left", "right"):  # the same pictures, so that nothing tells these classes apart
        shutil.copytree(station / "references" / "red", station / "same" / label)
    assert main(["embed", "--references", str(station / "same"), "--encoder", str(station / "tiny.onnx")]) == 0
    capsys.readouterr()
    assert main(["check", "--database", str(station / "same.safetensors"), "--json"]) == 0
    captured = capsys.readouterr()
    assert "left and right cannot be told apart reliably: 12 of 12" in captured.err
    assert len(json.loads(captured.out.splitlines()[-1])["warnings"]) == 1
