"""`adjudge rank --explain`: its number, its picture, and its lines for programs."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from adjudge import Document, Reranker
from adjudge.cli.explain_option import ExplainingCommand, numbered
from adjudge.cli.explain_view import EffectBar
from adjudge.cli.main import app
from adjudge.cli.ranking_table import show_ranking
from adjudge.types import Explanation, Passage, Ranked, Ranking, Sentence
from tests.cli.conftest import Run
from tests.tiny_models import Tiny

QUERY = "What do giant pandas eat?"
PANDA = "Pandas live in China. Giant pandas eat bamboo! 12345."
BREAD = "Bread is baked."


@pytest.fixture(scope="module")
def judge(tiny_folder: Callable[[Tiny], Path]) -> Reranker:
    return Reranker(tiny_folder(Tiny(family="roberta")), backend="fake")


def picture(judge: Reranker, ranking: Ranking, explanations: Sequence[Explanation], **settings: Any) -> list[str]:
    written: io.StringIO = settings.pop("file", io.StringIO())
    console = Console(**{"file": written, "width": 80, **settings})
    show_ranking(console, ranking, [""] * 20, judge, explanations=explanations, quiet=True)
    lines = written.getvalue().splitlines()
    return lines[lines.index("") + 1 :]


def made(effects: Sequence[float], *, text: str = "", score_type: Any = "sigmoid", **changes: Any) -> tuple[Ranking, list[Explanation]]:
    """A ranking of one document, "Sentence 0. Sentence 1. ...", with an explanation of these effects."""
    texts = [f"Sentence {i}." for i in range(len(effects))]
    passage = text if text else " ".join(texts)
    document = Document("x" * 1000 + passage + "x" * 2000, id="long.txt")
    part = Passage(passage, 1000, 1000 + len(passage))
    sentences = tuple(
        Sentence(text=text, start=0, end=1, score_without=0.25, logit_without=2.0 - effect, effect=effect)
        for text, effect in zip(texts, effects, strict=True)
    )
    explanation = Explanation(
        query="q", index=0, passage=part, score=0.75, logit=2.0, sentences=sentences, pairs=len(effects) + 1, **changes
    )
    result = Ranked(index=0, document=document, score=0.75, logit=2.0, passage=part, windows=7)
    return Ranking(query="q", results=(result,), score_type=score_type), [explanation]


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        ("", 0),
        ("--explain", 1),
        ("--explain 2", 2),
        ("--explain=2", 2),
        ("--explain 99", 2),
        ("--explain --quiet", 1),
        ("--explain 2 --explain", 1),
        ("--explain --explain 2", 2),
    ],
)
def test_how_many_are_explained(rank: Run, written: str, wanted: int) -> None:
    shown = json.loads(rank(QUERY, PANDA, BREAD, "--json", *written.split()).out)
    assert ["explanation" in result for result in shown["results"]] == [i < wanted for i in range(2)]


def test_the_number_may_be_left_out_before_the_texts(rank: Run, adjudge: Run, fake: tuple[str, ...]) -> None:
    assert len(rank("--explain", QUERY, PANDA).rows) == 4
    assert len(rank(QUERY, "--explain", PANDA).rows) == 4
    ended = adjudge("rank", *fake, QUERY, "--explain", "--", "3", "--explain")
    assert [row[4] for row in ended.rows if row[0]] == ["3", "--explain"]
    assert len(adjudge("rank", *fake, "--", QUERY, "--explain").rows) == 1


@pytest.mark.parametrize("number", ["0", "-1", "-0"])
def test_nothing_to_explain_is_a_mistake(rank: Run, number: str) -> None:
    ended = rank(QUERY, PANDA, "--explain", number)
    assert (ended.code, ended.out) == (2, "")
    assert "--explain" in ended.err


@pytest.mark.parametrize(
    ("given_as", "read_as"),
    [
        ("q --explain", "q --explain=1"),
        ("q --explain 3 d", "q --explain=3 d"),
        ("q --explain -7", "q --explain=-7"),
        ("q --explain +2", "q --explain=+2"),
        ("q --explain 3.5", "q --explain=1 3.5"),
        ("q --explain 3 4", "q --explain=3 4"),
        ("q --explain -n 5", "q --explain=1 -n 5"),
        ("q --explain=2 3", "q --explain=2 3"),
        ("q --explain -- 3 --explain", "q --explain=1 -- 3 --explain"),
        ("q --explain --explain", "q --explain=1 --explain=1"),
        ("q 3 --explained", "q 3 --explained"),
        ("", ""),
    ],
)
def test_only_the_option_and_its_number_are_touched(given_as: str, read_as: str) -> None:
    assert list(numbered(given_as.split())) == read_as.split()


def test_the_command_is_the_one_that_reads_it() -> None:
    import typer

    assert isinstance(typer.main.get_command(app).commands["rank"], ExplainingCommand)  # type: ignore[attr-defined]


def test_json_holds_all_of_the_explanation(rank: Run, judge: Reranker) -> None:
    shown = json.loads(rank(QUERY, PANDA, BREAD, "--json", "--explain").out)["results"][0]
    expected = judge.rank(QUERY, [PANDA, BREAD]).explain(0)
    found = shown["explanation"]
    assert set(found) == {"score", "logit", "sentences", "aspects", "pairs", "milliseconds"}
    assert (found["score"], found["logit"], found["pairs"]) == (expected.score, expected.logit, 4)
    assert [(s["text"], s["start"], s["end"], s["effect"], s["logit_without"], s["count"]) for s in found["sentences"]] == [
        (s.text, s.start, s.end, s.effect, s.logit_without, 1) for s in expected.sentences
    ]


def test_json_lines_hold_it_too(rank: Run) -> None:
    first, second = (json.loads(line) for line in rank(QUERY, BREAD, PANDA, "--jsonl", "--explain").lines)
    assert [s["text"] for s in first["explanation"]["sentences"]] == ["Pandas live in China.", "Giant pandas eat bamboo!", "12345."]
    assert "explanation" not in second


def test_lines_for_a_pipe(rank: Run) -> None:
    rows = rank(QUERY, BREAD, PANDA, "--explain", "2").rows
    assert [(row[0], len(row)) for row in rows] == [("1", 5), ("", 5), ("", 5), ("", 5), ("2", 5)]
    assert [PANDA[int(row[2]) : int(row[3])] for row in rows[1:4]] == [row[4] for row in rows[1:4]]
    assert all(row[1][0] in "+-" for row in rows[1:4])


def test_nothing_ranked_nothing_explained(rank: Run) -> None:
    ended = rank(QUERY, PANDA, "--top-n", "0", "--explain")
    assert (ended.code, ended.out) == (0, "")


def test_the_picture(judge: Reranker) -> None:
    ranking, explanations = made([0.5, 2.0, -1.0, 0.01], aspects={"coverage": 0.9315}, milliseconds=12.3)
    lines = [line.rstrip() for line in picture(judge, ranking, explanations)]
    assert lines == [
        "1  long.txt  score 0.750",
        "   characters 1,000 to 1,047 of 3,047, the window that decided of 7",
        "   effect            without  sentence",
        "    +0.50  ██          0.250  … Sentence 0.",
        "    +2.00  ████████    0.250  Sentence 1.",
        "    -1.00  ░░░░        0.250  Sentence 2.",
        "    +0.01              0.250  Sentence 3. …",
        "   coverage 0.931",
        "   4 sentences; 5 pairs judged in 12 ms",
        "",
        "effect: what the logit loses without the sentence",
    ]


def test_small_effects_do_not_fill_their_bars(judge: Reranker) -> None:
    ranking, explanations = made([0.25, 0.125])
    assert [line.count("█") for line in picture(judge, ranking, explanations)[3:5]] == [2, 1]


def test_logits_are_called_logits(judge: Reranker) -> None:
    ranking, explanations = made([1.0, 2.0], score_type="logit")
    lines = picture(judge, ranking, explanations)
    assert lines[0].startswith("1  long.txt  logit 0.75")
    assert "0.25 " in lines[3]


def test_a_passage_that_scores_otherwise_than_its_document(judge: Reranker) -> None:
    ranking, explanations = made([1.0, 2.0])
    text = "\n".join(picture(judge, ranking, [replace(explanations[0], score=0.9)]))
    assert "this passage alone: 0.900" in text


def test_of_many_sentences_the_strongest_are_shown(judge: Reranker) -> None:
    ranking, explanations = made([0.01 * i for i in range(20)] + [3.0, -2.0] + [0.05] * 10)
    lines = [line.strip() for line in picture(judge, ranking, explanations)]
    assert "(20 more sentences, +0.00 to +0.19)" in lines
    assert "(10 more sentences, +0.05 to +0.05)" in lines
    assert sum("Sentence" in line for line in lines) == 2
    assert "32 sentences; 33 pairs judged in 0 ms" in lines


def test_groups_are_counted(judge: Reranker) -> None:
    text = " ".join(f"Panda {i} eats." for i in range(50))
    ranking = judge.rank("panda", [text[:120] + " No."])
    found = [judge.explain("panda", text[:120] + " No.", most=3)]
    lines = picture(judge, ranking, found)
    assert any("sentences, left out in 3 groups; 5 pairs" in line for line in lines)


def test_one_sentence(judge: Reranker) -> None:
    ranking = judge.rank(QUERY, ["Giant pandas eat bamboo."])
    lines = [line.rstrip() for line in picture(judge, ranking, [ranking.explain(0)])]
    assert lines[1] == "   Giant pandas eat bamboo."
    assert lines[2].startswith("   one sentence: nothing to leave out; 1 pair judged in ")
    assert len(lines) == 3


@pytest.mark.parametrize("width", [1, 20, 40, 59, 60, 80, 120])
@pytest.mark.parametrize("effects", [[], [1.0, -1.0], [0.5] * 30])
def test_no_line_is_wider_than_the_terminal(judge: Reranker, width: int, effects: list[float]) -> None:
    ranking, explanations = made(effects, aspects={"coverage": 0.5, "contradiction": 0.25})
    lines = picture(judge, ranking, explanations, width=width)
    assert max(map(cell_len, lines)) <= width


@pytest.mark.parametrize("width", [30, 80])
def test_wide_characters(judge: Reranker, width: int) -> None:
    ranking = judge.rank("熊猫吃竹子", ["大熊猫主要吃竹子，一天要吃十二公斤以上！" * 5 + "👩‍👩‍👧好。"])
    lines = picture(judge, ranking, [ranking.explain(0)], width=width)
    assert max(map(cell_len, lines)) <= width


def test_colours_weigh_the_sentences(judge: Reranker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    ranking, explanations = made([3.0, 2.0, 0.6, 0.1, -2.0])
    coloured = "\n".join(picture(judge, ranking, explanations, force_terminal=True, color_system="standard"))
    for style, number in (("1;32", 0), ("32", 1), ("2", 3), ("31", 4)):
        assert f"\x1b[{style}m{'… ' if number == 0 else ''}Sentence {number}." in coloured
    assert "  Sentence 2." in coloured
    monkeypatch.setenv("NO_COLOR", "1")
    plain = "\n".join(picture(judge, ranking, explanations, force_terminal=True))
    assert "\x1b[3" not in plain
    assert "\x1b[1m… Sentence 0." in plain


def test_the_questions_words_are_underlined(judge: Reranker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    ranking = judge.rank("Where is China?", [PANDA])
    text = "\n".join(picture(judge, ranking, [ranking.explain(0)], force_terminal=True))
    assert "China\x1b[0m" in text
    assert "\x1b[4mChina" in text or "\x1b[1;4mChina" in text


def test_an_output_without_these_characters_gets_others(judge: Reranker) -> None:
    class Ascii(io.StringIO):
        encoding = "ascii"

    ranking, explanations = made([2.0, -1.0, 0.5])
    lines = picture(judge, ranking, explanations, file=Ascii())
    "\n".join(lines).encode("ascii")
    assert ["++++++++" in lines[3], "----" in lines[4], "... Sentence 0." in lines[3]] == [True, True, True]


def test_texts_cannot_write_to_the_terminal_or_in_markup(judge: Reranker) -> None:
    ranking = judge.rank(QUERY, [Document("[bold]Pandas[/bold] eat. \x1b[31mRed\u202e.", id="[red]x\x1b")])
    text = "\n".join(picture(judge, ranking, [ranking.explain(0)]))
    assert "\x1b" not in text
    assert "[bold]Pandas[/bold] eat." in text


@given(st.floats(-3, 3), st.booleans())
def test_a_bar_has_its_width(share: float, plain: bool) -> None:
    text = EffectBar(share).text(plain=plain)
    assert len(text) == 8
    assert text.isascii() or not plain
