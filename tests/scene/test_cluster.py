# SPDX-License-Identifier: GPL-3.0-or-later
"""A plant on a Dask cluster equals the same plant without one to the byte, whatever becomes of its workers."""

import importlib.util
import os
import re
import shlex
import shutil
import signal
import socket
import stat
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import bpy
import pytest

from synthetic_similarity_search.inference.database import ReferenceDatabase
from synthetic_similarity_search.inference.plant.cluster import Cluster, connected, driver
from synthetic_similarity_search.inference.plant.plant_file import read_plant
from synthetic_similarity_search.tests.commands import last_json, run
from synthetic_similarity_search.tests.dask_machines import INFERENCE, Machines, descendants, made
from synthetic_similarity_search.tests.networks import Networks, NoNetworks, separate_networks, without
from synthetic_similarity_search.tests.tiny_encoder import real_encoder, write_tiny_encoder
from synthetic_similarity_search.tests.tiny_scene import ROOT

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("distributed") is None, reason="needs Dask: `make test-cluster` installs it"
)
NAMES = ("one", "two")
PLANT = """
[defaults]
photos = "photos"
encoder = "tiny.onnx"
images_per_class = 3
output = "{output}/{{name}}"
[[station]]
scenes = "scenes/*.blend"
"""


def plant(
    folder: Path, action: str, output: str, *more: object, program: tuple[str, ...] = INFERENCE
) -> dict[str, Any]:
    file = folder / f"{output}.toml"
    file.write_text(PLANT.format(output=output), "utf-8")
    done = run("plant", action, file, "--json", *more, program=program)
    assert done.returncode == 0, done.stdout + done.stderr
    return last_json(done.stdout)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, blend_file: Path, references: Path) -> Path:
    """A plant of two stations, and in ``local`` what this machine makes of it without a cluster."""
    folder = tmp_path_factory.mktemp("plant")
    (folder / "scenes").mkdir()
    for name in NAMES:
        shutil.copy(blend_file, folder / "scenes" / f"{name}.blend")
    for label in ("present", "absent"):
        shutil.copytree(references / label, folder / "photos" / label)
    write_tiny_encoder(folder / "tiny.onnx")
    for action in ("build", "validate"):
        plant(folder, action, "local")
    return folder


def test_two_local_workers_make_the_same(folder: Path) -> None:
    """And Dask's dashboard, which needs a package of its own, is not missed."""
    file = folder / "cluster.toml"
    file.write_text(PLANT.format(output="cluster"), "utf-8")
    for action in ("build", "validate"):
        done = run("plant", action, file, "--json", "--cluster", "local", "--jobs", 2, program=INFERENCE)
        assert done.returncode == 0, done.stdout + done.stderr
        result = last_json(done.stdout)
        assert result["workers"] == 2 and not result["failed"]
        assert "bokeh" not in done.stderr and "distributed" not in done.stderr, done.stderr
    assert made(folder / "cluster", NAMES) == made(folder / "local", NAMES)


@pytest.fixture
def machines() -> Iterator[Machines]:
    """A scheduler that gives a task up when the first worker dies on it, so that it is for us to hand it over again."""
    machines = Machines(DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES="0")
    yield machines
    machines.close()


