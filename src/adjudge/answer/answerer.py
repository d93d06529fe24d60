"""Answerer: from a ranking to an answer that names its sources, with a language model or without one."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from types import TracebackType
from typing import Self

from ..engine.calls import on_a_thread
from ..errors import ClosedError, ConfigError, EndpointError
from ..types import Ranking
from .client import ChatClient
from .hangup import Hangup
from .settings import AnswerConfig, EndpointConfig
from .values import Answer
from .writing import write

__all__ = ["AnswerStream", "Answerer"]


class AnswerStream:
    """An answer's text, piece by piece; iterate over it once, then `answer` is there. Any thread may close() it meanwhile."""

    def __init__(self, ranking: Ranking, client: ChatClient | None, config: AnswerConfig) -> None:
        """Nothing is asked before the first piece is wanted."""
        self._hangup = Hangup()
        self._writing = write(ranking, client, config, self._hangup)
        self._reading = threading.Lock()  # held while _writing runs: a generator cannot be closed then
        self._answer: Answer | None = None

    def __iter__(self) -> Iterator[str]:
        """Joined, the pieces are `answer.text`; a stream that is closed gives no more of them.

        Raises EndpointError where the language model fails; `partial` of it is what had come. Not to read on ends the request.
        """
        try:
            while (piece := self._next()) is not None:
                yield piece
        finally:
            self.close()

    @property
    def answer(self) -> Answer:
        """The whole. Raises ConfigError before the last piece was taken."""
        if self._answer is None:
            raise ConfigError("the answer is not complete; iterate over the stream to its end first, once")
        return self._answer

    def close(self) -> None:
        """End the request before the answer's end. Safe to call at any time, also while another thread waits for the next piece.

        That thread gets no more pieces, and no error. Where the answer has not begun, the request ends when it does.
        """
        self._hangup.ask()
        self._drop()

    def _next(self) -> str | None:
        """The next piece; None at the end, and once the stream is closed."""
        with self._reading:
            piece = self._read()
        if not self._hangup.asked:
            return piece
        self._drop()  # close() may have found _writing busy
        return None

    def _read(self) -> str | None:
        try:
            return next(self._writing)
        except StopIteration as end:
            if end.value is not None:  # None: it was read to its end before, or closed
                self._answer = end.value
        except EndpointError:
            if not self._hangup.asked:
                raise
        return None

    def _drop(self) -> None:
        """Leave the request, unless a thread is reading it; that one sees that it shall, and comes here itself."""
        if self._reading.acquire(blocking=False):
            try:
                self._writing.close()
            finally:
                self._reading.release()


class Answerer:
    """Answers from what a ranking kept.

    With an endpoint, a language model writes from the numbered passages and cites them. Without one, the answer is the sentences that
    carried the judge's score. Where the ranking kept nothing, it says so and asks nobody.
    """

    def __init__(self, endpoint: EndpointConfig | None = None, config: AnswerConfig | None = None) -> None:
        """Nothing is sent yet. Raises MissingExtraError where an endpoint is given and httpx is not installed."""
        self.config = AnswerConfig() if config is None else config
        self._client = None if endpoint is None else ChatClient(endpoint)
        self._closed = False

    def answer(self, ranking: Ranking) -> Answer:
        """The answer to the ranking's query.

        Give the ranking a threshold: without one something is always kept, and a question without an answer gets one. Raises EndpointError
        (unreachable, refused, timed out, broken off, declined) for the language model, ConfigError for a ranking that no loaded
        reranker made where sentences must be judged.
        """
        return _whole(self.stream(ranking))

    async def aanswer(self, ranking: Ranking) -> Answer:
        """answer() on a thread, so that the event loop goes on. Where the task is cancelled, the language model's request ends, and
        sentences not judged yet are left out.
        """
        stream = self.stream(ranking)
        try:
            return await on_a_thread(_whole, stream)
        finally:
            stream.close()  # a thread cannot be cancelled: it would go on reading, and a model writing, for nobody

    def stream(self, ranking: Ranking) -> AnswerStream:
        """answer() piece by piece, as the language model writes. To end the request early, close() the stream."""
        if self._closed:
            raise ClosedError("this answerer was closed; create a new one")
        return AnswerStream(ranking, self._client, self.config)

    def close(self) -> None:
        """Give back the connection. Safe to call twice."""
        self._closed = True
        if self._client is not None:
            self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def _whole(stream: AnswerStream) -> Answer:
    for _ in stream:
        pass
    return stream.answer
