# SPDX-License-Identifier: GPL-3.0-or-later
"""From image files to unit vectors, and from a folder of class folders to a reference database."""

import json
import os
import warnings
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .database import ReferenceDatabase
from .deep_pixels import WHITE_LEVELS
from .encoder import Encoder
from .errors import InputError
from .files import class_folders, composed, is_file, label_problem, shown, stays_below
from .output_folder import ReferencesFolder
from .photo_file import may_be_deep, unstated_white
from .preprocessing import Preprocessing, UnreadablePhoto
from .progress import Progress
from .quality import measure
from .reference_image import KEY, PROMOTED, text_chunk
from .shard import Shard

if TYPE_CHECKING:
    from .vector_cache import VectorCache

STAGE = "Embedding references"
BATCH = 8
READERS = min(os.cpu_count() or 1, 4)
"""Number of threads that read images ahead of the encoder. Pillow decodes without holding Python's lock."""

AHEAD = 2 * BATCH
"""Largest number of images in memory: the encoder's next batch, and the images that are read in the meantime."""

Known = tuple[NDArray[np.float32], NDArray[np.float32]]
"""A vector [D] and the result of :func:`.quality.measure` for its image [3]."""


@dataclass(frozen=True)
class Embedded:
    """Vectors of the files that could be read.

    Attributes:
        embeddings: vectors of unit length, float32 [M, D].
        qualities: results of :func:`.quality.measure`, float32 [M, 3].
        readable: numbers of the files that could be read, int64 [M].
        unreadable: for each other file, by number, the reason why it could not be read.
        notes: for files that could be read, by number, what had to be assumed or left out.
    """

    embeddings: NDArray[np.float32]
    qualities: NDArray[np.float32]
    readable: NDArray[np.int64]
    unreadable: dict[int, str]
    notes: dict[int, list[str]]

    def told(self, paths: Sequence[Path]) -> Iterator[str]:
        """Yield a sentence for each different note on the files ``paths``. It names the first file that it applies
        to."""
        files: dict[str, list[Path]] = {}
        for number, notes in self.notes.items():
            for note in notes:
                files.setdefault(note, []).append(paths[number])
        for note, noted in files.items():
            more = f" and {len(noted) - 1} more" if len(noted) > 1 else ""
            yield f"{shown(noted[0])}{more}: {note}."


def embed_files(
    encoder: Encoder,
    preprocessing: Preprocessing,
    paths: Sequence[Path],
    progress: Progress,
    stage: str,
    cache: "VectorCache | None" = None,
) -> Embedded:
    """Embed image files.

    Only one batch of small images, and a few images that are read ahead, are in memory at a time. A vector does not
    depend on the other images of its batch.

    Args:
        encoder: the encoder.
        preprocessing: how an image becomes the encoder's input.
        paths: the files.
        progress: receives the progress.
        stage: what the progress is called.
        cache: vectors that are known already. New vectors are added, except those of files with notes, so that the
            notes are found again next time.
    """
    done: dict[int, Known] = {}
    unreadable: dict[int, str] = {}
    notes: defaultdict[int, list[str]] = defaultdict(list)
    batch: dict[int, NDArray[np.float32]] = {}

    def embed_batch() -> None:
        tensors = np.stack(list(batch.values()))
        vectors, qualities = encoder.embed(tensors), measure(tensors, preprocessing)
        if cache and (plain := [row for row, number in enumerate(batch) if number not in notes]):
            numbers = list(batch)
            cache.add([paths[numbers[row]] for row in plain], vectors[plain], qualities[plain])
        done.update(zip(batch, zip(vectors, qualities, strict=True), strict=True))
        batch.clear()

    with _readers() as readers:
        images = _read_ahead(readers, preprocessing, paths, notes, cache)
        for number, found in enumerate(progress.track(images, len(paths), stage)):
            if isinstance(found, tuple):
                done[number] = found
                continue
            try:
                batch[number] = found()
            except UnreadablePhoto as error:
                unreadable[number] = error.reason
            if len(batch) == BATCH:
                embed_batch()
        if batch:
            embed_batch()
    readable = sorted(done)
    vectors = [np.empty((0, encoder.model.length), np.float32), *(done[number][0][None] for number in readable)]
    qualities = [np.empty((0, 3), np.float32), *(done[number][1][None] for number in readable)]
    noted = {number: notes[number] for number in readable if number in notes}
    return Embedded(np.concatenate(vectors), np.concatenate(qualities), np.array(readable, np.int64), unreadable, noted)


