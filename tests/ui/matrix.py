# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of the sidebar in every state, at scale 1 and 1.5, dark and light, English and German, to be looked at.

    SCREEN=1280x800 tests/ui/run matrix.py EXTENSION.zip
    SCREEN=1920x1080 tests/ui/run matrix.py EXTENSION.zip

They land in build/matrix/, named after all of these; ``SCALES=2`` chooses other scales. The states come from the example project.
"""

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import bpy
import driver

PICTURES = driver.ROOT / "build" / "matrix"
LIGHT = Path(bpy.utils.preset_paths("interface_theme")[0]) / "Blender_Light.xml"
WAYS = list(itertools.product(map(float, os.environ.get("SCALES", "1 1.5").split()), ("dark", "light"), ("en", "de")))
MOST_IMAGES = 3
STATES = {
    "cad": ("CAD & Materials", "Camera & Region", "Jitter"),
    "classes": ("Classes", "Match Look"),
    "references": ("References",),
    "validation": ("Validation", "How Photos Are Compared"),
    "result": ("Validation", "Result"),
    "photo": ("Validation", "One Photo"),
}
"""Sections that are unfolded."""


def steps() -> Iterator[float]:
    PICTURES.mkdir(parents=True, exist_ok=True)
    yield from driver.open_sidebar(None)
    for way in WAYS:
        yield from look(*way)
        driver.unfold("CAD & Materials", "Camera & Region", "Classes")
        yield from picture("start", way)
    yield from results()
    for way in WAYS:
        yield from look(*way)
        for state, sections in STATES.items():
            yield from driver.scroll(down=False)
            driver.unfold(*sections)
            yield 0.5
            yield from picture(state, way)
            _, _, region = driver.viewport()
            above = region.view2d.region_to_view(0, 0)
            yield from driver.scroll()
            if region.view2d.region_to_view(0, 0) != above:
                yield from picture(f"{state}-end", way)
        yield from popup(way)
        yield from preferences(way)
    print(f"{len(list(PICTURES.iterdir()))} pictures in {PICTURES}", flush=True)


def look(scale: float, theme: str, language: str) -> Iterator[float]:
    """Set Blender's scale, theme and language."""
    settings = bpy.context.preferences.view
    settings.ui_scale = scale
    settings.language = {"en": "en_US", "de": "de_DE"}[language]
    settings.use_translate_interface = settings.use_translate_tooltips = settings.use_translate_reports = True
    if theme == "dark":
        bpy.ops.preferences.reset_default_theme()
    else:
        bpy.ops.script.execute_preset(filepath=str(LIGHT), menu_idname="USERPREF_MT_interface_theme_presets")
    yield 1.0


def results() -> Iterator[float]:
    """Open the example project and run everything once, with a mistake to show and something to complain of."""
    bpy.app.timers.register(lambda: bpy.ops.simsearch.open_example() and None, first_interval=0.1)
    yield 3.0
    scene, job = bpy.context.scene, driver.extension("interface.child_job")
    settings = scene.simsearch
    settings.render.images_per_class = MOST_IMAGES
    settings.photo = str(next(Path(bpy.path.abspath("//photos/t_joint")).iterdir()))
    for name in ("preview", "build", "validate", "classify"):
        with driver.in_viewport():
            getattr(bpy.ops.simsearch, name)("INVOKE_DEFAULT")
        yield from driver.wait_for(lambda: not job.running(), 900, name)
        yield 1.5
        assert job.latest.state is job.State.DONE, job.latest.problems
    scene.simsearch.jitter.light_angle = 0.0
    bpy.ops.simsearch.check()


def picture(state: str, way: tuple[float, str, str]) -> Iterator[float]:
    """Take a picture of the whole screen."""
    yield from driver.park_mouse(driver.viewport()[1])
    yield from driver.keep_picture(PICTURES / f"{state}-{os.environ['SCREEN']}-{'-'.join(map(str, way))}.png")


def popup(way: tuple[float, str, str]) -> Iterator[float]:
    """The popup of misclassified photos, where there are any."""
    _, area, _ = driver.viewport()
    driver.move(area.x + area.width // 3, area.y + area.height // 2)
    yield 0.3

    def run() -> None:
        with driver.in_viewport():
            bpy.ops.simsearch.show_mistakes("INVOKE_DEFAULT")

    bpy.app.timers.register(run, first_interval=0.1)
    yield 1.0
    yield from picture("mistakes", way)
    driver.xdotool("key", "Escape")
    yield 0.5


def preferences(way: tuple[float, str, str]) -> Iterator[float]:
    """The extension's preferences, in the area of the viewport."""
    _, area, _ = driver.viewport()
    area.type = "PREFERENCES"
    bpy.context.preferences.active_section = "ADDONS"
    bpy.context.window_manager.addon_search = "Similarity"
    package = driver.extension("preferences").__package__
    bpy.ops.preferences.addon_expand(module=package)
    yield 1.5
    yield from driver.keep_picture(PICTURES / f"preferences-{os.environ['SCREEN']}-{'-'.join(map(str, way))}.png")
    bpy.ops.preferences.addon_expand(module=package)
    area.type = "VIEW_3D"
    yield 1.0


driver.run(steps)
