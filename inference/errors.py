# SPDX-License-Identifier: GPL-3.0-or-later
"""The error that users see, and the reason why a photo cannot be read, which does not stop a job."""


class InputError(Exception):
    """The user's input cannot be used.

    Each problem is one sentence that says what is wrong and what to do next. All problems of an input are raised at
    once.
    """

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class UnreadablePhoto(Exception):
    """A file that cannot be read as a photo; ``reason`` says why in plain words."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
