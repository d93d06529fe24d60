"""From (query, document) texts to encoded windows: each text is encoded once, however often it occurs."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..backends.base import Ints
from ..config import WindowConfig
from ..errors import ConfigError
from .borders import find_borders
from .cut import Cut
from .tokenise import EncodedText, PairIds, Tokeniser
from .windows import WindowPlan, character_range, plan_windows

__all__ = ["Encoder", "Item", "Texts", "blocks"]

QUERY_SHARE = 0.75
"""A query may take three quarters of the model's length (as in FlagEmbedding); what is longer is cut and reported."""

_JOINED = 8192
"""Characters that a query counts for in every pair but the first: about as many as are joined to the document, at the most."""


@dataclass(frozen=True, slots=True)
class Item:
    """One (query, document) as windows ready for the model."""

    pairs: tuple[PairIds, ...]  # one a window
    spans: tuple[tuple[int, int], ...]  # characters each window covers; empty for pairs that were cut by a rule
    document_tokens: int
    tokens_unseen: int
    query_tokens_unseen: int
    unseen: tuple[tuple[int, int], ...] = ()  # characters of the document in no window


class Texts:
    """The texts of a call's last block as they were encoded: what stands in the next one too is not encoded again."""

    def __init__(self) -> None:
        """None yet."""
        self._held: Mapping[str, EncodedText] = {}

    def known(self, texts: Iterable[str], *, short: int) -> dict[str, EncodedText]:
        """Those of `texts` that are held, with offsets where they have more than `short` tokens."""
        found = {text: self._held[text] for text in texts if text in self._held}
        return {text: encoded for text, encoded in found.items() if encoded.offsets is not None or len(encoded.ids) <= short}

    def hold(self, encoded: Mapping[str, EncodedText]) -> None:
        """These, and no others."""
        self._held = encoded


class Encoder:
    """Encodes blocks of pairs for one model and one length."""

    def __init__(self, tokeniser: Tokeniser, max_length: int) -> None:
        """`max_length`: tokens a pair, special tokens included. Raises ConfigError where these leave no room for text."""
        self._tokeniser = tokeniser
        self._space = max_length - tokeniser.specials
        if self._space < 2:
            raise ConfigError(f"max_length={max_length} is too short: {tokeniser.specials} of it are special tokens")
        self._longest_query = max(1, int(max_length * QUERY_SHARE) - tokeniser.specials)

    def encode(self, pairs: Sequence[tuple[str, str]], windows: WindowConfig, texts: Texts | None = None) -> list[Item]:
        """Items in the order of the pairs. `texts`: what the block before held; what this one holds, afterwards."""
        texts = Texts() if texts is None else texts
        queries = self._encode_unique([q for q, _ in pairs], texts, short=sys.maxsize)
        least_room = self._space - max((min(len(e.ids), self._longest_query) for e in queries.values()), default=0)
        documents = self._encode_unique([d for _, d in pairs], texts, short=least_room)
        texts.hold(queries | documents)
        return [self._item(queries[q], documents[d], d, windows) for q, d in pairs]

    def encode_cut(self, pairs: Sequence[tuple[str, str]], cut: Cut, texts: Texts | None = None) -> list[Item]:
        """Items of one window each, what does not fit left out as `cut` says. No spans: nobody asks which characters were seen."""
        texts = Texts() if texts is None else texts
        encoded = self._encode_unique([text for pair in pairs for text in pair], texts, short=sys.maxsize)
        texts.hold(encoded)
        return [self._cut_item(encoded[q].ids, encoded[d].ids, cut) for q, d in pairs]

    def _cut_item(self, query: Ints, document: Ints, cut: Cut) -> Item:
        kept_query, kept = cut.keep(len(query), len(document), self._tokeniser.specials)
        return Item(
            pairs=(self._tokeniser.join(query[:kept_query], document[:kept]),),
            spans=(),
            document_tokens=len(document),
            tokens_unseen=len(document) - kept,
            query_tokens_unseen=len(query) - kept_query,
        )

    def _encode_unique(self, wanted: Sequence[str], texts: Texts, *, short: int) -> dict[str, EncodedText]:
        known = texts.known(wanted, short=short)
        new = [text for text in dict.fromkeys(wanted) if text not in known]
        return known | dict(zip(new, self._tokeniser.encode(new, short=short), strict=True))

    def _item(self, query: EncodedText, document: EncodedText, text: str, windows: WindowConfig) -> Item:
        query_ids: Ints = query.ids[: self._longest_query]
        count, room = len(document.ids), self._space - len(query_ids)
        fits = count <= room
        borders = None if fits or document.offsets is None else find_borders(text, document.offsets)
        plan: WindowPlan = plan_windows(count, room, windows, borders)
        spans = tuple(character_range(None if fits else document.offsets, span, len(text)) for span in plan.ranges)
        return Item(
            pairs=tuple(self._tokeniser.join(query_ids, document.ids[a:b]) for a, b in plan.ranges),
            spans=spans,
            document_tokens=count,
            tokens_unseen=plan.unseen,
            query_tokens_unseen=len(query.ids) - len(query_ids),
            unseen=((spans[-1][1], len(text)),) if plan.unseen else (),
        )


def blocks(pairs: Sequence[tuple[str, str]], *, most_pairs: int, most_characters: int) -> Iterator[Sequence[tuple[str, str]]]:
    """The pairs in their order, in runs of at most so many; a pair with more characters than that is a run of its own.

    A document counts in every pair, for each has windows of its own; a query counts whole where neither this run nor the one before has it.
    """
    first = characters = 0
    before: set[str] = set()
    own: set[str] = set()
    for i, (query, document) in enumerate(pairs):
        size = len(document) + (min(len(query), _JOINED) if query in own or query in before else len(query))
        if i > first and (i - first >= most_pairs or characters + size > most_characters):
            yield pairs[first:i]
            first, characters = i, 0
            before, own = own, set()
        own.add(query)
        characters += size
    if first < len(pairs):
        yield pairs[first:]
