# SPDX-License-Identifier: GPL-3.0-or-later
"""The encoder "fast": its perceptrons multiply 8-bit integers. It is made in memory from the float32 file.

The perceptrons account for two thirds of the computation. Attention stays in float32. In 8 bits it would be faster
still, but a few photos whose attention is sensitive then had a cosine of only 0.995 to their float32 vector.

Weights are int8, symmetric, with one scale for each output. Inputs are quantised dynamically, with one range for each
call, so a call must contain only one image. Two measures keep the loss small, and neither needs photos:

- Channels that a LayerNorm amplifies would use up the range of the others. Their scale is moved from the LayerNorm to
  the weights that read it, before these are rounded (Xiao et al., "SmoothQuant: Accurate and Efficient Post-Training
  Quantization for Large Language Models", ICML 2023, equation 4).
- A few tokens, above all the class token, have activations in the perceptron that are ten times larger than those of
  other tokens. Each token is divided by its largest activation before the last layer, and the output is multiplied by
  it.

The same file always gives the same weights. benchmarks/SPEED.md states the gain in speed and the loss in accuracy.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .errors import InputError

if TYPE_CHECKING:
    import onnx

READERS = ("expansion.weight", "gate.weight")
"""The layers of the perceptron that read its LayerNorm `norm2`, as tools/encoder_graph.py names them."""

LAST = "contraction.weight"

SMOOTHING = 0.85
"""Share of the channels' differences that the weights absorb. Of the values from 0.5 to 1, this was the best on real
photos."""

SMALLEST_DIVISOR = 0.2
"""Smallest divisor of a token. GELU's values are at least -0.17; a token with only such small values is not scaled."""

TINY = np.finfo(np.float32).tiny
DEVIATIONS = 3
"""Expected largest distance of a normalised value from its mean, in standard deviations."""


def load_model(path: Path, *, fast: bool) -> "onnx.ModelProto":
    """Load an encoder file, or make the "fast" encoder from it.

    Args:
        path: the encoder file.
        fast: whether to make the "fast" encoder.

    Raises:
        InputError: the onnx package is missing.
    """
    try:
        import onnx
    except ImportError as error:
        raise InputError(
            "The fast encoder and export-onnx need the Python package onnx. Install it: pip install onnx"
        ) from error
    model = onnx.load(path)
    return _quantised(model) if fast else model


def _quantised(model: "onnx.ModelProto") -> "onnx.ModelProto":
    from onnx import numpy_helper

    tensors = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    del model.graph.initializer[:]
    _smooth(tensors)
    read = _replace_linear_layers(model.graph, {name for name in tensors if name.endswith((*READERS, LAST))})
    tensors |= {"last_axis": np.array([-1]), "smallest_divisor": np.array(SMALLEST_DIVISOR, np.float32)}
    for name in read:
        matrix = tensors.pop(name)
        scale = np.maximum(np.abs(matrix).max(axis=0), TINY) / np.float32(127)
        rounded = np.rint(matrix / scale).astype(np.int8)
        # Optional, but without it ONNX Runtime 1.17 aborts on processors without VNNI when it makes the weights unsigned.
        zero = np.zeros(len(scale), np.int8)
        tensors |= {f"{name}.int8": rounded, f"{name}.scale": scale, f"{name}.zero": zero}
    model.graph.initializer.extend(numpy_helper.from_array(array, name) for name, array in tensors.items())
    return model


def _smooth(tensors: dict[str, NDArray[Any]]) -> None:
    """Move the scale of amplified channels from each perceptron's LayerNorm to the weights that read it."""
    for name in [name for name in tensors if name.endswith(".norm2.weight")]:
        block = name.removesuffix("norm2.weight")
        scale, bias = tensors[name], tensors[f"{block}norm2.bias"]
        readers = [block + reader for reader in READERS if block + reader in tensors]
        loudness = DEVIATIONS * np.abs(scale) + np.abs(bias)
        weights = np.max([np.abs(tensors[reader]).max(axis=1) for reader in readers], axis=0)
        octaves = SMOOTHING * np.log2(np.maximum(loudness, TINY)) - (1 - SMOOTHING) * np.log2(np.maximum(weights, TINY))
        factor = np.exp2((octaves - np.median(octaves)).clip(-8, 8)).astype(np.float32)
        tensors[name], tensors[f"{block}norm2.bias"] = scale / factor, bias / factor
        for reader in readers:
            tensors[reader] = tensors[reader] * factor[:, None]


def _replace_linear_layers(graph: "onnx.GraphProto", matrices: set[str]) -> list[str]:
    """Replace each product with one of ``matrices``, and the addition of its bias, by `DynamicQuantizeMatMul`.

    This is done in ``graph`` and its branches. Returns the names of the matrices that were used.
    """
    nodes: list[onnx.NodeProto] = []
    read: list[str] = []
    waiting = iter(graph.node)
    for node in waiting:
        for attribute in node.attribute:
            if attribute.HasField("g"):
                read += [name for name in _replace_linear_layers(attribute.g, matrices) if name not in read]
        if node.op_type == "MatMul" and node.input[1] in matrices:
            if node.input[1] not in read:
                read.append(node.input[1])
            nodes += _linear_layer(node.input[0], node.input[1], *_other_input_and_output(next(waiting), node.output))
        else:
            nodes.append(node)
    del graph.node[:]
    graph.node.extend(nodes)
    return read


def _other_input_and_output(addition: "onnx.NodeProto", product: Iterable[str]) -> tuple[str, str]:
    (bias,) = set(addition.input) - set(product)
    return bias, addition.output[0]


def _linear_layer(x: str, weight: str, bias: str, to: str) -> list["onnx.NodeProto"]:
    from onnx import helper

    def quantised(x: str, bias: list[str], to: str) -> "onnx.NodeProto":
        inputs = [x, f"{weight}.int8", f"{weight}.scale", f"{weight}.zero", *bias]
        return helper.make_node("DynamicQuantizeMatMul", inputs, [to], name=to, domain="com.microsoft")

    if not weight.endswith(LAST):
        return [quantised(x, [bias], to)]
    largest, divisor, even, product, restored = (
        f"{to}.{step}" for step in ("largest", "divisor", "even", "product", "restored")
    )
    return [
        helper.make_node("ReduceMax", [x, "last_axis"], [largest], name=largest, keepdims=1),
        helper.make_node("Max", [largest, "smallest_divisor"], [divisor], name=divisor),
        helper.make_node("Div", [x, divisor], [even], name=even),
        quantised(even, [], product),
        helper.make_node("Mul", [product, divisor], [restored], name=restored),
        helper.make_node("Add", [restored, bias], [to], name=to),
    ]