def with_white_level(
    preprocessing: Preprocessing, paths: Sequence[Path], progress: Progress
) -> tuple[Preprocessing, list[str]]:
    """Choose a white level for the files ``paths`` if ``preprocessing`` has none and a file needs one.

    The level is the smallest usual one that no value of the files exceeds.

    Returns:
        The preprocessing, and a sentence for the user if the level is less than the 16 bits of the files.
    """
    if preprocessing.white_level is not None or not (deep := [path for path in paths if may_be_deep(path)]):
        return preprocessing, []
    most = 0
    with _readers() as readers:
        for level in progress.track(readers.map(unstated_white, deep), len(deep), "Looking for white"):
            most = max(most, level or 0)
            if most == WHITE_LEVELS[-1]:
                break
    if not most:
        return preprocessing, []
    sentence = (
        "There are 16-bit photos that do not state their white level. None of them has a value above "
        f"{most}, so that is used. If it is wrong, set White Level in the sidebar or give --white-level; `edit --white-level` stores "
        "it in the database."
    )
    return replace(preprocessing, white_level=most), [sentence] if most < WHITE_LEVELS[-1] else []


@contextmanager
def _readers() -> Iterator[ThreadPoolExecutor]:
    """Yield threads that read images. They are started when needed, and kept until the last image is embedded.

    If they ended earlier, the threads of the encoder would share a core for some milliseconds.
    """
    with warnings.catch_warnings():
        # The filter applies to the whole process. Set here, it does not depend on the order of the readers.
        warnings.simplefilter("ignore")
        readers = ThreadPoolExecutor(READERS)
        try:
            yield readers
        finally:
            readers.shutdown(cancel_futures=True)


def _read_ahead(
    readers: ThreadPoolExecutor,
    preprocessing: Preprocessing,
    paths: Iterable[Path],
    notes: dict[int, list[str]],
    cache: "VectorCache | None",
) -> "Iterator[Known | Callable[[], NDArray[np.float32]]]":
    """Yield, in the order of ``paths``, what is known of each file, or a function that returns its pixels.

    ``readers`` read the pixels ahead. Notes on a file are stored under its number in ``notes``. The first image is read
    by the caller, who would only wait otherwise: a single photo needs no thread.
    """
    waiting: deque[Known | Callable[[], NDArray[np.float32]]] = deque()
    alone = True
    for number, path in enumerate(paths):

        def note(sentence: str, number: int = number) -> None:
            notes[number].append(sentence)

        if known := cache.find(path) if cache else None:
            waiting.append(known)
        elif alone:
            waiting.append(partial(preprocessing.read, path, note))
            alone = False
        else:
            waiting.append(readers.submit(preprocessing.read, path, note).result)
        if len(waiting) > AHEAD:
            yield waiting.popleft()
    while waiting:
        yield waiting.popleft()


@dataclass(frozen=True)
class Reference:
    """An image to embed: its file, its class, and its pose float [4, 4], camera to world."""

    path: Path
    label: str
    pose: NDArray[np.float32]


def embed_references(
    folder: Path,
    encoder: Encoder,
    preprocessing: Preprocessing,
    progress: Progress,
    database_path: Path,
    vectors: Path | None = None,
) -> ReferenceDatabase:
    """Embed a folder of class folders, and return the content of the file ``database_path``.

    If the folder contains a ``recipe.json``, the images of the recipe come first, in its order and with its poses. All
    of them must exist. Images that were rendered for another plan are left out, and images that someone added are kept.
    Without a recipe, every image counts.

    Args:
        folder: the references, one sub-folder for each class.
        encoder: the encoder.
        preprocessing: how a photo becomes the encoder's input.
        progress: receives the progress.
        database_path: the file that the database is made for. Nothing is written to it here.
        vectors: the file beside which the shares of a job left their vectors, which are not computed again.

    Raises:
        InputError: all problems at once.
    """
    references, recipe = find_references(folder)
    paths = [reference.path for reference in references]
    preprocessing, told = with_white_level(preprocessing, paths, progress)
    with ExitStack() as files:
        cache = files.enter_context(_known(vectors, encoder, preprocessing)) if vectors else None
        embedded = embed_files(encoder, preprocessing.of_references, paths, progress, STAGE, cache)
    progress.warn([*told, *embedded.told(paths)])
    if embedded.unreadable:
        raise InputError(
            *(f"{shown(references[n].path)}: {why}. Replace or remove it." for n, why in embedded.unreadable.items())
        )
    classes = tuple(dict.fromkeys(reference.label for reference in references))
    promoted = [number for number, path in enumerate(paths) if text_chunk(path, PROMOTED) is not None]
    return ReferenceDatabase(
        embeddings=embedded.embeddings,
        labels=np.array([classes.index(reference.label) for reference in references], np.int64),
        poses=np.stack([reference.pose for reference in references]),
        classes=classes,
        images=tuple(relative(path, folder, database_path.parent) for path in paths),
        model=encoder.model,
        preprocessing=preprocessing,
        recipe=recipe,
        promoted=tuple(promoted),
        qualities=embedded.qualities,
        path=database_path,
    )


