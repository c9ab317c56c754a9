# SPDX-License-Identifier: GPL-3.0-or-later
"""The buttons that prepare a scene, pressed as a script presses them: Blender without a window."""

import math
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import bpy
import numpy as np
import pytest
from mathutils import Vector
from PIL import Image

from synthetic_similarity_search.inference.job_results import RenderResult
from synthetic_similarity_search.inference.validation_result import ValidationResult
from synthetic_similarity_search.interface import checklist, overlay, stored_results
from synthetic_similarity_search.interface.job_operator import JobOperator
from synthetic_similarity_search.interface.way_to_f1 import way_to_f1
from synthetic_similarity_search.scene.check import CheckResult

PLATE = Path(__file__).resolve().parents[2] / "examples" / "station" / "square_plate.step"
RENDERED = RenderResult("references", images=2, rendered=2, warnings=[], seconds=1.0)
VALIDATED = ValidationResult.read(Path(__file__).resolve().parents[1] / "data" / "version_0_1_0" / "metrics.json")


@pytest.fixture
def scene() -> Iterator[bpy.types.Scene]:
    """Blender's start-up scene: a cube of 2 m, selected, a camera and a light."""
    bpy.ops.wm.read_homefile(use_factory_startup=True)
    yield bpy.context.scene


def select(*names: str) -> None:
    for item in bpy.context.view_layer.objects:
        item.select_set(item.name in names)


def refusal(operator: object) -> str:
    """Why a button is disabled."""
    with pytest.raises(RuntimeError) as caught:
        operator()  # type: ignore[operator]
    return str(caught.value)


def test_every_disabled_button_names_the_next_step(scene: bpy.types.Scene, tmp_path: Path) -> None:
    ops = bpy.ops.simsearch
    assert "Mark a region:" in refusal(ops.render)
    ops.mark_region()
    assert "Add a class:" in refusal(ops.build)
    ops.add_class()
    assert "Save the .blend file first" in refusal(ops.preview)
    assert "Choose the folder of real photos" in refusal(ops.validate)
    scene.simsearch.output_directory = ""
    assert "Choose an output folder" in refusal(ops.render)
    scene.simsearch.photos_directory = "/nowhere"
    assert "Choose the folder of real photos again" in refusal(ops.validate)
    scene.simsearch.photos_directory = scene.simsearch.output_directory = str(tmp_path)
    assert "Build the reference database" in refusal(ops.validate)
    assert "Build the reference database" in refusal(ops.classify)
    assert "Validate against real images first" in refusal(ops.open_report)
    assert "No job is running" in refusal(ops.cancel_job)
    select()
    assert "Select the objects" in refusal(ops.apply_material)
    assert "Select the parts" in refusal(ops.mark_region)
    for item in list(scene.objects):
        bpy.data.objects.remove(item)
    assert "Import CAD" in refusal(ops.render)
    assert "Import CAD" in refusal(ops.add_lighting)
    assert "Add a camera:" in refusal(ops.photo_backdrop)


def test_the_region_encloses_the_selection_and_is_made_once(scene: bpy.types.Scene) -> None:
    bpy.ops.mesh.primitive_uv_sphere_add(radius=0.5, location=(3, 0, 0))
    select("Cube", "Sphere")
    bpy.ops.simsearch.mark_region(margin=0.0)
    region = scene.simsearch.region
    assert region.type == "EMPTY"
    bpy.context.view_layer.update()
    corners = [region.matrix_world @ Vector((x, y, z)) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]
    low, high = np.min(corners, axis=0), np.max(corners, axis=0)
    np.testing.assert_allclose(low, (-1, -1, -1), atol=1e-6)
    np.testing.assert_allclose(high, (3.5, 1, 1), atol=1e-6)
    select("Cube")
    bpy.ops.simsearch.mark_region(margin=0.0)
    assert scene.simsearch.region == region
    np.testing.assert_allclose(region.scale, (1, 1, 1), atol=1e-6)


def test_every_finish_can_be_applied_and_is_shared(scene: bpy.types.Scene) -> None:
    operator = bpy.ops.simsearch.apply_material.get_rna_type()
    finishes = operator.properties["finish"].enum_items.keys()
    assert len(finishes) >= 12
    select("Cube")
    for finish in finishes:
        bpy.ops.simsearch.apply_material(finish=finish)
        assert len(bpy.data.objects["Cube"].material_slots) == 1
        first = bpy.data.objects["Cube"].material_slots[0].material
        bpy.ops.simsearch.apply_material(finish=finish)
        assert bpy.data.objects["Cube"].material_slots[0].material == first


