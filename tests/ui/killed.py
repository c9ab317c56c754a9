# SPDX-License-Identifier: GPL-3.0-or-later
"""A Blender that is killed takes its child with it. The run ends with status 137, as this Blender is killed on purpose.

tests/ui/run killed.py EXTENSION.zip
"""

import os
import signal
import subprocess
from collections.abc import Iterator

import bpy
import driver
import station

WATCH = """
ended() { ! [ -e "/proc/$1" ] || grep -q ') Z ' "/proc/$1/stat"; }  # Z: nobody has asked yet how it ended
while ! ended "$0"; do sleep 0.2; done
for _ in $(seq 450); do
  ended "$1" && { echo "12: the child ended with its Blender"; exit; }
  sleep 0.2
done
echo "12: THE CHILD STILL RUNS"
"""


def steps() -> Iterator[float]:
    station.set_up()
    yield from driver.open_sidebar()
    with driver.in_viewport():
        bpy.ops.simsearch.render("INVOKE_DEFAULT")
    job = driver.extension("interface.child_job").latest  # type: ignore[attr-defined]
    yield from driver.wait_for(lambda: " of " in job.progress()[1], 120, "the first image")
    child = job.process
    assert child.poll() is None
    subprocess.Popen(["sh", "-c", WATCH, str(os.getpid()), str(child.pid)], start_new_session=True)
    yield 0.5
    os.kill(os.getpid(), signal.SIGKILL)


driver.run(steps)
