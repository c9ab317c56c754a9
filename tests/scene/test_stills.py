# SPDX-License-Identifier: GPL-3.0-or-later
"""Stills: what is in the pictures, resuming, and a scene left as it was found."""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Generator, Iterable
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from PIL import Image

from synthetic_similarity_search.inference.errors import InputError
from synthetic_similarity_search.inference.progress import Progress
from synthetic_similarity_search.inference.reference_image import KEY, key_of_whole
from synthetic_similarity_search.scene import stills
from synthetic_similarity_search.scene.folder_lock import locked
from synthetic_similarity_search.scene.read_settings import read_settings
from synthetic_similarity_search.scene.stills import Rendered, render_references
from synthetic_similarity_search.tests.rendering import contents, render
from synthetic_similarity_search.tests.tiny_scene import add_cube


@pytest.fixture
def copied(references: Path, tmp_path: Path) -> Path:
    """A copy of the rendered references, to be changed."""
    return Path(shutil.copytree(references, tmp_path / "references"))


@pytest.fixture
def opened(blend_file: Path) -> bpy.types.Scene:
    """The scene that the references were rendered from."""
    bpy.ops.wm.open_mainfile(filepath=str(blend_file))
    return bpy.context.scene


def test_every_planned_image_is_there_with_its_key(references: Path) -> None:
    planned = json.loads((references / "recipe.json").read_text("utf-8"))["images"]
    assert sorted(contents(references)) == sorted(image["path"] for image in planned)
    for image in planned:
        with Image.open(references / image["path"]) as picture:
            assert (picture.size, picture.mode, picture.format) == ((32, 32), "RGB", "PNG")
            assert picture.info == {KEY: image["key"]}
    assert not (references / ".lock").exists()


def test_the_classes_differ_where_the_part_is(references: Path) -> None:
    def grey(path: str) -> np.ndarray[Any, Any]:
        return np.asarray(Image.open(references / path).convert("L"), dtype=int)

    for index in range(2):
        difference = abs(grey(f"present/present_{index:04d}.png") - grey(f"absent/absent_{index:04d}.png"))
        assert difference[12:20, 12:20].mean() > 10
        assert difference[:3].max() <= 3  # nothing but the part
    # The poses differ, so the part is elsewhere in the second image.
    assert abs(grey("present/present_0000.png") - grey("present/present_0001.png")).max() > 20


def test_a_second_run_renders_only_what_is_missing_and_gives_the_same_bytes(
    opened: bpy.types.Scene, copied: Path
) -> None:
    before = contents(copied)
    assert render(opened, copied) == Rendered(4, 0, [])
    (copied / "present/present_0001.png").unlink()
    truncated = copied / "absent/absent_0000.png"
    truncated.write_bytes(truncated.read_bytes()[:300])
    assert render(opened, copied) == Rendered(4, 2, [])
    assert contents(copied) == before


def test_a_changed_part_is_rendered_again_and_the_rest_kept(opened: bpy.types.Scene, copied: Path) -> None:
    before = contents(copied)
    material = bpy.data.materials["Cube"].node_tree.nodes["Principled BSDF"]
    material.inputs["Base Color"].default_value = (1, 0, 0, 1)
    assert render(opened, copied).rendered == 2
    after = contents(copied)
    assert {path for path in after if after[path] != before[path]} == {
        "present/present_0000.png",
        "present/present_0001.png",
    }
    red, green, _ = np.asarray(Image.open(copied / "present/present_0000.png"), dtype=int)[14:18, 14:18].mean(
        axis=(0, 1)
    )
    assert red > 2 * green


@pytest.mark.parametrize("name", ["there", "Present"])
def test_a_renamed_class_keeps_its_images_and_its_old_folder_goes(
    opened: bpy.types.Scene, copied: Path, name: str
) -> None:
    before = {path.name.replace("present", name): path.read_bytes() for path in copied.glob("present/*.png")}
    Image.new("RGB", (8, 8)).save(copied / "present" / "photo_0.png")  # as a promoted photo, not rendered
    opened.simsearch.classes[0].name = name
    rendered = render_references(opened, read_settings(opened), copied, Progress())
    assert rendered.rendered == 0 and rendered.images == 4
    assert (copied / name / "photo_0.png").exists()
    # Where case does not count, the folder of present is that of Present.
    assert not (copied / "present").exists() or (copied / "present").samefile(copied / name)
    assert {path.name: path.read_bytes() for path in copied.glob(f"{name}/{name}_*.png")} == before


def test_fresh_starts_over_but_keeps_what_others_added(opened: bpy.types.Scene, copied: Path) -> None:
    photo = copied / "present" / "photo.png"
    Image.new("RGB", (8, 8)).save(photo)
    assert render(opened, copied, fresh=True, images_per_class=1, classes=("present",)) == Rendered(1, 1, [])
    assert sorted(contents(copied)) == ["present/photo.png", "present/present_0000.png"]