def test_a_material_takes_the_photos_colour(scene: bpy.types.Scene, tmp_path: Path) -> None:
    photo = np.zeros((40, 60, 3), np.uint8)
    photo[:20, :30] = (188, 64, 32)  # upper left
    Image.fromarray(photo).save(tmp_path / "part.png")
    select("Cube")
    bpy.ops.simsearch.material_from_photo(filepath=str(tmp_path / "part.png"), centre=(0.25, 0.75), size=0.2)
    material = bpy.data.objects["Cube"].material_slots[0].material
    image = bpy.data.images.load(str(tmp_path / "part.png"))  # Blender's own conversion is the reference
    expected = image.pixels[4 * (30 * 60 + 10) : 4 * (30 * 60 + 10) + 3]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in expected]
    shader = next(node for node in material.node_tree.nodes if node.type == "BSDF_PRINCIPLED")
    np.testing.assert_allclose(shader.inputs["Base Color"].default_value[:3], linear, atol=1e-4)

    bpy.ops.mesh.primitive_uv_sphere_add()
    for _ in range(2):
        bpy.ops.simsearch.material_from_photo(filepath=str(tmp_path / "part.png"), centre=(0.75, 0.25), size=0.2)
    other = bpy.data.objects["Sphere"].material_slots[0].material
    assert other != material and len(bpy.data.objects["Cube"].material_slots) == 1
    assert [item for item in bpy.data.materials if item.name.startswith("Colour of part")] == [material, other]
    assert bpy.data.objects["Cube"].material_slots[0].material == material, "another spot is another part's colour"

    (tmp_path / "broken.png").write_bytes(b"no image")
    with pytest.raises(RuntimeError, match=r"could not be read.*Choose another photo"):
        bpy.ops.simsearch.material_from_photo(filepath=str(tmp_path / "broken.png"))


def test_lighting_and_background_replace_their_own_and_nothing_else(scene: bpy.types.Scene) -> None:
    objects = len(scene.objects)
    for _ in range(2):
        bpy.ops.simsearch.add_lighting()
        bpy.ops.simsearch.set_background(grey=0.25, table=True)
        assert len(scene.objects) == objects + 4
    assert bpy.data.objects["Light"].name in scene.objects
    background = next(node for node in scene.world.node_tree.nodes if node.type == "BACKGROUND")
    np.testing.assert_allclose(background.inputs["Color"].default_value, (0.25, 0.25, 0.25, 1))
    table = next(item for item in scene.objects if item.name.startswith("Table"))
    assert math.isclose(table.location.z, -1.0, abs_tol=1e-6)  # under the cube


def test_parts_are_turned_and_laid_on_the_table(scene: bpy.types.Scene) -> None:
    bpy.data.objects["Cube"].location.z = 3
    bpy.ops.simsearch.set_background(table=True)
    bpy.ops.simsearch.import_cad(filepath=str(PLATE))
    imported = list(bpy.context.selected_objects)
    (plate,) = (item for item in imported if item.type == "MESH")
    assert {item.rotation_mode for item in imported} == {"XYZ"}
    before = np.ptp([plate.matrix_world @ Vector(corner) for corner in plate.bound_box], axis=0)
    for item in (bpy.data.objects["Cube"], *imported):
        item.select_set(True)
    bpy.ops.simsearch.lay_on_table(rotation=(math.radians(90), 0, 0))
    corners = np.array([plate.matrix_world @ Vector(corner) for corner in plate.bound_box])
    np.testing.assert_allclose(np.ptp(corners, axis=0), before[[0, 2, 1]], atol=1e-6)
    table = next(item for item in scene.objects if item.name.startswith("Table"))
    assert math.isclose(corners[:, 2].min(), table.location.z, abs_tol=1e-6)
    assert math.isclose(bpy.data.objects["Cube"].matrix_world.translation.z, table.location.z + 1, abs_tol=1e-6)
    select("Light")
    assert "Select the parts" in refusal(bpy.ops.simsearch.lay_on_table)


