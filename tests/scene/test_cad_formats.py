# SPDX-License-Identifier: GPL-3.0-or-later
"""Files as CAD programs really write them: instances, units, places, names, and what else they bring."""

import base64
import json
import math
import re
import struct
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest

from synthetic_similarity_search.inference.errors import InputError
from synthetic_similarity_search.scene import check, imported_parts
from synthetic_similarity_search.scene.cad_import import UNITLESS, ImportedCAD, import_cad
from synthetic_similarity_search.scene.parts import bounding_box
from synthetic_similarity_search.scene.read_settings import read_settings

ROOT = Path(__file__).resolve().parents[2]
STATION = ROOT / "examples" / "station"

POINTS = [(x, y, z) for z in (0, 5) for y in (0, 10) for x in (0, 20)]
"""Corners of a box of 20 × 10 × 5."""
TRIANGLES = [
    (0, 2, 3), (0, 3, 1), (4, 5, 7), (4, 7, 6), (0, 1, 5), (0, 5, 4), (2, 6, 7), (2, 7, 3), (0, 4, 6), (0, 6, 2),
    (1, 3, 7), (1, 7, 5),
]  # fmt: skip
SIZE = np.array((0.02, 0.01, 0.005))
AREA = 2 * (SIZE[0] * SIZE[1] + SIZE[1] * SIZE[2] + SIZE[0] * SIZE[2])


@pytest.fixture(autouse=True)
def empty_scene() -> Iterator[None]:
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    yield
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)


def parts(imported: ImportedCAD) -> list[bpy.types.Object]:
    return [item for item in imported.objects if item.type == "MESH"]


def meshes(imported: ImportedCAD) -> set[bpy.types.Mesh]:
    return {item.data for item in parts(imported)}


def places(imported: ImportedCAD) -> list[tuple[float, ...]]:
    """The centre of every part in metres, sorted."""
    boxes = [imported_parts.extent([item]) for item in parts(imported)]
    return sorted(tuple(np.round(box.mean(axis=0), 5)) for box in boxes)


def area(imported: ImportedCAD) -> float:
    """Square metres of all parts."""
    total = 0.0
    for item in parts(imported):
        mesh = item.data.copy()
        mesh.transform(item.matrix_world)
        total += sum(polygon.area for polygon in mesh.polygons)
        bpy.data.meshes.remove(mesh)
    return total


def stl(path: Path, points: Any = POINTS, *, text: bool = False) -> Path:
    if text:
        lines = ["solid part"]
        for corners in TRIANGLES:
            vertices = ["vertex {} {} {}".format(*points[v]) for v in corners]
            lines += ["facet normal 0 0 0", "outer loop", *vertices, "endloop", "endfacet"]
        path.write_text("\n".join([*lines, "endsolid part", ""]))
    else:
        facets = (struct.pack("<12fH", 0, 0, 0, *(c for v in corners for c in points[v]), 0) for corners in TRIANGLES)
        path.write_bytes(bytes(80) + struct.pack("<I", len(TRIANGLES)) + b"".join(facets))
    return path


def obj(path: Path, points: Any = POINTS, name: bytes = b"part") -> Path:
    vertices = "".join("v {!r} {!r} {!r}\n".format(*map(float, point)) for point in points)
    faces = "".join("f {} {} {}\n".format(*(v + 1 for v in corners)) for corners in TRIANGLES)
    path.write_bytes(b"o " + name + f"\n{vertices}{faces}".encode())
    return path


def usd_box(name: str) -> str:
    return f"""def Mesh "{name}" {{
    int[] faceVertexCounts = {[3] * len(TRIANGLES)}
    int[] faceVertexIndices = {[v for corners in TRIANGLES for v in corners]}
    point3f[] points = {POINTS}
    uniform token subdivisionScheme = "none"
}}
"""


def usda(path: Path, body: str, unit: float = 0.001) -> Path:
    path.write_text(f'#usda 1.0\n(\n    metersPerUnit = {unit}\n    upAxis = "Z"\n)\n{body}')
    return path


def gltf(path: Path, nodes: list[dict[str, Any]], **more: Any) -> Path:
    """A glTF file in metres with Y up whose meshes 0 and 1 are the same box under two names."""
    points = np.array([(x, z, -y) for x, y, z in POINTS], np.float32) / 1000
    blob = points.tobytes() + np.array(TRIANGLES, np.uint16).tobytes()
    primitive = {"attributes": {"POSITION": 0}, "indices": 1}
    document = {
        "asset": {"version": "2.0"}, "scene": 0, "scenes": [{"nodes": list(range(len(nodes)))}], "nodes": nodes,
        "meshes": [{"name": name, "primitives": [primitive]} for name in ("part", "part again")],
        "buffers": [{"byteLength": len(blob), "uri": "data:application/octet-stream;base64," + base64.b64encode(blob).decode()}],
        "bufferViews": [{"buffer": 0, "byteLength": 96}, {"buffer": 0, "byteOffset": 96, "byteLength": 72}],
        "accessors": [
            {"bufferView": 0, "componentType": 5126, "count": 8, "type": "VEC3", "min": points.min(axis=0).tolist(),
             "max": points.max(axis=0).tolist()},
            {"bufferView": 1, "componentType": 5123, "count": 36, "type": "SCALAR"},
        ],
    }  # fmt: skip
    path.write_text(json.dumps(document | more))
    return path


