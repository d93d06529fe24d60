"""ChatClient: one question to an OpenAI-compatible server, its answer piece by piece."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from ..errors import (
    BrokenStreamError,
    ClosedError,
    DeclinedError,
    EndpointError,
    EndpointRefusedError,
    EndpointTimeoutError,
    MissingExtraError,
)
from .hangup import Hangup
from .settings import EndpointConfig
from .stream import END, Piece, error_message, event_data, read_piece

if TYPE_CHECKING:
    import httpx

__all__ = ["ChatClient", "ChatStream"]

_CONNECT_S = 10.0
_MOST_OF_AN_ERROR = 64 * 1024  # bytes of an error's body that are read
_LARGEST = 16 * 2**20  # bytes of an answer that comes whole

_ADVICE: Mapping[int, str] = {
    401: "is the key right? It is read from ADJUDGE_LLM_API_KEY, or OPENAI_API_KEY for OpenAI",
    403: "may this key use this model?",
    404: "is the base URL right (most end in /v1), and is there a model of that name?",
    429: "too many requests, or nothing left of the quota",
}


class ChatStream:
    """The pieces of one answer as they come. Iterate over it once; afterwards `model`, `usage` and `finish` are known."""

    def __init__(self, data: Iterator[str]) -> None:
        """`data`: of each event."""
        self._data = data
        self.text = ""  # all that has come
        self.model = ""
        self.usage: dict[str, int] = {}
        self.finish: str | None = None

    def __iter__(self) -> Iterator[str]:
        """Texts, none of them empty.

        Raises BrokenStreamError where the answer ends before it is finished, DeclinedError where the model or a filter refuses,
        EndpointTimeoutError when the time is up.
        """
        refusal = ""
        for data in self._data:
            if data.strip() == END:
                break
            piece = read_piece(data)
            refusal += piece.refusal
            if self._note(piece):
                yield piece.text
        else:
            if self.finish is None:
                raise BrokenStreamError(f"the language model's answer broke off after {len(self.text)} characters")
        if refusal or self.finish == "content_filter":
            raise DeclinedError(f"the language model declined to answer: {refusal.strip() or 'a content filter stopped it'}")

    def _note(self, piece: Piece) -> bool:
        """Remember what the piece says; whether it adds to the text."""
        self.text += piece.text
        self.model = piece.model or self.model
        self.usage |= piece.usage
        self.finish = piece.finish if piece.finish is not None else self.finish
        return bool(piece.text)


class ChatClient:
    """Talks to one endpoint; keeps its connection. Safe to share between threads. Close it, or use it as a context manager."""

    def __init__(self, config: EndpointConfig) -> None:
        """Nothing is sent yet. Raises MissingExtraError without httpx."""
        try:
            import httpx
        except ImportError:
            raise MissingExtraError(package="httpx", extra="search", what="asking a language model") from None
        self.config = config
        timeout = httpx.Timeout(config.timeout_s, connect=min(_CONNECT_S, config.timeout_s))
        # For http:// no certificate is looked at, and to read those of the machine takes longer than a short request.
        self._client = httpx.Client(timeout=timeout, verify=config.url.startswith("https"))

    @contextmanager
    def stream(self, messages: Sequence[Mapping[str, str]], hangup: Hangup | None = None) -> Iterator[ChatStream]:
        """Ask, and give the answer's pieces while the block runs; leaving the block ends the request, so that no tokens are spent.

        `hangup` ends it too, from any thread; to who reads it, the answer then breaks off.

        Raises EndpointError, or the kind of it that fits; `partial` of it holds what had come.
        """
        import httpx

        if self._client.is_closed:
            raise ClosedError("this client was closed; create a new one")
        stream: ChatStream | None = None
        deadline = time.monotonic() + self.config.total_s
        try:
            with self._post(messages) as response, nullcontext() if hangup is None else hangup.on_line(response):
                self._check(response, deadline)
                stream = ChatStream(_data(response, deadline))
                yield stream
        except EndpointError as exc:
            exc.partial = "" if stream is None else stream.text
            raise
        except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL) as exc:
            raise self._translated(exc, stream) from exc

    def close(self) -> None:
        """Give back the connection. Safe to call twice."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _post(self, messages: Sequence[Mapping[str, str]]) -> AbstractContextManager[httpx.Response]:
        body: dict[str, Any] = {"model": self.config.model, "messages": list(messages), "stream": True}
        chosen = {"max_tokens": self.config.max_tokens, "temperature": self.config.temperature}
        body |= {name: value for name, value in chosen.items() if value is not None}
        headers = {"accept": "text/event-stream, application/json"}
        if self.config.api_key is not None:
            headers["authorization"] = f"Bearer {self.config.api_key}"
        # Lone surrogates of a broken document are no UTF-8, and no server takes them.
        content = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
        return self._client.stream("POST", self.config.url, content=content, headers={**headers, "content-type": "application/json"})

    def _check(self, response: httpx.Response, deadline: float) -> None:
        """Raise EndpointRefusedError for anything but success, in the server's own words."""
        if response.is_success:
            return
        status = response.status_code
        said = self._without_key(_error_text(response, deadline))
        advice = _ADVICE.get(status, "")
        if response.is_redirect:
            advice = f"it points to {response.headers.get('location', 'nowhere')}; use that as the base URL if you trust it"
        again = _when(response.headers.get("retry-after", ""))
        parts = [f"{self.config.url} answered {status} {response.reason_phrase}".rstrip(), said, advice, again]
        raise EndpointRefusedError(". ".join(part.rstrip(".") for part in parts if part))

    def _translated(self, exc: Exception, stream: ChatStream | None) -> EndpointError:
        import httpx

        url, partial = self.config.url, "" if stream is None else stream.text
        if isinstance(exc, httpx.ConnectError | httpx.ConnectTimeout):
            kind = EndpointTimeoutError if isinstance(exc, httpx.ConnectTimeout) else EndpointError
            return kind(f"{url} cannot be reached ({exc or 'no answer'}); does the server run, and is the base URL right?")
        if isinstance(exc, httpx.TimeoutException):
            where = f"after {len(partial)} characters of its answer" if stream is not None else "and sent nothing"
            message = f"{url} kept silent for {self.config.timeout_s:g} s {where}; timeout_s is the longest silence"
            return EndpointTimeoutError(message, partial=partial)
        if stream is not None:
            return BrokenStreamError(f"the language model's answer broke off after {len(partial)} characters ({exc})", partial=partial)
        return EndpointError(f"{url} broke the connection: {exc}")

    def _without_key(self, text: str) -> str:
        """Some servers repeat the key that they refuse."""
        key = self.config.api_key
        return text if key is None else text.replace(key, "(the key)")


