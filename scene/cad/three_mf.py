# SPDX-License-Identifier: GPL-3.0-or-later
"""3MF files (3D Manufacturing Format, core specification 1.3 and components in other parts of the package)."""

import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
from numpy.typing import NDArray

from ...inference.errors import InputError
from .glb import Glb
from .notes import Notes, far_out, listed, moved_note

MODEL_BYTES = 2**30
DEEPEST = 32
_UNITS = {"micron": 1e-6, "millimeter": 1e-3, "centimeter": 1e-2, "inch": 0.0254, "foot": 0.3048, "meter": 1.0}
_DAMAGED = (
    zipfile.BadZipFile, zlib.error, ET.ParseError, KeyError, ValueError, EOFError, OSError, OverflowError, RuntimeError,
)  # fmt: skip
"""What zipfile and ElementTree raise for bytes that are not theirs; RuntimeError also for what is encrypted."""
_SUPPORT = frozenset({"support", "solidsupport"})


@dataclass
class _Object:
    """An object of a model: a mesh with points in metres, or components."""

    name: str
    kind: str
    points: NDArray[np.float64]
    groups: dict[Any, NDArray[np.int64]]
    components: list[tuple[str, str, NDArray[np.float64]]]


@dataclass
class _Package:
    """What is read of a package so far: objects by part and identifier, and colours."""

    archive: zipfile.ZipFile
    objects: dict[tuple[str, str], _Object] = field(default_factory=dict)
    colours: dict[Any, tuple[str, str]] = field(default_factory=dict)
    items: dict[str, list[tuple[str, str, NDArray[np.float64]]]] = field(default_factory=dict)