def three_mf(path: Path, build: str, objects: str = "", unit: str = "millimeter") -> Path:
    vertices = "".join('<vertex x="{}" y="{}" z="{}"/>'.format(*point) for point in POINTS)
    faces = "".join('<triangle v1="{}" v2="{}" v3="{}"/>'.format(*corners) for corners in TRIANGLES)
    model = f"""<?xml version="1.0" encoding="UTF-8"?>
<model unit="{unit}" xmlns="http://schemas.microsoft.com/3dmanufacturing/core/2015/02"><resources>
<basematerials id="9"><base name="red" displaycolor="#FF0000"/></basematerials>
<object id="1" name="Gehäuse" type="model" pid="9" pindex="0"><mesh><vertices>{vertices}</vertices>
<triangles>{faces}</triangles></mesh></object>{objects}</resources><build>{build}</build></model>"""
    relations = """<?xml version="1.0" encoding="UTF-8"?>
<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r" Target="/3D/part.model"
Type="http://schemas.microsoft.com/3dmanufacturing/2013/01/3dmodel"/></Relationships>"""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("_rels/.rels", relations)
        archive.writestr("3D/part.model", model)
    return path


# Instances


def test_usd_prototypes_are_one_mesh(tmp_path: Path) -> None:
    uses = "".join(
        f'def Xform "bolt{n}" (\n  instanceable = true\n  references = </Bolt>\n) {{\n double3 xformOp:translate = ({100 * n}, 0, 0)\n'
        ' uniform token[] xformOpOrder = ["xformOp:translate"]\n}\n'
        for n in range(5)
    )
    file = usda(tmp_path / "bolts.usda", f'class Xform "Bolt" {{\n{usd_box("body")}{usd_box("head")}}}\n{uses}')
    imported = import_cad(file)
    assert len(parts(imported)) == 10 and len(meshes(imported)) == 2
    assert np.allclose(places(imported), sorted([(0.1 * n + 0.01, 0.005, 0.0025) for n in range(5)] * 2))


def test_a_usd_point_instancer_is_objects_of_one_mesh(tmp_path: Path) -> None:
    body = f"""def PointInstancer "many" {{
    point3f[] positions = [(0, 0, 0), (100, 0, 0), (0, 100, 0), (0, 0, 100)]
    int[] protoIndices = [0, 0, 0, 0]
    rel prototypes = </many/protos/part>
    def Scope "protos" {{
        {usd_box("part")}
    }}
}}
"""
    imported = import_cad(usda(tmp_path / "many.usda", body))
    assert {item.type for item in imported.objects} == {"MESH"} and len(meshes(imported)) == 1
    corner = np.array((0.01, 0.005, 0.0025))
    expected = [corner + 0.1 * np.array(step) for step in ((0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1))]
    assert places(imported) == sorted(tuple(np.round(place, 5)) for place in expected)


def test_gltf_nodes_share_meshes_that_are_written_again(tmp_path: Path) -> None:
    nodes = [{"mesh": n % 2, "name": f"bolt {n}", "translation": [0.1 * n, 0, 0]} for n in range(6)]
    imported = import_cad(gltf(tmp_path / "bolts.gltf", nodes))
    assert len(parts(imported)) == 6 and len(meshes(imported)) == 1
    assert places(imported) == [(round(0.1 * n + 0.01, 5), 0.005, 0.0025) for n in range(6)]


def test_a_mirrored_instance_stays_mirrored_and_shares_its_mesh(tmp_path: Path) -> None:
    nodes = [{"mesh": 0}, {"mesh": 0, "scale": [-1, 1, 1]}]
    imported = import_cad(gltf(tmp_path / "pair.gltf", nodes))
    assert places(imported) == [(-0.01, 0.005, 0.0025), (0.01, 0.005, 0.0025)] and len(meshes(imported)) == 1
    assert sorted(item.matrix_world.determinant() > 0 for item in parts(imported)) == [False, True]


