# SPDX-License-Identifier: GPL-3.0-or-later
"""CAD import: sizes, names, hierarchy and colours are those of the CAD program; a bad file changes nothing."""

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import bpy
import numpy as np
import pytest
from mathutils import Vector

from synthetic_similarity_search.inference.errors import InputError
from synthetic_similarity_search.scene.cad import tessellation
from synthetic_similarity_search.scene.cad_import import ImportedCAD, import_cad

ROOT = Path(__file__).resolve().parents[2]
STATION = ROOT / "examples" / "station"
ASSEMBLY = ROOT / "tests" / "data" / "assembly.step"
REAL_CAD = Path(os.environ.get("SIMSEARCH_CAD") or ROOT.parent / "shared" / "cad")


@pytest.fixture(autouse=True)
def empty_scene() -> Iterator[None]:
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    yield
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)


def size_mm(imported: ImportedCAD) -> np.ndarray:
    """World-space extent [3] of what was imported, in millimetres."""
    corners = np.array(
        [item.matrix_world @ Vector(c) for item in imported.objects if item.type == "MESH" for c in item.bound_box]
    )
    return np.ptp(corners, axis=0) * 1000


@pytest.mark.parametrize(
    ("name", "expected"), [("pipe_tee.step", (58.0, 47.0, 36.0)), ("square_plate.step", (50.0, 50.0, 14.0))]
)
def test_step_has_the_drawn_size_and_lies_as_drawn(name: str, expected: tuple[float, ...]) -> None:
    imported = import_cad(STATION / name)
    assert np.allclose(size_mm(imported), expected, atol=0.05)
    lowest = min((item.matrix_world @ Vector(c)).z for item in imported.objects for c in item.bound_box)
    assert lowest == pytest.approx(0, abs=5e-5)  # drawn lying on Z = 0
    assert all(item.matrix_world.to_euler().to_matrix().is_identity for item in imported.objects)


INCH = """#9001=(LENGTH_UNIT() NAMED_UNIT(*) SI_UNIT(.MILLI.,.METRE.));
#9002=LENGTH_MEASURE_WITH_UNIT(LENGTH_MEASURE(25.4),#9001);
#9003=DIMENSIONAL_EXPONENTS(1.,0.,0.,0.,0.,0.,0.);
"""


@pytest.mark.parametrize(
    ("unit", "definitions", "millimetres"),
    [
        ("( LENGTH_UNIT() NAMED_UNIT(*) SI_UNIT($,.METRE.) )", "", 1000.0),
        ("( CONVERSION_BASED_UNIT('INCH',#9002) LENGTH_UNIT() NAMED_UNIT(#9003) )", INCH, 25.4),
    ],
)
def test_step_units_are_honoured(tmp_path: Path, unit: str, definitions: str, millimetres: float) -> None:
    text = ASSEMBLY.read_text("utf-8")
    text, replaced = re.subn(r"\( LENGTH_UNIT\(\) NAMED_UNIT\(\*\) SI_UNIT\(\.MILLI\.,\.METRE\.\) \)", unit, text)
    assert replaced
    file = tmp_path / "part.stp"
    file.write_text(text.replace("DATA;\n", "DATA;\n" + definitions, 1), "utf-8")
    assert np.allclose(size_mm(import_cad(file)), np.array((20, 10, 5)) * millimetres, rtol=1e-4)


def test_step_keeps_names_hierarchy_and_colours() -> None:
    imported = import_cad(ASSEMBLY)
    parents = {item.name: item.parent.name if item.parent else None for item in imported.objects}
    assert parents == {"assembly": None, "Türgriff links": "assembly", "sub": "assembly", "pin": "sub"}
    colours = {
        item.name: tuple(item.data.materials[0].node_tree.nodes["Principled BSDF"].inputs["Base Color"].default_value)
        for item in imported.objects
        if item.type == "MESH"
    }
    assert colours == {"Türgriff links": (1, 0, 0, 1), "pin": (0, 0, 1, 1)}
    pin = next(item for item in imported.objects if item.name == "pin")
    assert np.allclose(pin.matrix_world.translation, (0.005, 0, 0.0035), atol=1e-6)


