# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the extension's zips into dist/: one per platform and Blender series, with wheels and encoder inside.

    python tools/build_extension.py [--platform linux-x64] [--series 5.1]

The wheels are those of requirements/inference.txt, downloaded by pinned hash; numpy is Blender's own. Blender's
`extension build` makes the zips, so this runs where `bpy` is installed. The same inputs give the same bytes.
"""

from __future__ import annotations

import argparse
import email
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from dataclasses import dataclass
from pathlib import Path

import onnx

ROOT = Path(__file__).resolve().parent.parent
DIST = ROOT / "dist"
CACHE = ROOT / "wheels"
REQUIREMENTS = ROOT / "requirements" / "inference.txt"
ENCODER = ROOT / "models" / "vits14.onnx"

CONTENT = (*sorted(path.name for path in ROOT.glob("*.py")), "LICENSE", "inference", "operators", "panels", "scene")
"""What the zip holds besides wheels, encoder, manifest and licences."""

NOT_BUNDLED = {
    "numpy": "Blender brings its own",
    "flatbuffers": "onnxruntime names it but does not import it",
    "packaging": "onnxruntime names it but does not import it",
    "colorama": "tqdm works without it",
}

STANDIN_TAGLINE = "Inspection from CAD; stand-in encoder, not the official DINOv2"
ZIP_DATE = 1767225600
"""Seconds since 1970 that every file in a zip bears (2026-01-01), so that the same inputs give the same bytes."""


@dataclass(frozen=True)
class Series:
    """A range of Blender versions that share a Python; Linux builds also serve Blenders with `linux_pythons`."""

    first: str
    end: str | None
    pythons: tuple[str, ...]
    linux_pythons: tuple[str, ...] = ()


SERIES = {
    "4.5": Series("4.5.0", "5.1.0", ("3.11",)),
    "5.1": Series("5.1.0", None, ("3.13",), ("3.14",)),  # Debian builds Blender with its own Python 3.14
}

PLATFORMS = {
    "linux-x64": [f"manylinux_2_{minor}_x86_64" for minor in range(28, 16, -1)] + ["manylinux2014_x86_64"],
    "windows-x64": ["win_amd64"],
    "macos-arm64": [f"macosx_{major}_0_arm64" for major in range(14, 10, -1)],
}
"""Blender's platform name → the wheel tags that it runs."""


def main(arguments: list[str] | None = None) -> int:
    """Build the zips that the options choose; returns the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--platform", choices=PLATFORMS, action="append", help="default: all")
    parser.add_argument("--series", choices=SERIES, action="append", help="default: all")
    options = parser.parse_args(arguments)
    if not ENCODER.is_file():
        print(f"There is no encoder {ENCODER}. Run `make encoder` first.", file=sys.stderr)
        return 2
    DIST.mkdir(exist_ok=True)
    for platform in options.platform or PLATFORMS:
        for series in options.series or SERIES:
            print_content(build(platform, series))
    blender_extension("server-generate", "--repo-dir", str(DIST))
    print(f"The zips and the index.json of a repository to host them are in {DIST.relative_to(ROOT)}/.")
    return 0


def build(platform: str, series: str) -> Path:
    """Build and validate the zip of one platform and series; returns its path."""
    standin = "standin" in encoder_properties()["simsearch.name"]
    name = f"synthetic_similarity_search-{manifest()['version']}-{platform}-blender{series}"
    target = DIST / f"{name}{'-standin' if standin else ''}.zip"
    with tempfile.TemporaryDirectory() as scratch:
        stage = Path(scratch) / "stage"
        (stage / "models").mkdir(parents=True)
        (stage / "wheels").mkdir()
        for item in CONTENT:
            if (ROOT / item).is_dir():
                shutil.copytree(ROOT / item, stage / item, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(ROOT / item, stage / item)
        shutil.copy(ENCODER, stage / "models" / ENCODER.name)
        wheels = fetch_wheels(platform, series)
        for wheel in wheels:
            shutil.copy(wheel, stage / "wheels" / wheel.name)
        (stage / "THIRD_PARTY.md").write_text(third_party(wheels), "utf-8")
        (stage / "blender_manifest.toml").write_text(
            staged_manifest(platform, SERIES[series], [wheel.name for wheel in wheels], standin=standin),
            "utf-8",
        )
        for path in stage.rglob("*"):
            os.utime(path, (ZIP_DATE, ZIP_DATE))
        built = Path(scratch) / "built.zip"
        blender_extension("build", "--source-dir", str(stage), "--output-filepath", str(built))
        blender_extension("validate", str(built))
        in_order(built, target)
    return target


def in_order(built: Path, target: Path) -> None:
    """Write the zip's files in alphabetical order: Blender takes them as the file system lists them."""
    with zipfile.ZipFile(built) as source, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as ordered:
        for entry in sorted(source.infolist(), key=lambda entry: entry.filename):
            ordered.writestr(entry, source.read(entry), compress_type=entry.compress_type)


