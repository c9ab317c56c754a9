# SPDX-License-Identifier: GPL-3.0-or-later
"""Import CAD: STEP and IGES through Open CASCADE (cascadio), 3MF, and mesh formats through Blender's own importers.

What is imported lands in a new collection named after the file, in metres with Z up, so that a class can list it. A part
that occurs many times is one mesh and many objects. What was lost on the way is told, and kept with the collection for
`check`.
"""

import math
import re
import tempfile
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import bpy
from mathutils import Matrix

from ..inference.errors import InputError
from . import imported_parts
from .blender_importers import import_apart, import_here, python_command
from .cad.glb import Glb
from .cad.gltf_file import readied_gltf
from .cad.mesh_text import readied_obj, readied_stl
from .cad.notes import Notes
from .cad.tessellation import Mesher, tessellated_iges, tessellated_step
from .cad.three_mf import read_three_mf

TOLERANCE = 0.0001
"""Metres that the triangles of a STEP file may lie off the true surface: finer than a pixel of a part 20 mm wide."""
ANGLE = 0.2
"""Radians between neighbouring triangles of a STEP file, so that small bores are round too."""
UNITLESS = {".stl": 0.001, ".obj": 1.0, ".ply": 1.0}
"""Metres per unit that formats which do not say it usually have: CAD programs write millimetres, modelling programs metres."""
_UP = {".stl": "Z", ".obj": "Y", ".ply": "Z"}
_FORWARD = {"X": "Y", "Y": "NEGATIVE_Z", "Z": "Y"}


