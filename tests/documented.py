# SPDX-License-Identifier: GPL-3.0-or-later
"""The pages of the documentation and the commands on them."""

import re

from synthetic_similarity_search.tests.tiny_scene import ROOT

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def commands() -> list[tuple[str, str]]:
    """Page and line of every command in a fenced block."""
    found = []
    for page in PAGES:
        for block in re.findall(r"(?ms)^```\w*\n(.*?)^```", page.read_text("utf-8")):
            for line in block.replace("\\\n", " ").splitlines():
                command = re.split(r"\s{2,}#", line)[0].strip()
                if re.match(r"(\w+=\S+ )*(blender|python|make|pip) ", command):
                    found.append((page.name, command))
    return found
