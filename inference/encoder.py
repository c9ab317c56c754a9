# SPDX-License-Identifier: GPL-3.0-or-later
"""The image encoder: one ONNX file, run by ONNX Runtime on the processor."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import InputError
from .files import is_file, reason, sha256_file, shown

VARIANTS = ("VITS14", "VITB14", "VITL14", "VITG14")
MODELS = Path(__file__).parents[1] / "models"
PROVIDERS = ["CPUExecutionProvider"]
GET_ENCODER = "Run `make encoder`, or name the file with --encoder."


@dataclass(frozen=True)
class Model:
    """Which encoder made a vector: its name, the SHA-256 of its file and the vector's length."""

    name: str
    sha256: str
    dim: int

    def __str__(self) -> str:
        return shown(f"{self.name} ({self.dim} values, SHA-256 {self.sha256[:12]}…)")


def import_onnxruntime() -> Any:
    """The ``onnxruntime`` module; the only place that imports it. Raises InputError where it cannot be loaded."""
    # The official builds send usage data otherwise; read once, when the library is loaded (Privacy.md in its wheel).
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    try:
        import onnxruntime
    except (ImportError, OSError) as error:
        raise InputError(
            f"ONNX Runtime cannot be loaded ({reason(error)}). Install the package that was made for this Python; "
            "on Windows also install the Microsoft Visual C++ Redistributable (x64, 2019 or newer)."
        ) from error
    return onnxruntime


def find_encoder(variant: str = "VITS14", path: Path | None = None) -> Path:
    """The encoder file: ``path`` if given, else ``<variant>.onnx`` in ``$SIMSEARCH_ENCODERS`` or in ``models/``.

    Raises InputError saying where it was looked for and how to get it.
    """
    if path is not None:
        places = [path]
    else:
        own = os.environ.get("SIMSEARCH_ENCODERS")
        places = [folder / f"{variant.lower()}.onnx" for folder in ([Path(own)] if own else []) + [MODELS]]
    for place in places:
        if is_file(place):
            return place
    looked = " or ".join(shown(place) for place in places)
    raise InputError(f"There is no encoder {looked}. {GET_ENCODER}")


class Encoder:
    """A frozen vision transformer.

    The file takes ``pixels`` float32 [N, 3, size, size], as :class:`.preprocessing.Preprocessing` makes them, and
    gives ``embedding`` [N, D], the class token after the last LayerNorm, and ``patch_tokens`` [N, P, D]; its metadata
    names the weights. ``threads`` 0 means one per processor core. Raises InputError where the file is no such encoder.

    Attributes: ``model``, ``size`` (pixels), ``weights`` (a plain sentence), ``path``.
    """

    def __init__(self, path: Path, threads: int = 0) -> None:
        onnxruntime = import_onnxruntime()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3  # errors only: they are raised too
        try:
            self._session = onnxruntime.InferenceSession(path, options, providers=PROVIDERS)
        except Exception as error:  # the runtime has an exception class of its own for every status code
            why = str(error).splitlines()[0]
            raise InputError(f"{shown(path)} cannot be loaded as an encoder ({why}). {GET_ENCODER}") from error
        inputs = {node.name: node.shape for node in self._session.get_inputs()}
        outputs = {node.name: node.shape for node in self._session.get_outputs()}
        metadata = self._session.get_modelmeta().custom_metadata_map
        if (
            list(inputs) != ["pixels"]
            or len(inputs["pixels"]) != 4
            or not {"embedding", "patch_tokens"} <= outputs.keys()
            or not {"simsearch.name", "simsearch.weights"} <= metadata.keys()
        ):
            raise InputError(f"{shown(path)} is an ONNX file, but not an encoder made by tools/. {GET_ENCODER}")
        self.path = path
        self.size = int(inputs["pixels"][2])
        self.model = Model(metadata["simsearch.name"], sha256_file(path), int(outputs["embedding"][1]))
        self.weights = str(metadata["simsearch.weights"])
        switches = {node.name for node in self._session.get_overridable_initializers()}
        # ONNX Runtime computes every output, fetched or not: the encoder has a switch for the one that is dear.
        self._without_patch_tokens = {"with_patch_tokens": np.array(False)} if "with_patch_tokens" in switches else {}

    def embed(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Unit vectors float32 [N, D] of a batch float32 [N, 3, size, size]."""
        vectors: NDArray[np.float32] = self._session.run(["embedding"], {"pixels": batch} | self._without_patch_tokens)[
            0
        ]
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    def patch_tokens(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """One vector per image patch, row by row from the top left: float32 [N, P, D], not normalised."""
        tokens: NDArray[np.float32] = self._session.run(["patch_tokens"], {"pixels": batch})[0]
        return tokens
