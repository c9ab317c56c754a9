# SPDX-License-Identifier: GPL-3.0-or-later
"""DINOv2 vision transformers as ONNX files, written node by node from a state dict in the official naming.

A traced export would carry shape arithmetic, a bicubic resize and twelve-node layer norms. Written by hand,
the file holds just the operations that ONNX Runtime has kernels for, the same weights always give the same
bytes, and PyTorch is not needed. The architecture is that of Oquab et al., "DINOv2: Learning Robust Visual
Features without Supervision", 2023, and of its code (github.com/facebookresearch/dinov2, Apache-2.0).

The model takes `pixels`, float32 [N, 3, 224, 224], normalised. It gives `embedding`, float32 [N, D], the
class token after the final layer norm, and `patch_tokens`, float32 [N, 256, D], the others in row order.
Feeding the optional input `with_patch_tokens` = False leaves the second empty ([0, 256, D]) and saves the
last block's work on it, a fourteenth of the whole: ONNX Runtime computes every output of a model, fetched or
not.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from synthetic_similarity_search.inference.files import replacing

Array = NDArray[np.float32]
StateDict = Mapping[str, Array]

IMAGE_SIZE = 224
PATCH_SIZE = 14
GRID = IMAGE_SIZE // PATCH_SIZE
TRAINED_GRID = 37  # position embeddings are stored for 518 x 518 pixels
NORM_EPSILON = 1e-6
OPSET = 20  # the first with an exact Gelu
EXTERNAL_ALIGNMENT = 65536  # Windows maps files into memory only at multiples of this
INLINE_LIMIT = 2_000_000_000  # protobuf messages end at 2 GiB; beyond this the weights go into a file beside


@dataclass(frozen=True)
class Architecture:
    """Shape of a DINOv2 vision transformer: `width` channels, `depth` blocks, `heads` attention heads.

    `swiglu` replaces the two-layer GELU perceptron by the gated one of Shazeer, "GLU Variants Improve
    Transformer", 2020, whose hidden width is two thirds of the usual four times `width`, rounded up to a
    multiple of eight.
    """

    title: str
    width: int
    depth: int
    heads: int
    swiglu: bool = False

    @property
    def hidden(self) -> int:
        """Width inside the perceptron."""
        return (int(4 * self.width * 2 / 3) + 7) // 8 * 8 if self.swiglu else 4 * self.width

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Name and shape of every tensor of the official state dict that the encoder uses."""
        width, hidden = self.width, self.hidden
        linear = {"attn.qkv": (3 * width, width), "attn.proj": (width, width)}
        if self.swiglu:
            linear |= {"mlp.w12": (2 * hidden, width), "mlp.w3": (width, hidden)}
        else:
            linear |= {"mlp.fc1": (hidden, width), "mlp.fc2": (width, hidden)}
        shapes: dict[str, tuple[int, ...]] = {
            "cls_token": (1, 1, width),
            "pos_embed": (1, 1 + TRAINED_GRID**2, width),
            "patch_embed.proj.weight": (width, 3, PATCH_SIZE, PATCH_SIZE),
            "patch_embed.proj.bias": (width,),
            "norm.weight": (width,),
            "norm.bias": (width,),
        }
        for block in (f"blocks.{index}" for index in range(self.depth)):
            for name, (rows, columns) in linear.items():
                shapes |= {f"{block}.{name}.weight": (rows, columns), f"{block}.{name}.bias": (rows,)}
            vectors = ("norm1.weight", "norm1.bias", "ls1.gamma", "norm2.weight", "norm2.bias", "ls2.gamma")
            shapes |= {f"{block}.{name}": (width,) for name in vectors}
        return shapes


VARIANTS = {
    "vits14": Architecture("ViT-S/14", 384, 12, 6),
    "vitb14": Architecture("ViT-B/14", 768, 12, 12),
    "vitl14": Architecture("ViT-L/14", 1024, 24, 16),
    "vitg14": Architecture("ViT-g/14", 1536, 40, 24, swiglu=True),
}


