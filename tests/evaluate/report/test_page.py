"""The page as a whole: what it says first, that it asks nothing of anybody, and that it can be made of any evaluation."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from adjudge.errors import InputError
from adjudge.evaluate.report import render_report, write_report
from adjudge.evaluate.report.facts import meaning
from adjudge.evaluate.report.opening import date, lead
from adjudge.evaluate.report.page import POLICY
from adjudge.evaluate.result import Estimate, Evaluation, Problem, Verdict, from_json, to_json
from tests.evaluate.report.sample import HOSTILE, LOSSES, MEASURES, Shape, evaluation

SEVERAL = (("embedded", 0.16, 41.0), ("deep", 0.19, 860.0), ("worse", -0.1, 90.0))
PROBLEMS = (Problem(kind="duplicate_document", count=3, message="documents share an id", examples=("d-9", HOSTILE)),)


class Page(HTMLParser):
    """Every element with its attributes, every text, and what does not balance."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.wrong: list[str] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(text)
        self.close()
        self.wrong += self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag != "meta":
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            self.wrong.append(tag)

    def handle_data(self, data: str) -> None:
        if self._open[-1:] != ["style"]:
            self.text += data

    def ids(self) -> list[str]:
        return [attributes["id"] or "" for _, attributes in self.elements if "id" in attributes]

    def tags(self) -> set[str]:
        return {name for name, _ in self.elements}


EVERYTHING = Shape(rerankers=SEVERAL, losses=LOSSES, problems=PROBLEMS, warnings=("Look out.",))

SHAPES = {
    "everything": EVERYTHING,
    "one reranker": Shape(),
    "nothing reranked": Shape(rerankers=()),
    "nothing timed": Shape(timed=False),
    "nothing scored": Shape(scored=False),
    "logits": Shape(probabilities=False),
    "one query": Shape(queries=1, languages=("en",)),
    "one language": Shape(languages=("en",)),
}


@pytest.fixture(scope="module")
def everything() -> Evaluation:
    return evaluation(EVERYTHING)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())
def test_a_page_of_any_evaluation(shape: Shape) -> None:
    made = evaluation(shape)
    page = Page(render_report(made))
    assert page.wrong == []
    assert len(page.ids()) == len(set(page.ids()))
    links = [attributes["href"] or "" for name, attributes in page.elements if name == "a"]
    assert {link.removeprefix("#") for link in links} <= set(page.ids())
    assert "nan" not in re.findall(r"\w+", page.text.lower())
    assert "None" not in re.findall(r"\w+", page.text)
    assert made.data.name in page.text


def test_the_verdict_is_the_first_thing_said(everything: Evaluation) -> None:
    page = Page(render_report(everything))
    names = [name for name, _ in page.elements]
    assert names.index("h1") < names.index("nav") < names.index("h2") < names.index("table")
    before = page.text[: page.text.index("Gain")]
    assert "Reranking helps here: nDCG@10" in re.sub(r"\s+", " ", before)
    assert "title" in names


def test_what_a_page_of_everything_holds(everything: Evaluation) -> None:
    page = Page(render_report(everything))
    assert page.ids() == ["gain", "results", "tradeoff", "cost", "queries", "languages", "scores", "losses", "data", "method"]
    said = [attributes.get("aria-label") or "" for name, attributes in page.elements if name == "svg"]
    for start in (
        "Change in nDCG@10",
        "nDCG@10 against time",
        "embedded: ",
        "nDCG@10 in each",
        "Scores of",
        "Reliability of",
        "Cut-offs of",
    ):
        assert any(label.startswith(start) for label in said), start
    for system in everything.systems:
        assert system.name in page.text
        for estimate in system.means.values():
            assert f"{estimate.mean:.3f}" in page.text
    for loss in everything.comparisons[0].worst_losses:
        assert loss.text in page.text
        assert all(document.text in page.text for document in (*loss.top_before, *loss.top_after))
    for name in MEASURES:
        assert meaning(name) in page.text


@pytest.mark.parametrize(
    ("shape", "missing"),
    [
        ("nothing reranked", {"gain", "tradeoff", "queries", "scores", "losses"}),
        ("nothing timed", {"tradeoff", "cost", "losses"}),
        ("nothing scored", {"scores", "losses"}),
        ("one language", {"languages", "losses"}),
    ],
)
def test_what_there_is_no_data_for_is_left_out(shape: str, missing: set[str]) -> None:
    every = {"gain", "results", "tradeoff", "cost", "queries", "languages", "scores", "losses", "data", "method"}
    assert every - set(Page(render_report(evaluation(SHAPES[shape]))).ids()) == missing


def test_scores_that_are_no_probabilities_have_no_reliability_diagram() -> None:
    page = Page(render_report(evaluation(SHAPES["logits"])))
    assert "Cut-offs" in page.text
    assert "eight times in ten" not in page.text


