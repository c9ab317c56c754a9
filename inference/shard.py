# SPDX-License-Identifier: GPL-3.0-or-later
"""A share of a job that several processes or machines do, each its own, without talking to each other."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

Item = TypeVar("Item")


@dataclass(frozen=True)
class Shard:
    """Share ``number`` of ``count``, from 1. Raises ValueError where there is no such share."""

    number: int
    count: int

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.count:
            raise ValueError

    @classmethod
    def parse(cls, text: str) -> "Shard":
        """The share that ``I/N`` names."""
        found = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text, re.ASCII)
        if not found:
            raise ValueError
        return cls(int(found[1]), int(found[2]))

    def of(self, items: Sequence[Item]) -> Sequence[Item]:
        """This share of ``items``: every ``count``-th, so that shares are alike whatever lies at the end."""
        return items[self.number - 1 :: self.count]

    def file(self, path: Path) -> Path:
        """The file of this share that stands for ``path`` of the whole job."""
        return path.with_name(f"{path.stem}-{self.number}-of-{self.count}{path.suffix}")

    def all_files(self, path: Path) -> list[Path]:
        """The files of all shares of the job that stand for ``path``."""
        return [Shard(number, self.count).file(path) for number in range(1, self.count + 1)]

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"


def shard_files(path: Path) -> list[Path]:
    """The files that stand for ``path`` in shares of any job."""
    pattern = re.compile(re.escape(path.stem) + r"-\d+-of-\d+" + re.escape(path.suffix))
    if not path.parent.is_dir():
        return []
    return sorted(file for file in path.parent.iterdir() if pattern.fullmatch(file.name))
