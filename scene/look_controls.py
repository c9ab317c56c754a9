# SPDX-License-Identifier: GPL-3.0-or-later
"""What turns the knobs of a look in a scene.

Where a value is given by other nodes, one node that multiplies it is put in between, once; turning a knob only changes
values after that, since Blender takes seconds to compile a shader again when its nodes change.
"""

import json
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import bpy
import numpy as np
from mathutils import Matrix, Vector

from ..inference.errors import InputError
from ..inference.job_results import MatchResult
from .classes import objects_shown
from .lighting import mix_in_backdrop
from .look import Knob
from .rendered_objects import SURFACES, rendered_lights
from .settings import Jitter, Settings
from .variation import background_nodes, lighting_nodes
from .view import nominal_camera, region_box, world_matrix

MOST_LAMPS, MOST_MATERIALS = 4, 4
"""More lamps or materials than these are turned together: few photos say little about many knobs."""

VARIATION = {"light_angle": 0.4, "light_strength": 0.5, "background": 0.4, "material": 0.3}
"""How much of the jitter a match turns up where a scene has none of it: light and finish differ from photo to photo."""
VARIED = "References: light, background and materials vary from one to the next, as they do in photos."

MARK = "Matched"
"""Label of the nodes that matching adds."""

GRAINS = 60
"""Grains across the region of interest."""

LOWEST, HIGHEST = math.radians(5), math.radians(88)
"""How high lamps stand above the horizon, seen from the region."""


@dataclass(frozen=True)
class Control:
    """A knob and what sets it: takes the effect of the knob's value."""

    knob: Knob
    turn: Callable[[float], None]


@dataclass(frozen=True)
class Controls:
    """All knobs of a scene. ``locked`` are sentences about what cannot be turned."""

    controls: tuple[Control, ...]
    locked: tuple[str, ...]

    @property
    def knobs(self) -> tuple[Knob, ...]:
        """The knobs, in the order of the values of a look."""
        return tuple(control.knob for control in self.controls)

    def turn(self, values: Sequence[float]) -> None:
        """Give the scene a look: a value for each knob, 0 for what the scene was when the controls were made."""
        for control, value in zip(self.controls, values, strict=True):
            control.turn(control.knob.effect(value))


def find_controls(scene: bpy.types.Scene, settings: Settings) -> Controls:
    """The knobs of what the classes of a scene show; nodes that they need are added, which changes no picture."""
    locked: list[str] = []
    controls = [
        *_lamps(scene, locked),
        *_surroundings(scene.world, locked),
        *_materials(scene, settings, locked),
    ]
    return Controls(tuple(controls), tuple(locked))


def missing_variation(jitter: Jitter) -> dict[str, float]:
    """:data:`VARIATION`, unless the scene varies light, background or materials already."""
    return {} if any(getattr(jitter, name) for name in VARIATION) else VARIATION


def apply_match(scene: bpy.types.Scene, settings: Settings, found: MatchResult) -> None:
    """Turn the knobs of a scene and of its camera for good, let it vary, and note with it what photos that rests on.

    Raises:
        InputError: the scene has other knobs than those that were matched, since lamps or materials came or went.
    """
    look, camera = find_controls(scene, settings), camera_controls(scene, settings)
    if [[knob.subject, knob.quantity] for knob in (*look.knobs, *camera.knobs)] != found.knobs:
        raise InputError("Lamps or materials of the scene were changed meanwhile. Match the look again.")
    look.turn(found.values[: len(look.controls)])
    camera.turn(found.values[len(look.controls) :])
    for name, value in found.varied.items():
        setattr(scene.simsearch.jitter, name, value)
    before = json.loads(scene.simsearch.matched or "{}")
    photos, changes = before.get("photos", {}) | found.photos, [*before.get("changes", []), *found.changes]
    scene.simsearch.matched = json.dumps({"photos": photos, "changes": changes})


@contextmanager
def looking(scene: bpy.types.Scene, settings: Settings) -> Iterator[Callable[[Sequence[float]], None]]:
    """Yields what gives the scene a look, if it is asked for any; the scene looks as before afterwards."""
    controls: Controls | None = None

    def look(values: Sequence[float]) -> None:
        nonlocal controls
        if values and controls is None:
            controls = find_controls(scene, settings)
        if controls is not None:
            controls.turn(values or [0.0] * len(controls.controls))

    try:
        yield look
    finally:
        look(())