@pytest.mark.parametrize("kind", ["TABLE", "PRESENCE"])
def test_a_new_station_is_ready_to_render(scene: bpy.types.Scene, tmp_path: Path, kind: str) -> None:
    bpy.ops.simsearch.import_cad(filepath=str(PLATE), replace_startup=True)
    scene = bpy.context.scene
    (plate,) = (item for item in scene.objects if item.type == "MESH")
    if kind == "PRESENCE":
        with pytest.raises(RuntimeError, match="Select the part that may be absent"):
            bpy.ops.simsearch.new_station(kind=kind)
        washer = bpy.data.objects.new("washer", plate.data)
        washer.location, washer.scale = (0, 0, 0.02), (0.3, 0.3, 0.3)
        plate.users_collection[0].objects.link(washer)
        bpy.context.view_layer.update()
        select("washer")
    scene.simsearch.output_directory = str(tmp_path)
    bpy.ops.simsearch.new_station(kind=kind)
    labels = [item.name for item in scene.simsearch.classes]
    assert labels == (["square_plate", "empty table"] if kind == "TABLE" else ["washer present", "washer absent"])
    bpy.ops.simsearch.check()
    assert stored_results.load(scene, "problems").errors() == []
    assert [*not_done(scene)] == ["Database", "F1"]
    drawing = overlay.current(scene)
    assert drawing is not None and drawing.summary[0][1] == "24 of 24 poses accepted"


def test_a_table_has_all_parts_whichever_is_selected(scene: bpy.types.Scene) -> None:
    bpy.ops.simsearch.import_cad(filepath=str(PLATE), replace_startup=True)
    bpy.ops.mesh.primitive_cylinder_add(radius=0.01, depth=0.02)
    select("Cylinder")
    assert bpy.ops.simsearch.new_station(kind="TABLE") == {"FINISHED"}
    shown = [
        collection.name for item in scene.simsearch.classes for collection in (e.collection for e in item.collections)
    ]
    assert {*shown} == {"square_plate", bpy.data.objects["Cylinder"].users_collection[0].name}
    assert len(scene.simsearch.classes) == 3, "and one for the empty table"


def test_operators_stand_in_blenders_menus(scene: bpy.types.Scene) -> None:
    from synthetic_similarity_search.panels import menus

    for entry in menus.ENTRIES:
        if entry is not None:
            assert getattr(bpy.ops.simsearch, entry[0]).get_rna_type().name
    for handler in (menus.SIMSEARCH_FH_cad, menus.SIMSEARCH_FH_photo):
        assert getattr(bpy.types, handler.__name__).bl_import_operator.startswith("simsearch.")
    assert (
        ".step" in menus.SIMSEARCH_FH_cad.bl_file_extensions and "*" not in menus.SIMSEARCH_FH_photo.bl_file_extensions
    )


def test_jitter_presets_follow_the_distance(scene: bpy.types.Scene) -> None:
    bpy.ops.simsearch.mark_region()
    distance = scene.camera.matrix_world.translation.length  # the cube is at the origin
    bpy.ops.simsearch.set_jitter(amount="MEDIUM")
    np.testing.assert_allclose(scene.simsearch.jitter.location, (0.03 * distance,) * 3, rtol=1e-5)
    medium = scene.simsearch.jitter.rotation[2]
    bpy.ops.simsearch.set_jitter(amount="LARGE")
    assert scene.simsearch.jitter.rotation[2] > medium


def test_classes_can_be_added_moved_renamed_and_removed(scene: bpy.types.Scene) -> None:
    ops, settings = bpy.ops.simsearch, scene.simsearch
    ops.add_class()
    ops.add_class()
    assert [item.name for item in settings.classes] == ["class", "class 2"]
    ops.move_class(direction="UP")
    assert [item.name for item in settings.classes] == ["class 2", "class"]
    assert settings.active_class_index == 0
    ops.move_class(direction="UP")  # already first
    ops.add_class_collection()
    assert settings.classes[0].collections[0].collection is None, "the part lies beside lamp and camera: choose by hand"
    ops.remove_class_collection(index=0)
    assert not settings.classes[0].collections
    ops.remove_class()
    ops.remove_class()
    assert not settings.classes
    assert "Add a class first" in refusal(ops.remove_class)


def listed(scene: bpy.types.Scene) -> dict[str, list[str]]:
    """The objects that each class shows of its own."""
    return {
        item.name: sorted(
            one.name for entry in item.collections for one in entry.collection.all_objects if one.type == "MESH"
        )
        for item in scene.simsearch.classes
    }


def test_a_pair_shows_the_part_and_nothing(scene: bpy.types.Scene) -> None:
    bpy.ops.simsearch.add_pair()
    assert listed(scene) == {"Cube present": ["Cube"], "Cube absent": []}, (
        "the lamp shines and the camera looks for both"
    )
    assert {"Camera", "Light"} == {item.name for item in bpy.data.collections["Collection"].objects}


