# SPDX-License-Identifier: GPL-3.0-or-later
"""Shares of a job that several processes or machines do independently, without communication."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

Item = TypeVar("Item")


@dataclass(frozen=True)
class Shard:
    """Share ``number`` of ``count``, counted from 1.

    Raises:
        ValueError: there is no such share.
    """

    number: int
    count: int

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.count:
            raise ValueError

    @classmethod
    def parse(cls, text: str) -> "Shard":
        """Return the share that the text ``I/N`` names.

        Raises:
            ValueError: it names none.
        """
        found = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text, re.ASCII)
        if not found:
            raise ValueError
        return cls(int(found[1]), int(found[2]))

    def of(self, items: Sequence[Item]) -> Sequence[Item]:
        """Return this share of ``items``: every ``count``-th item, so that shares are alike even if the last items are
        special."""
        return items[self.number - 1 :: self.count]

    def file(self, path: Path) -> Path:
        """Return this share's file that corresponds to the file ``path`` of the whole job."""
        return path.with_name(f"{path.stem}-{self.number}-of-{self.count}{path.suffix}")

    def all_files(self, path: Path) -> list[Path]:
        """Return the files of all shares that correspond to the file ``path`` of the whole job."""
        return [Shard(number, self.count).file(path) for number in range(1, self.count + 1)]

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"


def shard_files(path: Path) -> list[Path]:
    """Return the existing files that correspond to ``path`` in shares of any job."""
    pattern = re.compile(re.escape(path.stem) + r"-\d+-of-\d+" + re.escape(path.suffix))
    if not path.parent.is_dir():
        return []
    return sorted(file for file in path.parent.iterdir() if pattern.fullmatch(file.name))
