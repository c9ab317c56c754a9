# SPDX-License-Identifier: GPL-3.0-or-later
"""The reference database: what is written is read, by others too; what is wrong is refused in one sentence."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

from synthetic_similarity_search.inference.database import ReferenceDatabase
from synthetic_similarity_search.inference.encoder import Model
from synthetic_similarity_search.inference.errors import InputError
from synthetic_similarity_search.inference.preprocessing import Preprocessing
from synthetic_similarity_search.tests.tiny_database import database

ROOT = Path(__file__).resolve().parents[2]


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    saved = database()
    saved.save(tmp_path / "new" / "references.safetensors")
    loaded = ReferenceDatabase.load(tmp_path / "new" / "references.safetensors")
    for name in ("embeddings", "labels", "poses"):
        ours, theirs = getattr(loaded, name), getattr(saved, name)
        assert ours.dtype == theirs.dtype and (ours == theirs).all()
    for name in ("classes", "images", "model", "preprocessing", "recipe"):
        assert getattr(loaded, name) == getattr(saved, name)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["references.safetensors"]


def test_the_safetensors_library_reads_it(tmp_path: Path) -> None:
    saved = database()
    saved.save(tmp_path / "references.safetensors")
    tensors = load_file(tmp_path / "references.safetensors")
    assert tensors.keys() == {"embeddings", "labels", "poses"}
    assert all((tensor == getattr(saved, name)).all() for name, tensor in tensors.items())
    header = (tmp_path / "references.safetensors").read_bytes()
    assert int.from_bytes(header[:8], "little") % 8 == 0, "the format asks for aligned data"


def test_the_same_content_gives_the_same_bytes_in_every_process(tmp_path: Path) -> None:
    code = "import sys; from pathlib import Path; from synthetic_similarity_search.tests.tiny_database import database; database().save(Path(sys.argv[1]))"
    for seed in ("1", "2"):
        command = [sys.executable, "-c", code, str(tmp_path / seed)]
        subprocess.run(command, env=os.environ | {"PYTHONHASHSEED": seed}, check=True)
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()


def test_a_database_that_is_replaced_while_it_is_opened_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, opened = tmp_path / "references.safetensors", safetensors.safe_open
    database().save(path)

    def replaced_just_before(*args: Any, **kwargs: Any) -> Any:
        database(count=8).save(path)
        return opened(*args, **kwargs)

    monkeypatch.setattr(safetensors, "safe_open", replaced_just_before)
    with pytest.raises(InputError, match="replaced by another. Start again"):
        ReferenceDatabase.load(path)


def test_a_failed_save_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "references.safetensors"
    database().save(path)
    before = path.read_bytes()
    with pytest.raises(TypeError):
        replace(database(), recipe={"created": object()}).save(path)
    assert path.read_bytes() == before and len(list(tmp_path.iterdir())) == 1
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        database().save(tmp_path / "file" / "references.safetensors")


def rewritten(path: Path, change: Callable[[dict[str, Any], dict[str, str]], object]) -> None:
    """Save a database with changed tensors or metadata by the safetensors library."""
    database().save(path)
    content = path.read_bytes()
    metadata = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])["__metadata__"]
    tensors = load_file(path)
    change(tensors, metadata)
    save_file({name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}, path, metadata)


def put(name: str, value: object) -> Callable[[dict[str, Any], dict[str, str]], object]:
    return lambda tensors, metadata: metadata.update({name: json.dumps(value)})


def fill(name: str, index: int, value: float) -> Callable[[dict[str, Any], dict[str, str]], object]:
    return lambda tensors, metadata: tensors[name].reshape(-1).put(index, value)


IMAGES = database().images
OWN = asdict(Preprocessing())
REFUSED: dict[str, tuple[Callable[[dict[str, Any], dict[str, str]], object], str]] = {
    "no metadata": (lambda t, m: m.clear(), "no format_version"),
    "no classes": (lambda t, m: m.pop("classes"), "no classes"),
    "metadata no JSON": (lambda t, m: m.update(classes="[oops"), "classes is damaged"),
    "metadata deeply nested": (lambda t, m: m.update(recipe="[" * 100_000), "recipe is damaged"),
    "newer format": (lambda t, m: (m.clear(), m.update(format_version="3")), "Update the extension"),
    "format no number": (put("format_version", "one"), "not a version number"),
    "classes no list": (put("classes", {"a": 1}), "not lists of strings"),
    "classes no texts": (put("classes", [1, 2]), "not lists of strings"),
    "class twice": (put("classes", ["a", "a"]), "a class twice"),
    "no class": (put("classes", []), "no classes"),
    "class no folder name": (put("classes", ["a", "b/c"]), "which folder names cannot"),
    "recipe no object": (put("recipe", []), "no recipe"),
    "absolute image": (put("images", ["/etc/passwd", *IMAGES[1:]]), "is outside"),
    "image on a drive": (put("images", ["C:\\a.png", *IMAGES[1:]]), "is outside"),
    "image on the network": (put("images", ["\\\\server\\share\\a.png", *IMAGES[1:]]), "is outside"),
    "image above": (put("images", ["a/../../b.png", *IMAGES[1:]]), "is outside"),
    "image above, Windows": (put("images", ["a\\..\\..\\b.png", *IMAGES[1:]]), "is outside"),
    "too few images": (put("images", IMAGES[1:]), "tensors do not match"),
    "no images": (put("images", []), "no images"),
    "no model": (put("model", None), "model is not described"),
    "model without name": (put("model", {"sha256": "0", "dim": 8}), "model is not described"),
    "model with numbers": (put("model", {"name": 1, "sha256": 2, "dim": 8}), "model is not described"),
    "other dimension": (put("model", {"name": "tiny", "sha256": "0", "dim": 9}), "tensors do not match"),
    "other preprocessing": (put("preprocessing", {"size": 518}), 'preprocessing is {"size": 518}'),
    "no preprocessing": (put("preprocessing", None), "preprocessing is null"),
    "crop outside": (put("preprocessing", OWN | {"crop": [0.5, 0, 0.6, 1]}), "not part of a photo"),
    "crop not finite": (put("preprocessing", OWN | {"crop": [float("nan"), 0, 1, 1]}), "not part of a photo"),
    "crop no numbers": (put("preprocessing", OWN | {"crop": ["a", 0, 1, 1]}), "not four numbers"),
    "white level of nothing": (put("preprocessing", OWN | {"white_level": 0}), "white level is not a number"),
    "white level true": (put("preprocessing", OWN | {"white_level": True}), "white level is not a number"),
    "promoted out of range": (put("promoted", [6]), "promoted photos are not among"),
    "promoted no numbers": (put("promoted", [True]), "promoted photos are not among"),
    "tensor missing": (lambda t, m: t.pop("poses"), "tensors do not match"),
    "tensor more": (lambda t, m: t.update(more=np.zeros(1)), "tensors do not match"),
    "half precision": (lambda t, m: t.update(embeddings=t["embeddings"].astype(np.float16)), "tensors do not match"),
    "labels of 32 bits": (lambda t, m: t.update(labels=t["labels"].astype(np.int32)), "tensors do not match"),
    "fewer labels": (lambda t, m: t.update(labels=t["labels"][1:]), "tensors do not match"),
    "poses flat": (lambda t, m: t.update(poses=t["poses"].reshape(-1, 16)), "tensors do not match"),
    "label too large": (fill("labels", 0, 2), "label is out of range"),
    "label negative": (fill("labels", 0, -1), "label is out of range"),
    "NaN": (fill("embeddings", 3, np.nan), "unit length"),
    "infinity": (fill("embeddings", 3, np.inf), "unit length"),
    "not normalised": (fill("embeddings", 3, 2.0), "unit length"),
    "pose NaN": (fill("poses", 3, np.nan), "not finite"),
    "shift of another length": (lambda t, m: t.update(domain_shift=np.zeros(7, np.float32)), "tensors do not match"),
    "shift too long": (lambda t, m: t.update(domain_shift=np.ones(8, np.float32)), "domain shift is not shorter"),
    "shift NaN": (lambda t, m: t.update(domain_shift=np.full(8, np.nan, np.float32)), "domain shift is not shorter"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_wrong_content_is_refused_by_name(tmp_path: Path, case: str) -> None:
    change, said = REFUSED[case]
    path = tmp_path / "references.safetensors"
    rewritten(path, change)
    with pytest.raises(InputError) as caught:
        ReferenceDatabase.load(path)
    (problem,) = caught.value.problems
    assert said in problem and "references.safetensors" in problem and "\n" not in problem and len(problem) < 600


def test_an_unchanged_rewrite_is_accepted(tmp_path: Path) -> None:
    rewritten(tmp_path / "references.safetensors", lambda tensors, metadata: None)
    assert len(ReferenceDatabase.load(tmp_path / "references.safetensors")) == 6


def test_crop_white_level_and_promoted_photos_are_kept_and_a_file_without_them_is_read(tmp_path: Path) -> None:
    path = tmp_path / "references.safetensors"
    grown = replace(
        database(), preprocessing=Preprocessing(crop=(0.1, 0.2, 0.3, 0.4), white_level=4095), promoted=(1, 5)
    )
    grown.save(path)
    loaded = ReferenceDatabase.load(path)
    assert loaded.preprocessing == grown.preprocessing and loaded.promoted == (1, 5)
    assert loaded.take(np.array([5, 0, 1])).promoted == (0, 2)

    plain = {name: value for name, value in OWN.items() if name not in ("crop", "white_level")}
    rewritten(path, lambda _, metadata: (metadata.pop("promoted"), put("preprocessing", plain)(_, metadata)))
    older = ReferenceDatabase.load(path)
    assert older.preprocessing == Preprocessing() and older.promoted == ()


HEADER_OF_5_GB = (5 * 2**30).to_bytes(8, "little")


@pytest.mark.parametrize(
    "content", [b"", b"\0", b"hello, this is text", HEADER_OF_5_GB, HEADER_OF_5_GB + b"{}" * 99, b"\xff" * 99, b"\2\0\0\0\0\0\0\0{}"],
)  # fmt: skip
def test_what_is_no_database_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "references.safetensors").write_bytes(content)
    with pytest.raises(InputError) as caught:
        ReferenceDatabase.load(tmp_path / "references.safetensors")
    assert len(caught.value.problems) == 1 and "Build it again" in str(caught.value)


def test_missing_database_and_folder(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.safetensors"):
        with pytest.raises(InputError, match="There is no database"):
            ReferenceDatabase.load(path)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damage_anywhere_is_refused_or_harmless(tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "references.safetensors"
    database().save(path)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(0, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(0, len(content)) | st.just(len(content)))])
    try:
        loaded = ReferenceDatabase.load(path)
    except InputError as error:
        assert len(error.problems) == 1
    else:
        assert np.isfinite(loaded.embeddings).all() and loaded.labels.max() < len(loaded.classes)


def test_another_model_is_refused_naming_both() -> None:
    database().check_model(Model("tiny", "0" * 64, 8))
    for other in (Model("dinov2_vitb14", "0" * 64, 8), Model("tiny", "1" * 64, 8)):
        with pytest.raises(InputError) as caught:
            database().check_model(other)
        for model in (database().model, other):
            assert model.name in str(caught.value) and model.sha256[:12] in str(caught.value)


def test_as_in_the_paper_class_tokens_are_compared_by_their_plain_cosine(tmp_path: Path) -> None:
    made = database(count=40, dim=4)
    vectors = np.concatenate([made.embeddings, made.embeddings[::-1]], axis=1)
    saved = replace(made, embeddings=vectors, model=replace(made.model, foreground=True))
    saved.save(tmp_path / "references.safetensors")
    loaded = ReferenceDatabase.load(tmp_path / "references.safetensors")
    assert loaded.model == saved.model and (loaded.embeddings == saved.embeddings).all()
    tensors = load_file(tmp_path / "references.safetensors")
    assert (tensors["embeddings"] == saved.embeddings[:, :4]).all()
    assert (tensors["foreground_embeddings"] == saved.embeddings[:, 4:]).all()
    paper = loaded.as_in_paper()
    assert paper.model == Model("tiny", "0" * 64, 4) and paper.as_in_paper().model == paper.model
    queries = np.random.default_rng(1).normal(size=(5, 4)).astype(np.float32)
    similarities, rows, _ = paper.nearest(queries / np.linalg.norm(queries, axis=1, keepdims=True), 40)
    class_tokens = saved.embeddings[:, :4].astype(np.float64)
    cosines = queries @ class_tokens.T / np.linalg.norm(queries, axis=1)[:, None] / np.linalg.norm(class_tokens, axis=1)
    assert similarities == pytest.approx(np.take_along_axis(cosines, rows, axis=1), abs=1e-5)
    assert (rows == np.argsort(-cosines, axis=1)).all()
