# SPDX-License-Identifier: GPL-3.0-or-later
"""The documentation is true: its commands run, its links lead somewhere, the messages it explains are those of the code."""

import ast
import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from synthetic_similarity_search.tests.documented import PAGES, commands
from synthetic_similarity_search.tests.tiny_encoder import real_encoder, write_pictures

ROOT = Path(__file__).resolve().parents[2]
CODE = [
    ROOT / "batch.py",
    ROOT / "preferences.py",
    *(
        path
        for folder in ("inference", "interface", "operators", "scene")
        for path in (ROOT / folder).rglob("*.py")
        if not path.name.startswith("german")
    ),
]
FAQ = (ROOT / "docs" / "faq.md").read_text("utf-8")
TOO_LONG = {
    "examples/station/demo.py": "the demo renders for minutes; CI runs it by itself",
    "benchmarks": "benchmarks run for hours",
}


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory, blend_file: Path, references: Path) -> Path:
    """A folder in which the placeholders of the documentation exist."""
    real_encoder()
    folder = tmp_path_factory.mktemp("workplace")
    for name in ("batch.py", "inference", "models", "examples", "benchmarks", "requirements", "tools"):
        (folder / name).symlink_to(ROOT / name)
    shutil.copy(blend_file, folder / "SCENE.blend")
    shutil.copytree(references, folder / "DIR" / "references")
    for label in ("present", "absent"):
        shutil.copytree(references / label, folder / "PHOTOS" / label)
    shutil.copy(next(references.glob("present/*.png")), folder / "PHOTO.jpg")
    (plant_file,) = re.findall(r"(?ms)^ *```toml\n(.*?)^ *```", (ROOT / "docs" / "plant.md").read_text("utf-8"))
    (folder / "plant.toml").write_text(textwrap.dedent(plant_file), "utf-8")
    for name in ("door-left", "door-right"):
        shutil.copytree(folder / "PHOTOS", folder / "stations" / name / "photos")
        shutil.copy(blend_file, folder / "stations" / name / "station.blend")
    write_pictures(folder / "DIR" / "references", 2, seed=0, classes=("old", "older"))
    write_pictures(folder / "OTHER" / "references", 2, seed=1, classes=("present",))
    write_pictures(folder / "UNLABELLED", 2, seed=3)
    write_pictures(folder / "VERIFIED", 1, seed=2, classes=("present",))
    for arguments in (
        "embed --references DIR/references",
        "embed --references OTHER/references",
        "export-onnx --database DIR/references.safetensors --output station.onnx",
    ):
        subprocess.run(
            [sys.executable, "-m", "inference", *arguments.split()], cwd=folder, check=True, capture_output=True
        )
    return folder


@pytest.mark.parametrize("page, command", commands(), ids=lambda text: text[:60])
def test_commands(workplace: Path, page: str, command: str) -> None:
    words = shlex.split(command)
    environment = os.environ.copy()
    while "=" in words[0]:
        name, _, environment[name] = words.pop(0).partition("=")
    for name, reason in TOO_LONG.items():
        if words[0] == "python" and words[1].startswith(name):
            assert (ROOT / words[1]).exists()
            pytest.skip(reason)
    if words[1:3] == ["-m", "pytest"]:
        assert (ROOT / words[3]).exists()
        pytest.skip("the suite runs it by itself")
    if "--cluster" in words and importlib.util.find_spec("distributed") is None:
        pytest.skip("needs Dask, which `make test-cluster` installs")
    if "match" in words:
        words += ["--candidates", "1"]  # the default takes minutes
    if words[0] == "make":
        words.insert(1, "--dry-run")
    elif words[0] == "python":
        words[0] = sys.executable
    elif words[0] == "pip":
        assert (ROOT / words[words.index("-r") + 1]).is_file() and "--require-hashes" in words
        pytest.skip("installs packages from the network; the file is there and asks for hashes")
    elif words[0] == "blender":
        pytest.skip("needs a Blender with the extension installed: test_real_blender.py runs it where there is one")
    folder = ROOT if words[0] == "make" else workplace
    done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_there_are_commands() -> None:
    assert len(commands()) > 8


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_pictures_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
        if not re.match(r"[a-z]+:", target):
            path, _, heading = target.partition("#")
            linked = (page.parent / path) if path else page
            assert linked.exists(), target
            if heading:
                headings = re.findall(r"(?m)^#+ (.*)$", linked.read_text("utf-8"))
                assert heading in {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in headings}, (
                    target
                )


@pytest.mark.parametrize("folder", ["inference", "scene"])
def test_the_page_of_a_folder_names_all_its_modules(folder: str) -> None:
    page = (ROOT / folder / "README.md").read_text("utf-8")
    named = set(re.findall(r"`(\w+\.py)`", page))
    modules = {path.name for path in (ROOT / folder).glob("*.py") if not path.name.startswith("__")}
    inner = {path.name for path in (ROOT / folder).glob("*/*.py")}
    assert modules <= named <= modules | inner


def text(node: ast.AST) -> str | None:
    """A text in the code, with "…" for what is filled in; None for anything else."""
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else "…" for part in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def texts() -> list[str]:
    """Every text in the code."""
    nodes = (node for path in CODE for node in ast.walk(ast.parse(path.read_text("utf-8"))))
    return [found for node in nodes if (found := text(node)) is not None]


EXPLAINED = ("scene/blender_importers", "scene/cad_import", "scene/cad/tessellation", "scene/cad/three_mf", "scene/check", "scene/stills", "inference/database", "inference/embedding",
             "inference/encoder", "inference/preprocessing")  # fmt: skip
"""The modules whose every message may meet a user who did nothing unusual."""


def messages() -> set[str]:
    """The sentences by which these modules refuse what they were given, with "…" for what is filled in."""
    found = set()
    for module in EXPLAINED:
        for node in ast.walk(ast.parse((ROOT / f"{module}.py").read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in {
                "InputError",
                "Problem",
                "UnreadablePhoto",
            }:
                found |= {text(argument) for argument in node.args[:1]} - {None}
    return found


def test_every_message_that_users_meet_is_explained() -> None:
    explained = "\n".join(line[2:] for line in FAQ.splitlines() if line.startswith("> "))
    missing = [
        message
        for message in messages()
        if not re.search("^" + re.escape(message).replace("…", "(…|.+)") + "$", explained, re.MULTILINE)
    ]
    assert len(messages()) > 40 and not missing, missing


def test_the_messages_explained_are_those_of_the_code() -> None:
    quoted = re.findall(r"(?m)^> (.*)$", FAQ)
    known = texts()
    # What one text leaves open, another may say: the quoted one has to consist of texts of the code.
    unknown = [
        message
        for message in quoted
        if not all(
            any(part in each for each in known) for part in (piece.strip(" .") for piece in message.split("…")) if part
        )
    ]
    assert len(quoted) > 15 and not unknown
