# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes to a reference database without rendering or embedding the rest of it again."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

import numpy as np

from .database import ReferenceDatabase
from .embedding import embed_files, relative, with_white_level
from .encoder import Encoder
from .errors import InputError
from .files import find_photos, sha256_file, shown
from .progress import Progress
from .reference_image import PROMOTED, save_reference


def without(database: ReferenceDatabase, labels: Sequence[str]) -> ReferenceDatabase:
    """Remove classes from a database.

    Raises:
        InputError: one of ``labels`` is not a class of the database, or no class would remain.
    """
    if unknown := [label for label in labels if label not in database.classes]:
        known = ", ".join(database.classes)
        raise InputError(*(f'There is no class "{shown(label)}". The database has: {known}.' for label in unknown))
    left = tuple(label for label in database.classes if label not in labels)
    if not left:
        raise InputError("That would remove every class. Keep at least one.")
    rows = np.flatnonzero(np.isin(np.array(database.classes)[database.labels], left))
    return relabelled(database.take(rows), left)


def relabelled(database: ReferenceDatabase, classes: tuple[str, ...]) -> ReferenceDatabase:
    """Return the same references with labels that index ``classes``, which must contain every class that occurs."""
    numbers = [classes.index(label) if label in classes else -1 for label in database.classes]
    return replace(database, classes=classes, labels=np.array(numbers, np.int64)[database.labels])


def joined(first: ReferenceDatabase, second: ReferenceDatabase) -> ReferenceDatabase:
    """Return all references of two databases. References of the same class and vector count once, so joining twice is
    safe. A domain shift is that of the station, so the first one's, if there is one, holds for all.

    Raises:
        InputError: different encoders made them, or they see different parts of a photo.
    """
    first.check_model(second.model)
    if first.preprocessing.crop != second.preprocessing.crop:
        crops = " and ".join(str(list(part.preprocessing.crop)) for part in (first, second))
        raise InputError(f"The databases crop photos differently, {crops}. Build one of them again with --crop.")
    levels = [part.preprocessing.white_level for part in (first, second) if part.preprocessing.white_level is not None]
    if len(set(levels)) > 1:
        raise InputError(
            f"The white level is {levels[0]} in one database and {levels[1]} in the other. Give --white-level."
        )
    classes = tuple(dict.fromkeys((*first.classes, *second.classes)))
    first, second = relabelled(first, classes), relabelled(second, classes)
    known = {(label, vector.tobytes()) for label, vector in zip(first.labels, first.embeddings, strict=True)}
    pairs = ((label, vector.tobytes()) for label, vector in zip(second.labels, second.embeddings, strict=True))
    rows = [row for row, pair in enumerate(pairs) if pair not in known]
    second = second.take(np.array(rows, np.int64))
    return replace(
        first,
        embeddings=np.concatenate([first.embeddings, second.embeddings]),
        labels=np.concatenate([first.labels, second.labels]),
        poses=np.concatenate([first.poses, second.poses]),
        images=first.images + second.images,
        preprocessing=replace(first.preprocessing, white_level=levels[0] if levels else None),
        promoted=first.promoted + tuple(len(first) + row for row in second.promoted),
        qualities=None
        if first.qualities is None or second.qualities is None
        else np.concatenate([first.qualities, second.qualities]),
        domain_shift=second.domain_shift if first.domain_shift is None else first.domain_shift,
    )


def replaced(first: ReferenceDatabase, second: ReferenceDatabase) -> ReferenceDatabase:
    """Replace classes of ``first`` by the classes of ``second`` that have the same names. The order of classes is
    kept."""
    shared = set(first.classes) & set(second.classes)
    order = tuple(dict.fromkeys((*first.classes, *second.classes)))
    rows = np.flatnonzero(~np.isin(np.array(first.classes)[first.labels], list(shared)))
    return joined(relabelled(first.take(rows), order), second)


def moved(database: ReferenceDatabase, path: Path) -> ReferenceDatabase:
    """Return ``database`` for the file ``path``: the paths of its images become relative to the new place.

    Images that are not below the new folder are named after their old folder, so that no two have the same name. The
    report cannot show them.
    """
    old, new = database.path.parent.resolve(), path.parent.resolve()
    base = Path(old.relative_to(new) if old.is_relative_to(new) else old.name)
    return replace(database, path=path, images=tuple((base / image).as_posix() for image in database.images))


def promoted(
    database: ReferenceDatabase, encoder: Encoder, photos_directory: Path, progress: Progress
) -> ReferenceDatabase:
    """Add verified photos to a database as references.

    Each photo is also stored among the reference images as the encoder sees it, so that a later build finds it.

    Args:
        database: the database.
        encoder: the encoder that made it.
        photos_directory: the photos, in one folder for each class.
        progress: receives the progress.

    Raises:
        InputError: a photo cannot be read, or a folder is not named after a class of the database.
    """
    encoder = encoder.with_foreground(database.model.foreground)
    database.check_model(encoder.model)
    files = find_photos(photos_directory, database.classes)
    paths = [path for path, _ in files]
    preprocessing, told = with_white_level(database.preprocessing, paths, progress)
    embedded = embed_files(encoder, preprocessing, paths, progress, "Embedding photos")
    progress.warn([*told, *embedded.told(paths)])
    if embedded.unreadable:
        raise InputError(*(f"{shown(files[n][0])}: {why}. Remove it." for n, why in embedded.unreadable.items()))
    root = database.path.parent.joinpath(*PurePosixPath(database.images[0]).parts[:-2])
    images = []
    for path, label in files:
        place = root / label / f"photo_{sha256_file(path)[:12]}.png"
        save_reference(preprocessing.picture(path), place, PROMOTED, shown(path.name))
        images.append(relative(place, root, database.path.parent))
    return joined(
        database,
        replace(
            database,
            embeddings=embedded.embeddings,
            labels=np.array([database.classes.index(label) for _, label in files], np.int64),
            poses=np.broadcast_to(np.eye(4, dtype=np.float32), (len(files), 4, 4)),
            images=tuple(images),
            promoted=tuple(range(len(files))),
            qualities=embedded.qualities,
        ),
    )
