# SPDX-License-Identifier: GPL-3.0-or-later
"""The reference database: vectors, labels and poses of the references in one safetensors file.

The file carries no code. Everything in it is checked when it is opened, as it may come from a stranger.
"""

import json
import math
import os
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from . import neighbours
from .encoder import Model
from .errors import InputError
from .files import is_file, label_problem, reason, replacing, shown, stays_below
from .preprocessing import WHOLE, Preprocessing, crop_problem
from .whitening import Whitening

FORMAT_VERSION = 2
"""Version 2 has foreground tokens or a domain shift. Files without both are of version 1, which extension 0.1.0 reads too."""

OWN_PREPROCESSING = ("crop", "white_level")
"""The parts of the preprocessing that each database states. The other parts are fixed in this version."""

FIXED_PREPROCESSING = json.loads(
    json.dumps({name: part for name, part in asdict(Preprocessing()).items() if name not in OWN_PREPROCESSING})
)
DTYPES = {"I64": "<i8", "F32": "<f4"}
"""Data types of the tensors: safetensors' names and NumPy's names."""

METADATA = ("classes", "images", "model", "preprocessing", "recipe")
WEIGHTS = (1 / 2, 1 / 2)
"""How much the cosines of class tokens and of foreground tokens count; benchmarks/ACCURACY.md compares others."""

NORM_TOLERANCE = 1e-3
"""Largest allowed difference between 1 and the squared length of a stored vector."""


