# SPDX-License-Identifier: GPL-3.0-or-later
"""The benchmarks: their scenes can be rendered, and accuracy's halves keep the crops of one photograph together."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from synthetic_similarity_search.benchmarks import accuracy

ROOT = Path(__file__).resolve().parents[2]


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *map(str, command)], cwd=ROOT, check=False, capture_output=True, text=True)


SCRIPTS = [accuracy.ALL_CASES[name].script for name in ("screw", "t_joint", "fastening plug", "fine relief")]
NAIVE = [accuracy.ALL_CASES[name].naive for name in ("plates", "brackets")]


@pytest.mark.parametrize("script", [*SCRIPTS, *NAIVE, ("many_classes.py", "3")], ids=" ".join)
def test_scene_of_a_case_can_be_rendered(script, tmp_path):
    script, *arguments = script
    scene = tmp_path / "scene.blend"
    made = run(accuracy.CASES / script, *arguments, scene)
    assert scene.exists(), made.stderr

    checked = run("batch.py", "--scene", scene, "check")

    assert checked.returncode == 0, checked.stderr
    assert "Warning" not in checked.stderr


def test_crops_of_one_photograph_are_in_the_same_half():
    sites = {accuracy.held_out(Path(f"img013_site{site}.jpg")) for site in range(1, 5)}
    assert sites == {True}
    assert not accuracy.held_out(Path("img014_site3.jpg"))
    assert accuracy.held_out(Path("photo_0007.png"))


def test_a_photograph_cut_to_4_3_is_stretched_or_cropped():
    rows = np.linspace(0, 223, 224)
    image = Image.fromarray(np.uint8(np.stack(np.broadcast_arrays(rows[:, None], rows[None, :], 0.0), axis=-1)))
    stretched, cropped = (
        np.asarray(accuracy.choices.LIMITS[name](image), float)
        for name in ("cut to 4:3 and stretched", "cut to 4:3 and cropped to its middle")
    )
    middle = 28 + (rows + 0.5) * 0.75 - 0.5  # rows 28 to 196, stretched to 224
    inside = slice(4, -4)
    for picture, down, across in ((stretched, middle, rows), (cropped, middle, middle)):
        assert abs(picture[inside, 112, 0] - down[inside]).max() <= 1
        assert abs(picture[112, inside, 1] - across[inside]).max() <= 1
