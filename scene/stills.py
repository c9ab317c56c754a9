# SPDX-License-Identifier: GPL-3.0-or-later
"""EEVEE stills of every planned image; what is there already and unchanged is kept."""

import re
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from itertools import count, groupby
from pathlib import Path
from typing import Any

import bpy
import gpu
import numpy as np
from mathutils import Matrix
from PIL import Image

from ..inference.errors import InputError
from ..inference.files import left_behind, shown
from ..inference.output_folder import ReferencesFolder
from ..inference.progress import Progress
from ..inference.reference_image import KEY, key_of_whole, save_reference
from ..inference.shard import Shard
from . import recipe, workers
from .check import shines
from .classes import render_layer, showing
from .crashes import LIMIT, Crashes
from .folder_lock import alive, locked
from .look_controls import looking
from .planned_image import PlannedImage
from .recipe import COLOUR_MANAGEMENT, FILM, LIGHT_PROBE
from .settings import Settings
from .variation import varying
from .view import nominal_camera, world_matrix

SHADOW_POOL = "128"
"""Megabytes for EEVEE's shadow maps. Blender's default of 512 is made for large pictures: at 224 pixels the same image,
equal to the last bit even with sixty lamps, takes a quarter longer with it or more, and 370 MB more memory."""

STAGE = "Rendering references"
MOST_BLACK = 0.05
"""Share of a reference that may be completely black although light comes from all sides: a deep hole may, a whole part may not."""

_shaders = count()
"""Numbers of shaders that this process has not compiled yet. Other processes use them again and find them in the driver's cache."""

HALF_WRITTEN = re.compile(r"\..*\.\d+\.png")
"""What ``replacing`` calls a file until it is complete."""


@dataclass(frozen=True)
class Rendered:
    """How many images were planned, how many of them rendered now, what looks wrong, as sentences, and how many images
    are left to other shares of the job."""

    images: int
    rendered: int
    warnings: list[str]
    left: int = 0


def render_references(
    scene: bpy.types.Scene,
    settings: Settings,
    folder: Path,
    progress: Progress,
    *,
    fresh: bool = False,
    jobs: int | None = None,
    shard: Shard | None = None,
) -> Rendered:
    """Render the references into ``folder``/<class>/, and write the recipe beside them.

    The plan is written first. An image whose key is unchanged is kept, so a job that was stopped goes on where it
    stood. The scene is left as it was found.

    Args:
        scene: the scene.
        settings: its settings; the classes in ``settings.selected`` are rendered.
        folder: the folder of the references.
        progress: receives the progress.
        fresh: whether to remove first what earlier jobs rendered.
        jobs: number of processes that share the work; None: as many as pay and find memory.
        shard: the share of the images to render; None: all. The plan is that of the whole job, and other shares may be
            rendered into the same folder at the same time.

    Raises:
        InputError: too few poses show the region, the folder cannot be written, another job writes to it, or Blender
            crashed on an image again and again; all others are rendered then.
    """
    images = recipe.plan(scene, settings)
    _refuse_links(folder, settings.selected)
    with locked(folder, shard):
        own = list(shard.of(images)) if shard else images
        if shard:
            for image in own if fresh else ():
                (folder / image.path).unlink(missing_ok=True)
        else:
            _clean(folder, fresh=fresh)
            _take_over_renamed(folder, settings, images)
        recipe.write(folder, scene, settings, images)
        missing = missing_images(own, settings, folder)
        crashes = Crashes(folder, shard, fresh=fresh)
        todo = [image for image in missing if not crashes.given_up(image)]
        rendered = alive(folder, shard, render_missing(scene, settings, folder, todo, crashes, jobs))
        files = (folder / image.path for image in rendered)
        with closing(progress.track(files, len(todo), STAGE)) as tracked:
            for _ in tracked:
                pass
        refuse_lost([image for image in missing if crashes.given_up(image)])
        # The last share to end finds all images there and speaks for the whole job.
        left = len(missing_images(images, settings, folder)) if shard else 0
        return Rendered(
            len(images), len(todo), _warnings(own if left else images, folder, lit=shines(scene.world)), left
        )


def _clean(folder: Path, *, fresh: bool) -> None:
    """Remove what a job left that was killed while it wrote a file, and with ``fresh`` what earlier jobs rendered."""
    for path in folder.glob("*/.*.png"):
        if HALF_WRITTEN.fullmatch(path.name):
            path.unlink(missing_ok=True)
    for path in folder.glob("*/*.png") if fresh else ():
        if key_of_whole(path) is not None:
            path.unlink()