def resized_positions(grid: Array, size: int, offset: float) -> Array:
    """Position embeddings of a `size` x `size` grid, bicubically interpolated from a square grid [G, G, D].

    As `torch.nn.functional.interpolate(mode="bicubic", scale_factor=(size + offset) / G)` computes it: cubic
    convolution with a = -0.75 (Keys, "Cubic Convolution Interpolation for Digital Image Processing", 1981,
    eq. 4), half-pixel centres, clamped borders, no antialiasing. The official code adds `offset` = 0.1 to the
    size, so its sampling points are a little closer together than the plain resize's (`offset` = 0).
    """
    a = -0.75
    source = len(grid)
    centres = (np.arange(size) + 0.5) * source / (size + offset) - 0.5
    kernel = np.zeros((size, source))
    for tap in range(-1, 3):
        index = np.floor(centres).astype(np.int64) + tap
        distance = np.abs(centres - index)
        near = ((a + 2) * distance - (a + 3)) * distance**2 + 1
        far = a * (((distance - 5) * distance + 8) * distance - 4)
        np.add.at(kernel, (np.arange(size), index.clip(0, source - 1)), np.where(distance < 1, near, far))
    resized: Array = np.einsum("ya,xb,abd->yxd", kernel, kernel, grid, optimize=True).astype(np.float32)
    return resized


def folded_weights(state: StateDict, architecture: Architecture, position_offset: float) -> Iterator[tuple[str, Array]]:
    """The tensors that the graph holds, one after the other, so that even ViT-g needs little memory.

    Position embeddings become constants of the 16 x 16 grid, those of the class token go into the token
    itself, each layer scale into the linear layer before it, and linear weights are transposed to [inputs,
    outputs].
    """

    def linear(
        name: str, source: str, rows: slice = slice(None), scale: str | None = None
    ) -> Iterator[tuple[str, Array]]:
        gamma = state[scale] if scale else np.float32(1)
        yield f"{name}.weight", state[f"{source}.weight"][rows].T * gamma
        yield f"{name}.bias", state[f"{source}.bias"][rows] * gamma

    width, hidden = architecture.width, architecture.hidden
    positions = state["pos_embed"][0]
    grid = positions[1:].reshape(TRAINED_GRID, TRAINED_GRID, width)
    yield "patches.weight", state["patch_embed.proj.weight"]
    yield "patches.bias", state["patch_embed.proj.bias"]
    yield "patches.position", resized_positions(grid, GRID, position_offset).reshape(1, GRID**2, width)
    yield "class_token", state["cls_token"] + positions[0]
    for block in (f"blocks.{index}" for index in range(architecture.depth)):
        for name in ("norm1.weight", "norm1.bias", "norm2.weight", "norm2.bias"):
            yield f"{block}.{name}", state[f"{block}.{name}"]
        for part, name in enumerate(("query", "key", "value")):
            yield from linear(f"{block}.{name}", f"{block}.attn.qkv", slice(part * width, (part + 1) * width))
        yield from linear(f"{block}.projection", f"{block}.attn.proj", scale=f"{block}.ls1.gamma")
        if architecture.swiglu:
            yield from linear(f"{block}.gate", f"{block}.mlp.w12", slice(hidden))
            yield from linear(f"{block}.expansion", f"{block}.mlp.w12", slice(hidden, None))
            yield from linear(f"{block}.contraction", f"{block}.mlp.w3", scale=f"{block}.ls2.gamma")
        else:
            yield from linear(f"{block}.expansion", f"{block}.mlp.fc1")
            yield from linear(f"{block}.contraction", f"{block}.mlp.fc2", scale=f"{block}.ls2.gamma")
    yield "norm.weight", state["norm.weight"]
    yield "norm.bias", state["norm.bias"]


