"""One request on its way through the server: who it is, and what became known of it so far."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from .asgi import Headers, Scope, header
from .protocols.dialect import Dialect

__all__ = ["VISIT", "Visit", "arrive", "visit_of"]

VISIT = "adjudge.visit"
"""Where a scope keeps it."""

_SANE_ID = re.compile(rb"[A-Za-z0-9._~:/+=@-]{1,128}")


@dataclass(slots=True, kw_only=True)
class Visit:
    """Filled in on the way, by the one task that works on it."""

    request_id: str  # the client's own, where it is sane
    began: float = field(default_factory=time.perf_counter)
    dialect: Dialect | None = None
    model: str = ""  # its own name, "" before it is known
    documents: int = 0  # or pairs
    tokens: int = 0
    body_ms: float = 0.0  # until the body's last byte
    queue_ms: float = 0.0
    tokenise_ms: float = 0.0
    forward_ms: float = 0.0
    render_ms: float = 0.0

    @property
    def total_ms(self) -> float:
        """Since the request began."""
        return (time.perf_counter() - self.began) * 1e3

    @property
    def judged(self) -> bool:
        """Whether a model has worked on it."""
        return self.tokens > 0

    def seconds_by_stage(self) -> Mapping[str, float]:
        """For metrics: what is known by now; the stages of judging only where there was any."""
        stages = {"body": self.body_ms, "total": self.total_ms}
        if self.judged:
            stages |= {"queue": self.queue_ms, "tokenise": self.tokenise_ms, "forward": self.forward_ms, "render": self.render_ms}
        return {name: value / 1e3 for name, value in stages.items()}

    def headers(self) -> dict[str, str]:
        """TEI's names, whole milliseconds as there; the standard Server-Timing has the fractions."""
        found = {"x-request-id": self.request_id, "x-total-time": f"{self.total_ms:.0f}"}
        if not self.judged:
            return found
        timing = {"queue": self.queue_ms, "tokenise": self.tokenise_ms, "forward": self.forward_ms, "total": self.total_ms}
        return found | {
            "x-queue-time": f"{self.queue_ms:.0f}",
            "x-tokenization-time": f"{self.tokenise_ms:.0f}",
            "x-inference-time": f"{self.forward_ms:.0f}",
            "x-compute-tokens": str(self.tokens),
            "server-timing": ", ".join(f"{name};dur={value:.1f}" for name, value in timing.items()),
        }


def arrive(headers: Headers) -> Visit:
    """A request that has just come."""
    given = header(headers, b"x-request-id")
    known = given is not None and _SANE_ID.fullmatch(given) is not None
    return Visit(request_id=given.decode("ascii") if known and given is not None else uuid.uuid4().hex)


def visit_of(scope: Scope) -> Visit:
    """The one that the envelope has put into the scope."""
    found: Visit = scope[VISIT]
    return found