def read_three_mf(path: Path) -> tuple[Glb, Notes]:
    """Read the meshes, where the build places them, with names and colours.

    Returns:
        Triangles in metres with Z up, and what there is to say about them.

    Raises:
        InputError: the file is damaged or too large.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            package = _Package(archive)
            root = _root(archive)
            _read_model(package, root)
            placed = list(_placed(package, package.items[root], np.eye(4), 0))
    except _DAMAGED as error:
        raise InputError(
            f"{path.name} is damaged or is not a {path.suffix.lower()} file. Export it from the CAD program again."
        ) from error
    return _built(path, package, placed)


def _root(archive: zipfile.ZipFile) -> str:
    """The part of the package that holds the model."""
    for relation in _xml(archive, "_rels/.rels"):
        if relation.get("Type", "").endswith("/3dmodel"):
            return relation.get("Target", "").lstrip("/")
    raise ValueError("no model")


def _xml(archive: zipfile.ZipFile, part: str) -> ET.Element:
    if archive.getinfo(part).file_size > MODEL_BYTES:
        raise ValueError(f"{part} is too large")
    content = archive.read(part)
    if b"<!DOCTYPE" in content:
        raise ValueError(f"{part} declares entities, which 3MF forbids")
    return ET.fromstring(content)  # noqa: S314  without entities


def _read_model(package: _Package, part: str) -> None:
    model = _xml(package.archive, part)
    metres = _UNITS[model.get("unit", "millimeter")]
    package.items[part] = []  # also for those that name it again
    for group in model.iter():
        if _tag(group) in ("basematerials", "colorgroup"):
            for index, entry in enumerate(group):
                colour = entry.get("displaycolor") or entry.get("color") or "#FFFFFF"
                package.colours[part, group.get("id"), index] = entry.get("name", ""), colour
    for element in model.iterfind("./{*}resources/{*}object"):
        package.objects[part, element.get("id", "")] = _read_object(package, part, element, metres)
    package.items[part] = [_component(element, part, metres) for element in model.iterfind("./{*}build/{*}item")]
    for other in {where for item in package.objects.values() for where, _, _ in item.components}:
        if other not in package.items:
            _read_model(package, other)


def _tag(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


def _read_object(package: _Package, part: str, element: ET.Element, metres: float) -> _Object:
    vertices = [
        [float(vertex.attrib[axis]) for axis in "xyz"] for vertex in element.iterfind("./{*}mesh/{*}vertices/*")
    ]
    own = (part, element.get("pid"), int(element.get("pindex", "0")))
    groups: dict[Any, list[list[int]]] = {}
    for triangle in element.iterfind("./{*}mesh/{*}triangles/*"):
        index = triangle.get("p1")
        colour = own if index is None else (part, triangle.get("pid", element.get("pid")), int(index))
        corners = [int(triangle.attrib[corner]) for corner in ("v1", "v2", "v3")]
        if not 0 <= min(corners) <= max(corners) < len(vertices):
            raise ValueError("a triangle names a vertex that is not there")
        groups.setdefault(colour if colour in package.colours else None, []).append(corners)
    points = np.array(vertices, np.float64).reshape(-1, 3) * metres
    if not np.isfinite(points).all():
        raise ValueError("a coordinate is not a number")
    components = [_component(one, part, metres) for one in element.iterfind("./{*}components/{*}component")]
    return _Object(
        element.get("name", ""), element.get("type", "model"), points,
        {colour: np.array(group, np.int64) for colour, group in groups.items()}, components,
    )  # fmt: skip


def _component(element: ET.Element, part: str, metres: float) -> tuple[str, str, NDArray[np.float64]]:
    """Part and identifier of the object that is placed, and its matrix [4, 4] in metres."""
    other = next((value for key, value in element.attrib.items() if key.endswith("}path")), None)
    matrix = np.eye(4)
    if transform := element.get("transform"):
        matrix[:3] = np.array(transform.split(), np.float64).reshape(4, 3).T
        matrix[:3, 3] *= metres
    return other.lstrip("/") if other else part, element.attrib["objectid"], matrix


def _placed(
    package: _Package, components: list[tuple[str, str, NDArray[np.float64]]], above: NDArray[np.float64], depth: int
) -> Iterator[tuple[tuple[str, str], NDArray[np.float64]]]:
    """Every object with a mesh, where it is placed."""
    if depth > DEEPEST:
        raise ValueError("components contain themselves")
    for part, number, matrix in components:
        item = package.objects[part, number]
        if item.groups:
            yield (part, number), above @ matrix
        yield from _placed(package, item.components, above @ matrix, depth + 1)


def _built(
    path: Path, package: _Package, placed: list[tuple[tuple[str, str], NDArray[np.float64]]]
) -> tuple[Glb, Notes]:
    glb, notes = Glb.empty(), Notes()
    supports = [package.objects[key].name or path.stem for key, _ in placed if package.objects[key].kind in _SUPPORT]
    if supports:
        notes.said.append(f"{path.name} contains supports for printing, {listed(supports)}; they were left out.")
    placed = [(key, matrix) for key, matrix in placed if package.objects[key].kind not in _SUPPORT]
    materials: dict[Any, int] = {}
    for colour in dict.fromkeys(one for key, _ in placed for one in package.objects[key].groups if one):
        name, text = package.colours[colour]
        materials[colour] = len(materials)
        glb.document.setdefault("materials", []).append(
            {"name": name or text, "pbrMetallicRoughness": {"baseColorFactor": _linear(text), "metallicFactor": 0.0}}
        )
    meshes, centres = {}, {}
    for key in dict.fromkeys(key for key, _ in placed):
        item = package.objects[key]
        box = np.array([item.points.min(axis=0), item.points.max(axis=0)])
        centres[key] = box.mean(axis=0) if far_out(box) else np.zeros(3)
        groups = [(triangles, materials.get(colour)) for colour, triangles in item.groups.items()]
        meshes[key] = glb.add_mesh(item.name or path.stem, item.points - centres[key], groups)
    for key, matrix in placed:
        place = matrix.copy()
        place[:3, 3] += matrix[:3, :3] @ centres[key]
        glb.add_node(package.objects[key].name or path.stem, meshes[key], place)
    extent = glb.extent()
    if extent is not None and far_out(extent):
        offset = np.round(extent.mean(axis=0), 3)
        for node in glb.nodes:
            node["matrix"][12:15] = (np.array(node["matrix"][12:15]) - offset).tolist()
        notes.said.append(moved_note(path.name, offset))
    return glb, notes


def _linear(text: str) -> list[float]:
    """Linear red, green, blue and alpha of ``#RRGGBB`` or ``#RRGGBBAA``."""
    *colour, alpha = (value / 255 for value in bytes.fromhex(text.lstrip("#").ljust(8, "F")[:8]))
    return [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in colour] + [alpha]
