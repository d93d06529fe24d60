"""Which pieces of a Unigram vocabulary are kept, and the tokenizer.json that is left.

A Unigram tokenizer takes the most likely way to cut a text. Taking pieces away that are not on that way leaves it the most likely one, so a
text whose pieces are all kept is cut exactly as before, as long as the scores stay as they are.
"""

from __future__ import annotations

import copy
import itertools
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from adjudge.errors import MissingExtraError, TokenizerMismatchError, UnsupportedModelError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

__all__ = ["Unigram", "always_kept", "capitalised", "frequent_words", "kept_like", "kept_pieces", "pieces_seen", "pruned", "read_unigram"]

SPACE = "▁"
"""How SentencePiece writes the space before a word."""

BATCH_TEXTS = 1000
_BYTE = re.compile(r"<0x[0-9A-F]{2}>")
_HAN_NAMES = ("CJK UNIFIED IDEOGRAPH", "CJK COMPATIBILITY IDEOGRAPH", "IDEOGRAPHIC ITERATION MARK")


@dataclass(frozen=True, slots=True)
class Unigram:
    """A tokenizer.json of the Unigram kind."""

    content: dict[str, Any]
    pieces: tuple[str, ...]  # a piece's place is its id
    scores: tuple[float, ...]  # logarithms of likelihoods
    specials: frozenset[int]  # <s>, <pad>, </s>, <unk>, <mask>


def read_unigram(content: dict[str, Any]) -> Unigram:
    """Look into a parsed tokenizer.json. Raises UnsupportedModelError for another kind than this recipe knows."""
    model, processor = content.get("model", {}), content.get("post_processor")
    if model.get("type") != "Unigram" or (processor is not None and processor.get("type") != "TemplateProcessing"):
        raise UnsupportedModelError(
            f"the tokenizer is a {model.get('type')} with {processor and processor.get('type')}; "
            "only Unigram vocabularies with a template can be pruned, as XLM-RoBERTa's"
        )
    pieces, scores = zip(*model["vocab"], strict=True)
    specials = {token["id"] for token in content.get("added_tokens", [])} | {model["unk_id"]}
    return Unigram(content, pieces, scores, frozenset(specials))


def always_kept(piece: str) -> bool:
    """Whether a piece stays whatever the texts say: one character, a byte, or no letters but Chinese ones (digits, symbols, 2024年)."""
    bare = piece.removeprefix(SPACE)
    return len(bare) <= 1 or _BYTE.fullmatch(piece) is not None or all(not sign.isalpha() or _is_han(sign) for sign in bare)


def capitalised(word: str) -> str:
    """With a large first letter; the others as they are."""
    return word[:1].upper() + word[1:]


def frequent_words(language: str, count: int) -> Iterator[str]:
    """The most frequent words of a language, most frequent first, from wordfreq's large list (at least 300,000 words in the five).

    wordfreq (Robyn Speer) is under Apache-2.0, its lists under CC BY-SA 4.0. They come from Wikipedia, OpenSubtitles 2018, SUBTLEX
    (Brysbaert and others), Google Books Ngrams, ParaCrawl, the Leeds Internet Corpus and others that its README names.
    """
    try:
        from wordfreq import iter_wordlist
    except ImportError:
        raise MissingExtraError(package="wordfreq", extra="dev", what="choosing the vocabulary") from None
    return itertools.islice(iter_wordlist(language, wordlist="large"), count)


def pieces_seen(tokenizer: Tokenizer, texts: Iterable[str]) -> set[int]:
    """Ids of all pieces that `texts` are cut into."""
    seen: set[int] = set()
    waiting = iter(texts)
    while batch := list(itertools.islice(waiting, BATCH_TEXTS)):
        for encoding in tokenizer.encode_batch_fast(batch, add_special_tokens=False):
            seen.update(encoding.ids)
    return seen


def kept_pieces(vocabulary: Unigram, seen: set[int]) -> list[int]:
    """Ids to keep, in their order: special tokens, what was seen, and what `always_kept` says."""
    scores = vocabulary.scores
    least = min(range(len(scores)), key=scores.__getitem__)  # <unk> costs 10 more than it, so without it other cuts would win
    always = {index for index, piece in enumerate(vocabulary.pieces) if always_kept(piece)}
    return sorted(vocabulary.specials | seen | always | {least})


def kept_like(vocabulary: Unigram, example: Unigram) -> list[int]:
    """Ids of exactly the pieces of `example`, a vocabulary that was pruned before.

    Raises TokenizerMismatchError unless it came from this vocabulary: the same pieces with the same scores in the same order.
    """
    index = {piece: i for i, piece in enumerate(vocabulary.pieces)}
    unknown = [piece for piece in example.pieces if piece not in index]
    if unknown:
        raise TokenizerMismatchError(f"{len(unknown)} pieces to keep are not in the vocabulary to be pruned, {unknown[0]!r} first")
    kept = [index[piece] for piece in example.pieces]
    if kept != sorted(kept) or [vocabulary.scores[i] for i in kept] != list(example.scores):
        raise TokenizerMismatchError("the pieces to keep have another order or other scores than in the vocabulary to be pruned")
    return kept


def pruned(vocabulary: Unigram, kept: Sequence[int]) -> dict[str, Any]:
    """tokenizer.json with the pieces `kept` alone, numbered anew in the same order, their scores untouched."""
    number = {old: new for new, old in enumerate(kept)}
    lost = sorted(vocabulary.specials - number.keys())
    if lost:
        raise TokenizerMismatchError(f"the special token {vocabulary.pieces[lost[0]]} would be lost; every one must be kept")
    content = copy.copy(vocabulary.content)
    model = content["model"]
    content["model"] = model | {"unk_id": number[model["unk_id"]], "vocab": [model["vocab"][old] for old in kept]}
    content["added_tokens"] = [token | {"id": number[token["id"]]} for token in content.get("added_tokens", [])]
    if content.get("post_processor") is not None:
        used = content["post_processor"]["special_tokens"]
        renumbered = {name: token | {"ids": [number[old] for old in token["ids"]]} for name, token in used.items()}
        content["post_processor"] = content["post_processor"] | {"special_tokens": renumbered}
    return content


def _is_han(sign: str) -> bool:
    return unicodedata.name(sign, "").startswith(_HAN_NAMES)
