# SPDX-License-Identifier: GPL-3.0-or-later
"""A command in a process of its own, which ends with the process that started it, whatever ends that."""

import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..files import reason
from ..watched_stdin import WATCHED
from .tasks import HERE, PLAIN, RESULTS, SCENE, SCRIPT, Task, from_json

ROOT = Path(__file__).resolve().parents[2]
BATCH = ROOT / "batch.py"
ATTEMPTS = 5
"""How often a task is run whose process crashes; ``build`` leaves an image out after three crashes on it."""

GRACE = 15.0
"""Seconds a child gets to end by itself once its stdin is closed."""

Blender = str | None
"""The program that opens scenes; None: this Python, which has the ``bpy`` module."""


def find_blender(program: str | None = None) -> Blender:
    """What opens scenes here: ``program``, else the ``bpy`` module, else Blender.

    Raises:
        InputError: there is none.
    """
    if program:
        if found := shutil.which(program):
            return found
        raise InputError(f"There is no program {program}. Give --blender the path of Blender.")
    if importlib.util.find_spec("bpy"):
        return None
    if found := shutil.which("blender"):
        return found
    raise InputError("This Python has no bpy, and there is no program blender. Give --blender its path.")


def this_blender() -> str | None:
    """The Blender that this process is, if it is one."""
    bpy = sys.modules.get("bpy")
    return getattr(bpy.app, "binary_path", None) or None if bpy else None


def command_line(task: Task, blender: Blender) -> list[str]:
    """The command line of a task on this machine."""
    if task.kind == PLAIN:
        return [sys.executable, "-m", "inference", *task.arguments]
    script = task.kind == SCRIPT
    if blender is None:
        if script:
            return [sys.executable, task.file, *task.arguments]
        return [sys.executable, str(BATCH), "--scene", task.file, *task.arguments]
    paths = f"import sys; sys.path.extend(path for path in {sys.path!r} if path not in sys.path)"
    return [
        blender, "--background", "--factory-startup", "--python-exit-code", "1", *([] if script else [task.file]),
        *(["--python-expr", paths] if this_blender() else []),
        "--python", task.file if script else str(BATCH), "--", *task.arguments,
    ]  # fmt: skip


@dataclass(frozen=True)
class Result:
    """How a command ended: its exit ``status``, what it printed with ``--json``, and sentences on what went wrong."""

    status: int
    content: dict[str, Any]
    problems: tuple[str, ...]


