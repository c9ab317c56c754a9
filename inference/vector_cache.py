# SPDX-License-Identifier: GPL-3.0-or-later
"""A cache of the vectors and qualities of photos, so that a job that was stopped continues from there."""

import errno
import hashlib
import json
import os
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
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
    """An SQLite file of vectors by photo, encoder and preprocessing. Several processes may use it at once.

    A photo is identified by its path, size and modification time. Each batch is a transaction, so a process that is
    killed loses no more than its current batch. The journal is SQLite's default, not the write-ahead log, which does
    not work in shared network folders (sqlite.org/wal.html). A damaged file is replaced by an empty one, which costs
    time but no results.

    Args:
        path: the file, which is created if necessary.
        model: the encoder.
        preprocessing: the preprocessing of the photos.
    """

    def __init__(self, path: Path, model: Model, preprocessing: Preprocessing) -> None:
        self._path = path
        self._made_with = hashlib.sha256(json.dumps([asdict(model), asdict(preprocessing)]).encode()).digest()
        if path.is_symlink():  # its target may belong to someone else
            path.unlink()
        self._connection: sqlite3.Connection | None = None

    def close(self) -> None:
        """Close the file. What was added is kept."""
        if self._connection:
            self._connection.close()
            self._connection = None

    def absorb(self, path: Path) -> None:
        """Copy the content of another such file. A missing or damaged file costs time, but no results."""
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

    def adopt(self, path: Path, photos: Sequence[Path]) -> None:
        """Copy the content of another machine's file. There, the files of ``photos`` are named by their numbers.

        A photo that was changed meanwhile is left out. A missing or damaged file costs time, but no results.

        Raises:
            InputError: the file cannot be written.
        """
        rows: list[tuple[bytes, int, int, bytes, bytes]] = []
        with suppress(sqlite3.Error), closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as other:
            query = "SELECT photo, size, modified, vector, quality FROM vectors WHERE made_with = ?"
            rows = other.execute(query, (self._made_with,)).fetchall()
        named = [photos[int(Path(os.fsdecode(row[0]).replace("\\", "/")).stem)] for row in rows]
        same = [
            number
            for number, (photo, row) in enumerate(zip(named, rows, strict=True))
            if (state := _state(photo)) and state[1:] == row[1:3]
        ]
        if same:
            vectors, qualities = (
                np.stack([np.frombuffer(rows[number][column], np.float32) for number in same]) for column in (3, 4)
            )
            self.add([named[number] for number in same], vectors, qualities)

    def find(self, photo: Path) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None:
        """Return the photo's vector, float32 [D], and quality, float32 [3]; None if they are not known."""
        state = _state(photo)
        if state is None:  # it no longer exists; reading it will report that
            return None
        if self._connection is None and not self._path.exists():  # the file is created with the first vector
            return None
        query = "SELECT vector, quality FROM vectors WHERE made_with = ? AND photo = ? AND size = ? AND modified = ?"
        row = self._run(lambda connection: connection.execute(query, (self._made_with, *state)).fetchone())
        if row is None:
            return None
        vector, quality = (np.frombuffer(value, np.float32) for value in row)
        return (vector, quality) if abs(np.linalg.norm(vector) - 1) < NORM_TOLERANCE else None

    def add(self, paths: Sequence[Path], vectors: NDArray[np.float32], qualities: NDArray[np.float32]) -> None:
        """Add photos.

        Args:
            paths: the photos' files.
            vectors: their vectors, float32 [Q, D].
            qualities: their qualities, float32 [Q, 3].

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
        """Run an action on the file. A damaged file is replaced by an empty one, once."""
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
            full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))  # reported like a full disk with any other file
            why = reason(full if _kind(error) == sqlite3.SQLITE_FULL else error)
            raise InputError(f"{shown(self._path)} cannot be written: {why}. Choose another folder.") from error

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = sqlite3.connect(self._path, timeout=WAIT)
            self._connection.execute("PRAGMA synchronous = NORMAL")
            self._connection.execute(TABLE)
        return self._connection


def _kind(error: Exception) -> int:
    """Return the primary code of an SQLite error (sqlite.org/rescode.html); 0 for any other error."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def _state(photo: Path) -> tuple[bytes, int, int] | None:
    """Return path, size in bytes and modification time in nanoseconds; None if there is no file."""
    try:
        status = photo.stat()
    except OSError:
        return None
    return os.fsencode(photo.absolute()), status.st_size, status.st_mtime_ns