def test_the_region_goes_around_an_instance_of_a_collection() -> None:
    bpy.ops.mesh.primitive_cube_add(size=2)
    collection = bpy.data.collections.new("prototype")
    collection.objects.link(bpy.context.object)
    instance = bpy.data.objects.new("instance", None)
    instance.instance_type, instance.instance_collection, instance.location = "COLLECTION", collection, (10, 0, 0)
    bpy.context.scene.collection.objects.link(instance)
    bpy.context.view_layer.update()
    low, high = bounding_box([instance])
    assert np.allclose((low, high), ((9, -1, -1), (11, 1, 1)))


# Units and place

BOX: dict[str, Callable[[Path], Path]] = {
    "part.stl": stl,
    "part.obj": obj,
    "part.usda": lambda path: usda(path, usd_box("part")),
    "part.gltf": lambda path: gltf(path, [{"mesh": 0, "name": "part"}]),
    "part.3mf": lambda path: three_mf(path, '<item objectid="1"/>'),
}


@pytest.mark.parametrize("metres", [0.001, 0.0254])
@pytest.mark.parametrize("name", BOX)
def test_the_scale_of_the_scene_counts_for_every_format(tmp_path: Path, name: str, metres: float) -> None:
    bpy.context.scene.unit_settings.scale_length = metres
    unit = 0.001 if Path(name).suffix in UNITLESS else None
    imported = import_cad(BOX[name](tmp_path / name), unit=unit, up="Z")
    assert np.allclose(np.ptp(imported_parts.extent(imported.objects), axis=0) * metres, SIZE, rtol=1e-4)


@pytest.mark.parametrize(
    ("up", "size"), [("X", (0.01, 0.005, 0.02)), ("Y", (0.02, 0.005, 0.01)), ("Z", (0.02, 0.01, 0.005))]
)
def test_the_axis_that_is_up_can_be_given(tmp_path: Path, up: str, size: tuple[float, ...]) -> None:
    imported = import_cad(obj(tmp_path / "part.obj"), unit=0.001, up=up)
    assert sorted(np.round(np.ptp(imported_parts.extent(imported.objects), axis=0), 5)) == sorted(size)
    assert np.ptp(imported_parts.extent(imported.objects), axis=0)[2] == pytest.approx(size[2], abs=1e-6)


@pytest.mark.parametrize(
    ("unit", "said"), [(1.0, "larger than a house"), (1e-6, "smaller than a grain"), (0.001, None)]
)
def test_an_unlikely_size_is_told(tmp_path: Path, unit: float, said: str | None) -> None:
    points = [tuple(2 * c for c in point) for point in POINTS]
    imported = import_cad(stl(tmp_path / "part.stl", points), unit=unit)
    assert [note for note in imported.notes if "part.stl" in note and (said or "") in note] == list(imported.notes)
    assert bool(imported.notes) == bool(said)


FAR = (5_000_000.0, 4_000_000.0, 0.0)


@pytest.mark.parametrize(
    "write",
    [
        lambda folder: stl(folder / "part.stl", np.add(POINTS, FAR), text=True),
        lambda folder: obj(folder / "part.obj", np.add(POINTS, FAR)),
        lambda folder: three_mf(
            folder / "part.3mf", f'<item objectid="1" transform="1 0 0 0 1 0 0 0 1 {FAR[0]} {FAR[1]} 0"/>'
        ),
        lambda folder: usda(
            folder / "part.usda",
            f'def Xform "far" {{\n double3 xformOp:translate = {FAR}\n uniform token[] xformOpOrder = ["xformOp:translate"]\n'
            f"{usd_box('part')}}}\n",
        ),
        lambda folder: gltf(folder / "part.gltf", [{"mesh": 0, "translation": [5000, 0, -4000]}]),
    ],
    ids=["stl", "obj", "3mf", "usd", "gltf"],
)
def test_a_part_far_from_the_origin_comes_near_and_keeps_its_surface(
    tmp_path: Path, write: Callable[[Path], Path]
) -> None:
    file = write(tmp_path)
    imported = import_cad(file, unit=0.001 if file.suffix in UNITLESS else None, up="Z")
    assert area(imported) == pytest.approx(AREA, rel=0.005)
    assert np.abs(imported_parts.extent(imported.objects)).max() < 1
    (note,) = imported.notes
    assert "part" in note and "moved to the origin" in note


def test_a_binary_stl_that_is_coarse_where_it_lies_is_told(tmp_path: Path) -> None:
    imported = import_cad(stl(tmp_path / "part.stl", np.add(POINTS, FAR)))
    assert "grid of 0.5 mm" in " ".join(imported.notes)


# Parts alone


