"""One path that judges: bytes -> JSON -> dialect -> service -> dialect -> bytes, and whatever goes wrong in the dialect's own words."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any, Protocol, TypeVar

from ..engine.calls import Call
from .asgi import Prepared, Receive, Scope, Send, header, prepare
from .asks import Answer, Ask, PairsAnswer, PairsAsk
from .body import BodyError, ClientGoneError, discard_body, read_body, read_json
from .faults import ServiceFault
from .logs import log_texts
from .protocols.dialect import BadRequestError, Dialect, Fault
from .service import Recorder, Service
from .visit import Visit, visit_of

__all__ = ["Endpoint", "Route"]

T = TypeVar("T")

BIG_BODY, MANY_DOCUMENTS = 64 * 2**10, 200
"""From here on, reading and writing JSON is worth a thread: the event loop has others to answer."""

GONE = Fault(kind="client_gone", message="the client has left")


class Route(Protocol):
    """One path, and who speaks there; protocols.choose.Route is one."""

    @property
    def path(self) -> str:
        """As in "/v1/rerank"."""
        ...

    @property
    def default(self) -> Dialect:
        """Whose words are used before the body could be read."""
        ...

    @property
    def choose(self) -> Callable[[Mapping[str, Any]], Dialect]:
        """Which dialect a body at this path speaks."""
        ...

    def schema(self, model: str = ...) -> dict[str, Any]:
        """OpenAPI: the requestBody and the responses; `model`: a name that the server knows, for the examples."""
        ...


class Endpoint:
    """An ASGI application that answers POSTs at one path."""

    def __init__(self, route: Route, service: Service, recorder: Recorder, *, log_texts: bool = False) -> None:
        """`log_texts`: write down what is asked."""
        self.route = route
        self._service = service
        self._recorder = recorder
        self._log_texts = log_texts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        visit = visit_of(scope)
        visit.dialect = self.route.default
        status = 500  # stands where something unexpected goes through here, on its way to the handler that says so
        try:
            try:
                prepared = await self._answer(scope, receive, visit)
            except BodyError as exc:
                status = exc.status
                await self._refuse_body(exc, scope, receive, send)
                return
            except ClientGoneError:
                prepared = _fault(GONE, visit)
            status = prepared.status
            await prepared(scope, receive, send)
        finally:
            self._recorder.answered(visit.dialect.name, visit.model, status, visit.seconds_by_stage())

    async def _answer(self, scope: Scope, receive: Receive, visit: Visit) -> Prepared:
        raw = await read_body(receive, scope["headers"], self._service.limits)
        visit.body_ms = visit.total_ms
        try:
            ask = await (asyncio.to_thread(self._read, raw, visit) if len(raw) > BIG_BODY else _now(self._read, raw, visit))
            visit.model = self._own_name(ask.model)  # here, so that it is answered under the name that it is received under
            self._recorder.received(_name(visit), visit.model)
            if self._log_texts:
                log_texts(visit, ask)
            answer = await self._judge(ask, receive, visit)
        except (BadRequestError, ServiceFault) as exc:
            return _fault(exc.fault, visit)
        answer = replace(answer, total_ms=visit.total_ms - visit.body_ms)
        many, began = visit.documents > MANY_DOCUMENTS, visit.total_ms
        prepared = await (asyncio.to_thread(_render, answer, ask, visit) if many else _now(_render, answer, ask, visit))
        visit.render_ms = visit.total_ms - began
        return prepared

    def _read(self, raw: bytes, visit: Visit) -> Ask | PairsAsk:
        body = read_json(raw)
        visit.dialect = self.route.choose(body)
        ask = visit.dialect.read(body)
        visit.documents = len(ask.documents if isinstance(ask, Ask) else ask.pairs)
        return ask

    async def _judge(self, ask: Ask | PairsAsk, receive: Receive, visit: Visit) -> Answer | PairsAnswer:
        call = Call(deadline=self._service.deadline_of(ask.timeout_ms))
        if isinstance(ask, Ask):
            return await _unless_gone(self._service.rank(ask, call, visit), receive)
        return await _unless_gone(self._service.score(ask, call, visit), receive)

    def _own_name(self, asked: str | None) -> str:
        """Of the model; "" where there is none of that name: what a client makes up is no label."""
        model = self._service.registry.get(asked)
        return "" if model is None else model.name

    async def _refuse_body(self, error: BodyError, scope: Scope, receive: Receive, send: Send) -> None:
        """Say why at once, then take in what still comes, then hang up: what is left of the body is in the way of another request."""
        prepared = _fault(error.fault, visit_of(scope), status=error.status, headers={"connection": "close"})
        await prepared.start(send)
        await send({"type": "http.response.body", "body": prepared.body, "more_body": True})
        if header(scope["headers"], b"expect") is None:  # who asks first, and is told no, sends nothing
            await discard_body(receive)
        await send({"type": "http.response.body", "body": b""})


async def _unless_gone(work: Awaitable[T], receive: Receive) -> T:
    """What `work` gives; when the client leaves, it is cancelled, and ClientGoneError raised."""
    task = asyncio.ensure_future(work)
    task.add_done_callback(lambda done: done.cancelled() or done.exception())  # looked at, also where nobody waits for it any more
    gone = asyncio.ensure_future(_disconnect(receive))
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientGoneError
        return task.result()
    finally:
        task.cancel()
        gone.cancel()


async def _disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _now(function: Callable[..., T], *arguments: Any) -> T:
    return function(*arguments)


def _render(answer: Answer | PairsAnswer, ask: Ask | PairsAsk, visit: Visit) -> Prepared:
    assert visit.dialect is not None, "an answer has been asked for in some dialect"
    reply = visit.dialect.answer(answer, ask.echo)
    return prepare(reply, visit.headers())


def _fault(fault: Fault, visit: Visit, *, status: int | None = None, headers: Mapping[str, str] | None = None) -> Prepared:
    assert visit.dialect is not None, "an endpoint begins with its default dialect"
    reply = visit.dialect.fault(fault, visit.request_id)
    reply = reply if status is None else replace(reply, status=status)
    return prepare(reply, visit.headers() | ({} if headers is None else dict(headers)))


def _name(visit: Visit) -> str:
    return "" if visit.dialect is None else visit.dialect.name
