# SPDX-License-Identifier: GPL-3.0-or-later
"""Python in a process of its own, with limits: what reads strangers' files there can crash or never end."""

import math
import os
import subprocess
import sys

_LIMITS = """
import sys
memory, seconds, *arguments = sys.argv[sys.argv.index("--") + 1:]
try:
    import resource
    # The processor time ends it should Blender be gone. There may be a lower limit already.
    for limit, most in ((resource.RLIMIT_AS, int(memory)), (resource.RLIMIT_CPU, int(seconds))):
        hard = resource.getrlimit(limit)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(limit, (most, most))
except ImportError:
    pass  # Windows has no such limits
"""


def run_limited(
    python: tuple[str, ...], code: str, arguments: list[str], *, seconds: float, memory: int, packages: bool = False
) -> int:
    """Run code that finds its ``arguments`` in a variable of that name.

    Args:
        python: the command that runs a piece of Python given as the next argument.
        code: the piece of Python.
        arguments: its arguments.
        seconds: when it is stopped.
        memory: bytes that it may take, except on Windows.
        packages: whether it finds the packages that this process finds, which an extension brings.

    Returns:
        The exit status; what the process prints goes nowhere.

    Raises:
        subprocess.TimeoutExpired: it was stopped.
    """
    limits = [str(memory), str(math.ceil(seconds) * (os.cpu_count() or 1))]
    found = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))} if packages else {}
    done = subprocess.run(
        [*python, _LIMITS + code, "--", *limits, *arguments], env=os.environ | found, timeout=seconds, check=False,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,  # of any length
    )  # fmt: skip
    return done.returncode
