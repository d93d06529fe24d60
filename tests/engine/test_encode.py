"""From texts to windows: what fits, what is cut, and which characters each window stands for."""

from __future__ import annotations

from collections.abc import Sequence
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adjudge.backends.base import DOCUMENT, QUERY
from adjudge.config import WindowConfig
from adjudge.engine.cut import Cut, CutDocument
from adjudge.engine.encode import Encoder, Item, Texts, blocks
from adjudge.engine.tokenise import PairIds, Tokeniser
from adjudge.errors import ConfigError
from adjudge.models.load import load_model
from adjudge.models.model import Model
from tests.engine.conftest import Models
from tests.engine.stand_ins import FAMILIES
from tests.texts import DOCUMENTS, LONG, QUERIES

ODD = ("\n", "\n\n  ", " ", "🐼🐼", "\u200b", "\x00", "e\u0301", "…", "\ud800", "x" * 30)
SOME_TEXT = st.lists(st.sampled_from([*DOCUMENTS, *ODD]), max_size=12)


@pytest.fixture(scope="module", params=["embedded", *FAMILIES])
def tokeniser(request: pytest.FixtureRequest, models: Models) -> Tokeniser:
    return Tokeniser(load_model("embedded") if request.param == "embedded" else models(request.param))


@pytest.fixture(scope="module")
def plain(words: Model) -> Tokeniser:
    return Tokeniser(words)


def part(pair: PairIds, segment: int) -> list[int]:
    return [int(i) for i in pair.ids[pair.segments == segment]]


def one(tokeniser: Tokeniser, query: str, document: str, windows: WindowConfig, max_length: int = 40) -> Item:
    return Encoder(tokeniser, max_length).encode([(query, document)], windows)[0]


@settings(max_examples=25)
@given(SOME_TEXT.map("".join), st.sampled_from(QUERIES), st.sampled_from([None, 0, 2]), st.sampled_from([24, 40, 90]))
def test_windows_cover_every_character(tokeniser: Tokeniser, text: str, query: str, overlap: int | None, max_length: int) -> None:
    item = one(tokeniser, query, text, WindowConfig(overlap_tokens=overlap), max_length)
    assert item.spans[0][0] == 0
    assert item.spans[-1][1] == len(text)
    reached = 0
    for start, end in item.spans:
        assert 0 <= start <= reached
        assert start <= end
        reached = max(reached, end)
    assert len(item.spans) == len(item.pairs)


@settings(max_examples=25)
@given(SOME_TEXT.map("".join), st.sampled_from(QUERIES))
def test_windows_without_overlap_are_the_document(tokeniser: Tokeniser, text: str, query: str) -> None:
    item = one(tokeniser, query, text, WindowConfig(overlap_tokens=0))
    every, asked = tokeniser.encode([text, query], short=10**6)
    assert [i for pair in item.pairs for i in part(pair, DOCUMENT)] == every.ids.tolist()
    assert all(part(pair, QUERY) == asked.ids[: len(part(pair, QUERY))].tolist() for pair in item.pairs)
    assert all(len(pair.ids) <= 40 for pair in item.pairs)
    assert item.document_tokens == len(every.ids)
    assert item.tokens_unseen == 0


@pytest.mark.parametrize("max_length", [8, 9, 12, 20, 33])
def test_short_lengths_still_see_everything(tokeniser: Tokeniser, max_length: int) -> None:
    for query in QUERIES:
        item = one(tokeniser, query, LONG, WindowConfig(), max_length)
        assert item.tokens_unseen == 0
        assert all(0 < len(pair.ids) <= max_length for pair in item.pairs)
        assert all(part(pair, QUERY) and part(pair, DOCUMENT) for pair in item.pairs)
        kept = len(part(item.pairs[0], QUERY))
        assert item.query_tokens_unseen == len(tokeniser.encode([query], short=99)[0].ids) - kept


def test_windows_end_where_sentences_end(tokeniser: Tokeniser) -> None:
    text = "".join(f"Pandas eat bamboo number {i}.\n" for i in range(30))
    item = one(tokeniser, "pandas", text, WindowConfig(overlap_tokens=0), 60)
    pieces = [text[start:end] for start, end in item.spans]
    assert len(pieces) > 3
    assert "".join(pieces) == text
    assert all(piece.strip().startswith("Pandas") and piece.strip().endswith(".") for piece in pieces)


def test_truncation_is_counted(plain: Tokeniser) -> None:
    item = one(plain, "pandas", LONG, WindowConfig(mode="truncate"))
    assert len(item.pairs) == 1
    assert item.tokens_unseen == item.document_tokens - len(part(item.pairs[0], DOCUMENT)) > 0
    assert item.spans[0][0] == 0
    assert 0 < item.spans[0][1] < len(LONG)


