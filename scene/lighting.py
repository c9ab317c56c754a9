# SPDX-License-Identifier: GPL-3.0-or-later
"""Basic lighting and a monochrome background, as in the paper's references."""

import math
from dataclasses import dataclass

import bpy
from mathutils import Matrix, Vector

from .parts import TABLE_MARK, bounding_box, parts

LIGHTS_COLLECTION = "Basic Lighting"


@dataclass(frozen=True)
class Lamp:
    """A round area light that points at the parts.

    ``azimuth`` is counted from the world's -Y towards +X and ``elevation`` from the table, in degrees; ``share`` is the
    light's share of the strength and ``size`` its diameter as a share of its distance.
    """

    name: str
    azimuth: float
    elevation: float
    share: float
    size: float


@dataclass(frozen=True)
class Arrangement:
    """A choice of *Basic Lighting*. ``on_axis`` lamps stand in a ring around the camera: see :func:`_ring`. Lamps
    ``at_top`` point at the middle of the parts' top, which a low lamp would otherwise pass below."""

    name: str
    description: str
    lamps: tuple[Lamp, ...] = ()
    on_axis: bool = False
    at_top: bool = False


ARRANGEMENTS = {
    "SOFT": Arrangement(
        "Soft",
        "Three large lamps: soft shadows and broad highlights",
        (Lamp("Key", -40, 50, 1.0, 0.5), Lamp("Fill", 60, 35, 0.3, 0.5), Lamp("Rim", 160, 55, 0.5, 0.5)),
    ),
    "HARD": Arrangement(
        "Hard",
        "One small lamp and a weak one that fills: sharp shadows and small highlights",
        (Lamp("Key", -40, 50, 1.4, 0.03), Lamp("Fill", 60, 60, 0.15, 0.5)),
    ),
    "LOW": Arrangement(
        "Low",
        "A lamp just above the table, which makes relief and edges stand out, and a weak one that fills from above",
        (Lamp("Key", -60, 12, 2.5, 0.2), Lamp("Fill", 60, 75, 0.15, 0.5)),
        at_top=True,
    ),
    "RING": Arrangement(
        "Near Axis",
        "Four lamps around the camera, like a ring light: hardly any shadow, and surfaces that face the camera shine. "
        "They follow the camera",
        on_axis=True,
    ),
}
"""What *Basic Lighting* offers, by the identifier that scripts use."""

RING_LAMPS = 4
RING_RADIUS = 0.12
"""Of the lamps around the camera, as a share of their distance from the parts; 7 degrees off the axis."""


def add_basic_lighting(
    scene: bpy.types.Scene, strength: float = 1.0, arrangement: str = "SOFT"
) -> bpy.types.Collection:
    """Add area lights around the scene's parts, sized and placed by the parts' extent.

    The lights are kept in one collection, which is returned. Calling this again replaces them.

    Args:
        scene: the scene.
        strength: 1 makes a white surface that faces the key light of the soft arrangement about 60 % bright.
        arrangement: a key of ``ARRANGEMENTS``. The ring needs a camera.
    """
    old = next((child for child in scene.collection.children if child.name.startswith(LIGHTS_COLLECTION)), None)
    if old is not None:
        for item in list(old.objects):
            bpy.data.lights.remove(item.data)
        bpy.data.collections.remove(old)
    collection = bpy.data.collections.new(LIGHTS_COLLECTION)
    scene.collection.children.link(collection)

    low, high = bounding_box(parts(scene))
    centre, distance = (low + high) / 2, 2.5 * max((high - low).length / 2, 1e-3)
    chosen = ARRANGEMENTS[arrangement]
    if chosen.on_axis:
        _ring(scene, collection, centre, strength)
    if chosen.at_top:
        centre.z = high.z
    for lamp in chosen.lamps:
        around, up = math.radians(lamp.azimuth - 90), math.radians(lamp.elevation)
        toward = Vector((math.cos(up) * math.cos(around), math.cos(up) * math.sin(around), math.sin(up)))
        light = _area_light(collection, lamp.name, distance, strength * lamp.share, lamp.size)
        light.location = centre + distance * toward
        light.rotation_euler = toward.to_track_quat("Z", "Y").to_euler()
    return collection


