# SPDX-License-Identifier: GPL-3.0-or-later
"""Problems of a scene: each one a clear sentence with its culprit, all at once."""

import math
from collections.abc import Callable
from pathlib import Path

import bpy
import pytest

from synthetic_similarity_search.inference.errors import InputError
from synthetic_similarity_search.scene import check
from synthetic_similarity_search.scene.parts import TABLE_MARK
from synthetic_similarity_search.scene.read_settings import read_settings
from synthetic_similarity_search.tests.tiny_scene import add_class, add_cube, build_scene, new_collection


@pytest.fixture
def scene() -> bpy.types.Scene:
    """The tiny scene as it should be; nothing here is rendered, which shadows would make slow."""
    scene = build_scene()
    scene.eevee.use_shadows = True
    return scene


def problems(scene: bpy.types.Scene) -> list[check.Problem]:
    return check.problems(scene, read_settings(scene))


def label(text: str) -> Callable[[bpy.types.Scene], object]:
    return lambda scene: setattr(scene.simsearch.classes[0], "name", text)


def no_camera(scene: bpy.types.Scene) -> None:
    bpy.data.objects.remove(scene.camera)


def camera_elsewhere(scene: bpy.types.Scene) -> None:
    scene.simsearch.camera = bpy.data.objects.new("Elsewhere", bpy.data.cameras.new("Elsewhere"))


def panorama(scene: bpy.types.Scene) -> None:
    scene.camera.data.type = "PANO"


def region_deleted(scene: bpy.types.Scene) -> None:
    scene.collection.objects.unlink(scene.simsearch.region)


def turned_away(scene: bpy.types.Scene) -> None:
    scene.camera.rotation_euler = (math.pi, 0, 0)


def aside(scene: bpy.types.Scene) -> None:
    scene.camera.location.x = 0.3


def twins(scene: bpy.types.Scene) -> None:
    add_class(scene, "also absent")


def case_twins(scene: bpy.types.Scene) -> None:
    other = new_collection(scene, "Other")
    add_cube("Other", (0, 0, 0.1), 0.1, other)
    add_class(scene, "Present", other)


def empty_collection(scene: bpy.types.Scene) -> None:
    add_class(scene, "wrong", new_collection(scene, "Nothing in it"))


def hidden_collection(scene: bpy.types.Scene) -> None:
    bpy.data.objects["Cube"].hide_render = True


def no_pointer(scene: bpy.types.Scene) -> None:
    scene.simsearch.classes[0].collections.add()


def foreign_collection(scene: bpy.types.Scene) -> None:
    scene.collection.children.unlink(bpy.data.collections["Part"])


def many_variants(scene: bpy.types.Scene) -> None:
    for number in range(2):
        other = new_collection(scene, f"Variant {number}")
        add_cube(f"Variant {number}", (0, 0, 0.1), 0.1, other)
        add_class(scene, "present", other)


ERRORS: dict[str, tuple[Callable[[bpy.types.Scene], object], str, str | None]] = {
    "no camera": (no_camera, "There is no camera.", None),
    "not a camera": (lambda s: setattr(s.simsearch, "camera", bpy.data.objects["Cube"]), "'Cube' is not a camera", "Cube"),
    "camera of another scene": (camera_elsewhere, "not in this scene", "Elsewhere"),
    "panorama": (panorama, "panoramic", "Camera"),
    "no region": (lambda s: setattr(s.simsearch, "region", None), "No region", None),
    "region deleted": (region_deleted, "not in this scene", "Region"),
    "region behind": (turned_away, "behind the camera", "Region"),
    "region out of frame": (aside, "in frame", "Region"),
    "no classes": (lambda s: s.simsearch.classes.clear(), "There are no classes.", None),
    "same classes": (twins, "'absent' and 'also absent' show exactly the same", "also absent"),
    "same on Windows": (case_twins, "upper and lower case", "Present"),
    "empty collection": (empty_collection, "shows nothing", "Nothing in it"),
    "only hidden objects": (hidden_collection, "shows nothing", "Part"),
    "entry without collection": (no_pointer, "without a collection", "present"),
    "collection of another scene": (foreign_collection, "not in this scene", "Part"),
    "more variants than images": (many_variants, "3 variants but only 2 images", "present"),
    "no label": (label(""), "has no name", ""),
    "label leads out": (label("../x"), "/", "../x"),
    "reserved label": (label("CON"), "reserved by Windows", "CON"),
}  # fmt: skip