def test_it_asks_nothing_of_any_network_and_runs_nothing(everything: Evaluation) -> None:
    text = render_report(everything)
    page = Page(text)
    assert page.tags().isdisjoint({"script", "link", "img", "iframe", "object", "embed", "form", "input", "base", "video", "audio"})
    for name, attributes in page.elements:
        assert not [key for key in attributes if key.startswith("on") or key in ("src", "srcset", "style", "xlink:href")], name
        assert (attributes.get("href") or "#").startswith("#")
    styles = text[text.index("<style>") : text.index("</style>")]
    assert not re.search(r"url\(|@import|@font-face|https?:", styles)
    assert {"http-equiv": "Content-Security-Policy", "content": POLICY} in [
        attributes for name, attributes in page.elements if name == "meta"
    ]


def hostile() -> Evaluation:
    """Every text that somebody else wrote is an attack."""
    losses = tuple(
        replace(
            loss,
            query=HOSTILE,
            text=HOSTILE,
            language=HOSTILE,
            top_before=tuple(replace(document, id=HOSTILE, text=HOSTILE) for document in loss.top_before),
        )
        for loss in LOSSES
    )
    shape = Shape(
        rerankers=((HOSTILE, 0.1, 40.0), ("other", 0.05, 20.0)),
        languages=(HOSTILE, "en"),
        losses=losses,
        problems=(Problem(kind=HOSTILE, count=1, message=HOSTILE, examples=(HOSTILE,)),),
        warnings=(HOSTILE,),
        name=HOSTILE,
    )
    made = evaluation(shape)
    systems = tuple(replace(s, model=HOSTILE, runtime=HOSTILE, library=HOSTILE, warnings=(HOSTILE,)) for s in made.systems)
    machine = replace(made.machine, processor=HOSTILE, system=HOSTILE, versions={HOSTILE: HOSTILE})
    verdict = Verdict(kind="helps", sentence=f"{HOSTILE}: {HOSTILE}", system=HOSTILE)
    return replace(made, systems=systems, machine=machine, verdict=verdict, created=HOSTILE)


def test_texts_of_others_stay_texts() -> None:
    text = render_report(hostile())
    page = Page(text)
    assert page.wrong == []
    assert "script" not in page.tags()
    assert "<script>alert('x')</script>" in page.text, "it is shown as it was written"
    assert text.count("<style") == text.count("</style>") == 1
    assert "<script" not in text
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]", text)


def broken(made: Evaluation) -> dict[str, Evaluation]:
    first, judge = made.systems
    assert judge.scores is not None
    spread = judge.scores.distribution
    flat = replace(spread, edges=(0.0,) * len(spread.edges))
    negative = (replace(judge.scores.reliability[0], pairs=-1),)
    short = replace(spread, relevant=spread.relevant[1:])
    return {
        "no systems": replace(made, systems=(), comparisons=()),
        "2 values of AP for 300 queries": replace(made, systems=(first, replace(judge, per_query={"AP": (0.1, 0.2)}))),
        "is no system of it": replace(made, systems=(first,)),
        "no rising edges": replace(made, systems=(first, replace(judge, scores=replace(judge.scores, distribution=flat)))),
        "less than no pairs": replace(made, systems=(first, replace(judge, scores=replace(judge.scores, reliability=negative)))),
        "a count for each": replace(made, systems=(first, replace(judge, scores=replace(judge.scores, distribution=short)))),
    }


def test_a_file_with_numbers_that_no_evaluation_has_is_refused() -> None:
    text = to_json(evaluation(Shape(queries=20)))
    least, mean = '"least_gain": 0.01', '"recall_of_candidates": '
    assert least in text
    assert mean in text
    for number in ("1" + "0" * 400, "1e308", "-1e308", "NaN", "Infinity"):
        for wrong in (text.replace(least, f'"least_gain": {number}'), text.replace(mean, f'{mean}{number}, "x": ')):
            with pytest.raises(InputError, match=r"is no whole evaluation \(Evaluation\.(settings|data)\.\w+ is .*, which is no figure"):
                from_json(wrong)


def test_one_is_not_written_as_several() -> None:
    made = evaluation()
    one = replace(made.data, queries=1, documents=1, judgements=1, recall_of_candidates=1.0)
    systems = tuple(replace(system, per_query={name: values[:1] for name, values in system.per_query.items()}) for system in made.systems)
    changes = {name: replace(change, queries=1) for name, change in made.comparisons[0].changes.items()}
    comparisons = tuple(replace(found, changes=changes) for found in made.comparisons)
    settings = replace(made.settings, candidates=1)
    text = Page(
        render_report(replace(made, data=one, settings=settings, systems=systems, queries=made.queries[:1], comparisons=comparisons))
    ).text
    assert "1 judged query, 1 document, 1 judgement; 1 candidate of each query. They hold 100\u00a0% of all relevant documents." in text
    assert "the mean difference over 1 query, its" in text
    assert "The one judged query, sorted" in text
    assert "no reranker can find the others" not in text
    assert "no reranker can find the others" in Page(render_report(made)).text


