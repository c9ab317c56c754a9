# SPDX-License-Identifier: GPL-3.0-or-later
"""Input that someone made to do harm, or that is merely broken: a sentence and exit status 2, and nothing else happens."""

import csv
import io
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from synthetic_similarity_search.inference.errors import InputError
from synthetic_similarity_search.scene import command_line as scene_command_line
from synthetic_similarity_search.scene import crashes, folder_lock, recipe
from synthetic_similarity_search.scene.read_settings import read_settings
from synthetic_similarity_search.tests.fuzz import targets
from synthetic_similarity_search.tests.tiny_encoder import write_pictures, write_tiny_encoder

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = 200
MEMORY = 3 * 2**30

quick = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))


def seeds(target: str) -> list[bytes]:
    """The corpus of one target."""
    return [path.read_bytes() for path in sorted((targets.CORPUS / target).iterdir())]


def mutated(content: bytes, data: st.DataObject) -> bytes:
    """``content`` with a few bytes changed, doubled or cut off."""
    changed = bytearray(content)
    for _ in range(data.draw(st.integers(1, 8))):
        place = data.draw(st.integers(0, len(changed)))
        piece = data.draw(st.binary(max_size=8))
        match data.draw(st.sampled_from(("replace", "insert", "repeat", "cut"))):
            case "replace":
                changed[place : place + len(piece)] = piece
            case "insert":
                changed[place:place] = piece
            case "repeat":
                changed[place:place] = changed[place : place + 64]
            case "cut":
                del changed[place:]
    return bytes(changed)


@pytest.mark.parametrize("target", targets.TARGETS)
def test_the_corpus_of_the_fuzzers(target: str) -> None:
    taken = [targets.run(target, content) for content in seeds(target)]
    assert any(taken), "some of it is valid"


@pytest.mark.reliability(
    "input", "mutated databases, recipes, photos, crops, CAD files and command lines", "taken, or one sentence each"
)
@pytest.mark.parametrize("target", targets.TARGETS)
def test_mutations(target: str, record_property: Callable[[str, object], None]) -> None:
    start = seeds(target)
    # A conversion takes a tenth of a second, and an import in another Blender more than one.
    examples = EXAMPLES // 40 if target in targets.IMPORTED else EXAMPLES // 8 if target == "step" else EXAMPLES

    @settings(quick, max_examples=examples)
    @given(st.data())
    def check(data: st.DataObject) -> None:
        targets.run(target, mutated(data.draw(st.sampled_from(start)), data))

    check()
    record_property("executions", examples)


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.just(10**400) | st.floats() | st.text(max_size=8) | st.just("../x"),
    lambda inner: st.lists(inner, max_size=20) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=40,
)


@pytest.mark.reliability(
    "input", "any JSON as each entry of a database's header and of a recipe's images", "taken, or one sentence each"
)
def test_any_json_in_the_place_of_any_other(record_property: Callable[[str, object], None]) -> None:
    image = {"path": "a/0.png", "class": "a", "key": "1", "pose": [[1, 0, 0, 0]] * 4}
    preprocessing = json.loads(targets.HEADER["__metadata__"]["preprocessing"])

    @quick
    @given(st.sampled_from(targets.FIELDS[1:]), st.sampled_from(sorted(image)), ANY_JSON)
    def check(field: str, entry: str, value: object) -> None:
        number = bytes([targets.FIELDS.index(field)])
        targets.run("database", number + json.dumps(value).encode())
        targets.run(
            "database",
            bytes([targets.FIELDS.index("preprocessing")]) + json.dumps(preprocessing | {"crop": value}).encode(),
        )
        targets.run("recipe", json.dumps({"images": [image | {entry: value}]}).encode())
        targets.run("recipe", json.dumps({"images": value}).encode())

    check()
    record_property("executions", 4 * EXAMPLES)


