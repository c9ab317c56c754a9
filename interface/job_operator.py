# SPDX-License-Identifier: GPL-3.0-or-later
"""The base of the operators that run a job."""

from typing import Any

import bpy

from ..inference.errors import InputError
from . import checklist, child_job
from .child_job import Job, State
from .translations import translated


class JobOperator(bpy.types.Operator):
    """Base of the operators that run a job: modal from a button, blocking from a script or without a window."""

    bl_options = {"UNDO"}  # the stored result is part of the scene
    title = ""

    def arguments(self, context: bpy.types.Context) -> list[str]:
        """The command and its options; raises InputError."""
        raise NotImplementedError

    def read(self, content: dict[str, Any]) -> Any:
        """The typed result, from the JSON object that the command printed."""
        raise NotImplementedError

    def store(self, scene: bpy.types.Scene, result: Any) -> str:
        """Keep the result, as :meth:`read` returned it, with the scene; returns the sentence to report."""
        raise NotImplementedError

    @classmethod
    def missing(cls, scene: bpy.types.Scene) -> str | None:
        """The next step before this job can run."""
        return checklist.next_step(scene)

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Only one job at a time, and only when nothing is missing."""
        return checklist.allowed(
            cls, "Wait for the running job, or cancel it" if child_job.running() else cls.missing(context.scene)
        )

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
        child_job.redraw(context)
        if job.running():
            context.workspace.status_text_set(translated(f"{job.progress()[1]}   (ESC cancels)"))
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
            return child_job.start(context, self.title, self.arguments(context), self.read)
        except InputError as error:
            self.report({"ERROR"}, translated("\n".join(error.problems)))
        except (OSError, RuntimeError) as error:
            self.report(
                {"ERROR"}, translated(f"The job could not start: {error}. Free disk space, or restart Blender.")
            )
        return None

    def _finish(self, job: Job) -> set[str]:
        scene = bpy.data.scenes.get(job.scene_name)
        if job.state is State.CANCELLED:
            self.report({"WARNING"}, translated(f"{job.title} cancelled; what was finished is kept"))
        elif job.state is State.FAILED:
            self.report({"ERROR"}, translated("\n".join(job.problems)))
        elif scene is None:
            self.report(
                {"WARNING"}, translated(f"{job.title} is done, but its scene {job.scene_name} was removed or renamed")
            )
        else:
            self.report({"INFO"}, translated(self.store(scene, job.result)))
            return {"FINISHED"}
        return {"CANCELLED"}
