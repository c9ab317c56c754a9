# SPDX-License-Identifier: GPL-3.0-or-later
"""The main job from scene to ONNX file touches no network: it runs without one, and never asks for one."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from synthetic_similarity_search.tests.network import unshare
from synthetic_similarity_search.tests.tiny_encoder import real_encoder

ROOT = Path(__file__).resolve().parents[2]
JOB = """
set -e
"$PYTHON" batch.py --scene "$SCENE" build --output "$OUT"
mkdir -p "$OUT/photos"
cp -r "$OUT/references/present" "$OUT/references/absent" "$OUT/photos"
"$PYTHON" -m inference validate --database "$OUT/references.safetensors" --photos "$OUT/photos" --output "$OUT/result"
"$PYTHON" -m inference classify --database "$OUT/references.safetensors" "$OUT/photos/present/present_0000.png"
"$PYTHON" -m inference export-onnx --database "$OUT/references.safetensors" --output "$OUT/station.onnx"
"""
LOCAL_PROGRAMS = (
    r"nscd/socket",
    r"\.X11-unix/",
    r"wayland-",
    r"pulse/native",
    r"pipewire",
    r"systemd/",
    r"dbus",
    r"kms_swrast|drm",
)
"""Sockets in the file system, by which libraries look for other programs of this machine."""


IPV6_PROBE = re.compile(r" socket\(AF_INET6, SOCK_STREAM\|SOCK_CLOEXEC, IPPROTO_IP\)")
"""Blender's own Python modules import urllib3, which makes one socket, never connected, to see if there is IPv6."""


def do_the_job(before: list[str], blend_file: Path, out: Path) -> None:
    environment = os.environ | {"PYTHON": sys.executable, "SCENE": str(blend_file), "OUT": str(out)}
    done = subprocess.run(
        [*before, "bash", "-c", JOB],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (out / "result" / "report.html").is_file() and (out / "station.onnx").is_file()


@pytest.mark.skipif(sys.platform != "linux", reason="network namespaces are Linux's")
@pytest.mark.reliability(
    "fault", "no network interface at all, not even the loopback: build, validate, classify, export-onnx", "all done"
)
def test_the_job_runs_without_any_network(blend_file: Path, tmp_path: Path) -> None:
    real_encoder()
    before = unshare()
    alone = subprocess.run([*before, "cat", "/proc/net/dev"], capture_output=True, text=True, check=True).stdout
    assert re.findall(r"(?m)^\s*(\w+):", alone) in ([], ["lo"]), alone
    do_the_job(before, blend_file, tmp_path / "out")


@pytest.mark.skipif(sys.platform != "linux", reason="strace is Linux's")
@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed: apt-get install strace")
@pytest.mark.reliability(
    "fault",
    "every system call of the job watched, native code included (strace)",
    "no internet socket made, no connect but to local programs",
)
def test_the_job_asks_for_no_network(blend_file: Path, tmp_path: Path) -> None:
    real_encoder()
    log = tmp_path / "calls"
    before = ["strace", "-f", "-qq", "--seccomp-bpf", "-e", "trace=socket,connect,sendto,sendmsg", "-o", str(log)]
    if subprocess.run([*before, "true"], check=False, capture_output=True).returncode:
        pytest.skip("strace may not watch processes here (ptrace is forbidden)")
    reached = [sys.executable, "-c", "import socket; socket.socket().connect_ex(('127.0.0.1', 9))"]
    subprocess.run([*before, *reached], check=True, capture_output=True)
    assert "AF_INET" in log.read_text(), "what is looked for is seen"
    do_the_job(before, blend_file, tmp_path / "out")
    calls = log.read_text("utf-8", "replace").splitlines()
    network = [
        line for line in calls if "AF_UNIX" not in line and re.search(r"AF_", line) and not IPV6_PROBE.search(line)
    ]
    assert not network, network
    elsewhere = [line for line in calls if "connect(" in line and not re.search("|".join(LOCAL_PROGRAMS), line)]
    assert not elsewhere, elsewhere
