# SPDX-License-Identifier: GPL-3.0-or-later
"""ViT-g/14 at its full depth of 40 blocks, exported and in transformers: `make test-export-full`.

The weights are 4.5 GB. They are generated, exported and saved here and then freed. ONNX Runtime and PyTorch load them one
after the other, each in a process of its own, so that no two of the three hold them at once: 6 GB of memory suffice, and 10 GB of disk.
"""

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from synthetic_similarity_search.tests.reference_dinov2 import official_positions, random_state
from synthetic_similarity_search.tests.tools.test_export_dinov2 import (
    assert_equal_vectors,
    random_pixels,
    transformers_folder,
)
from synthetic_similarity_search.tools.encoder_graph import VARIANTS, write_encoder

ONNX = """
import onnxruntime
session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
embedding, patch_tokens = session.run(["embedding", "patch_tokens"], {"pixels": pixels})
"""
TRANSFORMERS = """
import torch, transformers
loaded, loading = transformers.Dinov2Model.from_pretrained(model, output_loading_info=True)
assert not any(loading.values()), loading
with torch.no_grad():
    tokens = loaded.eval()(torch.from_numpy(pixels)).last_hidden_state.numpy()
embedding, patch_tokens = tokens[:, 0], tokens[:, 1:]
"""
RUN = """
import sys, numpy as np
model, pixels, output = sys.argv[1], np.load(sys.argv[2]), sys.argv[3]
{}
np.savez(output, embedding=embedding, patch_tokens=patch_tokens)
"""


def write(folder: Path) -> None:
    """Write the exported file, and the folder that transformers reads, with the same random weights."""
    architecture = VARIANTS["vitg14"]
    state = random_state(architecture)
    write_encoder(state, architecture, folder / "encoder.onnx", {}, position_offset=0.1)
    state["pos_embed"] = official_positions(state["pos_embed"]).astype(np.float32)
    transformers_folder(folder / "transformers", state, architecture)


def gigabytes(whose: int) -> float:
    """The largest memory of this process, or of a child that has ended."""
    return resource.getrusage(whose).ru_maxrss * 1024 / 1e9


def main() -> None:
    """Compare, and print what it took."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        np.save(folder / "pixels.npy", random_pixels(1))
        write(folder)
        print(f"Written: {time.monotonic() - began:.0f} s, {gigabytes(resource.RUSAGE_SELF):.1f} GB", flush=True)
        for name, script, model in (("onnx", ONNX, "encoder.onnx"), ("torch", TRANSFORMERS, "transformers")):
            command = [sys.executable, "-c", RUN.format(script), folder / model, folder / "pixels.npy", folder / name]
            subprocess.run(command, check=True)
            memory = gigabytes(resource.RUSAGE_CHILDREN)
            print(f"{name}: {time.monotonic() - began:.0f} s, children up to {memory:.1f} GB", flush=True)
        actual, expected = (np.load(folder / f"{name}.npz") for name in ("onnx", "torch"))
        for output in ("embedding", "patch_tokens"):
            difference = float(np.abs(actual[output] - expected[output]).max())
            print(f"{output}: largest difference {difference:.2g}")
            assert_equal_vectors(actual[output], expected[output])


if __name__ == "__main__":
    main()
