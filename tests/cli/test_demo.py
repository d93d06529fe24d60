"""`adjudge demo`: real values, an honest account of them, and a picture that fits every terminal."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console
from typer.testing import CliRunner

from adjudge import Reranker
from adjudge.cli.demo import demo
from adjudge.cli.demo_run import Demo, DemoPassage, Verdict, load_cases, places, run_demo, verdict
from adjudge.cli.demo_table import VERDICTS, show_demo
from adjudge.errors import BackendUnavailableError, ModelNotFoundError
from adjudge.retrieval.dense import Embedder
from tests.cli.printed import figures
from tests.source import ROOT

PANDA = {"大熊猫的栖息地在哪里？", "Where do giant pandas live?", "¿Dónde viven los pandas gigantes?"}
ASKED = {"苹果公司最新发布的手机有哪些功能？", "如何缓解咖啡因引起的失眠？", "特斯拉FSD V12.5版本是否支持无图导航？"}
STEP = 0.05
"""Scores of one pair in different batches, in int8: the same up to rounding."""


@pytest.fixture(scope="module")
def found() -> Demo:
    return run_demo("embedded", {})


def picture(shown: Demo, width: int, **settings: Any) -> str:
    console = Console(file=io.StringIO(), width=width, **settings)
    show_demo(shown, console)
    return console.file.getvalue()


def command(*arguments: str) -> Mapping[str, Any]:
    app = typer.Typer()
    app.command()(demo)
    return json.loads(CliRunner().invoke(app, [*arguments, "--json"], catch_exceptions=False).stdout)


def test_the_cases_are_all_there() -> None:
    cases = load_cases()
    questions = [question for case in cases for question in case.questions]
    assert {question.lang for question in questions} == {"zh", "en", "es", "fr", "ru"}
    assert {question.text for question in questions} >= PANDA | ASKED
    assert len({case.id for case in cases}) == len(cases)
    for case in cases:
        assert {passage.answers for passage in case.passages} == {True, False}
        assert len({passage.text for passage in case.passages}) == len(case.passages)
        assert len(case.questions) == 1 or all(passage.label for passage in case.passages)


def test_values_are_those_of_the_two_models(found: Demo) -> None:
    with Reranker() as judge, Embedder() as embedder:
        for outcome in found.outcomes:
            texts = [reading.passage.text for reading in outcome.readings]
            scores = judge.score([(outcome.question.text, text) for text in texts])
            cosines = embedder.embed(texts, kind="document") @ embedder.embed([outcome.question.text], kind="query")[0]
            assert np.abs(np.subtract(scores, [r.score for r in outcome.readings])).max() <= STEP
            assert np.abs(cosines - [r.similarity for r in outcome.readings]).max() <= 0.01


def test_places_follow_the_values(found: Demo) -> None:
    for outcome in found.outcomes:
        assert [r.before for r in outcome.readings] == places([r.similarity for r in outcome.readings])
        assert [r.after for r in outcome.readings] == places([r.logit for r in outcome.readings])
        passages = [r.passage for r in outcome.readings]
        assert outcome.vectors == verdict(passages, [r.before for r in outcome.readings])
        assert outcome.judge == verdict(passages, [r.after for r in outcome.readings])


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=8))
@settings(deadline=None)
def test_places_are_a_permutation_in_order(values: list[float]) -> None:
    found = places(values)
    assert sorted(found) == list(range(1, len(values) + 1))
    ordered = [value for _, value in sorted(zip(found, values, strict=True))]
    assert ordered == sorted(values, reverse=True)


@pytest.mark.parametrize(
    ("answers", "ranks", "expected"),
    [
        ([True, False], [1, 2], Verdict(first=True, all_above=True)),
        ([True, False], [2, 1], Verdict(first=False, all_above=False)),
        ([True, False, True], [1, 2, 3], Verdict(first=True, all_above=False)),
        ([True, False, True], [2, 3, 1], Verdict(first=True, all_above=True)),
        ([False, True, True], [1, 2, 3], Verdict(first=False, all_above=False)),
    ],
)
def test_a_verdict_says_what_happened(answers: list[bool], ranks: list[int], expected: Verdict) -> None:
    passages = [DemoPassage(lang="en", text=str(i), answers=yes) for i, yes in enumerate(answers)]
    assert verdict(passages, ranks) == expected


@pytest.mark.parametrize("width", [40, 50, 60, 80, 100, 120, 200])
def test_nothing_is_wider_than_the_terminal(found: Demo, width: int) -> None:
    lines = picture(found, width).splitlines()
    assert max(cell_len(line) for line in lines) <= min(width, 120)


@pytest.mark.parametrize("width", [80, 120])
def test_every_text_is_shown_whole(found: Demo, width: int) -> None:
    shown = "".join(picture(found, width).split())
    for case in load_cases():
        assert all("".join(question.text.split()) in shown for question in case.questions)
    assert "…" not in shown
    for case in load_cases():
        for passage in case.passages:
            assert "".join(passage.text.split()[-1:]) in shown


def test_no_figure_and_no_title_is_cut_at_any_width(found: Demo) -> None:
    wide = figures(picture(found, 120))
    for width in range(40, 81):
        shown = picture(found, width)
        assert not wide - figures(shown), width
        assert all(title in shown.split() for title in ("load", "tokenise", "forward", "total")), width
        assert "…" not in shown, width


def test_a_pipe_gets_no_escape_codes_and_no_color_means_none(found: Demo) -> None:
    assert "\x1b" not in picture(found, 80)
    plain = picture(found, 80, force_terminal=True, color_system="truecolor", no_color=True)
    assert not re.search(r"\x1b\[[0-9;]*(3[0-7]|9[0-7]|4[0-8]|38|48)[;m]", plain)
    coloured = picture(found, 80, force_terminal=True, color_system="truecolor", no_color=False)
    assert "48;2;5;115;74" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == picture(found, 80)


@pytest.mark.parametrize("vectors", [True, False])
@pytest.mark.parametrize("judge", [True, False])
def test_the_picture_tells_every_outcome(found: Demo, vectors: bool, judge: bool) -> None:
    said = {True: Verdict(first=True, all_above=True), False: Verdict(first=False, all_above=False)}
    cases = tuple((case, tuple(replace(o, vectors=said[vectors], judge=said[judge]) for o in outcomes)) for case, outcomes in found.cases)
    shown = picture(replace(found, cases=cases), 100)
    marks = {True: "✓", False: "✗"}
    total = len(found.outcomes)
    assert shown.count(f"vectors {marks[vectors]}  judge {marks[judge]}  {VERDICTS[vectors, judge]}") == sum(len(o) == 1 for _, o in cases)
    assert re.search(rf"an answer comes first +{total * vectors} +{total * judge}\n", re.sub(r" +\n", "\n", shown))
    assert f"Vectors {3 * vectors} of 3, judge {3 * judge} of 3." in shown


def test_counts_are_counted(found: Demo) -> None:
    first = sum(o.vectors.first for o in found.outcomes), sum(o.judge.first for o in found.outcomes)
    above = sum(o.vectors.all_above for o in found.outcomes), sum(o.judge.all_above for o in found.outcomes)
    shown = re.sub(r" +\n", "\n", picture(found, 100))
    assert re.search(rf"of {len(found.outcomes)} questions +vectors +judge\n", shown)
    assert re.search(rf"an answer comes first +{first[0]} +{first[1]}\n", shown)
    assert re.search(rf"every answer above the rest +{above[0]} +{above[1]}\n", shown)


def test_steps_are_measured(found: Demo) -> None:
    for step in (found.vectors_step, found.judge_step):
        assert 0 < step.tokenise_ms < step.total_ms
        assert 0 < step.forward_ms < step.total_ms
        assert 0 < step.load_ms < step.total_ms
    assert max(found.vectors_step.load_ms, found.judge_step.load_ms) < found.total_ms


def test_json_holds_everything(found: Demo) -> None:
    record = command()
    assert record["counts"]["questions"] == len(found.outcomes)
    assert [case["id"] for case in record["cases"]] == [case.id for case in load_cases()]
    outcomes = [outcome for case in record["cases"] for outcome in case["outcomes"]]
    for name in ("vectors", "judge"):
        assert record["counts"][name] == {key: sum(o[name][key] for o in outcomes) for key in ("first", "all_above")}
    reading = outcomes[0]["readings"][0]
    assert set(reading) == {"passage", "similarity", "before", "score", "logit", "after"}
    assert record["judge_step"]["total_ms"] > 0


def test_options_choose_the_judge() -> None:
    record = command("--backend", "openvino", "--precision", "f32")
    assert record["judge"]["traits"]["precision"] == "f32"
    assert record["judge"]["traits"]["backend"] == "openvino"
    assert record["vectors"]["traits"]["precision"] == "int8"


@pytest.mark.parametrize(
    ("arguments", "error"),
    [(["--model", ""], ModelNotFoundError), (["--backend", "openvino", "--precision", "f16"], BackendUnavailableError)],
)
def test_mistakes_are_typed_errors(arguments: list[str], error: type[Exception]) -> None:
    with pytest.raises(error):
        command(*arguments)


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_what_the_readme_shows_is_what_the_demo_prints(found: Demo, name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    captured = re.search(r"^```console\n\$ adjudge demo\n(.+?)^```$", text, re.MULTILINE | re.DOTALL)
    assert captured is not None
    lines = captured[1].splitlines()
    forms = {shape(line): line for line in picture(found, 80).splitlines()}
    for line in lines:
        if line != "[...]":
            assert shape(line) in forms
            printed = forms[shape(line)]
            assert numbers(line, FRACTION) == pytest.approx(numbers(printed, FRACTION), abs=STEP)
            assert numbers(line, COUNT) == pytest.approx(numbers(printed, COUNT), abs=2)  # near ties turn on other processors
    assert len(lines) > 20


FRACTION, COUNT = r"\d\.\d{3}", r"\b\d+(?= *\d*$)"


def shape(line: str) -> str:
    """The line without what differs a little between processors: fractions, bars, counts, what runs the models."""
    bare = re.sub(r"[█▉▊▋▌▍▎▏]+| on \w+, [\w:]+, \w+$", " ", line.rstrip())
    return " ".join(re.sub(f"{FRACTION}|{COUNT}", " ", bare).split())


def numbers(line: str, kind: str) -> list[float]:
    """The fractions of a line, or the whole numbers at its end."""
    return [float(value) for value in re.findall(kind, line.rstrip())]
