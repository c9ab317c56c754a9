# SPDX-License-Identifier: GPL-3.0-or-later
"""Light, background and materials that vary with the pose, the same for every class.

Nodes are inserted once, before the first image, and only their values change from image to image: Blender compiles a
shader again when its nodes change, which takes seconds, but not when a value does.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial

import bpy
from mathutils import Matrix, Vector

from .draws import MaterialVariation, draw, draw_material
from .rendered_objects import rendered_lights
from .settings import Jitter, Vector3
from .view import region_box, world_matrix

Knob = Callable[[int], None]
"""Sets one varied value to what image ``index`` draws."""


@contextmanager
def varying(scene: bpy.types.Scene, jitter: Jitter, camera: bpy.types.Object) -> Iterator[Knob]:
    """Make the scene ready to vary; yields what sets it to an image's draw, after the camera has been placed.

    Lights whose parent is the camera follow it. All is undone afterwards.
    """
    with ExitStack() as undo:
        knobs: list[Knob] = []
        if jitter.light_angle or jitter.light_strength:
            knobs += _lights(scene, jitter, camera, undo)
        if jitter.background and scene.world:
            knobs += _background(scene, jitter, undo)
        if jitter.material:
            for material in bpy.data.materials:
                knobs += _material(material, jitter, undo)

        def apply(index: int) -> None:
            for knob in knobs:
                knob(index)

        yield apply


def _lights(scene: bpy.types.Scene, jitter: Jitter, camera: bpy.types.Object, undo: ExitStack) -> Iterator[Knob]:
    """Copies of the lights stand in for them: constraints, parents and animation of the originals do not interfere."""
    box = region_box(scene.simsearch.region)
    centre = Matrix.Translation(box[:3, 3] + box[:3, :3].sum(axis=1) / 2)
    for light in rendered_lights(scene):
        energy, fixed = light.data.energy, light.parent == camera
        base = camera.matrix_world.inverted() @ world_matrix(light) if fixed else world_matrix(light)
        double = light.copy()
        double.data = light.data.copy()
        undo.callback(bpy.data.lights.remove, double.data)  # which removes the object too
        for block in (double, double.data):
            block.animation_data_clear()
        double.constraints.clear()
        double.parent = None
        for collection in light.users_collection:
            collection.objects.link(double)
        undo.callback(setattr, light, "hide_render", False)
        light.hide_render = True

        yield partial(_light_up, double, energy, base, camera if fixed else None, centre, jitter)


def _light_up(
    light: bpy.types.Object,
    energy: float,
    base: Matrix,
    parent: bpy.types.Object | None,
    centre: Matrix,
    jitter: Jitter,
    index: int,
) -> None:
    """Set a light to what image ``index`` draws; ``base`` is its matrix, to the world or to its parent."""
    drawn = draw(jitter, index)
    axis = Vector(drawn.light_turn)
    place = parent.matrix_world @ base if parent else base
    light.matrix_world = centre @ Matrix.Rotation(axis.length, 4, axis) @ centre.inverted() @ place
    light.data.energy = energy * drawn.light_strength


def background_nodes(world: bpy.types.World) -> list[bpy.types.Node]:
    """The nodes that give a world its brightness."""
    nodes = world.node_tree.nodes if world.node_tree else ()
    return [node for node in nodes if node.bl_idname == "ShaderNodeBackground"]


def lighting_nodes(world: bpy.types.World) -> list[bpy.types.Node]:
    """Those of the background nodes that light the scene: all but the one that only the camera sees."""
    return [node for node in background_nodes(world) if not _seen_only(node)]


def _seen_only(node: bpy.types.Node) -> bool:
    """Whether a background is mixed in for camera rays alone, as *Plain Background* does with backdrop and light apart."""
    links = node.outputs[0].links
    return bool(links) and all(
        link.to_node.bl_idname == "ShaderNodeMixShader"
        and link.to_socket == link.to_node.inputs[2]
        and [by.from_socket.name for by in link.to_node.inputs[0].links] == ["Is Camera Ray"]
        for link in links
    )


def _background(scene: bpy.types.Scene, jitter: Jitter, undo: ExitStack) -> Iterator[Knob]:
    for node in background_nodes(scene.world):
        yield _factor(node.inputs["Strength"], undo, lambda index: draw(jitter, index).background)


def _material(material: bpy.types.Material, jitter: Jitter, undo: ExitStack) -> Iterator[Knob]:
    """Colour and roughness of the material's shaders, placement of its textures."""

    def drawn(index: int) -> MaterialVariation:
        return draw_material(jitter, index, material.name_full)

    for node in list(material.node_tree.nodes) if material.node_tree else ():
        if node.bl_idname.startswith("ShaderNodeBsdf"):
            for name in ("Base Color", "Color"):
                if name in node.inputs:
                    yield _tint(node.inputs[name], undo, lambda index: drawn(index).colour)
            if "Roughness" in node.inputs:
                yield _factor(node.inputs["Roughness"], undo, lambda index: drawn(index).roughness, limit=True)
        elif node.bl_idname.startswith("ShaderNodeTex") and "Vector" in node.inputs:
            yield _shift(node, undo, lambda index: drawn(index).offset)


