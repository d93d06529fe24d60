"""Spans of a text: every character in its order, sentences of five languages, headings, tables and code; units of a size that fits."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adjudge.retrieval.key_units import cut_units, whole_character
from adjudge.retrieval.sentences import CODE_CHARACTERS, split_sentences

LATIN = ("Dr. ", "e.g. ", "p. ej. ", "3.14", "...", ". ", "! ", "Word", "1. ", "(", '"', ",", "e\u0301", "x" * 50)
OTHERS = ("т. е. ", "слово", "字字", "。", "？！", "”", "\x00", "\ud83d", "👩‍👩‍👧")
LAYOUT = (" ", "\n", "\n\n", "\r\n", "\t", "\u2028", "\x1c", "|", "# ", "- ", "```\n", "---", "===")
PIECES = st.sampled_from((*LATIN, *OTHERS, *LAYOUT))
TEXTS = st.one_of(st.text(max_size=300), st.lists(PIECES, max_size=60).map("".join))


def parts(text: str) -> list[str]:
    return [text[span.start : span.end].strip() for span in split_sentences(text)]


def kinds(text: str) -> list[tuple[str, str]]:
    return [(span.kind, text[span.start : span.end].strip()) for span in split_sentences(text)]


@given(TEXTS)
def test_spans_are_the_whole_text_in_order(text: str) -> None:
    spans = split_sentences(text)
    assert "".join(text[s.start : s.end] for s in spans) == text
    assert all(s.start < s.end for s in spans)
    assert all(text[s.start : s.end].strip() for s in spans) or not text.strip()


@given(TEXTS, st.integers(16, 60))
def test_units_are_the_whole_text_in_order_and_small(text: str, longest: int) -> None:
    units = cut_units(text, longest=longest)
    assert "".join(text[u.start : u.end] for u in units) == text
    assert all(len(text[u.start : u.end].strip()) <= longest for u in units)
    assert all(text[u.start : u.end].strip() for u in units) or not text.strip()
    assert all(-1 <= u.head < i for i, u in enumerate(units))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Dr. Smith has 3.14 dollars. He left.", ["Dr. Smith has 3.14 dollars.", "He left."]),
        ("Es gibt z. B. Hunde. Gut.", ["Es gibt z. B. Hunde.", "Gut."]),
        ("Hay frutas, p. ej. manzanas. ¿Cuántas? ¡Tres!", ["Hay frutas, p. ej. manzanas.", "¿Cuántas?", "¡Tres!"]),
        ("М. Горький, т. е. Пешков, жил там. Он писал.", ["М. Горький, т. е. Пешков, жил там.", "Он писал."]),
        ("M. Dupont est là. Il parle, etc. Puis il part.", ["M. Dupont est là.", "Il parle, etc.", "Puis il part."]),
        ("熊猫吃竹子。它们很可爱！真的吗？是3.14公斤。", ["熊猫吃竹子。", "它们很可爱！", "真的吗？", "是3.14公斤。"]),
        ("他说：“好。”然后走了。", ["他说：“好。”", "然后走了。"]),
    ],
)
def test_sentences_of_every_language(text: str, expected: list[str]) -> None:
    assert parts(text) == expected


def test_headings_stand_alone() -> None:
    text = "# Pandas\nThey eat bamboo.\n\nHow they live\n\nIn forests. Mostly.\n\nThe end\n=======\nThat was all."
    assert kinds(text) == [
        ("heading", "# Pandas"),
        ("prose", "They eat bamboo."),
        ("heading", "How they live"),
        ("prose", "In forests."),
        ("prose", "Mostly."),
        ("heading", "The end\n======="),
        ("prose", "That was all."),
    ]


PLAIN = (
    "- one\n\n- two\n\n- three",
    "1. Introduction\n\nText.",
    "Is it?\n\nYes.",
    "one line",
    "a wrapped line of\nprose goes on",
    "说明：\n\n正文。",
)


@pytest.mark.parametrize("text", PLAIN)
def test_what_is_no_heading(text: str) -> None:
    assert "heading" not in {kind for kind, _ in kinds(text)}


def test_a_title_right_above_a_long_text_is_a_heading() -> None:
    assert kinds("Giant pandas\nThey live in the mountains and eat bamboo all day long.")[0] == ("heading", "Giant pandas")


def test_tables_are_rows_that_know_their_first() -> None:
    text = "Prices:\n\n| what | price |\n|---|---|\n| bamboo | 3 |\n| apples | 5 |\n\nThat is all."
    units = cut_units(text, longest=200)
    assert [u.kind for u in units] == ["prose", "row", "row", "row", "row", "prose"]
    assert [u.head for u in units] == [-1, -1, 1, 1, 1, -1]
    assert kinds("a || b || c is written in code.") == [("prose", "a || b || c is written in code.")]


def test_units_know_their_heading() -> None:
    text = "# One\n\nFirst sentence of the part. Second sentence of the part.\n\n# Two\n\nThird sentence, elsewhere."
    units = cut_units(text, longest=200)
    assert [(text[u.start : u.end].split()[0], u.head) for u in units] == [("#", -1), ("First", 0), ("Second", 0), ("#", -1), ("Third", 3)]


@pytest.mark.parametrize("fence", ["```", "~~~"])
def test_a_code_block_is_kept_together(fence: str) -> None:
    code = f"{fence}python\nx = 1. Y = 2.\n\n# no heading\n| a | b |\n{fence}"
    assert kinds(f"Before it.\n{code}\nAfter it.") == [("prose", "Before it."), ("code", code), ("prose", "After it.")]


def test_a_long_code_block_is_cut_after_lines() -> None:
    lines = "".join(f"value_{i} = compute({i})\n" for i in range(80))
    pieces = [s for s in split_sentences(f"```\n{lines}") if s.kind == "code"]
    assert len(pieces) > 2
    assert all(s.end - s.start <= CODE_CHARACTERS for s in pieces)
    assert all(f"```\n{lines}"[s.end - 1] == "\n" for s in pieces)


def test_short_sentences_are_joined_within_their_paragraph() -> None:
    text = "No. Yes. It may well be so, they said.\n\nNo."
    assert [text[u.start : u.end].strip() for u in cut_units(text, longest=200)] == ["No. Yes. It may well be so, they said.", "No."]


def test_long_sentences_are_cut_at_commas_then_spaces_then_anywhere() -> None:
    text = "one two three four five, six seven eight nine ten"
    assert [text[u.start : u.end] for u in cut_units(text, longest=32)] == ["one two three four five, ", "six seven eight nine ten"]
    spaced = "one two three four five six seven eight"
    assert [spaced[u.start : u.end] for u in cut_units(spaced, longest=20)] == ["one two three four ", "five six seven eight"]
    assert [u.end - u.start for u in cut_units("字" * 50, longest=20)] == [20, 20, 10]


@pytest.mark.parametrize("whole", ["e\u0301", "👩\u200d👩\u200d👧", "✌\ufe0f"])
def test_characters_made_of_several_are_not_parted(whole: str) -> None:
    text = whole * 40
    cuts = [u.start for u in cut_units(text, longest=31)][1:]
    assert cuts
    assert all(cut % len(whole) == 0 for cut in cuts)
    assert whole_character("a" * 10, 5, least=0) == 5


def test_accents_without_end_are_cut_all_the_same() -> None:
    text = "e" + "\u0301" * 500
    assert unicodedata.combining(text[40])
    assert all(0 < u.end - u.start <= 40 for u in cut_units(text, longest=40))


@pytest.mark.parametrize(
    "piece", ["字", "a", ".", "\n", " ", "。", "A. ", "! ", "- ab\n", "| a |\n", "```\n", '"', "“", "(", "1. ", "e\u0301", "a,", "=\n"]
)
def test_long_monotony_is_cut_without_a_gap(piece: str) -> None:
    """Texts that patterns with a retry in them would never finish; how long it takes is measured in benchmarks/key_passages.py."""
    text = piece * (32_000 // len(piece))
    units = cut_units(text, longest=256)
    assert [u.start for u in units] == [0, *(u.end for u in units[:-1])]
    assert units[-1].end == len(text)
    assert all(0 < u.end - u.start <= 256 or not text[u.start : u.end].strip() for u in units)
