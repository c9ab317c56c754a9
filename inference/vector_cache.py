# SPDX-License-Identifier: GPL-3.0-or-later
"""Vectors and qualities of photos that were embedded before, so that a job that was stopped goes on from there."""

import errno
import hashlib
import json
import os
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from .database import NORM_TOLERANCE
from .encoder import Model
from .errors import InputError
from .files import reason, shown
from .preprocessing import Preprocessing

Result = TypeVar("Result")

WAIT = 60.0
"""Seconds to wait for another process that writes to the file."""

DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}

TABLE = """
CREATE TABLE IF NOT EXISTS vectors (
    made_with BLOB, photo BLOB, size INTEGER, modified INTEGER, vector BLOB, quality BLOB, PRIMARY KEY (made_with, photo)
) WITHOUT ROWID
"""


class VectorCache:
    """An SQLite file of vectors by photo, encoder and preprocessing, which several processes may use at once.

    A photo is known by its place, size and time of change. Each batch is a transaction, so a process that is killed loses
    the batch in hand at most. The journal is SQLite's ordinary one and not its write-ahead log, which does not work in
    shared folders on a network (sqlite.org/wal.html). A damaged file is begun anew: it costs time, but no result.

    Args:
        path: the file, which is made where there is none.
        model: the encoder.
        preprocessing: what photos go through before it.
    """

    def __init__(self, path: Path, model: Model, preprocessing: Preprocessing) -> None:
        self._path = path
        self._made_with = hashlib.sha256(json.dumps([asdict(model), asdict(preprocessing)]).encode()).digest()
        if path.is_symlink():  # what it leads to is not ours to write
            path.unlink()
        self._connection: sqlite3.Connection | None = None

    def close(self) -> None:
        """Close the file; what was added stays."""
        if self._connection:
            self._connection.close()
            self._connection = None

    def absorb(self, path: Path) -> None:
        """Take over what another such file holds; one that is gone or damaged costs time, but no result."""
        if not path.is_file():
            return

        def insert(connection: sqlite3.Connection) -> None:
            with suppress(sqlite3.Error):
                connection.execute("ATTACH DATABASE ? AS other", (str(path),))
                try:
                    with connection:
                        connection.execute(
                            "INSERT OR REPLACE INTO vectors SELECT * FROM other.vectors WHERE made_with = ?",
                            (self._made_with,),
                        )
                finally:
                    connection.execute("DETACH DATABASE other")

        self._run(insert)

    def find(self, photo: Path) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None:
        """The photo's vector, float32 [D], and quality, float32 [3], where they are known."""
        state = _state(photo)
        if state is None:  # gone: reading it tells
            return None
        if self._connection is None and not self._path.exists():  # made with the first vector, not before
            return None
        query = "SELECT vector, quality FROM vectors WHERE made_with = ? AND photo = ? AND size = ? AND modified = ?"
        row = self._run(lambda connection: connection.execute(query, (self._made_with, *state)).fetchone())
        if row is None:
            return None
        vector, quality = (np.frombuffer(value, np.float32) for value in row)
        return (vector, quality) if abs(np.linalg.norm(vector) - 1) < NORM_TOLERANCE else None

    def add(self, paths: Sequence[Path], vectors: NDArray[np.float32], qualities: NDArray[np.float32]) -> None:
        """Keep the ``vectors`` float32 [Q, D] and ``qualities`` float32 [Q, 3] of the photos ``paths``.

        Raises:
            InputError: the file cannot be written.
        """
        rows = [
            (self._made_with, *state, vector.astype(np.float32).tobytes(), quality.astype(np.float32).tobytes())
            for photo, vector, quality in zip(paths, vectors, qualities, strict=True)
            if (state := _state(photo)) is not None
        ]

        def insert(connection: sqlite3.Connection) -> None:
            with connection:
                connection.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?, ?, ?, ?)", rows)

        self._run(insert)

    def _run(self, action: Callable[[sqlite3.Connection], Result]) -> Result:
        """Do something with the file; one that is damaged is begun anew, once."""
        try:
            try:
                return action(self._opened())
            except sqlite3.DatabaseError as error:
                if _kind(error) not in DAMAGED:
                    raise
                self.close()
                self._path.unlink()
                return action(self._opened())
        except (sqlite3.Error, OSError) as error:
            self.close()
            full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))  # in the words of every other file
            why = reason(full if _kind(error) == sqlite3.SQLITE_FULL else error)
            raise InputError(f"{shown(self._path)} cannot be written: {why}. Choose another folder.") from error

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = sqlite3.connect(self._path, timeout=WAIT)
            self._connection.execute("PRAGMA synchronous = NORMAL")
            self._connection.execute(TABLE)
        return self._connection


def _kind(error: Exception) -> int:
    """The primary code of an SQLite error (sqlite.org/rescode.html); 0 for any other."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def _state(photo: Path) -> tuple[bytes, int, int] | None:
    """Place, size in bytes and time of change in nanoseconds; None where there is no file."""
    try:
        status = photo.stat()
    except OSError:
        return None
    return os.fsencode(photo.absolute()), status.st_size, status.st_mtime_ns
