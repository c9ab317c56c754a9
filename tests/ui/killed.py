# SPDX-License-Identifier: GPL-3.0-or-later
"""A Blender that is killed takes its child with it. The run ends with status 137, as this Blender is killed on purpose."""

import os
import signal
import subprocess
from collections.abc import Iterator

import bpy
import driver
import station

WATCH = """
while kill -0 "$0" 2>/dev/null; do sleep 0.2; done
for _ in $(seq 50); do
  kill -0 "$1" 2>/dev/null || { echo "12: the child ended with its Blender"; exit; }
  sleep 0.2
done
echo "12: THE CHILD STILL RUNS"
"""


def steps() -> Iterator[float]:
    station.set_up()
    yield from driver.open_sidebar()
    with driver.in_viewport():
        bpy.ops.simsearch.render("INVOKE_DEFAULT")
    yield 4.0
    child = driver.extension("interface.child_job").latest.process  # type: ignore[attr-defined]
    assert child.poll() is None
    subprocess.Popen(["sh", "-c", WATCH, str(os.getpid()), str(child.pid)], start_new_session=True)
    yield 0.5
    os.kill(os.getpid(), signal.SIGKILL)


driver.run(steps)