def test_a_pair_keeps_the_body_that_lies_in_the_parts_collection(scene: bpy.types.Scene) -> None:
    bpy.ops.simsearch.import_cad(filepath=str(PLATE))
    (body,) = (item for item in bpy.context.selected_objects if item.type == "MESH")
    home = bpy.data.collections["square_plate"]
    screw = bpy.data.objects.new("screw", body.data)
    home.objects.link(screw)
    select("screw")
    bpy.ops.simsearch.add_pair()
    assert listed(scene) == {"screw present": ["screw"], "screw absent": []}
    assert body.name in home.objects
    bpy.ops.simsearch.remove_class()
    bpy.ops.simsearch.remove_class()
    select(body.name)
    bpy.ops.simsearch.add_pair(extent="COLLECTION")
    assert listed(scene)["square_plate present"] == sorted([body.name, "screw"])


def test_a_class_is_made_of_the_selected_part(scene: bpy.types.Scene) -> None:
    ops, classes = bpy.ops.simsearch, scene.simsearch.classes
    ops.import_cad(filepath=str(PLATE))
    ops.class_from_selection()
    assert [(item.name, [entry.collection.name for entry in item.collections]) for item in classes] == [
        ("square_plate", ["square_plate"])
    ]
    select("Light", "Camera")
    bpy.context.view_layer.active_layer_collection = bpy.context.view_layer.layer_collection
    assert "Select a part first" in refusal(ops.class_from_selection)
    assert "Select a part first" in refusal(ops.add_pair)
    assert "Select the parts" in refusal(ops.mark_region)
    layers = bpy.context.view_layer.layer_collection.children
    bpy.context.view_layer.active_layer_collection = layers["square_plate"]
    select()
    ops.class_from_selection()
    assert [entry.collection.name for entry in classes[1].collections] == ["square_plate"]


def test_two_selected_parts_become_a_class_each_or_one(scene: bpy.types.Scene) -> None:
    ops = bpy.ops.simsearch
    ops.import_cad(filepath=str(PLATE))
    (plate,) = (item.name for item in bpy.context.selected_objects if item.type == "MESH")
    bpy.ops.mesh.primitive_uv_sphere_add()
    scene.collection.objects.link(bpy.data.objects["Sphere"])  # made by hand, in the scene's own collection
    for holder in bpy.data.objects["Sphere"].users_collection:
        if holder != scene.collection:
            holder.objects.unlink(bpy.data.objects["Sphere"])
    select(plate, "Sphere", "Light")
    ops.class_from_selection("EXEC_DEFAULT", True, count="ONE")
    assert sorted(*listed(scene).values()) == sorted([plate, "Sphere"])
    ops.remove_class()
    ops.class_from_selection(count="EACH")
    assert listed(scene) == {"Sphere": ["Sphere"], "square_plate": [plate]}


def test_parts_made_by_hand_in_one_collection_become_classes(scene: bpy.types.Scene) -> None:
    bpy.ops.mesh.primitive_uv_sphere_add()
    select("Cube")
    bpy.ops.simsearch.class_from_selection()
    select("Sphere")
    bpy.ops.simsearch.class_from_selection()
    assert listed(scene) == {"Cube": ["Cube"], "Sphere": ["Sphere"]}
    bpy.ops.simsearch.mark_region()
    bpy.ops.simsearch.check()
    assert stored_results.load(scene, "problems") == CheckResult(())


def test_what_is_no_part_counts_for_no_region(scene: bpy.types.Scene) -> None:
    bpy.ops.simsearch.set_background(table=True)
    body = bpy.data.collections.new("Body")
    bpy.data.objects["Light"].location = (50, 0, 0)
    instance = bpy.data.objects.new("Instance", None)
    instance.instance_type, instance.instance_collection = "COLLECTION", body
    instance.location = (4, 0, 0)
    scene.collection.objects.link(instance)
    body.objects.link(bpy.data.objects["Cube"])
    bpy.context.view_layer.update()
    select("Cube", "Light", "Camera", "Table", "Instance")
    bpy.ops.simsearch.mark_region(margin=0.0)
    region = scene.simsearch.region
    np.testing.assert_allclose(region.location, (2, 0, 0), atol=1e-6)
    np.testing.assert_allclose(region.scale, (3, 1, 1), atol=1e-6)
    select(region.name)
    assert "Select the parts" in refusal(bpy.ops.simsearch.mark_region), "the region itself is no part"