def test_fewer_images_leave_the_others_in_place(opened: bpy.types.Scene, copied: Path) -> None:
    before = contents(copied)
    assert render(opened, copied, images_per_class=1) == Rendered(2, 0, [])
    assert contents(copied) == before


def test_a_plain_world_lights_the_same_through_the_small_light_probe(scene: bpy.types.Scene, tmp_path: Path) -> None:
    """Blender's own probe is kept where the user chose its size, or where the world shows a picture."""
    scene.world.node_tree.nodes["Background"].inputs["Color"].default_value = (0.2, 0.5, 0.8, 1)
    assert scene.world.probe_resolution == "1024"
    render(scene, tmp_path / "small", images_per_class=1)
    scene.world.probe_resolution = "512"
    render(scene, tmp_path / "chosen", images_per_class=1)
    small, chosen = (contents(tmp_path / name) for name in ("small", "chosen"))
    assert small.keys() == chosen.keys()
    for path in small:
        pixels = [np.asarray(Image.open(tmp_path / name / path), int) for name in ("small", "chosen")]
        assert np.abs(pixels[0] - pixels[1]).max() <= 2
    scene.world.probe_resolution = "1024"
    assert stills._plain(scene.world)
    scene.world.node_tree.nodes.new("ShaderNodeTexEnvironment")
    assert not stills._plain(scene.world)