def lamp_and_animation(path: Path) -> Path:
    points = struct.pack("<2f", 0, 1) + struct.pack("<6f", 1, 1, 1, 2, 2, 2)
    made = json.loads(gltf(path, [{"mesh": 0, "name": "part"}]).read_text())
    made["nodes"] += [
        {"name": "lamp", "translation": [0.1, 0.3, 0], "extensions": {"KHR_lights_punctual": {"light": 0}}, "children": [2]},
        {"mesh": 0, "name": "shade"}, {"camera": 0, "name": "eye"},
    ]  # fmt: skip
    made["scenes"][0]["nodes"] = [0, 1, 3]
    made["cameras"] = [{"type": "perspective", "perspective": {"yfov": 1, "znear": 0.1}}]
    made["extensionsUsed"] = ["KHR_lights_punctual"]
    made["extensions"] = {"KHR_lights_punctual": {"lights": [{"type": "point", "intensity": 200}]}}
    made["buffers"].append(
        {"byteLength": len(points), "uri": "data:application/octet-stream;base64," + base64.b64encode(points).decode()}
    )
    made["bufferViews"] += [{"buffer": 1, "byteLength": 8}, {"buffer": 1, "byteOffset": 8, "byteLength": 24}]
    made["accessors"] += [
        {"bufferView": 2, "componentType": 5126, "count": 2, "type": "SCALAR", "min": [0], "max": [1]},
        {"bufferView": 3, "componentType": 5126, "count": 2, "type": "VEC3"},
    ]
    sampler = {
        "samplers": [{"input": 2, "output": 3}],
        "channels": [{"sampler": 0, "target": {"node": 0, "path": "translation"}}],
    }
    path.write_text(json.dumps(made | {"animations": [sampler]}))
    return path


def usd_with_company(path: Path) -> Path:
    return usda(
        path,
        f"""{usd_box("part")}
def Camera "eye" {{
}}
def SphereLight "lamp" {{
}}
def DomeLight "sky" {{
}}
def Xform "lid" {{
    double3 xformOp:translate.timeSamples = {{ 1: (0, 0, 0), 10: (0, 0, 50) }}
    uniform token[] xformOpOrder = ["xformOp:translate"]
    {usd_box("cover")}
}}
""",
    )


def blender_fbx(path: Path) -> Path:
    bpy.ops.mesh.primitive_cube_add(size=0.02)
    bpy.context.object.keyframe_insert("location", frame=1)
    bpy.context.object.location.z = 1
    bpy.context.object.keyframe_insert("location", frame=10)
    bpy.ops.object.light_add()
    bpy.ops.object.camera_add()
    bpy.ops.export_scene.fbx(filepath=str(path))
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    return path


@pytest.mark.parametrize(
    ("write", "names"),
    [
        (lambda folder: lamp_and_animation(folder / "part.gltf"), ("light", "camera", "animation")),
        (lambda folder: usd_with_company(folder / "part.usda"), ("light", "camera", "motion")),
        (lambda folder: blender_fbx(folder / "part.fbx"), ("light", "camera", "animation")),
    ],
    ids=["gltf", "usd", "fbx"],
)
def test_only_parts_come_in(tmp_path: Path, write: Callable[[Path], Path], names: tuple[str, ...]) -> None:
    file = write(tmp_path)
    scene = bpy.context.scene
    scene.world = bpy.data.worlds.new("mine")
    frames = scene.frame_start, scene.frame_end, scene.render.fps
    imported = import_cad(file)
    assert {item.type for item in imported.objects} <= {"MESH", "EMPTY"}
    assert not [item for item in imported.objects if item.animation_data or item.constraints]
    assert not bpy.data.lights and not bpy.data.cameras and [*bpy.data.worlds] == [scene.world]
    assert (scene.frame_start, scene.frame_end, scene.render.fps) == frames
    told = " ".join(imported.notes)
    assert all(name in told for name in names) and file.name in told


def test_what_hung_on_a_lamp_stays_where_it_is(tmp_path: Path) -> None:
    imported = import_cad(lamp_and_animation(tmp_path / "part.gltf"))
    assert places(imported) == [(0.01, 0.005, 0.0025), (0.11, 0.005, 0.3025)]  # the first where it rests


# More doors


def test_iges_has_its_unit_and_is_named_after_the_file() -> None:
    imported = import_cad(ROOT / "tests" / "data" / "box.igs")  # in inches, 20 × 10 × 5 mm
    assert [item.name for item in imported.objects] == ["box"]
    assert np.allclose(np.ptp(imported_parts.extent(imported.objects), axis=0), SIZE, atol=1e-6)
    assert area(imported) == pytest.approx(AREA, rel=1e-4)