class _Nodes(list[onnx.NodeProto]):
    """Nodes in the order they run. Each method adds some and returns the name of the tensor they compute."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.architecture = architecture

    def add(self, operator: str, *inputs: str, to: str, **attributes: Any) -> str:
        self.append(helper.make_node(operator, inputs, [to], name=to, **attributes))
        return to

    def linear(self, x: str, weights: str, to: str) -> str:
        product = self.add("MatMul", x, f"{weights}.weight", to=f"{to}.product")
        return self.add("Add", product, f"{weights}.bias", to=to)

    def norm(self, x: str, weights: str, to: str) -> str:
        scale, bias = f"{weights}.weight", f"{weights}.bias"
        return self.add("LayerNormalization", x, scale, bias, to=to, axis=-1, epsilon=NORM_EPSILON)

    def tokens(self) -> str:
        """The class token and the patch tokens in their places, [N, 257, D]."""
        stride = [PATCH_SIZE, PATCH_SIZE]
        grid = self.add("Conv", "pixels", "patches.weight", "patches.bias", to="patches.grid", strides=stride)
        columns = self.add("Reshape", grid, "patches.shape", to="patches.columns")
        patches = self.add("Transpose", columns, to="patches", perm=[0, 2, 1])
        placed = self.add("Add", patches, "patches.position", to="patches.placed")
        batch = self.add("Shape", "pixels", to="batch_size", start=0, end=1)
        shape = self.add("Concat", batch, "class_token.shape", to="class_tokens.shape", axis=0)
        first = self.add("Expand", "class_token", shape, to="class_tokens")
        return self.add("Concat", first, placed, to="tokens", axis=1)

    def keys_and_values(self, normed: str, block: str) -> tuple[str, str]:
        """What the queries of `block` are answered from: all its normalised tokens."""
        keys = self.linear(normed, f"{block}.key", to=f"{block}.keys")
        return keys, self.linear(normed, f"{block}.value", to=f"{block}.values")

    def block(self, x: str, normed: str, keys: str, values: str, block: str, to: str) -> str:
        """The tokens `x` after `block`; `x` and `normed` may be fewer than the keys and values."""
        queries = self.linear(normed, f"{block}.query", to=f"{to}.queries")
        # ONNX Runtime's own operator: it has fused kernels for CPU, CUDA and DirectML.
        attention = {"domain": "com.microsoft", "num_heads": self.architecture.heads}
        answers = self.add("MultiHeadAttention", queries, keys, values, to=f"{to}.answers", **attention)
        answers = self.linear(answers, f"{block}.projection", to=f"{to}.projected")
        x = self.add("Add", x, answers, to=f"{to}.attended")
        normed = self.norm(x, f"{block}.norm2", to=f"{to}.attended_normed")
        hidden = self.linear(normed, f"{block}.expansion", to=f"{to}.expanded")
        if self.architecture.swiglu:
            gate = self.linear(normed, f"{block}.gate", to=f"{to}.gate")
            gate = self.add("Mul", gate, self.add("Sigmoid", gate, to=f"{to}.sigmoid"), to=f"{to}.silu")
            hidden = self.add("Mul", gate, hidden, to=f"{to}.gated")
        else:
            hidden = self.add("Gelu", hidden, to=f"{to}.gelu")
        contracted = self.linear(hidden, f"{block}.contraction", to=f"{to}.contracted")
        return self.add("Add", x, contracted, to=f"{to}.tokens")


def encoder_graph(architecture: Architecture) -> onnx.GraphProto:
    """The graph without the weights of :func:`folded_weights`, which its nodes refer to by name."""
    width = architecture.width
    constants = {
        "patches.shape": np.array([0, width, GRID**2]),
        "class_token.shape": np.array([1, width]),
        "zero": np.array([0]),
        "one": np.array([1]),
        "end": np.array([1 + GRID**2]),
        "with_patch_tokens": np.array(True),
    }
    nodes = _Nodes(architecture)
    tokens = nodes.tokens()
    for block in (f"blocks.{index}" for index in range(architecture.depth)):
        normed = nodes.norm(tokens, f"{block}.norm1", to=f"{block}.normed")
        keys, values = nodes.keys_and_values(normed, block)
        if block != f"blocks.{architecture.depth - 1}":
            tokens = nodes.block(tokens, normed, keys, values, block, to=block)

    def finish(nodes: _Nodes, part: str, start: str, end: str) -> str:
        """The last block and norm for the tokens from `start` to `end` alone."""
        some = nodes.add("Slice", tokens, start, end, "one", to=f"{part}.tokens_before")
        some_normed = nodes.add("Slice", normed, start, end, "one", to=f"{part}.normed")
        after = nodes.block(some, some_normed, keys, values, block, to=part)
        return nodes.norm(after, "norm", to=f"{part}.final")

    nodes.add("Squeeze", finish(nodes, "class", "zero", "one"), "one", to="embedding")
    then, otherwise = _Nodes(architecture), _Nodes(architecture)
    computed = finish(then, "patch", "one", "end")
    nothing = helper.make_tensor("nothing", TensorProto.FLOAT, [0, GRID**2, width], [])
    skipped = otherwise.add("Constant", to="patch.skipped", value=nothing)
    nodes.add(
        "If",
        "with_patch_tokens",
        to="patch_tokens",
        then_branch=helper.make_graph(then, "with", [], [_floats(computed, None, GRID**2, width)]),
        else_branch=helper.make_graph(otherwise, "without", [], [_floats(skipped, None, GRID**2, width)]),
    )
    return helper.make_graph(
        nodes,
        "dinov2",
        [
            _floats("pixels", "N", 3, IMAGE_SIZE, IMAGE_SIZE),
            helper.make_tensor_value_info("with_patch_tokens", TensorProto.BOOL, []),
        ],
        [_floats("embedding", "N", width), _floats("patch_tokens", None, GRID**2, width)],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )


def _floats(name: str, *shape: int | str | None) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def write_encoder(
    state: StateDict,
    architecture: Architecture,
    path: Path,
    metadata: Mapping[str, str],
    position_offset: float,
) -> None:
    """Write the encoder `state` as `path`, with `metadata` in the model's properties.

    `state` must hold just the tensors of :meth:`Architecture.shapes`. More than 2 GB of weights, which no
    ONNX file can hold, go to `path` + ".data" beside it. The model file appears last, and only when all is
    written.
    """
    graph = encoder_graph(architecture)
    model = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid("com.microsoft", 1)],
        ir_version=10,
        producer_name="synthetic_similarity_search",
    )
    helper.set_model_props(model, dict(metadata))
    tensors = folded_weights(state, architecture, position_offset)
    size = 4 * sum(math.prod(shape) for shape in architecture.shapes().values())
    if size < INLINE_LIMIT:
        model.graph.initializer.extend(numpy_helper.from_array(array, name) for name, array in tensors)
    else:
        path.unlink(missing_ok=True)  # it describes the old weights
        with replacing(external_data(path)) as data, data.open("wb") as file:
            model.graph.initializer.extend(_external(array, name, file, path) for name, array in tensors)
    with replacing(path) as file_path:
        file_path.write_bytes(model.SerializeToString(deterministic=True))


def external_data(path: Path) -> Path:
    """Where the weights of the model file `path` are, if it is too large to hold them."""
    return path.with_name(path.name + ".data")


def _external(array: NDArray[Any], name: str, file: BinaryIO, path: Path) -> TensorProto:
    file.write(bytes(-file.tell() % EXTERNAL_ALIGNMENT))
    place = {"location": external_data(path).name, "offset": file.tell(), "length": array.nbytes}
    file.write(np.ascontiguousarray(array).data)
    data_type = helper.np_dtype_to_tensor_dtype(array.dtype)
    tensor = TensorProto(name=name, data_type=data_type, dims=array.shape, data_location=TensorProto.EXTERNAL)
    for key, value in place.items():
        tensor.external_data.add(key=key, value=str(value))
    return tensor
