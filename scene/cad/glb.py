# SPDX-License-Identifier: GPL-3.0-or-later
"""Binary glTF files (GLB): what their surfaces measure, and equal meshes made one."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

_HEADER, _JSON, _BINARY = b"glTF\x02\0\0\0", b"JSON", b"BIN\0"
_COMPONENTS = {5121: np.uint8, 5123: np.uint16, 5125: np.uint32, 5126: np.float32}


@dataclass(frozen=True)
class Surface:
    """What the triangles of one mesh measure.

    Attributes:
        faces: number of pieces whose triangles share no vertex: one for each face of a CAD surface.
        open_edges: number of edges that bound triangles on one side only, where vertices at the same place are one.
        area: square metres.
        gap: area of the hole that all holes leave open together, seen from where it is largest, as a share of ``area``.
        coarse_area, coarse_volume: shares by which area and enclosed volume differ from those of the true surface, as far
            as the vertex normals, which are its own, tell how it bulges over the triangles.
    """

    faces: int
    open_edges: int
    area: float
    gap: float
    coarse_area: float
    coarse_volume: float


@dataclass
class Glb:
    """A glTF document [glTF 2.0 specification] and the bytes that its first buffer holds."""

    document: dict[str, Any]
    binary: bytes

    @classmethod
    def read(cls, path: Path) -> "Glb":
        """Read a file.

        Raises:
            ValueError: it is no GLB file.
        """
        content = path.read_bytes()
        if content[:8] != _HEADER or content[16:20] != _JSON:
            raise ValueError(f"{path} is no GLB file")
        end = 20 + int.from_bytes(content[12:16], "little")
        return cls(json.loads(content[20:end]), content[end + 8 :])

    def write(self, path: Path) -> None:
        """Write the file."""
        document = json.dumps(self.document, ensure_ascii=False, separators=(",", ":")).encode()
        document += b" " * (-len(document) % 4)
        binary = self.binary + bytes(-len(self.binary) % 4)
        chunks = [(kind, chunk) for kind, chunk in ((_JSON, document), (_BINARY, binary)) if chunk]
        length = 12 + sum(8 + len(chunk) for _, chunk in chunks)
        with path.open("wb") as file:
            file.write(_HEADER + length.to_bytes(4, "little"))
            for kind, chunk in chunks:
                file.write(len(chunk).to_bytes(4, "little") + kind + chunk)

    @property
    def nodes(self) -> list[dict[str, Any]]:
        """The nodes."""
        return cast(list[dict[str, Any]], self.document.get("nodes", []))

    def array(self, accessor: int) -> NDArray[Any]:
        """The values [N, components] of an accessor whose values lie close together."""
        entry = self.document["accessors"][accessor]
        width = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4}[entry["type"]]
        kind = np.dtype(_COMPONENTS[entry["componentType"]])
        return np.frombuffer(self.binary, kind, entry["count"] * width, self._start(entry)).reshape(-1, width)

    @classmethod
    def empty(cls) -> "Glb":
        """A document that shows nothing yet."""
        return cls({"asset": {"version": "2.0"}, "scene": 0, "scenes": [{"nodes": []}], "nodes": [], "meshes": []}, b"")

    def add_mesh(
        self, name: str, points: NDArray[np.float64], groups: Iterable[tuple[NDArray[np.int64], int | None]]
    ) -> int:
        """Add a mesh of points [P, 3] and groups of triangles [N, 3], each with its material; returns its number."""
        position = self._add_array(points.astype(np.float32), "VEC3")
        self.document["accessors"][position] |= {"min": points.min(axis=0).tolist(), "max": points.max(axis=0).tolist()}
        primitives = []
        for triangles, material in groups:
            indices = self._add_array(triangles.astype(np.uint32).reshape(-1, 1), "SCALAR")
            primitives.append({"attributes": {"POSITION": position}, "indices": indices})
            if material is not None:
                primitives[-1]["material"] = material
        self.document["meshes"].append({"name": name, "primitives": primitives})
        return len(self.document["meshes"]) - 1

    def add_node(self, name: str, mesh: int, matrix: NDArray[np.float64]) -> None:
        """Show a mesh at a place [4, 4]."""
        self.roots.append(len(self.nodes))
        self.nodes.append({"name": name, "mesh": mesh, "matrix": matrix.T.ravel().tolist()})

    def _add_array(self, values: NDArray[Any], kind: str) -> int:
        views = self.document.setdefault("bufferViews", [])
        views.append({"buffer": 0, "byteOffset": len(self.binary), "byteLength": values.nbytes})
        self.binary += values.tobytes()
        self.document["buffers"] = [{"byteLength": len(self.binary)}]
        component = next(number for number, dtype in _COMPONENTS.items() if np.dtype(dtype) == values.dtype)
        entry = {"bufferView": len(views) - 1, "componentType": component, "count": len(values), "type": kind}
        self.document.setdefault("accessors", []).append(entry)
        return len(self.document["accessors"]) - 1

    def take(self, mesh: int, other: "Glb", others_mesh: int) -> None:
        """Give a mesh the triangles of one in another document with the same materials."""
        primitives = []
        for primitive in other.document["meshes"][others_mesh]["primitives"]:
            attributes = {}
            for name, accessor in primitive["attributes"].items():
                attributes[name] = self._add_array(other.array(accessor), "VEC3")
                ends = {
                    key: value for key, value in other.document["accessors"][accessor].items() if key in ("min", "max")
                }
                self.document["accessors"][attributes[name]] |= ends
            indices = self._add_array(other.array(primitive["indices"]), "SCALAR")
            primitives.append(primitive | {"attributes": attributes, "indices": indices})
        self.document["meshes"][mesh]["primitives"] = primitives

    def scale(self, factor: float) -> None:
        """Make everything larger or smaller."""
        values = bytearray(self.binary)
        accessors = {
            primitive["attributes"]["POSITION"] for mesh in self.document["meshes"] for primitive in mesh["primitives"]
        }
        for number in accessors:
            accessor = self.document["accessors"][number]
            points = self.array(number)
            start = self._start(accessor)
            values[start : start + points.nbytes] = (points * np.float32(factor)).tobytes()
            accessor |= {end: [value * factor for value in accessor[end]] for end in ("min", "max")}
        for node in self.nodes:
            if "matrix" in node:
                node["matrix"][12:15] = [value * factor for value in node["matrix"][12:15]]
        self.binary = bytes(values)

    def _start(self, accessor: dict[str, Any]) -> int:
        view = self.document["bufferViews"][accessor["bufferView"]]
        return cast(int, view.get("byteOffset", 0) + accessor.get("byteOffset", 0))

    def box(self, mesh: int) -> NDArray[np.float64]:
        """The lowest and highest corner [2, 3] of a mesh, in metres."""
        accessors = [
            self.document["accessors"][primitive["attributes"]["POSITION"]]
            for primitive in self.document["meshes"][mesh]["primitives"]
        ]
        low, high = ([accessor[end] for accessor in accessors] for end in ("min", "max"))
        return np.array([np.min(low, axis=0), np.max(high, axis=0)])

    def surface(self, mesh: int) -> Surface:
        """Measure a mesh."""
        names = ("POSITION", "NORMAL")
        primitives = self.document["meshes"][mesh]["primitives"]
        values = {
            name: np.concatenate([self.array(primitive["attributes"][name]) for primitive in primitives])
            for name in names
        }
        counts = [self.document["accessors"][primitive["attributes"]["POSITION"]]["count"] for primitive in primitives]
        triangles = np.concatenate([
            self.array(primitive["indices"]).reshape(-1, 3).astype(np.int64) + start
            for primitive, start in zip(primitives, np.cumsum([0, *counts]), strict=False)
        ])  # fmt: skip
        corners, normals = (values[name][triangles].astype(np.float64) for name in names)
        crosses = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        areas = np.linalg.norm(crosses, axis=1) / 2
        area, volume = float(areas.sum()), float(np.einsum("ij,ij->", corners.mean(axis=1), crosses) / 6)
        # How far the true surface bulges over the middle of each edge, as the normals at its ends turn.
        sides, turns = (np.roll(ends, -1, axis=1) - ends for ends in (corners, normals))
        bulges = np.einsum("ijk,ijk->ij", sides, turns) / 8
        slopes = areas * np.einsum("ijk,ijk->ij", turns, turns).mean(axis=1) / 16
        across = np.cross((crosses / np.maximum(2 * areas, 1e-30)[:, None])[:, None], np.roll(sides, -1, axis=1))
        curvature = np.einsum("ijk,ijk->i", normals, across) / 2  # times area: what it grows by per metre outwards
        bulge = bulges.mean(axis=1)
        return Surface(
            faces=_pieces(triangles),
            open_edges=_open_edges(values["POSITION"], triangles),
            area=area,
            gap=float(np.linalg.norm(crosses.sum(axis=0)) / 2 / max(area, 1e-30)),
            coarse_area=float(abs((curvature * bulge - slopes).sum()) / max(area, 1e-30)),
            coarse_volume=float(abs((areas * bulge).sum()) / max(abs(volume), 1e-30)),
        )

    def placed(self) -> Iterator[tuple[int, NDArray[np.float64]]]:
        """Every mesh where it is placed: its number and the matrix [4, 4] of the node, all stated as matrices."""
        waiting = [(root, np.eye(4)) for root in self.roots]
        while waiting:
            number, above = waiting.pop()
            node = self.nodes[number]
            world = above @ np.array(node.get("matrix", np.eye(4).ravel()), np.float64).reshape(4, 4).T
            waiting += [(child, world) for child in node.get("children", ())]
            if "mesh" in node:
                yield node["mesh"], world

    def extent(self) -> NDArray[np.float64] | None:
        """The lowest and highest corner [2, 3] of all that is shown, in metres; ``None`` where nothing is."""
        corners = []
        for mesh, world in self.placed():
            x, y, z = self.box(mesh).T
            corners += [(world @ (a, b, c, 1.0))[:3] for a in x for b in y for c in z]
        return np.array([np.min(corners, axis=0), np.max(corners, axis=0)]) if corners else None

    def keep(self, wanted: Callable[[dict[str, Any]], bool]) -> None:
        """Drop the nodes that are not wanted with all below them, and what then holds no mesh."""
        new: list[dict[str, Any]] = []

        def kept(number: int) -> int | None:
            node = self.nodes[number]
            if not wanted(node):
                return None
            children = [child for one in node.get("children", ()) if (child := kept(one)) is not None]
            if not children and "mesh" not in node:
                return None
            new.append({key: value for key, value in node.items() if key != "children"})
            if children:
                new[-1]["children"] = children
            return len(new) - 1

        self.scene["nodes"] = [root for one in self.roots if (root := kept(one)) is not None]
        self.document["nodes"] = new

    @property
    def scene(self) -> dict[str, Any]:
        """The scene that is shown."""
        return cast(dict[str, Any], self.document["scenes"][self.document.get("scene", 0)])

    @property
    def roots(self) -> list[int]:
        """Numbers of the nodes that have no parent."""
        return cast(list[int], self.scene.get("nodes", []))


def merge_equal_meshes(document: dict[str, Any]) -> None:
    """Let nodes whose meshes have the same vertices and materials use one mesh, in place.

    Writers that walk through an assembly repeat the mesh for each occurrence and share no more than its bytes.
    """
    new: dict[str, int] = {}
    meshes = document.get("meshes", [])
    same = [
        new.setdefault(
            json.dumps({key: value for key, value in mesh.items() if key != "name"}, sort_keys=True), len(new)
        )
        for mesh in meshes
    ]
    first = dict(zip(reversed(same), reversed(meshes), strict=True))
    if meshes:
        document["meshes"] = [first[number] for number in range(len(new))]
    for node in document.get("nodes", []):
        if "mesh" in node:
            node["mesh"] = same[node["mesh"]]


def _pieces(triangles: NDArray[np.int64]) -> int:
    """Number of groups of triangles [N, 3] in a row that share no vertex with those before and after."""
    highest = np.maximum.accumulate(triangles.max(axis=1))
    lowest = np.minimum.accumulate(triangles.min(axis=1)[::-1])[::-1]
    return 1 + int((highest[:-1] < lowest[1:]).sum())


def _open_edges(points: NDArray[np.float32], triangles: NDArray[np.int64]) -> int:
    """Number of edges of triangles [N, 3] that no triangle runs through the other way."""
    # A millionth of its size apart is the same place: single precision tells no more.
    grid = max(float(np.max(np.abs(points))), 1e-9) * 2e-6
    cells = np.round(points / grid).astype(np.int64).view(np.uint64)
    mixed = (cells * np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9], np.uint64)).sum(axis=1)
    _, place = np.unique(mixed, return_inverse=True)
    corners = place[triangles]
    edges = np.concatenate([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [2, 0]]])
    edges = edges[edges[:, 0] != edges[:, 1]]
    keys = edges.min(axis=1) * (int(np.max(place)) + 1) + edges.max(axis=1)
    _, group = np.unique(keys, return_inverse=True)
    balance = np.bincount(group, np.where(edges[:, 0] < edges[:, 1], 1, -1))
    return int(np.abs(balance).sum())
