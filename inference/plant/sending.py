# SPDX-License-Identifier: GPL-3.0-or-later
"""The work at a station whose workers share no folder with this machine.

Scenes are made and packed here, and F1 is computed here; both are quick. Scenes, references and photos go to the workers
with their tasks, and images and vectors come back with the results.
"""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path

from ..database import ReferenceDatabase
from ..embedding import with_white_level
from ..errors import InputError
from ..files import class_folders, files_below, replacing, shown, stays_below
from ..progress import Progress
from ..vector_cache import VectorCache
from .children import Result
from .cluster import Cluster
from .plan import Running, ThisMachine
from .plant_file import BUILD, VALIDATE, Station
from .tasks import CHECK, HERE, PLAIN, RESULTS, SCENE, SentTask, Stage, Task, check_options, making, shared, validating

PHOTOS, BYTES = 256, 64 << 20
"""What a task embeds at most: the scheduler holds the photos of all tasks that wait or run."""

ENCODER, DATABASE, VECTORS = "encoder.onnx", "references.safetensors", "vectors.sqlite"
"""What these files are called in a worker's folder."""


class Sender:
    """Workers that share no folder with this machine, and this machine for what is done ``here``. Packed scenes lie in
    ``scratch``."""

    def __init__(self, cluster: Cluster, here: ThisMachine, scratch: Path) -> None:
        self._cluster, self._here, self._scratch = cluster, here, scratch
        self._at_work: set[_Turn] = set()

    def stages(self, action: str, station: Station, shares: int, options: Sequence[str] = ()) -> list[Stage]:
        """What is to be done for ``action`` at a station, as :func:`.tasks.stages`."""
        if action == VALIDATE:
            return [*_embedding(station), validating(station, 1)]
        packed = self._scratch / station.name / station.scene.name
        packing = Stage("packing", (Task(SCENE, str(station.scene), ("pack", f"--save={packed}")),))
        task = SentTask(
            kind=SCENE,
            file=f"{HERE}/{packed.name}",
            arguments=("check", *check_options(station))
            if action == CHECK
            else ("build", f"--output={HERE}/{RESULTS}", *_options(station, BUILD), *options),
            common={packed.name: packed} | _encoder(station),
            files=lambda: _references(station) if action == BUILD else {},
            names={RESULTS: station.output.path, packed.name: station.scene},
            receive=lambda made: _store(station.output.path, made),
        )
        if action == CHECK:
            return [*making(station), packing, Stage("checking", (task,))]
        return [*making(station), packing, shared("building", task, shares, "database", "--shard=1/1")]

    def room(self) -> int:
        """Tasks to hand over at a time."""
        return self._cluster.room() + self._here.room()

    def start(self, task: Task, station: Station) -> Running:
        """Hand a task over, or let it wait for its turn here."""
        return self._cluster.start(task, station) if isinstance(task, SentTask) else _Turn(self, task, station)

    def begin(self, turn: "_Turn") -> Running | None:
        """Begin a task here, if there is room."""
        if len(self._at_work) >= self._here.room():
            return None
        self._at_work.add(turn)
        return self._here.start(turn.task, turn.station)

    def ended(self, turn: "_Turn") -> None:
        """Make room for the next one."""
        self._at_work.discard(turn)


class _Turn:
    """A task on this machine, which waits for its turn."""

    def __init__(self, place: Sender, task: Task, station: Station) -> None:
        self.task, self.station = task, station
        self._place = place
        self._running: Running | None = None

    def poll(self) -> Result | None:
        """Its result, once it has ended."""
        if self._running is None:
            self._running = self._place.begin(self)
        result = self._running.poll() if self._running else None
        if result:
            self._place.ended(self)
        return result

    def progress(self) -> tuple[int, int]:
        """How many items of how many are done."""
        return self._running.progress() if self._running else (0, 0)

    def end(self) -> None:
        """Stop it."""
        if self._running:
            self._running.end()


def _encoder(station: Station) -> dict[str, Path]:
    return {ENCODER: station.encoder} if station.encoder else {}


def _options(station: Station, command: str) -> list[str]:
    """The station's options, with the worker's copy of its encoder."""
    own = f"--encoder={station.encoder}"
    return [f"--encoder={HERE}/{ENCODER}" if option == own else option for option in station.options(command)]


def _references(station: Station) -> dict[str, Path]:
    """What is rendered already, so that nothing is rendered twice."""
    folder = station.output.references.path
    if not folder.is_dir():
        return {}
    names = {path: path.relative_to(station.output.path).as_posix() for path in files_below(folder)}
    return {f"{RESULTS}/{name}": path for path, name in names.items()}


def _store(folder: Path, made: Mapping[str, bytes]) -> None:
    """Write what came back to a station's output folder. Raises InputError where that cannot be written."""
    for name, content in made.items():
        if not stays_below(name):
            raise InputError(f"A worker sent a file {shown(name)}, which leads out of its folder. Look at that worker.")
        with replacing(folder / name) as path:
            path.write_bytes(content)


def _embedding(station: Station) -> list[Stage]:
    """The photos whose vectors are not known yet."""
    assert station.photos is not None
    try:
        database = ReferenceDatabase.load(station.output.database)
        photos = [photo for folder in class_folders(station.photos).values() for photo in folder]
        preprocessing, _ = with_white_level(database.preprocessing, photos, Progress())
    except InputError:  # the validation here tells
        return []
    cache_file = station.output.validation.vectors
    with closing(VectorCache(cache_file, database.model, preprocessing)) as cache:
        unknown = [photo for photo in photos if cache.find(photo) is None]
    white = [f"--white-level={preprocessing.white_level}"] if preprocessing.white_level else []
    arguments = (
        "embed-photos", f"--database={HERE}/{DATABASE}", f"--photos={HERE}/photos", f"--vectors={HERE}/{RESULTS}/{VECTORS}",
        *_options(station, VALIDATE), *white,
    )  # fmt: skip

    def task(batch: list[Path]) -> SentTask:
        def receive(made: Mapping[str, bytes]) -> None:
            with tempfile.TemporaryDirectory() as folder:
                _store(Path(folder), made)
                cache_file.parent.mkdir(parents=True, exist_ok=True)
                with closing(VectorCache(cache_file, database.model, preprocessing)) as cache:
                    cache.adopt(Path(folder) / VECTORS, batch)

        return SentTask(
            kind=PLAIN,
            file="",
            arguments=arguments,
            common={DATABASE: station.output.database} | _encoder(station),
            files=lambda: {f"photos/{number}{photo.suffix}": photo for number, photo in enumerate(batch)},
            names={DATABASE: station.output.database},
            receive=receive,
        )

    tasks = tuple(task(batch) for batch in _batches(unknown))
    return [Stage("embedding", tasks)] if tasks else []


def _batches(photos: Sequence[Path]) -> Iterator[list[Path]]:
    """The photos in order, at most :data:`PHOTOS` and :data:`BYTES` at a time, but one at least."""
    batch: list[Path] = []
    size = 0
    for photo in photos:
        more = photo.stat().st_size
        if batch and (len(batch) == PHOTOS or size + more > BYTES):
            yield batch
            batch, size = [], 0
        batch.append(photo)
        size += more
    if batch:
        yield batch
