# SPDX-License-Identifier: GPL-3.0-or-later
"""A digest of everything in the scene that can change a picture.

Blender has no such thing, so its own description of the data (RNA) is walked: every value that a user can set counts,
except what only concerns the session or the user interface. A file that is saved and opened again keeps its digest;
so does a scene after selecting or moving the viewport. Where in doubt a value counts: rendering once too often costs
seconds, once too seldom a wrong reference.
"""

import glob
import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from .rendered_objects import has_part

SKIPPED = frozenset({
    # identity, library and session
    "rna_type", "session_uid", "users", "use_fake_user", "use_extra_user", "tag", "library", "override_library",
    "library_weak_reference", "is_runtime_data", "preview", "asset_data", "original", "name_full", "last_frame", "bindcode",
    # computed from other values, and stale where Blender has not evaluated the object
    "matrix_world", "matrix_local", "matrix_basis", "matrix_channel", "matrix", "dimensions", "bound_box",
    "enabled",  # whether a node's settings make use of a socket
    # user interface
    "hide_viewport", "hide_select", "hide", "hide_value", "display", "display_type", "display_size", "display_shape",
    "display_bounds_type", "empty_display_type", "empty_display_size", "lineart", "location_absolute", "use_custom_color",
    "warning_propagation", "ui_shortcut", "ui_items", "internal_links", "grease_pencil", "workspace", "tool_settings",
    # files count by content
    "filepath", "filepath_raw", "filename", "pixels", "texture_mesh",
})  # fmt: skip
SKIPPED_STARTS = ("select", "show_", "active", "lock_", "use_lock", "bl_", "viewport", "cycles", "edit_", "use_mirror")
COUNTED = frozenset({"show_render", "bl_idname"})

GEOMETRY = frozenset({
    "vertices", "edges", "loops", "polygons", "loop_triangles", "loop_triangle_polygons", "uv_layers", "uv_layer_stencil",
    "uv_layer_clone", "color_attributes", "vertex_colors", "corner_normals", "vertex_normals", "polygon_normals",
    "skin_vertices", "points", "curves", "attributes", "curve_offset_data", "position_data", "normals",
    "vertex_layers_float", "vertex_layers_int", "vertex_layers_string", "polygon_layers_float", "polygon_layers_int",
    "polygon_layers_string", "vertex_creases", "edge_creases",
})  # fmt: skip
"""Properties of data with attributes, which hold the same numbers and are read in bulk."""

VALUE_FIELD = {
    "FLOAT_VECTOR": ("vector", 3), "FLOAT2": ("vector", 2), "FLOAT_COLOR": ("color", 4), "BYTE_COLOR": ("color", 4),
    "QUATERNION": ("value", 4), "FLOAT4X4": ("value", 16), "INT16_2D": ("value", 2), "INT32_2D": ("value", 2),
}  # fmt: skip

ZERO_WHERE_MISSING = frozenset({"material_index", "sharp_edge", "sharp_face"})
"""Attributes of meshes that Blender takes for 0 where a mesh has none."""

NODE_LOOKS = frozenset({"location", "width", "height", "parent", "color", "label"})
NOT_FOLLOWED = (bpy.types.Scene, bpy.types.Library, bpy.types.Screen, bpy.types.Text)

RENDER_SETTINGS = ("hair_type", "hair_subdiv", "use_high_quality_normals", "anisotropic_filter")
LAYER_SETTINGS = ("material_override", "world_override", "use_solid", "use_sky", "use_strand", "use_volumes")


