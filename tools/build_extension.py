# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the extension's zips into dist/: one per platform and Blender series, with wheels and encoder inside.

    python tools/build_extension.py [--platform linux-x64] [--series 5.1] [--flavour gpu]

The wheels are those that wheels/requirements.txt pins, so a zip holds what its tests ran with; numpy is Blender's own. Blender's `extension build` makes the zips, so this runs
where `bpy` is installed. The same inputs give the same bytes.

The flavour gpu has ONNX Runtime for NVIDIA GPUs instead, and goes to dist/gpu/: it is the same extension, which replaces
the other where it is installed, so a repository holds one of them. CUDA and cuDNN are not inside: they are large, and
their licences are not ours to pass on.
"""

from __future__ import annotations

import argparse
import email
import hashlib
import json
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
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
DIST = ROOT / "dist"
WHEELS = ROOT / "wheels"
ENCODER = ROOT / "models" / "vits14.onnx"
MANUAL = ROOT / "build" / "documentation" / "site"
"""What `make docs` built; the sidebar's links lead there."""

FOLDERS = ("LICENSES", "example", "inference", "interface", "operators", "panels", "scene")
"""What the zip holds besides the root's modules, wheels, encoder, manifest and licences."""

NOT_BUNDLED = {
    "numpy": "Blender brings its own",
    "flatbuffers": "onnxruntime names it but does not import it",
    "packaging": "onnxruntime names it but does not import it",
    "colorama": "tqdm works without it",
}

INSIDE_WHEELS = {
    "cascadio": "| Open CASCADE Technology, in cascadio | 8.0 | LGPL-2.1 with the OCCT exception 1.0; source: "
    "https://github.com/Open-Cascade-SAS/OCCT |",
}
"""What a wheel brings along without stating its licence, as a row of THIRD_PARTY.md."""

STANDIN_TAGLINE = "Inspection from CAD; stand-in encoder, not the official DINOv2"
GPU_TAGLINES = {
    False: "Turn CAD into an image classifier, on an NVIDIA GPU",
    True: "Inspection from CAD on GPU; stand-in, not the official DINOv2",
}
"""What a zip for GPUs says of itself, by whether its encoder is the stand-in."""

ZIP_DATE = (2026, 1, 1, 0, 0, 0)
"""The date of every file in a zip."""


@dataclass(frozen=True)
class Series:
    """A range of Blender versions that share a Python; Linux builds also serve Blenders with `linux_pythons`."""

    first: str
    end: str | None
    pythons: tuple[str, ...]
    linux_pythons: tuple[str, ...] = ()


SERIES = {
    "4.5": Series("4.5.0", "5.1.0", ("3.11",)),
    "5.1": Series("5.1.0", None, ("3.13",), ("3.14",)),  # Debian's Blender has Python 3.14
}

PLATFORMS = {
    "linux-x64": [f"manylinux_2_{minor}_x86_64" for minor in range(28, 16, -1)] + ["manylinux2014_x86_64"],
    "windows-x64": ["win_amd64"],
    "macos-arm64": [f"macosx_{major}_0_arm64" for major in range(14, 10, -1)],
}
"""Blender's platform name → the wheel tags that it runs."""

GPU_PLATFORMS = ("linux-x64", "windows-x64")


