# SPDX-License-Identifier: GPL-3.0-or-later
"""What is fuzzed: each target takes any bytes, and nothing but the two errors that users see as sentences may come of them.

Bytes become files in a scratch folder, which is the working directory of the command line, so that whatever is written
elsewhere shows.
"""

import contextlib
import functools
import io
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from PIL import Image

from synthetic_similarity_search import batch
from synthetic_similarity_search.inference import command_line, report
from synthetic_similarity_search.inference.command_line import framework, options
from synthetic_similarity_search.inference.database import METADATA, ReferenceDatabase
from synthetic_similarity_search.inference.embedding import find_references
from synthetic_similarity_search.inference.encoder import Model
from synthetic_similarity_search.inference.errors import InputError
from synthetic_similarity_search.inference.preprocessing import Preprocessing, UnreadablePhoto, crop_box, open_photo

SCRATCH = tempfile.TemporaryDirectory()
FOLDER = Path(SCRATCH.name).resolve()
ROOT = Path(__file__).resolve().parents[2]
CORPUS = Path(__file__).resolve().parent / "corpus"
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


def crop(data: bytes) -> None:
    """Width and height of a photo, the value of ``--crop``, and after a zero byte a photo of another kind."""
    text, _, other = data[2:].partition(b"\0")
    parser = framework.Parser(prog="crop")
    options.add_photo_arguments(parser)
    share = parser.parse_args([f"--crop={os.fsdecode(text)}"]).crop
    width, height = (1 + side for side in data[:2])
    path = FOLDER / "photo.png"
    Image.new("RGB", (width, height)).save(path)
    left, top, right, bottom = crop_box(share, width, height)
    assert 0 <= left < right <= width and 0 <= top < bottom <= height
    try:
        assert open_photo(path, 224, share).size == (right - left, bottom - top)
    except UnreadablePhoto as error:
        raise AssertionError(error.reason) from None  # what --crop takes can be cut out
    if other:
        path.write_bytes(other)
        assert Preprocessing(crop=share).read(path).shape == (3, 224, 224)


def arguments(data: bytes) -> None:
    """A command line, its arguments parted by zero bytes; without slashes, as a user may well write anywhere."""
    argv = [part.replace("/", "").replace("..", ".") for part in os.fsdecode(data).split("\0")]
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
    if status == 2 and "--json" in argv:
        assert not [problem for problem in json.loads(out.getvalue().splitlines()[-1])["problems"] if "\n" in problem]


STEP = re.split(
    r"(#\d+|'[^']*'|[A-Z_]{3,}|[-+.\dE]+|[(),;=])", ROOT.joinpath("tests/data/assembly.step").read_text("utf-8")
)
LONGEST = 5000
"""Characters of a token that grows: edits of one file could double it again and again."""

EXTREME = (
    "1.E308",
    "-1.E308",
    "0.",
    "-0.",
    "1.E-308",
    "NAN",
    "9" * 400,
    "#0",
    "#1",
    "''",
    "'\\X2\\D800\\X0\\'",
    "$",
    "*",
    "(" * 999,
)


def edited_step(edits: bytes) -> str:
    """A valid STEP file with a few of its tokens taken out, put elsewhere or made extreme, five bytes for each."""
    tokens = list(STEP)
    for start in range(0, len(edits) - 4, 5):
        edit = edits[start : start + 5]
        first, second = (int.from_bytes(edit[at : at + 2], "little") % len(tokens) for at in (1, 3))
        match edit[0] % 5:
            case 0:
                tokens[first] = ""
            case 1:
                tokens[first] = tokens[second]
            case 2:
                tokens[first] = (tokens[first] + tokens[second])[:LONGEST]
            case 3:
                tokens[first], tokens[second] = tokens[second], tokens[first]
            case 4:
                tokens[first] = EXTREME[second % len(EXTREME)]
    return "".join(tokens)


def convert_in_fork(command: list[str], *, timeout: float, **_: object) -> "subprocess.CompletedProcess[bytes]":
    """What ``subprocess.run`` does for a conversion, in a fork that has loaded Open CASCADE already."""
    child = os.fork()
    if not child:
        status = 1
        try:
            for number in (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL):
                signal.signal(number, signal.SIG_DFL)  # a crash there is no finding
            nowhere = os.open(os.devnull, os.O_RDWR)
            for stream in range(3):
                os.dup2(nowhere, stream)
            sys.argv = command[command.index("--") - 1 :]
            exec(command[command.index("--") - 1], {})
            status = 0
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else int(bool(end.code))
        finally:
            os._exit(status & 255)
    deadline = time.monotonic() + timeout
    while not (ended := os.waitpid(child, os.WNOHANG))[0]:
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            raise subprocess.TimeoutExpired(command, timeout)
        time.sleep(0.001)
    return subprocess.CompletedProcess(command, os.waitstatus_to_exitcode(ended[1]), b"", b"")


@functools.cache
def cad_import() -> Any:
    """The importer in a Blender of this process; conversions are limited to what fuzzing can wait for."""
    batch.load_package()
    import addon_utils
    import cascadio  # noqa: F401  before the forks

    from synthetic_similarity_search.scene import cad_import

    addon_utils.enable("io_scene_gltf2", default_set=False)
    return cad_import


def step(data: bytes) -> None:
    """Edits of a STEP file, or after an odd byte its whole text, converted and imported."""
    text = data[1:] if data and data[0] % 2 else edited_step(data[1:]).encode("utf-8", "replace")
    path = FOLDER / "part.step"
    path.write_bytes(text)
    with mock.patch.object(subprocess, "run", convert_in_fork):
        _import(path)


IMPORTED = ("igs", "3mf", "obj", "ply", "stl", "glb", "usdc", "fbx")


def imported(suffix: str) -> Callable[[bytes], None]:
    """A target whose bytes are a CAD file; what may crash of it runs in another process, with limits."""

    def target(data: bytes) -> None:
        path = FOLDER / f"part{suffix}"
        path.write_bytes(data)
        _import(path)

    return target


def _import(path: Path) -> None:
    """Import a file with limits that fuzzing can wait for."""
    importer = cad_import()
    import bpy

    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    with (
        mock.patch.multiple(
            "synthetic_similarity_search.scene.cad.tessellation", CONVERSION_SECONDS=5, CONVERSION_BYTES=4 * 2**30
        ),
        mock.patch.multiple(
            "synthetic_similarity_search.scene.blender_importers", IMPORT_SECONDS=15, IMPORT_BYTES=4 * 2**30
        ),
    ):
        try:
            found = importer.import_cad(path)
        except importer.InputError as error:
            assert not bpy.data.objects and not bpy.data.meshes
            raise InputError(*error.problems) from None
    assert all(item.type not in ("LIGHT", "CAMERA", "SPEAKER") for item in found.objects)


TARGETS: dict[str, Callable[[bytes], None]] = {
    "database": database,
    "recipe": recipe,
    "photo": photo,
    "crop": crop,
    "arguments": arguments,
    "step": step,
    **{name: imported(f".{name}") for name in IMPORTED},
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
