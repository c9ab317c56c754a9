# SPDX-License-Identifier: GPL-3.0-or-later
"""Basic materials: a dozen common finishes with procedural grain, and a plain one coloured after a photo.

The paper's references use simple materials; what matters is that brightness, gloss and, where the real
surface has one, grain are about right. All textures are procedural and live in object space, so CAD without
UV maps works, and they are sized in millimetres whatever the object's scale.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import bpy
from mathutils import Color


@dataclass(frozen=True)
class Grain:
    """A procedural texture that varies colour and roughness and bends the normal.

    ``size`` is the typical width of a grain along object X, Y, Z in millimetres: unequal sizes make brush
    marks or wood fibres. ``contrast`` is the share by which colour and roughness vary, ``relief`` the
    strength of the bump.
    """

    size: tuple[float, float, float]
    contrast: float
    relief: float


@dataclass(frozen=True)
class Finish:
    """A named surface finish. Colour is linear RGB; the other numbers are Blender's Principled BSDF
    inputs. ``tintable`` ones come in any colour."""

    name: str
    colour: tuple[float, float, float]
    metallic: float = 0.0
    roughness: float = 0.5
    coat: float = 0.0
    sheen: float = 0.0
    alpha: float = 1.0
    grain: Grain | None = None
    tintable: bool = False


FINISHES = {
    "PAINT": Finish("Painted Metal", (0.10, 0.16, 0.30), roughness=0.35, coat=0.5, tintable=True),
    "ANODISED": Finish(
        "Anodised Aluminium",
        (0.03, 0.03, 0.035),
        metallic=0.9,
        roughness=0.38,
        grain=Grain((0.15, 0.15, 0.15), 0.08, 0.02),
        tintable=True,
    ),
    "ALUMINIUM": Finish(
        "Machined Aluminium",
        (0.76, 0.77, 0.78),
        metallic=1.0,
        roughness=0.28,
        grain=Grain((8.0, 0.08, 0.08), 0.15, 0.04),
    ),
    "CHROME": Finish("Chrome", (0.55, 0.556, 0.554), metallic=1.0, roughness=0.05),
    "ZINC": Finish(
        "Zinc Plated",
        (0.52, 0.53, 0.55),
        metallic=1.0,
        roughness=0.36,
        grain=Grain((1.5, 1.5, 1.5), 0.12, 0.02),
    ),
    "BRUSHED": Finish(
        "Brushed Steel",
        (0.46, 0.45, 0.44),
        metallic=1.0,
        roughness=0.32,
        grain=Grain((20.0, 0.12, 0.12), 0.3, 0.06),
    ),
    "CAST": Finish(
        "Cast Iron", (0.10, 0.10, 0.10), metallic=0.6, roughness=0.62, grain=Grain((0.6, 0.6, 0.6), 0.3, 0.35)
    ),
    "BLACK_PLASTIC": Finish(
        "Black Plastic", (0.012, 0.012, 0.013), roughness=0.42, grain=Grain((0.3, 0.3, 0.3), 0.05, 0.08)
    ),
    "GREY_PLASTIC": Finish("Grey Plastic", (0.21, 0.21, 0.21), roughness=0.45),
    "WHITE_PLASTIC": Finish("White Plastic", (0.72, 0.72, 0.70), roughness=0.4),
    "PLASTIC": Finish("Plastic", (0.05, 0.12, 0.45), roughness=0.45, tintable=True),
    "RUBBER": Finish("Rubber", (0.018, 0.018, 0.018), roughness=0.85, grain=Grain((0.5, 0.5, 0.5), 0.1, 0.1)),
    "RED_RUBBER": Finish(
        "Red Rubber", (0.33, 0.02, 0.015), roughness=0.8, grain=Grain((0.5, 0.5, 0.5), 0.1, 0.1), tintable=True
    ),
    "GLASS": Finish("Glass", (0.85, 0.9, 0.9), roughness=0.03, alpha=0.25),
    "WOOD": Finish("Wood", (0.36, 0.19, 0.085), roughness=0.6, grain=Grain((60.0, 2.5, 2.5), 0.55, 0.08)),
    "FELT": Finish(
        "Felt",
        (0.06, 0.06, 0.065),
        roughness=1.0,
        sheen=0.5,
        grain=Grain((0.5, 0.5, 0.5), 0.45, 0.5),
        tintable=True,
    ),
}


def finish_material(
    key: str, colour: tuple[float, float, float] | None = None, gloss: float | None = None
) -> bpy.types.Material:
    """Return the material of ``FINISHES[key]``, made on first use and shared from then on, so an edit of it is kept.

    Each choice of colour and gloss has a material of its own, named after it.

    Args:
        key: a key of ``FINISHES``.
        colour: scene-linear RGB that replaces the colour of a tintable finish.
        gloss: 0 matt to 1 like a mirror; replaces the finish's own.
    """
    finish = FINISHES[key]
    name = finish.name
    if colour is not None and finish.tintable:
        name += " " + "".join(f"{round(255 * value):02X}" for value in Color(colour).from_scene_linear_to_srgb())
        finish = replace(finish, colour=colour)
    if gloss is not None:
        name += f", gloss {gloss:.0%}"
        finish = replace(finish, roughness=1 - gloss)
    return bpy.data.materials.get(name) or _build(replace(finish, name=name))


def photo_material(photo: Path, centre: tuple[float, float], size: float, gloss: float = 0.5) -> bpy.types.Material:
    """Return a plain material in the median colour of a square part of a photo, named after the photo.

    The median ignores the odd highlight or scratch. Gloss is the user's choice: how bright and sharp a highlight is
    depends on the lamps as much as on the surface, so one photo under unknown light does not tell.

    Args:
        photo: the file.
        centre: a point of the photo, 0..1 from its left and its lower edge.
        size: width of the square, as a share of the photo's.
        gloss: 0 matt to 1 like a mirror.

    Raises:
        UnreadablePhoto: the file is no photo.
    """
    import numpy as np  # here, as registering the extension must not wait for it

    from ..inference.preprocessing import open_photo

    pixels = np.asarray(open_photo(photo, 256), np.float64) / 255
    height, width = pixels.shape[:2]
    half_x, half_y = max(size * width / 2, 0.5), max(size * height / 2, 0.5)
    column, row = centre[0] * (width - 1), (1 - centre[1]) * (height - 1)
    part = pixels[
        max(0, round(row - half_y)) : round(row + half_y) + 1,
        max(0, round(column - half_x)) : round(column + half_x) + 1,
    ]
    colour = Color(np.median(part.reshape(-1, 3), axis=0)).from_srgb_to_scene_linear()
    name = f"Colour of {photo.stem}"
    for old in bpy.data.materials:  # another spot of the photo is another material: other parts may have it
        same_colour = tuple(old.diffuse_color[:3]) == tuple(colour)
        if old.name.startswith(name) and same_colour and math.isclose(old.roughness, 1 - gloss, abs_tol=1e-6):
            return old
    return _build(Finish(name, tuple(colour), roughness=1 - gloss))


def assign(material: bpy.types.Material, objects: Iterable[bpy.types.Object]) -> int:
    """Make ``material`` the only one of each object that can have one; returns how many objects that were."""
    count = 0
    for item in objects:
        if item.data is None or not hasattr(item.data, "materials"):
            continue
        item.data.materials.clear()
        item.data.materials.append(material)
        count += 1
    return count


def _principled(material: bpy.types.Material) -> bpy.types.Node:
    return next(node for node in material.node_tree.nodes if node.type == "BSDF_PRINCIPLED")


def _build(finish: Finish) -> bpy.types.Material:
    material = bpy.data.materials.new(finish.name)
    if material.node_tree is None:  # Blender 4.5; later versions always have one
        material.use_nodes = True
    colour = (*finish.colour, 1.0)
    # For solid viewport shading, in which metal, with nothing to mirror, would be black.
    material.diffuse_color = (*finish.colour, finish.alpha)
    material.metallic, material.roughness = 0.0, finish.roughness
    if finish.alpha < 1:
        material.surface_render_method = "BLENDED"  # real refraction would need ray tracing in every still
    shader = _principled(material)
    for name, value in (
        ("Base Color", colour),
        ("Metallic", finish.metallic),
        ("Roughness", finish.roughness),
        ("Coat Weight", finish.coat),
        ("Sheen Weight", finish.sheen),
        ("Alpha", finish.alpha),
    ):
        shader.inputs[name].default_value = value
    if finish.grain is not None:
        _add_grain(material.node_tree, shader, finish, finish.grain)
    return material


def _add_grain(tree: bpy.types.NodeTree, shader: bpy.types.Node, finish: Finish, grain: Grain) -> None:
    """Object coordinates → mapping → noise → colour, roughness and bump of the shader."""
    coordinates = tree.nodes.new("ShaderNodeTexCoord")
    mapping = tree.nodes.new("ShaderNodeMapping")
    mapping.inputs["Scale"].default_value = tuple(1000 / width for width in grain.size)  # metres to grains
    noise = tree.nodes.new("ShaderNodeTexNoise")
    noise.inputs["Scale"].default_value = 1.0
    noise.inputs["Detail"].default_value = 3.0
    tree.links.new(coordinates.outputs["Object"], mapping.inputs["Vector"])
    tree.links.new(mapping.outputs["Vector"], noise.inputs["Vector"])

    darker, lighter = (tuple(min(1.0, c * (1 + sign * grain.contrast)) for c in finish.colour) for sign in (-1, 1))
    ramp = tree.nodes.new("ShaderNodeValToRGB")
    # Noise keeps to the middle of 0..1, so the ramp does too, or little of the contrast would be seen.
    (low, high) = ramp.color_ramp.elements
    low.position, low.color = 0.3, (*darker, 1.0)
    high.position, high.color = 0.7, (*lighter, 1.0)
    tree.links.new(noise.outputs[0], ramp.inputs[0])
    tree.links.new(ramp.outputs["Color"], shader.inputs["Base Color"])

    roughness = tree.nodes.new("ShaderNodeMapRange")
    roughness.inputs["To Min"].default_value = finish.roughness * (1 - grain.contrast / 2)
    roughness.inputs["To Max"].default_value = min(1.0, finish.roughness * (1 + grain.contrast / 2))
    tree.links.new(noise.outputs[0], roughness.inputs["Value"])
    tree.links.new(roughness.outputs["Result"], shader.inputs["Roughness"])

    bump = tree.nodes.new("ShaderNodeBump")
    bump.inputs["Strength"].default_value = grain.relief
    bump.inputs["Distance"].default_value = min(grain.size) / 1000
    tree.links.new(noise.outputs[0], bump.inputs["Height"])
    tree.links.new(bump.outputs["Normal"], shader.inputs["Normal"])

    row = (coordinates, mapping, noise, ramp, roughness, bump)
    for column, node in enumerate(row):
        node.location = (shader.location.x - 200 * (len(row) - column), shader.location.y)