def is_gone(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text("ascii").rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@pytest.mark.skipif(sys.platform != "linux", reason="the processes are found through /proc")
def test_a_worker_is_killed(folder: Path, machines: Machines) -> None:
    """Its Blender dies with it, and another worker goes on."""
    first = machines.add()
    output = folder / "killed"
    file = folder / "killed.toml"
    file.write_text(PLANT.format(output="killed"), "utf-8")
    command = [*INFERENCE, "plant", "build", str(file), "--cluster", machines.address, "--shares", "2", "--json"]
    job = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while not list(output.glob("*/references/*/[!.]*.png")):
        assert time.monotonic() < deadline and job.poll() is None, job.communicate()
        time.sleep(0.02)
    children = descendants(first.pid)
    assert children, "Blender is a child, so the worker answers while it renders"
    first.send_signal(signal.SIGKILL)
    first.wait()
    finished = {path: path.stat().st_mtime_ns for path in output.glob("*/references/*/[!.]*.png")}
    second = machines.add()
    stdout, stderr = job.communicate(timeout=240)
    assert job.returncode == 0, stdout + stderr
    assert all(path.stat().st_mtime_ns == time_ for path, time_ in finished.items()), "nothing is rendered twice"
    assert not descendants(second.pid), "each task is a process of its own, which gives its memory back"
    deadline = time.monotonic() + 60
    while not all(map(is_gone, children)):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    plant(folder, "validate", "killed")
    assert made(output, NAMES) == made(folder / "local", NAMES)


@pytest.mark.skipif(sys.platform != "linux", reason="the processes are found through /proc")
def test_the_scheduler_is_started_again(folder: Path, machines: Machines) -> None:
    """The worker and the command find it again, and what was rendered is not rendered twice."""
    machines.add()
    output = folder / "restarted"
    file = folder / "restarted.toml"
    file.write_text(PLANT.format(output="restarted"), "utf-8")
    command = [*INFERENCE, "plant", "build", str(file), "--cluster", machines.address, "--json"]
    job = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while not (before := list(output.glob("*/references/*/[!.]*.png"))):
        assert time.monotonic() < deadline and job.poll() is None, job.communicate()
        time.sleep(0.02)
    written = {path: path.stat().st_mtime_ns for path in before}
    machines.scheduler.kill()
    machines.scheduler.wait()
    assert machines.start(int(machines.address.rpartition(":")[2])) == machines.address
    stdout, stderr = job.communicate(timeout=240)
    if job.returncode == 2:  # it did not come back in time for the client, which says what to do
        assert "The scheduler of the cluster is gone." in last_json(stdout)["problems"][0], stdout + stderr
        plant(folder, "build", "restarted", "--cluster", machines.address)
    else:
        assert job.returncode == 0, stdout + stderr
    assert all(path.stat().st_mtime_ns == time_ for path, time_ in written.items())
    plant(folder, "validate", "restarted")
    assert made(output, NAMES) == made(folder / "local", NAMES)


@pytest.mark.skipif(sys.platform != "linux", reason="needs network namespaces")
def test_a_machine_is_unplugged(folder: Path, networks: Networks) -> None:
    """Its cable is cut while it renders, so nothing tells that it is gone; another machine goes on."""
    here, there = networks.here, networks.there
    machines = Machines(networks.address, here, DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL="5 s")
    output = folder / "unplugged"
    file = folder / "unplugged.toml"
    file.write_text(PLANT.format(output="unplugged"), "utf-8")
    command = [*here, *INFERENCE, "plant", "build", str(file), "--cluster", machines.address, "--json"]
    try:
        machines.add(*there)
        job = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        while not list(output.glob("*/references/*/[!.]*.png")):
            assert job.poll() is None, job.communicate()
            time.sleep(0.02)
        networks.unplug()
        machines.add(*here)
        stdout, stderr = job.communicate(timeout=240)
        assert job.returncode == 0, stdout + stderr
    finally:
        machines.close()
    plant(folder, "validate", "unplugged")
    assert made(output, NAMES) == made(folder / "local", NAMES)


@pytest.fixture
def networks() -> Iterator[Networks]:
    """Two networks, or the reason why there are none."""
    try:
        with separate_networks() as networks:
            yield networks
    except NoNetworks as error:
        pytest.skip(f"needs the right to make network namespaces: {error}")


@pytest.mark.skipif(sys.platform != "linux", reason="needs network namespaces")
def test_workers_that_share_no_folder(folder: Path, networks: Networks) -> None:
    """Workers in another network namespace, which see an empty folder in the place of the plant's."""
    program = (*networks.here, *INFERENCE)
    machines = Machines(networks.address, networks.here)
    more = ("--send-files", "--shares", 2, "--cluster", machines.address)
    try:
        for _ in range(2):
            machines.add(*networks.there, *without(folder))
        built = plant(folder, "build", "elsewhere", *more, program=program)
        assert {name: row["rendered"] for name, row in built["stations"].items()} == {"one": 6, "two": 6}
        (folder / "elsewhere" / "one" / "references" / "present" / "present_0001.png").unlink()
        again = plant(folder, "build", "elsewhere", *more, program=program)
        assert {name: row["rendered"] for name, row in again["stations"].items()} == {"one": 1, "two": 0}
        validated = plant(folder, "validate", "elsewhere", *more, program=program)
        assert not validated["failed"]
    finally:
        machines.close()
    assert made(folder / "elsewhere", NAMES) == made(folder / "local", NAMES)


def test_another_encoder_is_refused_by_name(folder: Path, machines: Machines, tmp_path: Path) -> None:
    real_encoder()
    write_tiny_encoder(tmp_path / "vits14.onnx")
    machines.add(SIMSEARCH_ENCODERS=str(tmp_path))
    file = folder / "other.toml"
    file.write_text(PLANT.format(output="other").replace('encoder = "tiny.onnx"', ""), "utf-8")
    done = run("plant", "validate", file, "--json", "--cluster", machines.address, program=INFERENCE)
    assert done.returncode == 2, done.stdout + done.stderr
    (problem,) = last_json(done.stdout)["problems"]
    assert "has encoder VITS14" in problem and "it gets no work. Install the same there." in problem


def test_another_version_is_refused_by_name(folder: Path, machines: Machines, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "inference", tmp_path / "inference")
    manifest = (ROOT / "blender_manifest.toml").read_text("utf-8")
    (tmp_path / "blender_manifest.toml").write_text(
        re.sub(r"(?m)^version = .*$", 'version = "9.9.9"', manifest), "utf-8"
    )
    machines.add_with((), root=tmp_path)
    done = run("plant", "validate", folder / "local.toml", "--json", "--cluster", machines.address, program=INFERENCE)
    assert done.returncode == 2, done.stdout + done.stderr
    (problem,) = last_json(done.stdout)["problems"]
    assert "has extension 9.9.9, but extension " in problem and "it gets no work. Install the same there." in problem


def test_a_worker_with_little_memory_is_refused_by_name(folder: Path, machines: Machines) -> None:
    machines.add_with(["--memory", "1.5"])
    file = folder / "memory.toml"
    file.write_text(PLANT.format(output="memory"), "utf-8")
    done = run("plant", "build", file, "--json", "--cluster", machines.address, program=INFERENCE)
    assert done.returncode == 2, done.stdout + done.stderr
    (problem,) = last_json(done.stdout)["problems"]
    assert "has 1.5 GB of memory, but a task needs 2.1 GB: it gets no work." in problem


def test_what_workers_get(folder: Path, machines: Machines) -> None:
    """As many tasks as fit into their memory, and two at a time for each, as Dask counts a death against all of them."""
    machines.add_with(["--jobs", "8", "--memory", "5"])
    stations = read_plant(folder / "local.toml").stations
    with connected(machines.address, 1, None) as client:
        cluster = Cluster(client, None, print)
        assert cluster.wait(stations, scenes=True) == 2
        assert cluster.room() == 4
        (worker,) = client.scheduler_info(n_workers=-1)["workers"].values()
        assert {name.partition(" ")[0] for name in worker["resources"]} >= {"extension", "bpy", "memory"}


def test_what_blender_renders_with() -> None:
    found = driver(None)
    assert found is None if bpy.app.version < (5, 0) else found and found.startswith("driver ") and ", " in found


@pytest.mark.skipif(sys.platform != "linux", reason="needs a small file system")
def test_the_disk_is_full(folder: Path) -> None:
    """The station fails with a sentence; once there is room, the build goes on to the same result."""
    output = folder / "full"
    output.mkdir()
    size = ["mount", "-t", "tmpfs", "-o", "size=28k", "none", str(output)]
    if subprocess.run(size, check=False, capture_output=True).returncode:
        pytest.skip("needs the right to mount")
    try:
        file = folder / "full.toml"
        file.write_text(PLANT.format(output="full"), "utf-8")
        more = ("--cluster", "local", "--jobs", 2)
        done = run("plant", "build", file, "--json", *more, program=INFERENCE)
        assert done.returncode == 2 and "no space left on device" in done.stdout, done.stdout + done.stderr
        subprocess.run(["mount", "-o", "remount,size=64m", str(output)], check=True)
        for action in ("build", "validate"):
            plant(folder, action, "full", *more)
        assert made(output, NAMES) == made(folder / "local", NAMES)
    finally:
        subprocess.run(["umount", str(output)], check=True)


@pytest.mark.skipif(sys.platform != "linux", reason="the processes are found through /proc")
def test_a_worker_is_slow(folder: Path, machines: Machines) -> None:
    """It stands still for ten seconds: nothing is lost and nothing is done twice."""
    workers = [machines.add() for _ in range(2)]
    file = folder / "slow.toml"
    file.write_text(PLANT.format(output="slow"), "utf-8")
    command = [*INFERENCE, "plant", "build", str(file), "--cluster", machines.address, "--json"]
    job = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while not descendants(workers[0].pid):
        assert job.poll() is None, job.communicate()
        time.sleep(0.02)
    still = [workers[0].pid, *descendants(workers[0].pid)]
    for process in still:
        os.kill(process, signal.SIGSTOP)
    time.sleep(10)
    for process in still:
        os.kill(process, signal.SIGCONT)
    stdout, stderr = job.communicate(timeout=240)
    assert job.returncode == 0, stdout + stderr
    assert {name: row["rendered"] for name, row in last_json(stdout)["stations"].items()} == {"one": 6, "two": 6}
    plant(folder, "validate", "slow")
    assert made(folder / "slow", NAMES) == made(folder / "local", NAMES)


def test_no_scheduler(folder: Path) -> None:
    done = run("plant", "build", folder / "local.toml", "--cluster", "tcp://127.0.0.1:9", program=INFERENCE)
    assert done.returncode == 2 and "There is no Dask scheduler at tcp://127.0.0.1:9" in done.stderr
    assert "Traceback" not in done.stderr


def test_slurm_needs_certificates(folder: Path) -> None:
    done = run("plant", "build", folder / "local.toml", "--cluster", "slurm", program=INFERENCE)
    assert done.returncode == 2 and "Give --tls a folder with certificates." in done.stderr


def test_single_commands(folder: Path, machines: Machines, tmp_path: Path) -> None:
    """build, embed and validate on two workers, with paths relative to where they are started."""
    machines.add()
    machines.add()
    cluster = ("--cluster", machines.address, "--shares", "2", "--encoder", folder / "tiny.onnx", "--json")
    scene = folder / "scenes" / "one.blend"

    def started(*words: object) -> dict[str, Any]:
        done = subprocess.run(
            [sys.executable, *map(str, words)], cwd=tmp_path, capture_output=True, text=True, timeout=300,
            env=os.environ | {"PYTHONPATH": str(ROOT)}, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return last_json(done.stdout)

    built = started(ROOT / "batch.py", "--scene", scene, "build", "--output", "one", "--images-per-class=3", *cluster)
    assert built["images"] == 6 and built["rendered"] == 6
    embedded = started(
        "-m", "inference", "embed", "--references", "one/references", "--database", "e.safetensors", *cluster
    )
    assert embedded["references"] == 6
    started(
        *("-m", "inference", "validate", "--database", "one/references.safetensors", "--photos", folder / "photos"),
        *("--output", "one/validation", *cluster),
    )
    local = made(folder / "local", NAMES)
    shutil.copytree(tmp_path / "one", tmp_path / "all" / "one")
    shutil.copytree(folder / "local" / "two", tmp_path / "all" / "two")
    found = made(tmp_path / "all", NAMES)
    assert found.pop("one/predictions") and local.pop("one/predictions")
    assert found == local
    assert ReferenceDatabase.load(tmp_path / "e.safetensors").embeddings.tobytes() == found["one/embeddings"]


PAGE = (ROOT / "docs" / "plant.md").read_text("utf-8")


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def certificates(folder: Path) -> None:
    """Made by the commands of the page."""
    found = re.search(r"(?ms)^    (mkdir -m 700 tls\n *openssl .*?)\n *```", PAGE)
    assert found
    subprocess.run(["bash", "-ec", textwrap.dedent(f"    {found[1]}")], cwd=folder, check=True, capture_output=True)


def test_the_commands_of_the_page_for_several_machines(folder: Path, tmp_path: Path) -> None:
    """Encrypted, as on the page, but for addresses; who has no certificate is not served."""
    certificates(tmp_path)
    assert stat.S_IMODE((tmp_path / "tls").stat().st_mode) == 0o700
    address = f"127.0.0.1:{free_port()}"
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}

    def words(start: str, *more: str) -> list[str]:
        (line,) = re.findall(rf"(?m)^    ({start}.*)$", PAGE)
        return [*shlex.split(line.replace("SCHEDULER:8786", address)), *more]

    file = folder / "tls.toml"
    file.write_text(PLANT.format(output="tls"), "utf-8")
    started = [
        subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.DEVNULL)
        for command in (
            words("dask scheduler", "--host", "127.0.0.1", "--port", address.rpartition(":")[2]),
            words("python -m inference worker"),
        )
    ]
    try:
        command = words("python -m inference plant build plant.toml --cluster tls")
        command[command.index("plant.toml")] = str(file)
        deadline = time.monotonic() + 30
        while socket.socket().connect_ex(("127.0.0.1", int(address.rpartition(":")[2]))):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        stranger = [*command[: command.index("--cluster")], "--cluster", f"tcp://{address}"]
        refused = subprocess.run(stranger, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert refused.returncode == 2 and "There is no Dask scheduler" in refused.stderr, refused.stderr
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    finally:
        for process in started:
            process.kill()
            process.wait()
    plant(folder, "validate", "tls")
    assert made(folder / "tls", NAMES) == made(folder / "local", NAMES)


def test_slurm_with_stand_ins(folder: Path, tmp_path: Path) -> None:
    """sbatch starts the wrapped command as often as the array says; scancel is called at the end."""
    certificates(tmp_path)
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "sbatch").write_text(
        "#!/bin/bash\nset -e\n[ $1 = --parsable ]; [ $2 = --array=1-2 ]; [ $3 = --wrap ]\n"
        f'for i in 1 2; do (eval "$4" >/dev/null 2>&1 & echo $! >>{tmp_path}/pids); done\necho "77;cluster"\n'
    )
    (programs / "scancel").write_text(f'#!/bin/bash\necho "$1" >{tmp_path}/cancelled\nkill $(cat {tmp_path}/pids)\n')
    for program in programs.iterdir():
        program.chmod(0o755)
    file = folder / "slurm.toml"
    file.write_text(PLANT.format(output="slurm"), "utf-8")
    done = subprocess.run(
        [*INFERENCE, "plant", "build", str(file), "--cluster", "slurm", "--jobs", "2", "--tls", str(tmp_path / "tls"), "--json"],
        cwd=ROOT, env=os.environ | {"PATH": f"{programs}:{os.environ['PATH']}"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "cancelled").read_text() == "77\n"
    plant(folder, "validate", "slurm")
    assert made(folder / "slurm", NAMES) == made(folder / "local", NAMES)


def test_the_script_for_slurm_is_valid() -> None:
    subprocess.run(["bash", "-n", ROOT / "examples" / "cluster" / "slurm.sh"], check=True)


def test_the_file_for_kubernetes_names_options_that_there_are() -> None:
    import yaml

    containers = [
        container
        for part in yaml.safe_load_all((ROOT / "examples" / "cluster" / "kubernetes.yaml").read_text("utf-8"))
        if part["kind"] == "Deployment"
        for container in part["spec"]["template"]["spec"]["containers"]
    ]
    assert [container["name"] for container in containers] == ["scheduler", "worker"]
    for container in containers:
        program, *rest = container["command"][1:]
        count = 1 if program == "dask" else 3
        help_of = [str(Path(sys.executable).with_name(program)), *rest[:count], "--help"]
        told = subprocess.run(help_of, cwd=ROOT, capture_output=True, text=True, check=True).stdout
        options = [word for word in [*rest, *container["args"]] if word.startswith("--")]
        assert options and all(option in told for option in options), options


@pytest.mark.skipif(sys.platform != "linux", reason="ports are found through /proc")
def test_only_this_machine_reaches_a_local_cluster(folder: Path) -> None:
    """Every port that its processes listen on is one of 127.0.0.1."""
    file = folder / "ports.toml"
    file.write_text(PLANT.format(output="ports"), "utf-8")
    command = [*INFERENCE, "plant", "check", str(file), "--cluster", "local", "--jobs", "2"]
    job = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    seen = set()
    while job.poll() is None:
        seen |= {address for process in (job.pid, *descendants(job.pid)) for address in listening(process)}
        time.sleep(0.2)
    assert job.returncode == 0 and len(seen) >= 3, seen
    assert all(address.startswith("0100007F:") for address in seen), seen


def listening(process: int) -> set[str]:
    """Addresses in hexadecimal, as /proc/net/tcp has them, that a process listens on."""
    sockets = set()
    for link in Path(f"/proc/{process}/fd").glob("*"):
        with suppress(OSError):
            sockets.add(str(link.readlink()))
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text("ascii").splitlines()[1:]:
            words = line.split()
            if words[3] == "0A" and f"socket:[{words[9]}]" in sockets:
                found.add(words[1])
    return found


def test_an_image_that_crashes(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is named and left out; all others are rendered, and the other station is not disturbed."""
    script = """
import os, sys
sys.addaudithook(
    lambda event, args: event == "open" and "poison/one/references/present/.present_0001." in str(args[0]) and os.abort()
)
"""
    (tmp_path / "sitecustomize.py").write_text(script, "utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    file = folder / "poison.toml"
    file.write_text(PLANT.format(output="poison"), "utf-8")
    more = ("--cluster", "local", "--jobs", 2, "--shares", 2, "--json")
    done = run("plant", "build", file, *more, program=INFERENCE)
    assert done.returncode == 2, done.stdout + done.stderr
    result = last_json(done.stdout)
    (problem,) = result["stations"]["one"]["problems"]
    assert result["failed"] == ["one"] and "crashed 3 times on each of present/present_0001.png" in problem
    assert len(list((folder / "poison" / "one").glob("references/*/[!.]*.png"))) == 5
    assert (folder / "poison" / "two" / "references.safetensors").exists()
