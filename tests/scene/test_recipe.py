# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan: which images, from which poses, and keys that change exactly when a picture can."""

import json
from collections.abc import Callable
from pathlib import Path

import bpy
import numpy as np
import pytest
from PIL import Image

from synthetic_similarity_search.scene import recipe
from synthetic_similarity_search.scene.read_settings import read_settings
from synthetic_similarity_search.tests.tiny_scene import ROOT, add_class, add_cube, new_collection


def keys(scene: bpy.types.Scene) -> dict[str, str]:
    """Key of every planned image by its path."""
    return {image.path: image.key for image in recipe.plan(scene, read_settings(scene))}


def changed(scene: bpy.types.Scene, change: Callable[[], object]) -> set[str]:
    """Labels whose images change their keys when ``change`` is made."""
    before = keys(scene)
    change()
    after = keys(scene)
    assert before.keys() == after.keys()
    labels = {path.split("/")[0] for path in before if before[path] != after[path]}
    for path in before:  # all images of a class or none
        assert (before[path] != after[path]) == (path.split("/")[0] in labels)
    return labels


def shader(name: str) -> bpy.types.Node:
    return bpy.data.materials[name].node_tree.nodes["Principled BSDF"]


def test_every_class_has_the_same_poses(scene: bpy.types.Scene) -> None:
    images = recipe.plan(scene, read_settings(scene))
    assert [image.path for image in images] == [
        "present/present_0000.png", "present/present_0001.png", "absent/absent_0000.png", "absent/absent_0001.png",
    ]  # fmt: skip
    for first, second in zip(images[:2], images[2:], strict=True):
        assert np.array_equal(first.pose, second.pose)
    assert not np.array_equal(images[0].pose, images[1].pose)


def test_variants_share_the_images_evenly(scene: bpy.types.Scene) -> None:
    other = new_collection(scene, "Other")
    add_cube("Turned", (0, 0, 0.05), 0.1, other)
    add_class(scene, "present", other)
    scene.simsearch.render.images_per_class = 5
    images = recipe.plan(scene, read_settings(scene))
    assert [image.variant for image in images if image.label == "present"] == [0, 1, 0, 1, 0]


def test_selected_classes_only(scene: bpy.types.Scene) -> None:
    everything = keys(scene)
    images = recipe.plan(scene, read_settings(scene, {"classes": ("absent",)}))
    assert {image.path: image.key for image in images} == {
        p: k for p, k in everything.items() if p.startswith("absent")
    }


CHANGES_BOTH = {
    "light strength": lambda: setattr(bpy.data.lights["Lamp"], "energy", 3.0),
    "light direction": lambda: setattr(bpy.data.objects["Lamp"], "rotation_euler", (0.1, 0, 0)),
    "light colour": lambda: setattr(bpy.data.lights["Lamp"], "color", (1, 0, 0)),
    "world": lambda: setattr(
        bpy.data.worlds["World"].node_tree.nodes["Background"].inputs["Strength"], "default_value", 0.3
    ),
    "table material": lambda: setattr(shader("Table").inputs["Roughness"], "default_value", 0.1),
    "lens": lambda: setattr(bpy.data.cameras["Camera"], "lens", 45),
    "camera place": lambda: setattr(bpy.data.objects["Camera"], "location", (0, 0, 0.7)),
    "shadows": lambda: setattr(bpy.context.scene.eevee, "use_shadows", True),
    "samples": lambda: setattr(bpy.context.scene.simsearch.render, "samples", 2),
    "resolution": lambda: setattr(bpy.context.scene.simsearch.render, "resolution", 48),
    "seed": lambda: setattr(bpy.context.scene.simsearch.jitter, "seed", 1),
    "jitter": lambda: setattr(bpy.context.scene.simsearch.jitter, "location", (0.02, 0, 0)),
    "light jitter": lambda: setattr(bpy.context.scene.simsearch.jitter, "light_angle", 0.2),
    "material jitter": lambda: setattr(bpy.context.scene.simsearch.jitter, "material", 0.2),
}
CHANGES_PRESENT = {
    "part moved": lambda: setattr(bpy.data.objects["Cube"], "location", (0, 0.01, 0.05)),
    "part turned": lambda: setattr(bpy.data.objects["Cube"], "rotation_euler", (0, 0, 0.1)),
    "part colour": lambda: setattr(shader("Cube").inputs["Base Color"], "default_value", (1, 0, 0, 1)),
    "vertex moved": lambda: setattr(bpy.data.meshes["Cube"].vertices[0], "co", (0.06, 0, 0)),
    "face shading": lambda: bpy.data.meshes["Cube"].shade_smooth(),
    "modifier": lambda: bpy.data.objects["Cube"].modifiers.new("Bevel", "BEVEL"),
    "material slot": lambda: bpy.data.meshes["Cube"].materials.append(bpy.data.materials["Table"]),
    "new node": lambda: bpy.data.materials["Cube"].node_tree.nodes.new("ShaderNodeTexNoise"),
    "not rendered": lambda: setattr(bpy.data.objects["Cube"], "hide_render", True),
    "new object": lambda: add_cube("Screw", (0, 0, 0.1), 0.02, bpy.data.collections["Part"]),
}