def _factor(
    socket: bpy.types.NodeSocket, undo: ExitStack, factor: Callable[[int], float], *, limit: bool = False
) -> Knob:
    """Multiply a number by what an image draws; with ``limit`` it stays in 0..1."""
    if socket.is_linked:
        math = _insert(socket, "ShaderNodeMath", undo)
        math.operation, math.use_clamp = "MULTIPLY", limit

        def scale(index: int) -> None:
            math.inputs[1].default_value = factor(index)

        return scale
    base = socket.default_value
    undo.callback(setattr, socket, "default_value", base)

    def change(index: int) -> None:
        value = base * factor(index)
        socket.default_value = min(value, 1.0) if limit else value

    return change


def _tint(socket: bpy.types.NodeSocket, undo: ExitStack, factors: Callable[[int], Vector3]) -> Knob:
    """Multiply a colour by what an image draws; no channel exceeds 1."""
    if socket.is_linked:
        mix = _insert(socket, "ShaderNodeMix", undo, source=6, result=2)  # the colour sockets of this node
        mix.data_type, mix.blend_type, mix.clamp_result = "RGBA", "MULTIPLY", True
        mix.inputs[0].default_value = 1.0

        def scale(index: int) -> None:
            mix.inputs[7].default_value = (*factors(index), 1.0)

        return scale
    base = tuple(socket.default_value)
    undo.callback(setattr, socket, "default_value", base)

    def change(index: int) -> None:
        tinted = (min(value * factor, 1.0) for value, factor in zip(base, factors(index), strict=False))
        socket.default_value = (*tinted, base[3])

    return change


def _shift(texture: bpy.types.Node, undo: ExitStack, offset: Callable[[int], Vector3]) -> Knob:
    """Move a texture by what an image draws."""
    socket = texture.inputs["Vector"]
    if not socket.is_linked:
        # What Blender uses where nothing is linked.
        coordinates = texture.id_data.nodes.new("ShaderNodeTexCoord")
        undo.callback(texture.id_data.nodes.remove, coordinates)
        name = "UV" if texture.bl_idname == "ShaderNodeTexImage" else "Generated"
        texture.id_data.links.new(coordinates.outputs[name], socket)
    add = _insert(socket, "ShaderNodeVectorMath", undo)
    add.operation = "ADD"

    def move(index: int) -> None:
        add.inputs[1].default_value = offset(index)

    return move


def _insert(
    socket: bpy.types.NodeSocket, kind: str, undo: ExitStack, source: int = 0, result: int = 0
) -> bpy.types.Node:
    """Put a new node into the link that ends at ``socket``; undone, the link is as before."""
    tree, origin = socket.id_data, socket.links[0].from_socket
    node = tree.nodes.new(kind)
    undo.callback(tree.links.new, origin, socket)
    undo.callback(tree.nodes.remove, node)
    tree.links.new(origin, node.inputs[source])
    tree.links.new(node.outputs[result], socket)
    return node