def camera_controls(scene: bpy.types.Scene, settings: Settings) -> Controls:
    """The knobs of the nominal camera, which keep it within the jitter."""
    camera = nominal_camera(scene)
    assert camera is not None
    if camera.library or camera.parent or camera.constraints or camera.animation_data:
        return Controls((), (f"The camera {camera.name!r} is linked, animated or held by another object and stays.",))
    base, box = camera.matrix_basis.copy(), region_box(scene.simsearch.region)
    distance = (Vector(box[:3, 3] + box[:3, :3].sum(axis=1) / 2) - base.translation).length
    limits = dict(
        zip(("distance", "pitch", "yaw"), (settings.jitter.location[2], *settings.jitter.rotation), strict=False)
    )
    state = {"distance": 1.0, "pitch": 0.0, "yaw": 0.0}

    def turn(name: str) -> Callable[[float], None]:
        def change(effect: float) -> None:
            state[name] = effect
            back = _clipped((state["distance"] - 1) * distance, limits["distance"])
            pitch, yaw = (_clipped(state[axis], limits[axis]) for axis in ("pitch", "yaw"))
            moved = Matrix.Translation((0, 0, back)) @ Matrix.Rotation(pitch, 4, "X") @ Matrix.Rotation(yaw, 4, "Y")
            camera.matrix_basis = base @ moved

        return change

    return Controls(tuple(Control(Knob("Camera", name), turn(name)) for name in state if limits[name]), ())


def _clipped(value: float, limit: float) -> float:
    return min(max(value, -limit), limit)


def _fixed(item: bpy.types.ID) -> bool:
    """Whether a datablock cannot be changed, or is set by its animation."""
    return bool(item.library or item.animation_data)


def _lamps(scene: bpy.types.Scene, locked: list[str]) -> Iterator[Control]:
    """Strength of each lamp, size and direction of all together."""
    lamps = []
    for lamp in rendered_lights(scene):
        if _fixed(lamp) or _fixed(lamp.data) or lamp.constraints:
            locked.append(f"The lamp {lamp.name!r} is linked or animated and stays as it is.")
        else:
            lamps.append(lamp)
    if not lamps:
        return
    strengths = {lamp.name: [lamp] for lamp in lamps} if len(lamps) <= MOST_LAMPS else {"Lamps": lamps}
    for subject, group in strengths.items():
        yield Control(Knob(subject, "strength"), _multiply([(lamp.data, "energy") for lamp in group]))
    yield Control(Knob("Lamps", "size"), _multiply([size for lamp in lamps for size in _sizes(lamp.data)]))
    swing = _Swing(scene, lamps)
    yield Control(Knob("Lamps", "direction"), swing.turn_around)
    yield Control(Knob("Lamps", "height"), swing.raise_up)


def _sizes(light: bpy.types.Light) -> list[tuple[bpy.types.Light, str]]:
    """The properties that make a light larger and its shadows softer."""
    if light.type == "SUN":
        return [(light, "angle")]
    if light.type == "AREA":
        return [(light, "size"), (light, "size_y")]
    return [(light, "shadow_soft_size")]


def _multiply(places: Iterable[tuple[bpy.types.bpy_struct, str]]) -> Callable[[float], None]:
    """Multiply properties by a factor; what is 0 grows from a hundredth."""
    bases = [(owner, name, getattr(owner, name)) for owner, name in places]

    def change(factor: float) -> None:
        for owner, name, base in bases:
            setattr(owner, name, base * factor if base else max(factor - 1, 0) / 100)

    return change


class _Swing:
    """Turns lamps about the region: around the vertical, and up or down."""

    def __init__(self, scene: bpy.types.Scene, lamps: Sequence[bpy.types.Object]) -> None:
        box = region_box(scene.simsearch.region)
        self.centre = Vector(box[:3, 3] + box[:3, :3].sum(axis=1) / 2)
        self.lamps = [(lamp, world_matrix(lamp), lamp.matrix_basis.copy()) for lamp in lamps]
        self.around = self.up = 0.0

    def turn_around(self, angle: float) -> None:
        self.around = angle
        self._place()

    def raise_up(self, angle: float) -> None:
        self.up = angle
        self._place()

    def _place(self) -> None:
        for lamp, world, basis in self.lamps:
            if not (self.around or self.up):
                lamp.matrix_basis = basis
                continue
            toward = world.to_3x3().col[2] if lamp.data.type == "SUN" else world.translation - self.centre
            turn = Matrix.Rotation(self.around, 4, "Z") @ self._raised(toward)
            about = Matrix.Translation(self.centre)
            to_world = world @ basis.inverted()  # of its parent, if it has one
            lamp.matrix_basis = to_world.inverted() @ about @ turn @ about.inverted() @ world

    def _raised(self, toward: Vector) -> Matrix:
        """The turn that raises a direction by ``up``, within limits."""
        flat = math.hypot(toward.x, toward.y)
        height = math.atan2(toward.z, flat)
        low, high = min(LOWEST, height), max(HIGHEST, height)
        axis = Vector((toward.y, -toward.x, 0)) if flat > 1e-9 else Vector((1, 0, 0))
        return Matrix.Rotation(min(max(height + self.up, low), high) - height, 4, axis)