def test_what_iges_hides_is_told(tmp_path: Path) -> None:
    lines = (ROOT / "tests" / "data" / "box.igs").read_bytes().splitlines(keepends=True)
    faces = [number for number, line in enumerate(lines) if line.startswith(b"     144") and line[72:73] == b"D"][::2]
    for number in faces[:2]:  # blanked, and no part of another entity
        lines[number] = lines[number][:64] + b"01000000" + lines[number][72:]
    (tmp_path / "box.igs").write_bytes(b"".join(lines))
    imported = import_cad(tmp_path / "box.igs")
    assert "box.igs hides 2 entities" in " ".join(imported.notes)
    scene = bpy.context.scene
    said = [problem.sentence for problem in check.problems(scene, read_settings(scene))]
    assert any("hides 2 entities" in sentence for sentence in said)


def test_a_face_of_iges_that_cannot_be_meshed_is_told_and_check_says_it_again(tmp_path: Path) -> None:
    content = (ROOT / "tests" / "data" / "box.igs").read_bytes()
    edge = b"110,0.,0.393700787,0.,0.,0.,0.;"  # one of the first face's
    assert edge in content
    (tmp_path / "box.igs").write_bytes(content.replace(edge, b"110,0.,0.,0.,0.,0.,0.;".ljust(len(edge))))
    imported = import_cad(tmp_path / "box.igs")
    (note,) = imported.notes
    assert note.startswith("box.igs lacks 1 of its 6 faces")
    assert area(imported) == pytest.approx(AREA - SIZE[1] * SIZE[2], rel=1e-4)
    scene = bpy.context.scene
    assert note in [problem.sentence for problem in check.problems(scene, read_settings(scene))]


@pytest.mark.reliability(
    "fault", "one of Blender's importers crashes on a file", "one sentence; Blender goes on, nothing imported"
)
def test_a_file_that_crashes_blender_s_importer_costs_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "part.ply"
    file.write_bytes(b"ply\nformat binary_little_endian 1.0\nelement vply")  # ends the process in Blender 5.2
    with pytest.raises(InputError, match=r"part\.ply") as caught:
        import_cad(file)
    assert len(caught.value.problems) == 1 and not bpy.data.objects


def test_stl_in_capitals_is_read(tmp_path: Path) -> None:
    file = stl(tmp_path / "part.stl", text=True)
    file.write_text(file.read_text().upper())
    assert area(import_cad(file)) == pytest.approx(AREA, rel=1e-4)


@pytest.mark.parametrize("page", ["latin-1", "utf-8"])
def test_names_in_obj_are_readable(tmp_path: Path, page: str) -> None:
    imported = import_cad(obj(tmp_path / "part.obj", name="Gehäuse".encode(page)), unit=0.001)
    assert [item.name for item in imported.objects] == ["Gehäuse"]


def test_three_mf_has_its_instances_units_names_and_colours(tmp_path: Path) -> None:
    pair = (
        '<object id="2" name="pair"><components><component objectid="1"/>'
        '<component objectid="1" transform="0 1 0 -1 0 0 0 0 1 100 0 0"/></components></object>'
        '<object id="3" name="prop" type="support"><components><component objectid="1"/></components></object>'
    )
    file = three_mf(tmp_path / "pair.3mf", '<item objectid="2" transform="1 0 0 0 1 0 0 0 1 0 0 10"/>', pair, "inch")
    imported = import_cad(file)
    assert [item.name for item in parts(imported)] == ["Gehäuse", "Gehäuse.001"] and len(meshes(imported)) == 1
    centres = np.array([(10, 5, 12.5), (95, 10, 12.5)]) * 0.0254  # the second turned by 90 degrees
    assert np.allclose(places(imported), centres, atol=1e-4)
    (material,) = {slot.material for item in parts(imported) for slot in item.material_slots}
    colour = material.node_tree.nodes["Principled BSDF"].inputs["Base Color"].default_value
    assert np.allclose(colour, (1, 0, 0, 1)) and material.name == "red"


@pytest.mark.parametrize(
    ("objects", "build"),
    [
        ("", '<item objectid="7"/>'),
        ('<object id="2"><components><component objectid="2"/></components></object>', '<item objectid="2"/>'),
        ('<object id="2"><mesh><vertices/><triangles><triangle v1="0" v2="1" v3="2"/></triangles></mesh></object>',
         '<item objectid="2"/>'),
    ],
    ids=["missing object", "contains itself", "missing vertices"],
)  # fmt: skip
def test_a_bad_three_mf_costs_one_sentence(tmp_path: Path, objects: str, build: str) -> None:
    with pytest.raises(InputError, match=r"part\.3mf is damaged") as caught:
        import_cad(three_mf(tmp_path / "part.3mf", build, objects))
    assert len(caught.value.problems) == 1 and not bpy.data.objects


def test_a_gltf_that_misses_its_buffer_names_it(tmp_path: Path) -> None:
    file = gltf(tmp_path / "part.gltf", [{"mesh": 0}], buffers=[{"byteLength": 168, "uri": "housing.bin"}])
    with pytest.raises(InputError, match=r"part\.gltf.*housing\.bin.*Copy it there"):
        import_cad(file)


