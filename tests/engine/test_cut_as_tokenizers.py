"""Both rules for cutting a pair, count for count against the tokenizers library, for every way that two lengths can meet a limit."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from adjudge.engine.cut import Cut, CutDocument, CutLongest

lengths = st.integers(0, 60)
limits = st.integers(4, 40)


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    """One token a word, [a] b [b], three special tokens."""
    made = Tokenizer(models.WordLevel({"a": 0, "b": 1, "CLS": 2, "SEP": 3}, unk_token="a"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    specials = [("CLS", 2), ("SEP", 3)]
    made.post_processor = processors.TemplateProcessing(single="CLS $A SEP", pair="CLS $A SEP $B SEP", special_tokens=specials)
    return made


@settings(deadline=None)
@given(query=lengths, document=lengths, limit=limits)
@pytest.mark.parametrize(("strategy", "rule"), [("longest_first", CutLongest), ("only_second", CutDocument)])
def test_cuts_as_tokenizers_does(strategy: str, rule: type, query: int, document: int, limit: int, tokenizer: Tokenizer) -> None:
    cut: Cut = rule(max_length=limit) if rule is CutLongest else rule(max_length=limit, max_query=1000)
    if rule is CutDocument and query + 3 + min(document, 1) > limit:
        return  # tokenizers raises; ours cuts the query too, see below
    tokenizer.enable_truncation(limit, strategy=strategy)
    ids = tokenizer.encode("a " * query, "b " * document).ids
    assert cut.keep(query, document, 3) == (ids.count(0), ids.count(1))


def test_a_long_query_leaves_the_document_a_token() -> None:
    assert CutDocument(max_length=16, max_query=16).keep(100, 100, 4) == (11, 1)
    assert CutDocument(max_length=16, max_query=12).keep(100, 0, 4) == (12, 0)
    assert CutDocument(max_length=16, max_query=9).keep(100, 100, 4) == (9, 3)


def test_an_odd_token_goes_to_the_longer_text() -> None:
    assert CutLongest(max_length=14).keep(50, 60, 3) == (5, 6)
    assert CutLongest(max_length=14).keep(60, 50, 3) == (6, 5)
    assert CutLongest(max_length=14).keep(50, 50, 3) == (5, 6)
