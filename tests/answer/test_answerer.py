"""From a ranking to an answer: written and checked, quoted, or not to be had, and nobody asked in vain."""

from __future__ import annotations

import asyncio
from dataclasses import asdict

import pytest

from adjudge import Ranking, Reranker
from adjudge.answer import NO_ANSWER, AnswerConfig, Answerer, EndpointConfig
from adjudge.errors import BrokenStreamError, ClosedError, ConfigError, EndpointTimeoutError
from tests.answer.conftest import QUERY
from tests.answer.server import MODEL, LanguageServer, Script, event, pieces_of


def answerer(server: LanguageServer, config: AnswerConfig | None = None, **settings: float) -> Answerer:
    return Answerer(EndpointConfig(base_url=server.url, model="m", **settings), config)  # type: ignore[arg-type]


def test_a_written_answer(server: LanguageServer, ranking: Ranking) -> None:
    with answerer(server) as one:
        answer = one.answer(ranking)
    assert (answer.kind, answer.answered, answer.model, answer.query) == ("generated", True, MODEL, QUERY)
    assert answer.text.endswith(" [1]")
    assert [s.number for s in answer.cited] == [1]
    assert (answer.warnings, answer.uncited) == ((), ())
    assert answer.usage["completion_tokens"] > 0
    assert 0 < answer.timings["first_piece"] < answer.timings["total"]
    assert answer.sources[0].text in server.asked[0].user
    assert asdict(answer)["sources"][0]["number"] == 1


def test_pieces_are_the_text(server: LanguageServer, ranking: Ranking) -> None:
    server.script = Script(chunks=pieces_of("\n\n Bamboo [1], \n and fruit [2]."))
    with answerer(server) as one:
        stream = one.stream(ranking)
        with pytest.raises(ConfigError, match="not complete"):
            _ = stream.answer
        pieces = list(stream)
    assert len(pieces) > 3
    assert "".join(pieces) == stream.answer.text == "Bamboo [1], \n and fruit [2]."
    assert list(stream) == [], "an answer is read once"
    assert stream.answer.text == "Bamboo [1], \n and fruit [2].", "and kept"


def test_in_the_event_loop(server: LanguageServer, ranking: Ranking) -> None:
    with answerer(server) as one:
        assert asyncio.run(one.aanswer(ranking)).text == one.answer(ranking).text


def test_citations_are_checked(server: LanguageServer, ranking: Ranking) -> None:
    server.script = Script(chunks=pieces_of("Bamboo [1]. Fish [7]. They sleep a lot."))
    with answerer(server) as one:
        answer = one.answer(ranking)
    assert [(c.number, c.known) for c in answer.citations] == [(1, True), (7, False)]
    assert "cites [7], and there were only 2 sources" in answer.warnings[0]
    assert answer.uncited == ("They sleep a lot.",)
    server.script = Script(chunks=pieces_of("Bamboo."))
    with answerer(server) as one:
        assert "names none of its sources" in one.answer(ranking).warnings[0]


def test_where_nothing_was_kept_nobody_is_asked(server: LanguageServer, nothing: Ranking) -> None:
    with answerer(server) as one:
        answer = one.answer(nothing)
    assert server.asked == []
    assert (answer.kind, answer.text, answer.answered, answer.model, answer.sources) == ("none", NO_ANSWER, False, "", ())
    assert answer.why.startswith("none of 3 judged documents passes absolute:0.9 (cut-off 0.900); the best scores 0.")


