# SPDX-License-Identifier: GPL-3.0-or-later
"""A process that ends with the one that started it, even where that was killed: it watches its stdin, which closes then."""

import _thread
import os
import threading
import time
from contextlib import suppress

WATCHED = "SIMSEARCH_WATCH_STDIN"
"""Environment variable that tells a command to end when its stdin is closed."""
GRACE = 30.0
"""Seconds that a command gets to end by itself then; loading an encoder cannot be interrupted."""


def end_with_stdin() -> None:
    """End this process when its stdin is closed: after the present image, as Ctrl+C does, or hard if that takes long."""

    def wait() -> None:
        with suppress(OSError, ValueError):
            while os.read(0, 1024):
                pass
        _thread.interrupt_main()
        time.sleep(GRACE)
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