def test_a_gltf_that_needs_an_unknown_extension_names_it(tmp_path: Path) -> None:
    more = {"extensionsUsed": ["ACME_packed"], "extensionsRequired": ["ACME_packed"]}
    with pytest.raises(InputError, match=r"part\.gltf.*ACME_packed"):
        import_cad(gltf(tmp_path / "part.gltf", [{"mesh": 0}], **more))


@pytest.mark.parametrize(
    "name", ["a.3dxml", "a.JT", "a.CATPart", "a.CATProduct", "a.SLDPRT", "a.sldasm", "a.stpz", "a.x_t", "a.prt"]
)
def test_formats_of_other_programs_are_refused_with_what_to_export(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(InputError, match=rf"{re.escape(name)} is .*Export STEP"):
        import_cad(tmp_path / name)


# STEP


def test_step_from_another_program_s_words(tmp_path: Path) -> None:
    """Comments, other line ends and no line ends at all."""
    text = (ROOT / "tests" / "data" / "assembly.step").read_text("utf-8")
    sizes = []
    for number, changed in enumerate(
        (text, text.replace("DATA;", "DATA;\n/* '; #1=X(); */", 1), text.replace("\n", " "), text.replace("\n", "\r\n"))
    ):
        file = tmp_path / f"{number}.step"
        file.write_bytes(changed.encode())
        sizes.append(area(import_cad(file)))
    assert np.allclose(sizes, sizes[0])


CONE = ROOT / "tests" / "data" / "ring.step"


def test_a_cone_whose_seam_is_off_by_rounding_keeps_its_face() -> None:
    imported = import_cad(CONE)
    true = math.pi * (2 * 20 * 12 + (20**2 - 16**2) + (20**2 - 8**2) + 2 * 8 * 4 + 24 * math.hypot(8, 8)) / 1e6
    assert area(imported) == pytest.approx(true, rel=0.005) and not imported.notes


def test_a_face_that_cannot_be_meshed_is_told_and_check_says_it_again(tmp_path: Path) -> None:
    file = tmp_path / "ring.step"
    file.write_text(re.sub(r"CONICAL_SURFACE\('',(#\d+),[^)]*\)", r"CONICAL_SURFACE('',\1,-1.,7.)", CONE.read_text()))
    imported = import_cad(file)
    (note,) = imported.notes
    assert re.fullmatch(r"'ring' lacks 1 of its 5 faces, .*Export the part again.*", note)
    scene = bpy.context.scene
    (problem,) = [one for one in check.problems(scene, read_settings(scene)) if one.culprit == imported.collection.name]
    assert problem.sentence == note and problem.severity == "warning"


ASSEMBLY = (ROOT / "tests" / "data" / "assembly.step").read_text("utf-8")
"""A plate (PRODUCT #33) and a pin (#405, solid #409 in shape #408) that occurrence #516 places."""
NAME = "T\\X2\\00FC\\X0\\rgriff links"


def step(path: Path, *more: str, text: str = ASSEMBLY, page: str = "utf-8") -> Path:
    """The assembly with more entities."""
    end = text.rindex("ENDSEC;")
    path.write_bytes((text[:end] + "".join(f"{entity};\n" for entity in more) + text[end:]).encode(page))
    return path


@pytest.mark.parametrize(
    ("name", "page"),
    [
        ("Gehäuse", "latin-1"), ("Größe 3", "latin-1"), ("Gehäuse", "utf-8"), ("底座", "gb18030"), ("轴承座 2", "gb18030"),
        ("底座", "utf-8"), ("取付板", "cp932"), ("ボルト", "cp932"), ("Деталь", "cp1251"),
    ],
)  # fmt: skip
def test_names_are_readable_in_any_code_page(tmp_path: Path, name: str, page: str) -> None:
    imported = import_cad(step(tmp_path / "part.step", text=ASSEMBLY.replace(NAME, name), page=page))
    assert {item.name for item in parts(imported)} == {name, "pin"}


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("\\X2\\5E955EA7\\X0\\", "底座"),
        ("Geh\\X\\E4use", "Gehäuse"),
        ("Geh\\S\\duse", "Gehäuse"),
        ("it''s #5", "it's #5"),
    ],
)
def test_names_are_readable_as_the_standard_writes_them(tmp_path: Path, written: str, name: str) -> None:
    imported = import_cad(step(tmp_path / "part.step", text=ASSEMBLY.replace(NAME, written)))
    assert {item.name for item in parts(imported)} == {name, "pin"}


