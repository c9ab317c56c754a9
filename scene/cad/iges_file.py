# SPDX-License-Identifier: GPL-3.0-or-later
"""What the text of an IGES file tells that its conversion does not."""

BLANKED, PHYSICALLY_DEPENDENT = b"01", b"01"


def count_hidden(content: bytes) -> int:
    """How many entities an IGES file hides by themselves, and not as part of another one.

    Each entity has two lines in the directory section, which end in D and a number. In columns 65 to 72 of the first are
    its blank status and its subordinate switch, two digits each (IGES 5.3, section 2.2.4.4.9).
    """
    lines = [line for line in content.splitlines() if len(line) >= 73 and line[72:73] == b"D"]
    statuses = (line[64:72].replace(b" ", b"0") for line in lines[::2])
    return sum(status[:2] == BLANKED and status[2:4] != PHYSICALLY_DEPENDENT for status in statuses)
