# SPDX-License-Identifier: GPL-3.0-or-later
"""Tasks run by the workers of a Dask cluster.

Dask places tasks, retries those of workers that died and lets workers join and leave. A task is a command as on one
machine, run in a child of the worker. Where workers and this machine share a folder, results lie there, so a task that
is run again goes on where it was; else files go with the tasks, see :mod:`.sending`. Only a few tasks are handed over at a time, as Dask counts the death of a worker against each that was merely assigned to it.
"""

import hashlib
import json
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from ..encoder import VARIANTS, find_encoder
from ..errors import InputError
from ..files import is_file, sha256_file, shown
from ..watched_stdin import WATCHED
from .children import ROOT, Result
from .plan import Running
from .plant_file import Station
from .tasks import PLAIN, SCENE, SCRIPT, SentTask, Task, as_json

GET = (
    "--cluster needs Dask, which is not installed for this Python. Run: python -m pip install --require-hashes -r "
    "requirements/cluster.txt"
)
GONE = "The scheduler of the cluster is gone. Start it again, then this command: it continues where it was."
DEATHS = 3
"""Times a task is handed over again after Dask gave it up because workers died."""

PATIENCE, SOON, REFUSED = 120.0, 30.0, 10.0
"""Seconds to wait for a first worker, for others where one is there, and for one that fits where others do not."""

AHEAD = 1
"""Tasks handed over for each that runs, so that no worker waits for the next one."""

STATUS = "127.0.0.1:0"
"""Where schedulers and workers show their state: only on their machine. Dask itself would show it to all."""

MEMORY = {SCRIPT: 2 << 30, SCENE: 2 << 30, PLAIN: 1 << 30}
"""Bytes of memory that a task of each kind is given room for."""

GPU = "import gpu; gpu.init(); print(gpu.platform.renderer_get(), gpu.platform.version_get(), sep=', ', flush=True)"
"""Prints what Blender renders with, from version 5 on."""

PLENTY = 1e9
"""How much of a resource a worker has that stands for what is installed there."""


def dask() -> Any:
    """The package ``distributed``. Raises InputError where it is not installed."""
    os.environ.setdefault("DASK_DISTRIBUTED__DASHBOARD__LINK", "")
    try:
        import distributed
    except ImportError:
        raise InputError(GET) from None
    return distributed


@dataclass(frozen=True)
class Certificates:
    """A folder with ``cert.pem`` and ``key.pem``, which scheduler, workers and clients all have."""

    folder: Path

    def security(self) -> Any:
        """What Dask calls them. Raises InputError where a file is missing."""
        files = [self.folder / name for name in ("cert.pem", "key.pem")]
        if problems := [
            f"There is no file {shown(file)}. Make it as docs/plant.md shows." for file in files if not is_file(file)
        ]:
            raise InputError(*problems)
        certificate, key = map(str, files)
        return dask().Security(
            tls_ca_file=certificate, tls_client_cert=certificate, tls_client_key=key, tls_worker_cert=certificate,
            tls_worker_key=key, tls_scheduler_cert=certificate, tls_scheduler_key=key, require_encryption=True,
        )  # fmt: skip


# What a machine has


def extension() -> str:
    """The version of this extension, as a resource."""
    import tomllib

    manifest = tomllib.loads((ROOT / "blender_manifest.toml").read_text("utf-8"))
    return f"extension {manifest['version']}"


def encoder(variant: str) -> str:
    """The encoder of this name here, as a resource. Raises InputError where there is none."""
    return f"encoder {variant} {sha256_file(find_encoder(variant))}"


def blender(program: str | None) -> str | None:
    """The Blender here, as a resource: the program's version, or the ``bpy`` module's where there is no program."""
    if program is None:
        try:
            return f"bpy {version('bpy')}"
        except PackageNotFoundError:
            return None
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    words = done.stdout.split()
    return f"bpy {words[1]}" if words[:1] == ["Blender"] and len(words) > 1 else None


def driver(program: str | None) -> str | None:
    """The graphics card and driver that this Blender renders with, as a resource; None where it does not tell."""
    module = [sys.executable, "-c", f"import bpy, os; {GPU}; os._exit(0)"]
    command = [program, "--background", "--factory-startup", "--python-expr", GPU] if program else module
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    lines = [line for line in done.stdout.splitlines() if ", " in line]
    return f"driver {lines[0]}" if lines else None


