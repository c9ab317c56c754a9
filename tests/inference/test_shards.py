# SPDX-License-Identifier: GPL-3.0-or-later
"""Shares of an embedding and of a validation equal the whole job to the byte."""

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from synthetic_similarity_search.inference.database import ReferenceDatabase
from synthetic_similarity_search.inference.shard import Shard
from synthetic_similarity_search.tests.commands import last_json
from synthetic_similarity_search.tests.tiny_encoder import write_pictures, write_tiny_encoder
from synthetic_similarity_search.tests.tiny_scene import ROOT


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("station")
    write_tiny_encoder(folder / "tiny.onnx")
    write_pictures(folder / "references", 4, seed=0)
    write_pictures(folder / "photos", 5, seed=1)
    (folder / "photos" / "red" / "broken.png").write_text("no picture")
    Image.new("I;16", (32, 32), 3000).save(folder / "photos" / "blue" / "deep.png")
    done = command("embed", "--references", folder / "references", "--encoder", folder / "tiny.onnx")
    assert done.returncode == 0, done.stderr
    return folder


def command(*arguments: object) -> Any:
    import subprocess
    import sys

    return subprocess.run(
        [sys.executable, "-m", "inference", *map(str, arguments)],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def validate(station: Path, output: Path, *more: object) -> dict[str, Any]:
    done = command(
        *("validate", "--database", station / "references.safetensors", "--photos", station / "photos"),
        *("--output", output, "--encoder", station / "tiny.onnx", "--json", *more),
    )
    assert done.returncode == 0, done.stderr
    return last_json(done.stdout)


def results(output: Path) -> tuple[dict[str, Any], bytes]:
    metrics = json.loads((output / "metrics.json").read_text("utf-8"))
    return {name: value for name, value in metrics.items() if name != "seconds"}, (
        output / "predictions.csv"
    ).read_bytes()


def test_shares_of_a_validation(station: Path, tmp_path: Path) -> None:
    validate(station, tmp_path / "whole")
    output = tmp_path / "shared"
    assert [validate(station, output, "--shard", f"{number}/3").get("left") for number in (2, 1, 3)] == [2, 1, None]
    assert results(output) == results(tmp_path / "whole")
    assert sorted(path.name for path in output.iterdir()) == sorted(
        path.name for path in (tmp_path / "whole").iterdir()
    )


def test_a_whole_validation_knows_what_shares_did(station: Path, tmp_path: Path) -> None:
    validate(station, tmp_path / "whole")
    output = tmp_path / "shared"
    validate(station, output, "--shard", "1/2")
    (output / ".vectors-2-of-2.sqlite").write_text("damaged")
    validate(station, output)
    assert results(output) == results(tmp_path / "whole")


def test_shares_of_an_embedding(station: Path, tmp_path: Path) -> None:
    encoder, database = ("--encoder", station / "tiny.onnx"), tmp_path / "shared.safetensors"
    left = []
    for number in (1, 2):
        done = command(
            *("embed", "--references", station / "references", "--database", database, *encoder, "--json"),
            *("--shard", f"{number}/2"),
        )
        assert done.returncode == 0, done.stderr
        left.append(last_json(done.stdout).get("left"))
    assert left == [1, None]
    whole, shared = (ReferenceDatabase.load(path) for path in (station / "references.safetensors", database))
    for name in ("embeddings", "labels", "poses", "qualities"):
        assert getattr(whole, name).tobytes() == getattr(shared, name).tobytes()
    assert [path.name for path in tmp_path.iterdir()] == ["shared.safetensors"]


def test_shares_are_a_partition() -> None:
    items = list(range(11))
    for count in (1, 2, 5, 20):
        parts = [Shard(number, count).of(items) for number in range(1, count + 1)]
        assert sorted(item for part in parts for item in part) == items
        assert max(map(len, parts)) - min(map(len, parts)) <= 1