def test_an_import_takes_the_start_up_objects_away_only_where_asked_and_untouched(
    scene: bpy.types.Scene, tmp_path: Path
) -> None:
    bpy.ops.simsearch.import_cad(filepath=str(PLATE))
    assert "Cube" in scene.objects
    bpy.ops.wm.read_homefile(use_factory_startup=True)
    bpy.context.scene.objects["Cube"].location.x = 1
    bpy.ops.simsearch.import_cad(filepath=str(PLATE), replace_startup=True)
    assert "Cube" in bpy.context.scene.objects
    bpy.ops.wm.read_homefile(use_factory_startup=True)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "saved_first.blend"))
    bpy.ops.simsearch.import_cad(filepath=str(PLATE), replace_startup=True)
    assert bpy.context.scene.unit_settings.length_unit == "MILLIMETERS"
    assert not {"Cube", "Light", "Camera"} & {item.name for item in bpy.context.scene.objects}


def not_done(scene: bpy.types.Scene) -> dict[str, str]:
    """The steps to F1 that have no tick, and what to do."""
    return {name: missing for name, missing in way_to_f1(scene) if missing is not None}


def test_the_way_to_f1_ends_where_f1_is_known(
    scene: bpy.types.Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "Import CAD" in not_done(scene)["Parts"], "Blender's cube is no part"
    bpy.ops.simsearch.import_cad(filepath=str(PLATE))
    assert "Delete Cube" in not_done(scene)["Parts"]
    assert "Add a camera" in not_done(scene)["Camera"], "Blender's camera is no station"
    bpy.data.objects.remove(scene.objects["Cube"])
    scene.camera.location.x += 1
    bpy.ops.simsearch.mark_region()
    bpy.ops.simsearch.class_from_selection()
    scene.simsearch.output_directory = str(tmp_path)
    assert "second class" in not_done(scene)["Classes"], "one class is nothing to tell apart"
    bpy.ops.simsearch.add_class()
    assert [*not_done(scene)] == ["Database", "F1"]
    stored_results.keep(scene, "references", RENDERED, "scene")
    checklist.database(scene).touch()
    (tmp_path / "photos").mkdir()
    scene.simsearch.photos_directory = str(tmp_path / "photos")
    assert "Choose a folder of real photos" in not_done(scene)["F1"]
    stored_results.keep(scene, "validation", VALIDATED, "database", "photos")
    assert not_done(scene) == {}

    scene.simsearch.jitter.seed += 1
    stored_results.refresh(scene)
    again = "Build the database again: the scene changed since"
    assert not_done(scene) == {"Database": again, "F1": again}, "the figure is that of another scene"
    scene.simsearch.jitter.seed -= 1
    stored_results.refresh(scene)
    assert not_done(scene) == {}

    checklist.database(scene).write_bytes(b"another")
    stored_results.refresh(scene)
    assert not_done(scene) == {"F1": "Validate again: the reference database changed since"}
    monkeypatch.setattr(stored_results, "_scene_touched", False)  # as a while after the last change
    bpy.ops.simsearch.rename_classes(old=scene.simsearch.classes[0].name, new="renamed")
    stored_results.refresh(scene)
    assert not_done(scene)["Database"] == "Build the database again: the scene changed since"
    checklist.database(scene).unlink()
    (tmp_path / "photos").rmdir()
    stored_results.refresh(scene)
    assert "Build the reference database" in not_done(scene)["Database"]
    assert '"photos" does not exist' in not_done(scene)["F1"]
    (tmp_path / "file").touch()
    scene.simsearch.output_directory = str(tmp_path / "file" / "out")
    assert "cannot be written to" in not_done(scene)["Output"]


def test_what_was_deleted_loses_its_tick_and_its_button_repairs_it(scene: bpy.types.Scene, tmp_path: Path) -> None:
    ops, settings = bpy.ops.simsearch, scene.simsearch
    ops.mark_region()
    ops.add_pair()
    settings.output_directory = str(tmp_path)
    old = camera, region = scene.camera, settings.region
    settings.camera = camera
    for item in old:  # as the key X does it: the settings keep what is deleted alive
        for holder in item.users_collection:
            holder.objects.unlink(item)
    bpy.data.collections.remove(bpy.data.collections["Cube"], do_unlink=True)
    assert {"Camera", "Region", "Classes"} <= {*not_done(scene)}
    for operator in (ops.photo_backdrop, ops.set_jitter, ops.step_pose):
        assert "was deleted" in refusal(operator)
    assert overlay.current(scene) is None

    scene.collection.objects.link(bpy.data.objects["Cube"])
    select("Cube")
    assert "was deleted" in refusal(ops.render)
    ops.mark_region()
    assert settings.region != region and settings.region.name in scene.objects
    settings.active_class_index = 0
    assert "lacks a collection" in not_done(scene)["Classes"]
    body = bpy.data.collections.new("Body")
    scene.collection.children.link(body)
    scene.collection.objects.unlink(bpy.data.objects["Cube"])
    body.objects.link(bpy.data.objects["Cube"])
    ops.add_class_collection()
    assert [entry.collection for entry in settings.classes[0].collections] == [body]
    assert [*not_done(scene)][:1] == ["Camera"], "which only a viewport can make anew: tests/ui/deleted.py"


def test_undo_does_not_bring_back_what_an_older_job_found(scene: bpy.types.Scene) -> None:
    stored_results.keep(scene, "validation", replace(VALIDATED, macro_f1=0.5))
    bpy.ops.ed.undo_push(message="first validation")
    newest = replace(VALIDATED, macro_f1=0.9)
    stored_results.keep(scene, "validation", newest)
    scene.simsearch.k = 7
    bpy.ops.ed.undo_push(message="second validation")
    bpy.ops.ed.undo()
    scene = bpy.context.scene
    assert scene.simsearch.k == 5 and stored_results.load(scene, "validation") == newest
    bpy.ops.ed.redo()
    assert stored_results.load(bpy.context.scene, "validation") == newest


def test_a_visit_to_edit_mode_leaves_results_as_they_are(scene: bpy.types.Scene, tmp_path: Path) -> None:
    bpy.ops.simsearch.import_cad(filepath=str(PLATE))
    bpy.ops.simsearch.add_pair()
    bpy.ops.simsearch.mark_region()
    scene.simsearch.output_directory = str(tmp_path)
    scene.simsearch.region.location.z += 0.01
    (mesh,) = (item for item in bpy.context.selected_objects if item.type == "MESH")
    bpy.context.view_layer.objects.active = mesh
    stored_results.keep(scene, "references", RENDERED, "scene")
    for _ in range(2):
        bpy.ops.object.mode_set(mode="EDIT")
        stored_results.touch()
        stored_results.refresh(scene)
        assert stored_results.outdated(scene, "references") == []
        bpy.ops.object.mode_set(mode="OBJECT")
        stored_results.refresh(scene)
        assert stored_results.outdated(scene, "references") == []
    mesh.data.polygons[0].material_index = 1
    mesh.data.materials.append(bpy.data.materials.new("Red"))
    stored_results.refresh(scene)
    assert stored_results.outdated(scene, "references") == ["the scene changed since"]


def test_show_class_toggles_the_viewport_alone(scene: bpy.types.Scene) -> None:
    bpy.ops.simsearch.add_pair()
    layer = bpy.context.view_layer.layer_collection.children["Collection"].children["Cube"]
    bpy.ops.simsearch.show_class(index=1)
    assert layer.hide_viewport and not layer.collection.hide_render and not layer.exclude
    bpy.ops.simsearch.show_class(index=1)
    assert not layer.hide_viewport
    bpy.ops.simsearch.show_class(index=0)
    assert not layer.hide_viewport


def test_stepping_through_poses_leaves_the_nominal_camera_alone(scene: bpy.types.Scene) -> None:
    ops = bpy.ops.simsearch
    ops.mark_region()
    scene.simsearch.render.images_per_class = 3
    nominal = scene.camera.matrix_world.copy()
    seen = []
    for _ in range(4):
        ops.step_pose(step=1)
        preview = next(item for item in scene.objects if item.type == "CAMERA" and item != scene.camera)
        seen.append(tuple(preview.matrix_world.translation))
    assert len(set(seen[:3])) == 3 and seen[3] == seen[0]
    ops.step_pose(step=-1)
    assert tuple(preview.matrix_world.translation) == seen[2]
    assert scene.camera.matrix_world == nominal
    ops.leave_poses()
    assert [item.type for item in scene.objects].count("CAMERA") == 1


def test_a_backdrop_fills_the_square_frame(scene: bpy.types.Scene, tmp_path: Path) -> None:
    Image.new("RGB", (64, 48)).save(tmp_path / "photo.png")
    bpy.ops.simsearch.photo_backdrop(filepath=str(tmp_path / "photo.png"), opacity=0.3)
    (backdrop,) = scene.camera.data.background_images
    assert backdrop.frame_method == "STRETCH" and math.isclose(backdrop.alpha, 0.3, rel_tol=1e-6)
    assert scene.render.resolution_x == scene.render.resolution_y
    bpy.ops.simsearch.remove_backdrop()
    assert not len(scene.camera.data.background_images)


def test_the_render_region_becomes_the_crop_counted_from_above(scene: bpy.types.Scene) -> None:
    assert not bpy.ops.simsearch.crop_from_region.poll()
    render = scene.render
    render.use_border = True
    render.border_min_x, render.border_max_x, render.border_min_y, render.border_max_y = 0.25, 0.75, 0.5, 0.875
    bpy.ops.simsearch.crop_from_region()
    assert tuple(scene.simsearch.crop) == (0.25, 0.125, 0.5, 0.375) and not render.use_border


def rest(ops: object) -> None:
    bpy.context.scene.simsearch.active_class_index = 0
    ops.add_resting_positions("EXEC_DEFAULT", True, turns=2)  # type: ignore[attr-defined]


@pytest.mark.parametrize("action", [
    lambda ops: ops.add_class("EXEC_DEFAULT", True),
    lambda ops: ops.add_pair("EXEC_DEFAULT", True),
    lambda ops: ops.mark_region("EXEC_DEFAULT", True),
    lambda ops: ops.apply_material("EXEC_DEFAULT", True, finish="WOOD"),
    lambda ops: ops.add_lighting("EXEC_DEFAULT", True),
    lambda ops: ops.set_background("EXEC_DEFAULT", True, grey=0.9, table=True),
    rest,
    lambda ops: ops.show_class("EXEC_DEFAULT", True, index=1),
    lambda ops: ops.check("EXEC_DEFAULT", True),
])  # fmt: skip
def test_undo_takes_back_each_action(scene: bpy.types.Scene, action: object) -> None:
    bpy.ops.simsearch.add_pair()

    def state() -> object:
        scene = bpy.context.scene  # undo replaces the object
        settings = scene.simsearch
        return (
            [(item.name, [entry.collection.name for entry in item.collections]) for item in settings.classes],
            settings.region and settings.region.name,
            sorted((item.name, [slot.name for slot in item.material_slots]) for item in scene.objects),
            [
                node.inputs["Color"].default_value[0]
                for node in scene.world.node_tree.nodes
                if node.type == "BACKGROUND"
            ],
            bpy.context.view_layer.layer_collection.children[0].children[0].hide_viewport,
            settings.results.problems,
        )

    bpy.ops.ed.undo_push(message="before")
    before = state()
    action(bpy.ops.simsearch)  # type: ignore[operator]
    assert state() != before
    bpy.ops.ed.undo()
    assert state() == before


def test_settings_survive_saving_and_scenes_are_independent(scene: bpy.types.Scene, tmp_path: Path) -> None:
    bpy.ops.simsearch.add_pair()
    bpy.ops.simsearch.mark_region()
    scene.simsearch.k = 3
    other = bpy.data.scenes.new("Other")
    other.simsearch.k = 7
    assert not other.simsearch.classes and other.simsearch.region is None
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"))
    bpy.ops.wm.read_homefile(use_factory_startup=True)
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "a.blend"))
    first, second = bpy.data.scenes["Scene"].simsearch, bpy.data.scenes["Other"].simsearch
    assert (first.k, second.k) == (3, 7)
    assert [item.name for item in first.classes] == ["Cube present", "Cube absent"]
    assert first.classes[0].collections[0].collection == bpy.data.collections["Cube"]
    assert first.region == bpy.data.objects["Region of Interest"]
    assert first.settings_version == 1


