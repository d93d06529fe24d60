"""Bytes to text: what they say of themselves, else UTF-8, else a guess that is told."""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping
from dataclasses import dataclass

from ...errors import MissingExtraError
from .source import Reason

__all__ = ["Decoded", "NotText", "clean", "decode", "is_binary", "marked", "whole_characters"]

HEAD = 8000
"""A zero byte among so many first ones means that it is no text: git's rule."""

SAMPLE = 1 << 20
"""Bytes that the encoding is guessed from."""

_MARKS = (  # UTF-32's mark begins with UTF-16's
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CANDIDATES = [
    *("gb18030", "big5", "cp932", "euc_jp", "cp949"),
    *("cp1251", "koi8_r", "cp866", "cp1252", "cp1250", "cp1253", "cp1254", "cp1255", "cp1256"),
]
"""What text that is not Unicode is in, in practice. Among all encodings that Python knows, KOI8-R passed for Japanese."""

_WEB: Mapping[str, str] = {
    **dict.fromkeys(("ascii", "iso8859-1"), "cp1252"),
    **dict.fromkeys(("gb2312", "gbk"), "gb18030"),
    **dict.fromkeys(("iso8859-11", "tis-620"), "cp874"),
    "iso8859-9": "cp1254",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "big5": "big5hkscs",
}
"""What documents mean by these names (the Encoding standard of the web): an encoding with more letters."""

_OF_PYTHON = {"charmap", "idna", "mbcs", "oem", "punycode", "raw-unicode-escape", "undefined", "unicode-escape", "utf-7"}
"""Codecs that no document is in, or whose meaning depends on the machine."""

_NOT_ASCII = re.compile(rb"[\x80-\xff]")
_UP_TO_A_SIGN = re.compile(rb".*[\x00-/]", re.DOTALL)
_HALF_OF_UTF_8 = re.compile(rb"[\xc2-\xf4][\x80-\xbf]{0,2}\Z")
_BREAKS = re.compile("\r\n?")
_SURROGATES = re.compile("[\ud800-\udfff]")
_GOOD_FOR_BAD = 10  # so many good characters for a bad one: UTF-8 with an accident, not another encoding


@dataclass(frozen=True, slots=True)
class Decoded:
    """Text, and what was not as it should be."""

    text: str
    encoding: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NotText:
    """Why bytes are no text."""

    reason: Reason
    message: str


def decode(data: bytes, *, declared: str | None = None) -> Decoded | NotText:
    """By byte order mark, then UTF-8, then the encoding that the document names, then a guess (the library charset-normalizer).

    Single bytes that are no UTF-8 become U+FFFD in text that is UTF-8 otherwise. Both that and a guess are noted.
    """
    encoding = marked(data)
    if encoding is not None:
        return _lenient(data, encoding)
    if is_binary(data):
        return NotText("binary", "holds zero bytes, so it is no text")
    if data.isascii() and declared is not None:
        return _named(data, declared) or Decoded(data.decode("ascii"), "ascii")  # ISO-2022-JP is written in ASCII bytes
    lenient = _lenient(data, "utf-8")
    bad = lenient.text.count("\ufffd") if lenient.notes else 0
    if bad * _GOOD_FOR_BAD <= sum(not c.isascii() for c in lenient.text) - bad:
        return lenient
    return (_named(data, declared) if declared else None) or _guess(data)


def marked(data: bytes) -> str | None:
    """The encoding that a byte order mark at the beginning tells."""
    return next((encoding for mark, encoding in _MARKS if data.startswith(mark)), None)


def is_binary(data: bytes) -> bool:
    """Whether the beginning holds zero bytes."""
    return b"\0" in data[:HEAD]


def whole_characters(data: bytes) -> bytes:
    """Text that was cut anywhere, without half of a character at its end: up to a space or sign, which no encoding has within one."""
    found = _UP_TO_A_SIGN.match(data)
    return found[0] if found is not None and not found[0].isascii() else _HALF_OF_UTF_8.sub(b"", data)


def clean(text: str) -> str:
    """With "\\n" for every line break, and U+FFFD for halves of characters, which no file can hold."""
    return _SURROGATES.sub("\ufffd", _BREAKS.sub("\n", text))


def _lenient(data: bytes, encoding: str) -> Decoded:
    try:
        return Decoded(data.decode(encoding), encoding)
    except UnicodeDecodeError as exc:
        text = data.decode(encoding, "replace")
        note = f"not valid {encoding.upper()} (first at byte {exc.start:,}): what could not be read became U+FFFD"
        return Decoded(text, encoding, (note,))


def _named(data: bytes, name: str) -> Decoded | None:
    """In the encoding that the document names, if it can be."""
    try:
        known = codecs.lookup(name).name
    except (LookupError, ValueError):
        return None
    if known in _OF_PYTHON:
        return None
    if _strict(b"charset", known) != Decoded("charset", known):  # UTF-16, say: its name could be read, so it is in something like ASCII
        return _strict(data, "utf-8")
    return (_strict(data, _WEB[known]) if known in _WEB else None) or _strict(data, known)


def _strict(data: bytes, encoding: str) -> Decoded | None:
    try:
        text = data.decode(encoding)
    except (LookupError, ValueError):  # one between bytes and bytes, or not in it
        return None
    return Decoded(text, encoding)


def _guess(data: bytes) -> Decoded | NotText:
    try:
        from charset_normalizer import from_bytes
    except ImportError:
        raise MissingExtraError(package="charset-normalizer", extra="search", what="reading a text that is not UTF-8") from None
    best = from_bytes(_telling(data), cp_isolation=_CANDIDATES, enable_fallback=False).best()
    if best is None:
        return NotText("encoding", "is neither UTF-8 nor text in another encoding that could be told; save it as UTF-8")
    guessed = _lenient(data, best.encoding)
    note = f"not UTF-8: read as {best.encoding}, which is a guess; save it as UTF-8 to be sure"
    return Decoded(guessed.text, guessed.encoding, (note, *guessed.notes))


def _telling(data: bytes) -> bytes:
    """What there is to guess from: of a long text, a part that begins where it ceases to be ASCII."""
    first = _NOT_ASCII.search(data)
    if len(data) <= SAMPLE or first is None:
        return data
    part = data[first.start() :][:SAMPLE]
    return part if first.start() + SAMPLE >= len(data) else whole_characters(part)
