# SPDX-License-Identifier: GPL-3.0-or-later
"""What is fuzzed: each target takes any bytes, and nothing but the two errors that users see as sentences may come of them.

Bytes become files in a scratch folder, which is the working directory of the command line, so that whatever is written
elsewhere shows.
"""

import contextlib
import io
import json
import os
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from inference import command_line, report
from inference.database import METADATA, ReferenceDatabase
from inference.embedding import find_references
from inference.encoder import Model
from inference.errors import InputError
from inference.preprocessing import Preprocessing, UnreadablePhoto

SCRATCH = tempfile.TemporaryDirectory()
FOLDER = Path(SCRATCH.name).resolve()
CORPUS = Path(__file__).parent / "corpus"
FIELDS = ("", "format_version", "promoted", *METADATA)
"""What the first byte of a database's input chooses: the whole file, or one of the texts in its header."""


def _valid_database() -> tuple[dict[str, object], bytes]:
    """Header and tensors of a small database."""
    path = FOLDER / "valid.safetensors"
    ReferenceDatabase(
        embeddings=np.eye(4, 8, dtype=np.float32),
        labels=np.arange(4) % 2,
        poses=np.stack([np.eye(4, dtype=np.float32)] * 4),
        classes=("a", "b"),
        images=tuple(f"references/{number}.png" for number in range(4)),
        model=Model("tiny", "0" * 64, 8),
        preprocessing=Preprocessing(),
        recipe={"created": "2025-01-01", "jitter": {"seed": 0}},
    ).save(path)
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    return json.loads(content[8 : 8 + length]), content[8 + length :]


HEADER, TENSORS = _valid_database()
(FOLDER / "references" / "a").mkdir(parents=True)
Image.new("RGB", (2, 2)).save(FOLDER / "references" / "a" / "0.png")


def database(data: bytes) -> None:
    """A database file, or a valid one with one text in its header replaced."""
    field = FIELDS[data[0] % len(FIELDS)] if data else ""
    content = data[1:]
    if field:
        metadata = HEADER["__metadata__"] | {field: content.decode("utf-8", "replace")}
        text = json.dumps(HEADER | {"__metadata__": metadata}).encode()
        content = len(text).to_bytes(8, "little") + text + TENSORS
    path = FOLDER / "fuzzed.safetensors"
    path.write_bytes(content)
    loaded = ReferenceDatabase.load(path)
    loaded.nearest(loaded.embeddings, 1)  # what is accepted can be used
    report.described(loaded.recipe)
    loaded.save(path)
    ReferenceDatabase.load(path)


def recipe(data: bytes) -> None:
    """A recipe beside one image."""
    (FOLDER / "references" / "recipe.json").write_bytes(data)
    references, content = find_references(FOLDER / "references")
    assert all(reference.path.resolve().is_relative_to(FOLDER) for reference in references)
    assert all(np.isfinite(reference.pose).all() for reference in references)
    json.dumps(content)


def photo(data: bytes) -> None:
    """A photo."""
    path = FOLDER / "photo"
    path.write_bytes(data)
    tensor = Preprocessing().read(path)
    assert tensor.shape == (3, 224, 224) and np.isfinite(tensor).all()


def arguments(data: bytes) -> None:
    """A command line, one argument a line; slashes are taken out, as a user may well write anywhere."""
    argv = [part.replace("\0", "").replace("/", "").replace("..", ".") for part in os.fsdecode(data).split("\n")]
    out, err = io.StringIO(), io.StringIO()
    before = Path.cwd()
    os.chdir(FOLDER / "references" / "a")
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = command_line.main(argv)
    finally:
        os.chdir(before)
    assert status in (0, 2), (argv, err.getvalue())
    assert "Traceback" not in err.getvalue() or "--debug" in argv
    if status == 2 and "--debug" not in argv:
        assert err.getvalue().strip()


TARGETS: dict[str, Callable[[bytes], None]] = {
    "database": database,
    "recipe": recipe,
    "photo": photo,
    "arguments": arguments,
}


def run(name: str, data: bytes) -> bool:
    """Whether the target takes ``data``; anything but a sentence for the user leaves as the finding that it is."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # users would see them
        try:
            TARGETS[name](data)
        except InputError as error:
            for problem in error.problems:
                assert "\n" not in problem and problem.strip(), problem
            return False
        except UnreadablePhoto as error:
            assert error.reason and "\n" not in error.reason, error.reason
            return False
    return True
