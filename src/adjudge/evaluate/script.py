"""The script a text is written in: what can be known of its language without guessing."""

from __future__ import annotations

import unicodedata
from collections import Counter

__all__ = ["language_of"]

_SCRIPTS = ("LATIN", "CYRILLIC", "GREEK", "ARABIC", "HEBREW", "DEVANAGARI", "BENGALI", "TAMIL", "TELUGU", "THAI", "GEORGIAN", "ARMENIAN")
_KANA, _HAN, _HANGUL = ("HIRAGANA", "KATAKANA"), "CJK", "HANGUL"


def language_of(said: object, text: str) -> str:
    """What the data says, else the script that most letters of `text` are in: "Latin script", or "no script" without a letter."""
    if isinstance(said, str) and said.strip():
        return said.strip()
    counts = Counter(filter(None, map(_script, text[:2000])))
    if not counts:
        return "no script"
    if any(counts[name] for name in ("Japanese",)):
        return "Japanese script"
    return f"{counts.most_common(1)[0][0]} script"


def _script(character: str) -> str:
    """Of one letter; "" for what is none."""
    if not character.isalpha():
        return ""
    name = unicodedata.name(character, "")
    if name.startswith(_KANA):
        return "Japanese"
    if name.startswith(_HAN):
        return "Chinese"
    if name.startswith(_HANGUL):
        return "Korean"
    return next((script.capitalize() for script in _SCRIPTS if name.startswith(script)), "other")
