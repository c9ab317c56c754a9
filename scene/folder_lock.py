# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps other jobs away from a folder of references. Needs no Blender.

A file that names its process works on network folders too, where locks of the operating system may not, and lets the
message name the job that holds the folder.
"""

import json
import os
import socket
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from ..inference.errors import InputError
from ..inference.files import reason, shown
from ..inference.output_folder import ReferencesFolder
from ..inference.shard import Shard, shard_files
from .machine import is_running

Item = TypeVar("Item")

SILENT = 600.0
"""Seconds without an image after which a share on another machine counts as dead."""


@contextmanager
def locked(folder: Path, shard: Shard | None = None) -> Iterator[None]:
    """Keep other jobs away from a folder of references. The lock of a job that died is taken over.

    The shares of one job work at the same time: each has a lock of its own, and only a whole job excludes them. Two
    jobs that do the same share on different machines cost time but do no harm, so a share that is started again
    elsewhere takes over at once, as a job queue expects.

    Raises:
        InputError: another job holds the folder, or it cannot be written.
    """
    whole = ReferencesFolder(folder).lock
    lock = shard.file(whole) if shard else whole
    own = {"pid": os.getpid(), "host": socket.gethostname()}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if shard:
            _take_over(lock)
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
        if shard:
            _remove_if_stale(whole)
        else:
            _refuse_shares(whole)
        yield
    finally:
        with suppress(OSError):  # the disk became read-only, as reported above; the lock of an ended job blocks nobody
            lock.unlink(missing_ok=True)


def alive(folder: Path, shard: Shard | None, items: Iterable[Item]) -> Iterator[Item]:
    """Yield ``items``, and with each show to other machines that this share of a job is alive."""
    for item in items:
        if shard:
            with suppress(OSError):  # the folder is gone or full: told where the image is stored
                os.utime(shard.file(ReferencesFolder(folder).lock))
        yield item


def _take_over(lock: Path) -> None:
    """Remove the lock of the same share; raises InputError where its job runs on this machine."""
    holder = _holder(lock)
    if holder and holder[1] == socket.gethostname():
        _remove_if_stale(lock)
    lock.unlink(missing_ok=True)


def _refuse_shares(whole: Path) -> None:
    """Raise InputError where a share of a job is at work."""
    for share in shard_files(whole):
        holder = _holder(share)
        with suppress(FileNotFoundError):  # it has just ended
            if holder and holder[1] != socket.gethostname() and abs(time.time() - share.stat().st_mtime) > SILENT:
                share.unlink()
        _remove_if_stale(share)


def _holder(lock: Path) -> tuple[int, str] | None:
    """Process and machine that a lock names; process 0 of this machine where its job died while writing it."""
    try:
        holder = json.loads(lock.read_text("utf-8"))
        return int(holder["pid"]), str(holder["host"])
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return 0, socket.gethostname()


def _remove_if_stale(lock: Path) -> None:
    """Remove the lock of a job that no longer runs; raises InputError where it does or may."""
    holder = _holder(lock)
    if holder is None:
        return
    pid, host = holder
    if host == socket.gethostname() and not is_running(pid):
        lock.unlink(missing_ok=True)
        return
    raise InputError(
        f"Another job on {host} writes to {shown(lock.parent)}. Wait for it or choose another folder; "
        f"if it no longer runs, delete {shown(lock)}."
    )
