"""Clients that ask a server one request after the other, and what they see."""

from __future__ import annotations

import asyncio
import http.client
import json
import random
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx
import numpy as np

from .passages import Passages

__all__ = ["Asked", "Seen", "added_latency", "draw_asked", "percentiles", "press"]

SIZES = (1, 5, 10, 10, 20, 20, 50)
"""Documents of a request, drawn from these: small ones beside large ones, as a server meets them."""

PATIENCE_S = 300.0


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: what every dialect of reranking asks in some words."""

    query: str
    documents: tuple[str, ...]

    @property
    def body(self) -> dict[str, Any]:
        """For POST /rerank, as adjudge, Infinity and the plain FastAPI server of this benchmark read it."""
        return {"query": self.query, "documents": list(self.documents), "return_documents": False}


@dataclass(slots=True)
class Seen:
    """What all clients together saw."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)  # seconds, of answered requests
    pairs: int = 0
    refused: int = 0  # 429 and 503: told to come back, and they did
    failed: list[str] = field(default_factory=list)

    def add(self, other: Seen) -> None:
        """What was seen after it."""
        self.seconds += other.seconds
        self.latencies += other.latencies
        self.pairs += other.pairs
        self.refused += other.refused
        self.failed += other.failed

    def summary(self) -> dict[str, Any]:
        """For the results."""
        return {
            "seconds": self.seconds,
            "requests": len(self.latencies),
            "pairs": self.pairs,
            "pairs_per_s": self.pairs / self.seconds,
            "refused": self.refused,
            "failed": len(self.failed),
            "failures": sorted(set(self.failed))[:5],
            "latency_ms": percentiles(self.latencies),
        }


def draw_asked(passages: Passages, count: int, *, seed: int = 5) -> list[Asked]:
    """Real questions with real passages of natural length; sizes are mixed."""
    chance = random.Random(seed)
    texts, queries = list(passages.corpus.values()), list(passages.queries.values())
    return [Asked(chance.choice(queries), tuple(chance.sample(texts, chance.choice(SIZES)))) for _ in range(count)]


def percentiles(seconds: Sequence[float]) -> dict[str, float]:
    """p50, p95, p99 in milliseconds."""
    if not seconds:
        return {}
    return {f"p{p}": float(np.percentile(np.asarray(seconds) * 1e3, p)) for p in (50, 95, 99)}


def press(url: str, asked: Sequence[Asked], *, clients: int, seconds: float) -> Seen:
    """`clients` at once, each asks, waits for the answer, and asks again, for `seconds`. Answers that come later are waited for and counted
    with the time they took, so a server gains nothing by holding requests."""
    return asyncio.run(_press(url, asked, clients, seconds))


async def _press(url: str, asked: Sequence[Asked], clients: int, seconds: float) -> Seen:
    seen, began = Seen(), time.perf_counter()
    limits = httpx.Limits(max_connections=clients, max_keepalive_connections=clients)
    async with httpx.AsyncClient(verify=False, timeout=PATIENCE_S, limits=limits) as client:
        await asyncio.gather(*(_one(client, url, asked[i::clients], began + seconds, seen) for i in range(clients)))
    seen.seconds = time.perf_counter() - began
    return seen


async def _one(client: httpx.AsyncClient, url: str, asked: Sequence[Asked], until: float, seen: Seen) -> None:
    turn = 0
    while time.perf_counter() < until:
        request = asked[turn % len(asked)]
        began = time.perf_counter()
        try:
            response = await client.post(url, json=request.body)
        except httpx.HTTPError as exc:
            seen.failed.append(type(exc).__name__)
            continue
        if response.status_code in (429, 503):
            seen.refused += 1
            await asyncio.sleep(min(1.0, float(response.headers.get("retry-after", 1))))
            continue
        turn += 1
        if response.status_code != 200:
            seen.failed.append(f"{response.status_code} {response.text[:80]}")
            continue
        seen.latencies.append(time.perf_counter() - began)
        seen.pairs += len(request.documents)


def added_latency(url: str, asked: Sequence[Asked], alone: Sequence[float]) -> dict[str, float]:
    """Milliseconds that HTTP adds for one patient client: percentiles of (its time less the library's own for the same request).

    `alone`: seconds that the library took for each of them, in the same minute. The client is http.client on one connection, with the
    body made beforehand: httpx takes 1.5 to 2 ms a request for itself, which is no server's.
    """
    differences, at = [], urlsplit(url)
    client = http.client.HTTPConnection(at.hostname or "", at.port, timeout=PATIENCE_S)
    with closing(client):
        for request, own in zip(asked, alone, strict=True):
            body = json.dumps(request.body).encode()
            began = time.perf_counter()
            client.request("POST", at.path, body, {"content-type": "application/json"})
            response = client.getresponse()
            said = response.read()
            differences.append(time.perf_counter() - began - own)
            if response.status != 200:
                raise RuntimeError(f"the server answered {response.status}: {said[:200]!r}")
    return percentiles(differences)