def _data(response: httpx.Response, deadline: float) -> Iterator[str]:
    """The data of the events; of a server that does not stream, its whole answer as if it were one event."""
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        yield _read(response, _LARGEST, deadline)
        return
    if kind not in ("text/event-stream", ""):
        raise BrokenStreamError(f"the language model's server sent {kind} and no event stream; is the base URL that of its API (/v1)?")
    yield from event_data(_until(deadline, response.iter_bytes()))


def _until(deadline: float, chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The bytes as they come, whatever is in them: a server may keep a connection alive with comments for ever."""
    for chunk in chunks:
        if time.monotonic() > deadline:
            raise EndpointTimeoutError("the language model was not done when its time was up; total_s is how long it may take")
        yield chunk


def _read(response: httpx.Response, most: int, deadline: float) -> str:
    body = b""
    for chunk in _until(deadline, response.iter_bytes()):
        body += chunk
        if len(body) > most:
            break
    return body[:most].decode("utf-8", "replace")


def _error_text(response: httpx.Response, deadline: float) -> str:
    text = _read(response, _MOST_OF_AN_ERROR, deadline).strip()
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return "" if text.startswith("<") else " ".join(text[:300].split())  # a page for people, from a proxy
    found = error_message(value) if isinstance(value, dict) else None
    return " ".join((text if found is None else found)[:600].split())


def _when(retry_after: str) -> str:
    """Retry-After holds seconds or a date."""
    if not retry_after:
        return ""
    is_seconds = retry_after.replace(".", "", 1).isdecimal()
    return f"try again in {retry_after} s" if is_seconds else f"try again after {retry_after}"