def test_a_second_scene_gets_a_folder_of_its_own(scene: bpy.types.Scene) -> None:
    checklist.give_own_folder(scene)
    assert scene.simsearch.output_directory == "//similarity_search", "one scene alone keeps the default"
    other = bpy.data.scenes.new("Left side")
    checklist.give_own_folder(other)
    assert other.simsearch.output_directory == "//similarity_search_Left_side"
    assert scene.simsearch.output_directory == "//similarity_search"
    stored_results.keep(scene, "references", RENDERED)
    scene.simsearch.output_directory = other.simsearch.output_directory
    checklist.give_own_folder(scene)
    assert scene.simsearch.output_directory == other.simsearch.output_directory, "it has references there"


def test_check_lists_all_problems_and_selects_the_culprit(scene: bpy.types.Scene) -> None:
    bpy.ops.simsearch.mark_region()
    scene.simsearch.region.location = scene.camera.location * 2  # behind the camera
    bpy.ops.simsearch.check()
    problems = stored_results.load(scene, "problems").problems
    assert len(problems) >= 2  # the region and the missing classes at once
    culprit = next(problem.culprit for problem in problems if "behind" in problem.sentence)
    bpy.ops.simsearch.select_culprit(culprit=culprit)
    assert [item.name for item in bpy.context.selected_objects] == [scene.simsearch.region.name]
    bpy.ops.simsearch.add_pair()
    scene.simsearch.classes[0].name = "../x"
    bpy.ops.simsearch.check()
    culprits = [problem.culprit for problem in stored_results.load(scene, "problems").problems]
    assert "../x" in culprits
    bpy.ops.simsearch.select_culprit(culprit="../x")
    assert scene.simsearch.active_class_index == 0