class ContentDigest:
    """Digests of what a scene renders; each datablock is read once, however many classes show it."""

    def __init__(
        self, scene: bpy.types.Scene, layer: bpy.types.ViewLayer, camera: bpy.types.Object, *, lenient: bool = False
    ) -> None:
        """``lenient`` ignores what a visit to Edit Mode does to attributes. Keys of images must not: they would all be others
        than those of version 0.1.0."""
        self._scene, self.lenient = scene, lenient
        self._own: dict[bpy.types.ID, tuple[str, set[bpy.types.ID]]] = {}
        self._files: dict[Path, str] = {}
        self._properties: dict[str, list[tuple[str, str]]] = {}
        self.not_numbers: list[bpy.types.ID] = []
        """Datablocks read so far that hold a NaN: Blender leaves out what is placed there and paints it black."""

        common = _Walk(self)
        common.struct(scene.eevee)
        for owner, names in ((scene.render, RENDER_SETTINGS), (layer, LAYER_SETTINGS)):
            for name in names:
                if name in owner.bl_rna.properties:
                    common.property(owner, name, owner.bl_rna.properties[name].type)
        self._common = common.hexdigest()
        self._always = {camera.data, *common.references} | ({scene.world} if scene.world else set())

    def of(self, objects: Iterable[bpy.types.Object]) -> str:
        """Hexadecimal SHA-256 of what these objects look like in this scene and to this camera."""
        shown = {item for item in objects if has_part(item)}
        reached: set[bpy.types.ID] = set()
        pending = list(self._always | shown)
        while pending:
            item = pending.pop()
            if item not in reached:
                reached.add(item)
                pending.extend(self._describe(item)[1])
        lines = sorted(f"{item.rna_type.identifier}\0{item.name_full}\0{self._describe(item)[0]}" for item in reached)
        names = sorted(item.name_full for item in shown)
        return hashlib.sha256(repr((self._common, names, lines)).encode()).hexdigest()

    def _describe(self, item: bpy.types.ID) -> tuple[str, set[bpy.types.ID]]:
        """A datablock's own digest and the datablocks that it refers to."""
        if item not in self._own:
            walk = _Walk(self)
            walk.datablock(item)
            if walk.not_a_number:
                self.not_numbers.append(item)
            self._own[item] = walk.hexdigest(), walk.references
        return self._own[item]

    def properties(self, item: bpy.types.bpy_struct) -> list[tuple[str, str]]:
        """Names and RNA types of the properties of a struct that count; the same for all structs of a type."""
        kind = item.bl_rna.identifier
        if kind not in self._properties:
            skipped = SKIPPED | (GEOMETRY if _has_attributes(item) else frozenset())
            if isinstance(item, bpy.types.Node):
                skipped |= NODE_LOOKS
            self._properties[kind] = [
                (prop.identifier, prop.type)
                for prop in item.bl_rna.properties
                if prop.identifier not in skipped
                and (prop.identifier in COUNTED or not prop.identifier.startswith(SKIPPED_STARTS))
                and (prop.type in {"POINTER", "COLLECTION"} or not prop.is_readonly)
                and not getattr(prop, "is_deprecated", False)  # since Blender 5; these mean nothing and warn
            ]
        return self._properties[kind]

    def frame(self) -> tuple[int, float]:
        """The scene's frame, which matters to what is animated."""
        return self._scene.frame_current, self._scene.frame_subframe

    def file(self, path: Path) -> str:
        """Hexadecimal SHA-256 of a file; empty where it cannot be read."""
        if path not in self._files:
            try:
                with path.open("rb") as stream:
                    self._files[path] = hashlib.file_digest(stream, "sha256").hexdigest()
            except OSError:
                self._files[path] = ""
        return self._files[path]


def _has_attributes(item: bpy.types.bpy_struct) -> bool:
    """Whether a struct is geometry that keeps its numbers in attributes."""
    return isinstance(item, bpy.types.ID) and hasattr(item, "attributes")


def _says_nothing(attribute: bpy.types.Attribute) -> bool:
    """Whether an attribute is as if it were not there; Edit Mode drops such ones."""
    if attribute.name not in ZERO_WHERE_MISSING:
        return False
    values = np.empty(len(attribute.data), dtype=np.int32)
    attribute.data.foreach_get("value", values)
    return not values.any()