def test_import_lands_in_a_collection_named_after_the_file() -> None:
    imported = import_cad(ASSEMBLY)
    assert imported.collection.name == "assembly"
    assert set(imported.collection.objects) == set(imported.objects) == set(bpy.data.objects)
    assert imported.collection in list(bpy.context.scene.collection.children)
    assert import_cad(ASSEMBLY).collection.name == "assembly.001"


def test_a_smaller_tolerance_makes_rounder_parts() -> None:
    def polygons(**options: float) -> int:
        return sum(len(i.data.polygons) for i in import_cad(ASSEMBLY, **options).objects if i.type == "MESH")

    assert polygons(tolerance=1e-6, angle=0.02) > 2 * polygons(tolerance=1e-3, angle=0.5)


def test_round_surfaces_of_step_are_shaded_smooth() -> None:
    """A coarse cylinder must look round: corner normals follow the surface instead of the facets."""
    pin = next(item for item in import_cad(ASSEMBLY, tolerance=1e-3, angle=0.5).objects if item.name == "pin")
    side = [p for p in pin.data.polygons if abs(p.normal.z) < 0.5]
    deviation = [p.normal.angle(Vector(pin.data.corner_normals[loop].vector)) for p in side for loop in p.loop_indices]
    assert max(deviation) > 0.02


EXPORTS = {
    "part.stl": lambda path: bpy.ops.wm.stl_export(filepath=path, global_scale=1000),
    "part.obj": lambda path: bpy.ops.wm.obj_export(filepath=path),
    "PART.PLY": lambda path: bpy.ops.wm.ply_export(filepath=path),
    "part.glb": lambda path: bpy.ops.export_scene.gltf(filepath=path),
    "part.fbx": lambda path: bpy.ops.export_scene.fbx(filepath=path),
    "part.usdc": lambda path: bpy.ops.wm.usd_export(filepath=path),
}


@pytest.mark.parametrize("name", EXPORTS)
def test_mesh_formats_keep_their_size(tmp_path: Path, name: str) -> None:
    bpy.ops.mesh.primitive_cube_add(size=1)
    bpy.context.object.scale = (0.03, 0.02, 0.01)
    EXPORTS[name](str(tmp_path / name))
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    assert np.allclose(size_mm(import_cad(tmp_path / name)), (30, 20, 10), atol=1e-3)


def test_the_unit_of_a_mesh_file_can_be_given(tmp_path: Path) -> None:
    bpy.ops.mesh.primitive_cube_add(size=1)
    bpy.ops.wm.stl_export(filepath=str(tmp_path / "inch.stl"))
    assert np.allclose(size_mm(import_cad(tmp_path / "inch.stl", unit=0.0254)), 25.4, rtol=1e-5)