def test_pictures_are_the_same_whether_the_scene_is_read_twice(
    scene: bpy.types.Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What saves a software renderer half of its time is seen in no picture, and gone afterwards."""
    names = {kind: list(getattr(bpy.data, kind).keys()) for kind in ("objects", "meshes", "materials")}
    found = []
    for software in (True, False):
        monkeypatch.setattr(stills, "_renders_in_software", lambda software=software: software)
        render(scene, tmp_path / str(software), images_per_class=3, samples=2)
        found.append(contents(tmp_path / str(software)))
    assert found[0] == found[1] and len(found[0]) == 6
    assert names == {kind: list(getattr(bpy.data, kind).keys()) for kind in names}


def test_a_folder_deleted_while_a_file_is_written_is_what_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "references"
    folder.mkdir()
    (folder / "recipe.json").touch()
    with pytest.raises(InputError, match="was deleted during the job"), locked(folder), stills._still_there(folder):
        shutil.rmtree(folder)
        raise InputError("The file cannot be written.")
    folder.mkdir()
    (folder / "recipe.json").touch()
    with pytest.raises(InputError, match="disk is full"), locked(folder), stills._still_there(folder):
        raise InputError("The disk is full.")


def snapshot(scene: bpy.types.Scene) -> dict[str, Any]:
    """The render settings, the datablocks and what decides about visibility."""

    def values(owner: Any) -> dict[str, str]:
        return {
            p.identifier: repr(getattr(owner, p.identifier))
            for p in owner.bl_rna.properties
            if p.type not in {"POINTER", "COLLECTION"}
        }

    render = scene.render
    names = {
        name: sorted(item.name for item in getattr(bpy.data, name))
        for name in (
            "objects",
            "cameras",
            "lights",
            "materials",
            "meshes",
            "worlds",
            "node_groups",
            "collections",
            "scenes",
        )
    }
    return {
        "settings": [
            values(o)
            for o in (
                render,
                render.image_settings,
                scene.view_settings,
                scene.display_settings,
                scene.eevee,
                scene.world,
            )
        ],
        "names": names,
        "camera": scene.camera.name,
        "markers": [(marker.name, marker.camera and marker.camera.name) for marker in scene.timeline_markers],
        "layers": [layer.use for layer in scene.view_layers],
        "parents": {
            item.name: (item.parent and item.parent.name, item.matrix_world.copy().freeze()) for item in scene.objects
        },
        "hidden": {item.name: item.hide_render for item in scene.objects},
    }


def make_hostile(scene: bpy.types.Scene) -> None:
    """Set all that could spoil a reference."""
    render, view = scene.render, scene.view_settings
    render.use_border, render.border_max_x, render.use_crop_to_border = True, 0.5, True
    render.use_stamp = render.use_stamp_date = render.film_transparent = render.use_motion_blur = (
        render.use_freestyle
    ) = True
    render.use_simplify, render.simplify_subdivision_render = True, 0
    render.resolution_percentage, render.pixel_aspect_x, render.dither_intensity, render.filter_size = (
        50,
        2.0,
        2.0,
        10.0,
    )
    render.image_settings.file_format, render.image_settings.color_mode = "JPEG", "BW"
    view.exposure, view.gamma, view.view_transform, view.use_curve_mapping = 3.0, 2.0, "AgX", True
    scene.eevee.taa_render_samples = 3
    second = bpy.data.objects.new("Second", bpy.data.cameras.new("Second"))
    scene.collection.objects.link(second)
    scene.simsearch.camera = scene.camera
    scene.timeline_markers.new("Cut", frame=scene.frame_current).camera = second
    scene.camera.constraints.new("LIMIT_LOCATION").use_min_z = True
    scene.camera.constraints[0].min_z = 5.0
    scene.camera.keyframe_insert("location", frame=1)
    scene.view_layers.new("Second")


def test_an_emitted_half_becomes_188_whatever_the_scene_says(scene: bpy.types.Scene, tmp_path: Path) -> None:
    """Linear 0.5 is 187.5 of 255 in sRGB (IEC 61966-2-1): the view transform is Standard, nothing is added."""
    camera = scene.camera
    make_hostile(scene)
    camera.constraints.clear()
    wall = add_cube("Glow", (0, 0, -0.3), 1.0, scene.collection)
    tree = wall.data.materials[0].node_tree
    emission = tree.nodes.new("ShaderNodeEmission")
    emission.inputs["Color"].default_value = (0.5, 0.5, 0.5, 1)
    tree.links.new(emission.outputs["Emission"], tree.nodes["Material Output"].inputs["Surface"])
    scene.simsearch.render.images_per_class = 1
    bpy.context.view_layer.update()
    before = snapshot(scene)
    result = render(scene, tmp_path, classes=("absent",))
    assert snapshot(scene) == before
    picture = np.asarray(Image.open(tmp_path / "absent/absent_0000.png"), dtype=int)
    assert picture.shape == (32, 32, 3)
    assert abs(picture - 188).max() <= 1
    assert result.warnings == [
        "absent/absent_0000.png is of one colour only. Check the lights and what class 'absent' shows."
    ]


def test_a_part_that_is_animated_is_as_sharp_as_one_that_stands_still(scene: bpy.types.Scene, tmp_path: Path) -> None:
    def picture(name: str) -> np.ndarray[Any, Any]:
        render(scene, tmp_path / name, classes=("present",))
        return np.asarray(Image.open(tmp_path / name / "present/present_0000.png"), dtype=int)

    scene.simsearch.render.images_per_class = 1
    still = picture("still")
    part = bpy.data.objects["Cube"]
    for frame, place in ((0, -1.0), (1, 0.0), (2, 1.0)):
        part.location.x = place
        part.keyframe_insert("location", frame=frame)
    scene.render.use_motion_blur, scene.render.motion_blur_shutter = True, 1.0
    scene.frame_set(1)
    assert abs(picture("moving") - still).max() <= 1


class Interrupted(Progress):
    """Fails after the first image."""

    def track(self, items: Iterable[Any], total: int, stage: str) -> Generator[Any, None, None]:
        for item in items:
            yield item
            raise ZeroDivisionError


def test_an_interrupted_job_leaves_the_scene_and_what_was_rendered(scene: bpy.types.Scene, tmp_path: Path) -> None:
    make_hostile(scene)
    scene.camera.constraints.clear()
    bpy.data.objects["Lamp"].parent = scene.camera
    jitter = scene.simsearch.jitter
    jitter.light_angle = jitter.light_strength = jitter.background = jitter.material = 0.2
    bpy.context.view_layer.update()
    before = snapshot(scene)
    with pytest.raises(ZeroDivisionError):
        render_references(scene, read_settings(scene), tmp_path, Interrupted())
    assert snapshot(scene) == before
    assert list(contents(tmp_path)) == ["present/present_0000.png"]
    assert len(json.loads((tmp_path / "recipe.json").read_text("utf-8"))["images"]) == 4
    assert not (tmp_path / ".lock").exists()


def test_two_jobs_never_share_a_folder(scene: bpy.types.Scene, tmp_path: Path) -> None:
    holder = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    lock = tmp_path / ".lock"
    lock.write_text(json.dumps({"pid": holder.pid, "host": socket.gethostname()}), "utf-8")
    with pytest.raises(InputError, match=f"Another job on {socket.gethostname()}"):
        render(scene, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [".lock"]
    holder.communicate(b"\n")
    with locked(tmp_path):  # its holder is gone
        assert json.loads(lock.read_text("utf-8"))["pid"] == os.getpid()
        with pytest.raises(InputError), locked(tmp_path):
            raise AssertionError("two jobs hold one folder")
        assert lock.exists()
    assert not lock.exists()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": "x"}'])
def test_a_half_written_lock_is_taken_over(tmp_path: Path, text: str) -> None:
    (tmp_path / ".lock").write_text(text, "utf-8")
    with locked(tmp_path):
        pass


def test_a_lock_of_another_machine_is_respected(tmp_path: Path) -> None:
    (tmp_path / ".lock").write_text('{"pid": 1, "host": "another-machine"}', "utf-8")
    with pytest.raises(InputError, match="another-machine"), locked(tmp_path):
        raise AssertionError("took another machine's lock")


def test_a_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot be written"), locked(tmp_path / "file" / "references"):
        raise AssertionError("locked a file")


def test_key_of_other_files(tmp_path: Path) -> None:
    assert key_of_whole(tmp_path / "missing.png") is None
    Image.new("RGB", (4, 4)).save(tmp_path / "photo.png")
    assert key_of_whole(tmp_path / "photo.png") is None
    (tmp_path / "text.png").write_text("no picture", "utf-8")
    assert key_of_whole(tmp_path / "text.png") is None
