# SPDX-License-Identifier: GPL-3.0-or-later
"""Drives a windowed Blender from inside: real mouse clicks and keys through xdotool, one step at a time.

A script's steps are a generator; it yields the seconds to wait until the next step, so that Blender's own event loop
runs in between. When it ends, the file named in ``$READY`` is written and the picture of the window is taken. An
assertion that fails ends Blender with status 1.
"""

import os
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import bpy

ROOT = Path(__file__).parents[2]


def arguments() -> list[str]:
    """What was passed to the script after ``--``."""
    return sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else []


def install(archive: str) -> None:
    """Install and enable the built extension, as a user does with Install from Disk."""
    bpy.ops.extensions.package_install_files(filepath=archive, repo="user_default", enable_on_install=True)


def run(steps: Callable[[], Iterator[float]]) -> None:
    """Run the steps from a timer; the last one may leave the window in the state to be photographed."""
    generator = steps()

    def advance() -> float | None:
        try:
            return next(generator)
        except StopIteration:
            if "READY" in os.environ:
                Path(os.environ["READY"]).touch()
            return None
        except BaseException:
            traceback.print_exc()
            sys.stderr.flush()
            os._exit(1)

    bpy.app.timers.register(advance, first_interval=1.0, persistent=True)


def viewport() -> tuple[bpy.types.Window, bpy.types.Area, bpy.types.Region]:
    """The 3D viewport with its sidebar's region."""
    window = bpy.context.window_manager.windows[0]
    area = next(area for area in window.screen.areas if area.type == "VIEW_3D")
    return window, area, next(region for region in area.regions if region.type == "UI")


def open_sidebar(width: int = 330) -> Iterator[float]:
    """Fill the window with the 3D viewport and show the tab "Similarity" in a sidebar of ``width`` pixels."""
    xdotool("mousemove", 300, 700, "key", "Escape")  # the splash screen
    yield 0.5
    window, area, _ = viewport()
    with bpy.context.temp_override(window=window, area=area):
        bpy.ops.screen.screen_full_area(use_hide_panels=False)
    yield 0.5
    _, area, region = viewport()
    area.spaces.active.show_region_ui = True
    yield 0.5
    _, area, region = viewport()
    region.active_panel_category = "Similarity"
    move(region.x, region.y + region.height // 3)
    yield 0.3
    xdotool("mousedown", 1)
    yield 0.2
    for x in (region.x - 20, region.x + region.width - width):
        move(x, region.y + region.height // 3)
        yield 0.2
    xdotool("mouseup", 1)
    yield 0.5


def xdotool(*words: object) -> None:
    """Send real input; returns at once, as Blender must go on to receive it."""
    subprocess.Popen(["xdotool", *map(str, words)])


def move(x: int, y: int) -> None:
    """Move the mouse to Blender's window coordinates, which count from the lower edge."""
    xdotool("mousemove", x, bpy.context.window_manager.windows[0].height - y)


def find_button(call: str) -> Iterator[float]:
    """Put the mouse on the sidebar's button that runs ``call``: Ctrl+C over a button copies its operator call."""
    _, _, region = viewport()
    manager = bpy.context.window_manager
    x = region.x + region.width // 2 - 10
    for y in range(region.y + region.height - 10, region.y + 10, -9):
        move(x, y)
        yield 0.08
        manager.clipboard = ""
        xdotool("key", "ctrl+c")
        yield 0.12
        if call in manager.clipboard:
            return
    raise AssertionError(f"no button runs {call}")


def click(call: str) -> Iterator[float]:
    """Click a sidebar button with the real mouse."""
    yield from find_button(call)
    xdotool("click", 1)
    yield 0.5
