# SPDX-License-Identifier: GPL-3.0-or-later
"""The zip in a Blender that has nothing else: a fresh user folder, no network, from STEP files to F1 and back to nothing.

It takes the ``blender`` on the PATH or the command line that ``SIMSEARCH_BLENDER`` holds. The window's part is
``tests/ui/run``.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from synthetic_similarity_search.tests.documented import commands
from synthetic_similarity_search.tests.network import unshare

ROOT = Path(__file__).resolve().parents[2]
STATION = ROOT / "examples" / "station"
BLENDER = shlex.split(os.environ.get("SIMSEARCH_BLENDER") or shutil.which("blender") or "")
CLASSES = {"pipe_tee", "square_plate", "nothing"}

pytestmark = [
    pytest.mark.skipif(not BLENDER, reason="there is no blender on the PATH, and SIMSEARCH_BLENDER names none"),
    pytest.mark.skipif(sys.platform != "linux", reason="network namespaces are Linux's"),
]
EMPTY_ZIP = b"PK\x05\x06" + bytes(18)
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The user folder of the Blender."""
    return tmp_path_factory.mktemp("user")


@pytest.fixture(scope="module")
def blender(user: Path) -> Run:
    """Runs that Blender without a network interface and returns what it said; fails where the exit status is another one."""
    before = unshare()

    def run(*words: object, status: int = 0, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [*before, *BLENDER, *map(str, words)],
            cwd=folder,
            env=os.environ | {"BLENDER_USER_RESOURCES": str(user)},
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )
        assert done.returncode == status, done.stdout + done.stderr
        return done

    return run


@pytest.fixture(scope="module")
def archives(blender: Run) -> tuple[Path, Path]:
    """The zip for this Blender, and the one for the other series."""
    version = re.search(r"Blender (\d+)\.(\d+)", blender("--version").stdout)
    assert version, "Blender tells its version"
    newer = (int(version[1]), int(version[2])) >= (5, 1)
    zips = [sorted((ROOT / "dist").glob(f"*-linux-x64-blender{series}*.zip")) for series in ("5.1", "4.5")]
    if not all(zips):
        pytest.skip("no zips in dist/; `make build PLATFORM=linux-x64` makes them")
    mine, other = zips if newer else reversed(zips)
    return mine[-1], other[-1]


@pytest.fixture(scope="module")
def installed(blender: Run, archives: tuple[Path, Path], user: Path) -> Path:
    """The folder of the installed extension."""
    blender("--command", "extension", "validate", archives[0])
    done = blender("--command", "extension", "install-file", "--repo", "user_default", "--enable", archives[0])
    assert 'Installed "synthetic_similarity_search"' in done.stdout, done.stdout + done.stderr
    return user / "extensions" / "user_default" / "synthetic_similarity_search"