def manifest() -> dict[str, object]:
    """The manifest as written in the repository."""
    return tomllib.loads((ROOT / "blender_manifest.toml").read_text("utf-8"))


def staged_manifest(platform: str, series: Series, wheels: list[str], *, standin: bool) -> str:
    """The manifest of one zip: its platform, Blender range and wheels, and what a stand-in must say."""
    text = (ROOT / "blender_manifest.toml").read_text("utf-8")
    head, permissions = text.split("[permissions]")
    if standin:
        head = re.sub(r"(?m)^tagline = .*$", f'tagline = "{STANDIN_TAGLINE}"', head)
    head = re.sub(r"(?m)^blender_version_min = .*$", f'blender_version_min = "{series.first}"', head)
    if series.end:
        head = head.rstrip() + f'\nblender_version_max = "{series.end}"\n'
    listed = "".join(f'  "./wheels/{wheel}",\n' for wheel in wheels)
    return f'{head.rstrip()}\nplatforms = ["{platform}"]\nwheels = [\n{listed}]\n\n[permissions]{permissions}'


def fetch_wheels(platform: str, series: str) -> list[Path]:
    """Download the wheels of one zip by pinned hash, where they are not there yet; returns them by name.

    A file whose hash is not the pinned one stops the build: pip names it.
    """
    chosen = SERIES[series]
    pythons = chosen.pythons + (chosen.linux_pythons if platform == "linux-x64" else ())
    wheels: dict[str, Path] = {}
    for python in pythons:
        folder = CACHE / f"{platform}-{python}"
        with tempfile.TemporaryDirectory() as scratch:
            pinned = Path(scratch) / "wheels.txt"
            pinned.write_text(bundled_requirements(), "utf-8")
            command = [
                sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
                "--require-hashes", "--only-binary=:all:", "--python-version", python, "--implementation", "cp",
                *(part for tag in PLATFORMS[platform] for part in ("--platform", tag)),
                "--requirement", str(pinned), "--dest", str(folder),
            ]  # fmt: skip
            subprocess.run(command, check=True)
        wheels |= {wheel.name: wheel for wheel in folder.glob("*.whl")}
    return [wheels[name] for name in sorted(wheels)]


def bundled_requirements() -> str:
    """The pinned requirements without what is not bundled."""
    blocks = re.split(r"(?m)^(?=[a-zA-Z0-9_-]+==)", REQUIREMENTS.read_text("utf-8"))
    return "".join(block for block in blocks[1:] if block.split("==")[0] not in NOT_BUNDLED)


def encoder_properties() -> dict[str, str]:
    """The metadata of the encoder that is bundled."""
    model = onnx.load(ENCODER, load_external_data=False)
    return {entry.key: entry.value for entry in model.metadata_props}


def third_party(wheels: list[Path]) -> str:
    """Everything bundled that is not ours, with its licence as its authors state it."""
    properties = encoder_properties()
    rows = {f"| encoder {properties['simsearch.name']} | | {properties['simsearch.licence']} |"}
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as archive:
            name = next(entry for entry in archive.namelist() if entry.endswith(".dist-info/METADATA"))
            metadata = email.message_from_bytes(archive.read(name))
        licences = [
            c.split(" :: ")[-1] for c in metadata.get_all("Classifier", []) if c.startswith("License ::")
        ]
        licence = (
            metadata["License-Expression"]
            or ", ".join(licences)
            or (metadata["License"] or "").split("\n")[0]
        )
        if not licence:
            raise SystemExit(f"{wheel.name} states no licence; find out before it is bundled.")
        rows.add(f"| {metadata['Name']} | {metadata['Version']} | {licence} |")
    table = "\n".join(sorted(rows, key=str.lower))
    return (
        "# Bundled third-party software\n\nThe full texts are inside the wheels, in their `.dist-info` folders.\n\n"
        f"| what | version | licence |\n|---|---|---|\n{table}\n"
    )


def print_content(target: Path) -> None:
    """Say how large a zip is and what fills it."""
    with zipfile.ZipFile(target) as archive:
        largest = sorted(archive.infolist(), key=lambda entry: -entry.compress_size)[:4]
    filled = ", ".join(
        f"{Path(e.filename).name.split('-')[0]} {e.compress_size / 1e6:.0f} MB" for e in largest
    )
    print(f"{target.name}: {target.stat().st_size / 1e6:.0f} MB ({filled})", flush=True)


def blender_extension(*arguments: str) -> None:
    """Run one of Blender's `extension` commands; stops the build if it fails."""
    import bpy

    tool = Path(bpy.utils.system_resource("SCRIPTS")) / "addons_core" / "bl_pkg" / "cli" / "blender_ext.py"
    done = subprocess.run(
        [sys.executable, str(tool), *arguments], capture_output=True, text=True, check=False
    )
    # Blender prints some errors and exits with 0 all the same.
    if done.returncode or re.search(r"(?mi)^(fatal_)?error", done.stdout + done.stderr):
        raise SystemExit(f"extension {arguments[0]} failed:\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    sys.exit(main())