def truncated_step() -> bytes:
    content = ASSEMBLY.read_bytes()
    return content[: len(content) // 2]


BAD = {
    "empty.step": b"",
    "garbage.step": b"ISO-10303-21;\nHEADER;\nnonsense",
    "truncated.stp": truncated_step(),
    "bad.stl": b"solid x\nendsolid x\n",
    "bad.obj": b"v 0 0 0\n",
    "bad.ply": b"not a ply file",
    "bad.glb": b"glTF123",
    "bad.fbx": b"x",
    "bad.usda": b"x",
    "drawing.dwg": b"x",
}


@pytest.mark.parametrize("name", [*BAD, "missing.step", "folder.step"])
def test_a_bad_file_is_one_sentence_and_imports_nothing(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    if name == "folder.step":
        file.mkdir()
    elif name in BAD:
        file.write_bytes(BAD[name])
    before = set(bpy.data.user_map())
    with pytest.raises(InputError) as caught:
        import_cad(file)
    (sentence,) = caught.value.problems
    assert name in sentence and sentence.endswith(".") and "Traceback" not in sentence and "\n" not in sentence
    assert set(bpy.data.user_map()) == before


@pytest.mark.reliability(
    "fault", "the conversion of a STEP file takes too long", "it is stopped; one sentence, nothing imported"
)
def test_an_endless_step_file_costs_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tessellation, "CONVERSION_SECONDS", 0.01)
    with pytest.raises(InputError, match="was not converted within"):
        import_cad(ASSEMBLY)


@pytest.mark.reliability(
    "fault", "a STEP file becomes more triangles than Blender can take", "one sentence; nothing imported"
)
def test_a_step_file_of_too_many_triangles_costs_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tessellation, "GLB_BYTES", 1000)
    with pytest.raises(InputError, match="MB of triangles"):
        import_cad(ASSEMBLY)
    assert not bpy.data.objects


@pytest.mark.skipif(not REAL_CAD.is_dir(), reason="no real CAD here; SIMSEARCH_CAD names its folder")
@pytest.mark.parametrize(
    ("name", "expected"),
    [("T_Joint.stp", (47.5, 58.4, 36.6)), ("Metal_Blank.stp", (50, 50, 14)), ("T_Joint.obj", (47.5, 58.4, 36.6))],
)
def test_real_cad_has_its_size(name: str, expected: tuple[float, ...]) -> None:
    assert np.allclose(sorted(size_mm(import_cad(REAL_CAD / name))), sorted(expected), atol=0.1)


def recursive_step() -> bytes:
    """An assembly that contains itself."""
    text = ASSEMBLY.read_text("utf-8")
    usage = re.search(r"NEXT_ASSEMBLY_USAGE_OCCURRENCE\('[^']*','[^']*','[^']*',(#\d+),(#\d+)", text)
    assert usage
    parent, child = usage.groups()
    return re.sub(rf"(NEXT_ASSEMBLY_USAGE_OCCURRENCE\([^#]*){parent},{child}", rf"\g<1>{child},{child}", text).encode()


HOSTILE_STEP = {
    "recursive": recursive_step,
    "deep": lambda: ASSEMBLY.read_bytes().replace(
        b"DATA;", b"DATA;\n#99999=" + b"(" * 200_000 + b")" * 200_000 + b";", 1
    ),
    "endless reference": lambda: ASSEMBLY.read_bytes().replace(b"DATA;", b"DATA;\n#99998=#99999;\n#99999=#99998;", 1),
    "random": lambda: ASSEMBLY.read_bytes()[:800] + np.random.default_rng(0).bytes(20_000),
    "numbers too large": lambda: re.sub(rb"\d+\.\d*", b"1.E308", ASSEMBLY.read_bytes()),
}


@pytest.mark.reliability(
    "input",
    "STEP files that contain themselves, nest 200,000 deep, are random or have huge numbers",
    "imported, or one sentence; Blender goes on",
)
@pytest.mark.parametrize("kind", HOSTILE_STEP)
def test_a_hostile_step_file_costs_at_most_a_sentence(tmp_path: Path, kind: str) -> None:
    file = tmp_path / "part.step"
    file.write_bytes(HOSTILE_STEP[kind]())
    try:
        assert import_cad(file).objects
    except InputError as error:
        (sentence,) = error.problems
        assert "part.step" in sentence and "\n" not in sentence
    assert import_cad(ASSEMBLY).objects


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot limit a process's memory like this")
@pytest.mark.reliability("fault", "no memory left for the conversion of a STEP file", "one sentence; nothing imported")
def test_a_step_file_that_needs_too_much_memory_costs_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tessellation, "CONVERSION_BYTES", 64 * 2**20)
    with pytest.raises(InputError) as caught:
        import_cad(ASSEMBLY)
    assert len(caught.value.problems) == 1 and not bpy.data.objects
