# SPDX-License-Identifier: GPL-3.0-or-later
"""Knobs: what their values do to pixels, what is said of them, and the scene as it was afterwards."""

import json
from collections.abc import Callable
from pathlib import Path

import bpy
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from synthetic_similarity_search.inference.errors import InputError
from synthetic_similarity_search.inference.job_results import MatchResult
from synthetic_similarity_search.scene.look import Knob, describe
from synthetic_similarity_search.scene.look_controls import (
    VARIATION,
    apply_match,
    camera_controls,
    find_controls,
    looking,
    missing_variation,
    split_background,
)
from synthetic_similarity_search.scene.read_settings import read_settings
from synthetic_similarity_search.scene.stills import rendering
from synthetic_similarity_search.scene.view import nominal_view

Pixels = NDArray[np.int64]
Render = Callable[[], Pixels]


@pytest.fixture
def picture(scene: bpy.types.Scene, tmp_path: Path) -> Render:
    """What renders the scene as it is: int64 [32, 32, 3]."""

    def render() -> Pixels:
        with rendering(scene, read_settings(scene), tmp_path) as camera:
            camera.matrix_world = scene.camera.matrix_basis
            bpy.ops.render.render(write_still=True)
        return np.asarray(Image.open(tmp_path / "still.png"), int)

    return render


def turn(scene: bpy.types.Scene, **values: float) -> None:
    """Turn knobs, named as subject and quantity joined by an underscore."""
    controls = find_controls(scene, read_settings(scene))
    names = [f"{knob.subject}_{knob.quantity}".replace(" ", "_") for knob in controls.knobs]
    assert set(values) <= set(names), names
    controls.turn([values.get(name, 0.0) for name in names])


PART, TABLE = (slice(13, 19), slice(13, 19)), (slice(0, 3), slice(0, 3))


def test_finding_the_knobs_changes_no_pixel_and_they_turn_back(scene: bpy.types.Scene, picture: Render) -> None:
    before = picture()
    controls = find_controls(scene, read_settings(scene))
    assert abs(picture() - before).max() <= 1
    found = {f"{knob.subject}: {knob.quantity}" for knob in controls.knobs}
    assert {
        "Lamp: strength",
        "Lamps: direction",
        "Surrounding light: strength",
        "Cube: roughness",
        "Table: blue",
    } <= found
    controls.turn([1.0] * len(controls.controls))
    assert abs(picture() - before).max() > 20
    controls.turn([0.0] * len(controls.controls))
    assert abs(picture() - before).max() <= 1
    assert [c.knob for c in find_controls(scene, read_settings(scene)).controls] == list(controls.knobs)


@pytest.mark.parametrize("knob", ["Lamp_strength", "Surrounding_light_strength", "Cube_brightness"])
def test_more_light_or_a_lighter_colour_makes_the_part_brighter(
    scene: bpy.types.Scene, picture: Render, knob: str
) -> None:
    before = picture()[PART].mean()
    turn(scene, **{knob: 1.0})
    assert picture()[PART].mean() > before + 5


def test_a_colour_turns_red_and_leaves_the_others_alone(scene: bpy.types.Scene, picture: Render) -> None:
    before = picture()
    turn(scene, Cube_red=2.0, Cube_blue=-2.0)
    after = picture()
    assert after[PART][..., 0].mean() > before[PART][..., 0].mean() + 10
    assert after[PART][..., 2].mean() < before[PART][..., 2].mean() - 10
    assert abs(after[TABLE] - before[TABLE]).max() <= 2


def test_the_backdrop_is_seen_and_does_not_light(scene: bpy.types.Scene, picture: Render) -> None:
    bpy.data.objects.remove(scene.objects["Table"])
    before = picture()
    turn(scene, Backdrop_brightness=2.0)
    after = picture()
    assert after[TABLE].mean() > before[TABLE].mean() + 20
    assert abs(after[PART] - before[PART]).max() <= 2
    turn(scene, Surrounding_light_strength=2.0)
    assert picture()[PART].mean() > after[PART].mean() + 10
    assert abs(picture()[TABLE] - after[TABLE]).max() <= 2


