# SPDX-License-Identifier: GPL-3.0-or-later
"""A corpus of STEP files comes in with the area and volume that Open CASCADE states, or with a sentence that names the part.

The files are made for the test with the package OCP (``make test-corpus`` installs it);
``SIMSEARCH_CAD`` names a folder of others that are to be tried too.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import bpy
import numpy as np
import pytest

from synthetic_similarity_search.inference.errors import InputError
from synthetic_similarity_search.scene.cad_import import ImportedCAD, import_cad

ROOT = Path(__file__).resolve().parents[2]
REAL_CAD = Path(os.environ.get("SIMSEARCH_CAD") or ROOT.parent / "shared" / "cad")
CORPUS = Path(__file__).parent / "cad" / "corpus.py"
TOLERANCE = 0.005


def figures(imported: ImportedCAD) -> tuple[float, float]:
    """Area in mm² and volume in mm³ of all that was imported."""
    area = volume = 0.0
    for item in imported.objects:
        if item.type != "MESH":
            continue
        item.data.calc_loop_triangles()
        points = np.empty(len(item.data.vertices) * 3)
        corners = np.empty(len(item.data.loop_triangles) * 3, np.int32)
        item.data.vertices.foreach_get("co", points)
        item.data.loop_triangles.foreach_get("vertices", corners)
        a, b, c = (1000 * points.reshape(-1, 3) @ np.array(item.matrix_world)[:3, :3].T)[
            corners.reshape(-1, 3)
        ].swapaxes(0, 1)
        area += np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2
        volume += np.einsum("ij,ij->", a, np.cross(b, c)) / 6
    return area, volume


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, dict[str, float]]:
    """Files and what Open CASCADE says of them."""
    if subprocess.run([sys.executable, "-c", "import OCP"], capture_output=True, check=False).returncode:
        pytest.skip("the corpus is made with Open CASCADE: `make test-corpus` installs it and runs this")
    folder = tmp_path_factory.mktemp("corpus")
    subprocess.run([sys.executable, CORPUS, "make", folder], check=True, stdout=subprocess.DEVNULL)
    return {folder / name: stated for name, stated in json.loads((folder / "figures.json").read_text("utf-8")).items()}


def differing(files: dict[Path, dict[str, float]]) -> dict[str, object]:
    """The files whose parts measure something else, without a sentence that says so."""
    found: dict[str, object] = {}
    for file, stated in files.items():
        bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
        try:
            imported = import_cad(file)
        except InputError as error:
            found[file.name] = error.problems
            continue
        measured = dict(zip(("area", "volume"), figures(imported), strict=True))
        if not imported.notes and any(abs(measured[key] / stated[key] - 1) > TOLERANCE for key in stated):
            found[file.name] = measured, stated
    return found


def test_every_file_of_the_corpus_has_area_and_volume(corpus: dict[Path, dict[str, float]]) -> None:
    assert len(corpus) >= 40 and not differing(corpus)


@pytest.mark.skipif(not REAL_CAD.is_dir(), reason="no real CAD here; SIMSEARCH_CAD names its folder")
def test_real_files_have_area_and_volume(corpus: dict[Path, dict[str, float]]) -> None:
    files = [path for path in sorted(REAL_CAD.rglob("*")) if path.suffix.lower() in (".stp", ".step")]
    done = subprocess.run(
        [sys.executable, CORPUS, "measure", *files], capture_output=True, text=True, check=True, cwd=ROOT
    )
    stated = json.loads(done.stdout.splitlines()[-1])
    assert not differing({path: stated[str(path)] for path in files})