CONTRADICTIONS = (
    "no systems",
    "2 values of AP for 300 queries",
    "is no system of it",
    "no rising edges",
    "less than no pairs",
    "a count for each",
)


@pytest.mark.parametrize("wrong", CONTRADICTIONS)
def test_an_evaluation_that_contradicts_itself_is_refused(wrong: str) -> None:
    with pytest.raises(InputError, match=wrong):
        render_report(broken(evaluation())[wrong])


def test_a_measure_above_one() -> None:
    """As NumRelRet is."""
    made = evaluation()
    main = made.settings.main
    systems = tuple(
        replace(
            system,
            means={main: Estimate(mean=6.0, low=5.0, high=7.0, queries=300)},
            languages={},
            per_query={main: tuple(6.0 * value for value in system.per_query[main])},
        )
        for system in made.systems
    )
    assert Page(render_report(replace(made, systems=systems))).wrong == []


def test_half_a_character_can_be_written(tmp_path: Path) -> None:
    made = evaluation(Shape(name="half \ud83d of one"))
    assert "half \ufffd of one" in write_report(tmp_path / "r.html", made).read_text(encoding="utf-8")


def test_the_same_evaluation_makes_the_same_page(everything: Evaluation) -> None:
    assert render_report(everything) == render_report(from_json(to_json(everything)))


def test_a_verdict_without_a_colon() -> None:
    assert lead(Verdict(kind="helps", sentence="It helps: a -> b, 3 ms")) == ("It helps:", "a \u2192 b, 3 ms")
    assert lead(Verdict(kind="not_reranked", sentence="None was named; AP 0.3")) == ("None was named;", "AP 0.3")
    assert lead(Verdict(kind="helps", sentence="It helps")) == ("It helps", "")


def test_the_minus_of_a_sentence() -> None:
    sentence = "It hurts: AP 0.4 -> 0.3 (-0.1, 95 % interval -0.2 to -0.05), ms-marco-6"
    assert lead(Verdict(kind="hurts", sentence=sentence))[1] == (
        "AP 0.4 \u2192 0.3 (\u22120.1, 95 % interval \u22120.2 to \u22120.05), ms-marco-6"
    )


def test_dates() -> None:
    assert date("2026-11-02T09:05:00+00:00") == "2 November 2026, 09:05 UTC"
    assert date("2026-11-02T09:05:00+02:00") == "2 November 2026, 07:05 UTC"
    assert date("2026-11-02T09:05:00Z") == "2 November 2026, 09:05 UTC"
    assert date("2026-11-02T09:05:00") == "2 November 2026, 09:05 UTC"
    assert date("yesterday") == "yesterday"


def test_hurting_is_said_too() -> None:
    page = Page(render_report(evaluation(Shape(rerankers=(("bad", -0.1, 40.0),)))))
    assert ("h1", {"data-kind": "hurts"}) in page.elements
    assert "Reranking hurts here:" in page.text
    assert "there is nothing to choose" in page.text


@pytest.mark.parametrize(
    ("measure", "said"),
    [
        ("nDCG@20", "first 20 "),
        ("RR", "first relevant"),
        ("RR(rel=2)@10", "beyond the first 10"),
        ("Success@1", "whose first document"),
        ("Success@5", "first 5."),
        ("R@100", "first 100."),
        ("P@5", "first 5 "),
        ("AP", "averaged over all"),
    ],
)
def test_measures_in_plain_words(measure: str, said: str) -> None:
    assert said in meaning(measure)


def test_a_measure_that_is_not_known_is_not_explained() -> None:
    assert meaning("ERR@20") == ""


def test_a_file_is_replaced_whole_and_its_folder_made(tmp_path: Path) -> None:
    path = tmp_path / "new" / "report.html"
    assert write_report(path, evaluation(Shape(rerankers=()))) == path
    first = path.read_text(encoding="utf-8")
    write_report(path, evaluation())
    assert path.read_text(encoding="utf-8") != first
    assert [one.name for one in path.parent.iterdir()] == ["report.html"]


def test_where_no_page_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match=r"file/r\.html cannot be written: "):
        write_report(tmp_path / "file" / "r.html", evaluation(Shape(rerankers=())))
    (tmp_path / "r.html").mkdir()
    with pytest.raises(InputError, match=r"r\.html cannot be written: "):
        write_report(tmp_path / "r.html", evaluation(Shape(rerankers=())))
