# SPDX-License-Identifier: GPL-3.0-or-later
"""Ending a process together with the one that started it, even if that was killed: its stdin closes, and that is
watched."""

import _thread
import os
import threading
import time
from contextlib import suppress

WATCHED = "SIMSEARCH_WATCH_STDIN"
"""Environment variable that tells a command to end when its stdin is closed."""
GRACE = 30.0
"""Seconds that a command has to end by itself. Loading an encoder cannot be interrupted."""


def end_with_stdin() -> None:
    """End this process when its stdin is closed: after the current image, as Ctrl+C does, or by force if that takes too
    long."""

    def wait() -> None:
        with suppress(OSError, ValueError):
            while os.read(0, 1024):
                pass
        _thread.interrupt_main()
        time.sleep(GRACE)
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