def test_most_windows_are_counted(plain: Tokeniser) -> None:
    every = one(plain, "pandas", LONG, WindowConfig(overlap_tokens=0))
    some = one(plain, "pandas", LONG, WindowConfig(overlap_tokens=0, max_windows=2))
    assert [p.ids.tolist() for p in some.pairs] == [p.ids.tolist() for p in every.pairs[:2]]
    assert some.spans == every.spans[:2]
    assert some.tokens_unseen == sum(len(part(p, DOCUMENT)) for p in every.pairs[2:])


def test_a_query_takes_three_quarters_at_most(plain: Tokeniser) -> None:
    query = " ".join(QUERIES * 5)
    item = one(plain, query, DOCUMENTS[0], WindowConfig(), 64)
    kept = len(part(item.pairs[0], QUERY))
    assert kept == 64 * 3 // 4 - plain.specials
    assert item.query_tokens_unseen == len(plain.encode([query], short=999)[0].ids) - kept
    assert item.tokens_unseen == 0


def test_each_text_is_encoded_once(plain: Tokeniser) -> None:
    seen: list[str] = []

    def watch(texts: Sequence[str], *, short: int) -> list[object]:
        seen.extend(texts)
        return Tokeniser.encode(plain, texts, short=short)  # type: ignore[return-value]

    pairs = [(q, d) for q in QUERIES for d in DOCUMENTS] * 2
    with mock.patch.object(plain, "encode", watch):
        items = Encoder(plain, 128).encode(pairs, WindowConfig())
    assert sorted(seen) == sorted({*QUERIES, *DOCUMENTS})
    assert [i.pairs[0].ids.tolist() for i in items[: len(pairs) // 2]] == [i.pairs[0].ids.tolist() for i in items[len(pairs) // 2 :]]


@pytest.mark.parametrize("cut", [None, CutDocument(max_length=64, max_query=40)], ids=["windows", "cut"])
def test_a_text_that_stands_in_the_next_block_too_is_encoded_once(plain: Tokeniser, cut: Cut | None) -> None:
    seen: list[str] = []

    def watch(texts: Sequence[str], *, short: int) -> list[object]:
        seen.extend(texts)
        return Tokeniser.encode(plain, texts, short=short)  # type: ignore[return-value]

    def encode(pairs: Sequence[tuple[str, str]], texts: Texts) -> list[Item]:
        return encoder.encode(pairs, WindowConfig(), texts) if cut is None else encoder.encode_cut(pairs, cut, texts)

    encoder, held = Encoder(plain, 64), Texts()
    asked = [[(QUERIES[0], LONG), (QUERIES[0], DOCUMENTS[0])], [(QUERIES[0], DOCUMENTS[1]), (QUERIES[1], LONG)]]
    with mock.patch.object(plain, "encode", watch):
        found = [item for block in asked for item in encode(block, held)]
    assert sorted(seen) == sorted([*QUERIES[:2], *DOCUMENTS[:2], LONG])
    alone = [item for block in asked for pair in block for item in encode([pair], Texts())]
    assert [[pair.ids.tolist() for pair in item.pairs] for item in found] == [[pair.ids.tolist() for pair in item.pairs] for item in alone]
    assert [item.spans for item in found] == [item.spans for item in alone]


def test_a_text_held_without_offsets_is_encoded_again_where_it_needs_windows(plain: Tokeniser) -> None:
    """Beside a longer query there is less room, so a document that fitted no longer does."""
    document, encoder, held = " ".join(["bamboo"] * 25), Encoder(plain, 64), Texts()
    assert len(encoder.encode([("a", document)], WindowConfig(), held)[0].pairs) == 1
    (item,) = encoder.encode([("bread " * 30, document)], WindowConfig(), held)
    assert len(item.pairs) > 1
    assert item.spans[-1][1] == len(document)


def test_a_length_without_room_is_refused(plain: Tokeniser) -> None:
    with pytest.raises(ConfigError, match="special tokens"):
        Encoder(plain, plain.specials + 1)


def test_a_long_query_shares_its_blocks() -> None:
    pairs = [("q" * 1_000_000, f"document {i}") for i in range(60)]
    assert [len(block) for block in blocks(pairs, most_pairs=32, most_characters=1_000_000)] == [1, 32, 27]
    one_document = [(f"query {i}", "d" * 600_000) for i in range(4)]
    assert [len(block) for block in blocks(one_document, most_pairs=32, most_characters=1_000_000)] == [1, 1, 1, 1]


@given(st.lists(st.tuples(st.text(max_size=9), st.text(max_size=30)), max_size=40), st.integers(1, 9), st.integers(1, 60))
def test_blocks_are_the_pairs_in_their_order(pairs: list[tuple[str, str]], most: int, characters: int) -> None:
    found = list(blocks(pairs, most_pairs=most, most_characters=characters))
    assert [pair for block in found for pair in block] == pairs
    for block in found:
        assert 1 <= len(block) <= most
        assert len(block) == 1 or sum(len(q) + len(d) for q, d in block) <= characters