@dataclass(frozen=True)
class ReferenceDatabase:
    """N references of C classes.

    The file does not store ``path`` and ``whitened``.

    Attributes:
        embeddings: vectors of the model, float32 [N, D]. Each of their tokens has unit length.
        labels: classes of the references, int64 [N], as indices into ``classes``.
        classes: names of the C classes.
        poses: camera poses, float32 [N, 4, 4], camera to world in Blender's axes and units; the identity where unknown.
        images: N paths relative to the database file, with forward slashes.
        model: the encoder that made the vectors.
        preprocessing: how a photo becomes the encoder's input.
        recipe: how the images were made.
        promoted: numbers of the references that are real photos, in ascending order.
        qualities: results of :func:`.quality.measure` for the images, float32 [N, 3]; None in files of version 0.1.0.
        domain_shift: what is added to the vector of a rendered reference before photos are compared with it, float32 [D]
            (:mod:`.domain_shift`); None adds nothing.
        path: the file that the database was read from, or that it will be written to.
        whitened: whether similarity is measured after :class:`.whitening.Whitening`; otherwise it is the plain cosine,
            as in the paper.
    """

    embeddings: NDArray[np.float32]
    labels: NDArray[np.int64]
    poses: NDArray[np.float32]
    classes: tuple[str, ...]
    images: tuple[str, ...]
    model: Model
    preprocessing: Preprocessing
    recipe: dict[str, Any]
    promoted: tuple[int, ...] = ()
    qualities: NDArray[np.float32] | None = None
    domain_shift: NDArray[np.float32] | None = None
    path: Path = Path()
    whitened: bool = True

    def __len__(self) -> int:
        return len(self.labels)

    def image_path(self, row: int) -> Path:
        """Return the path of a reference's image, which may no longer exist."""
        return self.path.parent / self.images[row]

    def count(self) -> dict[str, int]:
        """Return the number of references of each class."""
        counts = np.bincount(self.labels, minlength=len(self.classes))
        return dict(zip(self.classes, counts.tolist(), strict=True))

    def take(self, rows: NDArray[np.int64]) -> "ReferenceDatabase":
        """Return a database of the references ``rows`` [M] only, with the same classes."""
        return replace(
            self,
            embeddings=self.embeddings[rows],
            labels=self.labels[rows],
            poses=self.poses[rows],
            images=tuple(self.images[row] for row in rows),
            promoted=tuple(np.flatnonzero(np.isin(rows, self.promoted)).tolist()),
            qualities=None if self.qualities is None else self.qualities[rows],
        )

    @property
    def class_tokens(self) -> NDArray[np.float32]:
        """The class tokens of the references, float32 [N, T]."""
        return self.embeddings[:, : self.model.dim]

    @cached_property
    def whitening(self) -> Whitening:
        """The transform that is applied to vectors before they are compared."""
        if not self.whitened:
            return Whitening.none(self.embeddings.shape[1])
        return Whitening.of(self.embeddings, self.labels, WEIGHTS if self.model.foreground else (1.0,))

    @cached_property
    def compared(self) -> NDArray[np.float32]:
        """The references as photos are compared with them, float32 [N, D]: rendered ones moved by the domain shift."""
        if self.domain_shift is None:
            return self.embeddings
        moved = self.embeddings + self.domain_shift
        for token in np.split(moved, moved.shape[1] // self.model.dim, axis=1):
            token /= np.linalg.norm(token, axis=1, keepdims=True)
        moved[list(self.promoted)] = self.embeddings[list(self.promoted)]
        return moved

    @cached_property
    def lengths(self) -> NDArray[np.float32]:
        """The lengths of the compared references' parts after :attr:`whitening`, float32 [N, P]."""
        return self.whitening.lengths(self.compared)

    def nearest(
        self, vectors: NDArray[np.float32], k: int
    ) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.int64]]:
        """Find the references that are most similar to each query.

        Args:
            vectors: the queries, float32 [Q, D], of unit length.
            k: number of references to find, from 1 to N.

        Returns:
            Similarities float32 [Q, k], row numbers int64 [Q, k] and labels int64 [Q, k], the most similar reference
            first. References of equal similarity are in the order of the database.
        """
        similarities, rows = neighbours.search(self.whitening.dual(vectors), self.compared, self.lengths, k)
        return similarities, rows, self.labels[rows]

    def predict(self, vectors: NDArray[np.float32], k: int) -> NDArray[np.int64]:
        """Classify queries without rejection.

        Args:
            vectors: the queries, float32 [Q, D], of unit length.
            k: number of references that vote; all references vote if there are fewer.

        Returns:
            Indices into ``classes``, int64 [Q].
        """
        similarities, _, labels = self.nearest(vectors, min(k, len(self)))
        return neighbours.vote(labels, similarities, len(self.classes))[0]

    def as_in_paper(self) -> "ReferenceDatabase":
        """Return a database that compares class tokens by their plain cosine (section 3.1 of the paper)."""
        model = replace(self.model, foreground=False)
        return replace(self, embeddings=self.class_tokens, model=model, domain_shift=None, whitened=False)

    def pose_groups(self) -> NDArray[np.int64]:
        """Return int64 [N]: equal numbers for references of the same pose. Each unknown pose has its own number."""
        poses = self.poses.reshape(len(self), 16)
        groups: NDArray[np.int64] = np.unique(poses, axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)
        unknown = (poses == np.eye(4, dtype=np.float32).reshape(16)).all(axis=1)
        groups[unknown] = len(self) + np.arange(unknown.sum())
        return np.unique(groups, return_inverse=True)[1].reshape(-1).astype(np.int64)

    def check_model(self, model: Model) -> None:
        """Check that the vectors come from the encoder ``model``.

        Raises:
            InputError: they come from another encoder, so they cannot be compared.
        """
        if self.model != model:
            raise InputError(
                f"The database was made with the encoder {self.model}, but the one in use is {model}. "
                "Name the database's encoder with --encoder, --model or --precision, or build the database again."
            )

    def save(self, path: Path) -> None:
        """Write the database to the file ``path``. The same content always gives the same bytes.

        The safetensors library is not used for this, because its order of metadata differs from process to process. The
        format is described at github.com/huggingface/safetensors, README, "Format".

        Raises:
            InputError: the file cannot be written.
        """
        tensors: dict[str, NDArray[Any]] = {
            "labels": self.labels, "embeddings": self.class_tokens, "poses": self.poses,
        }  # fmt: skip
        if self.model.foreground:
            tensors["foreground_embeddings"] = self.embeddings[:, self.model.dim :]
        if self.domain_shift is not None:
            tensors["domain_shift"] = self.domain_shift
        values = {
            "format_version": 1 if self.domain_shift is None and not self.model.foreground else FORMAT_VERSION,
            "classes": self.classes,
            "images": self.images,
            "model": {"name": self.model.name, "sha256": self.model.sha256, "dim": self.model.dim},
            "preprocessing": {name: part for name, part in asdict(self.preprocessing).items() if part is not None},
            "recipe": self.recipe,
            "promoted": self.promoted,
        }
        if self.qualities is not None:
            values["qualities"] = self.qualities.tolist()
        header: dict[str, Any] = {"__metadata__": {name: json.dumps(value) for name, value in values.items()}}
        offset = 0
        for name, tensor in tensors.items():
            dtype = next(name for name, dtype in DTYPES.items() if dtype == tensor.dtype)
            end = offset + tensor.nbytes
            header[name] = {"dtype": dtype, "shape": tensor.shape, "data_offsets": (offset, end)}
            offset = end
        text = json.dumps(header).encode()
        text += b" " * (-len(text) % 8)
        with replacing(path) as temporary, temporary.open("wb") as file:
            file.write(len(text).to_bytes(8, "little") + text)
            for tensor in tensors.values():
                file.write(np.ascontiguousarray(tensor).data)

    @classmethod
    def load(cls, path: Path) -> "ReferenceDatabase":
        """Open and check a database.

        Raises:
            InputError: the file cannot be read, is damaged, or was made by a newer version. The message is one
                sentence.
        """
        from safetensors import SafetensorError, safe_open

        if not is_file(path):
            raise InputError(f"There is no database {shown(path)}. Build it first.")
        try:
            with path.open("rb") as stream, safe_open(path, framework="numpy") as file:
                if not os.path.samestat(os.fstat(stream.fileno()), path.stat()):
                    raise _Refused("it was just replaced by another. Start again.")
                content = _metadata(file.metadata() or {})
                references, dim = len(content["images"]), content["model"].dim
                shapes = {
                    "embeddings": ("F32", [references, dim]),
                    "labels": ("I64", [references]),
                    "poses": ("F32", [references, 4, 4]),
                }
                slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118
                if "foreground_embeddings" in slices:
                    shapes["foreground_embeddings"] = shapes["embeddings"]
                if "domain_shift" in slices:
                    shapes["domain_shift"] = ("F32", [dim * (1 + ("foreground_embeddings" in slices))])
                if {name: (tensor.get_dtype(), tensor.get_shape()) for name, tensor in slices.items()} != shapes:
                    raise _Refused("its tensors do not match its metadata. Build it again.")
                content |= _tensors(stream, {name: shapes[name] for name in file.offset_keys()})
            if "foreground_embeddings" in content:
                tokens = [content.pop(name) for name in ("embeddings", "foreground_embeddings")]
                content["embeddings"] = np.concatenate(tokens, axis=1)
                content["model"] = replace(content["model"], foreground=True)
            database = cls(**content, path=path)
            _check_values(database)
        except MemoryError:
            raise InputError(
                f"The database {shown(path)} needs more memory than there is. Close other programs, or build it again."
            ) from None
        except OSError as error:
            raise InputError(
                f"The database {shown(path)} cannot be opened: {reason(error)}. Build it again."
            ) from error
        except SafetensorError as error:
            raise InputError(
                f"{shown(path)} is not a reference database, or is damaged ({reason(error)}). Build it again."
            ) from error
        except _Refused as error:
            raise InputError(f"The database {shown(path)} cannot be used: {error}") from error
        return database


