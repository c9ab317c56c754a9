# SPDX-License-Identifier: GPL-3.0-or-later
"""The encoder "fast": close to float32, independent of the batch, and never taken for the float32 one."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

from synthetic_similarity_search.inference.database import ReferenceDatabase
from synthetic_similarity_search.inference.encoder import Encoder
from synthetic_similarity_search.inference.errors import InputError
from synthetic_similarity_search.inference.preprocessing import Preprocessing
from synthetic_similarity_search.inference.quantising import load_model
from synthetic_similarity_search.tests.reference_dinov2 import forward, random_state
from synthetic_similarity_search.tests.tiny_encoder import photos_folder, random_batch, real_encoder
from synthetic_similarity_search.tools.encoder_graph import VARIANTS, write_encoder


@pytest.mark.parametrize("variant", ["vits14", "vitg14"])
def test_close_to_the_official_forward_pass(variant: str, tmp_path: Path) -> None:
    architecture = replace(VARIANTS[variant], depth=2)
    state, pixels = random_state(architecture), random_batch(1)
    metadata = {"simsearch.name": variant, "simsearch.weights": "Random"}
    write_encoder(state, architecture, tmp_path / "encoder.onnx", metadata, position_offset=0.1)
    fast = Encoder(tmp_path / "encoder.onnx", precision="FAST")
    found = (fast.embed(pixels), fast.patch_tokens(pixels))
    for actual, expected in zip(found, forward(state, architecture, pixels), strict=True):
        lengths = np.linalg.norm(actual, axis=-1) * np.linalg.norm(expected, axis=-1)
        assert ((actual * expected).sum(-1) / lengths).min() > 0.998


def test_the_perceptrons_of_every_block_are_in_8_bits_and_the_same_file_gives_the_same_bytes() -> None:
    model, again = (load_model(real_encoder(), fast=True) for _ in range(2))
    assert model.SerializeToString(deterministic=True) == again.SerializeToString(deterministic=True)
    names = {tensor.name for tensor in model.graph.initializer}
    for block in range(12):
        for layer in ("expansion", "contraction"):
            assert f"blocks.{block}.{layer}.weight.int8" in names and f"blocks.{block}.{layer}.weight" not in names
    products = [node for node in nodes(model.graph) if node.op_type == "DynamicQuantizeMatMul"]
    # The zero point, which old ONNX Runtimes read blindly.
    assert products and all(node.input[3] in names for node in products)


def nodes(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    """The nodes of a graph and of its branches."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            yield from nodes(attribute.g)


def test_close_to_float32_on_real_photos() -> None:
    photos = sorted(path for path in photos_folder().glob("*/*/*.*") if path.suffix in (".jpg", ".png"))[::40]
    pixels = np.stack([Preprocessing().read(photo) for photo in photos])
    exact, fast = (Encoder(real_encoder(), precision=precision).embed(pixels) for precision in ("FP32", "FAST"))
    assert (exact * fast).sum(axis=1).min() > 0.998


def test_a_vector_is_the_same_whatever_is_in_its_batch() -> None:
    encoder = Encoder(real_encoder(), precision="FAST")
    batch = random_batch(3)
    batch[1] *= 10  # a range of its own would be everyone's
    assert (encoder.embed(batch)[[0, 2]] == encoder.embed(batch[[0, 2]])).all()


def test_its_vectors_are_not_compared_with_float32_ones(tmp_path: Path) -> None:
    exact, fast = (Encoder(real_encoder(), precision=precision) for precision in ("FP32", "FAST"))
    assert fast.model.name == f"{exact.model.name}-fast" and "8 bits" in fast.weights
    vectors = exact.embed(random_batch(2))
    database = ReferenceDatabase(
        vectors,
        np.array([0, 1]),
        np.tile(np.eye(4, dtype=np.float32), (2, 1, 1)),
        ("a", "b"),
        ("a.png", "b.png"),
        exact.model,
        Preprocessing(),
        {},
    )
    with pytest.raises(InputError, match="--precision"):
        database.check_model(fast.model)