def _take_over_renamed(folder: Path, settings: Settings, images: list[PlannedImage]) -> None:
    """Move images of a class that got another name to its new folder, as they show the same; the old folder goes."""
    # Names that differ in case alone are one folder on some systems and two on others.
    current = [folder / spec.label for spec in settings.classes if (folder / spec.label).exists()]
    old = [
        path for path in folder.iterdir()
        if path.is_dir() and not path.is_symlink() and not left_behind(path.name)
        and not any(path.samefile(other) for other in current)
    ]  # fmt: skip
    found = {key: path for directory in old for path in directory.glob("*.png") if (key := key_of_whole(path))}
    renamed: dict[Path, Path] = {}
    for image in images:
        path, place = found.get(image.key), folder / image.path
        if path is not None and key_of_whole(place) != image.key:
            place.parent.mkdir(exist_ok=True)
            path.replace(place)
            renamed[path.parent] = place.parent
    for directory, new in renamed.items():
        for path in directory.iterdir():
            if key_of_whole(path) is not None:  # of another plan
                path.unlink()
            elif not (new / path.name).exists():  # a photo that became a reference
                path.replace(new / path.name)
        with suppress(OSError):  # something else lies there
            directory.rmdir()


def missing_images(images: list[PlannedImage], settings: Settings, folder: Path) -> list[PlannedImage]:
    """The images that are not there as planned, variant by variant: what a class shows is set up once for all of them."""
    missing = [image for image in images if key_of_whole(folder / image.path) != image.key]
    return sorted(missing, key=lambda image: (settings.selected.index(image.label), image.variant, image.path))


def render_missing(
    scene: bpy.types.Scene,
    settings: Settings,
    folder: Path,
    images: list[PlannedImage],
    crashes: Crashes,
    jobs: int | None,
) -> Iterator[PlannedImage]:
    """Render images in worker processes if these pay, otherwise in this process; yield each image when it is finished.

    Args:
        scene: the scene.
        settings: its settings.
        folder: the folder of the references.
        images: the images, variant by variant.
        crashes: knows the images that Blender crashes on again and again, which are left out.
        jobs: number of processes; None: as many as pay and find memory.
    """
    jobs = workers.count(len(images), jobs, isolate=crashes.suspects(images))
    if jobs:
        yield from workers.render(scene, settings, folder, images, crashes, jobs)
    elif images:
        yield from render(scene, settings, folder, crashes.watch(images))


def refuse_lost(images: list[PlannedImage]) -> None:
    """Raise InputError where images had to be left out."""
    if images:
        raise InputError(
            f"Blender crashed {LIMIT} times on each of {', '.join(image.path for image in images)}, so the references are "
            "incomplete. Simplify what these show, or try again with --fresh."
        )


def _warnings(images: list[PlannedImage], folder: Path, *, lit: bool) -> list[str]:
    """What looks wrong in the references, in all of them, as a job that was stopped told nothing."""
    flaws = ((image, _flaw(folder / image.path, lit=lit)) for image in images)
    return [
        f"{image.path} {flaw}. Check the lights and what class {image.label!r} shows." for image, flaw in flaws if flaw
    ]


def _refuse_links(folder: Path, labels: Iterable[str]) -> None:
    """Raise InputError where a class's folder leads out of ``folder``: nothing is written or removed elsewhere."""
    if outside := [label for label in labels if not (folder / label).resolve().is_relative_to(folder.resolve())]:
        raise InputError(
            *(
                f"{shown(folder / label)} is a link that leads elsewhere. Remove it, or choose another folder."
                for label in outside
            )
        )


def _flaw(path: Path, *, lit: bool) -> str | None:
    """What looks wrong with a reference; ``lit`` says that light comes from the background too, all around.

    EEVEE stores as black what its shaders cannot compute, such as a division of infinities.
    """
    with Image.open(path) as picture:
        if len(picture.getcolors(2) or ()) == 1:
            return "is of one colour only"
        black = float((np.asarray(picture) == 0).all(axis=2).mean())
    return (
        f"is completely black in {black:.0%} of it although the background is bright"
        if lit and black > MOST_BLACK
        else None
    )


