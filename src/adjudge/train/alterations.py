"""Rows that plain relevance data lacks, made from it by rule: the same words, another meaning.

Each function changes one thing and says None where its rule does not fit, so that a caller never trains on a copy that changed nothing.
The rules are shallow on purpose (no parser, five languages): they make fluent near misses, not proofs, and the model card says so.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence

__all__ = ["cut_answer", "negate", "replace_term", "sentences", "split_intents", "swap_names", "swap_numbers", "swap_shared_terms"]

_SENTENCE = re.compile(
    r"[^.!?。！？；\n]+(?:[.!?。！？；]+(?:[\"'»”’）)」』]|[ \u00a0\u202f]»)*|\n+|$)"  # its end, and quotes and brackets that close there
    r"(?:\s+|(?<=[。！？；”）」』])|$)"  # Chinese needs no space before the next one
    r"|[^.!?。！？；\n]+|[.!?。！？；\n]+\s*"
)
_DECIMAL = re.compile(r"(?<=\d)\.(?=\d)")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_NAME = re.compile(r"(?<![.!?…]\s)(?<!^)\b[A-ZÀ-ÖØ-ÞА-ЯЁ][\w'’-]+(?:\s+[A-ZÀ-ÖØ-ÞА-ЯЁ][\w'’-]+)*")
_SHORTEST = 20

_JOINTS: tuple[re.Pattern[str], ...] = (
    re.compile(r"(?<=[?？;；])\s*(?=\S)"),
    re.compile(r",?\s+and\s+(?=(?:how|what|when|where|who|why|which|is|are|can|does|do|should)\b)", re.I),
    re.compile(r",?\s+y\s+(?=(?:cómo|qué|cuándo|dónde|quién|por qué|cuál|cuánto|cuánta|si)\b)", re.I),
    re.compile(r",?\s+et\s+(?=(?:comment|que|quoi|quand|où|qui|pourquoi|quel|quelle|combien|est-ce)\b)", re.I),
    re.compile(r",?\s+и\s+(?=(?:как|что|когда|где|кто|почему|какой|какая|какие|сколько|можно|нужно)\b)", re.I),
    re.compile(r"[，,]?(?:以及|还有|并且|另外)|[，,](?=(?:怎么|如何|什么|多少|哪|谁|为什么|是否|能不能|要不要))"),
)

_EN = "(is|are|was|were|must|should|has|have)"
_ES = "(es|son|fue|era|puede|pueden|debe|deben|tiene|tienen|hay)"
_FR = "(peut|peuvent|doit|doivent|sont|sera)"
_RU = "(является|являются|может|могут|должен|должны|был|была|было|были|нужно)"
_ZH = "(可以|需要|支持|应该|能够)"
_NEGATIONS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "en": (
        (r"\b([Cc]an)(?:not|['’]t)\b", r"\1"),
        (r"\b([Ww])on['’]t\b", r"\1ill"),
        (r"\b(is|are|was|were|can|must|should|does|do|did|has|have|will)(?: not|n['’]t)\b", r"\1"),
        (r"\b(has|have|will) be(en)?\b(?! (?:no|never)\b)", r"\1 not be\2"),
        (r"\b(is|are|was|were|must|should|will)\b(?! (?:not|no|never)\b)(?!['’])", r"\1 not"),
        (r"\bcan\b(?! (?:no|never)\b)", "cannot"),
    ),
    "es": ((rf"\b[Nn]o {_ES}\b", r"\1"), (rf"(?<![Nn]unca )(?<!jamás )(?<!tampoco )\b{_ES}\b", r"no \1")),
    "fr": (
        (r"\b([Cc])e n['’](est|était) (?:pas|plus|jamais)\b", r"\1'\2"),
        (rf"\bne {_FR} (?:pas|plus|jamais)\b", r"\1"),
        (r"\bn['’](est|était|a|ont) (?:pas|plus|jamais)\b", r"\1"),
        (r"(?<!-)\b([Cc])['’](est|était)\b(?!-)", r"\1e n'\2 pas"),
        (rf"(?<!\bne )\b{_FR}\b", r"ne \1 pas"),
        (r"(?<!['’-])\b(est|était)\b(?!-)", r"n'\1 pas"),
    ),
    "ru": (
        (rf"\b[Нн]е {_RU}\b", r"\1"),
        (r"\bнельзя\b", "можно"),
        (r"\bНельзя\b", "Можно"),
        (rf"\b{_RU}\b", r"не \1"),
        (r"\bможно\b", "нельзя"),
        (r"\bМожно\b", "Нельзя"),
    ),
    "zh": (  # the characters before tell a verb from a question (能不能, 是否) and from a conjunction (但是, 总是)
        (r"(?<![是能会可应需支])并?不(是|能|可以|会|需要|支持|应该)", r"\1"),
        (r"(?<!有)没有", "有"),
        (rf"(?<![不否没]){_ZH}", r"不\1"),
        (r"(?<![不但只就还也总可于要凡若])是(?![否不谁])", "不是"),
    ),
}


def sentences(text: str) -> list[str]:
    """The sentences of `text`, punctuation and following space included: joined they give the text again."""
    masked = _DECIMAL.sub("\0", text)  # a decimal point ends no sentence
    pieces, start = [], 0
    for match in _SENTENCE.finditer(masked):
        pieces.append(text[start : match.end()])
        start = match.end()
    return [*pieces, text[start:]] if start < len(text) else pieces


def split_intents(query: str) -> tuple[str, ...]:
    """The questions that `query` asks at once, in its order; one where no joint is found.

    Splits at question marks, semicolons, and "and" (y, et, и, 以及) before a question word.
    """
    parts = [query]
    for joint in _JOINTS:
        parts = [piece for part in parts for piece in joint.split(part)]
    kept = [stripped for part in parts if len(stripped := part.strip(" \t\n,，;；")) > 1]
    return tuple(kept) if kept else (query,)


def cut_answer(passage: str, answer: str) -> str | None:
    """`passage` without the sentences that hold `answer`: on topic, and no answer any more. None where nothing useful is left."""
    if not answer.strip() or answer not in passage:
        return None
    kept = "".join(s for s in sentences(passage) if answer not in s).strip()
    return kept if answer not in kept and len(kept) >= max(_SHORTEST, len(passage) // 4) else None


def negate(sentence: str, lang: str) -> str | None:
    """`sentence` saying the opposite, by the first rule of its language that fits: a negation is taken away, or one is put in."""
    for pattern, replacement in _NEGATIONS.get(lang, ()):
        changed, count = re.subn(pattern, replacement, sentence, count=1)
        if count and changed != sentence:
            return changed
    return None


def swap_numbers(text: str, draw: random.Random, *, only: Sequence[str] | None = None) -> str | None:
    """`text` with its numbers (those in `only`, where given) changed by a little, each everywhere in the same way."""
    changes: dict[str, str] = {}
    for number in _NUMBER.findall(text):
        if number not in changes and (only is None or number in only):
            changes[number] = _other_number(number, draw)
    if not changes:
        return None
    return _NUMBER.sub(lambda m: changes.get(m.group(), m.group()), text)


def swap_names(text: str, draw: random.Random, *, names: Sequence[str], only: Sequence[str] | None = None) -> str | None:
    """`text` with one of its capitalised names (of `only`, where given) replaced everywhere by another out of `names`."""
    given = [name for name in only if name.strip() and _alone(name).search(text)] if only is not None else _NAME.findall(text)
    found = list(dict.fromkeys(given))
    others = [name for name in names if name.strip() and name not in text]
    if not found or not others:
        return None
    chosen, other = draw.choice(found), draw.choice(others)
    return _alone(chosen).sub(lambda _: other, text)


def swap_shared_terms(query: str, passage: str, draw: random.Random, *, names: Sequence[str] = ()) -> str | None:
    """`passage` speaking of another number, year or version (or name out of `names`) than the one `query` asks about.

    Only what stands in both is changed: a wrong number that nobody asked about would still be an answer.
    """
    shared = [number for number in _NUMBER.findall(query) if number in _NUMBER.findall(passage)]
    if shared:
        return swap_numbers(passage, draw, only=shared)
    common = [name for name in dict.fromkeys(_NAME.findall(query)) if name in passage]
    return swap_names(passage, draw, names=names, only=common) if common else None


def replace_term(text: str, term: str, neighbour: str) -> str | None:
    """`text` about `neighbour` instead of `term`, whole words only where the script has words; None where `term` is not in it."""
    if not term.strip() or not neighbour.strip() or term.casefold() == neighbour.casefold():
        return None
    changed = _alone(term, re.IGNORECASE).sub(lambda _: neighbour, text)
    return changed if changed != text else None


def _alone(term: str, flags: int = 0) -> re.Pattern[str]:
    """`term` where it is no part of a longer word, in scripts that have words."""
    han = re.search(r"[\u3400-\u9fff]", term)
    before, after = ("" if han or not re.match(r"\w", end) else look for end, look in ((term[:1], r"(?<!\w)"), (term[-1:], r"(?!\w)")))
    return re.compile(before + re.escape(term) + after, flags)


def _other_number(number: str, draw: random.Random) -> str:
    """A number of the same form: its last digits move by one to nine, a year by one to twenty."""
    digits = re.findall(r"\d{1,15}$", number)[0]
    value = int(digits)
    step = draw.randint(1, 20 if 1000 <= value <= 2100 else 9)
    changed = value - step if draw.random() < 0.5 and value > step else value + step
    if len(digits) < len(number) and not number[-len(digits) - 1].isdigit():
        changed %= 10 ** len(digits)  # behind a point or comma as many digits as there were: 2.10 would be 2.1 again
    return number[: len(number) - len(digits)] + str(changed).zfill(len(digits))
