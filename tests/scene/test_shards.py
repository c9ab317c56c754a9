# SPDX-License-Identifier: GPL-3.0-or-later
"""Shares of a render, by themselves and at the same time, equal the whole job to the byte."""

import json
import os
import socket
import time
from pathlib import Path

import pytest

from synthetic_similarity_search.inference.database import ReferenceDatabase
from synthetic_similarity_search.inference.errors import InputError
from synthetic_similarity_search.inference.shard import Shard
from synthetic_similarity_search.scene.crashes import Crashes
from synthetic_similarity_search.scene.folder_lock import locked
from synthetic_similarity_search.scene.planned_image import PlannedImage
from synthetic_similarity_search.tests.commands import last_json, run
from synthetic_similarity_search.tests.rendering import contents
from synthetic_similarity_search.tests.tiny_encoder import write_tiny_encoder
from synthetic_similarity_search.tests.tiny_scene import WARNING


def build(blend_file: Path, output: Path, *more: object) -> tuple[int, dict[str, object]]:
    encoder = blend_file.with_name("shards.onnx")
    if not encoder.exists():
        write_tiny_encoder(encoder)
    done = run("--scene", blend_file, "build", "--output", output, "--encoder", encoder, "--json", *more)
    return done.returncode, last_json(done.stdout)


def made(folder: Path) -> dict[str, bytes]:
    """The references, the plan and the vectors, without dates."""
    database = ReferenceDatabase.load(folder / "references.safetensors")
    recipe = json.loads((folder / "references" / "recipe.json").read_text("utf-8"))
    vectors = {name: getattr(database, name).tobytes() for name in ("embeddings", "labels", "poses")}
    texts = {"images": database.images, "recipe": {**recipe, "created": None}}
    return contents(folder / "references") | vectors | {name: json.dumps(text).encode() for name, text in texts.items()}


@pytest.fixture(scope="module")
def whole(blend_file: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("whole")
    assert build(blend_file, folder)[0] == 0
    return made(folder)


def test_the_last_share_joins_them_all(blend_file: Path, whole: dict[str, bytes], tmp_path: Path) -> None:
    seen = []
    for number in (3, 1, 2):
        assert not (tmp_path / "references.safetensors").exists()
        status, result = build(blend_file, tmp_path, "--shard", f"{number}/3")
        assert status == 0
        seen.append((result["images"], result["rendered"], result["left"], "database" in result))
    assert seen == [(4, 1, 3, False), (4, 2, 1, False), (4, 1, 0, True)]
    assert result["warnings"][0] == WARNING
    assert made(tmp_path) == whole
    assert sorted(path.name for path in (tmp_path / "references").iterdir()) == ["absent", "present", "recipe.json"]


def test_a_later_whole_build_joins_them(blend_file: Path, whole: dict[str, bytes], tmp_path: Path) -> None:
    assert build(blend_file, tmp_path, "--shard", "1/2")[0] == 0
    status, result = build(blend_file, tmp_path)
    assert (status, result["rendered"], made(tmp_path)) == (0, 2, whole)
    assert build(blend_file, tmp_path, "--shard", "2/2", "--fresh")[1]["rendered"] == 2, "fresh: its own share again"
    assert made(tmp_path) == whole


def test_shares_at_the_same_time(blend_file: Path, whole: dict[str, bytes], tmp_path: Path) -> None:
    """The first holds its lock while the second works; a whole job waits for both."""
    with locked(tmp_path / "references", Shard(1, 2)):
        assert build(blend_file, tmp_path, "--shard", "2/2")[0] == 0
        for same in ((), ("--shard", "1/2")):
            status, result = build(blend_file, tmp_path, *same)
            assert status == 2 and "Another job on" in result["problems"][0]
    with locked(tmp_path / "references"):
        assert build(blend_file, tmp_path, "--shard", "1/2")[0] == 2
    assert build(blend_file, tmp_path, "--shard", "1/2")[0] == 0
    assert made(tmp_path) == whole


def test_a_share_that_died_elsewhere(tmp_path: Path) -> None:
    """A queue starts it again on another machine at once; a whole job waits until it has been silent for long."""
    lock = tmp_path / ".lock-1-of-2"
    lock.write_text('{"pid": 1, "host": "another-machine"}', "utf-8")
    with pytest.raises(InputError, match="job on another-machine"), locked(tmp_path):
        pass
    assert not (tmp_path / ".lock").exists()
    with locked(tmp_path, Shard(1, 2)):
        assert json.loads(lock.read_text("utf-8"))["host"] == socket.gethostname()
    assert not lock.exists()
    lock.write_text('{"pid": 1, "host": "another-machine"}', "utf-8")
    os.utime(lock, (time.time() - 3600,) * 2)
    with locked(tmp_path):
        assert not lock.exists()


def test_crashes_of_shares_count_in_the_whole_job(tmp_path: Path, blend_file: Path) -> None:
    key = "k"
    image = PlannedImage("a/a_0000.png", "a", 0, 0, None, None, key)  # type: ignore[arg-type]
    (tmp_path / ".rendering-1-of-2").write_text(key, "utf-8")
    crashes = Crashes(tmp_path, Shard(1, 2))
    crashes.add(key)
    assert not crashes.given_up(image)
    (tmp_path / ".rendering-1-of-2").write_text(key, "utf-8")
    assert Crashes(tmp_path).given_up(image)
    assert [path.name for path in tmp_path.iterdir()] == [".crashes.json"]
    assert Crashes(tmp_path, Shard(2, 2)).given_up(image)


@pytest.mark.parametrize("shard", ["0/2", "3/2", "1", "a/b", "1/2/3", "-1/2", "٣/٤"])
def test_a_share_that_does_not_exist(blend_file: Path, tmp_path: Path, shard: str) -> None:
    status, result = build(blend_file, tmp_path, f"--shard={shard}")
    assert status == 2 and "A share is I/N, such as 1/4" in result["problems"][0]  # type: ignore[index]


def test_more_shares_than_images(blend_file: Path, tmp_path: Path) -> None:
    status, result = build(blend_file, tmp_path, "--shard", "9/9")
    assert (status, result["rendered"], result["left"]) == (0, 0, 4)
