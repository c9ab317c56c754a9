# SPDX-License-Identifier: GPL-3.0-or-later
r"""Names in STEP files, in whatever code page the CAD program wrote them.

The standard escapes all but ASCII (``\X2\…``); many programs write the code page of their computer instead and do not
say which.
"""

import re
from collections.abc import Iterable

_ESCAPE = re.compile(
    r"\\X2\\(?P<x2>(?:[0-9A-Fa-f]{4})*)\\X0\\|\\X4\\(?P<x4>(?:[0-9A-Fa-f]{8})*)\\X0\\|\\X\\(?P<x>[0-9A-Fa-f]{2})"
    r"|\\P(?P<page>[A-I])\\|\\S\\(?P<s>.)|(?P<backslash>\\\\)|(?P<quote>'')",
    re.DOTALL,
)
_WORD = re.compile(rb"[A-Za-z\x80-\xff]*[\x80-\xff][A-Za-z\x80-\xff]*")


def code_page(strings: Iterable[str]) -> str:
    """The encoding that the strings of one file most likely have.

    Args:
        strings: what stands between quotes, each character a byte of the file.

    Returns:
        A name that `bytes.decode` knows: UTF-8 where everything is valid in it, otherwise the best guess.
    """
    content = b" ".join(text.encode("latin-1") for text in strings if not text.isascii())
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        words = _WORD.findall(content)
        return max(_PLAUSIBLE, key=lambda page: sum(_plausible(word, page) for word in words))
    return "utf-8"


def readable(text: str, page: str) -> str:
    """What a string of a STEP file says.

    Args:
        text: what stands between the quotes, each character a byte of the file.
        page: the encoding of characters beyond ASCII, as `code_page` returns it.
    """
    iso = "iso8859-1"

    def unescaped(match: re.Match[str]) -> str:
        nonlocal iso
        kind, value = match.lastgroup, match[match.lastgroup or 0]
        match kind:
            case "x2":
                return bytes.fromhex(value).decode("utf-16-be", "replace")
            case "x4":
                return bytes.fromhex(value).decode("utf-32-be", "replace")
            case "x":
                return bytes.fromhex(value).decode("latin-1")
            case "page":
                iso = f"iso8859-{ord(value) - ord('A') + 1}"
                return ""
            case "s":
                return bytes([ord(value) & 127 | 128]).decode(iso, "replace")
        return value[0]

    # A second byte of GBK and Shift-JIS may be a backslash, so bytes come first.
    return " ".join(_ESCAPE.sub(unescaped, text.encode("latin-1").decode(page, "replace")).split())


def _plausible(word: bytes, page: str) -> float:
    """From 0 to 1, how much a word with bytes beyond ASCII looks like one of a code page, times its length."""
    try:
        text = word.decode(page)
    except UnicodeDecodeError:
        return 0.0
    beyond = [char for char in text if not char.isascii()]
    return len(word) * sum(_PLAUSIBLE[page](char, text) for char in beyond) / len(beyond)


def _chinese(char: str, _word: str) -> float:
    try:
        first = char.encode("gb2312")[0]
    except UnicodeEncodeError:
        return 0.0  # the rare characters that GBK adds
    return 1.0 if first < 0xD8 else 0.3  # the common ones come first


def _japanese(char: str, _word: str) -> float:
    encoded = char.encode("cp932")
    return 0.2 if len(encoded) == 1 else 1.0 if 0x81 <= encoded[0] <= 0x97 else 0.3


def _western(char: str, word: str) -> float:
    """Western letters stand among ASCII letters."""
    return 0.6 if char.isalpha() and any(other.isascii() for other in word) else 0.1


def _cyrillic(char: str, word: str) -> float:
    """Words are Cyrillic throughout and capitals do not follow small letters."""
    plain = word.islower() or word.isupper() or word.istitle()
    return 0.9 if "а" <= char.lower() <= "ё" and plain and len(word) > 2 and not any(c.isascii() for c in word) else 0.0


_PLAUSIBLE = {"cp1252": _western, "gb18030": _chinese, "cp932": _japanese, "cp1251": _cyrillic}
