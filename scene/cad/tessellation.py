# SPDX-License-Identifier: GPL-3.0-or-later
"""From STEP and IGES to triangles, through Open CASCADE (cascadio) in a process of its own.

What comes out is compared with what the file says, so that a face that Open CASCADE could not mesh is not lost in silence.
"""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...inference.errors import InputError
from .glb import Glb, merge_equal_meshes
from .iges_file import count_faces, count_hidden
from .limited_process import run_limited
from .notes import Notes, far_out, listed, moved_note
from .step_file import PART, PLACE, Part, StepFile

CONVERSION_SECONDS = 300
CONVERSION_BYTES = 8 * 2**30
GLB_BYTES = 512 * 2**20
"""Bytes of triangles, ten million or so, beyond which Blender's importer would take all memory."""
TOLERANCE = 0.005
"""Share by which area and volume of a part may differ from what they are in the CAD program."""


@dataclass(frozen=True)
class Mesher:
    """How fine the triangles are.

    Attributes:
        python: the command that runs a piece of Python given as the next argument.
        tolerance: metres between a triangle and the true surface.
        angle: radians between neighbouring triangles.
    """

    python: tuple[str, ...]
    tolerance: float
    angle: float


def tessellated_step(path: Path, scratch: Path, mesher: Mesher) -> tuple[Glb, Notes]:
    """Convert a STEP file with the files beside it that it refers to.

    Args:
        path: the STEP file.
        scratch: a folder to work in.
        mesher: how fine the triangles are.

    Returns:
        Triangles in metres with Z up, and what there is to say about them.

    Raises:
        InputError: it cannot be converted within `CONVERSION_SECONDS` and `CONVERSION_BYTES`.
    """
    try:
        whole = StepFile.read(path)
    except ValueError as error:
        raise _unreadable(path) from error
    parts = whole.parts()
    notes = Notes(lost=list(_left_out(path, whole, parts)))
    step = whole.prepared()
    glb = _converted(path, step.text(), scratch, mesher)
    offsets, notes.said = _offsets(path, glb, step, parts)
    if offsets:
        step = step.moved(offsets)
        glb = _converted(path, step.text(), scratch, mesher)
    judged = _judged(glb, parts)
    for finer, seams in ((1, False), (2, True), (4, True)):
        wanted = {product for product, one in judged.items() if one.wrong or (seams and one.coarse > TOLERANCE / 2)}
        if not wanted:
            continue
        other = _converted(
            path, (step if seams else step.without_seams(wanted)).text(), scratch,
            Mesher(mesher.python, mesher.tolerance / finer, mesher.angle / finer),
        )  # fmt: skip
        meshes, others = _meshes(glb), _meshes(other)
        for product, one in _judged(other, parts).items():
            if product in wanted & meshes.keys() & others.keys() and one.better_than(judged[product]):
                glb.take(meshes[product], other, others[product])
                judged[product] = one
    notes.lost += [f"{parts[product].name!r} {one.sentence()}" for product, one in judged.items() if one.sentence()]
    _name(glb, path.stem, whole, parts)
    return glb, notes


def tessellated_iges(path: Path, scratch: Path, mesher: Mesher) -> tuple[Glb, Notes]:
    """Convert an IGES file; arguments, results and errors are those of `tessellated_step`."""
    content, notes = path.read_bytes(), Notes()
    faces = count_faces(content)
    glb = _converted(path, content, scratch, mesher)
    for finer in (2, 4):
        if _faces(glb) >= faces:
            break
        other = _converted(
            path, content, scratch, Mesher(mesher.python, mesher.tolerance / finer, mesher.angle / finer)
        )
        glb = max(glb, other, key=_faces)
    if (lost := faces - _faces(glb)) > 0:
        notes.lost.append(
            f"{path.name} lacks {lost} of its {faces} faces, which could not be meshed. Export it again, as STEP or STL."
        )
    glb.scale(0.001)  # of IGES alone the converter leaves millimetres
    for entry in [*glb.nodes, *glb.document["meshes"]]:
        entry["name"] = path.stem  # Open CASCADE calls it COMPOUND
    if hidden := count_hidden(content):
        many = f"{hidden} entities, but they were" if hidden > 1 else "1 entity, but it was"
        notes.lost.append(f"{path.name} hides {many} imported. Delete what should not be visible.")
    return glb, notes


