# SPDX-License-Identifier: GPL-3.0-or-later
"""The image encoder: an ONNX file that ONNX Runtime runs on a graphics processor if possible, and otherwise on the
processor."""

import copy
import math
import os
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import InputError
from .files import is_file, reason, sha256_file, shown

VARIANTS = ("VITS14", "VITB14", "VITL14", "VITG14")
MODELS = Path(__file__).parents[1] / "models"
PRECISIONS = ("FP32", "FAST")
PROVIDERS = {
    "TENSORRT": "TensorrtExecutionProvider",
    "CUDA": "CUDAExecutionProvider",
    "DIRECTML": "DmlExecutionProvider",
    "COREML": "CoreMLExecutionProvider",
    "CPU": "CPUExecutionProvider",
}
"""The execution providers that may run an encoder, in the order in which they are tried. Others are never used, even if
a build offers them: Azure's provider would send the images away."""

OPTIONS = {"CUDA": {"use_tf32": "0"}, "COREML": {"ModelFormat": "MLProgram"}}
"""Options that keep a provider to float32 where it would otherwise calculate with fewer bits."""

SPIN_MICROSECONDS = "50"
"""How long a thread that waits for the next layer keeps its core. ONNX Runtime's default is many times longer. That
gains nothing on an idle machine, and it takes the cores from other work, including decoding and rendering."""

SILENT = 4
"""ONNX Runtime's log level: fatal messages only. Errors are raised as well, and become a sentence."""

LEAST_WEIGHT = 1e-6
"""The weight of a patch token that equals the frame, so that an image of one colour has a foreground token, too."""

GET_ENCODER = "Choose the Encoder Folder in the extension's preferences, or name the file with --encoder."


@dataclass(frozen=True)
class Model:
    """The encoder that made a vector, and what the vector is made of.

    Attributes:
        name: name of the encoder.
        sha256: SHA-256 of its file.
        dim: length T of a token.
        foreground: whether the vector is the class token joined with the foreground token, so that its length D is 2 T;
            otherwise it is the class token alone, as in the paper and in databases of version 0.1.0.
    """

    name: str
    sha256: str
    dim: int
    foreground: bool = False

    @property
    def length(self) -> int:
        """Length D of the vector."""
        return self.dim * (2 if self.foreground else 1)

    def __str__(self) -> str:
        return shown(f"{self.name} ({self.length} values, SHA-256 {self.sha256[:12]}…)")


@dataclass(frozen=True)
class EncoderDescription:
    """What results state about the encoder that made them.

    Attributes:
        name: name of the encoder.
        sha256: SHA-256 of its file.
        dim: dimension of its vectors.
        weights: a sentence that says whose weights it has.
        precision: "FP32" or "FAST"; empty in results of early versions.
        provider: what it ran on; empty in results of early versions.
    """

    name: str
    sha256: str
    dim: int
    weights: str
    precision: str = ""
    provider: str = ""


def import_onnxruntime() -> Any:
    """Import the ``onnxruntime`` module. It is imported nowhere else.

    Raises:
        InputError: it cannot be loaded.
    """
    # Otherwise the official builds send usage data. The library reads this once, when it is loaded (its Privacy.md).
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    try:
        import onnxruntime
    except (ImportError, OSError) as error:
        raise InputError(
            f"ONNX Runtime cannot be loaded ({reason(error)}). Install the package that was made for this Python; "
            "on Windows also install the Microsoft Visual C++ Redistributable (x64, 2019 or newer)."
        ) from error
    onnxruntime.set_default_logger_severity(SILENT)
    return onnxruntime


def find_encoder(variant: str = "VITS14", path: Path | None = None) -> Path:
    """Find an encoder file.

    Args:
        variant: the encoder's name, which is looked for as ``<variant>.onnx`` in ``$SIMSEARCH_ENCODERS`` or in
            ``models/``.
        path: the file, if the user named one.

    Raises:
        InputError: there is no such file. The message says where it was looked for, and how to get it.
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


def _why(error: Exception) -> str:
    """Return the first line of an error of ONNX Runtime, without the position in its source code."""
    line = (str(error).splitlines() or [type(error).__name__])[0]
    return re.sub(r"^/\S+:\d+ .*\) (?=[A-Z])", "", line).rstrip(".")


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scale ``vectors`` [N, D] to unit length."""
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def frame_of_patches(count: int) -> NDArray[np.int64]:
    """Return which of ``count`` patches, row by row, lie at the edge of the image, in ascending order."""
    side = math.isqrt(count)
    rows, columns = np.divmod(np.arange(count), side)
    return np.flatnonzero((rows % (side - 1) == 0) | (columns % (side - 1) == 0))