class _Walk:
    """One walk over the values of a datablock."""

    def __init__(self, digest: ContentDigest) -> None:
        self._digest = digest
        self._hash = hashlib.sha256()
        self._seen: dict[tuple[int, str], int] = {}
        self.references: set[bpy.types.ID] = set()
        self.not_a_number = False

    def hexdigest(self) -> str:
        return self._hash.hexdigest()

    def write(self, *values: object) -> None:
        self._hash.update(repr(values).encode("utf-8", "surrogatepass"))

    def datablock(self, item: bpy.types.ID) -> None:
        """Everything of one datablock that counts, besides the datablocks that it refers to."""
        self.struct(item)
        self.custom_properties(item)
        if isinstance(item, bpy.types.Collection):
            self.write("objects", *sorted(member.name_full for member in item.all_objects if not member.hide_render))
            self.references.update(member for member in item.all_objects if not member.hide_render)
        if isinstance(item, bpy.types.Object) and item.vertex_groups and item.type == "MESH":
            for vertex in item.data.vertices:
                self.write(*((group.group, group.weight) for group in vertex.groups))
        if getattr(item, "packed_file", None) is not None:
            self.write("packed", hashlib.sha256(item.packed_file.data).hexdigest())
        elif getattr(item, "filepath", ""):
            path = Path(bpy.path.abspath(item.filepath, library=item.library))
            # A tiled image is many files under one name.
            pattern = glob.escape(path.name).replace("<UDIM>", "*").replace("<UVTILE>", "*")
            tiles = sorted(path.parent.glob(pattern))
            self.write("file", *map(self._digest.file, tiles))
        if isinstance(item, bpy.types.Image) and item.is_dirty:
            pixels = np.empty(len(item.pixels), dtype=np.float32)
            item.pixels.foreach_get(pixels)
            self._hash.update(pixels.tobytes())

    def struct(self, item: bpy.types.bpy_struct) -> None:
        """All values of one struct, in RNA's order."""
        key = item.as_pointer(), item.bl_rna.identifier
        if key in self._seen:
            self.write("seen", self._seen[key])
            return
        self._seen[key] = len(self._seen)
        self.write(item.bl_rna.identifier)
        if _has_attributes(item):
            self.attributes(item)
        for name, kind in self._digest.properties(item):
            self.property(item, name, kind)
        if isinstance(item, bpy.types.NodesModifier):
            self.custom_properties(item)
        if isinstance(item, bpy.types.AnimData):
            self.write("frame", self._digest.frame())

    def property(self, item: bpy.types.bpy_struct, name: str, kind: str) -> None:
        """One value with its name; ``kind`` is its RNA type."""
        value = getattr(item, name)
        if kind != "COLLECTION":
            self.write(name)
            self.value(value)
            return
        self.write(name, len(value))
        if isinstance(item, bpy.types.NodeTree) and name == "links":
            for link in value:
                ends = link.from_node.name, link.from_socket.identifier, link.to_node.name, link.to_socket.identifier
                self.write(*ends, link.is_muted)
        else:
            for member in value:
                self.value(member)

    def value(self, value: Any) -> None:
        """A number, text, array, struct or datablock."""
        if value is None or isinstance(value, (bool, int, float, str, bytes)):
            self.not_a_number |= value != value  # noqa: PLR0124  how a NaN is known
            self.write(value)
        elif isinstance(value, bpy.types.ID) and not value.is_embedded_data:
            if not isinstance(value, NOT_FOLLOWED):
                self.references.add(value)
                self.write(value.rna_type.identifier, value.name_full)
        elif isinstance(value, bpy.types.bpy_struct):
            self.struct(value)
        elif isinstance(value, set):
            self.write(*sorted(value))
        else:
            array = np.array(value)
            self.not_a_number |= array.dtype.kind == "f" and bool(np.isnan(array).any())
            self.write(array.tolist())

    def custom_properties(self, item: Any) -> None:
        """Values that users or geometry nodes have attached."""
        for name in sorted(item.keys()):
            if name == "cycles":  # that engine's own settings, which it adds whenever it opens a file
                continue
            value = item[name]
            if hasattr(value, "to_dict"):
                self.write(name, value.to_dict())
            elif hasattr(value, "to_list"):
                self.write(name, value.to_list())
            else:
                self.write(name)
                self.value(value)

    def attributes(self, item: Any) -> None:
        """Geometry and its attributes, read in bulk: positions, edges, faces, UV maps, colours, normals."""
        attributes = list(item.attributes)
        if self._digest.lenient:  # Edit Mode mixes them up
            attributes = sorted((each for each in attributes if not _says_nothing(each)), key=lambda each: each.name)
        for attribute in attributes:
            if attribute.name.startswith((".select", ".hide", ".uv_select", ".pn")):
                continue
            self.write(attribute.name, attribute.domain, attribute.data_type, len(attribute.data))
            if attribute.data_type == "STRING":
                self.write(*(element.value for element in attribute.data))
                continue
            field, width = VALUE_FIELD.get(attribute.data_type, ("value", 1))
            numbers = np.empty(
                len(attribute.data) * width, dtype=np.float32 if "INT" not in attribute.data_type else np.int32
            )
            attribute.data.foreach_get(field, numbers)
            self.not_a_number |= attribute.name == "position" and bool(np.isnan(numbers).any())
            self._hash.update(numbers.tobytes())
        if isinstance(item, bpy.types.Mesh):
            starts = np.empty(len(item.polygons), dtype=np.int32)
            item.polygons.foreach_get("loop_start", starts)
            self._hash.update(starts.tobytes())
            self.write(*(layer.name for layer in item.uv_layers if layer.active_render))
