# SPDX-License-Identifier: GPL-3.0-or-later
"""Long jobs: a child Blender runs a command of ``batch.py`` on a copy of the scene as it is.

The child is the same program as the headless doors, so what works here works on a server. It reports by the
progress file, the window stays alive, and its memory is given back when it ends. No threads.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

import bpy
from bpy.app.handlers import persistent

from .. import preferences
from ..inference.errors import InputError
from ..scene.child import child_command, save_copy
from . import steps

GRACE = 5.0
"""Seconds a child gets to stop by itself after it was asked to."""

latest: "Job | None" = None
"""The running job, or the last one of this session, whose message and log the panels show."""


class State(Enum):
    """Where a job stands."""

    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"


@dataclass
class Job:
    """One child process. The scene is kept by name: undo and file load replace the object behind it."""

    title: str
    scene_name: str
    folder: Path
    process: subprocess.Popen[bytes]
    state: State = State.RUNNING
    result: dict[str, Any] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    started: float = field(default_factory=time.monotonic)
    stop_asked: float | None = None

    @property
    def log(self) -> Path:
        """What the child wrote to stderr, and Blender's own messages."""
        return self.folder / "log.txt"

    def running(self) -> bool:
        """Whether the child still runs; settles the outcome the first time it does not."""
        if self.state is State.RUNNING:
            status = self.process.poll()
            if status is not None:
                self._settle(status)
            elif self.stop_asked is not None and time.monotonic() - self.stop_asked > GRACE:
                self._signal(kill=True)
        return self.state is State.RUNNING

    def progress(self) -> tuple[float, str]:
        """Share done (0..1) of the present stage and a sentence with counts and remaining time."""
        if self.stop_asked is not None:
            return 1.0, f"{self.title}: stopping"
        try:
            report = json.loads((self.folder / "progress.json").read_text("utf-8"))
        except (OSError, ValueError):
            return 0.0, f"{self.title}: starting, {duration(time.monotonic() - self.started)}"
        done, total = int(report["done"]), max(1, int(report["total"]))
        left = ""
        if done:
            left = f", {duration(float(report['seconds']) / done * (total - done))} left"
        stage = str(report["stage"])
        return done / total, f"{stage[0].upper()}{stage[1:]}: {done} of {total}{left}"

    def ask_to_stop(self) -> None:
        """Ask the child to stop; every image it has finished stays."""
        if self.state is State.RUNNING and self.stop_asked is None:
            self.stop_asked = time.monotonic()
            self._signal(kill=False)

    def stop(self) -> None:
        """Stop the child and wait until it is gone."""
        self.ask_to_stop()
        if self.state is State.RUNNING:
            try:
                self.process.wait(GRACE)
            except subprocess.TimeoutExpired:
                self._signal(kill=True)
                self.process.wait()
            self.running()

    def wait(self) -> None:
        """Wait until the child has ended by itself."""
        self.process.wait()
        self.running()

    def _signal(self, kill: bool) -> None:
        if sys.platform == "win32":
            self.process.kill()
            return
        with suppress(ProcessLookupError):  # The child leads its own process group, so what it started ends too.
            os.killpg(self.process.pid, signal.SIGKILL if kill else signal.SIGTERM)

    def _settle(self, status: int) -> None:
        for copy in self.folder.glob("*.blend"):
            copy.unlink()
        report = last_json((self.folder / "result.txt").read_text("utf-8", "replace"))
        if self.stop_asked is not None:
            self.state = State.CANCELLED
        elif status == 0 and report is not None:
            self.state, self.result = State.DONE, report
        else:
            self.state = State.FAILED
            problems = report.get("problems") if report else None
            if isinstance(problems, list):
                self.problems = tuple(str(problem) for problem in problems)
            else:
                self.problems = (f"Blender ended with status {status}. Open Log shows its last messages.",)


