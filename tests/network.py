# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes without a network."""

import shutil
import subprocess

import pytest


def unshare() -> list[str]:
    """The command that takes the network away from a process; skips the test where it may not be used."""
    for options in (["-n"], ["-rn"]):
        if (
            shutil.which("unshare")
            and subprocess.run(["unshare", *options, "true"], check=False, capture_output=True).returncode == 0
        ):
            return ["unshare", *options]
    pytest.skip("network namespaces are not permitted here (unshare -rn)")
