# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings the tasks of all stations and a place that runs them together."""

import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from .children import Blender, Child, Result
from .plant_file import Station
from .tasks import Stage, Task

POLL = 0.1
"""Seconds between looks at what runs."""


class Running(Protocol):
    """A task that runs somewhere."""

    def poll(self) -> Result | None:
        """Its result, once it has ended."""

    def progress(self) -> tuple[int, int]:
        """How many items of how many are done; 0 of 0 where that is not known."""

    def end(self) -> None:
        """Stop it; what it finished is kept."""


class Place(Protocol):
    """What runs tasks."""

    def room(self) -> int:
        """How many tasks it takes at a time now."""

    def start(self, task: Task, station: Station) -> Running:
        """Begin a task."""


class ThisMachine:
    """Runs ``jobs`` tasks at a time as children of this process; ``threads`` of the encoder each, None: its own choice."""

    def __init__(self, jobs: int, blender: Blender, threads: int | None = None) -> None:
        self.jobs, self.blender, self.threads = jobs, blender, threads

    def room(self) -> int:
        """The number of jobs."""
        return self.jobs

    def start(self, task: Task, station: Station) -> Running:  # noqa: ARG002 - every station fits
        """Begin a task."""
        return Child(task, self.blender, self.threads)


@dataclass(frozen=True)
class Outcome:
    """What became of a station.

    Attributes:
        status: exit status of the command that failed, else 0.
        content: what the commands printed as JSON, together.
        problems: why it failed, as sentences.
        seconds: how long it took, from its first task to its last.
    """

    status: int
    content: dict[str, Any]
    problems: tuple[str, ...]
    seconds: float


@dataclass
class Job:
    """The work at one station: stages to come, the present one with its tasks that wait and run, and results so far."""

    station: Station
    stages: deque[Stage]
    waiting: deque[Task] = field(default_factory=deque)
    running: list[Running] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)
    content: dict[str, Any] = field(default_factory=dict)
    began: float = field(default_factory=time.monotonic)
    title: str = ""

    def progress(self) -> tuple[int, int]:
        """How many items of how many its running tasks have done."""
        parts = [running.progress() for running in self.running]
        return sum(done for done, _ in parts), sum(total for _, total in parts)

    def begin(self) -> None:
        """Let the tasks of the next stage wait."""
        stage = self.stages[0]
        self.title = stage.title
        self.waiting.extend(stage.tasks)

    def collect(self) -> Outcome | None:
        """Take the results of tasks that ended; the outcome once all is done or something failed."""
        for running in list(self.running):
            if result := running.poll():
                self.running.remove(running)
                self.results.append(result)
                if result.status:
                    self.waiting.clear()
        if self.running or self.waiting:
            return None
        failed = [result for result in self.results if result.status]
        if failed:
            problems = dict.fromkeys(problem for result in failed for problem in result.problems)
            return self._outcome(max(result.status == 2 for result in failed) * 2 or 1, tuple(problems))
        return self._advance()

    def _advance(self) -> Outcome | None:
        """Go on to the next stage; the outcome where there is none."""
        stage = self.stages[0]
        found = [result.content for result in self.results]
        if stage.join and not any(stage.joined in content for content in found):
            self.stages[0] = Stage(stage.title, (stage.join,))
            self.content["rendered"] = self.content.get("rendered", 0) + _rendered(found)
            self.results.clear()
            self.begin()
            return None
        self.content["rendered"] = self.content.get("rendered", 0) + _rendered(found)
        whole = next((content for content in found if stage.joined in content), {}) if stage.joined else found[-1]
        self.content |= {name: value for name, value in whole.items() if name != "rendered"}
        if stage.after:
            stage.after()
        self.stages.popleft()
        self.results.clear()
        if not self.stages:
            return self._outcome(0, ())
        self.begin()
        return None

    def _outcome(self, status: int, problems: tuple[str, ...]) -> Outcome:
        return Outcome(status, self.content, problems, round(time.monotonic() - self.began, 3))


def _rendered(found: Sequence[dict[str, Any]]) -> int:
    return sum(int(content.get("rendered", 0)) for content in found)


class Watcher(Protocol):
    """What is told while stations are worked on."""

    def update(self, jobs: Sequence[Job], finished: int) -> None:
        """These stations are being worked on; so many are finished."""


def run(
    stations: Iterable[Station],
    stages: Callable[[Station], list[Stage]],
    place: Place,
    watcher: Watcher,
) -> Generator[tuple[Station, Outcome], None, None]:
    """Work on all stations; yields each when it is finished. What runs is stopped when the iterator is closed."""
    coming = iter(stations)
    jobs: list[Job] = []
    finished = 0
    try:
        while True:
            _fill(jobs, coming, stages, place)
            if not jobs:
                return
            watcher.update(jobs, finished)
            time.sleep(POLL)
            for job in list(jobs):
                if outcome := job.collect():
                    jobs.remove(job)
                    finished += 1
                    yield job.station, outcome
    finally:
        for job in jobs:
            for running in job.running:
                running.end()


def _fill(jobs: list[Job], coming: Iterator[Station], stages: Callable[[Station], list[Stage]], place: Place) -> None:
    """Start tasks as long as there is room: those of stations that were begun, then of the next one."""
    room = place.room() - sum(len(job.running) for job in jobs)
    while room > 0:
        job = next((job for job in jobs if job.waiting), None)
        if job is None:
            station = next(coming, None)
            if station is None:
                return
            job = Job(station, deque(stages(station)))
            job.begin()
            jobs.append(job)
        job.running.append(place.start(job.waiting.popleft(), job.station))
        room -= 1