def test_registering_again_leaves_one_of_everything(scene: bpy.types.Scene) -> None:
    import synthetic_similarity_search as package

    handlers = bpy.app.handlers

    def count() -> tuple[int, ...]:
        return len(handlers.load_pre), len(handlers.load_post), len(handlers.depsgraph_update_post)

    registered = count()
    package.unregister()
    assert not hasattr(bpy.types.Scene, "simsearch")
    assert not [name for name in dir(bpy.types) if name.startswith("SIMSEARCH_")]
    assert all(after < before for after, before in zip(count(), registered, strict=True))
    package.register()
    assert count() == registered
    assert scene.simsearch.k == 5


def test_registering_imports_nothing_heavy() -> None:
    """Blender's start must not wait for what only a job needs."""
    script = (
        "import os, sys; import bpy; before = set(sys.modules); import batch; batch.load_package();"
        "heavy = {'PIL', 'onnxruntime', 'safetensors', 'tqdm', 'jinja2', 'cascadio', 'onnx'};"
        "loaded = {name.partition('.')[0] for name in set(sys.modules) - before} & heavy;"
        "print(*loaded, file=sys.stderr); os._exit(bool(loaded))"  # Blender as a module may hang while it is taken down
    )
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_operator_with_choices_can_be_adjusted_and_undone() -> None:
    """Not those that ask in a dialog of files, run a job, open something or walk through poses."""
    without = {"check_encoder", "open_manual", "open_picture", "select_culprit", "step_pose", "choose_material_photo"}
    for name in set(dir(bpy.ops.simsearch)) - without:
        operator = getattr(bpy.types, f"SIMSEARCH_OT_{name}")
        choices = getattr(bpy.ops.simsearch, name).get_rna_type().properties[1:]  # the first is its type
        if choices and not issubclass(operator, JobOperator):
            assert {"REGISTER", "UNDO"} <= operator.bl_options, name


