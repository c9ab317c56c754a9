# SPDX-License-Identifier: GPL-3.0-or-later
"""Two networks with a cable between them, as of two machines, and a folder that a machine does not have."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


class NoNetworks(Exception):
    """Why there are no separate networks: the right to make them is missing, or this is not Linux."""


@dataclass(frozen=True)
class Networks:
    """Prefixes for commands ``here`` and ``there``, the address of ``here``, and the end of the cable here."""

    here: tuple[str, ...]
    there: tuple[str, ...]
    address: str = "10.77.21.1"
    cable: str = f"sim{os.getpid() % 100000}a"

    def unplug(self) -> None:
        """Cut the connection, so that nothing tells either side that the other is gone."""
        subprocess.run([*self.here, "ip", "link", "set", self.cable, "down"], check=True)


@contextmanager
def separate_networks() -> Iterator[Networks]:
    """Make two network namespaces.

    Raises:
        NoNetworks: they cannot be made.
    """
    if shutil.which("ip") is None:
        raise NoNetworks("the command ip is missing")
    names = [f"simsearch-{os.getpid()}-{side}" for side in "ab"]
    networks = Networks(*(("ip", "netns", "exec", name) for name in names))
    cables = (networks.cable, f"{networks.cable[:-1]}b")
    try:
        try:
            for name in names:
                subprocess.run(["ip", "netns", "add", name], check=True, capture_output=True)
            ends = [
                *("ip", "link", "add", cables[0], "netns", names[0]),
                *("type", "veth", "peer", cables[1], "netns", names[1]),
            ]
            subprocess.run(ends, check=True, capture_output=True)
            for number, (name, cable) in enumerate(zip(names, cables, strict=True), 1):
                for words in (f"addr add 10.77.21.{number}/24 dev {cable}", f"link set {cable} up", "link set lo up"):
                    subprocess.run(["ip", "-n", name, *words.split()], check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise NoNetworks(str(error)) from error
        yield networks
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "delete", name], check=False, capture_output=True)


def without(folder: Path) -> tuple[str, ...]:
    """The prefix for a command that sees an empty folder in the place of this one."""
    return ("unshare", "--mount", "sh", "-ec", f'mount -t tmpfs none "{folder}"; exec "$@"', "sh")