def announced(program: str | None, *found: str | None) -> dict[str, float]:
    """The resources of a worker on this machine, besides what was ``found`` already."""
    found = (extension(), blender(program), *found)
    for variant in VARIANTS:
        try:
            found += (encoder(variant),)
        except InputError:
            continue
    return dict.fromkeys(filter(None, found), PLENTY)


# Clusters


@contextmanager
def connected(cluster: str, jobs: int, certificates: Certificates | None) -> Iterator[Any]:
    """A client of the cluster: an address, ``local`` for ``jobs`` workers on this machine, or ``slurm`` for as many jobs
    of Slurm. No port is opened for an address, and only to this machine for ``local``.

    Raises:
        InputError: there is no such cluster.
    """
    distributed = dask()
    security = certificates.security() if certificates else None
    with ExitStack() as stack:
        if cluster == "local":
            address = stack.enter_context(_scheduler("127.0.0.1", security))
            stack.enter_context(_local_workers(address, jobs, certificates))
        elif cluster == "slurm":
            if certificates is None:
                raise InputError("--cluster slurm opens a port for workers. Give --tls a folder with certificates.")
            address = stack.enter_context(_scheduler(None, security))
            stack.enter_context(_slurm_workers(address, jobs, certificates))
        else:
            address = cluster
        try:
            client = distributed.Client(address, security=security, timeout=10, set_as_default=False)
        except (OSError, ValueError, TypeError, RuntimeError) as error:
            why = str(error).split("\n")[0].rstrip(".")
            raise InputError(
                f"There is no Dask scheduler at {shown(cluster)}: {why}. Start it, or correct the address."
            ) from None
        stack.callback(client.close, timeout=5)
        yield client


@contextmanager
def _scheduler(host: str | None, security: Any) -> Iterator[str]:
    """A scheduler in this process; yields its address. Without ``host``, other machines reach it."""
    everywhere = "0.0.0.0"  # noqa: S104 - asked for: workers are elsewhere, and encrypted: see connected()
    cluster = dask().LocalCluster(
        n_workers=0, host=host or everywhere, security=security, dashboard_address=STATUS, silence_logs=50,
        protocol="tls" if security else "tcp",
    )  # fmt: skip
    try:
        yield str(cluster.scheduler_address)
    finally:
        cluster.close(timeout=5)


def worker_command(address: str, certificates: Certificates | None) -> list[str]:
    """The command that makes this machine a worker."""
    tls = ["--tls", str(certificates.folder.absolute())] if certificates else []
    return [sys.executable, "-m", "inference", "worker", address, *tls]


