"""Quoted answers: the sentences that carried the score, word for word, each with its source."""

from __future__ import annotations

import pytest

from adjudge import Document, Ranking, Reranker
from adjudge.answer.extractive import Extract, extract
from adjudge.answer.prompt import numbered_sources
from adjudge.errors import ConfigError


def of(ranking: Ranking, *, sentences: int = 2, most: int = 3) -> Extract:
    sources, _ = numbered_sources(ranking, 10**6)
    found = extract(ranking, sources, sentences=sentences, most=most)
    for quote in found.quotes:
        assert quote.text == sources[quote.source - 1].document.text[quote.start : quote.end]
    for citation in found.citations:
        assert found.text[citation.start : citation.end] == f"[{citation.number}]"
    return found


def test_the_sentence_that_carried_the_score(ranking: Ranking) -> None:
    found = of(ranking, sentences=1)
    quoted = {quote.text for quote in found.quotes}
    assert "Giant pandas eat almost nothing but bamboo." in quoted
    assert not any("Sichuan" in text for text in quoted)
    assert found.text.count("\n") == 1
    assert sorted(c.number for c in found.citations) == [1, 2]


def test_the_effect_is_that_of_the_explanation(ranking: Ranking) -> None:
    found = of(ranking)
    effects = {s.text: s.effect for at in range(2) for s in ranking.explain(at).sentences}
    told = [quote for quote in found.quotes if quote.effect is not None]
    assert told
    assert {q.text: q.effect for q in told} == pytest.approx({q.text: effects[q.text] for q in told}, abs=0.05)


def test_a_passage_of_one_sentence_is_quoted_whole(word_judge: Reranker) -> None:
    found = of(word_judge.rank("pandas", [Document("  Pandas eat bamboo ")]))
    assert (found.text, found.quotes[0].effect) == ("Pandas eat bamboo [1]", None)
    assert found.quotes[0].start == 2


def test_where_the_heading_alone_convinces_the_text_below_it_decides(word_judge: Reranker) -> None:
    """No sentence can be missed under a heading that says all of the question; the one that says something of it is still told apart."""
    text = "# What giant pandas eat: bamboo\n\nZoos add fruit. Giant pandas eat bamboo. They sleep a lot."
    found = of(word_judge.rank("What do giant pandas eat?", [text]), sentences=1)
    assert found.text == "Giant pandas eat bamboo. [1]"
    assert (found.quotes[0].effect or 0) > 0


def test_what_two_sources_say_alike_is_said_once_and_cites_both(word_judge: Reranker) -> None:
    copies = [Document("Giant pandas eat bamboo.", "a"), Document("Giant  pandas eat\nbamboo.", "b"), Document("Pandas sleep.", "c")]
    found = of(word_judge.rank("What do giant pandas eat?", copies))
    assert found.text == "Giant pandas eat bamboo. [1][2]\nPandas sleep. [3]"


def test_sentences_stay_in_their_order_and_gaps_are_marked(word_judge: Reranker) -> None:
    text = "Pandas eat bamboo. Bread is baked from flour. Giant pandas eat a lot."
    found = of(word_judge.rank("giant pandas eat bamboo", [text]))
    assert found.text == "Pandas eat bamboo. … Giant pandas eat a lot. [1]"
    assert of(word_judge.rank("giant pandas eat bamboo", [text]), sentences=1).text.count("…") == 0


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("Giant pandas eat two things: \nBamboo stems. Bread is baked.", "Giant pandas eat two things: Bamboo stems. [1]"),
        ("大熊猫吃 giant pandas eat：\n竹子。面包。", "大熊猫吃 giant pandas eat： 竹子。 [1]"),
        (
            "Giant pandas eat (see 7.2, « Pandas ? Really ? ») bamboo. They sleep.",
            "Giant pandas eat (see 7.2, « Pandas ? Really ? ») bamboo. [1]",
        ),
        ("Giant pandas eat a lot. Bamboo stems.", "Giant pandas eat a lot. [1]"),
        ("Bread is baked. Giant pandas eat this:", "Giant pandas eat this: [1]"),
        ("Giant pandas eat (a lot. They sleep. Water is wet. Bread is baked.", "Giant pandas eat (a lot. [1]"),
        (
            "To list what giant pandas eat, run\n\ndpkg --list 'bread*'\n\nWater is wet.",
            "To list what giant pandas eat, run dpkg --list 'bread*' [1]",
        ),
        ("要知道 giant pandas eat 什么，请运行\n\naptitude update\n\n然后运行", "要知道 giant pandas eat 什么，请运行 aptitude update [1]"),
        ("What giant pandas eat\n\nWater is wet. Bread is baked.", "What giant pandas eat [1]"),
        ("- giant pandas eat\n\n- bread\n\n- water", "- giant pandas eat [1]"),
    ],
)
def test_a_quote_that_breaks_off_is_carried_on(word_judge: Reranker, text: str, quoted: str) -> None:
    found = of(word_judge.rank("giant pandas eat", [text]), sentences=1)
    assert found.text == quoted
    assert found.quotes[0].effect is not None


