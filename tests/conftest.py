# SPDX-License-Identifier: GPL-3.0-or-later
"""One Blender per test process, started as the command line starts it, and a tiny scene to work on."""

import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

USER_FOLDER = tempfile.mkdtemp()
os.environ["BLENDER_USER_RESOURCES"] = USER_FOLDER  # before bpy is imported: nobody's preferences take part
from synthetic_similarity_search import batch  # noqa: E402

batch.load_package()

import bpy  # noqa: E402

from synthetic_similarity_search.tests.reliability import (  # noqa: E402, F401  pytest finds its hooks here
    pytest_addoption,
    pytest_configure,
    pytest_runtest_makereport,
    write_table,
)
from synthetic_similarity_search.tests.tiny_scene import build_scene  # noqa: E402

STATUS = pytest.StashKey[int]()


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    session.config.stash[STATUS] = int(exitstatus)
    if table := session.config.getoption("--reliability"):
        write_table(table, session.testsfailed)
    shutil.rmtree(USER_FOLDER, ignore_errors=True)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """End without taking Blender down, which, as a module, may wait for ever."""
    if STATUS in config.stash:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(config.stash[STATUS])


@pytest.fixture
def scene() -> bpy.types.Scene:
    """A fresh tiny scene."""
    return build_scene()


@pytest.fixture(scope="session")
def blend_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny scene as a file."""
    build_scene()
    path = tmp_path_factory.mktemp("scene") / "tiny.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    return path


@pytest.fixture(scope="session")
def references(tmp_path_factory: pytest.TempPathFactory, blend_file: Path) -> Path:
    """A folder of references of the tiny scene, rendered once for all tests; not to be changed."""
    from synthetic_similarity_search.inference.progress import Progress
    from synthetic_similarity_search.scene.read_settings import read_settings
    from synthetic_similarity_search.scene.stills import render_references

    bpy.ops.wm.open_mainfile(filepath=str(blend_file))
    folder = tmp_path_factory.mktemp("output") / "references"
    render_references(bpy.context.scene, read_settings(bpy.context.scene), folder, Progress())
    return folder
