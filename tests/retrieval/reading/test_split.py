"""The laws of split(): all of the text, offsets that are right, no passage too long, structure kept where it fits."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adjudge import Reranker
from adjudge.retrieval.key_tokens import TokenCounter, estimate_tokens, token_counter
from adjudge.retrieval.reading import Block, Chunk, Source, SplitConfig, split
from adjudge.retrieval.reading.encoding import clean
from adjudge.retrieval.reading.markdown import markdown_blocks
from adjudge.retrieval.reading.split import MOST_COLUMNS
from tests.retrieval.reading.structured_texts import CHINESE, CODE, GUIDE, PARAGRAPHS, TABLE, TEXTS, source_of, uncovered


def words(text: str) -> int:
    return len(text.split())


def per_pair(text: str) -> int:
    """More for the whole than for its parts, as no good tokenizer counts."""
    return len(text) // 2 + text.count("\n")


def markdown(text: str) -> Source:
    return Source(name="guide.md", format="markdown", text=text, blocks=markdown_blocks(text), metadata={"language": "en"})


def table_of(text: str) -> Source:
    return Source(name="a.html", format="html", text=text, blocks=(Block(start=0, end=len(text), kind="table"),))


def check(source: Source, chunks: list[Chunk], most: int, count: TokenCounter) -> None:
    assert uncovered(source.text, [(chunk.start, chunk.end) for chunk in chunks]) == ""
    for position, chunk in enumerate(chunks):
        assert chunk.text == source.text[chunk.start : chunk.end]
        assert chunk.text.strip()
        assert chunk.position == position
        assert chunk.source == source.name
        assert count(chunk.text) <= most or len(chunk.text) == 1
    assert len({chunk.id for chunk in chunks}) == len(chunks)


@settings(max_examples=150, deadline=None)
@given(TEXTS, st.integers(8, 60), st.sampled_from([estimate_tokens, len, words, per_pair]), st.booleans())
def test_all_of_the_text_is_in_passages_that_fit(text: str, most: int, count: TokenCounter, marked: bool) -> None:
    text = clean(text)
    source = markdown(text) if marked else source_of(text)
    config = SplitConfig(max_tokens=most, min_tokens=min(8, most))
    chunks = split(source, config, count=count)
    check(source, chunks, most, count)
    assert chunks == split(source, config, count=count)


def test_the_judges_own_tokenizer_counts(word_judge: Reranker) -> None:
    count = token_counter(word_judge)
    for text in (GUIDE * 3, CHINESE * 20, "x" * 3000, "https://example.org/" + "a1b2" * 400, "ни " * 900):
        for most in (8, 40, 256):
            source = markdown(text)
            check(source, split(source, SplitConfig(max_tokens=most, min_tokens=8), count=count), most, count)


def test_sections_begin_passages_and_know_their_headings() -> None:
    chunks = split(markdown(GUIDE), SplitConfig(max_tokens=200))
    begins = {chunk.text.split("\n")[0]: chunk.headings for chunk in chunks}
    assert begins["# Heat pumps"] == ("Heat pumps",)
    assert begins["## Installation"] == ("Heat pumps", "Installation")
    assert begins["### Models"] == ("Heat pumps", "Installation", "Models")
    assert begins["## Noise"] == ("Heat pumps", "Noise")
    assert any(CODE in chunk.text for chunk in chunks)
    assert any(TABLE in chunk.text for chunk in chunks)
    assert all(chunk.metadata == {"language": "en"} for chunk in chunks)


def test_small_sections_are_joined_with_what_follows_beside_or_below() -> None:
    text = "# Log\n\n## 1.2\n\nFixed.\n\n## 1.1\n\nAdded.\n\n# Other\n\nText."
    first, second = split(markdown(text), SplitConfig(max_tokens=64, min_tokens=16))
    assert (first.text[-6:], first.headings) == ("Added.", ("Log",))
    assert (second.text, second.headings) == ("# Other\n\nText.", ("Other",))
    alone = split(markdown(text), SplitConfig(max_tokens=64, min_tokens=0))
    assert [chunk.headings for chunk in alone] == [("Log", "1.2"), ("Log", "1.1"), ("Other",)]
    assert alone[0].text == "# Log\n\n## 1.2\n\nFixed."


def test_a_small_section_below_another_is_not_joined_with_the_next_chapter() -> None:
    text = f"# A\n\n{PARAGRAPHS['en']}\n\n## A.1\n\nsmall\n\n# B\n\nText."
    assert [chunk.headings for chunk in split(markdown(text))] == [("A",), ("A", "A.1"), ("B",)]


@pytest.mark.parametrize("most", [24, 40, 80])
def test_chinese_is_cut_at_its_own_sentence_ends(most: int) -> None:
    chunks = split(source_of(CHINESE * 4), SplitConfig(max_tokens=most, min_tokens=8))
    assert len(chunks) > 3
    longest = max(len(sentence) for sentence in CHINESE.replace("。", "。|").split("|"))
    if estimate_tokens("台" * longest) <= most:
        assert all(chunk.text[-1] in "。！？" for chunk in chunks)


@pytest.mark.parametrize("language", PARAGRAPHS)
def test_long_paragraphs_are_cut_between_sentences(language: str) -> None:
    paragraph = " ".join([PARAGRAPHS[language]] * 8)
    chunks = split(source_of(paragraph), SplitConfig(max_tokens=60))
    assert len(chunks) > 3
    assert all(chunk.text[-1] in ".?!。！？" for chunk in chunks)
    sizes = [estimate_tokens(chunk.text) for chunk in chunks]
    assert min(sizes) >= 20  # spread evenly, no crumb at the end


def test_what_fits_is_whole() -> None:
    blocks = [PARAGRAPHS["en"], f"```\n{CODE}\n```", TABLE, PARAGRAPHS["ru"], CHINESE[:80]]
    text = "\n\n".join(blocks * 3)
    for chunk in split(markdown(text), SplitConfig(max_tokens=estimate_tokens(TABLE) + 1)):
        assert all(part in blocks for part in _blocks_in(text, chunk))


def _blocks_in(text: str, chunk: Chunk) -> list[str]:
    return [
        text[max(block.start, chunk.start) : min(block.end, chunk.end)]
        for block in markdown_blocks(text)
        if block.start < chunk.end and chunk.start < block.end
    ]


def test_code_too_long_is_cut_between_lines() -> None:
    lines = [f"    call_number_{n}(argument_{n})" for n in range(60)]
    text = "```python\n" + "\n".join(lines) + "\n```"
    chunks = split(markdown(text), SplitConfig(max_tokens=80))
    assert len(chunks) > 3
    for before, after in pairwise(chunks):
        assert text[before.end : after.start] == "\n"  # indentation stays with its line


def test_rows_that_go_on_know_their_columns() -> None:
    chunks = split(markdown(TABLE), SplitConfig(max_tokens=60))
    assert len(chunks) > 1
    assert "columns" not in chunks[0].metadata
    assert all(chunk.metadata["columns"] == "| model | kW | dB |" for chunk in chunks[1:])
    assert all(chunk.text.startswith("| HP-") and chunk.text.endswith("|") for chunk in chunks[1:])


def test_the_rest_of_a_first_row_has_no_columns() -> None:
    row = " ".join([PARAGRAPHS["en"]] * 20)
    for table in (row, f"{row}\n{PARAGRAPHS['es']}"):
        chunks = split(table_of(table), SplitConfig(max_tokens=60))
        assert len(chunks) > 5
        assert all("columns" not in chunk.metadata for chunk in chunks)


@pytest.mark.parametrize(("length", "told"), [(MOST_COLUMNS, True), (MOST_COLUMNS + 1, False)])
def test_a_long_first_line_is_not_repeated(length: int, told: bool) -> None:
    line = ("word " * length)[: length - 1] + "x"
    chunks = split(table_of("\n".join([line, *[PARAGRAPHS["en"]] * 3])), SplitConfig(max_tokens=60, min_tokens=0))
    assert chunks[-1].text == PARAGRAPHS["en"]
    assert chunks[-1].metadata == ({"columns": line} if told else {})


def test_a_heading_is_not_left_alone() -> None:
    text = f"# Pumps\n\n{PARAGRAPHS['en']}\n\n## Next\n\n{PARAGRAPHS['es']}"
    for most in range(20, 80):
        for chunk in split(markdown(text), SplitConfig(max_tokens=most, min_tokens=0)):
            assert chunk.text not in ("# Pumps", "## Next")


@pytest.mark.parametrize("colon", [":", " :", "："])
def test_a_lead_in_is_not_cut_off_from_what_it_leads_to(colon: str) -> None:
    lead = f"You probably need{colon}"
    text = "\n\n".join([PARAGRAPHS["en"], lead, PARAGRAPHS["es"], lead, PARAGRAPHS["fr"]])
    together = estimate_tokens(lead) + max(estimate_tokens(PARAGRAPHS[language]) for language in ("en", "es", "fr"))
    for most in range(together + 1, 3 * together):
        for chunk in split(source_of(text), SplitConfig(max_tokens=most, min_tokens=0)):
            assert not chunk.text.endswith(lead)


def test_a_lead_in_that_does_not_fit_beside_what_follows_ends_the_passage_before() -> None:
    text = f"{PARAGRAPHS['en']} You need this:\n\n{PARAGRAPHS['ru']}"
    most = max(estimate_tokens(PARAGRAPHS["ru"]), estimate_tokens(f"{PARAGRAPHS['en']} You need this:"))
    chunks = split(source_of(text), SplitConfig(max_tokens=most, min_tokens=0))
    assert [chunk.text for chunk in chunks] == [f"{PARAGRAPHS['en']} You need this:", PARAGRAPHS["ru"]]


def test_ids_are_the_same_in_every_run_and_tell_text_place_and_source_apart() -> None:
    first = split(source_of("One thing.", "a.txt"))[0]
    assert first.id == split(source_of("One thing.", "a.txt"))[0].id
    others = [source_of("One thing.", "b.txt"), source_of("One thin.", "a.txt"), source_of("\nOne thing.", "a.txt")]
    assert len({first.id, *(split(source)[0].id for source in others)}) == 4


def test_nothing_gives_nothing() -> None:
    assert split(source_of("")) == []
    assert split(source_of(" \n\t\n")) == []


@pytest.mark.parametrize("text", ["word " * 15_000, "好" * 40_000, "x\n\n" * 8_000, "# a\n\n" * 3_000, "a. " * 10_000])
def test_time_grows_with_the_text_and_no_faster(text: str) -> None:
    calls = 0

    def count(part: str) -> int:
        nonlocal calls
        calls += len(part)
        return estimate_tokens(part)

    assert split(markdown(text) if text.startswith("#") else source_of(text), count=count)
    assert calls <= 20 * len(text)