def _surroundings(world: bpy.types.World | None, locked: list[str]) -> Iterator[Control]:
    """Brightness of the background as a light, and of what the camera sees of it."""
    if world is None or not background_nodes(world):
        return
    if _fixed(world) or _fixed(world.node_tree):
        locked.append(f"The world {world.name!r} is linked or animated and stays as it is.")
        return
    lighting, seen = split_background(world)
    yield Control(Knob("Surrounding light", "strength"), _all(_scale(node.inputs["Strength"]) for node in lighting))
    if seen is not None:
        yield from _colour("Backdrop", [_Tint(seen.inputs["Color"])])


def split_background(world: bpy.types.World) -> tuple[list[bpy.types.Node], bpy.types.Node | None]:
    """The background nodes of a world that light the scene, and the one that the camera sees in their place; an even
    background is split into these two, other worlds light the scene by what the camera sees."""
    tree, nodes, lights = world.node_tree, background_nodes(world), lighting_nodes(world)
    if seen := [node for node in nodes if node not in lights]:
        return lights, seen[0]
    output = tree.get_output_node("EEVEE") or tree.get_output_node("ALL")
    if output is None or not output.inputs["Surface"].is_linked:
        return nodes, None
    last = output.inputs["Surface"].links[0].from_node
    if nodes != [last] or any(socket.is_linked for socket in last.inputs):
        return nodes, None
    backdrop = tree.nodes.new("ShaderNodeBackground")
    for name in ("Color", "Strength"):
        backdrop.inputs[name].default_value = last.inputs[name].default_value
    mix_in_backdrop(last, backdrop, output)
    return [last], backdrop


def _materials(scene: bpy.types.Scene, settings: Settings, locked: list[str]) -> Iterator[Control]:
    """Colour, gloss and grain of the materials that the classes show."""
    shaders: dict[str, bpy.types.Node] = {}
    for material in _shown_materials(scene, settings):
        nodes = material.node_tree.nodes if material.node_tree else ()
        shader = next((node for node in nodes if node.type == "BSDF_PRINCIPLED"), None)
        if _fixed(material) or (material.node_tree and _fixed(material.node_tree)):
            locked.append(f"The material {material.name!r} is linked or animated and stays as it is.")
        elif shader is None:
            locked.append(f"The material {material.name!r} has no Principled shader and stays as it is.")
        else:
            shaders[material.name] = shader
    width = max(float(np.max(region_box(scene.simsearch.region)[:3, :3])), 1e-6)
    groups = (
        {name: [shader] for name, shader in shaders.items()}
        if len(shaders) <= MOST_MATERIALS
        else {"Materials": list(shaders.values())}
    )
    for subject, group in groups.items():
        grains = [grain for shader in group if (grain := _grain(shader, width))]
        yield from _colour(subject, [_Tint(shader.inputs["Base Color"]) for shader in group])
        for quantity, name in (("roughness", "Roughness"), ("specularity", "Specular IOR Level")):
            yield Control(Knob(subject, quantity), _all(_scale(shader.inputs[name], limit=True) for shader in group))
        if grains:
            yield Control(Knob(subject, "grain"), _all(grains))


def _shown_materials(scene: bpy.types.Scene, settings: Settings) -> list[bpy.types.Material]:
    """The materials of all classes by name. What has none gets one, grey as Blender shows it: one for what every class
    shows, such as the table, another one for the parts."""
    variants = [objects_shown(scene, settings, variant) for spec in settings.rendered for variant in spec.variants]
    always = set.intersection(*variants)
    found: dict[str, bpy.types.Material] = {}
    pending = [(item, "Plain Surroundings" if item in always else "Plain Part") for item in set.union(*variants)]
    seen = set()
    while pending:
        item, plain = pending.pop()
        if item.name_full in seen:
            continue
        seen.add(item.name_full)
        if item.instance_type == "COLLECTION" and item.instance_collection:
            pending.extend((inside, plain) for inside in item.instance_collection.all_objects)
        if item.type not in SURFACES:
            continue
        if not any(slot.material for slot in item.material_slots) and not item.data.library:
            item.data.materials.clear()
            item.data.materials.append(_plain(plain))
        found |= {slot.material.name_full: slot.material for slot in item.material_slots if slot.material}
    return [found[name] for name in sorted(found)]


