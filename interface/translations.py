# SPDX-License-Identifier: GPL-3.0-or-later
"""The interface in the user's language, where Blender's own dictionary has no words for it."""

import re
from collections.abc import Callable
from functools import lru_cache

import bpy

from .german import GERMAN
from .german_sentences import SENTENCES

CONTEXT = "SimilaritySearch"
"""Blender's context for words that its own dictionary has with another meaning."""
PROBE = "Similarity Search"
"""A text that is another one in every language that the extension speaks."""
PLACE = re.compile(r"\{(\w)\}")
COUNTED = re.compile(r"\d+ [a-z]+")


def translated(text: str) -> str:
    """Text of the interface in the user's language; as it is where there is none."""
    exact = _words(text)
    return exact if exact != text or _words(PROBE) == PROBE else in_words(text, _words)


def _words(text: str) -> str:
    return str(bpy.app.translations.pgettext_iface(text))


def in_words(text: str, words: Callable[[str], str]) -> str:
    """A text of one or more lines, each of which may be a sentence of ``german_sentences`` that names something.

    Names are the user's and stay as they are; counted things and what is a sentence itself are translated.

    Args:
        text: the lines, in English.
        words: translates a text that names nothing, or has places for names; returns others as they are.
    """

    def line(text: str) -> str:
        found = None if text in SENTENCES else _instance(text)
        if found is None:
            return words(text)
        template, names = found
        return PLACE.sub(lambda place: named(names[place[1]]), words(template))

    def named(text: str) -> str:
        return line(text) if text in SENTENCES or text.endswith(".") or COUNTED.fullmatch(text) else text

    return "\n".join(map(line, text.split("\n")))


@lru_cache(maxsize=1000)
def _instance(text: str) -> tuple[str, dict[str, str]] | None:
    """The sentence with places for names that a text is an instance of, and what stands there."""
    for template, pattern in _patterns():
        if found := pattern.fullmatch(text):
            return template, {name[1:]: value for name, value in found.groupdict().items()}
    return None


@lru_cache(maxsize=1)
def _patterns() -> list[tuple[str, re.Pattern[str]]]:
    """Sentences with the patterns of their instances, those with the most words of their own first."""
    found = []
    for template in sorted(SENTENCES, key=lambda text: -len(PLACE.sub("", text))):
        first, *rest = PLACE.split(template)
        pattern = re.escape(first)
        for name, words in zip(rest[::2], rest[1::2], strict=True):
            pattern += f"(?P<_{name}>{'.+?' if name.isdigit() else '[0-9]+'}){re.escape(words)}"
        found.append((template, re.compile(pattern)))
    return found


def register() -> None:
    """Add the words to Blender's."""
    german = {
        (context, text): words for text, words in (GERMAN | SENTENCES).items() for context in ("*", "Operator", CONTEXT)
    }
    bpy.app.translations.register(__package__, {"de_DE": german, "de": german})


def unregister() -> None:
    """Remove the words from Blender's."""
    bpy.app.translations.unregister(__package__)
