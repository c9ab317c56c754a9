# SPDX-License-Identifier: GPL-3.0-or-later
"""Where fuzzing starts: small valid inputs of every target, ``python tests/fuzz/seeds.py`` writes them."""

import io
import json
import zipfile

import numpy as np
from PIL import Image

from synthetic_similarity_search.tests.fuzz.targets import (
    CORPUS,
    FIELDS,
    FOLDER,
    HEADER,
    ROOT,
    TENSORS,
    cad_import,
    edited_step,
)
from synthetic_similarity_search.tests.photo_writers import netpbm, png, tiff


def write_seeds() -> None:
    """Write the seeds into the corpus."""
    header = json.dumps(HEADER).encode()
    seeds = {"database/valid": b"\0" + len(header).to_bytes(8, "little") + header + TENSORS}
    for number, field in enumerate(FIELDS):
        if field:
            text = HEADER["__metadata__"].get(field, "[0, 3]")
            seeds[f"database/{field}"] = bytes([number]) + text.encode()
    image = {"path": "a/0.png", "class": "a", "key": None, "pose": [[1, 0, 0, 0]] * 4}
    seeds["recipe/valid"] = json.dumps({"format_version": 1, "images": [image], "jitter": {"seed": 1}}).encode()
    for kind, options in {
        "PNG": {},
        "JPEG": {},
        "TIFF": {"compression": "tiff_lzw"},
        "WEBP": {},
        "GIF": {},
        "BMP": {},
        "PPM": {},
        "AVIF": {},
        "JPEG2000": {},
    }.items():
        file = io.BytesIO()
        exif = Image.Exif()
        exif[0x0112] = 6
        Image.radial_gradient("L").resize((9, 7)).convert("RGB").save(file, kind, **options, exif=exif)
        seeds[f"photo/{kind.lower()}"] = file.getvalue()
    y, x = np.mgrid[:20, :32]
    values = (x * y * 6)[:, :, None]
    colours = np.concatenate([values, 4095 - values, values[::-1]], axis=2)
    seeds |= {
        "photo/tiff_12": tiff(values, 1, bits=12),
        "photo/tiff_16_tiles": tiff(values.astype(np.uint16), 0, order=">", tile=(16, 16)),
        "photo/tiff_16_big": tiff(colours.astype(np.uint16), 2, big=True, deflate=True, predictor=2),
        "photo/tiff_float_planar": tiff((colours / 4095).astype(np.float32), 2, planar=True, deflate=True, predictor=3),
        "photo/tiff_signed": tiff((values - 2048).astype(np.int16), 1),
        "photo/png_16": png(values, chunks=((b"tRNS", b"\0\0"), (b"gAMA", b"\0\1\x86\xa0"))),
        "photo/png_16_colour": png(colours),
        "photo/pgm_12": netpbm("P5", values, 4095),
    }
    for line in (
        "embed --references . --database d.safetensors --crop 0,0,1,1",
        "validate --database d --photos p --output o --k 5 --reject --threshold 0.5 --explain --repeat-seeds 3",
        "classify --database d a.png b.png --json --evidence e",
        "edit --database d --remove a,b --promote p --add f --replace g",
        "export-onnx --database d --output o.onnx --input tensor --paper",
        "check --database d --model vits14 --progress-file p.json --debug",
        "--help",
    ):
        seeds[f"arguments/{line.split()[0]}"] = line.replace(" ", "\0").encode()
    for name, text in {
        "whole": "0,0,1,1",
        "middle": "0.25,0.25,0.5,0.5",
        "tiny": "0.5,0.5,1e-6,1e-300",
        "lines": "0,0,1,\n1",
    }.items():
        seeds[f"crop/{name}"] = bytes([9, 60]) + text.encode()
    seeds["crop/photo"] = b"\1\1.1,.1,.8,.8\0" + seeds["photo/jpeg"]
    seeds["step/valid"] = b"\0"
    seeds["step/edits"] = bytes([0, 4, 200, 3, 1, 0, 1, 10, 4, 90, 5])
    seeds["step/text"] = b"\1" + edited_step(b"").encode()[:900]
    seeds |= cad_seeds()
    for name, content in seeds.items():
        path = CORPUS / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def cad_seeds() -> dict[str, bytes]:
    """One small cube in every format."""
    cad_import()
    import addon_utils
    import bpy

    addon_utils.enable("io_scene_fbx", default_set=False)
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    bpy.ops.mesh.primitive_cube_add(size=0.02)
    exports = {
        "stl": bpy.ops.wm.stl_export, "obj": bpy.ops.wm.obj_export, "ply": bpy.ops.wm.ply_export,
        "glb": bpy.ops.export_scene.gltf, "fbx": bpy.ops.export_scene.fbx, "usdc": bpy.ops.wm.usd_export,
    }  # fmt: skip
    for suffix, export in exports.items():
        export(filepath=str(FOLDER / f"cube.{suffix}"))
    bpy.ops.wm.ply_export(filepath=str(FOLDER / "text.ply"), ascii_format=True)
    bpy.ops.wm.stl_export(filepath=str(FOLDER / "text.stl"), ascii_format=True)
    model = """<model unit="inch" xmlns="http://schemas.microsoft.com/3dmanufacturing/core/2015/02"><resources><object id="1"><mesh>
<vertices><vertex x="0" y="0" z="0"/><vertex x="1" y="0" z="0"/><vertex x="0" y="1" z="0"/></vertices><triangles><triangle v1="0"
v2="1" v3="2"/></triangles></mesh></object><object id="2"><components><component objectid="1"/></components></object></resources>
<build><item objectid="2" transform="1 0 0 0 1 0 0 0 1 5 5 5"/></build></model>"""
    with zipfile.ZipFile(FOLDER / "cube.3mf", "w") as archive:
        archive.writestr("_rels/.rels", '<R><R Target="/3D/a.model" Type="http://x/3dmodel"/></R>')
        archive.writestr("3D/a.model", model)
    files = [*(f"cube.{suffix}" for suffix in (*exports, "3mf")), "text.ply", "text.stl"]
    found = {f"{name.rpartition('.')[2]}/{name.partition('.')[0]}": (FOLDER / name).read_bytes() for name in files}
    return found | {"igs/cube": (ROOT / "tests" / "data" / "box.igs").read_bytes()}


if __name__ == "__main__":
    write_seeds()
