# SPDX-License-Identifier: GPL-3.0-or-later
"""What is downloaded is what was pinned: anything else is refused and named."""

import hashlib
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from synthetic_similarity_search.tools import build_extension, export_dinov2

ROOT = Path(__file__).resolve().parents[2]


def flip_a_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """A small wheel."""
    path = tmp_path / "index" / "harmless-1.0-py3-none-any.whl"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("harmless.py", "")
        archive.writestr("harmless-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: harmless\nVersion: 1.0\n")
        archive.writestr(
            "harmless-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr("harmless-1.0.dist-info/RECORD", "")
    return path


def pin(wheel: Path) -> str:
    return f"harmless==1.0 \\\n    --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n"


@pytest.mark.reliability("fault", "a byte of a wheel changed before it is installed", "refused by name")
def test_a_changed_wheel_is_not_installed(wheel: Path, tmp_path: Path) -> None:
    requirements = tmp_path / "requirements.txt"
    requirements.write_text(pin(wheel))
    command = [
        sys.executable, "-m", "pip", "install", "--require-hashes", "--no-index", "--find-links", str(wheel.parent), "--target",
        str(tmp_path / "installed"), "-r", str(requirements),
    ]  # fmt: skip
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
    flip_a_byte(wheel)
    refused = subprocess.run([*command, "--upgrade"], capture_output=True, text=True, check=False)
    assert refused.returncode and "harmless" in refused.stderr and "HASH" in refused.stderr.upper()


@pytest.mark.reliability(
    "fault", "a byte of a fetched wheel changed before it is packed into a zip", "the build stops and names it"
)
def test_a_changed_wheel_is_not_packed(wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    series, pinned = build_extension.SERIES["5.1"], [pin(wheel)]
    folder = f"windows-x64-3.13-{hashlib.sha256(''.join(pinned).encode()).hexdigest()[:8]}"
    monkeypatch.setattr(build_extension, "WHEELS", tmp_path)
    monkeypatch.setattr(build_extension, "bundled_requirements", lambda python, gpu: pinned)
    wheel.parent.rename(tmp_path / folder)
    wheel = tmp_path / folder / wheel.name
    assert build_extension.fetch_wheels("windows-x64", series) == [wheel]
    flip_a_byte(wheel)
    with pytest.raises(SystemExit, match=r"harmless-1\.0-py3-none-any\.whl does not have a pinned hash"):
        build_extension.fetch_wheels("windows-x64", series)


@pytest.mark.reliability("fault", "a byte of the encoder's weights changed", "not used, and named")
def test_changed_weights_are_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / Path(export_dinov2.STANDIN_MEMBER).name
    source.write_bytes(b"weights")
    monkeypatch.setattr(export_dinov2, "SOURCES", tmp_path)
    monkeypatch.setattr(export_dinov2, "STANDIN_SHA256", hashlib.sha256(b"weights").hexdigest())
    assert export_dinov2.find_weights("vits14", offline=True) == source
    flip_a_byte(source)
    assert export_dinov2.main(["--offline", "--force", "--output", str(tmp_path / "out.onnx")]) == 2
    assert source.name in capsys.readouterr().err and not (tmp_path / "out.onnx").exists()


LISTS = [*sorted((ROOT / "requirements").glob("*.txt")), *sorted((ROOT / "wheels").glob("*.txt"))]


@pytest.mark.parametrize("path", LISTS, ids=lambda path: path.name)
def test_every_requirement_has_a_version_and_a_hash(path: Path) -> None:
    packages = re.findall(r"(?m)^[a-z0-9].*(?:\n[ ]+.*)*", path.read_text("utf-8"))
    assert packages
    for package in packages:
        assert re.match(r"[a-z0-9-]+==\S+", package) and "--hash=sha256:" in package, package


def test_what_ci_and_set_up_fetch_is_pinned() -> None:
    """The distribution signs its own packages; nothing else may be fetched by name alone."""
    for script in (ROOT / ".ci" / "run", ROOT / "tools" / "in-environment", ROOT / "Makefile"):
        for line in script.read_text("utf-8").splitlines():
            assert not re.search(r"\b(curl|wget|git clone|npm|docker)\b", line), line
            if re.search(r"pip\W+install", line):
                assert "--require-hashes" in line, line
    for tool in sorted((ROOT / "tools").glob("*.py")):
        text = tool.read_text("utf-8")
        commands = text.count('"pip"')
        assert commands <= text.count('"--require-hashes"'), tool
        if commands or "urlopen" in text:
            assert "sha256" in text, f"{tool} fetches, but compares nothing"


def test_the_flavour_for_gpus_differs_in_one_package() -> None:
    cpu, gpu = (
        {block.split("==")[0] for block in build_extension.bundled_requirements("3.13", gpu=gpu)}
        for gpu in (False, True)
    )
    assert cpu - gpu == {"onnxruntime"} and gpu - cpu == {"onnxruntime-gpu"}


@pytest.mark.parametrize("series, python", [("4.5", "3.11"), ("5.2", "3.13")])
def test_zips_bundle_the_versions_that_are_tested(series: str, python: str) -> None:
    bundled = [block.split()[0] for block in build_extension.bundled_requirements(python)]
    tested = (ROOT / "requirements" / f"blender-{series}.txt").read_text("utf-8").split()
    assert {"onnxruntime", "ml-dtypes"} < {pin.split("==")[0] for pin in bundled} and set(bundled) <= set(tested)


@pytest.mark.parametrize("python", ["3.11", "3.13"])
def test_pip_takes_every_bundled_package_whatever_it_runs_on(python: str) -> None:
    """It would judge a marker by the machine that builds."""
    assert not [block for block in build_extension.bundled_requirements(python) if ";" in block]


@pytest.mark.parametrize("standin", [False, True])
def test_a_zip_for_gpus_says_so(standin: bool) -> None:
    text = build_extension.staged_manifest("linux-x64", build_extension.SERIES["5.1"], [], standin=standin, gpu=True)
    tagline = tomllib.loads(text)["tagline"]
    assert "GPU" in tagline and ("stand-in" in tagline) == standin
    assert len(tagline) <= 64 and tagline[-1].isalnum(), "Blender's rules"
