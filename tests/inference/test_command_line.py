# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line as a user or a script sees it: a process, its exit status, what it prints and leaves behind."""

import ast
import json
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch

import pytest
from PIL import Image

from synthetic_similarity_search.inference.command_line.framework import Command
from synthetic_similarity_search.inference.command_line.framework import main as run_commands
from synthetic_similarity_search.inference.errors import InputError
from synthetic_similarity_search.tests.tiny_encoder import write_pictures, write_tiny_encoder

ROOT = Path(__file__).resolve().parents[2]


def start(*arguments: object, **options: Any) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "inference", *map(str, arguments)],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options,
    )  # fmt: skip


def run(*arguments: object, **options: Any) -> tuple[int, list[str], list[str]]:
    """Exit status, lines of stdout, lines of stderr without the progress bar."""
    process = start(*arguments, **options)
    out, err = process.communicate(timeout=120)
    assert "Traceback" not in err
    said = [line for line in err.splitlines() if line.strip() and "it/s" not in line]
    return process.returncode, out.splitlines(), said


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an encoder, references, a database and photos."""
    folder = tmp_path_factory.mktemp("station")
    write_tiny_encoder(folder / "tiny.onnx")
    write_pictures(folder / "references", 4, seed=0)
    write_pictures(folder / "photos", 2, seed=1)
    status, out, err = run("embed", "--references", folder / "references", "--encoder", folder / "tiny.onnx", "--json")
    assert (status, err) == (0, [])
    report = json.loads(out[-1])
    assert report["database"] == (folder / "references.safetensors").as_posix(), "beside the references by default"
    assert report["classes"] == {"blue": 4, "green": 4, "red": 4} and report["references"] == 12
    return folder


def test_embedding_warns_of_classes_that_look_alike(station: Path, tmp_path: Path) -> None:
    write_pictures(tmp_path / "references", 4, seed=0)
    write_pictures(tmp_path / "twins", 4, seed=1, classes=("red",))
    (tmp_path / "twins" / "red").rename(tmp_path / "references" / "crimson")
    status, out, err = run(
        "embed", "--references", tmp_path / "references", "--encoder", station / "tiny.onnx", "--json"
    )
    (warning,) = json.loads(out[-1])["warnings"]
    assert status == 0 and err == [f"Warning: {warning}"]
    assert "red" in warning and "crimson" in warning and "Move the camera closer" in warning


def test_validate(station: Path, tmp_path: Path) -> None:
    status, out, err = run(
        "validate", "--database", station / "references.safetensors", "--photos", station / "photos",
        "--output", tmp_path / "out", "--encoder", station / "tiny.onnx", "--json", "--k", 3,
    )  # fmt: skip
    assert (status, err) == (0, [])
    assert json.loads(out[-1]) == json.loads((tmp_path / "out" / "metrics.json").read_text("utf-8"))
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        ".vectors.sqlite",
        "metrics.json",
        "predictions.csv",
        "report.html",
    ]


def test_validate_explains_and_repeats(station: Path, tmp_path: Path) -> None:
    status, out, err = run(
        "validate", "--database", station / "references.safetensors", "--photos", station / "photos", "--explain",
        "--output", tmp_path / "out", "--encoder", station / "tiny.onnx", "--json", "--repeat-seeds", 3,
    )  # fmt: skip
    assert (status, err) == (0, [])
    found = json.loads(out[-1])
    assert len(found["repeat_seeds"]["macro_f1"]) == 3 and "over 3 other random sets of poses" in "".join(out)
    assert {gap["label"] for gap in found["gap"]["gaps"]} == {"red", "green", "blue"}
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    repeated = page.partition('id="repeated"')[2].partition("</p>")[0]
    f1 = found["repeat_seeds"]["macro_f1"]
    assert f"between {min(f1):.3f} and {max(f1):.3f}" in repeated and "3 other random sets" in repeated
    gaps, ablations = (page.partition(f'id="{name}"')[2].partition("</table>")[0] for name in ("gap", "ablations"))
    for gap in found["gap"]["gaps"]:
        row = gaps.partition(f"{gap['label']}</th>")[2].partition("</tr>")[0]
        figures = [
            f"{gap['references']:.3f}",
            f"{gap['photos']:.3f}",
            f"{gap['others']:.3f}",
            *(
                f'{gain:+.3f} <small class="interval">{gap["margins"][cause]:+.3f}</small>'
                for cause, gain in gap["gains"].items()
            ),
        ]
        assert re.findall(r"<td>(.*?)</td>", row) == figures
    pairs = re.findall(r'<article class="mistake pair">(.*?)</article>', page, re.DOTALL)
    for pair, shown in zip(found["gap"]["pairs"], pairs, strict=True):
        assert (
            pair["photo"] in shown
            and f"{pair['similarity']:.3f}" in shown
            and f"{pair['other_similarity']:.3f}" in shown
        )
        assert shown.count("<use ") == 3, "the photo and both references are shown"
    assert 'id="no-cause"' in page and not found["gap"]["causes"]
    f1 = found["gap"]["ablations"].values()
    assert re.findall(r"<td>(.*?)</td>", ablations) == [f"{figure:.3f}" for figure in f1]


def test_the_crop_of_the_database_holds_for_photos(station: Path, tmp_path: Path) -> None:
    """A photo whose right half is red: as a whole it is like green, cropped like red."""
    halves = Image.new("RGB", (64, 48), (40, 200, 40))
    halves.paste((200, 40, 40), (48, 0, 64, 48))
    halves.save(tmp_path / "photo.png")
    encoder = ("--encoder", station / "tiny.onnx")
    cropped = tmp_path / "cropped.safetensors"
    status, _, err = run(
        "embed", "--references", station / "references", "--database", cropped, "--crop", "0.75,0,0.25,1", *encoder
    )
    assert (status, err) == (0, [])

    def verdict(*arguments: object) -> str:
        status, out, err = run("classify", *encoder, tmp_path / "photo.png", *arguments)
        assert (status, err) == (0, [])
        return str(json.loads(out[0])["predicted"])

    assert verdict("--database", station / "references.safetensors") == "green"
    assert verdict("--database", cropped) == "red"
    assert verdict("--database", cropped, "--crop", "0,0,1,1") == "green"
    for wrong in ("0.5,0.5,0.6,0.1", "0,0,0,1", "a,b", "nan,0,1,1", "0,0,1"):
        status, _, err = run("classify", "--database", cropped, *encoder, "--crop", wrong, tmp_path / "photo.png")
        assert status == 2 and len(err) == 1 and "A crop is left,top,width,height" in err[0], wrong


def test_evidence_is_a_picture_per_photo(station: Path, tmp_path: Path) -> None:
    photos = [station / "photos" / label / "0001.png" for label in ("red", "blue")]
    for number, photo in enumerate(photos):
        (tmp_path / f"photo{number}.png").symlink_to(photo)
    status, out, err = run(
        "classify", "--database", station / "references.safetensors", "--encoder", station / "tiny.onnx",
        "--evidence", tmp_path / "evidence", *sorted(tmp_path.glob("photo*.png")), *photos,
    )  # fmt: skip
    assert (status, err, len(out)) == (0, [], 4)
    written = sorted(path.name for path in (tmp_path / "evidence").iterdir())
    assert written == ["0001 (2).png", "0001.png", "photo0.png", "photo1.png"], "equal names do not overwrite"
    with Image.open(tmp_path / "evidence" / "photo0.png") as sheet:
        assert sheet.size == (672, 224)


def test_classify_prints_one_json_line_per_photo(station: Path) -> None:
    photos = [station / "photos" / label / "0000.png" for label in ("red", "blue")]
    command = ("classify", "--database", station / "references.safetensors", "--encoder", station / "tiny.onnx")
    status, out, err = run(*command, *photos)
    assert (status, err) == (0, [])
    verdicts = [json.loads(line) for line in out]
    assert [verdict["path"] for verdict in verdicts] == [photo.as_posix() for photo in photos]
    assert [verdict["predicted"] for verdict in verdicts] == ["red", "blue"]
    assert verdicts[0]["votes"]["red"] >= 3 and len(verdicts[0]["neighbours"]) == 5
    status, out, _ = run(*command, *photos, "--json")
    assert status == 0 and json.loads(out[-1]) == {"photos": verdicts}

    status, out, err = run(*command, photos[0], station / "none.png", station / "tiny.onnx", "--json")
    assert status == 2 and json.loads(out[0])["votes"] == verdicts[0]["votes"]
    assert len(err) == 2 and "none.png" in err[0] and "tiny.onnx: not an image" in err[1]
    assert json.loads(out[-1]) == {"problems": err}


def test_wrong_input_ends_with_2_and_a_sentence(station: Path, tmp_path: Path) -> None:
    database, encoder = station / "references.safetensors", station / "tiny.onnx"
    other = write_tiny_encoder(tmp_path / "other.onnx", seed=1)
    (tmp_path / "damaged.safetensors").write_bytes(database.read_bytes()[:-10])
    (tmp_path / "file").write_text("")
    photos = ("--photos", station / "photos", "--output", tmp_path / "out")
    for arguments, said in (
        ((), "COMMAND"),
        (("frobnicate",), "frobnicate"),
        (("validate",), "--database and --photos and --output"),
        (("validate", "--database", database, *photos, "--k", "many"), "--k"),
        (("validate", "--database", database, *photos, "--encoder", encoder, "--k", "0"), "k is 0"),
        (("validate", "--database", database, *photos, "--model", "resnet"), "VITS14"),
        (("validate", "--database", database, *photos, "--encoder", tmp_path / "none.onnx"), "There is no encoder"),
        (("validate", "--database", database, *photos, "--encoder", other), "the one in use is tiny"),
        (("validate", "--database", tmp_path / "none", *photos, "--encoder", encoder), "There is no database"),
        (("validate", "--database", tmp_path / "damaged.safetensors", *photos, "--encoder", encoder), "damaged"),
        (("validate", "--data", database), "--data"),
        (("embed", "--references", tmp_path / "none", "--encoder", encoder), "cannot be read"),
        (
            (
                "embed",
                "--references",
                station / "references",
                "--encoder",
                encoder,
                "--database",
                tmp_path / "file" / "x",
            ),
            "written",
        ),
        (("classify", "--database", database), "PHOTO"),
    ):
        status, out, err = run(*arguments, "--json")
        assert status == 2, (arguments, err)
        assert len(err) == 1 and said in err[0], (arguments, err)
        assert json.loads(out[-1]) == {"problems": err}
    assert not (tmp_path / "out").exists()


def test_threads_from_the_environment(station: Path) -> None:
    command = ("classify", "--database", station / "references.safetensors", "--encoder", station / "tiny.onnx")
    photo = station / "photos" / "red" / "0000.png"
    assert run(*command, photo, env=os.environ | {"SIMSEARCH_THREADS": "1"})[0] == 0
    status, _, err = run(*command, photo, env=os.environ | {"SIMSEARCH_THREADS": "all"})
    assert status == 2 and "SIMSEARCH_THREADS" in err[0]


def test_progress(station: Path, tmp_path: Path) -> None:
    process = start(
        "embed", "--references", station / "references", "--encoder", station / "tiny.onnx",
        "--database", tmp_path / "a.safetensors", "--progress-file", tmp_path / "progress.json",
    )  # fmt: skip
    out, err = process.communicate(timeout=120)
    assert "100%" in err and "12/12" in err and "%" not in out
    progress = json.loads((tmp_path / "progress.json").read_text())
    assert progress.pop("seconds") >= 0
    assert progress == {"stage": "Embedding references", "done": 12, "total": 12}


def test_names_that_the_terminal_cannot_show(station: Path, tmp_path: Path) -> None:
    for name in ("références/Türgriff", "références/螺丝"):
        write_pictures(tmp_path / name, 1, seed=0, classes=("red",))
    env = os.environ | {"PYTHONIOENCODING": "ascii"}
    status, out, _ = run(
        "embed", "--references", tmp_path / "références", "--encoder", station / "tiny.onnx", "--json", env=env
    )
    assert status == 0 and json.loads(out[-1])["classes"] == {"Türgriff": 1, "螺丝": 1}


def test_a_reader_that_goes_away_leaves_no_traceback(station: Path) -> None:
    process = start(
        "classify", "--database", station / "references.safetensors", "--encoder", station / "tiny.onnx",
        *(station / "photos").glob("*/*.png"),
    )  # fmt: skip
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    err = process.stderr.read()
    process.wait(120)
    process.stderr.close()
    assert "Traceback" not in err and "Exception" not in err


@pytest.mark.skipif(sys.platform == "win32", reason="Windows ends a process without asking it")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_cleanly(station: Path, tmp_path: Path, number: int) -> None:
    photos = write_pictures(tmp_path / "photos", 1, seed=1, classes=("red",))
    for copy in range(3000):
        os.link(photos / "red" / "0000.png", photos / "red" / f"copy{copy}.png")
    process = start(
        "validate", "--database", station / "references.safetensors", "--encoder", station / "tiny.onnx", "--json",
        "--photos", photos, "--output", tmp_path / "out", "--progress-file", tmp_path / "progress.json",
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        if (tmp_path / "progress.json").exists() and json.loads((tmp_path / "progress.json").read_text())["done"] >= 8:
            break
        time.sleep(0.02)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 1 and "Traceback" not in err
    assert json.loads(out.splitlines()[-1])["problems"] == ["Stopped. What was finished is kept."]
    left = [path.name for path in (tmp_path / "out").iterdir()]
    assert left == [".vectors.sqlite"], "what was embedded, but neither results nor temporary files"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "photos", "progress.json"]


def test_help_and_import_load_neither_blender_nor_the_runtime() -> None:
    code = """