def main(arguments: list[str] | None = None) -> int:
    """Build the zips that the options choose; returns the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--platform", choices=PLATFORMS, action="append", help="default: all")
    parser.add_argument("--series", choices=SERIES, action="append", help="default: all")
    parser.add_argument("--flavour", choices=("cpu", "gpu"), default="cpu", help="default: cpu")
    options = parser.parse_args(arguments)
    if not ENCODER.is_file():
        print(f"There is no encoder {ENCODER}. Run `make encoder` first.", file=sys.stderr)
        return 2
    gpu = options.flavour == "gpu"
    if gpu and set(options.platform or ()) - set(GPU_PLATFORMS):
        print(f"ONNX Runtime for GPUs is published for {' and '.join(GPU_PLATFORMS)} alone.", file=sys.stderr)
        return 2
    place = DIST / "gpu" if gpu else DIST
    place.mkdir(parents=True, exist_ok=True)
    for platform in options.platform or (GPU_PLATFORMS if gpu else PLATFORMS):
        for series in options.series or SERIES:
            print_content(build(platform, series, place, gpu=gpu))
    blender_extension("server-generate", "--repo-dir", str(place))
    index = json.loads((place / "index.json").read_text("utf-8"))
    index["data"].sort(key=lambda entry: entry["archive_url"])  # Blender lists the zips as the file system does
    (place / "index.json").write_text(json.dumps(index, indent=2) + "\n", "utf-8")
    print(f"The zips and the index.json of a repository to host them are in {place.relative_to(ROOT)}/.")
    return 0


def build(platform: str, series: str, place: Path = DIST, *, gpu: bool = False) -> Path:
    """Build and validate the zip of one platform and series in the folder ``place``; returns its path."""
    standin = "standin" in encoder_properties()["simsearch.name"]
    name = f"synthetic_similarity_search-{manifest()['version']}-{platform}-blender{series}"
    target = place / f"{name}{'-gpu' if gpu else ''}{'-standin' if standin else ''}.zip"
    with tempfile.TemporaryDirectory(dir=place, prefix=".") as scratch:
        stage = Path(scratch) / "stage"
        (stage / "models").mkdir(parents=True)
        (stage / "wheels").mkdir()
        for path in (*ROOT.glob("*.py"), ROOT / "LICENSE"):
            shutil.copy(path, stage / path.name)
        for folder in FOLDERS:
            shutil.copytree(ROOT / folder, stage / folder, ignore=shutil.ignore_patterns("__pycache__", "README.md"))
        shutil.copy(ENCODER, stage / "models" / ENCODER.name)
        if MANUAL.is_dir():
            shutil.copytree(MANUAL, stage / "manual", ignore=shutil.ignore_patterns("sitemap.xml*"))
        else:
            print("The zip gets no manual, so the sidebar's links to it are grey. Run `make docs` first.")
        wheels = fetch_wheels(platform, SERIES[series], gpu=gpu)
        for wheel in wheels:
            shutil.copy(wheel, stage / "wheels" / wheel.name)
        (stage / "THIRD_PARTY.md").write_text(third_party(wheels), "utf-8")
        (stage / "blender_manifest.toml").write_text(
            staged_manifest(platform, SERIES[series], [wheel.name for wheel in wheels], standin=standin, gpu=gpu),
            "utf-8",
        )
        built, ordered = Path(scratch) / "built.zip", Path(scratch) / "ordered.zip"
        blender_extension("build", "--source-dir", str(stage), "--output-filepath", str(built))
        in_order(built, ordered)
        blender_extension("validate", str(ordered))
        for old in place.glob(f"*-{platform}-blender{series}*.zip"):
            old.unlink()
        ordered.rename(target)
    return target


def in_order(built: Path, ordered: Path) -> None:
    """Write a zip's files in alphabetical order, with one date and mode.

    Blender takes them as the file system lists them, with its dates and modes.
    """
    with zipfile.ZipFile(built) as source, zipfile.ZipFile(ordered, "w") as target:
        for entry in sorted(source.infolist(), key=lambda entry: entry.filename):
            same = zipfile.ZipInfo(entry.filename, ZIP_DATE)
            same.external_attr = 0o644 << 16
            target.writestr(same, source.read(entry), entry.compress_type)


def manifest() -> dict[str, object]:
    """The manifest as written in the repository."""
    return tomllib.loads((ROOT / "blender_manifest.toml").read_text("utf-8"))


def staged_manifest(platform: str, series: Series, wheels: list[str], *, standin: bool, gpu: bool = False) -> str:
    """The manifest of one zip: its platform, Blender range and wheels, and what a stand-in and a flavour must say."""
    text = (ROOT / "blender_manifest.toml").read_text("utf-8")
    head, permissions = text.split("[permissions]")
    if standin or gpu:
        tagline = GPU_TAGLINES[standin] if gpu else STANDIN_TAGLINE
        head = re.sub(r"(?m)^tagline = .*$", f'tagline = "{tagline}"', head)
    head = re.sub(r"(?m)^blender_version_min = .*$", f'blender_version_min = "{series.first}"', head)
    if series.end:
        head = head.rstrip() + f'\nblender_version_max = "{series.end}"\n'
    listed = "".join(f'  "./wheels/{wheel}",\n' for wheel in wheels)
    return f'{head.rstrip()}\nplatforms = ["{platform}"]\nwheels = [\n{listed}]\n\n[permissions]{permissions}'


def fetch_wheels(platform: str, series: Series, *, gpu: bool = False) -> list[Path]:
    """The wheels of one zip, by name; downloaded where they are not there yet.

    A file whose hash is not a pinned one stops the build and is named.
    """
    wheels: dict[str, Path] = {}
    # A second Python would make a zip for GPUs larger than half a gigabyte.
    for python in series.pythons + (series.linux_pythons if platform == "linux-x64" and not gpu else ()):
        pinned = bundled_requirements(python, gpu=gpu)
        folder = WHEELS / f"{platform}-{python}-{hashlib.sha256(''.join(pinned).encode()).hexdigest()[:8]}"
        if len(list(folder.glob("*.whl"))) != len(pinned):
            download(pinned, platform, python, folder)
        for wheel in folder.glob("*.whl"):
            if f"sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}" not in "".join(pinned):
                raise SystemExit(f"{wheel} does not have a pinned hash: it was changed. Delete it and build again.")
            wheels[wheel.name] = wheel
    return [wheels[name] for name in sorted(wheels)]


def download(pinned: list[str], platform: str, python: str, folder: Path) -> None:
    """Have pip download the wheels for one platform and Python, and compare their hashes."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as requirements:
        requirements.write("".join(pinned))
        requirements.flush()
        command = [
            sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
            "--require-hashes", "--only-binary=:all:", "--python-version", python, "--implementation", "cp",
            *(part for tag in PLATFORMS[platform] for part in ("--platform", tag)),
            "--requirement", requirements.name, "--dest", str(folder),
        ]  # fmt: skip
        if subprocess.run(command, check=False).returncode:
            raise SystemExit(f"The wheels for {platform} and Python {python} could not be downloaded.")


