# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands run as users run them, in a process of their own."""

import json
import subprocess
import sys
from typing import Any

from synthetic_similarity_search.tests.tiny_scene import ROOT


def run(*arguments: object, program: tuple[str, ...] = (sys.executable, str(ROOT / "batch.py"))) -> Any:
    return subprocess.run([*program, *map(str, arguments)], capture_output=True, text=True, timeout=300, check=False)


def last_json(output: str) -> dict[str, Any]:
    return dict(json.loads(output.splitlines()[-1]))
