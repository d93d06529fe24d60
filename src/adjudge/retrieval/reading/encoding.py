"""Bytes to text: what they say of themselves, else UTF-8, else a guess that is told."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from ...errors import MissingExtraError
from .source import Reason

__all__ = ["Decoded", "NotText", "clean", "decode", "is_binary", "marked"]

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
        return _strict(data, declared) or Decoded(data.decode("ascii"), "ascii")  # ISO-2022-JP is written in ASCII bytes
    lenient = _lenient(data, "utf-8")
    bad = lenient.text.count("\ufffd") if lenient.notes else 0
    if bad * _GOOD_FOR_BAD <= sum(not c.isascii() for c in lenient.text) - bad:
        return lenient
    return (_strict(data, declared) if declared else None) or _guess(data)


def marked(data: bytes) -> str | None:
    """The encoding that a byte order mark at the beginning tells."""
    return next((encoding for mark, encoding in _MARKS if data.startswith(mark)), None)


def is_binary(data: bytes) -> bool:
    """Whether the beginning holds zero bytes."""
    return b"\0" in data[:HEAD]


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


def _strict(data: bytes, encoding: str) -> Decoded | None:
    try:
        text = data.decode(encoding)
    except (LookupError, ValueError):  # no such encoding, one between bytes and bytes, or not in it
        return None
    return Decoded(text, encoding)


def _guess(data: bytes) -> Decoded | NotText:
    try:
        from charset_normalizer import from_bytes
    except ImportError:
        raise MissingExtraError(package="charset-normalizer", extra="search", what="reading a text that is not UTF-8") from None
    best = from_bytes(data[:SAMPLE], cp_isolation=_CANDIDATES, enable_fallback=False).best()
    if best is None:
        return NotText("encoding", "is neither UTF-8 nor text in another encoding that could be told; save it as UTF-8")
    guessed = _lenient(data, best.encoding)
    note = f"not UTF-8: read as {best.encoding}, which is a guess; save it as UTF-8 to be sure"
    return Decoded(guessed.text, guessed.encoding, (note, *guessed.notes))