def test_a_good_scene_has_none(scene: bpy.types.Scene) -> None:
    assert problems(scene) == []
    scene.simsearch.classes[0].name = "Türgriff links"
    assert problems(scene) == []


@pytest.mark.parametrize("name", ERRORS)
def test_error(scene: bpy.types.Scene, name: str) -> None:
    spoil, sentence, culprit = ERRORS[name]
    spoil(scene)
    found = [problem for problem in problems(scene) if sentence in problem.sentence]
    assert [(problem.severity, problem.culprit) for problem in found] == [("error", culprit)]
    assert found[0].sentence.endswith(".")
    assert "\n" not in found[0].sentence
    with pytest.raises(InputError) as error:
        check.refuse_errors(scene, read_settings(scene))
    assert found[0].sentence in error.value.problems


def test_all_at_once_and_errors_first(scene: bpy.types.Scene) -> None:
    scene.simsearch.region = None
    scene.simsearch.classes[0].name = "CON"
    no_camera(scene)
    bpy.data.objects.remove(bpy.data.objects["Lamp"])
    scene.world = None
    found = problems(scene)
    assert [problem.severity for problem in found] == ["error", "error", "error", "warning"]


def test_warnings_do_not_stop(scene: bpy.types.Scene) -> None:
    scene.simsearch.classes.remove(1)
    bpy.data.objects["Lamp"].hide_render = True
    scene.world.node_tree.nodes["Background"].inputs["Strength"].default_value = 0
    scene.simsearch.jitter.light_angle = 0.1
    sentences = check.refuse_errors(scene, read_settings(scene))
    assert len(sentences) == 3
    for part in ("only the class 'present'", "may be black", "The light varies"):
        assert any(part in sentence for sentence in sentences)


def test_no_light_casts_a_shadow(scene: bpy.types.Scene) -> None:
    lamp = bpy.data.objects["Lamp"].data
    for render, light in ((False, True), (True, False), (False, False)):
        scene.eevee.use_shadows, lamp.use_shadow = render, light
        (problem,) = problems(scene)
        assert problem.severity == "warning" and "No light casts a shadow" in problem.sentence
    other = bpy.data.objects.new("Other lamp", bpy.data.lights.new("Other lamp", "AREA"))
    scene.collection.objects.link(other)
    scene.eevee.use_shadows = True
    assert problems(scene) == [], "one of the lights is enough"


@pytest.mark.parametrize("name", ["Lamp", "Table"])
def test_a_class_that_holds_a_light_or_the_table(scene: bpy.types.Scene, name: str) -> None:
    item = bpy.data.objects[name]
    if name == "Table":
        item[TABLE_MARK] = True
    scene.collection.objects.unlink(item)
    bpy.data.collections["Part"].objects.link(item)
    (problem,) = problems(scene)
    assert problem.severity == "warning" and problem.culprit == name
    assert "for some classes only" in problem.sentence and problem.sentence.endswith("that no class lists.")


def test_a_region_of_few_patches(scene: bpy.types.Scene) -> None:
    scene.simsearch.region.scale *= 0.2
    (problem,) = problems(scene)
    assert problem.severity == "warning" and problem.culprit == scene.simsearch.region.name
    assert "of the 256 patches that the encoder sees. Move the camera closer" in problem.sentence


def test_background_that_cannot_vary(scene: bpy.types.Scene) -> None:
    scene.simsearch.jitter.background = 0.1
    assert problems(scene) == []
    scene.world = None
    assert any("The background varies" in problem.sentence for problem in problems(scene))


def test_output_that_cannot_be_written(scene: bpy.types.Scene, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot be written to"):
        check.refuse_errors(scene, read_settings(scene), tmp_path / "file" / "references")
    check.refuse_errors(scene, read_settings(scene), tmp_path / "new" / "references")
    assert not (tmp_path / "new").exists()


def test_checking_changes_nothing(scene: bpy.types.Scene) -> None:
    bpy.data.objects["Cube"].select_set(True)
    problems(scene)
    assert bpy.data.objects["Cube"].select_get()
    assert not scene.view_layers[0].layer_collection.children["Part"].exclude