import sys
from synthetic_similarity_search.inference.command_line import main
assert main(["--help"]) == 0 and main(["validate", "--help"]) == 0
heavy = {"bpy", "mathutils", "onnxruntime", "onnx", "torch", "sklearn", "safetensors", "jinja2", "tqdm"} & sys.modules.keys()
assert not heavy, heavy
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for command in ("embed", "validate", "classify", "export-onnx"):
        assert command in done.stdout


def test_inference_imports_nothing_but_itself_and_its_packages() -> None:
    packages = {"numpy", "PIL", "pillow_heif", "onnxruntime", "onnx", "safetensors", "tqdm", "jinja2", "distributed"}
    allowed = packages | sys.stdlib_module_names
    for path in (ROOT / "inference").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names = [str(node.module)]
            else:
                depth = len(path.relative_to(ROOT / "inference").parts)
                assert not (isinstance(node, ast.ImportFrom) and node.level > depth), f"{path.name} leaves its package"
                continue
            assert {name.partition(".")[0] for name in names} <= allowed, path.name


# What scene/ relies on: more commands, defaults, one main


def call(argv: list[str], run: Any, **defaults: object) -> int:
    module: Any = ModuleType("command_of_a_test")
    module.add_arguments = lambda parser: parser.add_argument("--thing")
    module.run = run
    with patch.dict(sys.modules, {module.__name__: module}):
        return run_commands(argv, [Command("do", "Do.", module.__name__, required=("thing",))], "prog", defaults)


