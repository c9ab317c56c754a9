# SPDX-License-Identifier: GPL-3.0-or-later
"""Packages that are not the project's own, installed for one test into a folder that is thrown away."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


def environment_with(folder: Path, *packages: str) -> dict[str, str]:
    """The environment of a Python that finds ``packages`` first; skips the test where they cannot be had."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--only-binary=:all:", "--target", folder, *packages]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        version = ".".join(map(str, sys.version_info[:2]))
        reason = (done.stderr.strip().splitlines() or ["pip failed"])[-1]
        pytest.skip(f"{' and '.join(packages)} cannot be had for Python {version}: {reason}")
    return os.environ | {"PYTHONPATH": str(folder)}
