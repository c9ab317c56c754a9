# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings' names, units and defaults, which outside scripts rely on, and clean registration."""

import math
from pathlib import Path

import bpy
import pytest

from synthetic_similarity_search import batch
from synthetic_similarity_search.inference.errors import InputError
from synthetic_similarity_search.scene.read_settings import read_settings

DEFAULTS = {
    "region": None, "camera": None, "model": "VITS14", "k": 5, "settings_version": 1, "active_class_index": 0,
    "jitter.light_angle": 0, "jitter.light_strength": 0, "jitter.background": 0, "jitter.material": 0, "jitter.seed": 0,
    "jitter.min_visible": 1, "jitter.min_unoccluded": 0, "render.images_per_class": 24, "render.resolution": 224,
    "white_level": 0,
}  # fmt: skip


@pytest.fixture
def untouched() -> bpy.types.Scene:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    return bpy.context.scene


@pytest.mark.parametrize(("path", "value"), DEFAULTS.items())
def test_default(untouched: bpy.types.Scene, path: str, value: object) -> None:
    assert untouched.simsearch.path_resolve(path) == value


def test_scripts_set_the_settings_by_name(untouched: bpy.types.Scene) -> None:
    settings = untouched.simsearch
    settings.jitter.location = (0.01, 0.02, 0.03)
    settings.jitter.rotation = (0.1, 0.2, math.pi)
    entry = settings.classes.add()
    entry.name = "Türgriff links"
    entry.collections.add().collection = bpy.data.collections.new("Griff")
    settings.model = "VITG14"
    settings.output_directory, settings.photos_directory = "//out", "/photos"

    frozen = read_settings(untouched)
    assert frozen.jitter.location == pytest.approx((0.01, 0.02, 0.03))
    assert frozen.jitter.rotation == pytest.approx((0.1, 0.2, math.pi))
    assert [(spec.label, spec.variants) for spec in frozen.classes] == [("Türgriff links", (frozenset({"Griff"}),))]
    assert frozen.model == "VITG14"


def test_every_setting_says_what_it_does(untouched: bpy.types.Scene) -> None:
    settings = untouched.simsearch
    for group in (settings, settings.jitter, settings.render):
        for prop in group.bl_rna.properties:
            if prop.identifier not in {"rna_type", "name"} and prop.type in {"INT", "FLOAT", "STRING", "ENUM"}:
                assert prop.description, prop.identifier
    units = {"location": "LENGTH", "rotation": "ROTATION", "light_angle": "ROTATION"}
    for name, unit in units.items():
        assert settings.jitter.bl_rna.properties[name].unit == unit


def test_overrides_replace_settings_and_are_checked(scene: bpy.types.Scene) -> None:
    settings = read_settings(scene, {"samples": 3, "seed": 7, "classes": ("absent",), "k": None})
    assert (settings.samples, settings.jitter.seed, settings.selected, settings.k) == (3, 7, ("absent",), 5)
    assert [spec.label for spec in settings.classes] == ["present", "absent"]
    with pytest.raises(InputError) as error:
        read_settings(scene, {"samples": 0, "k": -1, "classes": ("nowhere",)})
    assert len(error.value.problems) == 3


def test_entries_that_share_a_name_are_variants(scene: bpy.types.Scene) -> None:
    scene.simsearch.classes[1].name = "present"
    (spec,) = read_settings(scene).classes
    assert spec.variants == (frozenset({"Part"}), frozenset())


def test_registering_twice_in_a_row_keeps_the_settings(scene: bpy.types.Scene) -> None:
    scene.simsearch.k = 9
    package = batch.load_package()
    package.unregister()
    assert not hasattr(scene, "simsearch")
    package.register()
    assert scene.simsearch.k == 9


def test_two_scenes_are_independent_and_survive_a_file(scene: bpy.types.Scene, tmp_path: Path) -> None:
    other = bpy.data.scenes.new("Other")
    other.simsearch.k = 3
    path = str(tmp_path / "two.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    first, second = bpy.data.scenes["Scene"], bpy.data.scenes["Other"]
    assert (first.simsearch.k, second.simsearch.k) == (5, 3)
    assert first.simsearch.region == bpy.data.objects["Region"]
    assert [entry.name for entry in first.simsearch.classes] == ["present", "absent"]
    assert len(second.simsearch.classes) == 0


def test_the_lists_of_encoders_agree() -> None:
    from synthetic_similarity_search.inference import encoder
    from synthetic_similarity_search.tools import encoder_graph, encoder_weights

    shown = bpy.types.Scene.bl_rna.properties["simsearch"].fixed_type.properties["model"].enum_items.keys()
    exported = [name.upper() for name in encoder_graph.VARIANTS]
    assert shown == list(encoder.VARIANTS) == exported
    assert encoder_weights.OFFICIAL_SHA256.keys() == encoder_graph.VARIANTS.keys()