def render(
    scene: bpy.types.Scene, settings: Settings, folder: Path, images: Iterable[PlannedImage]
) -> Iterator[PlannedImage]:
    """Render images, which come variant by variant, in this process; yields each when it is finished.

    Raises:
        InputError: the folder cannot be written, or was deleted meanwhile.
    """
    with tempfile.TemporaryDirectory() as scratch, rendering(scene, settings, Path(scratch)) as camera:
        # A camera is rendered without its scale, but what is fixed to it follows that as well.
        scale = Matrix.LocRotScale(None, None, camera.matrix_world.to_scale())
        with (
            varying(scene, settings.jitter, camera) as vary,
            looking(scene, settings) as look,
            read_twice(scene) as again,
        ):
            for (label, variant), group in groupby(images, key=lambda image: (image.label, image.variant)):
                spec = next(spec for spec in settings.classes if spec.label == label)
                with showing(scene, settings, spec.variants[variant]):
                    for image in group:
                        camera.matrix_world = Matrix(image.pose.tolist()) @ scale
                        look(image.look)
                        vary(image.index)
                        again()
                        picture = _still(scene, Path(scratch) / "still.png", settings.resolution)
                        with _still_there(folder):
                            save_reference(picture, folder / image.path, KEY, image.key)
                        yield image


def _still(scene: bpy.types.Scene, file: Path, resolution: int) -> Image.Image:
    """Render the scene as it is now to an RGB image."""
    file.unlink(missing_ok=True)
    bpy.ops.render.render(write_still=True, scene=scene.name)
    if not file.exists():
        raise RuntimeError("Blender rendered no image. Its messages say why.")
    with Image.open(file) as picture:
        picture.load()
        if picture.size != (resolution, resolution) or picture.mode != "RGB":
            raise RuntimeError(f"Blender rendered {picture.size} {picture.mode} instead of {resolution} pixels RGB")
        return picture.copy()


@contextmanager
def _still_there(folder: Path) -> Iterator[None]:
    """Write to a folder unless it was deleted meanwhile; if it is while writing, say that and not what failed of it."""
    gone = InputError(f"{shown(folder)} was deleted during the job. Start it again.")
    plan = ReferencesFolder(folder).recipe
    if not plan.exists():
        raise gone
    try:
        yield
    except InputError:
        if plan.exists():
            raise
        raise gone from None


@contextmanager
def rendering(scene: bpy.types.Scene, settings: Settings, scratch: Path) -> Iterator[bpy.types.Object]:
    """Set all that a still depends on, once; yields the camera to place. Everything is put back afterwards.

    The camera is a double of the nominal one, whose parents, constraints and animation would move it back. What is
    fixed to the nominal camera, such as a lamp, moves with the double.
    """
    nominal = nominal_camera(scene)
    assert nominal is not None
    with ExitStack() as undo:
        _set_picture(undo, scene, settings, scratch / "still.png")
        _set_colours(undo, scene)
        _set_sampling(undo, scene, settings)
        _set_layers(undo, scene)
        yield _stand_in(undo, scene, nominal)


def _set_picture(undo: ExitStack, scene: bpy.types.Scene, settings: Settings, file: Path) -> None:
    """What is rendered, how large and to which file; nothing is added to the picture."""
    render = scene.render
    _set(undo, render, {
        "engine": recipe.engine(scene), "filepath": str(file), "use_file_extension": True,
        "resolution_x": settings.resolution, "resolution_y": settings.resolution, "resolution_percentage": 100,
        "pixel_aspect_x": 1.0, "pixel_aspect_y": 1.0, "use_overwrite": True, "use_placeholder": False,
        "use_border": False, "use_compositing": False, "use_sequencer": False,
        "use_simplify": False, "use_stamp": False, "use_multiview": False, "use_freestyle": False,
        "film_transparent": FILM["transparent"], "filter_size": FILM["filter_size"],
        "dither_intensity": COLOUR_MANAGEMENT["dither"], "metadata_input": "SCENE",
    })  # fmt: skip
    if "media_type" in render.image_settings.bl_rna.properties:  # since Blender 5.0, decides which formats exist
        _set(undo, render.image_settings, {"media_type": "IMAGE"})
    _set(undo, render.image_settings, {
        "file_format": "PNG", "color_mode": "RGB", "color_depth": "8", "color_management": "FOLLOW_SCENE",
    })  # fmt: skip


def _set_colours(undo: ExitStack, scene: bpy.types.Scene) -> None:
    """How light becomes levels."""
    _set(undo, scene.display_settings, {"display_device": COLOUR_MANAGEMENT["display_device"]})
    _set(undo, scene.view_settings, {
        "view_transform": COLOUR_MANAGEMENT["view_transform"], "look": COLOUR_MANAGEMENT["look"],
        "exposure": COLOUR_MANAGEMENT["exposure"], "gamma": COLOUR_MANAGEMENT["gamma"],
        "use_curve_mapping": False, "use_white_balance": False,
    })  # fmt: skip


