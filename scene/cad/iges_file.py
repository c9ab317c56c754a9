# SPDX-License-Identifier: GPL-3.0-or-later
"""What the text of an IGES file states and its conversion loses."""

from collections.abc import Iterator

BLANKED, PHYSICALLY_DEPENDENT, DEFINITION = b"01", b"01", b"02"
FACES = frozenset({b"143", b"144", b"510"})
"""Entity types of a face: bounded surface, trimmed parametric surface, and face of a solid (IGES 5.3, section 4)."""


def count_hidden(content: bytes) -> int:
    """Return how many entities an IGES file hides that are not part of another entity."""
    return sum(
        blank == BLANKED and subordinate != PHYSICALLY_DEPENDENT for _, blank, subordinate, _ in _entities(content)
    )


def count_faces(content: bytes) -> int:
    """Return how many faces an IGES file contains, without those of definitions, which count only where they are used."""
    return sum(kind in FACES and use != DEFINITION for kind, _, _, use in _entities(content))


def _entities(content: bytes) -> Iterator[tuple[bytes, bytes, bytes, bytes]]:
    """Yield the type, blank status, subordinate switch and use flag of each entity.

    Each entity has two lines in the directory section, which end in D and a number. The first begins with the type, and
    has the three flags, with two digits each, in columns 65 to 70 (IGES 5.3, section 2.2.4.4).
    """
    lines = [line for line in content.splitlines() if len(line) >= 73 and line[72:73] == b"D"]
    for line in lines[::2]:
        flags = line[64:72].replace(b" ", b"0")
        yield line[:8].strip(), flags[:2], flags[2:4], flags[4:6]