def duration(seconds: float) -> str:
    """Seconds as a person says them: ``45 s``, ``3 min 20 s``, ``2 h 5 min``."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def last_json(text: str) -> dict[str, Any] | None:
    """The last line that is a JSON object; Blender itself may write lines after it."""
    for line in reversed(text.splitlines()):
        if line.startswith("{"):
            try:
                report = json.loads(line)
            except ValueError:
                continue
            if isinstance(report, dict):
                return report
    return None


def running() -> bool:
    """Whether a job runs now."""
    return latest is not None and latest.running()


def start(context: bpy.types.Context, title: str, arguments: list[str]) -> Job:
    """Save a copy of the file as it is now, unsaved changes included, and run a command on it in a child
    Blender.

    ``arguments`` must hold absolute paths.
    """
    global latest
    if latest is not None:
        shutil.rmtree(latest.folder, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix="simsearch_", dir=bpy.app.tempdir))
    scene_file = save_copy(folder)
    arguments = [*arguments, "--json", "--progress-file", str(folder / "progress.json")]
    messages = folder / "log.txt"
    with (folder / "result.txt").open("wb") as result, messages.open("ab") as log:
        process = subprocess.Popen(
            child_command(scene_file, arguments),
            env=os.environ | preferences.environment(context) | {"SIMSEARCH_LOG": str(messages)},
            stdin=subprocess.DEVNULL,
            stdout=result,
            stderr=log,
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    latest = Job(title, context.scene.name, folder, process)
    return latest


class JobOperator(bpy.types.Operator):
    """Base of the operators that run a job: modal from a button, blocking from a script or without a window."""

    bl_options = {"UNDO"}  # the stored result is part of the scene
    title = ""

    def arguments(self, context: bpy.types.Context) -> list[str]:
        """The command and its options; raises InputError."""
        raise NotImplementedError

    def store(self, scene: bpy.types.Scene, result: dict[str, Any]) -> str:
        """Keep the result with the scene; returns the sentence to report."""
        raise NotImplementedError

    @classmethod
    def missing(cls, scene: bpy.types.Scene) -> str | None:
        """The next step before this job can run."""
        return steps.next_step(scene)

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Only one job at a time, and only when nothing is missing."""
        return steps.allowed(cls, "Wait for the running job, or cancel it" if running() else cls.missing(context.scene))

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Run to the end."""
        job = self._start(context)
        if job is None:
            return {"CANCELLED"}
        job.wait()
        return self._finish(job)

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """Run beside the window, which stays usable."""
        if bpy.app.background:
            return self.execute(context)
        job = self._start(context)
        if job is None:
            return {"CANCELLED"}
        self.job = job
        self.timer = context.window_manager.event_timer_add(0.25, window=context.window)
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Show the progress a few times a second; ESC cancels the job, every other key is Blender's."""
        job = self.job
        if event.type == "ESC" and event.value == "PRESS":
            job.ask_to_stop()
            return {"RUNNING_MODAL"}
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        redraw(context)
        if job.running():
            context.workspace.status_text_set(f"{job.progress()[1]}   (ESC cancels)")
            return {"PASS_THROUGH"}
        self.cancel(context)
        return self._finish(job)

    def cancel(self, context: bpy.types.Context) -> None:
        """Blender calls this where the window closes or another file is loaded."""
        self.job.stop()
        context.window_manager.event_timer_remove(self.timer)
        if context.workspace is not None:
            context.workspace.status_text_set(None)

    def _start(self, context: bpy.types.Context) -> Job | None:
        try:
            return start(context, self.title, self.arguments(context))
        except InputError as error:
            self.report({"ERROR"}, "\n".join(error.problems))
        except (OSError, RuntimeError) as error:
            self.report({"ERROR"}, f"The job could not start: {error}. Free disk space, or restart Blender.")
        return None

    def _finish(self, job: Job) -> set[str]:
        scene = bpy.data.scenes.get(job.scene_name)
        if job.state is State.CANCELLED:
            self.report({"WARNING"}, f"{job.title} cancelled; what was finished stays")
        elif job.state is State.FAILED:
            self.report({"ERROR"}, "\n".join(job.problems))
        elif scene is None:
            self.report({"WARNING"}, f"{job.title} is done, but its scene {job.scene_name} was removed or renamed")
        else:
            self.report({"INFO"}, self.store(scene, job.result))
            return {"FINISHED"}
        return {"CANCELLED"}


class SIMSEARCH_OT_cancel_job(bpy.types.Operator):
    bl_idname = "simsearch.cancel_job"
    bl_label = "Cancel"
    bl_description = "Stop the running job; what was finished stays, and the next run goes on from there"

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        return steps.allowed(cls, None if running() else "No job is running")

    def execute(self, _context: bpy.types.Context) -> set[str]:
        assert latest is not None
        latest.ask_to_stop()
        return {"FINISHED"}


class SIMSEARCH_OT_show_log(bpy.types.Operator):
    bl_idname = "simsearch.show_log"
    bl_label = "Open Log"
    bl_description = "Open what the last job wrote, to find out why it failed"

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        there = latest is not None and latest.log.is_file()
        return steps.allowed(cls, None if there else "No job has run since Blender was started")

    def execute(self, _context: bpy.types.Context) -> set[str]:
        assert latest is not None
        bpy.ops.wm.path_open(filepath=str(latest.log))
        return {"FINISHED"}


def redraw(context: bpy.types.Context) -> None:
    """Redraw the sidebars, which show the job, but not the viewport beside them, which may be slow."""
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "VIEW_3D":
                for region in area.regions:
                    if region.type == "UI":
                        region.tag_redraw()


@persistent  # type: ignore[untyped-decorator]
def end_job(*_: object) -> None:
    """A job of the old file must not outlive it."""
    if latest is not None:
        latest.stop()


CLASSES = (SIMSEARCH_OT_cancel_job, SIMSEARCH_OT_show_log)
