# SPDX-License-Identifier: GPL-3.0-or-later
"""Import CAD: STEP through Open CASCADE (cascadio), mesh formats through Blender's own importers.

What is imported lands in a new collection named after the file, in metres with Z up, so that a class can list it.
"""

import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import bpy
from mathutils import Matrix

from ..inference.errors import InputError

TOLERANCE = 0.0001
"""Metres that the triangles of a STEP file may lie off the true surface: finer than a pixel of a part 20 mm wide."""
ANGLE = 0.2
"""Radians between neighbouring triangles of a STEP file, so that small bores are round too."""
STEP_SECONDS = 300
STEP_BYTES = 8 * 2**30
GLB_BYTES = 512 * 2**20
"""Bytes of triangles, ten million or so, beyond which Blender's importer would take all memory."""


@dataclass(frozen=True)
class ImportedCAD:
    """The new collection and its objects, parents before children."""

    collection: bpy.types.Collection
    objects: tuple[bpy.types.Object, ...]


def import_cad(
    path: Path, *, tolerance: float = TOLERANCE, angle: float = ANGLE, unit: float | None = None
) -> ImportedCAD:
    """Import a CAD file into the current scene.

    STEP files carry their unit; part names, hierarchy and colours are kept.

    Args:
        path: a file whose suffix is one of `SUFFIXES`, in any case.
        tolerance: STEP only, metres between a triangle and the true surface.
        angle: STEP only, radians between neighbouring triangles.
        unit: metres per unit of an STL, OBJ or PLY file, which do not say it; by default millimetres for STL, as
            CAD programs write it, and metres for the others, as modelling programs do.

    Raises:
        InputError: the file is missing, of an unknown kind, damaged or holds no geometry. Nothing is imported then.
    """
    suffix = path.suffix.lower()
    if suffix not in _IMPORTERS:
        raise InputError(f"{path.name} is no CAD format that can be imported. Use {', '.join(SUFFIXES)}.")
    if not path.is_file():
        raise InputError(f"{path} {'is a folder' if path.is_dir() else 'does not exist'}. Choose a CAD file.")
    if path.stat().st_size == 0:
        raise InputError(f"{path.name} is empty. Export it from the CAD program again.")
    with _all_or_nothing():
        known = set(bpy.data.objects)
        try:
            _IMPORTERS[suffix](path, tolerance, angle, unit)
        except RuntimeError as error:  # how Blender's operators report
            raise InputError(
                f"{path.name} is damaged or no {suffix} file. Export it from the CAD program again."
            ) from error
        objects = [item for item in bpy.data.objects if item not in known]
        if not any(item.type == "MESH" and item.data.polygons for item in objects):
            raise InputError(f"{path.name} holds no surfaces that can be rendered. Export solids or meshes.")
        return _collect(path.stem, objects)


def _collect(name: str, objects: list[bpy.types.Object]) -> ImportedCAD:
    """Move objects into a new collection of the scene, wherever the importer put them."""
    collection = bpy.data.collections.new(name)
    bpy.context.scene.collection.children.link(collection)
    for item in objects:
        for holder in item.users_collection:
            holder.objects.unlink(item)
        collection.objects.link(item)
    bpy.context.view_layer.update()
    return ImportedCAD(collection, tuple(sorted(objects, key=_depth)))


def _depth(item: bpy.types.Object) -> int:
    return 0 if item.parent is None else 1 + _depth(item.parent)


@contextmanager
def _all_or_nothing() -> Iterator[None]:
    """Remove every data-block that an import made before it failed."""
    known = {block.session_uid for block in _blocks()}
    try:
        yield
    except BaseException:
        bpy.data.batch_remove([block for block in _blocks() if block.session_uid not in known])
        raise


def _blocks() -> list[bpy.types.ID]:
    return list(bpy.data.user_map())


def _step(path: Path, tolerance: float, angle: float, _unit: float | None) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        glb = Path(scratch) / "tessellated.glb"
        _tessellate(path, glb, tolerance, angle)
        known = set(bpy.data.objects)
        _gltf(glb, tolerance, angle, None)
    _turn_upright([item for item in bpy.data.objects if item not in known])