class _Refused(Exception):
    """The reason why a database cannot be used, and what to do, as the second part of a sentence."""


def _tensors(stream: BinaryIO, shapes: dict[str, tuple[str, list[int]]]) -> dict[str, NDArray[Any]]:
    """Read the tensors, which stand one after the other at the end of a file.

    The safetensors library, which has checked the file, would map the file into memory and copy from there. A million
    references would then need twice their size.
    """
    dtypes = {name: np.dtype(DTYPES[dtype]) for name, (dtype, _) in shapes.items()}
    counts = {name: math.prod(shape) for name, (_, shape) in shapes.items()}
    stream.seek(-sum(counts[name] * dtypes[name].itemsize for name in shapes), os.SEEK_END)
    return {name: np.fromfile(stream, dtypes[name], counts[name]).reshape(shapes[name][1]) for name in shapes}


def _metadata(texts: dict[str, str]) -> dict[str, Any]:
    """Check the metadata, and return it as keyword arguments of ReferenceDatabase."""
    version = _parsed(texts, "format_version")
    if type(version) is not int or version < 1:
        raise _Refused("its format_version is not a version number. Build it again.")
    if version > FORMAT_VERSION:  # checked first, because the rest of a newer file is unknown
        raise _Refused(f"its format is {version}, and this version reads {FORMAT_VERSION}. Update the extension.")
    values = {name: _parsed(texts, name) for name in METADATA}
    promoted = _parsed(texts, "promoted") if "promoted" in texts else []
    match values["model"]:
        case {"name": str(name), "sha256": str(sha256), "dim": int(dim)}:
            model = Model(name, sha256, dim)
        case _:
            raise _Refused("its model is not described completely. Build it again.")
    preprocessing = _preprocessing(values["preprocessing"])
    classes, images, recipe = _texts(values["classes"]), _texts(values["images"]), values["recipe"]
    if not classes or len(set(classes)) < len(classes) or not images or not isinstance(recipe, dict):
        raise _Refused("it lists no classes, a class twice, no images or no recipe. Build it again.")
    for label in classes:
        if problem := label_problem(label):
            raise _Refused(problem)
    if not isinstance(promoted, list) or any(type(row) is not int or not 0 <= row < len(images) for row in promoted):
        raise _Refused("its promoted photos are not among its references. Build it again.")
    qualities = _qualities(_parsed(texts, "qualities"), len(images)) if "qualities" in texts else None
    for image in images:
        if not stays_below(image):
            raise _Refused(f'its image path "{shown(image)}" is outside its folder. Build it again.')
    return {
        "classes": classes, "images": images, "recipe": recipe, "model": model, "preprocessing": preprocessing,
        "promoted": tuple(promoted), "qualities": qualities,
    }  # fmt: skip


