# SPDX-License-Identifier: GPL-3.0-or-later
"""Progress of long jobs: a bar on stderr for people, a small file for programs that wait."""

import json
import sys
import time
from collections.abc import Generator, Iterable
from contextlib import suppress
from pathlib import Path
from threading import RLock
from typing import TypeVar

from .errors import InputError
from .files import replacing

Item = TypeVar("Item")
INTERVAL = 0.1
"""Seconds between two writes of the progress file."""


class Progress:
    """Reports the progress of a job.

    If ``file`` is given, it always contains one JSON object ``{"stage", "done", "total", "seconds"}`` about the current
    stage; with ``"latest"``, the path of the file that was finished last, where the items are paths.
    """

    def __init__(self, file: Path | None = None) -> None:
        self.file = file
        self.stopped = False

    def stop(self, *_signal: object) -> None:
        """End the job: a handler of signals.

        Blender prints and forgets what is raised in a handler that it calls, such as that of a changed scene. So
        :meth:`track` raises it once more.

        Raises:
            KeyboardInterrupt: always.
        """
        self.stopped = True
        raise KeyboardInterrupt

    def track(self, items: Iterable[Item], total: int, stage: str) -> Generator[Item, None, None]:
        """Yield ``items``, whose number is ``total``. An item counts as done when the next one is requested.

        Raises:
            KeyboardInterrupt: :meth:`stop` was called.
        """
        from tqdm import tqdm

        tqdm.monitor_interval = 0  # otherwise tqdm starts a thread that redraws an idle bar
        # tqdm's default lock includes a semaphore between processes, which remains if a process is killed.
        tqdm.set_lock(RLock())
        started = written = time.monotonic()
        self._write(stage, 0, total, 0.0)
        # miniters: or the bar of a job that is taken up, which is quick at first, would wait for as many again.
        pause = INTERVAL if sys.stderr.isatty() else 10
        with tqdm(total=total, desc=stage, file=sys.stderr, mininterval=pause, miniters=1, disable=total == 0) as bar:
            for done, item in enumerate(items, 1):
                if self.stopped:
                    raise KeyboardInterrupt
                yield item
                bar.update()
                now = time.monotonic()
                if done == total or now - written > INTERVAL:
                    written = now
                    # Windows cannot replace a file while someone reads it; the next write can.
                    with suppress(InputError):
                        self._write(stage, done, total, now - started, item if isinstance(item, Path) else None)

    def say(self, sentence: str) -> None:
        """Tell the user something that is worth knowing but does not stop the job."""
        print(sentence, file=sys.stderr)

    def warn(self, sentences: Iterable[str]) -> None:
        """Print warnings, one line each."""
        for sentence in sentences:
            self.say(f"Warning: {sentence}")

    def _write(self, stage: str, done: int, total: int, seconds: float, latest: Path | None = None) -> None:
        if self.file is not None:
            report = {"stage": stage, "done": done, "total": total, "seconds": seconds}
            if latest is not None:
                report["latest"] = str(latest)
            with replacing(self.file) as temporary:
                temporary.write_text(json.dumps(report), "utf-8")