class Child:
    """A running task. Ends with this process: its stdin is a pipe that the system closes then."""

    def __init__(self, task: Task, blender: Blender = None, threads: int | None = None) -> None:
        self.task = task
        self._scratch = Path(tempfile.mkdtemp(prefix="simsearch_"))
        self._attempt = 0
        self._blender = blender
        self._environment = dict(os.environ)
        if task.kind == PLAIN:
            known = os.environ.get("PYTHONPATH", "").split(os.pathsep)
            if this_blender():  # its wheels lie where only this process knows
                known = sys.path
            self._environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), *known]))
        self._environment |= dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(self._scratch))
        self._environment[WATCHED] = "1"
        if threads:
            self._environment.setdefault("SIMSEARCH_THREADS", str(threads))
        self._start()

    def _start(self) -> None:
        self._attempt += 1
        command = command_line(self.task, self._blender)
        if self.task.kind != SCRIPT:
            command += ["--json", "--progress-file", str(self._scratch / "progress.json")]
        with (self._scratch / "output").open("wb") as output, (self._scratch / "messages").open("wb") as messages:
            self.process = subprocess.Popen(
                command,
                cwd=self.task.folder or ROOT,
                env=self._environment,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=messages,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )

    def progress(self) -> tuple[int, int]:
        """How many items of how many of its present stage are done; 0 of 0 where it did not say."""
        try:
            told = json.loads((self._scratch / "progress.json").read_text("utf-8"))
            return int(told["done"]), int(told["total"])
        except (OSError, ValueError, KeyError, TypeError):
            return 0, 0

    def poll(self) -> Result | None:
        """Its result once it has ended; a process that crashed is started again, and continues where it was."""
        status = self.process.poll()
        if status is None:
            return None
        self._close()
        if status not in (0, 1, 2) and self.task.kind == SCENE and self._attempt < ATTEMPTS:
            self._start()
            return None
        result = self._result(status)
        shutil.rmtree(self._scratch, ignore_errors=True)
        return result

    def wait(self) -> Result:
        """Its result, once it has ended."""
        while (result := self.poll()) is None:
            time.sleep(0.05)
        return result

    def end(self) -> None:
        """End it: it stops after what it is at, or is killed."""
        self._close()
        try:
            self.process.wait(GRACE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self._scratch, ignore_errors=True)

    def _close(self) -> None:
        self.process.stdin.close()  # type: ignore[union-attr]

    def _result(self, status: int) -> Result:
        if self.task.kind == SCRIPT:
            wanted = Path(self.task.arguments[-1])
            if status == 0 and wanted.is_file():
                return Result(0, {}, ())
            why = f"ended with status {status}" if status else "wrote no scene"
            return Result(2, {}, (f"The script {self.task.file} {why}: {self._last_words()}. Correct it.",))
        content = self._content()
        problems = tuple(map(str, content.get("problems", ())))
        if status and not problems:
            problems = (f"The process ended with status {status}: {self._last_words()}.",)
        return Result(status, content, problems)

    def _content(self) -> dict[str, Any]:
        """The last line of its stdout, where that is a JSON object."""
        lines = (self._scratch / "output").read_text("utf-8", "replace").splitlines()
        try:
            content = json.loads(lines[-1])
        except (IndexError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}

    def _last_words(self) -> str:
        """What its messages say of how it ended."""
        lines = [line.strip() for line in self._text().splitlines() if line.strip()]
        fatal = next((line for line in lines if line.startswith("Fatal Python error")), None)
        return (fatal or (lines[-1] if lines else "no message")).rstrip(".")

    def _text(self) -> str:
        return (self._scratch / "messages").read_text("utf-8", "replace")


# In a worker of a cluster

_here: list[Blender] = [None]
_running: set[Child] = set()


def serve(blender: Blender) -> None:
    """Let :func:`run_here` use this Blender."""
    _here[0] = blender


def run_here(content: dict[str, Any]) -> dict[str, Any]:
    """Run a task, as :func:`.tasks.as_json` gives it, as a child of this process; a Blender that crashes is not us."""
    child = Child(from_json(content), _here[0])
    _running.add(child)
    try:
        result = child.wait()
    finally:
        _running.discard(child)
    return {"status": result.status, "content": result.content, "problems": list(result.problems)}


def run_sent(content: dict[str, Any], files: Mapping[str, tuple[int, bytes]]) -> dict[str, Any]:
    """Run a task whose ``files`` came with it: time of modification in nanoseconds and content, by path in its folder.

    Returns:
        As :func:`run_here`, and ``folder``, where it ran, and ``made``: content by path of what it wrote below results.
    """
    with tempfile.TemporaryDirectory(prefix="simsearch_", ignore_cleanup_errors=True) as folder:
        try:
            for name, (modified, data) in files.items():
                path = Path(folder, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
                os.utime(path, ns=(modified, modified))
            result = run_here(json.loads(json.dumps(content).replace(HERE, Path(folder).as_posix())))
            results = Path(folder, RESULTS)
            written = {path.relative_to(results).as_posix(): path for path in results.rglob("[!.]*") if path.is_file()}
            made = {
                name: path.read_bytes()
                for name, path in written.items()
                if files.get(f"{RESULTS}/{name}", (0,))[0] != path.stat().st_mtime_ns
            }
        except OSError as error:
            why = f"Worker {socket.gethostname()} cannot write to {folder}: {reason(error)}. Make room there."
            return {"status": 1, "content": {}, "problems": [why], "folder": folder, "made": {}}
    return result | {"folder": Path(folder).as_posix(), "made": made}


def end_all() -> None:
    """End what runs here."""
    for child in list(_running):
        child.end()