def _faces(glb: Glb) -> int:
    """Number of faces that are shown, each as often as it is placed."""
    counts = [glb.surface(mesh).faces for mesh in range(len(glb.document.get("meshes", [])))]
    return sum(counts[mesh] for mesh, _ in glb.placed())


def _left_out(path: Path, step: StepFile, parts: dict[int, Part]) -> Iterator[str]:
    """What the file does not hold or does not show."""
    if step.missing:
        yield (
            f"{path.name} refers to {listed(step.missing)}, which cannot be read as STEP in its folder. Copy the "
            "missing file there and import it again."
        )
    hidden = [part.name for part in parts.values() if part.hidden]
    hidden += [parts[step.definitions[step.occurrences[one]]].name for one in step.hidden & step.occurrences.keys()]
    if hidden:
        yield (
            f"{path.name} hides {listed(hidden)}, which was left out. If it should be visible, show it in the CAD "
            "program and export again."
        )


def _offsets(
    path: Path, glb: Glb, step: StepFile, parts: dict[int, Part]
) -> tuple[dict[int, tuple[float, float, float]], list[str]]:
    """What to take from the points of each product so that single precision does not spoil it, and what to say of it."""
    placed = set(step.occurrences.values())
    roots = {product for definition, product in step.definitions.items() if definition not in placed}
    found: dict[int, NDArray[np.float64]] = {}
    for mesh, entry in enumerate(glb.document["meshes"]):
        product, box = _number(entry.get("name", ""), PART), glb.box(mesh)
        if product in parts and product not in roots and far_out(box):
            found[product] = box.mean(axis=0)
    notes = []
    extent = glb.extent()
    if extent is not None and far_out(extent):
        centre = np.round(extent.mean(axis=0), 3)
        found |= dict.fromkeys(roots, centre)
        notes.append(moved_note(path.name, centre))
    return {product: (float(x), float(y), float(z)) for product, (x, y, z) in found.items()}, notes


@dataclass(frozen=True)
class _Judged:
    """How well the triangles of a part agree with what the file says of it.

    Attributes:
        wrong: what is wrong, in words that follow the part's name; empty where nothing is.
        coarse: share by which area or volume differ, as far as the triangles tell.
    """

    wrong: str
    coarse: float

    def better_than(self, other: "_Judged") -> bool:
        return (bool(self.wrong), self.coarse) < (bool(other.wrong), other.coarse)

    def sentence(self) -> str:
        """What to tell of the part behind its name; nothing where it is as it should be."""
        if self.wrong:
            return f"{self.wrong}. Export the part again, as another version of STEP or as STL."
        if self.coarse > TOLERANCE:
            return f"is coarse: its area or volume is {self.coarse:.1%} off. Import it with a smaller tolerance."
        return ""


def _meshes(glb: Glb) -> dict[int, int]:
    """The mesh of each product."""
    return {_number(entry.get("name", ""), PART): mesh for mesh, entry in enumerate(glb.document["meshes"])}


