# SPDX-License-Identifier: GPL-3.0-or-later
"""The one error that users see, and why a photo cannot be read, which stops nothing."""


class InputError(Exception):
    """What the user gave cannot be used.

    Each problem is one sentence that says what is wrong and what to do next; all problems of an input come at once.
    """

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class UnreadablePhoto(Exception):
    """A file that cannot be read as a photo; ``reason`` says why in plain words."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
