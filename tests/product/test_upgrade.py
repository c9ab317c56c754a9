# SPDX-License-Identifier: GPL-3.0-or-later
"""From an older version's zip to this one's, and back to none: settings and data stay the user's."""

import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import bpy
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
SERIES = "5.1" if bpy.app.version >= (5, 1) else "4.5"
ZIPS = sorted((ROOT / "dist").glob(f"*-linux-x64-blender{SERIES}*.zip"))

UPGRADE = """
import json, os, sys
from pathlib import Path

older, newer, blend, user, libraries = sys.argv[1:]
sys.path.append(libraries)
import bpy

name = "bl_ext.user_default.synthetic_similarity_search"

def version():
    import tomllib
    return tomllib.loads(Path(user, "extensions/user_default/synthetic_similarity_search/blender_manifest.toml").read_text())["version"]

bpy.ops.extensions.package_install_files(filepath=older, repo="user_default", enable_on_install=True)
found = {"before": version()}
bpy.ops.wm.open_mainfile(filepath=blend)
bpy.context.scene.simsearch.k = 7
bpy.context.scene.simsearch.classes[0].name = "kept"
bpy.ops.wm.save_as_mainfile(filepath=blend)
bpy.ops.extensions.package_install_files(filepath=newer, repo="user_default", enable_on_install=True)
found["after"] = version()
bpy.ops.wm.open_mainfile(filepath=blend)
found["settings"] = [bpy.context.scene.simsearch.k, bpy.context.scene.simsearch.classes[0].name]
bpy.ops.extensions.package_uninstall(repo_index=[r.module for r in bpy.context.preferences.extensions.repos].index("user_default"), pkg_id="synthetic_similarity_search")
found["left"] = sorted(str(path.relative_to(user)) for path in Path(user).rglob("*synthetic_similarity_search*"))
found["left"] += [each for each in dir(bpy.types) if each.startswith("SIMSEARCH_")]
found["left"] += [str(path) for path in Path(user, "extensions/.local").rglob("*onnxruntime*")]
bpy.ops.wm.open_mainfile(filepath=blend)
bpy.ops.wm.save_as_mainfile(filepath=blend)
found["objects"] = len(bpy.data.objects)
print(json.dumps(found), flush=True)
os._exit(0)  # Blender as a module may wait for ever while it is taken down
"""


@pytest.mark.skipif(
    not ZIPS or sys.platform != "linux",
    reason="no zip for this Blender in dist/; `make build PLATFORM=linux-x64` makes it",
)
@pytest.mark.reliability(
    "fault", "an older version replaced by this one, then removed", "settings and data kept; nothing else left"
)
def test_upgrade_keeps_settings_and_removal_leaves_nothing(blend_file: Path, tmp_path: Path) -> None:
    older, user, libraries = tmp_path / "older.zip", tmp_path / "user", tmp_path / "libraries"
    with zipfile.ZipFile(ZIPS[-1]) as new, zipfile.ZipFile(older, "w") as old:
        for entry in new.infolist():
            content = new.read(entry)
            if entry.filename == "blender_manifest.toml":
                content = re.sub(rb'(?m)^version = ".*"$', b'version = "0.0.1"', content)
            old.writestr(entry, content)
    libraries.mkdir()
    packages = Path(np.__file__).parents[1]
    for library in (packages / "bpy", *packages.glob("numpy*")):
        (libraries / library.name).symlink_to(library)
    blend = tmp_path / "data" / "scene.blend"
    blend.parent.mkdir()
    blend.write_bytes(blend_file.read_bytes())
    (blend.parent / "references.safetensors").write_bytes(b"the user's own")
    done = subprocess.run(
        [sys.executable, "-S", "-c", UPGRADE, older, ZIPS[-1], blend, user, libraries],
        env=os.environ | {"BLENDER_USER_RESOURCES": str(user)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    # Blender's own lines may come after ours, as it flushes them when it ends.
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("{"))
    found = json.loads(line)
    assert found["before"] == "0.0.1" and found["after"] != "0.0.1"
    assert found["settings"] == [7, "kept"]
    assert found["left"] == [] and found["objects"] > 0
    assert (blend.parent / "references.safetensors").read_bytes() == b"the user's own"