@pytest.mark.reliability(
    "input", "any text as arguments of the commands that work on a scene", "exit status 0 or 2, no traceback"
)
def test_any_arguments_on_a_scene(
    scene: object, capfd: pytest.CaptureFixture[str], record_property: Callable[[str, object], None]
) -> None:
    known = (
        "--samples",
        "--seed",
        "--resolution",
        "--k",
        "--classes",
        "--model",
        "--images-per-class",
        "--encoder",
        "--json",
    )
    text = (
        st.sampled_from(known) | st.text(st.characters(exclude_characters="\0"), max_size=12) | st.integers().map(str)
    )

    @quick
    @given(st.lists(text, max_size=6))
    def check(arguments: list[str]) -> None:
        status = scene_command_line.main(["check", *arguments], "simsearch")
        _, said = capfd.readouterr()
        assert status in (0, 2) and "Traceback" not in said, said

    check()
    record_property("executions", EXAMPLES)


def run(*arguments: object, folder: Path) -> tuple[int, str, str]:
    """The command line in a process of its own, with a limit of memory."""
    limited = f"import resource, runpy, sys; resource.setrlimit(resource.RLIMIT_AS, ({MEMORY}, {MEMORY}))"
    program = f"{limited}; runpy.run_module('synthetic_similarity_search.inference', run_name='__main__')"
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)], cwd=folder, capture_output=True, text=True, timeout=120, check=False,
        env=os.environ | {"SIMSEARCH_THREADS": "1"},
    )  # fmt: skip
    assert "Traceback" not in done.stderr and not re.search(r"[a-z]Warning", done.stderr), done.stderr  # Python's
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an encoder, references and a database."""
    folder = tmp_path_factory.mktemp("station")
    write_tiny_encoder(folder / "tiny.onnx")
    write_pictures(folder / "references", 3, seed=0)
    assert run("embed", "--references", "references", "--encoder", "tiny.onnx", folder=folder)[0] == 0
    return folder


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot limit a process's memory like this")
@pytest.mark.reliability(
    "input", "a database whose header claims 5 GB, in a file of 6 GB", "one sentence within 3 GB of address space"
)
@pytest.mark.parametrize("claim", [5 * 2**30, 2**63 + 5, 2**64 - 1, 99 * 10**6])
def test_a_claim_of_gigabytes_costs_a_sentence(tmp_path: Path, claim: int) -> None:
    with (tmp_path / "d.safetensors").open("wb") as file:
        file.write(claim.to_bytes(8, "little") + b"{")
        file.truncate(6 * 2**30)  # sparse
    status, _, said = run("check", "--database", "d.safetensors", folder=tmp_path)
    assert status == 2 and len(said.splitlines()) == 1 and "build it again" in said.lower()


def image_file(size: tuple[int, int], kind: str, mode: str = "L", **options: Any) -> bytes:
    file = io.BytesIO()
    Image.new(mode, size).save(file, kind, **options)
    return file.getvalue()


BOMBS: dict[str, Callable[[], bytes]] = {
    "png of 225 megapixels": lambda: image_file((15_000, 15_000), "PNG"),
    "gif of 225 megapixels": lambda: image_file((15_000, 15_000), "GIF"),
    "tiff of 225 megapixels": lambda: image_file((15_000, 15_000), "TIFF", compression="tiff_adobe_deflate"),
    "text of 100 megabytes in a png": lambda: png_with_text(100_000_000),
    "ppm that claims a terapixel": lambda: b"P6 1000000 1000000 255\n",
    "bmp that claims a terapixel": lambda: (
        b"BM" + bytes(12) + (40).to_bytes(4, "little") + (10**6).to_bytes(4, "little") * 2 + bytes(28)
    ),
}


def png_with_text(length: int) -> bytes:
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text("a", "a" * length, zip=True)
    return image_file((1, 1), "PNG", pnginfo=info)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot limit a process's memory like this")
@pytest.mark.reliability("input", "decompression bombs as photos", "one sentence each within 3 GB of address space")
@pytest.mark.parametrize("bomb", BOMBS)
def test_bombs(station: Path, tmp_path: Path, bomb: str) -> None:
    (tmp_path / "bomb").write_bytes(BOMBS[bomb]())
    status, _, said = run(
        "classify",
        "--database",
        station / "references.safetensors",
        "--encoder",
        station / "tiny.onnx",
        "bomb",
        folder=tmp_path,
    )
    assert status == 2 and said.count("bomb: ") == 1, said


def place_pipe(path: Path) -> None:
    os.mkfifo(path)


def place_loop(path: Path) -> None:
    path.symlink_to(path.name)


ODD: dict[str, Callable[[Path], object]] = {
    "pipe": place_pipe,
    "loop of links": place_loop,
    "link to a pipe": lambda path: (place_pipe(path.with_suffix(".pipe")), path.symlink_to(path.with_suffix(".pipe"))),
    "link to an endless device": lambda path: path.symlink_to("/dev/zero"),
    "folder": lambda path: path.mkdir(),
    "empty file": lambda path: path.touch(),
    "link to nothing": lambda path: path.symlink_to("nothing"),
    "link to another file": lambda path: path.symlink_to("/etc/passwd"),
}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pipes and devices in folders")
@pytest.mark.reliability(
    "input",
    "pipes, devices, loops of links and folders as photos, recipe, database and encoder",
    "a sentence for each, no waiting",
)
@pytest.mark.parametrize("odd", ODD)
def test_what_is_no_file(station: Path, tmp_path: Path, odd: str) -> None:
    database, encoder = station / "references.safetensors", station / "tiny.onnx"
    write_pictures(tmp_path / "references", 1, seed=0)
    for place in (
        tmp_path / "photo.png",
        tmp_path / "references" / "recipe.json",
        tmp_path / "d.safetensors",
        tmp_path / "e.onnx",
    ):
        ODD[odd](place)
    for command in (
        ("classify", "--database", database, "--encoder", encoder, "photo.png"),
        ("embed", "--references", "references", "--encoder", encoder),
        ("check", "--database", "d.safetensors"),
        (
            "classify",
            "--database",
            database,
            "--encoder",
            "e.onnx",
            encoder.with_name("references") / "red" / "0000.png",
        ),
    ):
        if odd == "link to nothing" and command[0] == "embed":
            continue  # as if there were no recipe
        status, _, said = run(*command, folder=tmp_path)
        assert status == 2 and said.strip(), (command, said)


def snapshot(folder: Path) -> dict[str, object]:
    """Everything below a folder: links as links, files with their content."""
    return {
        str(path.relative_to(folder)): path.readlink() if path.is_symlink() else path.is_file() and path.read_bytes()
        for path in folder.rglob("*")
    }


@pytest.mark.skipif(sys.platform == "win32", reason="on Windows only administrators make links")
@pytest.mark.reliability(
    "input",
    "links in place of everything that is written, and loops of folders",
    "nothing outside is written or removed",
)
def test_nothing_is_written_through_links(station: Path, tmp_path: Path) -> None:
    outside, output = tmp_path / "outside", tmp_path / "out"
    output.mkdir()
    shutil.copytree(station / "references", outside / "photos")
    for name in (
        ".vectors.sqlite",
        "0000.png",
        "metrics.json",
        "predictions.csv",
        "report.html",
        "d.safetensors",
        "d.onnx",
        "p.json",
    ):
        (outside / name).write_text(f"not to be changed {name}")
        (output / name).symlink_to(outside / name)
    (output / "photos").symlink_to(outside / "photos")
    (output / "photos" / "red" / "loop").symlink_to(output)
    before = snapshot(outside)
    encoder = ("--encoder", station / "tiny.onnx")
    for command in (
        ("embed", "--references", output / "photos", "--database", output / "d.safetensors"),
        (
            "validate",
            "--database",
            output / "d.safetensors",
            "--photos",
            output / "photos",
            "--output",
            output,
            "--fresh",
        ),
        (
            "classify",
            "--database",
            station / "references.safetensors",
            station / "references" / "red" / "0000.png",
            "--evidence",
            output,
        ),
        ("edit", "--database", output / "d.safetensors", "--remove", "red", "--progress-file", output / "p.json"),
        ("export-onnx", "--database", output / "d.safetensors", "--output", output / "d.onnx"),
    ):
        status, _, said = run(*command, *encoder, folder=tmp_path)
        assert status == 0, said
    assert snapshot(outside) == before
    assert not (output / "metrics.json").is_symlink() and (output / "photos").is_symlink()


@pytest.mark.skipif(sys.platform == "win32", reason="on Windows only administrators make links")
@pytest.mark.reliability(
    "input", "a link in place of a class's folder of references", "refused by name; nothing outside is touched"
)
@pytest.mark.parametrize("more", [(), ("--fresh",)])
def test_references_are_not_rendered_through_links(
    scene: Any, references: Path, tmp_path: Path, more: tuple[str, ...], capfd: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(references / "present", tmp_path / "outside")
    (tmp_path / "out" / "references").mkdir(parents=True)
    (tmp_path / "out" / "references" / "present").symlink_to(tmp_path / "outside")
    before = snapshot(tmp_path)
    assert scene_command_line.main(["render", "--output", str(tmp_path / "out"), *more], "simsearch") == 2
    assert "present is a link" in capfd.readouterr().err
    assert snapshot(tmp_path) == before


@pytest.mark.reliability(
    "input", "a scene with a script that runs itself and a driver that calls Python", "neither is executed"
)
def test_a_scene_executes_nothing(scene: Any, tmp_path: Path) -> None:
    import bpy

    evil = f"open({str(tmp_path / 'executed')!r}, 'w')"
    text = bpy.data.texts.new("evil.py")
    text.write(evil)
    text.use_module = True
    driver = scene.camera.driver_add("location", 0).driver
    driver.type, driver.expression = "SCRIPTED", f"[{evil}, 0][1]"
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "evil.blend"))
    (tmp_path / "executed").unlink(missing_ok=True)  # this process trusts its own scene
    done = subprocess.run(
        [sys.executable, str(ROOT / "batch.py"), "--scene", str(tmp_path / "evil.blend"), "check"],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode in (0, 2) and "Traceback (most recent call last)" not in done.stderr, done.stderr
    assert not (tmp_path / "executed").exists()


@pytest.mark.reliability(
    "input",
    "any bytes or JSON as the files that a job keeps for the next one, and as a share of a job",
    "taken, or one sentence each",
)
def test_what_a_job_left_is_any_file(
    scene: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str], record_property: Callable[[str, object], None]
) -> None:
    image = {
        "path": "present/p.png",
        "class": "present",
        "variant": 0,
        "index": 0,
        "key": "1",
        "pose": [[1, 0, 0, 0]] * 4,
    }
    names = (".lock", ".crashes.json", ".rendering", "recipe.json")
    content = st.binary(max_size=40) | ANY_JSON.map(lambda value: json.dumps(value).encode()) | st.just(b"[" * 100_000)

    @settings(quick, max_examples=EXAMPLES // 4)
    @given(st.sampled_from(names), content, st.sampled_from(sorted(image)), ANY_JSON)
    def check(name: str, left: bytes, entry: str, value: object) -> None:
        (tmp_path / name).write_bytes(left)
        try:
            with folder_lock.locked(tmp_path):
                crashes.Crashes(tmp_path)
                recipe.write(tmp_path, scene, read_settings(scene), [])
        except InputError as error:
            assert name == ".lock" and len(error.problems) == 1
        for path in tmp_path.iterdir():
            path.unlink()
        for share in (json.dumps([image | {entry: value}]).encode(), left):
            if share in (b"[]", b"{}", b'""'):
                continue  # nothing to render
            (tmp_path / "share.json").write_bytes(share)
            arguments = ["--output", str(tmp_path / "out"), "--images", str(tmp_path / "share.json")]
            status = scene_command_line.main(["render-share", *arguments, "--scene-name", scene.name], "simsearch")
            said = capfd.readouterr().err
            assert status == 2 and "Traceback" not in said, said
            assert sorted(path.name for path in tmp_path.iterdir()) == ["share.json"]

    check()
    record_property("executions", 3 * EXAMPLES // 4)


HARMFUL = [
    "<script>alert(1)<", '"onload="alert(1)', "<img src=x onerror=alert(1)>", "=cmd|' '!A0", "@SUM(1+1)", "+1", "-1", "a\tb", "a\nb",
    "{{7*7}}", "%s%n", "`id`", "$(id)", "';--", "\u202egnp.exe", "&lt;", "]]>", "..",
]  # fmt: skip


class Elements(HTMLParser):
    """The tags and attributes of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found |= {tag, *(name for name, _ in attrs)}