def foreground_tokens(patch_tokens: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the weighted sum of patch tokens, where those weigh most that differ from the frame of the image.

    The frame shows the background, for the most part, so what differs from it is the part. A token's weight is 1 minus its
    cosine to the mean of the frame.

    Args:
        patch_tokens: float32 [N, P, D] of square images, row by row.

    Returns:
        Float32 [N, D], of any length.
    """
    frame = _unit(patch_tokens[:, frame_of_patches(patch_tokens.shape[1])].mean(axis=1))
    lengths = np.linalg.norm(patch_tokens, axis=2)
    cosines = np.einsum("npd,nd->np", patch_tokens, frame) / lengths
    summed: NDArray[np.float32] = np.einsum("npd,np->nd", patch_tokens, np.maximum(1 - cosines, LEAST_WEIGHT))
    return summed


class Encoder:
    """A frozen vision transformer.

    The file has the input ``pixels`` float32 [N, 3, size, size], as :class:`.preprocessing.Preprocessing` makes them.
    Its outputs are ``embedding`` [N, D], the class token after the last LayerNorm, and ``patch_tokens`` [N, P, D]. Its
    metadata name the weights.

    Its vectors are class tokens, which say what an image shows. Those of :meth:`with_foreground` also hold the foreground
    token, which says how the part looks; benchmarks/ACCURACY.md states the gain.

    Args:
        path: the ONNX file.
        threads: number of threads; 0 means one for each processor core.
        precision: "FP32", or "FAST" for the encoder of :mod:`.quantising`, whose vectors are those of another model.
        provider: one of PROVIDERS. None: the first one that the installed ONNX Runtime offers and that works.
        say: receives a sentence if a provider fails and the processor is used instead.

    Attributes:
        model: the encoder's identity, which databases store.
        size: side of the input images, in pixels.
        weights: a sentence that says whose weights it has.
        path: the ONNX file.
        precision: as given.
        provider: the one of PROVIDERS that runs it.

    Raises:
        InputError: the file is not such an encoder, or a provider that was named is not available.
    """

    def __init__(
        self,
        path: Path,
        threads: int = 0,
        precision: str = "FP32",
        provider: str | None = None,
        say: Callable[[str], None] = lambda sentence: print(sentence, file=sys.stderr),
    ) -> None:
        onnxruntime = import_onnxruntime()
        self.path, self.precision, self._threads, self._say = path, precision, threads, say
        offered = [name for name, full in PROVIDERS.items() if full in onnxruntime.get_available_providers()]
        if precision == "FAST":
            offered = ["CPU"]  # no other provider has kernels for it
        if provider not in (None, *offered):
            raise InputError(f"{provider} cannot run this encoder here. Choose one of: {', '.join(offered)}.")
        for self.provider in [provider] if provider else offered:
            try:
                self._session = self._open()
                break
            except InputError:
                raise
            except Exception as error:  # ONNX Runtime has one exception class for each status code
                why = _why(error)
                if self.provider == "CPU":
                    raise InputError(f"{shown(path)} cannot be loaded as an encoder ({why}). {GET_ENCODER}") from error
                say(f"{PROVIDERS[self.provider]} cannot run the encoder ({why}); the next one takes over.")
        inputs = {node.name: node.shape for node in self._session.get_inputs()}
        outputs = {node.name: node.shape for node in self._session.get_outputs()}
        metadata = self._session.get_modelmeta().custom_metadata_map
        if (
            list(inputs) != ["pixels"]
            or len(inputs["pixels"]) != 4
            or not {"embedding", "patch_tokens"} <= outputs.keys()
            or not {"simsearch.name", "simsearch.weights"} <= metadata.keys()
        ):
            raise InputError(f"{shown(path)} is an ONNX file, but not an encoder of this extension. {GET_ENCODER}")
        self.size = int(inputs["pixels"][2])
        self.model = Model(metadata["simsearch.name"], sha256_file(path), int(outputs["embedding"][1]))
        self.weights = str(metadata["simsearch.weights"])
        if precision == "FAST":
            self.model = replace(self.model, name=f"{self.model.name}-fast")
            self.weights += "; fast: perceptrons in 8 bits"
        switches = {node.name for node in self._session.get_overridable_initializers()}
        # ONNX Runtime computes every output, even if it is not fetched. The encoder has a switch for the expensive one.
        self._without_patch_tokens = {"with_patch_tokens": np.array(False)} if "with_patch_tokens" in switches else {}

    @property
    def description(self) -> EncoderDescription:
        """What results state about this encoder."""
        return EncoderDescription(
            self.model.name,
            self.model.sha256,
            self.model.dim,
            weights=self.weights,
            precision=self.precision.lower(),
            provider=PROVIDERS[self.provider],
        )

    def with_foreground(self, foreground: bool = True) -> "Encoder":
        """Return this encoder with vectors that hold the foreground token, or with class tokens alone."""
        if foreground == self.model.foreground:
            return self
        other = copy.copy(self)  # with the same session
        other.model = replace(self.model, foreground=foreground)
        return other

    def embed(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Embed images.

        Args:
            batch: preprocessed images, float32 [N, 3, size, size].

        Returns:
            Vectors, float32 [N, D]. Each of their tokens has unit length.

        Raises:
            InputError: ONNX Runtime fails, for instance because memory is short.
        """
        if not self.model.foreground:
            return _unit(self._run(["embedding"], batch, self._without_patch_tokens)[0])
        class_tokens, patch_tokens = self._run(["embedding", "patch_tokens"], batch, {})
        return np.concatenate([_unit(class_tokens), _unit(foreground_tokens(patch_tokens))], axis=1)

    def patch_tokens(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return one vector for each image patch, row by row from the top left.

        Args:
            batch: preprocessed images, float32 [N, 3, size, size].

        Returns:
            Patch tokens float32 [N, P, D], not normalised.

        Raises:
            InputError: as in :meth:`embed`.
        """
        return self._run(["patch_tokens"], batch, {})[0]

    def _run(
        self, outputs: list[str], batch: NDArray[np.float32], switches: dict[str, NDArray[np.bool_]]
    ) -> list[NDArray[np.float32]]:
        # On the processor, one image at a time is as fast as many, and each image then has its own 8-bit range.
        parts = [batch[[number]] for number in range(len(batch))] if self.provider == "CPU" else [batch]
        try:
            found = [self._session.run(outputs, {"pixels": part} | switches) for part in parts]
        except Exception as error:  # as above
            if self.provider == "CPU":
                raise
            self._say(f"{PROVIDERS[self.provider]} failed ({_why(error)}); the processor continues with the rest.")
            self.provider = "CPU"
            self._session = self._open()
            return self._run(outputs, batch, switches)
        return [np.concatenate(arrays) for arrays in zip(*found, strict=True)]

    def _open(self) -> Any:
        """Open a session that runs on ``provider``, and never on another one without notice."""
        onnxruntime = import_onnxruntime()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.log_severity_level = SILENT
        options.add_session_config_entry("session.intra_op.spin_duration_us", SPIN_MICROSECONDS)
        options.enable_mem_pattern = self.provider != "DIRECTML"  # onnxruntime.ai, DirectML: "Configuration options"
        content: Path | bytes = self.path
        if self.precision == "FAST":
            from .quantising import load_model

            content = load_model(self.path, fast=True).SerializeToString(deterministic=True)
            # Processors without VNNI would saturate at 16 bits: onnxruntime.ai, "Quantize ONNX Models", on U8S8 and U8U8.
            options.add_session_config_entry("session.x64quantprecision", "1")
        name = PROVIDERS[self.provider]
        providers = [(name, OPTIONS.get(self.provider, {}))]
        if self.provider != "CPU":  # for operators without a kernel
            providers.append((PROVIDERS["CPU"], {}))
        # ONNX Runtime's own fallback would be silent.
        session = onnxruntime.InferenceSession(content, options, providers=providers, enable_fallback=0)
        if session.get_providers()[0] != name:
            raise RuntimeError("the installed ONNX Runtime could not load it")
        return session
