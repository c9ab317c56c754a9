# SPDX-License-Identifier: GPL-3.0-or-later
"""How numbers and names are said to people. Needs no Blender."""

RUNS_ON = {
    "TensorrtExecutionProvider": "the graphics card (TensorRT)",
    "CUDAExecutionProvider": "the graphics card (CUDA)",
    "DmlExecutionProvider": "the graphics card (DirectML)",
    "CoreMLExecutionProvider": "Core ML",
    "CPUExecutionProvider": "the processor",
}
"""What an encoder runs on, by ONNX Runtime's name for it."""


def counted(number: int, thing: str) -> str:
    """A number with what it counts, of which the plural ends with s: ``1 photo``, ``2 photos``."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
