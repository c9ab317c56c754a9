# SPDX-License-Identifier: GPL-3.0-or-later
"""glTF files of other programs, readied for Blender's importer."""

import json
import urllib.parse
from pathlib import Path
from typing import Any

from .glb import Glb, merge_equal_meshes
from .notes import Notes


def readied_gltf(path: Path, scratch: Path) -> tuple[Path, Notes]:
    """The file to import in place of a glTF file: without animation and with equal meshes made one.

    Args:
        path: a .gltf or .glb file.
        scratch: a folder to write to.

    Returns:
        ``path`` itself where nothing is to change or the file is damaged, as the importer knows what is wrong.
    """
    try:
        glb = Glb.read(path) if path.read_bytes()[:4] == b"glTF" else Glb(json.loads(path.read_bytes()), b"")
        before = json.dumps(glb.document)
        animations = glb.document.pop("animations", [])
        merge_equal_meshes(glb.document)
        unchanged = json.dumps(glb.document) == before
        _point_from(scratch, path.parent, glb)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError):
        return path, Notes()
    if unchanged:
        return path, Notes()
    target = scratch / f"{path.stem}.gltf"
    target.write_text(json.dumps(glb.document), "utf-8")
    said = [f"{path.name} contains animation, which was left out, because parts do not move."] if animations else []
    return target, Notes(said=said)


def _point_from(scratch: Path, folder: Path, glb: Glb) -> None:
    """Let a document that is written to ``scratch`` find what lies in the ``folder`` that it comes from."""
    buffers: list[dict[str, Any]] = glb.document.get("buffers", [])
    if glb.binary and buffers:
        (scratch / "buffer.bin").write_bytes(glb.binary)
        buffers[0]["uri"] = "buffer.bin"
    for entry in [*buffers[bool(glb.binary) :], *glb.document.get("images", ())]:
        if "uri" in entry and not entry["uri"].startswith("data:"):
            entry["uri"] = urllib.parse.quote(str((folder / urllib.parse.unquote(entry["uri"])).resolve()))
