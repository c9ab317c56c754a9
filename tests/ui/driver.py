# SPDX-License-Identifier: GPL-3.0-or-later
"""Drives a windowed Blender from inside: real mouse clicks and keys through xdotool, one step at a time.

A script's steps are a generator; it yields the seconds to wait until the next step, so that Blender's own
event loop runs in between. A step that raises ends Blender with status 1. Needs an X server, xdotool and
ImageMagick; ``tests/ui/run`` brings it all together. Without a zip the extension of this repository is used as it is.
"""

import importlib
import os
import runpy
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import bpy

ROOT = Path(__file__).resolve().parents[2]
IMAGES = ROOT / "docs" / "images"


def install() -> None:
    """Install and enable the built extension as a user does, or register this repository's."""
    arguments = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else []
    if arguments:
        bpy.ops.extensions.package_install_files(filepath=arguments[0], repo="user_default", enable_on_install=True)
    else:
        runpy.run_path(str(ROOT / "batch.py"))["load_package"]()


def extension(name: str) -> object:
    """A module of the running extension, whatever the package is called here."""
    package = type(bpy.context.scene.simsearch).__module__.rpartition(".")[0]
    return importlib.import_module(f"{package}.{name}")


def run(steps: Callable[[], Iterator[float]]) -> None:
    """Install the extension and run the steps from a timer; what the last one leaves is photographed."""
    generator = steps()

    def advance() -> float | None:
        try:
            return next(generator)
        except StopIteration:
            if "READY" not in os.environ:
                os._exit(0)
            Path(os.environ["READY"]).touch()  # for a runner that takes a last picture and ends Blender
            return None
        except BaseException:
            traceback.print_exc()
            sys.stderr.flush()
            extension("interface.child_job").end_job()  # type: ignore[attr-defined]
            os._exit(1)

    install()
    bpy.app.timers.register(advance, first_interval=1.0, persistent=True)


_unfolded = count(1)


def unfold(*wanted: str) -> None:
    """Leave only these sections unfolded. Blender remembers what was folded by name, so every call takes new names."""
    sections = [cls for cls in extension("panels.sidebar").CLASSES if issubclass(cls, bpy.types.Panel)]
    number = next(_unfolded)
    for section in reversed(sections):
        bpy.utils.unregister_class(section)
    for section in sections:
        section.bl_idname = f"{section.__name__}_{number}"
        if hasattr(section, "bl_parent_id"):
            section.bl_parent_id = "_".join(section.bl_parent_id.split("_")[:3]) + f"_{number}"
        if section.bl_label != "Next Step":
            section.bl_options = set() if section.bl_label in wanted else {"DEFAULT_CLOSED"}
        bpy.utils.register_class(section)


def viewport() -> tuple[bpy.types.Window, bpy.types.Area, bpy.types.Region]:
    """The 3D viewport with its sidebar's region."""
    window = bpy.context.window_manager.windows[0]
    area = next(area for area in window.screen.areas if area.type == "VIEW_3D")
    return window, area, next(region for region in area.regions if region.type == "UI")


def in_viewport() -> object:
    """Context for operators that a user would press in the viewport."""
    window, area, _ = viewport()
    region = next(region for region in area.regions if region.type == "WINDOW")
    return bpy.context.temp_override(window=window, area=area, region=region)


def open_sidebar(width: int | None = 390) -> Iterator[float]:
    """Fill the window with the 3D viewport and show the tab "Similarity", in a sidebar of ``width`` pixels or Blender's own."""
    xdotool("mousemove", 300, 700, "key", "Escape")  # the splash screen
    yield 0.5
    with in_viewport():
        bpy.ops.screen.screen_full_area(use_hide_panels=False)
    yield 0.5
    _, area, region = viewport()
    area.spaces.active.show_region_ui = True
    area.spaces.active.show_region_toolbar = False
    yield 0.5
    _, area, region = viewport()
    region.active_panel_category = "Similarity"
    if width is None:
        return
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


def find_button(call: str, across: float = 0.47) -> Iterator[float]:
    """Put the mouse on the button that runs ``call``, at a share of the sidebar's width from the left.

    Ctrl+C over a button copies its operator call.
    """
    _, _, region = viewport()
    manager = bpy.context.window_manager
    x = region.x + round(across * region.width)
    for y in range(region.y + region.height - 10, region.y + 5, -9):
        move(x, y)
        yield 0.1
        manager.clipboard = ""
        xdotool("key", "ctrl+c")
        yield 0.15
        if call in manager.clipboard:
            return
    raise AssertionError(f"no button runs {call}")


def click(call: str, across: float = 0.47) -> Iterator[float]:
    """Click a sidebar button with the real mouse."""
    yield from find_button(call, across)
    xdotool("click", 1)
    yield 0.5


def scroll(down: bool = True) -> Iterator[float]:
    """Scroll the sidebar to its end, or to its beginning, with the mouse wheel."""
    _, _, region = viewport()
    move(region.x + region.width // 2, region.y + region.height // 2)
    yield 0.3
    xdotool("click", "--repeat", 30, "--delay", 20, 5 if down else 4)
    yield 1.5


def park_mouse(area: bpy.types.Area) -> Iterator[float]:
    """Take the mouse off every button, so that no picture shows a tooltip, and have the area drawn anew."""
    move(area.x + 40, area.y + 40)
    area.tag_redraw()
    yield 0.8


def photograph(name: str, area: bpy.types.Area | None = None) -> Iterator[float]:
    """Take a picture of the whole screen now; Blender goes on meanwhile. ``area`` fills it, if not the 3D viewport."""
    yield from park_mouse(area or viewport()[1])
    IMAGES.mkdir(parents=True, exist_ok=True)
    palette = ["+dither", "-colors", "255"]  # a third of the size, and Blender's greys look the same
    camera = subprocess.Popen(["import", "-window", "root", *palette, f"png8:{IMAGES / name}"])
    yield from wait_for(lambda: camera.poll() is not None, 30, "the picture")
    assert camera.returncode == 0, "no picture was taken"


def snapshot(name: str) -> Iterator[float]:
    """Take a picture of the screen as it is, to be looked at, where ``$SNAPSHOTS`` names a folder."""
    if folder := os.environ.get("SNAPSHOTS"):
        yield from keep_picture(Path(folder) / f"{name}.png")


def keep_picture(path: Path) -> Iterator[float]:
    """Take a picture of the screen as it is."""
    camera = subprocess.Popen(["import", "-window", "root", str(path)])
    yield from wait_for(lambda: camera.poll() is not None, 30, "the picture")


def wait_for(condition: Callable[[], bool], seconds: float, what: str) -> Iterator[float]:
    """Go on as soon as ``condition`` holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds} s for {what}"
        yield 0.2


def click_and_wait(call: str) -> Iterator[float]:
    """Click the button of a job and wait for its result."""
    job = extension("interface.child_job")
    before = job.latest  # type: ignore[attr-defined]
    yield from click(call)
    yield from wait_for(lambda: job.latest is not before, 10, call)  # type: ignore[attr-defined]
    yield from wait_for_job()


def wait_for_job() -> Iterator[float]:
    """Wait until the running job has ended, and see that it ended well."""
    job = extension("interface.child_job")
    yield from wait_for(lambda: not job.running(), 900, "the job")  # type: ignore[attr-defined]
    yield 0.5
    assert job.latest.state is job.State.DONE, job.latest.problems  # type: ignore[attr-defined]