def test_what_a_quote_was_carried_on_over_is_not_quoted_again(word_judge: Reranker) -> None:
    found = of(word_judge.rank("giant pandas eat bamboo", ["Giant pandas eat: \nBamboo stems. Bread is baked."]), sentences=2)
    assert found.text == "Giant pandas eat: Bamboo stems. [1]"


def test_a_quote_is_not_carried_on_over_a_heading(word_judge: Reranker) -> None:
    document = Document("They eat giant things:\n\nFood\nBamboo. Water is wet.", None, {"headings": ["Food"]})
    found = of(word_judge.rank("eat giant things", [document]), sentences=1)
    assert found.text == "They eat giant things: [1]"


def test_only_so_many_sources_are_quoted(word_judge: Reranker) -> None:
    ranking = word_judge.rank("pandas", [f"pandas eat {number}" for number in range(5)])
    assert {c.number for c in of(ranking, most=2).citations} == {1, 2}


def test_a_heading_is_no_answer(word_judge: Reranker) -> None:
    document = Document("Giant pandas\nThey eat bamboo. They sleep.", None, {"headings": ["Giant pandas"]})
    found = of(word_judge.rank("What do giant pandas eat?", [document]), sentences=1)
    assert found.text == "They eat bamboo. [1]"


def test_half_a_heading_is_no_answer_either(word_judge: Reranker) -> None:
    heading = "4.5. Can pandas eat bamboo? Can giant pandas eat bread?"
    document = Document(f"{heading}\n\nThey eat bamboo. They sleep.", None, {"headings": ["Food", heading]})
    found = of(word_judge.rank("Can giant pandas eat bamboo?", [document]), sentences=2)
    assert found.text == "They eat bamboo. [1]"


def test_sentences_that_cover_for_each_other_are_told_by_what_they_say_alone(word_judge: Reranker) -> None:
    """The passage can miss either, and so it can the one on water: effects do not tell them apart."""
    found = of(word_judge.rank("pandas eat bamboo", ["Water is wet. Pandas eat bamboo. Pandas do eat bamboo."]))
    assert found.text == "Pandas eat bamboo. [1]"


def test_where_no_sentence_speaks_for_the_answer_one_is_quoted_all_the_same(word_judge: Reranker) -> None:
    found = of(word_judge.rank("zebra", ["Bread is baked. Water is wet."]))
    assert len(found.quotes) == 1


def test_a_ranking_without_its_reranker(word_judge: Reranker) -> None:
    ranking = word_judge.rank("pandas", ["Pandas eat bamboo. They sleep."])
    bare = Ranking(query=ranking.query, results=ranking.results)
    with pytest.raises(ConfigError, match="rank again to explain"):
        of(bare)


def test_a_heading_of_several_sentences_is_no_answer(word_judge: Reranker) -> None:
    headings = ["Chapter 9. What pandas of every kind and age eat in the mountains", "9.1. Giant pandas"]
    document = Document(f"{headings[0]}\n\n{headings[1]}\n\nBread is baked. They sleep.", None, {"headings": headings})
    found = of(word_judge.rank("What does chapter 9 say?", [document]), sentences=3)
    assert found.text in ("Bread is baked. [1]", "They sleep. [1]")


def test_a_heading_that_convinces_more_than_any_sentence_leaves_the_text_below_to_decide(embedded: Reranker) -> None:
    """Missing a sentence under it says how the sentence joins the heading, not what it answers."""
    heading = "8.5. How do I find the package that a file belongs to?"
    text = (
        "To find the package that owns a file named foo, use:\n\n- dpkg --search foo\n\n"
        "This searches for foo in installed packages. Another, faster way is dlocate."
    )
    document = Document(f"{heading}\n\n{text}", None, {"headings": [heading]})
    found = of(embedded.rank("How do I see which package a file belongs to?", [document]), sentences=1)
    assert found.text == "To find the package that owns a file named foo, use: - dpkg --search foo [1]"


def test_a_sentence_that_begins_with_the_headings_words_is_none(word_judge: Reranker) -> None:
    document = Document("Giant pandas eat bamboo. They sleep a lot.", None, {"headings": ["Giant pandas"]})
    assert of(word_judge.rank("What do giant pandas eat?", [document]), sentences=1).text == "Giant pandas eat bamboo. [1]"
