"""max_tokens_per_doc: documents are cut before they are judged, and the answer says so of each.

Windows know how to leave out what does not fit the model; this limit is the client's own, and smaller or larger than a window. So the
text itself is shortened, judged as any other, and put back whole into the answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ..engine.documents import accept_documents
from ..engine.tokenise import Tokeniser
from ..types import Document, DocumentLike, Ranked, Ranking

__all__ = ["Shortened", "put_back", "shorten"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortened:
    """One document that was cut."""

    document: Document  # as it was
    end: int  # the first character that is left out
    tokens: int  # of the whole
    tokens_unseen: int


def shorten(tokeniser: Tokeniser, documents: Sequence[DocumentLike], most: int) -> tuple[tuple[DocumentLike, ...], Mapping[int, Shortened]]:
    """The documents with what comes after their first `most` tokens left out, and {position: what was done} for those that are longer."""
    entries = accept_documents(documents).documents
    encoded = tokeniser.encode([document.text for _, document in entries], short=most)
    found: dict[int, Shortened] = {}
    kept = list(documents)
    for (index, document), text in zip(entries, encoded, strict=True):
        count = len(text.ids)
        if count > most and text.offsets is not None:
            end = int(text.offsets[most - 1, 1])
            found[index] = Shortened(document=document, end=end, tokens=count, tokens_unseen=count - most)
            kept[index] = replace(document, text=document.text[:end])
    return tuple(kept), found


def put_back(ranking: Ranking, shortened: Mapping[int, Shortened], most: int) -> Ranking:
    """The ranking of shortened documents, as one of the whole ones that were not read to their ends."""
    if not shortened:
        return ranking
    results = tuple(_whole(r, shortened[r.index]) if r.index in shortened else r for r in ranking.results)
    dropped = tuple(replace(d, document=shortened[d.index].document) if d.index in shortened else d for d in ranking.dropped)
    cut = len(shortened)
    warning = f"{cut} of {ranking.usage.documents} documents have more than {most} tokens (max_tokens_per_doc); the rest was not read"
    usage = replace(ranking.usage, truncated=max(ranking.usage.truncated, cut))
    return replace(ranking, results=results, dropped=dropped, usage=usage, warnings=(*ranking.warnings, warning))


def _whole(result: Ranked, was: Shortened) -> Ranked:
    return replace(
        result,
        document=was.document,
        truncated=True,
        tokens=was.tokens,
        tokens_unseen=was.tokens_unseen + result.tokens_unseen,
        unseen=(*result.unseen, (was.end, len(was.document.text))),
    )