def test_objects_bear_the_names_of_products_and_not_of_occurrences(tmp_path: Path) -> None:
    text = re.sub(r"(OCCURRENCE\('\d',)'[^']*'", r"\1'NAUO1'", ASSEMBLY)
    imported = import_cad(step(tmp_path / "part.step", text=text))
    assert {item.name for item in imported.objects} == {"assembly", "Türgriff links", "sub", "pin"}


def many_pins(count: int) -> list[str]:
    """Entities that place the pin again and again, 10 mm apart."""
    kinds = "REPRESENTATION_RELATIONSHIP_WITH_TRANSFORMATION({})SHAPE_REPRESENTATION_RELATIONSHIP()"
    found = []
    for n in range(count):
        point, place, transformation, relation, occurrence, shape, placed = (
            f"#{10_000 + 10 * n + k}" for k in range(7)
        )
        found += [
            f"{point}=CARTESIAN_POINT('',(0.,{10 * (n + 1)}.,0.))",
            f"{place}=AXIS2_PLACEMENT_3D('',{point},$,$)",
            f"{transformation}=ITEM_DEFINED_TRANSFORMATION('','',#11,{place})",
            f"{relation}=(REPRESENTATION_RELATIONSHIP('','',#408,#385){kinds.format(transformation)})",
            f"{occurrence}=NEXT_ASSEMBLY_USAGE_OCCURRENCE('p{n}','','',#380,#403,$)",
            f"{shape}=PRODUCT_DEFINITION_SHAPE('','',{occurrence})",
            f"{placed}=CONTEXT_DEPENDENT_SHAPE_REPRESENTATION({relation},{shape})",
        ]
    return found


def test_instances_of_step_share_one_mesh(tmp_path: Path) -> None:
    imported = import_cad(step(tmp_path / "pins.step", *many_pins(200)))
    assert len(parts(imported)) == 202 and len(meshes(imported)) == 2
    assert max(places(imported), key=lambda place: place[1]) == pytest.approx((0, 2, 0), abs=1e-5)


def test_a_body_that_the_file_hides_is_left_out_and_told(tmp_path: Path) -> None:
    imported = import_cad(step(tmp_path / "part.step", "#9001=INVISIBILITY((#9002))", "#9002=STYLED_ITEM('',(),#409)"))
    assert {item.name for item in parts(imported)} == {"Türgriff links"}
    (note,) = imported.notes
    assert note.startswith("part.step hides 'pin'")


def test_a_layer_that_the_file_hides_is_left_out(tmp_path: Path) -> None:
    layer = "#9002=PRESENTATION_LAYER_ASSIGNMENT('construction','',(#409))"
    imported = import_cad(step(tmp_path / "part.step", "#9001=INVISIBILITY((#9002))", layer))
    assert {item.name for item in parts(imported)} == {"Türgriff links"} and imported.notes


def test_only_the_occurrence_that_the_file_hides_is_left_out(tmp_path: Path) -> None:
    hidden = [
        "#9001=INVISIBILITY((#9002))", "#9002=OVER_RIDING_STYLED_ITEM('',(#9003),#409,#9009)",
        "#9003=PRESENTATION_STYLE_BY_CONTEXT((),#9004)", "#9004=SHAPE_REPRESENTATION('',(#11),#507)",
        "#9005=SHAPE_DEFINITION_REPRESENTATION(#10005,#9004)",
    ]  # fmt: skip
    imported = import_cad(step(tmp_path / "pins.step", *many_pins(3), *hidden))
    added = sorted(y for _, y, z in places(imported) if abs(z) < 1e-4)
    assert np.allclose(added, (0.02, 0.03), atol=1e-5)  # the one at 0.01 is hidden


def with_document(name: str) -> list[str]:
    return [
        f"#9001=DOCUMENT_FILE('{name}','',$,#9002,'',$)", "#9002=DOCUMENT_TYPE('')",
        "#9003=APPLIED_DOCUMENT_REFERENCE(#9001,'',(#403))",
    ]  # fmt: skip


WITHOUT_PIN = ASSEMBLY.replace("(#11,#409)", "(#11)")


@pytest.mark.parametrize("name", ["ring.step", "RING.STEP", "parts\\ring.step", "C:\\work\\ring.step"])
def test_a_file_that_an_assembly_refers_to_is_read_beside_it(tmp_path: Path, name: str) -> None:
    folder = tmp_path / ("parts" if name.startswith("parts") else "")
    folder.mkdir(exist_ok=True)
    (folder / "ring.step").write_bytes(CONE.read_bytes())
    file = step(tmp_path / "main.step", *with_document(name), *many_pins(2), text=WITHOUT_PIN)
    imported = import_cad(file)
    rings = [item for item in parts(imported) if item.name.startswith("ring")]
    assert len(rings) == 3 and len(meshes(imported)) == 2 and not imported.notes
    assert sorted(round(item.matrix_world.translation.y, 5) for item in rings) == [0, 0.01, 0.02]


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    imported = import_cad(step(tmp_path / "main.step", *with_document("screw.stp"), text=WITHOUT_PIN))
    (note,) = imported.notes
    assert note.startswith("main.step refers to 'screw.stp'") and len(parts(imported)) == 1