@dataclass(frozen=True)
class ImportedCAD:
    """The new collection, its objects, parents before children, and what there is to say, a sentence each."""

    collection: bpy.types.Collection
    objects: tuple[bpy.types.Object, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Choices:
    """How to import one file; units in metres, angles in radians."""

    scratch: Path
    tolerance: float
    angle: float
    unit: float | None
    up: str | None


def import_cad(
    path: Path, *, tolerance: float = TOLERANCE, angle: float = ANGLE, unit: float | None = None, up: str | None = None
) -> ImportedCAD:
    """Import a CAD file into the current scene.

    Names, hierarchy and colours are kept, and the unit that a file states. Lights, cameras, worlds and animation are not
    imported.

    Args:
        path: a file whose suffix is one of `SUFFIXES`, in any case.
        tolerance: STEP and IGES only, metres between a triangle and the true surface.
        angle: STEP and IGES only, radians between neighbouring triangles.
        unit: metres per unit of an STL, OBJ or PLY file, which do not say it; by default that of `UNITLESS`.
        up: the axis, X, Y or Z, that is up in an STL, OBJ or PLY file; by default Y for OBJ and Z for the others.

    Raises:
        InputError: the file is missing, of an unknown kind, damaged or holds no geometry. Nothing is imported then.
    """
    suffix = path.suffix.lower()
    if suffix in _ELSEWHERE:
        raise InputError(
            f"{path.name} is {_ELSEWHERE[suffix]}, which only its own program can read. Export STEP from that program."
        )
    if suffix not in _IMPORTERS:
        raise InputError(f"{path.name} is not a CAD format that can be imported. Use {', '.join(SUFFIXES)}.")
    if not path.is_file():
        raise InputError(f"{path} {'is a folder' if path.is_dir() else 'does not exist'}. Choose a CAD file.")
    if path.stat().st_size == 0:
        raise InputError(f"{path.name} is empty. Export it from the CAD program again.")
    metres = bpy.context.scene.unit_settings.scale_length
    known = {*bpy.data.objects, *bpy.data.worlds}
    with _all_or_nothing(), imported_parts.scene_kept(), tempfile.TemporaryDirectory() as scratch:
        try:
            notes = _IMPORTERS[suffix](path, _Choices(Path(scratch), tolerance, angle, unit, up))
        except RuntimeError as error:  # how Blender's operators report
            raise InputError(_refusal(path, str(error))) from error
        notes.said += imported_parts.only_parts(path.name, known)
        imported_parts.instances_as_objects(known)
        bpy.data.batch_remove(imported_parts.bare_empties(item for item in bpy.data.objects if item not in known))
        objects = [item for item in bpy.data.objects if item not in known]
        if not any(item.type == "MESH" and item.data.polygons for item in objects):
            reasons = " ".join(notes.lost)
            raise InputError(
                f"{path.name} contains no surfaces that can be rendered. {reasons or 'Export solids or meshes.'}"
            )
        if suffix not in _IN_SCENE_UNITS:
            imported_parts.scale(objects, 1 / metres)
        notes.said += imported_parts.near_origin(path.name, objects, metres)
        advice = "Choose its unit when you import it." if suffix in UNITLESS else "Check that its unit is right."
        notes.lost += imported_parts.size_hint(path.name, objects, metres, advice)
        return _collect(path.stem, objects, notes)


def _refusal(path: Path, reported: str) -> str:
    """The sentence for what an importer of Blender reported, with its own reason where that is one for people to read."""
    if missing := re.search(r"Missing resource, '(.*)'", reported):
        other = Path(urllib.parse.unquote(missing[1])).name
        return (
            f"{path.name} needs {other}, which is not in the same folder. Copy it there and import {path.name} again."
        )
    reason = reported.strip().splitlines()[0].removeprefix("Error: ").rstrip(".")
    if "Traceback" in reported or str(path.parent) in reason or not reason:
        return f"{path.name} is damaged or is not a {path.suffix.lower()} file. Export it from the CAD program again."
    return f"{path.name} cannot be imported: {reason}. Export it in another way."


def _collect(name: str, objects: list[bpy.types.Object], notes: Notes) -> ImportedCAD:
    """Move objects into a new collection of the scene, wherever the importer put them."""
    collection = bpy.data.collections.new(name)
    bpy.context.scene.collection.children.link(collection)
    for item in objects:
        for holder in item.users_collection:
            holder.objects.unlink(item)
        collection.objects.link(item)
        item.rotation_mode = "XYZ"  # glTF brings quaternions, which nobody turns by hand
    if notes.lost:
        collection[imported_parts.LOST] = "\n".join(notes.lost)
    bpy.context.view_layer.update()
    return ImportedCAD(collection, tuple(sorted(objects, key=_depth)), (*notes.lost, *notes.said))


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


def _tessellated(
    convert: Callable[[Path, Path, Mesher], tuple[Glb, Notes]],
) -> Callable[[Path, _Choices], Notes]:
    """The importer for files that Open CASCADE converts."""

    def load(path: Path, choices: _Choices) -> Notes:
        glb, notes = convert(path, choices.scratch, Mesher(python_command(), choices.tolerance, choices.angle))
        _upright(glb, choices.scratch)
        return notes

    return load


def _three_mf(path: Path, choices: _Choices) -> Notes:
    glb, notes = read_three_mf(path)
    _upright(glb, choices.scratch)
    return notes


def _upright(glb: Glb, scratch: Path) -> None:
    """Import a document with Z up, for which glTF's own Y is turned away, so that rotations read as in the CAD program."""
    if not glb.roots:
        return
    path = scratch / "upright.glb"
    glb.write(path)
    known = set(bpy.data.objects)
    import_here(path)
    objects = [item for item in bpy.data.objects if item not in known]
    turn = Matrix.Rotation(-math.pi / 2, 4, "X")
    for mesh in {item.data for item in objects if item.type == "MESH"}:
        mesh.transform(turn)
    for item in objects:
        item.matrix_local = turn @ item.matrix_local @ turn.inverted()


def _gltf(path: Path, choices: _Choices) -> Notes:
    readied, notes = readied_gltf(path, choices.scratch)
    import_apart(path, choices.scratch, "import_scene.gltf", filepath=str(readied))
    return notes


def _fbx(path: Path, choices: _Choices) -> Notes:
    import_apart(path, choices.scratch, "wm.fbx_import", filepath=str(path), use_anim=False)
    if b"AnimationCurve" in path.read_bytes():
        return Notes(said=[f"{path.name} also brings animation; the parts stand where it leaves them out."])
    return Notes()


def _mesh(
    operator: str, readied: Callable[[Path, Path], Path] = lambda path, _scratch: path
) -> Callable[[Path, _Choices], Notes]:
    """One of Blender's importers for files that state neither their unit nor what is up."""

    def load(path: Path, choices: _Choices) -> Notes:
        suffix = path.suffix.lower()
        up = choices.up or _UP[suffix]
        unit = choices.unit or UNITLESS[suffix]
        import_apart(
            path, choices.scratch, f"wm.{operator}", filepath=str(readied(path, choices.scratch)), global_scale=unit,
            up_axis=up, forward_axis=_FORWARD[up],
        )  # fmt: skip
        return Notes()

    return load


def _usd(path: Path, choices: _Choices) -> Notes:
    import_apart(path, choices.scratch, "wm.usd_import", filepath=str(path), set_frame_range=False)
    return Notes()


_IMPORTERS: dict[str, Callable[[Path, _Choices], Notes]] = {
    ".stp": _tessellated(tessellated_step),
    ".step": _tessellated(tessellated_step),
    ".p21": _tessellated(tessellated_step),
    ".igs": _tessellated(tessellated_iges),
    ".iges": _tessellated(tessellated_iges),
    ".3mf": _three_mf,
    ".stl": _mesh("stl_import", readied_stl),
    ".obj": _mesh("obj_import", readied_obj),
    ".ply": _mesh("ply_import"),
    ".gltf": _gltf,
    ".glb": _gltf,
    ".fbx": _fbx,
    ".usd": _usd,
    ".usda": _usd,
    ".usdc": _usd,
    ".usdz": _usd,
}
SUFFIXES = tuple(_IMPORTERS)
_IN_SCENE_UNITS = frozenset({".stp", ".step", ".p21", ".igs", ".iges", ".3mf", ".gltf", ".glb"})
"""What comes in through Blender's importer for glTF, which alone heeds the scene's unit scale."""
_ELSEWHERE = {
    ".3dxml": "3DXML of 3DEXPERIENCE",
    ".jt": "JT",
    ".catpart": "a part of CATIA",
    ".catproduct": "an assembly of CATIA",
    ".cgr": "a picture of a part of CATIA",
    ".sldprt": "a part of SolidWorks",
    ".sldasm": "an assembly of SolidWorks",
    ".ipt": "a part of Inventor",
    ".iam": "an assembly of Inventor",
    ".prt": "a part of NX or Creo",
    ".asm": "an assembly of Creo or Solid Edge",
    ".par": "a part of Solid Edge",
    ".x_t": "Parasolid",
    ".x_b": "Parasolid",
    ".sat": "ACIS",
    ".dwg": "a drawing of AutoCAD",
    ".f3d": "a design of Fusion",
    ".fcstd": "a document of FreeCAD",
    ".3dm": "a model of Rhinoceros",
    ".stpz": "compressed STEP",
    ".stpx": "STEP as XML",
}
