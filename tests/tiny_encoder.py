# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of inference share: an encoder of a few kilobytes, pictures that it can tell apart, the real one."""

import os
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from synthetic_similarity_search.inference.encoder import find_encoder
from synthetic_similarity_search.inference.errors import InputError

DIM = 16
COLOURS = {"red": (200, 40, 40), "green": (40, 200, 40), "blue": (40, 40, 200)}


def write_tiny_encoder(path: Path, seed: int = 0, name: str = "tiny") -> Path:
    """An encoder with the inputs, outputs and metadata of the real one: a random projection of 14 × 14 patches,
    tanh, and their mean."""
    kernel = np.random.default_rng(seed).normal(size=(DIM, 3, 14, 14)).astype(np.float32) / 14
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["pixels", "kernel"], ["projected"], strides=[14, 14]),
            helper.make_node("Tanh", ["projected"], ["grid"]),
            helper.make_node("Reshape", ["grid", "flat"], ["columns"]),
            helper.make_node("Transpose", ["columns"], ["patch_tokens"], perm=[0, 2, 1]),
            helper.make_node("ReduceMean", ["patch_tokens", "tokens"], ["embedding"], keepdims=0),
        ],
        "tiny",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["N", 3, 224, 224])],
        [
            helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["N", DIM]),
            helper.make_tensor_value_info("patch_tokens", TensorProto.FLOAT, ["N", 256, DIM]),
        ],
        [
            numpy_helper.from_array(kernel, "kernel"),
            numpy_helper.from_array(np.array([0, DIM, 256]), "flat"),
            numpy_helper.from_array(np.array([1]), "tokens"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    helper.set_model_props(model, {"simsearch.name": name, "simsearch.weights": "Random weights, for tests only"})
    onnx.save(model, path)
    return path


def write_pictures(folder: Path, count: int, seed: int, classes: tuple[str, ...] = tuple(COLOURS)) -> Path:
    """``count`` noisy pictures of each class, in folders named like the classes."""
    generator = np.random.default_rng(seed)
    for label in classes:
        (folder / label).mkdir(parents=True)
        for number in range(count):
            pixels = np.array(COLOURS.get(label, (120, 120, 120))) + generator.normal(0, 20, (48, 64, 3))
            Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / label / f"{number:04}.png")
    return folder


def random_batch(count: int) -> np.ndarray:
    """Pixels float32 [count, 3, 224, 224] of no picture, the same each time."""
    return np.random.default_rng(0).standard_normal((count, 3, 224, 224), dtype=np.float32)


def real_encoder() -> Path:
    """The encoder that users get; skips the test where it has not been fetched."""
    try:
        return find_encoder("VITS14")
    except InputError as error:
        pytest.skip(str(error))


def photos_folder() -> Path:
    """The real photos that SIMSEARCH_PHOTOS names; skips the test where there are none."""
    folder = Path(os.environ.get("SIMSEARCH_PHOTOS") or Path(__file__).resolve().parents[2] / "shared" / "photos")
    if not folder.is_dir():
        pytest.skip(f"there are no real photos in {folder}; SIMSEARCH_PHOTOS names their folder")
    return folder