def _area_light(
    collection: bpy.types.Collection, name: str, distance: float, strength: float, size: float
) -> bpy.types.Object:
    """A new round lamp to be put ``distance`` metres away; a white surface that faces it is 60 % bright at strength 1."""
    light = bpy.data.lights.new(name, "AREA")
    light.shape, light.size = "DISK", distance * size
    # On its axis an area light of P watts gives P / (pi d^2) W/m^2; a matt white surface shows 1 / pi.
    light.energy = 0.6 * strength * math.pi**2 * distance**2
    item = bpy.data.objects.new(name, light)
    collection.objects.link(item)
    return item


def _ring(scene: bpy.types.Scene, collection: bpy.types.Collection, centre: Vector, strength: float) -> None:
    """Lamps around the nominal camera that belong to it, so that they move as a ring light does."""
    from .view import nominal_camera, world_matrix  # here, as it brings numpy

    camera = nominal_camera(scene)
    assert camera is not None
    place, turn, _ = world_matrix(camera).decompose()
    distance = max((centre - place).length, 1e-3)
    for number in range(RING_LAMPS):
        angle = 2 * math.pi * (number + 0.5) / RING_LAMPS
        across = turn @ Vector((math.cos(angle), math.sin(angle), 0))
        light = _area_light(collection, f"Ring {number + 1}", distance, strength / RING_LAMPS, RING_RADIUS)
        spot = place + RING_RADIUS * distance * across
        facing = (spot - centre).to_track_quat("Z", "Y")
        light.parent = camera
        light.matrix_parent_inverse = world_matrix(camera).inverted()
        light.matrix_basis = Matrix.LocRotScale(spot, facing, None)


Colour = tuple[float, float, float]


def set_background(scene: bpy.types.Scene, seen: float | Colour, light: float | Colour | None = None) -> None:
    """Make the scene's world one even colour, in linear light (0 black, 1 white); one number stands for a grey.

    Args:
        scene: the scene.
        seen: what the camera sees behind the parts.
        light: how the world lights the parts and is mirrored by them; as it is seen, if None.
    """
    world = scene.world or bpy.data.worlds.new("World")
    scene.world = world
    if world.node_tree is None:  # Blender 4.5
        world.use_nodes = True
    world.color = _rgb(seen)
    tree = world.node_tree
    tree.nodes.clear()
    output = tree.nodes.new("ShaderNodeOutputWorld")
    output.location.x = 400
    lights = _background(tree, seen if light is None else light)
    if light is None:
        tree.links.new(lights.outputs["Background"], output.inputs["Surface"])
        return
    mix_in_backdrop(lights, _background(tree, seen), output)


def mix_in_backdrop(lights: bpy.types.Node, backdrop: bpy.types.Node, output: bpy.types.Node) -> None:
    """Let the camera see one background node of a world and the parts be lit by another; ``output`` is the world's."""
    tree = output.id_data
    path, mix = tree.nodes.new("ShaderNodeLightPath"), tree.nodes.new("ShaderNodeMixShader")
    lights.label, backdrop.label = "Lights the parts", "Seen by the camera"
    path.location.y, backdrop.location.y, mix.location.x = 350, -150, 200
    tree.links.new(path.outputs["Is Camera Ray"], mix.inputs[0])
    tree.links.new(lights.outputs["Background"], mix.inputs[1])
    tree.links.new(backdrop.outputs["Background"], mix.inputs[2])
    tree.links.new(mix.outputs["Shader"], output.inputs["Surface"])


def _background(tree: bpy.types.NodeTree, colour: float | Colour) -> bpy.types.Node:
    node = tree.nodes.new("ShaderNodeBackground")
    node.inputs["Color"].default_value = (*_rgb(colour), 1.0)
    node.inputs["Strength"].default_value = 1.0
    return node


def _rgb(colour: float | Colour) -> Colour:
    return (colour, colour, colour) if isinstance(colour, (int, float)) else colour


def add_table(scene: bpy.types.Scene) -> bpy.types.Object:
    """A square plane under the parts, ten times their width; calling again moves the same one."""
    low, high = bounding_box(parts(scene))
    half = 5 * max(high.x - low.x, high.y - low.y)
    table = next((item for item in scene.objects if TABLE_MARK in item), None)
    if table is None:
        table = bpy.data.objects.new("Table", bpy.data.meshes.new("Table"))
        table[TABLE_MARK] = True
        scene.collection.objects.link(table)
    table.data.clear_geometry()
    table.data.from_pydata([(-half, -half, 0), (half, -half, 0), (half, half, 0), (-half, half, 0)], [], [(0, 1, 2, 3)])
    table.location = ((low.x + high.x) / 2, (low.y + high.y) / 2, low.z)
    return table