@contextmanager
def _known(vectors: Path, encoder: Encoder, preprocessing: Preprocessing) -> "Iterator[VectorCache]":
    """Yield the vectors that shares of a job left beside the file ``vectors``."""
    from .shared_vectors import absorb_shares  # late: it imports SQLite
    from .vector_cache import VectorCache

    with closing(VectorCache(vectors, encoder.model, preprocessing.of_references)) as cache:
        absorb_shares(cache, vectors)
        yield cache


def embed_share_of_references(
    folder: Path, encoder: Encoder, preprocessing: Preprocessing, progress: Progress, vectors: Path, shard: Shard
) -> int:
    """Embed this share of the images that :func:`embed_references` would embed.

    Args:
        folder: the references, one sub-folder for each class.
        encoder: the encoder.
        preprocessing: how a photo becomes the encoder's input.
        progress: receives the progress.
        vectors: the file beside which the share's vectors are stored.
        shard: the share.

    Returns:
        The number of shares that are not done yet.

    Raises:
        InputError: as in :func:`embed_references`, or the folder of ``vectors`` cannot be written to.
    """
    from .shared_vectors import embed_share  # late: it imports SQLite

    paths = [reference.path for reference in find_references(folder)[0]]
    preprocessing, _ = with_white_level(preprocessing, paths, progress)
    return embed_share(shard, vectors, encoder, preprocessing.of_references, paths, progress, STAGE)


def find_references(folder: Path) -> tuple[list[Reference], dict[str, Any]]:
    """Return the references of a folder of class folders, and their recipe without its list of images."""
    folders = class_folders(folder)
    recipe = _read_recipe(ReferencesFolder(folder).recipe)
    planned = _planned(folder, recipe.pop("images", []))
    missing = [
        path for path, (_, key) in planned.items() if not is_file(path) or text_chunk(path, KEY) not in (key, None)
    ]
    if missing:
        raise InputError(
            f"{len(planned) - len(missing)} of {len(planned)} images in {shown(folder)} are rendered. "
            "Run render again: it continues from there."
        )
    added = [
        Reference(path, label, np.eye(4, dtype=np.float32))
        for label, paths in folders.items()
        for path in paths
        if path not in planned and text_chunk(path, KEY) is None
    ]
    references = [reference for reference, _ in planned.values()] + added
    if not references:
        raise InputError(
            f"There are no images in {shown(folder)}: it needs one folder of images per class, with the name of the class."
        )
    labels = dict.fromkeys(reference.label for reference in references)
    if problems := [problem for label in labels if (problem := label_problem(label))]:
        raise InputError(*problems)
    return references, {"created": datetime.now(UTC).isoformat(timespec="seconds")} | recipe


def _read_recipe(path: Path) -> dict[str, Any]:
    try:
        if path.exists() and not path.is_file():  # reading a pipe would wait for ever
            raise TypeError
        recipe = json.loads(path.read_text("utf-8"))
        if not isinstance(recipe, dict):
            raise TypeError
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, RecursionError):
        raise InputError(f"{shown(path)} is damaged. Run render again, or remove it to embed every image.") from None
    return recipe


def _planned(folder: Path, images: Any) -> dict[Path, tuple[Reference, str]]:
    """Return the images of a recipe by path, each with its key."""
    try:
        if not all(stays_below(image["path"]) for image in images):
            raise ValueError
        with np.errstate(over="ignore"):
            poses = [np.array(image["pose"], np.float32).reshape(4, 4) for image in images]
        if not np.isfinite(poses).all():
            raise ValueError
        return {
            folder / image["path"]: (
                Reference(folder / image["path"], composed(str(image["class"])), pose),
                image["key"],
            )
            for image, pose in zip(images, poses, strict=True)
        }
    except (KeyError, TypeError, ValueError, OverflowError):
        raise InputError(
            f"The images of {shown(ReferencesFolder(folder).recipe)} are damaged. Run render again."
        ) from None


def relative(path: Path, folder: Path, database_folder: Path) -> str:
    """Return ``path`` relative to ``database_folder``, or relative to ``folder`` if it is not below
    ``database_folder``."""
    absolute, database_folder = folder.resolve() / path.relative_to(folder), database_folder.resolve()
    return (
        absolute.relative_to(database_folder) if absolute.is_relative_to(database_folder) else path.relative_to(folder)
    ).as_posix()