@contextmanager
def _local_workers(address: str, count: int, certificates: Certificates | None) -> Iterator[None]:
    """Worker processes on this machine, which end with this one."""
    workers = []
    threads = {"SIMSEARCH_THREADS": os.environ.get("SIMSEARCH_THREADS") or str(max(1, (os.cpu_count() or 1) // count))}
    try:
        for _ in range(count):
            command = worker_command(address, certificates)
            workers.append(
                subprocess.Popen(
                    command,
                    cwd=ROOT,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    env=os.environ | threads | {WATCHED: "1"},
                )
            )
        yield
    finally:
        for worker in workers:
            worker.stdin.close()  # type: ignore[union-attr]
        for worker in workers:
            try:
                worker.wait(40)
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait()


@contextmanager
def _slurm_workers(address: str, count: int, certificates: Certificates) -> Iterator[None]:
    """An array of jobs of Slurm, which the variables ``SBATCH_…`` describe; it is cancelled at the end."""
    import shlex

    command = [
        "sbatch",
        "--parsable",
        f"--array=1-{count}",
        "--wrap",
        shlex.join(worker_command(address, certificates)),
    ]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    except OSError:
        raise InputError("There is no program sbatch. Run this on a machine that submits jobs to Slurm.") from None
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise InputError(f"sbatch refused the workers: {said.rstrip('.')}. Set its options by the variables SBATCH_….")
    job = done.stdout.strip().partition(";")[0]
    try:
        yield
    finally:
        subprocess.run(["scancel", job], capture_output=True, check=False)


class Cluster:
    """The workers that fit. ``say`` is told what is refused; ``program`` is the Blender here, see :func:`blender`."""

    def __init__(self, client: Any, program: str | None, say: Callable[[str], None]) -> None:
        self._client, self._say = client, say
        self._extension, self._blender = extension(), blender(program)
        self._encoders: dict[str, str] = {}
        self._told: set[str] = set()
        self._needed: list[str] = []
        self._looked = 0.0
        self._room = 0
        self._memory = MEMORY[SCENE]
        self._kept = _Kept(client)

    def wait(self, stations: Sequence[Station], *, scenes: bool, count: int = 1) -> int:
        """Wait for workers that fit the stations, for ``count`` of them if they come soon; returns how many there are.

        Raises:
            InputError: there is none; with the reason for each worker that does not fit.
        """
        started = time.monotonic()
        wanted = self._wanted(stations, scenes=scenes)
        while True:
            threads, refused = self._look(wanted)
            waited = time.monotonic() - started
            if threads >= count or (threads and waited > SOON):
                self._room, self._looked = threads, time.monotonic()
                return threads
            if waited > (REFUSED if refused else PATIENCE):
                raise InputError(
                    *(refused.values() or ["No worker has come. Start one: python -m inference worker ADDRESS"])
                )
            time.sleep(0.2)

    def _wanted(self, stations: Sequence[Station], *, scenes: bool) -> list[str]:
        """What workers need for these stations."""
        self._memory = MEMORY[SCENE if scenes else PLAIN]
        wanted = [self._extension]
        wanted += [self._encoder(station) for station in stations if station.encoder is None]
        if scenes and self._blender is None:
            # None here: the Blender that most workers have decides.
            found = [
                name for worker in self._workers().values() for name in worker["resources"] if name.startswith("bpy ")
            ]
            self._blender = max(found, key=found.count, default=None)
        if scenes:
            wanted.append(self._blender or "bpy")
        self._needed = list(dict.fromkeys(wanted))
        return self._needed

    def _encoder(self, station: Station) -> str:
        variant = station.settings.get("model", VARIANTS[0])
        if variant not in self._encoders:
            self._encoders[variant] = encoder(variant)
        return self._encoders[variant]

    def _workers(self) -> dict[str, Any]:
        try:
            return dict(self._client.scheduler_info(n_workers=-1)["workers"])
        except OSError:  # the scheduler is being started again
            return {}

    def _look(self, wanted: Sequence[str]) -> tuple[int, dict[str, str]]:
        """How many tasks fitting workers run at a time, and why each other worker does not fit."""
        threads, refused = 0, {}
        drivers: dict[str, str] = {}
        for address, worker in self._workers().items():
            has = worker["resources"]
            if why := self._unfit(has, wanted):
                refused[address] = f"Worker {worker['name']} has {why}"
                continue
            threads += min(worker["nthreads"], int(has["memory"] // self._memory))
            drivers |= {name: worker["name"] for name in has if name.startswith("driver ")}
        if len(drivers) > 1:
            pairs = " and ".join(
                f"{name.removeprefix('driver ')} (worker {worker})" for name, worker in drivers.items()
            )
            self._tell({"drivers": f"Workers render with {pairs}, so their images may differ in single bits."})
        self._tell(refused)
        return threads, refused

    def _unfit(self, has: dict[str, float], wanted: Sequence[str]) -> str | None:
        """What a worker has instead of what is wanted; None where it fits."""
        if lacking := [name for name in wanted if name not in has]:
            kinds = {name.rpartition(" ")[0] for name in lacking}
            instead = [name for name in has if name.rpartition(" ")[0] in kinds]
            return (
                f"{' and '.join(map(_short, instead)) or 'nothing of the kind'}, but "
                f"{' and '.join(map(_short, lacking))} is needed: it gets no work. Install the same there."
            )
        memory = has.get("memory", 0.0)
        if memory < self._memory:
            return (
                f"{memory / 1e9:.1f} GB of memory, but a task needs {self._memory / 1e9:.1f} GB: it gets no work. "
                "Use another machine."
            )
        return None

    def _tell(self, sentences: dict[str, str]) -> None:
        """Say each once."""
        for about in sentences.keys() - self._told:
            self._told.add(about)
            self._say(sentences[about])

    def room(self) -> int:
        """Tasks to hand over at a time: those that run, and one more for each."""
        if time.monotonic() - self._looked > 2:
            self._looked = time.monotonic()
            self._room, _ = self._look(self._needed)
        return max(1, self._room) * (1 + AHEAD)

    def start(self, task: Task, station: Station) -> Running:
        """Hand a task over."""
        needs = [self._extension, *([] if station.encoder else [self._encoder(station)])]
        if task.kind != PLAIN and self._blender:
            needs.append(self._blender)
        return _Remote(self._client, task, dict.fromkeys(needs, 1) | {"memory": MEMORY[task.kind]}, self._kept)


def _short(resource: str) -> str:
    """A resource with no more of a checksum than is read."""
    head, _, last = resource.rpartition(" ")
    return f"{head} {last[:12]}"


def _function() -> Callable[..., dict[str, Any]]:
    """What workers run. Being inside a function, it is sent as it is and imports what the worker has installed."""

    def simsearch(
        content: dict[str, Any], files: dict[str, tuple[int, bytes]] | None, common: list[str], *contents: bytes
    ) -> dict[str, Any]:
        import importlib

        children = importlib.import_module("inference.plant.children")
        if files is None:
            found: dict[str, Any] = children.run_here(content)
        else:
            found = children.run_sent(
                content, files | {name: (0, data) for name, data in zip(common, contents, strict=True)}
            )
        return found

    return simsearch


def _itself() -> Callable[[bytes], bytes]:
    """What makes workers keep something; see :func:`_function`."""
    return lambda content: content


class _Kept:
    """Files that several tasks need, which Dask keeps by their content and brings to each worker once.

    They are tasks, too, and not scattered data, as Dask can repeat a task where the only worker that had it died.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self._futures: WeakValueDictionary[str, Any] = WeakValueDictionary()

    def future(self, path: Path) -> Any:
        """The content of a file."""
        content = path.read_bytes()
        key = f"file-{hashlib.sha256(content).hexdigest()}"
        future = self._futures.get(key)
        if future is None or future.status in ("cancelled", "lost", "error"):
            future = self._futures[key] = self._client.submit(_itself(), content, key=key)
        return future


class _Remote:
    """A task that was handed over."""

    def __init__(self, client: Any, task: Task, needs: dict[str, int], kept: _Kept) -> None:
        self._client, self._task, self._needs, self._kept = client, task, needs, kept
        self._deaths = 0
        self._submit()

    def _submit(self) -> None:
        if self._client.status not in ("running", "connecting"):
            raise InputError(GONE)
        files, common = None, {}
        if isinstance(self._task, SentTask):
            files = {name: (path.stat().st_mtime_ns, path.read_bytes()) for name, path in self._task.files().items()}
            common = {name: self._kept.future(path) for name, path in self._task.common.items()}
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Sending large graph")
            self._future = self._client.submit(
                _function(), as_json(self._task), files, [*common], *common.values(), pure=False, resources=self._needs
            )

    def poll(self) -> Result | None:
        """Its result, once it has ended."""
        if self._client.status == "closed":
            raise InputError(GONE)
        status = self._future.status
        if status == "finished":
            return self._received(self._future.result())
        if status in ("cancelled", "lost"):  # the scheduler was started again: what is finished lies on disk
            self._submit()
        elif status == "error":
            error = self._future.exception()
            if type(error).__name__ != "KilledWorker" or self._deaths >= DEATHS:
                return Result(1, {}, (f"The task failed on the cluster: {error}.",))
            self._deaths += 1
            self._submit()
        return None

    def _received(self, found: dict[str, Any]) -> Result:
        """The result, with the files that came with it in their places and named as here."""
        if isinstance(self._task, SentTask):
            try:
                self._task.receive(found.pop("made"))
            except InputError as error:
                return Result(2, {}, error.problems)
            text = json.dumps(found)
            for name, path in self._task.names.items():
                text = text.replace(f"{found['folder']}/{name}", json.dumps(shown(path))[1:-1])
            found = json.loads(text)
        return Result(int(found["status"]), dict(found["content"]), tuple(found["problems"]))

    def progress(self) -> tuple[int, int]:
        """Not known."""
        return 0, 0

    def end(self) -> None:
        """Do not run it any more."""
        if self._client.status == "running":  # else the scheduler is gone, which is told already
            self._future.cancel()
