"""Sentences as a reader sees them, in five languages; and spans that lose nothing, whatever the text."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from adjudge.engine import abbreviations
from adjudge.engine.sentences import sentence_spans

MARKS = tuple(".!?…。！？：；\"'”»«()[]-*|#é\n\t\r\x00\u2028\u00a0\ud800🐼 ")
PIECES = st.sampled_from(
    [*MARKS, "...", "1.", "(2)", "Dr.", "e.g.", "т.", "е.", "\r\n", "\n\n", "  ", "Panda", "panda", "熊猫", "панда", "12.5"]
)
TEXTS = st.one_of(st.text(max_size=60), st.lists(PIECES, max_size=25).map("".join))


def sentences(text: str) -> list[str]:
    """Without the white space around them."""
    return [text[start:end].strip() for start, end in sentence_spans(text)]


@given(TEXTS)
@example("")
@example(" ")
@example("\n.\n")
def test_spans_are_the_whole_text_in_order(text: str) -> None:
    spans = sentence_spans(text)
    assert "".join(text[start:end] for start, end in spans) == text
    assert all(start < end for start, end in spans)
    assert [start for start, _ in spans] == [0, *(end for _, end in spans)][: len(spans)]


@given(TEXTS)
def test_each_has_a_letter_or_digit_where_the_text_has_one(text: str) -> None:
    assert len(sentence_spans(text)) <= 1 or all(any(c.isalnum() for c in s) for s in sentences(text))


@given(TEXTS)
def test_white_space_belongs_to_the_sentence_before_it(text: str) -> None:
    assert not any(text[start].isspace() for start, _ in sentence_spans(text)[1:])


@given(st.lists(st.sampled_from(["The panda eats.", "¿Dónde vive?", "熊猫吃竹子。", "Он спит!", "Il vit à Pékin…"]), max_size=8))
def test_plain_sentences_come_back(given: list[str]) -> None:
    assert sentences(" ".join(given)) == given
    assert sentences("\n".join(given)) == given


@pytest.mark.parametrize(
    "parts",
    [
        # Chinese: no spaces, quotes behind the stop, titles that hold one, straight quotes that open or close
        ["大熊猫吃竹子。", "每天要吃12.5公斤！", "你知道吗？"],
        ["他问：“熊猫吃什么？”", "我说：“竹子。”", "然后他走了。"],
        ["他说“好！”，就走了。", "《你好！》这本书很好。"],
        ['她问:"去哪？"', "我不知道。", '"好。"'],
        ["（见第3章。）", "完成了.", "下一步是V2.0版本。"],
        ["我想……他还没来。", "真的？！", "是的。"],
        # English: titles, initials, acronyms, decimals, versions, quotes, ellipses
        ["Dr. Smith and Mrs. J. K. Rowling met at 3.30 p.m. in St. Louis.", "They left."],
        ["V12.5 runs on Node.js, e.g. on Linux, i.e. without Windows.", "It costs $3.5."],
        ["He lives in the U.S. Army barracks.", "She left the U.S.", "It was cold."],
        ['"Why?" he asked.', '"Because!"', "Nobody (not even he.) laughed."],
        ["Well... maybe.", "I think so…", "Perhaps."],
        ["See Fig. 3 and pp. 4 to 7 of vol. 2.", "He ate a fig.", "No. 5 is alive.", "I said no.", "He left."],
        ["The law (see Art. 5) is old.[12][3]", "It holds."],
        ["iPhones sell well.", "iOS is free.", "Is it?!", "Yes!!!"],
        ["this is chat.", "nobody writes capitals.", "not even after a stop, e.g. here."],
        # Spanish: opening marks, p. ej., EE. UU.
        ["El Sr. García vive en EE. UU. desde 1999.", "¿Qué come?", "¡Bambú, p. ej. hojas!", "«Claro.»", "Véase la pág. 5."],
        # French: spaces before marks and inside guillemets
        ["M. Dupont a dit : « Viens ! »", "Puis il partit.", "Pourquoi ?", "En 44 av. J.-C. César mourut, p. ex. à Rome."],
        # Russian: т. е., и т. д., initials, years, dialogue
        ["Панды едят бамбук, т. е. траву, листья и т. д.", "Они живут в Китае."],
        ["А. С. Пушкин родился в 1799 г.", "Он поэт.", "В 1812 г. Наполеон пришёл в г. Москву."],
        ["— Куда? — спросил он.", "— Домой.", "Он помог им.", "Они ушли."],
    ],
    ids=lambda parts: parts[0][:18],
)
def test_real_sentences(parts: list[str]) -> None:
    joined = "" if any("\u4e00" <= c <= "\u9fff" for c in parts[0]) else " "
    assert sentences(joined.join(parts)) == parts


@pytest.mark.parametrize(
    "parts",
    [
        ["Install", "Run the command", "- one", "- two", "• three", "1. First step", "2) Second step", "Done"],
        ["| a | b |", "| 1 | 2 |"],
        ["# Title", "Text below the title, without a stop", "> a quotation"],
        ["第一条", "一、总则", "二、附则"],
    ],
    ids=lambda parts: parts[0],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\n\n", "\u2028"])
def test_lines_are_sentences(parts: list[str], newline: str) -> None:
    assert sentences(newline.join(parts)) == parts


def test_wrapped_lines_go_on() -> None:
    text = (
        "The giant panda is a bear that lives in the mountains of\n"
        "China. It was described by Armand David, who was born in\n"
        "Espelette, in 1869.\n"
        "\n"
        "A new paragraph begins here."
    )
    assert [s.replace("\n", " ") for s in sentences(text)] == [
        "The giant panda is a bear that lives in the mountains of China.",
        "It was described by Armand David, who was born in Espelette, in 1869.",
        "A new paragraph begins here.",
    ]


def test_a_heading_above_a_wrapped_paragraph_stands_alone() -> None:
    text = "The food of pandas\nThey eat almost nothing but bamboo, and they spend most of the\nday with it."
    assert sentences(text) == ["The food of pandas", "They eat almost nothing but bamboo, and they spend most of the\nday with it."]


def test_marks_without_words_belong_to_a_neighbour() -> None:
    assert sentences("---\nOne.\n***\nTwo. 🐼\nThree.") == ["---\nOne.\n***", "Two. 🐼", "Three."]
    assert sentences("... !!!") == ["... !!!"]
    assert sentences("  \n ") == [""]
    assert sentences("") == []


def test_abbreviations_are_written_as_they_are_looked_up() -> None:
    lists = (abbreviations.NEVER_LAST, abbreviations.BEFORE_NUMBERS, abbreviations.OFTEN_LAST, abbreviations.AMBIGUOUS)
    for words in lists:
        assert all(word == word.lower() or word == word.upper() for word in words)
        assert not any(word.endswith(".") for word in words)
    assert len(frozenset().union(*lists)) == sum(map(len, lists))


@pytest.mark.parametrize("piece", ["a. ", ". (", "“", '"', '。"中', "! ", "x\n", "\n", " ", "- \n", "a.", "т. ", "[1]", "1. "])
def test_time_grows_with_the_text_whatever_it_is(piece: str) -> None:
    def seconds(length: int) -> float:
        text = piece * (length // len(piece))
        began = time.process_time()
        sentence_spans(text)
        return time.process_time() - began

    seconds(1_000)
    short, long = min(seconds(4_000) for _ in range(3)), seconds(40_000)
    assert long < 40 * short + 0.05
