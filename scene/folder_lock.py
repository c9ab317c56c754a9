# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps other jobs away from a folder of references. Needs no Blender.

A file that names its process works on network folders too, where locks of the operating system may not, and lets the
message name the job that holds the folder.
"""

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..inference.errors import InputError
from ..inference.files import reason, shown
from ..inference.output_folder import ReferencesFolder
from .machine import is_running


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other jobs away from a folder of references. The lock of a job that died is taken over.

    Raises:
        InputError: another job holds the folder, or it cannot be written.
    """
    lock = ReferencesFolder(folder).lock
    own = {"pid": os.getpid(), "host": socket.gethostname()}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        while True:
            try:
                with lock.open("x", encoding="utf-8") as stream:
                    json.dump(own, stream)
                break
            except FileExistsError:
                _remove_if_stale(lock)
    except OSError as error:
        raise InputError(f"{shown(folder)} cannot be written to: {reason(error)}. Choose another folder.") from error
    try:
        yield
    finally:
        with suppress(OSError):  # the disk became read-only, as reported above; the lock of an ended job blocks nobody
            lock.unlink(missing_ok=True)


def _remove_if_stale(lock: Path) -> None:
    """Remove the lock of a job that no longer runs; raises InputError where it does or may."""
    try:
        holder = json.loads(lock.read_text("utf-8"))
        pid, host = int(holder["pid"]), str(holder["host"])
    except FileNotFoundError:
        return
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        pid, host = 0, socket.gethostname()  # a job that died while writing it
    if host == socket.gethostname() and not is_running(pid):
        lock.unlink(missing_ok=True)
        return
    raise InputError(
        f"Another job, process {pid} on {host}, writes to {shown(lock.parent)}. Wait for it or choose another folder; "
        f"if it no longer runs, delete {shown(lock)}."
    )
