# SPDX-License-Identifier: GPL-3.0-or-later
"""The official forward pass of DINOv2, in plain numpy, and random weights for it."""

import math

import numpy as np

from synthetic_similarity_search.tools.encoder_graph import Architecture, Array


def random_state(architecture: Architecture, seed: int = 0) -> dict[str, Array]:
    """Random weights at about the scale of trained ones, so that every part of a block matters."""
    generator = np.random.default_rng(seed)
    state = {}
    for name, shape in architecture.shapes().items():
        values = generator.standard_normal(shape, dtype=np.float32)
        if name.endswith("gamma") or ("norm" in name and name.endswith("weight")):
            values = 1 + 0.3 * values
        elif len(shape) > 1 and name.endswith("weight"):
            values *= math.prod(shape[1:]) ** -0.5
        state[name] = values.astype(np.float32)
    return state


def official_positions(pos_embed: Array) -> Array:
    """Position embeddings [1, 257, D] as the official code resizes them, tap by tap from the definition."""

    def cubic(x: float, a: float = -0.75) -> float:
        x = abs(x)
        if x <= 1:
            return (a + 2) * x**3 - (a + 3) * x**2 + 1
        return a * x**3 - 5 * a * x**2 + 8 * a * x - 4 * a if x < 2 else 0.0

    grid = pos_embed[0, 1:].astype(np.float64).reshape(37, 37, -1)
    scale = (16 + 0.1) / 37
    patches = np.zeros((16, 16, grid.shape[2]))
    for row in range(16):
        for column in range(16):
            y, x = (row + 0.5) / scale - 0.5, (column + 0.5) / scale - 0.5
            for i in range(math.floor(y) - 1, math.floor(y) + 3):
                for j in range(math.floor(x) - 1, math.floor(x) + 3):
                    neighbour = grid[min(max(i, 0), 36), min(max(j, 0), 36)]
                    patches[row, column] += cubic(y - i) * cubic(x - j) * neighbour
    return np.concatenate([pos_embed[:, :1].astype(np.float64), patches.reshape(1, 256, -1)], axis=1)


def forward(state: dict[str, Array], architecture: Architecture, pixels: Array) -> tuple[Array, Array]:
    """The official forward pass in float64: class token [N, D] and patch tokens [N, 256, D]."""
    weights = {name: tensor.astype(np.float64) for name, tensor in state.items()}
    erf = np.vectorize(math.erf, otypes=[np.float64])

    def linear(x: Array, name: str) -> Array:
        return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    def norm(x: Array, name: str) -> Array:
        centred = x - x.mean(-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-6)
        return scaled * weights[f"{name}.weight"] + weights[f"{name}.bias"]

    def attention(x: Array, name: str) -> Array:
        count, tokens, width = x.shape
        qkv = linear(x, f"{name}.qkv").reshape(count, tokens, 3, architecture.heads, -1).transpose(2, 0, 3, 1, 4)
        scores = qkv[0] @ qkv[1].swapaxes(-1, -2) * (width // architecture.heads) ** -0.5
        shares = np.exp(scores - scores.max(-1, keepdims=True))
        shares /= shares.sum(-1, keepdims=True)
        return linear((shares @ qkv[2]).swapaxes(1, 2).reshape(x.shape), f"{name}.proj")

    def perceptron(x: Array, name: str) -> Array:
        if architecture.swiglu:
            gate, value = np.split(linear(x, f"{name}.w12"), 2, axis=-1)
            return linear(gate / (1 + np.exp(-gate)) * value, f"{name}.w3")
        hidden = linear(x, f"{name}.fc1")
        return linear(hidden * 0.5 * (1 + erf(hidden / math.sqrt(2))), f"{name}.fc2")

    count, width = len(pixels), architecture.width
    squares = pixels.reshape(count, 3, 16, 14, 16, 14).transpose(0, 2, 4, 1, 3, 5).reshape(count, 256, 3 * 14 * 14)
    patches = squares @ weights["patch_embed.proj.weight"].reshape(width, -1).T + weights["patch_embed.proj.bias"]
    x = np.concatenate([np.repeat(weights["cls_token"], count, axis=0), patches], axis=1)
    x += official_positions(state["pos_embed"])
    for block in (f"blocks.{index}" for index in range(architecture.depth)):
        x = x + weights[f"{block}.ls1.gamma"] * attention(norm(x, f"{block}.norm1"), f"{block}.attn")
        x = x + weights[f"{block}.ls2.gamma"] * perceptron(norm(x, f"{block}.norm2"), f"{block}.mlp")
    x = norm(x, "norm")
    return x[:, 0], x[:, 1:]