def _plain(name: str) -> bpy.types.Material:
    """The material of what has none."""
    material = bpy.data.materials.get(name) or bpy.data.materials.new(name)
    if material.node_tree is None:  # Blender 4.5
        material.use_nodes = True
    return material


def _all(changes: Iterable[Callable[[float], None]]) -> Callable[[float], None]:
    """Change several things alike."""
    kept = list(changes)

    def change(effect: float) -> None:
        for one in kept:
            one(effect)

    return change


def _colour(subject: str, tints: Sequence["_Tint"]) -> Iterator[Control]:
    """Brightness and the share of red and blue in colours."""
    for quantity in ("brightness", "red", "blue"):
        yield Control(
            Knob(subject, quantity),
            _all(partial(tint.change, quantity) for tint in tints),
        )


class _Tint:
    """Multiplies a colour; no channel exceeds 1."""

    def __init__(self, socket: bpy.types.NodeSocket) -> None:
        self.factors = {"brightness": 1.0, "red": 1.0, "blue": 1.0}
        self.mix = None
        if socket.is_linked:
            self.mix = _between(socket, "ShaderNodeMix", source=6, result=2)
            self.mix.data_type, self.mix.blend_type, self.mix.clamp_result = "RGBA", "MULTIPLY", True
            self.mix.inputs[0].default_value = 1.0
            socket = self.mix.inputs[7]
            if self.mix.label != MARK:  # new, and grey as nodes are made
                self.mix.label, socket.default_value = MARK, (1, 1, 1, 1)
        self.socket = socket
        self.base = tuple(socket.default_value)

    def change(self, quantity: str, factor: float) -> None:
        """Set one of the three factors."""
        self.factors[quantity] = factor
        whole, red, blue = self.factors.values()
        most = 100.0 if self.mix else 1.0
        channels = (min(base * whole * own, most) for base, own in zip(self.base, (red, 1.0, blue), strict=False))
        self.socket.default_value = (*channels, self.base[3])


def _scale(socket: bpy.types.NodeSocket, *, limit: bool = False) -> Callable[[float], None]:
    """Multiply a number; with ``limit`` it stays in 0..1."""
    if socket.is_linked:
        math_node = _between(socket, "ShaderNodeMath")
        math_node.operation, math_node.use_clamp = "MULTIPLY", limit
        socket = math_node.inputs[1]
        if math_node.label != MARK:
            math_node.label, socket.default_value = MARK, 1.0
        limit = False
    base = socket.default_value

    def change(factor: float) -> None:
        socket.default_value = min(base * factor, 1.0) if limit else base * factor

    return change


def _between(socket: bpy.types.NodeSocket, kind: str, source: int = 0, result: int = 0) -> bpy.types.Node:
    """The node of ours in the link that ends at a socket, put there if it is not."""
    tree, link = socket.id_data, socket.links[0]
    if link.from_node.bl_idname == kind and link.from_node.label == MARK:
        return link.from_node
    origin, node = link.from_socket, tree.nodes.new(kind)
    node.location = (link.to_node.location.x - 180, link.to_node.location.y)
    tree.links.new(origin, node.inputs[source])
    tree.links.new(node.outputs[result], socket)
    return node


def _grain(shader: bpy.types.Node, width: float) -> Callable[[float], None] | None:
    """Let a noise change the normal and the roughness; None where the material has its own normals.

    ``width`` is that of the region of interest in metres.
    """
    tree, socket = shader.id_data, shader.inputs["Normal"]
    if socket.is_linked:
        bump = socket.links[0].from_node
        if bump.bl_idname != "ShaderNodeBump" or bump.label != MARK:
            return None
    else:
        coordinates, noise = tree.nodes.new("ShaderNodeTexCoord"), tree.nodes.new("ShaderNodeTexNoise")
        bump = tree.nodes.new("ShaderNodeBump")
        bump.label = MARK
        noise.inputs["Scale"].default_value = GRAINS / width
        bump.inputs["Distance"].default_value = width / GRAINS
        bump.inputs["Strength"].default_value = 0.0
        tree.links.new(coordinates.outputs["Object"], noise.inputs["Vector"])
        tree.links.new(noise.outputs[0], bump.inputs["Height"])
        tree.links.new(bump.outputs["Normal"], socket)
        for column, node in enumerate((coordinates, noise, bump)):
            node.location = (shader.location.x - 200 * (3 - column), shader.location.y - 400)
    base = bump.inputs["Strength"].default_value

    def change(amount: float) -> None:
        bump.inputs["Strength"].default_value = min(base + amount, 1.0)

    return change