def test_the_background_is_split_once(scene: bpy.types.Scene) -> None:
    lighting, seen = split_background(scene.world)
    nodes = len(scene.world.node_tree.nodes)
    assert split_background(scene.world) == (lighting, seen)
    assert len(scene.world.node_tree.nodes) == nodes


def test_lamps_turn_about_the_region(scene: bpy.types.Scene) -> None:
    lamp = scene.objects["Lamp"]
    before = lamp.matrix_basis.to_3x3().col[2].copy()
    turn(scene, Lamps_direction=1.0)
    after = lamp.matrix_basis.to_3x3().col[2]
    assert after.z == pytest.approx(before.z, abs=1e-6)
    assert before.xy.angle_signed(after.xy) == pytest.approx(-0.8, abs=1e-5)  # to the left, seen from above
    turn(scene, Lamps_height=-9.0)
    assert np.degrees(np.arcsin(lamp.matrix_basis.to_3x3().col[2].z)) == pytest.approx(5, abs=0.01)


def test_textures_keep_their_pattern(scene: bpy.types.Scene, picture: Render) -> None:
    tree = bpy.data.materials["Cube"].node_tree
    noise = tree.nodes.new("ShaderNodeTexNoise")
    tree.links.new(noise.outputs[0], tree.nodes["Principled BSDF"].inputs["Base Color"])
    tree.links.new(noise.outputs[0], tree.nodes["Principled BSDF"].inputs["Roughness"])
    before = picture()
    turn(scene, Cube_brightness=-1.0)
    assert picture()[PART].mean() < before[PART].mean() - 5
    turn(scene)
    turn(scene, Cube_brightness=1.0)  # from what it is now
    assert abs(picture() - before).max() <= 2


def test_grain_is_seen(scene: bpy.types.Scene, picture: Render) -> None:
    before = picture()[PART].std()
    turn(scene, Cube_grain=6.0)
    assert picture()[PART].std() > before + 1


def test_what_is_locked_is_told(scene: bpy.types.Scene) -> None:
    bpy.data.materials["Cube"].keyframe_insert("metallic")
    scene.objects["Lamp"].keyframe_insert("location")
    bpy.data.materials["Table"].node_tree.nodes.clear()
    controls = find_controls(scene, read_settings(scene))
    assert controls.locked == (
        "The lamp 'Lamp' is linked or animated and stays as it is.",
        "The material 'Cube' is linked or animated and stays as it is.",
        "The material 'Table' has no Principled shader and stays as it is.",
    )
    assert {knob.subject for knob in controls.knobs} == {"Surrounding light", "Backdrop"}


def test_a_part_without_material_gets_one_that_can_be_tuned(scene: bpy.types.Scene, picture: Render) -> None:
    scene.objects["Cube"].data.materials.clear()
    before = picture()
    turn(scene)
    assert abs(picture() - before).max() <= 1
    turn(scene, Plain_Part_brightness=-2.0)
    assert picture()[PART].mean() < before[PART].mean() - 20
    scene.objects["Table"].data.materials.clear()
    before = picture()
    turn(scene, Plain_Surroundings_brightness=-2.0)
    assert abs(picture()[PART].mean() - before[PART].mean()) < 10
    assert picture()[TABLE].mean() < before[TABLE].mean() - 20


def test_many_lamps_and_materials_are_turned_together(scene: bpy.types.Scene) -> None:
    for number in range(5):
        scene.objects["Cube"].data.materials.append(bpy.data.materials["Cube"].copy())
        lamp = bpy.data.objects.new(f"Lamp {number}", bpy.data.lights.new("Lamp", "POINT"))
        scene.collection.objects.link(lamp)
    subjects = {knob.subject for knob in find_controls(scene, read_settings(scene)).knobs}
    assert subjects == {"Lamps", "Surrounding light", "Backdrop", "Materials"}