@pytest.fixture(scope="module")
def scene(blender: Run, installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scene made of STEP files with the extension's own buttons."""
    path = tmp_path_factory.mktemp("data") / "scene.blend"
    parts = [STATION / "pipe_tee.step", STATION / "square_plate.step"]
    blender("-b", "--python-exit-code", 1, "--python", ROOT / "tests" / "real_blender_scene.py", "--", path, *parts)
    return path


def altered(archive: Path, target: Path, old: str, new: str) -> Path:
    """A zip that declares itself to be for something else; its wheels are empty."""
    with zipfile.ZipFile(archive) as mine, zipfile.ZipFile(target, "w") as other:
        manifest = re.sub(old, new, mine.read("blender_manifest.toml").decode())
        other.writestr("blender_manifest.toml", manifest)
        other.writestr("__init__.py", mine.read("__init__.py"))
        for name in set(re.findall(r'"\./(wheels/[^"]+)"', manifest)):
            other.writestr(name, EMPTY_ZIP)
    return target


@pytest.mark.reliability(
    "fault", "a zip for another Blender, platform or Python installed", "refused with Blender's sentence"
)
def test_a_zip_for_another_blender_platform_or_python_is_refused(
    blender: Run, archives: tuple[Path, Path], tmp_path: Path, user: Path
) -> None:
    install = ("--command", "extension", "install-file", "--repo", "user_default", "--enable")
    mine, other = archives
    elsewhere = altered(mine, tmp_path / "windows.zip", "linux-x64", "windows-x64")
    # Blender exits with 0 although it installed nothing, so what it prints is looked at. The process that knows the reason
    # may be gone before Blender has read it; that nothing was installed is said in any case.
    nothing = "Package was expected to be installed but not found"
    for archive, reason in (
        (other, r"This Blender version .* must be"),
        (elsewhere, r"This platform \(linux-x64\) isn't one of \(windows-x64\)"),
    ):
        said = blender(*install, archive).stdout
        assert re.search(f"{reason}|{nothing}", said) and "Installed" not in said, said
    assert not list(user.rglob("blender_manifest.toml"))
    older = altered(mine, tmp_path / "python.zip", r"cp3\d+", "cp37")
    assert "This Python version" in blender(*install, older, status=1).stdout
    blender("--command", "extension", "remove", "synthetic_similarity_search")


@pytest.mark.reliability(
    "fault", "only the zip, a fresh Blender and no network: STEP files, references, database, F1", "all done"
)
@pytest.mark.parametrize("door", ["command", "batch"])
def test_from_step_to_f1(blender: Run, installed: Path, scene: Path, tmp_path: Path, door: str) -> None:
    before = ["--command", "simsearch"] if door == "command" else ["--python", installed / "batch.py", "--"]
    database = tmp_path / "references.safetensors"
    blender("-b", scene, *before, "check")
    blender("-b", scene, *before, "build", "--output", tmp_path)
    blender("-b", scene, *before, "render", "--output", tmp_path / "photos", "--seed", 1, "--images-per-class", 2)
    options = ["--database", database, "--photos", tmp_path / "photos" / "references", "--output", tmp_path / "result"]
    done = blender("-b", scene, *before, "validate", *options, "--json")
    metrics = json.loads(next(line for line in reversed(done.stdout.splitlines()) if line.startswith("{")))
    assert metrics["photos"] == 6 and set(metrics["classes"]) == CLASSES and metrics["macro_f1"] > 0.9
    assert (tmp_path / "result" / "report.html").is_file()
    refusal = blender("-b", scene, *before, "validate", "--database", tmp_path / "none", *options[2:], status=2)
    assert "There is no database" in refusal.stderr and "Traceback" not in refusal.stdout + refusal.stderr


def test_documented_commands_of_which_the_last_leaves_only_the_users_data(
    blender: Run, archives: tuple[Path, Path], installed: Path, scene: Path, user: Path
) -> None:
    folder = scene.parent
    shutil.copy(scene, folder / "SCENE.blend")
    shutil.copy(archives[0], folder / "EXTENSION.zip")
    (folder / "batch.py").symlink_to(installed / "batch.py")
    documented = [command.split()[1:] for _, command in commands() if command.startswith("blender ")]
    assert len(documented) == 4
    for words in sorted(documented, key=lambda words: "remove" in words):
        done = blender(*words, folder=folder)
    assert (folder / "DIR" / "references.safetensors").is_file()
    assert not installed.exists(), done.stdout + done.stderr
    # Blender takes away what each wheel lists, but not what Python compiled of a module that is no package, nor its own notes.
    own = {".dat", ".pyc", ".blender_ext"}
    left = [path.relative_to(user) for path in user.rglob("*") if path.is_file() and not own & {path.suffix, path.name}]
    assert left == [Path("config/userpref.blend")]
    said = blender("-b", scene, "--python-expr", "import bpy; print('objects', len(bpy.data.objects))").stdout
    assert re.search(r"objects [1-9]", said)