def test_why_there_is_nothing(word_judge: Reranker) -> None:
    with Answerer() as one:
        assert one.answer(word_judge.rank("q", [])).why == "no document was found"
        assert one.answer(word_judge.rank("q", ["", " "])).why == "all 2 documents that were found hold no text"
        assert one.answer(word_judge.rank("q", ["d"], threshold=0.99)).why.startswith("the only document that was judged does not pass")


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("NOT_IN_SOURCES", NO_ANSWER),
        (" \n**NOT_IN_SOURCES**.\n", NO_ANSWER),
        ('"NOT_IN_SOURCES" Nothing is said of towers.', "Nothing is said of towers."),
    ],
)
def test_the_model_finds_no_answer(server: LanguageServer, ranking: Ranking, written: str, text: str) -> None:
    whole = [event(written), event(finish_reason="stop")]
    single = [*(event(letter) for letter in written), event(finish_reason="stop")]
    for chunks in (whole, single):
        server.script = Script(chunks=chunks)
        with answerer(server) as one:
            stream = one.stream(ranking)
            pieces = "".join(stream)
        assert (stream.answer.kind, stream.answer.text, pieces) == ("none", text, text)
        assert stream.answer.why == "the language model found no answer in the 2 sources"
        assert len(stream.answer.sources) == 2


@pytest.mark.parametrize("text", ["NOT all [1].", "NO", "N", "Not_in_sources is a word [1]."])
def test_what_only_begins_alike_is_text(server: LanguageServer, ranking: Ranking, text: str) -> None:
    server.script = Script(chunks=[*(event(letter) for letter in text), event(finish_reason="stop")])
    with answerer(server) as one:
        answer = one.answer(ranking)
    assert (answer.kind, answer.text) == ("generated", text)


def test_an_answer_that_was_cut_is_told(server: LanguageServer, ranking: Ranking) -> None:
    server.script = Script(chunks=pieces_of("Bamboo [1] and", finish="length"))
    with answerer(server) as one:
        assert "is cut" in one.answer(ranking).warnings[0]


@pytest.mark.parametrize("finish", ["stop", "length"])
def test_an_empty_answer_is_none(server: LanguageServer, ranking: Ranking, finish: str) -> None:
    server.script = Script(chunks=[event(" "), event(finish_reason=finish)])
    with answerer(server) as one, pytest.raises(BrokenStreamError, match="wrote nothing"):
        one.answer(ranking)


def test_what_had_come_is_in_the_error(server: LanguageServer, ranking: Ranking) -> None:
    server.script = Script(chunks=[event("Bamboo "), event("[1]")], silent_from=1)
    with answerer(server, timeout_s=0.3) as one:
        stream = one.stream(ranking)
        given: list[str] = []
        with pytest.raises(EndpointTimeoutError) as error:
            given.extend(stream)
        assert "".join(given) == error.value.partial == "Bamboo "
        with pytest.raises(ConfigError, match="not complete"):
            _ = stream.answer
        server.script = None
        assert one.answer(ranking).kind == "generated", "the next question is another request"


def test_a_stream_that_is_closed_ends_the_request(server: LanguageServer, ranking: Ranking) -> None:
    server.script = Script(chunks=[event("a")], endless=event("b") * 500, pause_s=0.001)
    with answerer(server) as one:
        stream = one.stream(ranking)
        next(iter(stream))
        stream.close()
        assert server.left.wait(30)


def test_sources_that_do_not_fit_are_told(server: LanguageServer, ranking: Ranking) -> None:
    with answerer(server, AnswerConfig(max_characters=1, instructions="Be short.")) as one:
        answer = one.answer(ranking)
    assert len(answer.sources) == 1
    assert "did not fit" in answer.warnings[0]
    assert "Be short." in server.asked[0].system


def test_without_an_endpoint_sentences_are_quoted(ranking: Ranking) -> None:
    with Answerer() as one:
        answer = one.answer(ranking)
    assert (answer.kind, answer.model, dict(answer.usage)) == ("extractive", "", {})
    assert "Giant pandas eat almost nothing but bamboo." in answer.text
    assert [c.known for c in answer.citations] == [True] * len(answer.citations)
    assert {q.source for q in answer.quotes} <= {s.number for s in answer.sources}


def test_after_close() -> None:
    one = Answerer()
    one.close()
    one.close()
    with pytest.raises(ClosedError):
        one.stream(Ranking(query="q", results=()))
