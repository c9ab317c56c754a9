# SPDX-License-Identifier: GPL-3.0-or-later
"""How often Blender crashed on an image, over all jobs on a folder: one that always crashes must not stop the rest.

Needs no Blender.
"""

import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from ..inference.files import replacing
from ..inference.output_folder import ReferencesFolder
from ..inference.shard import Shard, shard_files
from .planned_image import PlannedImage

LIMIT = 3
"""Crashes after which an image is given up."""


class Crashes:
    """Counts by image key, so that they end with the scene that crashed. Kept in ``folder``/.crashes.json.

    The image that is being rendered is noted in ``folder``/.rendering, which a job that ends orderly removes: where it
    is still there, the last job died on that image. Each share of a job has files of its own; a whole job takes over
    what they hold.
    """

    def __init__(self, folder: Path, shard: Shard | None = None, *, fresh: bool = False) -> None:
        file, note = ReferencesFolder(folder).crashes, ReferencesFolder(folder).rendering
        self.file, self.note = (shard.file(file), shard.file(note)) if shard else (file, note)
        self.counts: dict[str, int] = {}
        files = [self.file] if shard else [file, *shard_files(file)]
        notes = [self.note] if shard else [note, *shard_files(note)]
        if not fresh:
            for found in [file, *files] if shard else files:
                self._take(found)
            for found in notes:
                with suppress(OSError, ValueError):
                    self.add(found.read_text("utf-8"))
            if len(files) > 1:
                self._write()
        for found in [*notes, *files[0 if fresh else 1 :]]:
            found.unlink(missing_ok=True)

    def _take(self, file: Path) -> None:
        """Add the counts of a file, which may not be there, or not be ours."""
        with suppress(OSError, ValueError, TypeError, AttributeError, OverflowError, RecursionError):
            counts = {str(key): int(count) for key, count in json.loads(file.read_text("utf-8")).items()}
            for key, count in counts.items():
                self.counts[key] = max(self.counts.get(key, 0), count)

    def _write(self) -> None:
        with replacing(self.file) as temporary:
            temporary.write_text(json.dumps(self.counts), "utf-8")

    def add(self, key: str) -> None:
        """Count one crash on the image of this key."""
        if key:
            self.counts[key] = self.counts.get(key, 0) + 1
            self._write()

    def given_up(self, image: PlannedImage) -> bool:
        """Whether Blender crashed on the image so often that it is not tried again."""
        return self.counts.get(image.key, 0) >= LIMIT

    def suspects(self, images: Iterable[PlannedImage]) -> bool:
        """Whether Blender ever crashed on one of the images."""
        return any(image.key in self.counts for image in images)

    def watch(self, images: Iterable[PlannedImage]) -> Iterator[PlannedImage]:
        """Yield images, and note which one is being rendered in this process."""
        try:
            for image in images:
                with suppress(OSError):  # the folder is gone or full: told where the image is stored
                    self.note.write_text(image.key, "utf-8")
                yield image
        finally:
            with suppress(OSError):
                self.note.unlink(missing_ok=True)
