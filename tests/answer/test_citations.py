"""Citations are found in every usual form, checked against the sources, and missed where they are missing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adjudge.answer.citations import citation_warnings, find_citations, uncited_sentences


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("Bamboo [1].", [1]),
        ("Bamboo[1][3], and fruit [ 2 ].", [1, 3, 2]),
        ("Both [1, 3] and all [2-4] and [3–2].", [1, 3, 2, 3, 4, 3, 2]),
        ("大熊猫吃竹子【1】，也吃水果［2］。", [1, 2]),
        ("竹子[1、2]。", [1, 2]),
        ("Twice in one [2, 2].", [2]),
        ("A year [2023], a note [a], nothing [], a float [1.5].", []),
        ("In code `items[1]` and\n```\nrow[2]\n``` and here [3].", [3]),
        ("Open code ```\nrow[2]", []),
        ("", []),
    ],
)
def test_numbers(text: str, numbers: list[int]) -> None:
    found = find_citations(text, 9)
    assert [c.number for c in found] == numbers
    assert all(text[c.start] in "[【［" and text[c.end - 1] in "]】］" for c in found)


@given(st.text(alphabet="ab[]【】1234567890,- `\n.。"), st.integers(0, 5))
def test_whatever_is_written(text: str, sources: int) -> None:
    for citation in find_citations(text, sources):
        assert 0 <= citation.start < citation.end <= len(text)
        assert citation.known == (1 <= citation.number <= sources)


def test_a_source_that_was_not_given_is_told() -> None:
    citations = find_citations("One [1]. Another [4]. A third [0].", 2)
    assert [c.known for c in citations] == [True, False, False]
    assert citation_warnings(citations, 2) == (
        "the answer cites [0], [4], and there were only 2 sources: what rests on that rests on nothing",
    )
    assert "only one source" in citation_warnings(citations, 1)[0]


def test_an_answer_without_any_citation_is_told() -> None:
    assert citation_warnings(find_citations("Bamboo.", 2), 2)[0].startswith("the answer names none of its sources")
    assert citation_warnings(find_citations("Bamboo [2].", 2), 2) == ()


def test_sentences_that_name_no_source() -> None:
    text = "Pandas eat bamboo [1]. They also sleep a lot. There are two:\n- Fruit. [2]\n- Fish.\n```\nx = items[1]\n```\n"
    assert uncited_sentences(text, find_citations(text, 2)) == ("They also sleep a lot.", "- Fish.")
    chinese = "大熊猫吃竹子【1】。它们也很能睡。"
    assert uncited_sentences(chinese, find_citations(chinese, 1)) == ("它们也很能睡。",)