@pytest.mark.parametrize("name", CHANGES_BOTH)
def test_what_every_class_shows_changes_every_key(scene: bpy.types.Scene, name: str) -> None:
    assert changed(scene, CHANGES_BOTH[name]) == {"present", "absent"}


@pytest.mark.parametrize("name", CHANGES_PRESENT)
def test_what_one_class_shows_changes_only_its_keys(scene: bpy.types.Scene, name: str) -> None:
    assert changed(scene, CHANGES_PRESENT[name]) == {"present"}


def test_links_parents_and_instances_count(scene: bpy.types.Scene) -> None:
    tree = bpy.data.materials["Cube"].node_tree
    noise = tree.nodes.new("ShaderNodeTexNoise")
    outputs = noise.outputs.keys()
    assert changed(scene, lambda: tree.links.new(noise.outputs[outputs[0]], shader("Cube").inputs["Roughness"])) == {
        "present"
    }
    assert changed(scene, lambda: setattr(noise.inputs["Scale"], "default_value", 9.0)) == {"present"}
    base = bpy.data.objects.new("Base", None)
    scene.collection.objects.link(base)
    bpy.data.objects["Cube"].parent = base
    assert changed(scene, lambda: setattr(base, "location", (0.01, 0, 0))) == {"present"}

    stock = bpy.data.collections.new("Stock")
    nut = add_cube("Nut", (0, 0, 0), 0.01, stock)
    instancer = bpy.data.objects.new("Nuts", None)
    instancer.instance_type, instancer.instance_collection = "COLLECTION", stock
    bpy.data.collections["Part"].objects.link(instancer)
    assert changed(scene, lambda: setattr(nut, "scale", (1, 1, 2))) == {"present"}


def test_an_images_content_counts_and_not_its_place(scene: bpy.types.Scene, tmp_path: Path) -> None:
    first, second = tmp_path / "a.png", tmp_path / "b.png"
    for path in (first, second):
        Image.new("RGB", (4, 4), (200, 0, 0)).save(path)
    tree = bpy.data.materials["Cube"].node_tree
    texture = tree.nodes.new("ShaderNodeTexImage")
    texture.image = bpy.data.images.load(str(first))
    tree.links.new(texture.outputs["Color"], shader("Cube").inputs["Base Color"])
    assert changed(scene, lambda: setattr(texture.image, "filepath", str(second))) == set()
    assert changed(scene, lambda: Image.new("RGB", (4, 4), (0, 200, 0)).save(second)) == {"present"}
    assert changed(scene, second.unlink) == {"present"}


def test_the_session_does_not_count(scene: bpy.types.Scene, tmp_path: Path) -> None:
    cube = bpy.data.objects["Cube"]

    def work() -> None:
        bpy.context.view_layer.objects.active = cube
        cube.select_set(True)
        cube.hide_set(True)
        cube.show_wire = True
        cube.data.polygons[0].select = True
        scene.cursor.location = (1, 2, 3)
        scene.frame_current = 7
        shader("Cube").location = (500, 100)
        shader("Cube").select = True
        scene.render.resolution_x = 77
        scene.render.filepath = "//elsewhere"
        scene.view_settings.exposure = 2.0
        bpy.data.objects["Region"].empty_display_type = "SPHERE"
        scene.collection.objects.link(bpy.data.objects.new("Second camera", bpy.data.cameras.new("Second")))
        bpy.context.view_layer.update()

    assert changed(scene, work) == set()