@pytest.mark.reliability(
    "input",
    "HTML, templates, formulas and control characters as names of photos and classes",
    "text in the report, text in the cells, nothing written elsewhere",
)
def test_names_are_text_everywhere(tmp_path: Path) -> None:
    def named(path: Path, names: list[str]) -> list[Path]:
        return [path / name for name in names if name != ".." and "/" not in name]

    labels = [name for name in HARMFUL if not set(name) & set('<>"|?*\t\n\r') and name != ".."]
    write_tiny_encoder(tmp_path / "tiny.onnx")
    write_pictures(tmp_path / "references", 2, seed=0, classes=())
    # Every class has a picture of its own, or which is nearer would be a matter of rounding; photos show the first's.
    generator = np.random.default_rng(0)
    pictures = [Image.fromarray(generator.integers(0, 256, (32, 32, 3), np.uint8)) for _ in labels]
    for folder, files, shown_by in (
        (tmp_path / "references", ["0.png", "1.png"], pictures),
        (tmp_path / "photos", [f"{name}.png" for name in HARMFUL if name != ".."], pictures[:1] * len(pictures)),
    ):
        for place, picture in zip(named(folder, labels), shown_by, strict=True):
            place.mkdir(parents=True)
            for name in files:
                picture.save(place / name)
    database = tmp_path / "references.safetensors"
    status, _, said = run("embed", "--references", "references", "--encoder", "tiny.onnx", folder=tmp_path)
    assert status == 0, said
    before = {path for path in tmp_path.rglob("*") if (tmp_path / "out") not in path.parents}
    status, _, said = run(
        "validate",
        "--database",
        database,
        "--photos",
        "photos",
        "--output",
        "out",
        "--encoder",
        "tiny.onnx",
        folder=tmp_path,
    )
    assert status == 0, said
    assert {path for path in tmp_path.rglob("*") if (tmp_path / "out") not in path.parents} == before | {
        tmp_path / "out"
    }
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    elements = Elements()
    elements.feed(page)
    assert (
        not {name for name in elements.found if name.startswith("on")}
        and not {"script", "img", "iframe"} & elements.found
    )
    assert "{{7*7}}" in page and "default-src 'none'" in page
    with (tmp_path / "out" / "predictions.csv").open(encoding="utf-8-sig", newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert len(cells) > 100 and not [
        cell
        for cell in cells
        if cell.startswith(("=", "+", "@", "\t", "\r")) or (cell[:1] == "-" and cell[1:2].isalpha())
    ]


@pytest.mark.reliability("input", "class names that lead out of the folder", "refused by name, nothing written")
@pytest.mark.parametrize("label", ["..", "../x", "/tmp/x", "a/b", "a\\b", "C:x", "nul", "a\nb", " ", "x" * 300, "a."])
def test_class_names_that_are_no_folder_names(
    scene: Any, tmp_path: Path, label: str, capfd: pytest.CaptureFixture[str]
) -> None:
    scene.simsearch.classes[0].name = label
    before = set(tmp_path.parent.iterdir())
    status = scene_command_line.main(["render", "--output", str(tmp_path / "out")], "simsearch")
    said = capfd.readouterr().err
    assert status == 2 and "class" in said and "Traceback" not in said
    assert not list(tmp_path.iterdir()) and set(tmp_path.parent.iterdir()) == before
