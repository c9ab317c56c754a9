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
from .planned_image import PlannedImage

LIMIT = 3
"""Crashes after which an image is given up."""


class Crashes:
    """Counts by image key, so that they end with the scene that crashed. Kept in ``folder``/.crashes.json.

    The image that is being rendered is noted in ``folder``/.rendering, which a job that ends orderly removes: where it
    is still there, the last job died on that image.
    """

    def __init__(self, folder: Path, *, fresh: bool = False) -> None:
        self.file, self.note = ReferencesFolder(folder).crashes, ReferencesFolder(folder).rendering
        self.counts: dict[str, int] = {}
        if fresh:
            self.file.unlink(missing_ok=True)
        else:
            # None yet, or not ours.
            with suppress(OSError, ValueError, TypeError, AttributeError, OverflowError, RecursionError):
                self.counts = {str(key): int(count) for key, count in json.loads(self.file.read_text("utf-8")).items()}
            with suppress(OSError, ValueError):
                self.add(self.note.read_text("utf-8"))
        self.note.unlink(missing_ok=True)

    def add(self, key: str) -> None:
        """Count one crash on the image of this key."""
        if key:
            self.counts[key] = self.counts.get(key, 0) + 1
            with replacing(self.file) as temporary:
                temporary.write_text(json.dumps(self.counts), "utf-8")

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
