"""From a ranking to an answer: written and checked, quoted, or not to be had, and nobody asked in vain."""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import asdict
from pathlib import Path

import pytest

from adjudge import Ranking, Reranker
from adjudge.answer import NO_ANSWER, AnswerConfig, Answerer, AnswerStream, EndpointConfig
from adjudge.errors import AdjudgeError, BrokenStreamError, ClosedError, ConfigError, EndpointTimeoutError
from tests.answer.conftest import DOCUMENTS, QUERY
from tests.answer.server import MODEL, LanguageServer, Script, event, pieces_of
from tests.engine.stand_ins import Gate, give_up, judge_with, model_of

WHOLE = b'{"choices": [{"message": {"content": "All [1]."}, "finish_reason": "stop"}]}'


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


def test_sentences_that_a_cancelled_answer_has_left_are_not_judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = model_of("xlm-roberta", tmp_path)
    backend = Gate(words)
    backend.open.set()
    with judge_with(monkeypatch, words, lambda _: backend, max_batch_pairs=1) as judge, Answerer() as one:
        ranking = judge.rank(QUERY, DOCUMENTS)
        ranked = len(backend.shapes)
        one.answer(ranking)
        whole = len(backend.shapes) - ranked
        backend.begun.clear()
        backend.open.clear()
        asyncio.run(give_up(one.aanswer(ranking), backend))
    assert 1 <= len(backend.shapes) - ranked - whole < whole


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


def test_a_cancelled_answer_ends_the_request(server: LanguageServer, ranking: Ranking) -> None:
    server.script = Script(chunks=[event("a")], endless=event("b") * 500, pause_s=0.001)

    async def give_up_waiting(one: Answerer) -> None:
        task = asyncio.create_task(one.aanswer(ranking))
        while not server.asked:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await asyncio.to_thread(server.left.wait, 30), "no more tokens are spent"

    with answerer(server) as one:
        asyncio.run(give_up_waiting(one))
        server.script = None
        assert one.answer(ranking).kind == "generated"


class Reading:
    """A thread that reads a stream: the pieces that it `had`, and the `error` that ended it."""

    def __init__(self, stream: AnswerStream) -> None:
        self.had: list[str] = []
        self.error: AdjudgeError | None = None
        self.begun = threading.Event()
        self._stream = stream
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        try:
            for piece in self._stream:
                self.had.append(piece)
                self.begun.set()
        except AdjudgeError as exc:
            self.error = exc

    def waits_for_more(self) -> bool:
        """Whether the first piece came, in good time; by now it waits for the next."""
        began = self.begun.wait(30)
        time.sleep(0.2)
        return began

    def ended(self, within_s: float = 20) -> bool:
        """Whether it did not wait on."""
        self._thread.join(within_s)
        return not self._thread.is_alive()


def test_a_stream_may_be_closed_while_another_thread_waits_for_the_next_piece(server: LanguageServer, ranking: Ranking) -> None:
    server.script = Script(chunks=[event("a"), event("b")], silent_from=1)
    with answerer(server) as one:
        stream = one.stream(ranking)
        reading = Reading(stream)
        assert reading.waits_for_more()
        stream.close()
        assert reading.ended()
        assert (reading.had, reading.error) == (["a"], None)
        with pytest.raises(ConfigError, match="not complete"):
            _ = stream.answer
        stream.close()
        server.script = None
        assert one.answer(ranking).kind == "generated", "the next question is another request"


def test_a_stream_may_be_closed_while_another_thread_waits_through_comments(server: LanguageServer, ranking: Ranking) -> None:
    server.script = Script(chunks=[event("a")], endless=b": still here\n\n", pause_s=0.01)
    with answerer(server) as one:
        stream = one.stream(ranking)
        reading = Reading(stream)
        assert reading.waits_for_more()
        stream.close()
        assert server.left.wait(30), "no more tokens are spent"
        assert reading.ended()
    assert (reading.had, reading.error) == (["a"], None)


def test_a_stream_that_is_closed_before_its_answer_begins_ends_when_it_does(server: LanguageServer, ranking: Ranking) -> None:
    server.script = Script(chunks=[event("a")], endless=event("b") * 500, pause_s=0.001, late_s=0.5)
    with answerer(server) as one:
        stream = one.stream(ranking)
        reading = Reading(stream)
        while not server.asked:
            time.sleep(0.01)
        stream.close()
        assert server.left.wait(30)
        assert reading.ended()
    assert (reading.had, reading.error) == ([], None)


def test_a_stream_that_is_closed_between_two_pieces_gives_no_more(server: LanguageServer, ranking: Ranking) -> None:
    with answerer(server) as one:
        stream = one.stream(ranking)
        pieces = iter(stream)
        next(pieces)
        stream.close()
        assert list(pieces) == []


def test_who_stops_reading_ends_the_request(server: LanguageServer, ranking: Ranking) -> None:
    server.script = Script(chunks=[event("a")], endless=event("b") * 500, pause_s=0.001)
    with answerer(server) as one:
        stream = one.stream(ranking)
        for _ in stream:
            break
        assert server.left.wait(30)
        assert list(stream) == []


def test_to_close_a_stream_ends_no_other_request_on_the_same_connection(server: LanguageServer, ranking: Ranking) -> None:
    server.script = Script(body=WHOLE, kind="application/json")
    with answerer(server) as one:
        first, second = one.stream(ranking), one.stream(ranking)
        whole = iter(first)
        assert next(whole) == "All [1]."  # and the connection is free
        server.script = Script(chunks=pieces_of("a b [1]."), pause_s=0.1)
        pieces = iter(second)
        text = next(pieces)
        first.close()
        assert text + "".join(pieces) == "a b [1]."


def test_closing_after_the_end_keeps_the_answer_and_the_connection(server: LanguageServer, ranking: Ranking) -> None:
    with answerer(server) as one:
        stream = one.stream(ranking)
        text = "".join(stream)
        stream.close()
        assert stream.answer.text == text
        assert one.answer(ranking).text == text


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