def test_saving_and_opening_does_not_count(scene: bpy.types.Scene, tmp_path: Path) -> None:
    """Also with modifiers, constraints, text, curves, animation, textures and node groups."""
    part = bpy.data.collections["Part"]
    cube = bpy.data.objects["Cube"]
    cube.modifiers.new("Bevel", "BEVEL")
    cube.modifiers.new("Smooth", "SUBSURF").levels = 2
    cube.shape_key_add(name="Basis")
    cube.shape_key_add(name="Bulge").value = 0.3
    cube.vertex_groups.new(name="Edge").add([0, 1], 0.5, "ADD")
    cube.data.uv_layers.new(name="UVMap")
    cube.data.attributes.new("Heat", "FLOAT", "POINT")
    cube["serial"] = 3
    cube.keyframe_insert("location", frame=1)
    for name, data in (("Text", bpy.data.curves.new("Text", "FONT")), ("Wire", bpy.data.curves.new("Wire", "CURVE"))):
        part.objects.link(bpy.data.objects.new(name, data))
    bpy.data.curves["Wire"].splines.new("BEZIER").bezier_points.add(3)
    follower = add_cube("Follower", (0, 0, 0.1), 0.01, part)
    follower.constraints.new("COPY_ROTATION").target = cube
    follower.parent = cube
    driver = follower.driver_add("location", 0).driver
    driver.expression = "frame / 100"
    tree = bpy.data.materials["Cube"].node_tree
    for kind in (
        "ShaderNodeTexNoise",
        "ShaderNodeTexImage",
        "ShaderNodeValToRGB",
        "ShaderNodeRGBCurve",
        "ShaderNodeMix",
    ):
        tree.nodes.new(kind)
    group = bpy.data.node_groups.new("Grain", "ShaderNodeTree")
    group.interface.new_socket("Amount", in_out="INPUT", socket_type="NodeSocketFloat")
    tree.nodes.new("ShaderNodeGroup").node_tree = group
    image = bpy.data.images.new("Generated", 4, 4)
    tree.nodes["Image Texture"].image = image
    image.pack()
    bpy.context.view_layer.update()

    before = keys(scene)
    path = str(tmp_path / "again.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    assert keys(scene) == before
    bpy.ops.wm.open_mainfile(filepath=path)
    assert keys(bpy.context.scene) == before
    bpy.ops.wm.save_as_mainfile(filepath=path, copy=True, compress=True)
    bpy.ops.wm.open_mainfile(filepath=path)
    bpy.context.view_layer.update()
    assert keys(bpy.context.scene) == before


def test_another_class_leaves_the_others_alone(scene: bpy.types.Scene) -> None:
    before = keys(scene)
    wrong = new_collection(scene, "Wrong part")
    add_cube("Ball", (0, 0, 0.05), 0.08, wrong)
    add_class(scene, "wrong", wrong)
    after = keys(scene)
    assert {path: after[path] for path in before} == before
    assert len(after) == 6


def test_the_plan_is_written_with_all_that_made_it(scene: bpy.types.Scene, tmp_path: Path) -> None:
    settings = read_settings(scene)
    images = recipe.plan(scene, settings)
    recipe.write(tmp_path, scene, settings, images)
    text = (tmp_path / "recipe.json").read_text("utf-8")
    written = json.loads(text)
    assert written["format_version"] == 1
    assert written["blender"] == bpy.app.version_string
    assert "EEVEE" in written["engine"]
    assert (written["resolution"], written["samples"], written["seed"]) == (32, 1, 0)
    assert written["colour_management"]["view_transform"] == "Standard"
    assert written["classes"] == ["present", "absent"]
    assert [image["path"] for image in written["images"]] == [image.path for image in images]
    assert np.array_equal(written["images"][1]["pose"], images[1].pose)
    assert str(ROOT) not in text

    recipe.write(tmp_path, scene, settings, images)
    assert (tmp_path / "recipe.json").read_text("utf-8") == text  # the same plan keeps its date
    (tmp_path / "recipe.json").write_text("{half", "utf-8")
    recipe.write(tmp_path, scene, settings, images)
    assert json.loads((tmp_path / "recipe.json").read_text("utf-8"))["images"] == written["images"]


def test_the_references_of_another_scene_or_file_are_known_as_such(
    blend_file: Path, references: Path, tmp_path: Path
) -> None:
    bpy.ops.wm.open_mainfile(filepath=str(blend_file))
    assert recipe.other_owner(references, bpy.context.scene) is None
    assert recipe.other_owner(references, bpy.data.scenes.new("Left")) == f"the scene {bpy.context.scene.name}"
    assert recipe.other_owner(tmp_path, bpy.context.scene) is None
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "other.blend"))
    assert recipe.other_owner(references, bpy.context.scene) == f"tiny.blend, scene {bpy.context.scene.name}"