def test_only_the_command_that_is_used_is_imported() -> None:
    script = "import sys; from synthetic_similarity_search.inference.command_line import main; main(['--help']); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "synthetic_similarity_search.inference.command_line" in loaded
    assert not {"numpy", "PIL", "synthetic_similarity_search.inference.command_line.classify"} & loaded


def test_a_missing_package_is_one_sentence(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime_of_a_test", None)
    command = Command("do", "Do.", "onnxruntime_of_a_test")
    assert run_commands(["do"], [command], "prog", {}) == 2
    assert capsys.readouterr().err.startswith("This Python has no onnxruntime_of_a_test. ")


def test_commands_can_be_added_and_defaults_given(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["do", "--json"], lambda args, progress: {"thing": args.thing}, thing="scene's") == 0
    assert json.loads(capsys.readouterr().out) == {"thing": "scene's"}
    assert (
        call(["do", "--thing", "user's", "--json"], lambda args, progress: {"thing": args.thing}, thing="scene's") == 0
    )
    assert json.loads(capsys.readouterr().out) == {"thing": "user's"}
    assert call(["do"], lambda args, progress: {}) == 2
    assert capsys.readouterr().err == "do needs --thing. See `prog do --help`.\n"


@pytest.mark.parametrize(
    "error, status, said",
    [
        (InputError("First.", "Second."), 2, ["First.", "Second."]),
        (OSError(28, "No space left on device", "/disk/x"), 1, ["This failed: no space left on device (/disk/x). Add --debug to see where."]),
        (ValueError("Oh dear"), 1, ["This failed: oh dear. Add --debug to see where."]),
    ],
)  # fmt: skip
def test_errors(error: Exception, status: int, said: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    def fail(args: object, progress: object) -> dict[str, object]:
        raise error

    before = signal.getsignal(signal.SIGTERM)
    assert call(["do", "--thing", "x", "--json"], fail) == status
    captured = capsys.readouterr()
    assert captured.err.splitlines() == said and json.loads(captured.out) == {"problems": said}
    assert call(["do", "--thing", "x", "--debug"], fail) == status
    assert "Traceback" in capsys.readouterr().err
    assert signal.getsignal(signal.SIGTERM) == before


def test_no_handler_of_errors_on_the_way_swallows_a_signal(capsys: pytest.CaptureFixture[str]) -> None:
    def read_a_damaged_photo(args: object, progress: object) -> dict[str, object]:
        with suppress(Exception):
            signal.raise_signal(signal.SIGTERM)
        return {}

    assert call(["do", "--thing", "x"], read_a_damaged_photo) == 1
    assert capsys.readouterr().err == "Stopped. What was finished is kept.\n"
