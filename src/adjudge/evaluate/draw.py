"""A draw of queries that depends on their texts alone: the same on every machine, and a larger one holds the smaller."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

__all__ = ["draw"]


def draw(queries: Iterable[str], count: int) -> list[str]:
    """At most `count` different ones of them, in the order in which they came."""
    different = list(dict.fromkeys(queries))
    chosen = set(sorted(different, key=_place)[:count])
    return [query for query in different if query in chosen]


def _place(query: str) -> bytes:
    return hashlib.sha256(f"draw{query}".encode("utf-8", "surrogatepass")).digest()