def _set_sampling(undo: ExitStack, scene: bpy.types.Scene, settings: Settings) -> None:
    """How finely EEVEE samples, and what costs time but changes no picture."""
    # With each sample EEVEE frees all shadow maps that were unused when it last read the scene: some four thousand if
    # that was for the first time. Motion blur of no length has it read the scene again with each sample: the same
    # picture (Blender 4.5 rounds differently in places), without a graphics card in half to two thirds of the time.
    _set(undo, scene.render, {"use_motion_blur": True, "motion_blur_shutter": 0.0})
    _set(undo, scene.eevee, {"taa_render_samples": settings.samples, "motion_blur_steps": settings.samples})
    if scene.eevee.shadow_pool_size == "512":  # Blender's own default, unless the user asked for another
        _set(undo, scene.eevee, {"shadow_pool_size": SHADOW_POOL})
    for world in filter(_plain, {scene.world, render_layer(scene).world_override}):
        _set(undo, world, {"probe_resolution": LIGHT_PROBE})


@contextmanager
def read_twice(scene: bpy.types.Scene) -> Iterator[Callable[[], None]]:
    """Yields what makes a software renderer take half of its time for the next still, whose picture is the same.

    EEVEE reads the scene again before the first sample if a shader was missing, and finds no unused shadow maps then
    (``Instance::render_sample`` in Blender's eevee_instance.cc, ``ShadowTileMapPool::end_sync`` in eevee_shadow.cc). So a
    speck that neither the camera nor shadows show gets a shader of another name. A graphics card frees shadow maps in less time
    than its driver compiles that shader. Nobody knows the renderer before the first still, which misses shaders anyway.
    """
    with ExitStack() as undo:
        mesh, material = bpy.data.meshes.new("Speck"), bpy.data.materials.new("Speck")
        undo.callback(bpy.data.materials.remove, material)
        undo.callback(bpy.data.meshes.remove, mesh)
        mesh.from_pydata([(0, 0, 0), (1e-6, 0, 0), (0, 1e-6, 0)], [], [(0, 1, 2)])
        mesh.materials.append(material)
        speck = bpy.data.objects.new("Speck", mesh)
        undo.callback(bpy.data.objects.remove, speck)
        speck.visible_camera = speck.visible_shadow = False
        material.use_nodes = True
        shader = material.node_tree.nodes.new("ShaderNodeOutputAOV")

        def again() -> None:
            if not speck.users_scene and _renders_in_software():
                scene.collection.objects.link(speck)
            shader.aov_name = str(next(_shaders))

        yield again


def _renders_in_software() -> bool:
    """Whether the processor draws, as far as it is known yet."""
    try:
        return bool(gpu.platform.device_type_get() == "SOFTWARE")
    except SystemError:  # nothing has been drawn yet
        return False


def _set_layers(undo: ExitStack, scene: bpy.types.Scene) -> None:
    """Only one view layer is rendered."""
    chosen = render_layer(scene)
    for layer in scene.view_layers:
        _set(undo, layer, {"use": layer == chosen})


def _stand_in(undo: ExitStack, scene: bpy.types.Scene, nominal: bpy.types.Object) -> bpy.types.Object:
    """A double of the nominal camera that the scene is rendered by."""
    camera = bpy.data.objects.new("Reference Camera", nominal.data)
    undo.callback(bpy.data.objects.remove, camera)
    scene.collection.objects.link(camera)
    camera.matrix_world = world_matrix(nominal)
    for item in nominal.children:
        _set(undo, item, {"parent": camera})
    # Markers can bind other cameras to frames.
    for marker in scene.timeline_markers:
        if marker.camera:
            _set(undo, marker, {"camera": camera})
    _set(undo, scene, {"camera": camera})
    return camera


def _plain(world: bpy.types.World | None) -> bool:
    """Whether nothing in the world is finer than a few degrees, and the user asked for no other light probe."""
    detailed = {"ShaderNodeTexEnvironment", "ShaderNodeTexImage", "ShaderNodeTexSky", "ShaderNodeGroup"}
    return (
        world is not None
        and world.probe_resolution == "1024"  # Blender's own default
        and not (world.node_tree and detailed & {node.bl_idname for node in world.node_tree.nodes})
    )


def _set(undo: ExitStack, owner: Any, values: dict[str, Any]) -> None:
    """Set properties and have them put back when ``undo`` closes."""
    for name, value in values.items():
        undo.callback(setattr, owner, name, getattr(owner, name))
        setattr(owner, name, value)