def test_the_camera_stays_within_its_jitter(scene: bpy.types.Scene) -> None:
    scene.simsearch.jitter.location, scene.simsearch.jitter.rotation = (0.01, 0.01, 0.02), (0.03, 0.0, 0.1)
    before = nominal_view(scene).nominal
    controls = camera_controls(scene, read_settings(scene))
    assert [knob.quantity for knob in controls.knobs] == ["distance", "pitch"]  # yaw has no room
    controls.turn([9.0, 9.0])
    moved = np.linalg.inv(before) @ nominal_view(scene).nominal
    assert moved[:3, 3] == pytest.approx((0, 0, 0.02), abs=1e-6)
    assert np.arctan2(moved[2, 1], moved[1, 1]) == pytest.approx(0.03, abs=1e-5)
    controls.turn([0.0, 0.0])
    assert nominal_view(scene).nominal == pytest.approx(before, abs=1e-7)


def test_a_look_is_taken_back(scene: bpy.types.Scene, picture: Render) -> None:
    before = picture()
    with looking(scene, read_settings(scene)) as look:
        look([1.0] * len(find_controls(scene, read_settings(scene)).controls))
        assert abs(picture() - before).max() > 20
    assert abs(picture() - before).max() <= 1


def result(scene: bpy.types.Scene, value: float, photos: dict[str, str]) -> MatchResult:
    settings = read_settings(scene)
    knobs = [*find_controls(scene, settings).knobs, *camera_controls(scene, settings).knobs]
    names = [[knob.subject, knob.quantity] for knob in knobs]
    values = [value] + [0.0] * (len(knobs) - 1)
    varied = missing_variation(settings.jitter)
    return MatchResult(names, values, varied, describe(knobs, values), 0.5, 0.6, photos, "match.png", [], 1.0)


def test_a_match_is_applied_and_remembers_all_photos(scene: bpy.types.Scene) -> None:
    apply_match(scene, read_settings(scene), result(scene, 1.0, {"a1": "one.jpg"}))
    apply_match(scene, read_settings(scene), result(scene, -1.0, {"b2": "two.jpg"}))
    assert scene.objects["Lamp"].data.energy == pytest.approx(2.0)
    assert json.loads(scene.simsearch.matched) == {
        "photos": {"a1": "one.jpg", "b2": "two.jpg"},
        "changes": ["Lamp: stronger (× 2).", "Lamp: weaker (× 0.5)."],
    }


def test_a_match_lets_references_vary_unless_the_scene_does(scene: bpy.types.Scene) -> None:
    jitter = scene.simsearch.jitter
    apply_match(scene, read_settings(scene), result(scene, 1.0, {}))
    assert {name: getattr(jitter, name) for name in VARIATION} == pytest.approx(VARIATION)
    jitter.light_angle = jitter.light_strength = jitter.background = 0.0
    jitter.material = 0.1
    apply_match(scene, read_settings(scene), result(scene, 1.0, {}))
    assert (jitter.light_angle, jitter.material) == (0.0, pytest.approx(0.1))


def test_another_scene_is_refused(scene: bpy.types.Scene) -> None:
    found = result(scene, 1.0, {})
    bpy.data.objects.remove(scene.objects["Lamp"])
    with pytest.raises(InputError, match="Lamps or materials of the scene were changed meanwhile"):
        apply_match(scene, read_settings(scene), found)


def test_changes_are_said_in_words_and_small_ones_are_not() -> None:
    knobs = [
        Knob("Key", "strength"), Knob("Lamps", "direction"), Knob("Lamps", "height"), Knob("plastic", "roughness"),
        Knob("plastic", "grain"), Knob("Camera", "distance"),
    ]  # fmt: skip
    assert describe(knobs, [-1.0, 1.0, -0.1, -1.0, 2.0, 0.5]) == [
        "Key: weaker (× 0.5).",
        "Lamps: 46° to the left, seen from above.",
        "plastic: glossier (× 0.61), grainier.",
        "Camera: farther away (× 1.1).",
    ]
    assert describe(knobs, [0.1, 0.1, 0.1, 0.1, -1.0, 0.05]) == []


def test_a_large_change_is_said_in_figures_that_anyone_reads() -> None:
    assert Knob("steel", "brightness").words(5.32) == "brighter (× 120)"