def test_the_example_is_ready_to_render(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bpy.utils, "user_resource", lambda _kind, path: str(tmp_path / path))
    for _ in range(2):  # the second time it is the user's own copy
        assert bpy.ops.simsearch.open_example() == {"FINISHED"}
        scene = bpy.context.scene
        assert Path(bpy.data.filepath).is_relative_to(tmp_path)
        assert checklist.next_step(scene) is None and checklist.photos_step(scene) is None
        labels = {item.name for item in scene.simsearch.classes}
        assert labels == {folder.name for folder in checklist.absolute(scene.simsearch.photos_directory).iterdir()}
        bpy.ops.simsearch.check()
        assert not stored_results.load(scene, "problems").errors()
        (tmp_path / "similarity_search_example" / "mine").touch()
    assert (tmp_path / "similarity_search_example" / "mine").is_file()


def test_links_to_the_manual_lead_to_its_headings() -> None:
    for name in dir(bpy.types):
        panel = getattr(bpy.types, name)
        if name.startswith("SIMSEARCH_PT_"):
            page, _, heading = panel.page.partition("#")
            text = (PLATE.parents[2] / "docs" / page).with_suffix(".md").read_text("utf-8")
            titles = [line.lstrip("# ") for line in text.splitlines() if line.startswith("## ")]
            slugs = {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles}
            assert not heading or heading in slugs, panel.page