def _tessellate(step: Path, glb: Path, tolerance: float, angle: float) -> None:
    """Convert STEP to glTF in a process of its own: Open CASCADE can crash or never end on damaged files.

    Raises:
        InputError: the file cannot be converted within `STEP_SECONDS` and `STEP_BYTES`.
    """
    # Open CASCADE measures the tolerance in millimetres, whatever the file's own unit.
    seconds = math.ceil(STEP_SECONDS) * (os.cpu_count() or 1)
    arguments = [
        str(step.resolve()), str(glb), repr(tolerance * 1000), repr(angle), str(STEP_BYTES), str(seconds),
    ]  # fmt: skip
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    try:
        done = subprocess.run(
            [*_python(), _CONVERT, "--", *arguments], env=environment, timeout=STEP_SECONDS, check=False,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,  # of any length
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise InputError(
            f"{step.name} was not converted within {STEP_SECONDS} s. Raise the tolerance or export fewer parts."
        ) from error
    if done.returncode == _NO_CASCADIO:
        raise InputError("STEP files need the package cascadio. Install the extension's zip, which brings it.")
    if done.returncode or not glb.is_file():
        raise InputError(f"{step.name} cannot be read as STEP. Export it from the CAD program again (AP214 or AP242).")
    if (size := glb.stat().st_size) > GLB_BYTES:
        raise InputError(
            f"{step.name} becomes {size >> 20} MB of triangles. Raise the tolerance or export fewer parts."
        )


_NO_CASCADIO = 77
_CONVERT = f"""
import sys
step, glb, tolerance, angle, memory, seconds = sys.argv[sys.argv.index("--") + 1:]
try:
    import resource
    # The processor time ends it should Blender be gone. There may be a lower limit already.
    for kind, most in ((resource.RLIMIT_AS, int(memory)), (resource.RLIMIT_CPU, int(seconds))):
        hard = resource.getrlimit(kind)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (most, most))
except ImportError:
    pass  # Windows has no such limits
try:
    import cascadio
except ImportError:
    sys.exit({_NO_CASCADIO})
sys.exit(cascadio.step_to_glb(step, glb, float(tolerance), float(angle)))
"""


def _python() -> list[str]:
    """The command that runs a piece of Python given as the next argument."""
    if Path(sys.executable).name.lower().startswith("python"):
        return [sys.executable, "-c"]
    return [bpy.app.binary_path, "--background", "--factory-startup", "--python-exit-code", "1", "--python-expr"]


def _turn_upright(objects: list[bpy.types.Object]) -> None:
    """Undo the turn that glTF's Y-up convention gives to Z-up CAD, so that rotations read as in the CAD program."""
    turn = Matrix.Rotation(-math.pi / 2, 4, "X")
    for mesh in {item.data for item in objects if item.type == "MESH"}:
        mesh.transform(turn)
    for item in objects:
        item.matrix_local = turn @ item.matrix_local @ turn.inverted()


def _gltf(path: Path, _tolerance: float, _angle: float, _unit: float | None) -> None:
    _enable("io_scene_gltf2")
    bpy.ops.import_scene.gltf(filepath=str(path))


def _fbx(path: Path, _tolerance: float, _angle: float, _unit: float | None) -> None:
    if "fbx_import" in dir(bpy.ops.wm):
        bpy.ops.wm.fbx_import(filepath=str(path))
    else:
        _enable("io_scene_fbx")
        bpy.ops.import_scene.fbx(filepath=str(path))


def _enable(add_on: str) -> None:
    """Enable one of Blender's own import add-ons for this session."""
    import addon_utils

    if add_on not in bpy.context.preferences.addons and addon_utils.enable(add_on, default_set=False) is None:
        raise InputError(f"Blender's add-on {add_on} is missing. Use a complete Blender installation.")


def _mesh_importer(operator: str, metres: float) -> Callable[[Path, float, float, float | None], None]:
    """One of Blender's importers for files that do not state their unit, which is `metres` unless given."""

    def load(path: Path, _tolerance: float, _angle: float, unit: float | None) -> None:
        getattr(bpy.ops.wm, operator)(filepath=str(path), global_scale=metres if unit is None else unit)

    return load


def _usd(path: Path, _tolerance: float, _angle: float, _unit: float | None) -> None:
    bpy.ops.wm.usd_import(filepath=str(path))


_IMPORTERS: dict[str, Callable[[Path, float, float, float | None], None]] = {
    ".stp": _step,
    ".step": _step,
    ".stl": _mesh_importer("stl_import", 0.001),
    ".obj": _mesh_importer("obj_import", 1.0),
    ".ply": _mesh_importer("ply_import", 1.0),
    ".gltf": _gltf,
    ".glb": _gltf,
    ".fbx": _fbx,
    ".usd": _usd,
    ".usda": _usd,
    ".usdc": _usd,
    ".usdz": _usd,
}
SUFFIXES = tuple(_IMPORTERS)