def bundled_requirements(python: str, *, gpu: bool = False) -> list[str]:
    """What the zips bundle for a Python: each package with its version and hashes, as lines for pip."""
    blocks = pinned_requirements("requirements.txt", python)
    for name in NOT_BUNDLED:
        del blocks[name]
    if gpu:
        del blocks["onnxruntime"]
        blocks |= pinned_requirements("requirements-gpu.txt", python)
    return list(blocks.values())


def pinned_requirements(file: str, python: str) -> dict[str, str]:
    """Package name → its lines in one of the lists in wheels/; if there are several, those for this Python version."""
    pinned = {}
    for block in re.split(r"(?m)^(?=[a-z0-9-]+==)", (WHEELS / file).read_text("utf-8"))[1:]:
        requirement = Requirement(block.split("\\")[0])
        marker = requirement.marker
        # Only markers of the Python's version: pip applies those of the platform to the machine that downloads.
        if marker is None or "python" not in str(marker) or marker.evaluate({"python_full_version": f"{python}.0"}):
            pinned[requirement.name] = re.sub(r" ; [^\\]*", " ", block, count=1)
    return pinned


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
            names = archive.namelist()
            metadata = email.message_from_bytes(
                archive.read(next(name for name in names if name.endswith(".dist-info/METADATA")))
            )
        classifiers = (c.split(" :: ")[-1] for c in metadata.get_all("Classifier", []) if c.startswith("License ::"))
        stated = metadata["License-Expression"] or ", ".join(classifiers) or (metadata["License"] or "").split("\n")[0]
        if not stated or not any(Path(name).name.upper().startswith(("LICENSE", "LICENCE")) for name in names):
            raise SystemExit(f"{wheel.name} states no licence or lacks its text; find out before it is bundled.")
        rows.add(f"| {metadata['Name']} | {metadata['Version']} | {stated} |")
        if metadata["Name"] in INSIDE_WHEELS:
            rows.add(INSIDE_WHEELS[metadata["Name"]])
    table = "\n".join(sorted(rows, key=str.lower))
    return (
        "# Bundled third-party software\n\n"
        "The wheels hold their licences' full texts; those of the encoder and of Open CASCADE Technology are in "
        "`LICENSES/`.\nDINOv2, which every encoder descends from, is by Meta Platforms, Inc., under Apache-2.0.\n\n"
        f"| what | version | licence |\n|---|---|---|\n{table}\n"
    )


def print_content(target: Path) -> None:
    """Say how large a zip is and what fills it."""
    with zipfile.ZipFile(target) as archive:
        largest = sorted(archive.infolist(), key=lambda entry: -entry.compress_size)[:4]
    filled = ", ".join(f"{Path(e.filename).name.split('-')[0]} {e.compress_size / 1e6:.0f} MB" for e in largest)
    print(f"{target.name}: {target.stat().st_size / 1e6:.0f} MB ({filled})", flush=True)


def blender_extension(*arguments: str) -> None:
    """Run one of Blender's `extension` commands; stops the build if it fails."""
    import bpy

    tool = Path(bpy.utils.system_resource("SCRIPTS")) / "addons_core" / "bl_pkg" / "cli" / "blender_ext.py"
    done = subprocess.run([sys.executable, str(tool), *arguments], capture_output=True, text=True, check=False)
    # Blender prints some errors and exits with 0 all the same.
    if done.returncode or re.search(r"(?mi)^(fatal_)?error", done.stdout + done.stderr):
        raise SystemExit(f"extension {arguments[0]} failed:\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    sys.exit(main())
