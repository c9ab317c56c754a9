# SPDX-License-Identifier: GPL-3.0-or-later
"""Files and folders: atomic writing, safe names, the images of a folder of class folders."""

import hashlib
import os
import re
import tempfile
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path, PureWindowsPath
from typing import TypeVar

from .errors import InputError

Item = TypeVar("Item")

LABEL_BYTES = 100
NEARLY = 0.75
"""Smallest likeness of two names, from 0 to 1, at which one may be a misspelling of the other: one letter in four
differs."""
UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""Control characters, line separators, and the characters that stand in Python for bytes that are not UTF-8."""

RESERVED = {"CON", "PRN", "AUX", "NUL", *(f"{port}{n}" for port in ("COM", "LPT") for n in range(1, 10))}
"""Names that Windows reserves for devices, with any extension (learn.microsoft.com, "Naming Files, Paths, and
Namespaces")."""

LEFT_BEHIND = {
    # Windows
    *("thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", "$recycle.bin", "recycler", "recycled"),
    "system volume information",
    # macOS, and its zip files elsewhere
    *("icon\r", "__macosx", "network trash folder", "temporary items"),
    # network storage: Synology, QNAP, file systems' own
    *("@eadir", "#recycle", "#snapshot", "@tmp", "@recycle", "@recently-snapshot", "lost+found"),
}
"""Files and folders that systems create beside the user's, in lower case. Names that begin with a dot are always
ignored."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``. It is renamed to ``path`` on success, and removed on failure.

    Nobody ever reads a half-written file, whatever interrupts the writing. Missing parent folders are created.

    Raises:
        InputError: the file cannot be written.
    """
    # The process number would not be enough: two machines that share a folder may use the same one.
    temporary = path.with_name(f".{path.stem}.{int.from_bytes(os.urandom(6))}{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        temporary.replace(path)
    except OSError as error:
        raise InputError(f"{shown(path)} cannot be written: {reason(error)}. Choose another place.") from error
    finally:
        with suppress(OSError):  # the parent is no folder, or no longer writable: said above
            temporary.unlink(missing_ok=True)


def writable_folder(folder: Path) -> None:
    """Create ``folder`` and check that files can be written to it, so that a long job does not fail at its end.

    Raises:
        InputError: it cannot be created or written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise InputError(f"{shown(folder)} cannot be written to: {reason(error)}. Choose another folder.") from error


def can_be_written(folder: Path) -> bool:
    """Return whether files can be written to ``folder``, or it can be created, as far as that is known without
    writing."""
    nearest = next((path for path in (folder, *folder.parents) if path.exists()), None)
    return nearest is not None and nearest.is_dir() and os.access(nearest, os.W_OK)


def reason(error: Exception) -> str:
    """Return the operating system's message in lower case, without the file name that ``str(error)`` adds."""
    text = (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
    return text[0].lower() + text[1:].rstrip(".")


def shown(path: Path | str) -> str:
    """Return ``path`` as one line of valid text: with forward slashes, and with control characters and invalid bytes
    escaped."""
    text = path.as_posix() if isinstance(path, Path) else path
    return UNPRINTABLE.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def is_file(path: Path) -> bool:
    """Return whether ``path`` is a regular file or a link to one; False also if the system cannot tell, as for too long
    a name."""
    try:
        return path.is_file()
    except OSError:
        return False


def sha256_file(path: Path) -> str:
    """Return the SHA-256 of a file's content, as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def label_problem(label: str) -> str | None:
    """Return why ``label`` cannot name a class, as a sentence; None if it can.

    A label becomes the name of a folder, and must be valid on every system. Letters of any script are allowed.
    """

    def sentence(why: str) -> str:
        return f'The class name "{shown(label)}" {why}. Choose another name.'

    if not label.strip():
        return "A class has no name. Give it one."
    if label.startswith("."):
        return sentence("starts with a dot")
    if label != label.rstrip(". "):
        return sentence("ends with a dot or a space, which Windows drops")
    if label != label.lstrip():
        return sentence("starts with a space")
    if found := sorted(set(label) & set('/\\<>:"|?*')):
        return sentence(f"contains {' '.join(found)}, which folder names cannot")
    if UNPRINTABLE.search(label):
        return sentence("contains a control character")
    if label.partition(".")[0].rstrip().upper() in RESERVED:
        return sentence("is reserved by Windows")
    if len(label.encode()) > LABEL_BYTES:
        return sentence(f"is longer than {LABEL_BYTES} bytes")
    return None


def stays_below(path: str) -> bool:
    """Return whether a relative path, read from a file of unknown origin, cannot lead outside the folder of that
    file."""
    windows = PureWindowsPath(path)  # takes both kinds of slashes, drives and network places
    return bool(windows.parts) and not windows.anchor and ".." not in windows.parts


def class_folders(folder: Path) -> dict[str, list[Path]]:
    """List the files below each sub-folder of ``folder``.

    Files that systems left behind are ignored. Names are converted to Unicode's composed form (NFC), because macOS and
    its zip files decompose them.

    Returns:
        Files by the name of the sub-folder, both sorted.

    Raises:
        InputError: ``folder`` does not exist or cannot be listed.
    """
    try:
        names = sorted(entry.name for entry in os.scandir(folder) if entry.is_dir() and not left_behind(entry.name))
    except OSError as error:
        raise InputError(f"The folder {shown(folder)} cannot be read: {reason(error)}. Choose another one.") from error
    files: dict[str, list[Path]] = {}
    for name in names:
        files.setdefault(composed(name), []).extend(sorted(files_below(folder / name, folder)))
    return files


def composed(name: str) -> str:
    """Return ``name`` in Unicode's composed form, so that names that look the same are the same."""
    return unicodedata.normalize("NFC", name)


def left_behind(name: str) -> bool:
    """Return whether a name is that of a hidden file or folder, or of one that a system created, not the user."""
    return name.startswith(".") or name.lower() in LEFT_BEHIND


def files_below(folder: Path, root: Path | None = None) -> Iterator[Path]:
    """Yield every file below ``folder`` that no system left behind.

    Linked folders are followed, each place once. A link that leads below ``root`` (by default ``folder``) or to a
    folder above it is not followed: those files are found anyway, or the search would never end.
    """
    top = Path(os.path.realpath(root or folder))
    above = {Path(os.path.realpath(parent)) for parent in folder.absolute().parents}  # by the way that was taken here
    visited = {Path(os.path.realpath(folder))}
    for directory, subdirectories, names in os.walk(folder, followlinks=True):
        here = Path(os.path.realpath(directory))
        followed = []
        for name in subdirectories:
            place = Path(os.path.realpath(here / name))
            linked = place != here / name
            around = (
                place.is_relative_to(top) or top.is_relative_to(place) or here.is_relative_to(place) or place in above
            )
            if not left_behind(name) and place not in visited and not (linked and around):
                visited.add(place)
                followed.append(name)
        subdirectories[:] = followed
        for name in names:
            path = Path(directory, name)
            if not left_behind(name) and (path.is_file() or path.is_symlink()):
                yield path


def stray_folders(folder: Path, classes: Sequence[str]) -> list[str]:
    """Return the names of sub-folders that contain files but are not named after a class. Empty ones do no harm."""
    labels = {composed(label) for label in classes}
    return [name for name, paths in class_folders(folder).items() if paths and name not in labels]


def meant_class(stray: str, folder: Path, classes: Sequence[str]) -> str | None:
    """Return the class without a folder whose name is most similar to that of a stray folder; None if no name is
    similar."""
    import difflib  # late: few need it

    taken = class_folders(folder)
    free = {label.casefold(): label for label in classes if composed(label) not in taken}
    near = difflib.get_close_matches(stray.casefold(), free, n=1, cutoff=NEARLY)
    return free[near[0]] if near else None


def find_photos(folder: Path, classes: Sequence[str], *, leave_out: bool = False) -> list[tuple[Path, str]]:
    """Return every file below the class folders of ``folder``, with its class.

    Args:
        folder: the photos, one sub-folder for each class.
        classes: names of the classes.
        leave_out: leave out sub-folders that are not named after a class, instead of refusing them.

    Raises:
        InputError: all problems: there is no photo, or a sub-folder is not named after a class.
    """
    folders = class_folders(folder)
    labels = {composed(label): label for label in classes}
    expected = f"The database's classes are: {', '.join(classes)}."
    problems = [
        f'{shown(folder)} has a sub-folder "{shown(name)}", which is not a class. Rename it or move it away. {expected}'
        for name in ([] if leave_out else stray_folders(folder, classes))
    ]
    photos = [(path, labels[name]) for name, paths in folders.items() for path in paths if name in labels]
    if not folders:
        problems.append(
            f"{shown(folder)} has no sub-folders. Put the photos of each class into a sub-folder with the name of the class. {expected}"
        )
    elif not photos:
        problems.append(f"There is no photo in any class folder of {shown(folder)}. {expected}")
    if problems:
        raise InputError(*problems)
    return photos


def evenly(items: Sequence[Item], most: int) -> list[Item]:
    """At most ``most`` of the items, evenly picked from the first on; all of them if there are no more."""
    count = min(most, len(items))
    return [items[number * len(items) // count] for number in range(count)]
