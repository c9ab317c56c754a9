# SPDX-License-Identifier: GPL-3.0-or-later
"""The encoder "fast": its perceptrons multiply 8-bit integers. Made in memory from the float32 file.

Two thirds of the work are the perceptrons'. Attention stays in float32: in 8 bits it would be quicker still, but a few
photos, whose attention is easily turned, came out at cosine 0.995 to their float32 vector.

Weights are int8, symmetric, with one scale per output; their inputs are quantised as they come, with one range per
call, so that a call must hold one image only. Two things keep what that costs small, and neither needs any photo:

- Channels that a LayerNorm scales up would take the range from the others. Their scale is moved from the LayerNorm into
  the weights that read it (Xiao et al., "SmoothQuant: Accurate and Efficient Post-Training Quantization for Large
  Language Models", ICML 2023, equation 4), before they are rounded.
- A few tokens, the class token before all, have activations ten times as large as the others' inside the perceptron.
  Each token is divided by its largest activation before the last layer, and the layer's output multiplied by it.

The same file always gives the same weights. benchmarks/SPEED.md says how fast that is and what it costs.
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
"""The perceptron's layers that read its LayerNorm `norm2`, as tools/encoder_graph.py names them."""

LAST = "contraction.weight"

SMOOTHING = 0.85
"""How much of the channels' differences the weights take over; 0.5 to 1 were tried on real photos, and this was best."""

SMALLEST_DIVISOR = 0.2
"""GELU's values reach down to -0.17: a token whose own are all as small keeps their size."""

TINY = np.finfo(np.float32).tiny
DEVIATIONS = 3
"""How far, in standard deviations, a normalised value is expected to lie from its mean."""


def load_model(path: Path, *, fast: bool) -> "onnx.ModelProto":
    """The encoder file at ``path``, or the "fast" encoder made of it. Raises InputError where onnx is missing."""
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
        tensors |= {f"{name}.int8": np.rint(matrix / scale).astype(np.int8), f"{name}.scale": scale}
    model.graph.initializer.extend(numpy_helper.from_array(array, name) for name, array in tensors.items())
    return model


def _smooth(tensors: dict[str, NDArray[Any]]) -> None:
    """Move the scale of loud channels from each perceptron's LayerNorm into the weights that read it."""
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
    """Let `DynamicQuantizeMatMul` stand for each product with one of ``matrices`` and the addition of its bias, in
    ``graph`` and its branches; returns which matrices were read."""
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
        inputs = [x, f"{weight}.int8", f"{weight}.scale", *bias]
        return helper.make_node("DynamicQuantizeMatMul", inputs, [to], name=to, domain="com.microsoft")

    if not weight.endswith(LAST):
        return [quantised(x, ["", bias], to)]
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
