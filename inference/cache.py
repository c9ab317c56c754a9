# SPDX-License-Identifier: GPL-3.0-or-later
"""Vectors and qualities of photos that were embedded before, so that a job that was stopped goes on from there."""

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .database import NORM_TOLERANCE
from .encoder import Model
from .errors import InputError
from .files import reason, shown
from .preprocessing import Preprocessing

KEY_BYTES = 16
HEADER_BYTES = 32


class EmbeddingCache:
    """A file of vectors by photo, of one encoder and preprocessing; the file of any other is begun anew.

    The file only grows, by whole batches: a header that stands for encoder and preprocessing, then records of equal
    length, so that what a stopped process left unfinished at its end is known and dropped. A photo is known by its
    place, size and time of change.
    """

    def __init__(self, path: Path, model: Model, preprocessing: Preprocessing) -> None:
        self._path = path
        self._record = np.dtype([("key", np.uint8, KEY_BYTES), ("vector", "<f4", model.dim), ("quality", "<f4", 3)])
        self._header = hashlib.sha256(
            json.dumps([asdict(model), asdict(preprocessing), str(self._record)]).encode()
        ).digest()
        try:
            if path.is_symlink():  # what it leads to is not ours to write
                path.unlink()
            content = path.read_bytes() if path.is_file() else b""
            self._begun = content.startswith(self._header)
            count = (len(content) - HEADER_BYTES) // self._record.itemsize if self._begun else 0
            if self._begun:
                os.truncate(path, HEADER_BYTES + count * self._record.itemsize)
        except OSError as error:
            raise self._unwritable(error) from error
        records = np.frombuffer(content[HEADER_BYTES:], self._record, count)
        whole = np.abs(np.linalg.norm(records["vector"], axis=1) - 1) < NORM_TOLERANCE
        self._known = {record["key"].tobytes(): (record["vector"], record["quality"]) for record in records[whole]}

    def find(self, photo: Path) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None:
        """The photo's vector, float32 [D], and quality, float32 [3], where they are known."""
        return self._known.get(self._key(photo))

    def add(self, photos: Sequence[Path], vectors: NDArray[np.float32], qualities: NDArray[np.float32]) -> None:
        """Keep the ``vectors`` [N, D] and ``qualities`` [N, 3] of N photos."""
        records = np.empty(len(photos), self._record)
        records["vector"], records["quality"] = vectors, qualities
        for record, photo in zip(records, photos, strict=True):
            record["key"] = np.frombuffer(self._key(photo), np.uint8)
        try:
            with self._path.open("ab" if self._begun else "wb") as file:
                file.write((b"" if self._begun else self._header) + records.tobytes())
        except OSError as error:
            raise self._unwritable(error) from error
        self._begun = True

    def _unwritable(self, error: OSError) -> InputError:
        return InputError(f"{shown(self._path)} cannot be written: {reason(error)}. Choose another folder.")

    def _key(self, photo: Path) -> bytes:
        try:
            status = photo.stat()
        except OSError:  # gone: reading it tells
            return b""
        text = f"{status.st_size} {status.st_mtime_ns} ".encode() + os.fsencode(photo.absolute())
        return hashlib.blake2b(text, digest_size=KEY_BYTES).digest()
