"""The service without HTTP, as its tests ask it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from adjudge.engine.calls import Call
from adjudge.server.asks import Answer, Ask
from adjudge.server.faults import ServiceFault
from adjudge.server.service import Service
from adjudge.server.visit import Visit
from tests.server.serving import PATIENCE_S

__all__ = ["DOCUMENTS", "Start", "ask_of", "call_of", "rank", "refusal", "until_async"]

Start = Callable[..., Service]
"""start(Limits(...)): a service whose model is ready."""

DOCUMENTS = ("red apples", "blue cheese", "red wine")


def call_of(service: Service, timeout_ms: float | None = None) -> Call:
    return Call(deadline=service.deadline_of(timeout_ms))


def rank(service: Service, **changes: Any) -> Answer:
    ask = Ask(**{"query": "red wine", "documents": DOCUMENTS, **changes})
    return asyncio.run(service.rank(ask, call_of(service, ask.timeout_ms), Visit(request_id="r1")))


def refusal(service: Service, **changes: Any) -> Any:
    with pytest.raises(ServiceFault) as refused:
        rank(service, **changes)
    return refused.value.fault


async def ask_of(service: Service, **changes: Any) -> Answer:
    ask = Ask(**{"query": "red wine", "documents": DOCUMENTS, **changes})
    return await service.rank(ask, call_of(service), Visit(request_id="r"))


async def until_async(true: Callable[[], bool]) -> None:
    async def wait() -> None:
        while not true():
            await asyncio.sleep(0.005)

    await asyncio.wait_for(wait(), PATIENCE_S)