def _qualities(value: Any, count: int) -> NDArray[np.float32]:
    try:
        with np.errstate(over="ignore"):
            qualities = np.array(value, np.float32)
    except (TypeError, ValueError, OverflowError):
        qualities = np.empty(0, np.float32)
    if qualities.shape != (count, 3) or not np.isfinite(qualities).all():
        raise _Refused("its qualities are not three numbers for each reference. Build it again.")
    return qualities


def _preprocessing(value: Any) -> Preprocessing:
    """Return this version's preprocessing with the crop and the white level of the file. Only these two may differ."""
    own: dict[str, Any] = {}
    if isinstance(value, dict):
        own = {name: value[name] for name in OWN_PREPROCESSING if name in value}
        value = {name: part for name, part in value.items() if name not in own}
    if value != FIXED_PREPROCESSING:
        theirs, ours = shown(json.dumps(value)), json.dumps(FIXED_PREPROCESSING)
        raise _Refused(f"its preprocessing is {theirs}, and this version's is {ours}. Build it again.")
    crop = WHOLE
    if "crop" in own:
        match own["crop"]:
            case [float() | int() as left, float() | int() as top, float() | int() as width, float() | int() as height]:
                try:
                    crop = (float(left), float(top), float(width), float(height))
                except OverflowError:  # integers are unlimited in JSON
                    raise _Refused("its crop is not part of a photo. Build it again.") from None
            case _:
                raise _Refused("its crop is not four numbers. Build it again.")
    if crop_problem(crop):
        raise _Refused(f"its crop {list(crop)} is not part of a photo. Build it again.")
    white_level = own.get("white_level")
    if white_level is not None and (type(white_level) is not int or not 0 < white_level < 2**16):
        raise _Refused("its white level is not a number from 1 to 65535. Build it again.")
    return Preprocessing(crop=crop, white_level=white_level)


def _parsed(texts: dict[str, str], name: str) -> Any:
    try:
        return json.loads(texts[name])
    except KeyError:
        raise _Refused(f"it has no {name}, so it is not a reference database of this kind. Build it again.") from None
    except (ValueError, RecursionError):
        raise _Refused(f"its {name} is damaged. Build it again.") from None


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise _Refused("its classes or images are not lists of strings. Build it again.")
    return tuple(value)


def _check_values(database: ReferenceDatabase) -> None:
    if not np.isin(database.labels, np.arange(len(database.classes))).all():
        raise _Refused("a label is out of range. Build it again.")
    tokens = database.embeddings.reshape(-1, database.model.dim)
    squares = np.einsum("ij,ij->i", tokens, tokens)
    if not (np.abs(squares - 1) < NORM_TOLERANCE).all():  # also false for NaN
        raise _Refused("its vectors are not of unit length. Build it again.")
    if not np.isfinite(database.poses).all():
        raise _Refused("a pose is not finite. Build it again.")
    if database.domain_shift is not None:
        lengths = np.linalg.norm(database.domain_shift.reshape(-1, database.model.dim), axis=1)
        if not (lengths < 1).all():  # also false for NaN; a longer one could leave no vector
            raise _Refused("its domain shift is not shorter than its vectors. Build it again.")
