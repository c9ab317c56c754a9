# SPDX-License-Identifier: GPL-3.0-or-later
"""STL and OBJ files as text, readied for Blender's importers."""

import re
from pathlib import Path

from .names import code_page, readable

_FACET = re.compile(rb"^\s*facet\s", re.IGNORECASE | re.MULTILINE)


def readied_stl(path: Path, scratch: Path) -> Path:
    """The file to import in place of an STL file: text in small letters, which are all that Blender knows.

    Args:
        path: an STL file.
        scratch: a folder to write to.

    Returns:
        ``path`` itself where it is binary or in small letters.
    """
    content = path.read_bytes()
    binary = len(content) == 84 + 50 * int.from_bytes(content[80:84], "little")
    if binary or not _FACET.search(content):
        return path
    target = scratch / f"{path.stem}.stl"
    target.write_bytes(content.lower())
    return target


def readied_obj(path: Path, scratch: Path) -> Path:
    """The file to import in place of an OBJ file: names in UTF-8, which is all that Blender knows.

    Args:
        path: an OBJ file.
        scratch: a folder to write to.

    Returns:
        ``path`` itself where it is UTF-8 already.
    """
    content = path.read_bytes()
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    else:
        return path
    lines = text.split("\n")
    page = code_page(line for line in lines if not line.isascii())
    target = scratch / path.name
    for number, line in enumerate(lines):
        if line.startswith("mtllib "):
            lines[number] = f"mtllib {path.parent / readable(line.split(None, 1)[1], page)}"
        elif not line.isascii():
            lines[number] = readable(line, page)
    target.write_text("\n".join(lines), "utf-8")
    return target