def edition_3(text: str, *sections: str) -> str:
    """A STEP file with sections between its header and its data."""
    return text.replace("ENDSEC;", "\n".join(("ENDSEC;", *sections)), 1)


def with_references(path: Path, file: str) -> Path:
    """The assembly, which also places an entity of another file twice, as edition 3 of STEP writes it."""
    references = f"REFERENCE;\n#900001=<{file}#definition>;\n#900002=<{file}#shape>;\nENDSEC;"
    placed = [entity.replace("#403", "#900001").replace("#408", "#900002") for entity in many_pins(2)]
    return step(path, *placed, text=edition_3(ASSEMBLY, references))


def test_what_edition_3_refers_to_is_read_beside_it(tmp_path: Path) -> None:
    ring = CONE.read_text()
    definition, shape = (
        re.search(rf"(#\d+)\s*=\s*{kind}\(", ring)[1]
        for kind in ("PRODUCT_DEFINITION", "ADVANCED_BREP_SHAPE_REPRESENTATION")
    )
    anchors = f"ANCHOR;\n<definition>={definition};\n<shape>={shape};\nENDSEC;"
    (tmp_path / "my ring.step").write_text(edition_3(ring, anchors))
    imported = import_cad(with_references(tmp_path / "main.step", "my%20ring.step"))
    rings = [item for item in parts(imported) if item.name.startswith("ring")]
    assert sorted(round(item.matrix_world.translation.y, 5) for item in rings) == [0.01, 0.02]
    assert len(parts(imported)) == 4 and len(meshes(imported)) == 3 and not imported.notes


def test_what_edition_3_refers_to_and_is_missing_is_named(tmp_path: Path) -> None:
    imported = import_cad(with_references(tmp_path / "main.step", "ring.step"))
    (note,) = imported.notes
    assert note.startswith("main.step refers to 'ring.step', which cannot be read") and len(parts(imported)) == 2
    (tmp_path / "ring.step").write_bytes(CONE.read_bytes())  # without the anchors
    (note,) = import_cad(tmp_path / "main.step").notes
    assert "'ring.step#definition'" in note


def test_files_that_refer_to_each_other_end(tmp_path: Path) -> None:
    step(tmp_path / "main.step", *with_document("other.step"), text=WITHOUT_PIN)
    step(tmp_path / "other.step", *with_document("main.step"), text=WITHOUT_PIN)
    try:
        assert import_cad(tmp_path / "main.step").objects
    except InputError as error:
        assert len(error.problems) == 1


def shifted(match: re.Match[str]) -> str:
    x, y, z = (float(value) for value in match[1].split(","))
    return f"CARTESIAN_POINT('',({x + 5e6},{y + 4e6},{z}))"


def test_step_far_from_the_origin_comes_near_and_keeps_its_surface(tmp_path: Path) -> None:
    near = area(import_cad(step(tmp_path / "near.step")))
    text = re.sub(r"CARTESIAN_POINT\('',\(([^,()]*,[^,()]*,[^,()]*)\)\)", shifted, ASSEMBLY)
    imported = import_cad(step(tmp_path / "far.step", text=text))
    assert area(imported) == pytest.approx(near, rel=1e-4)
    (note,) = imported.notes
    assert note.startswith("far.step lies 6,403 m from the origin")


def test_an_area_that_the_file_states_otherwise_is_told(tmp_path: Path) -> None:
    stated = [
        "#9001=PROPERTY_DEFINITION('geometric validation property','area of pin',#9005)",
        "#9002=PROPERTY_DEFINITION_REPRESENTATION(#9001,#9003)", "#9003=REPRESENTATION('surface area',(#9004),#507)",
        "#9004=MEASURE_REPRESENTATION_ITEM('surface area measure',AREA_MEASURE(50.),#9006)",
        "#9005=PRODUCT_DEFINITION_SHAPE('','',#403)", "#9006=DERIVED_UNIT((#9007))", "#9007=DERIVED_UNIT_ELEMENT(#508,2.)",
    ]  # fmt: skip
    (note,) = import_cad(step(tmp_path / "part.step", *stated)).notes
    assert note.startswith("'pin' has a surface of 42 mm², but the CAD program states 50 mm²")


def test_a_cut_off_step_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "part.step").write_text(ASSEMBLY[: ASSEMBLY.rindex("ENDSEC;") - 500])
    with pytest.raises(InputError, match=r"part\.step cannot be read as STEP"):
        import_cad(tmp_path / "part.step")