def _judged(glb: Glb, parts: dict[int, Part]) -> dict[int, _Judged]:
    """Every product with a surface."""
    meshes, found = _meshes(glb), {}
    for product, part in parts.items():
        if product not in meshes:
            if part.faces:
                found[product] = _Judged(f"is missing: none of its {part.faces} faces could be meshed", 1.0)
            continue
        surface = glb.surface(meshes[product])
        wrong = ""
        if surface.faces < part.faces and (surface.open_edges or not part.closed):
            wrong = f"lacks {part.faces - surface.faces} of its {part.faces} faces, which could not be meshed"
        elif part.closed and surface.open_edges and surface.gap > TOLERANCE:
            wrong = "has holes, but the file says that its surface is closed"
        elif part.area and abs(surface.area / part.area - 1) > TOLERANCE:
            wrong = (
                f"has a surface of {surface.area * 1e6:,.0f} mm², but the CAD program states {part.area * 1e6:,.0f} mm²"
            )
        found[product] = _Judged(wrong, max(surface.coarse_area, surface.coarse_volume if part.closed else 0.0))
    return found


def _name(glb: Glb, stem: str, step: StepFile, parts: dict[int, Part]) -> None:
    """Give nodes and meshes the names of their products, drop occurrences that are hidden, and keep equal meshes once."""
    concealed = {
        product
        for one, product in step.definitions.items()
        if step.hidden.intersection(step.representations.get(one, ()))
    }

    def product(entry: dict[str, Any]) -> int:
        placed = _number(entry.get("name", ""), PLACE)
        definition = step.occurrences.get(placed, 0)
        return step.definitions.get(definition, _number(entry.get("name", ""), PART))

    glb.keep(lambda node: _number(node.get("name", ""), PLACE) not in step.hidden and product(node) not in concealed)
    for entry in [*glb.nodes, *glb.document["meshes"]]:
        entry["name"] = parts[product(entry)].name if product(entry) in parts else ""
        entry["name"] = entry["name"] or stem


def _number(name: str, prefix: str) -> int:
    """The number that `StepFile.prepared` put in place of a name; 0 where there is none."""
    rest = name.removeprefix(prefix)
    return int(rest) if rest != name and rest.isdecimal() else 0


def _unreadable(path: Path) -> InputError:
    kind, versions = ("IGES", "5.3") if path.suffix.lower() in (".igs", ".iges") else ("STEP", "AP214 or AP242")
    return InputError(f"{path.name} cannot be read as {kind}. Export it from the CAD program again ({versions}).")


def _converted(path: Path, content: bytes, scratch: Path, mesher: Mesher) -> Glb:
    """Convert in a process of its own: Open CASCADE can crash or never end on damaged files."""
    source, target = scratch / f"source{path.suffix.lower()}", scratch / "tessellated.glb"
    source.write_bytes(content)
    target.unlink(missing_ok=True)
    kind = "IGES" if path.suffix.lower() in (".igs", ".iges") else "STEP"
    # Open CASCADE measures the tolerance in millimetres, whatever the file's own unit.
    arguments = [str(source), str(target), kind, repr(mesher.tolerance * 1000), repr(mesher.angle)]
    try:
        status = run_limited(
            mesher.python, _CONVERT, arguments, seconds=CONVERSION_SECONDS, memory=CONVERSION_BYTES, packages=True
        )
    except subprocess.TimeoutExpired as error:
        raise InputError(
            f"{path.name} was not converted within {CONVERSION_SECONDS} s. Raise the tolerance or export fewer parts."
        ) from error
    if status == _NO_CASCADIO:
        raise InputError(f"{kind} files need the package cascadio. Install the extension's zip, which contains it.")
    if status or not target.is_file():
        raise _unreadable(path)
    if (size := target.stat().st_size) > GLB_BYTES:
        raise InputError(
            f"{path.name} becomes {size >> 20} MB of triangles. Raise the tolerance or export fewer parts."
        )
    glb = Glb.read(target)
    merge_equal_meshes(glb.document)
    return glb


_NO_CASCADIO = 77
_CONVERT = f"""
source, target, kind, tolerance, angle = arguments
try:
    import cascadio
except ImportError:
    sys.exit({_NO_CASCADIO})
with open(source, "rb") as file:
    content = cascadio.to_glb_bytes(file.read(), cascadio.FileType[kind], float(tolerance), float(angle))
if not content:
    sys.exit(1)
with open(target, "wb") as file:
    file.write(content)
"""
