"""The rules of other libraries, against the library that has them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from adjudge.engine.cut import CutDocument, CutLongest

SIZES = st.integers(0, 60)


@pytest.fixture(scope="module")
def tokenizer(word_folder: Path) -> Tokenizer:
    return Tokenizer.from_file(str(word_folder / "tokenizer.json"))


def kept(tokenizer: Tokenizer, query: int, document: int) -> tuple[int, int]:
    """How many tokens of each the library itself keeps, of texts of about so many."""
    owners = tokenizer.encode(" ".join("a" * query), " ".join("a" * document)).sequence_ids
    return owners.count(0), owners.count(1)


@pytest.mark.parametrize("max_length", [8, 9, 20, 33])
def test_longest_first_as_in_tokenizers(tokenizer: Tokenizer, max_length: int) -> None:
    sizes = [(0, 0), (1, 40), (40, 1), (12, 12), (13, 12), (12, 13), (40, 40), (2, 2), (5, 100), (100, 5), (7, 30), (30, 7)]
    specials = tokenizer.num_special_tokens_to_add(is_pair=True)
    for query, document in sizes:
        tokenizer.no_truncation()
        whole = kept(tokenizer, query, document)
        tokenizer.enable_truncation(max_length, strategy="longest_first")
        assert CutLongest(max_length=max_length).keep(*whole, specials) == kept(tokenizer, query, document), (query, document)


@given(SIZES, SIZES, st.integers(0, 80), st.integers(0, 6))
def test_what_is_kept_fits_and_is_no_more_than_there_was(query: int, document: int, max_length: int, specials: int) -> None:
    for cut in (CutLongest(max_length=max_length), CutDocument(max_length=max_length, max_query=max_length)):
        q, d = cut.keep(query, document, specials)
        assert 0 <= q <= query
        assert 0 <= d <= document
        assert q + d == min(query + document, max(0, max_length - specials))


@given(SIZES, SIZES, st.integers(8, 80), st.integers(1, 60))
def test_query_keeps_its_limit_and_the_document_a_place(query: int, document: int, max_length: int, max_query: int) -> None:
    q, d = CutDocument(max_length=max_length, max_query=max_query).keep(query, document, 4)
    assert q <= max_query
    assert d >= min(document, 1)
