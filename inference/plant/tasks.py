# SPDX-License-Identifier: GPL-3.0-or-later
"""Which commands do an action at a station. A task names a command but not the program, which each machine has elsewhere."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..files import is_file, replacing
from .plant_file import BUILD, VALIDATE, Station

SCRIPT, SCENE, PLAIN = "script", "scene", "plain"
"""Kinds of tasks: a script in Blender, a command on a scene, a command that needs no Blender."""

CHECK = "check"


@dataclass(frozen=True)
class Task:
    """A command to run.

    Attributes:
        kind: what runs it: SCRIPT, SCENE or PLAIN.
        file: the script or the scene; empty for PLAIN.
        arguments: of the script, or the command with its options.
        folder: where relative paths in them begin; empty: there are none.
    """

    kind: str
    file: str
    arguments: tuple[str, ...]
    folder: str = ""

    def share(self, number: int, count: int) -> "Task":
        """This share of the task."""
        return replace(self, arguments=(*self.arguments, f"--shard={number}/{count}"))


@dataclass(frozen=True, kw_only=True)
class SentTask(Task):
    """A task whose files go with it, as its worker shares no folder with this machine.

    In its ``file`` and ``arguments``, :data:`HERE` stands for the folder that the worker makes for it. Its files are
    named by their paths in there.

    Attributes:
        common: files that other tasks need, too.
        files: returns the files that only this task needs, when it is handed over.
        names: what is in the folder, by the path that it has on this machine.
        receive: is given what the task wrote below ``results``: content by path.
    """

    common: Mapping[str, Path]
    files: Callable[[], Mapping[str, Path]]
    names: Mapping[str, Path]
    receive: Callable[[Mapping[str, bytes]], None]


HERE, RESULTS = "{here}", "results"


@dataclass(frozen=True)
class Stage:
    """Tasks of one station that may run at the same time.

    Attributes:
        title: what they do, in a word or two.
        tasks: one for each share of the work.
        join: what is run after them where none of their results has the entry ``joined``.
        joined: entry of a result that only the task has which found all shares done.
        after: what is done here once they succeeded.
    """

    title: str
    tasks: tuple[Task, ...]
    join: Task | None = None
    joined: str = ""
    after: Callable[[], None] | None = None


def stages(action: str, station: Station, shares: int, options: Sequence[str] = ()) -> list[Stage]:
    """What is to be done for ``action`` at a station, in this order; the work of a stage in so many ``shares``.

    ``options`` are given to ``build`` besides the station's own.
    """
    if action == VALIDATE:
        return [validating(station, shares)]
    made = making(station)
    if action == CHECK:
        arguments = ("check", *check_options(station))
        return [*made, Stage("checking", (Task(SCENE, str(station.scene), arguments),))]
    arguments = ("build", f"--output={station.output.path}", *station.options(BUILD), *options)
    return [*made, shared("building", Task(SCENE, str(station.scene), arguments), shares, "database", "--shard=1/1")]


def check_options(station: Station) -> list[str]:
    """The station's options that ``check`` has, too."""
    known = ("--samples", "--images-per-class", "--resolution", "--seed", "--classes")
    return [option for option in station.options(BUILD) if option.partition("=")[0] in known]


def validating(station: Station, shares: int) -> Stage:
    """The photos of a station, in so many ``shares``."""
    arguments = (
        "validate", f"--database={station.output.database}", f"--photos={station.photos}",
        f"--output={station.output.validation.path}", "--fresh", *station.options(VALIDATE),
    )  # fmt: skip
    return shared("validating", Task(PLAIN, "", arguments), shares, "macro_f1")


def shared(title: str, task: Task, shares: int, joined: str, *join: str) -> Stage:
    """A task in ``shares``; the one that finds all others done has the entry ``joined`` in its result. Where none has, the
    task with the options ``join`` joins them, and does not begin anew."""
    if shares == 1:
        return Stage(title, (task,))
    tasks = tuple(task.share(number, shares) for number in range(1, shares + 1))
    kept = [argument for argument in task.arguments if not (join and argument == "--fresh")]
    return Stage(title, tasks, replace(task, arguments=(*kept, *join)), joined)


def _made_by(station: Station) -> str:
    """What tells whether the script and its arguments are those that made the scene."""
    assert station.script is not None
    digest = hashlib.sha256(station.script.read_bytes())
    digest.update(json.dumps(station.arguments).encode())
    return digest.hexdigest()


def _stamp(station: Station) -> Path:
    return station.scene.with_name(f".{station.scene.stem}.sha256")


def _is_made(station: Station) -> bool:
    try:
        return is_file(station.scene) and _stamp(station).read_text("ascii") == _made_by(station)
    except (OSError, ValueError):
        return False


def making(station: Station) -> list[Stage]:
    """The scene, where a script makes it and it is not there or out of date."""
    if station.script is None or _is_made(station):
        return []
    made_by = _made_by(station)
    temporary = station.scene.with_name(f".{station.scene.stem}.new.blend")

    def keep() -> None:
        temporary.replace(station.scene)
        with replacing(_stamp(station)) as path:
            path.write_text(made_by, "ascii")

    station.scene.parent.mkdir(parents=True, exist_ok=True)
    return [Stage("scene", (Task(SCRIPT, str(station.script), (*station.arguments, str(temporary))),), after=keep)]


def as_json(task: Task) -> dict[str, Any]:
    """The task as plain values, which any version of this program can read."""
    return {"kind": task.kind, "file": task.file, "arguments": list(task.arguments), "folder": task.folder}


def from_json(content: dict[str, Any]) -> Task:
    """The task that :func:`as_json` gave."""
    arguments = tuple(map(str, content["arguments"]))
    return Task(str(content["kind"]), str(content["file"]), arguments, str(content["folder"]))
