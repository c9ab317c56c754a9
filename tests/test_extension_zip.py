# SPDX-License-Identifier: GPL-3.0-or-later
"""The built zip, installed as a user would: through Blender's own mechanism, into an empty user folder."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import bpy
import pytest

ROOT = Path(__file__).resolve().parents[1]
SERIES = "5.1" if bpy.app.version >= (5, 1) else "4.5"
ZIPS = sorted((ROOT / "dist").glob(f"*-linux-x64-blender{SERIES}*.zip"))

pytestmark = pytest.mark.skipif(
    not ZIPS or sys.platform != "linux", reason="no zip for this Blender in dist/; `make build PLATFORM=linux-x64` makes it"
)

INSTALL = """
import json, sys
import bpy

bpy.ops.extensions.package_install_files(filepath=sys.argv[1], repo="user_default", enable_on_install=True)
import bl_ext.user_default.synthetic_similarity_search as extension
from pathlib import Path

folder = Path(extension.__file__).parent
scene = bpy.context.scene
found = {
    "k": scene.simsearch.k,
    "encoder": (folder / "models" / "vits14.onnx").is_file(),
    "importer": hasattr(bpy.types, "SIMSEARCH_OT_import_cad"),
}
import onnxruntime
found["onnxruntime"] = onnxruntime.__file__
bpy.ops.preferences.addon_disable(module="bl_ext.user_default.synthetic_similarity_search")
found["left"] = [name for name in dir(bpy.types) if name.startswith("SIMSEARCH_")] + [
    name for name in ("simsearch",) if hasattr(bpy.types.Scene, name)
]
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """What the extension looks like from inside a Blender that has just installed it."""
    user = tmp_path_factory.mktemp("user")
    environment = os.environ | {"BLENDER_USER_RESOURCES": str(user)}
    done = subprocess.run(
        [sys.executable, "-c", INSTALL, str(ZIPS[-1])], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.strip().splitlines()[-1]) | {"user": str(user)}


def test_installs_and_registers(installed: dict[str, object]) -> None:
    assert installed["k"] == 5
    assert installed["encoder"] and installed["importer"]


def test_disabling_leaves_nothing_registered(installed: dict[str, object]) -> None:
    assert installed["left"] == []


def test_holds_what_a_user_needs_and_nothing_else() -> None:
    with zipfile.ZipFile(ZIPS[-1]) as archive:
        names = archive.namelist()
        licences = archive.read("THIRD_PARTY.md").decode()
        manifest = archive.read("blender_manifest.toml").decode()
    folders = {name.split("/")[0] for name in names}
    assert folders.isdisjoint({"tests", "tools", "benchmarks", "docs", "examples", "requirements", "dist"})
    wheels = [Path(name).name for name in names if name.endswith(".whl")]
    assert not any(wheel.startswith("numpy") for wheel in wheels)
    for wheel in wheels:
        assert f'"./wheels/{wheel}"' in manifest
        assert wheel.split("-")[0].replace("_", "-").lower() in licences.lower().replace("_", "-")
    assert ("standin" in ZIPS[-1].name) == ("stand-in" in manifest)
