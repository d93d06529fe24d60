"""Groups for the tests of what feeds and measures."""

from __future__ import annotations

from adjudge.train.rows import Group, Item
from adjudge.train.supervision import Aspects

__all__ = ["graded", "many"]


def graded(query: str, *grades: float | None, source: str = "") -> Group:
    """A group whose passages are called after the query: "q 0", "q 1"; None is a passage that nobody graded."""
    return Group(query=query, items=tuple(Item(text=f"{query} {i}", grade=grade) for i, grade in enumerate(grades)), source=source)


def many(count: int, *, name: str = "q", passages: int = 3) -> list[Group]:
    """Groups called q0, q1, ... of one positive, aspects on the last passage."""
    found = []
    for number in range(count):
        items = [Item(text=f"{name}{number} passage {i}", grade=float(i == 0)) for i in range(passages - 1)]
        last = Item(text=f"{name}{number} the last", teacher=-1.5, aspects=Aspects(contradiction=1.0))
        found.append(Group(query=f"{name}{number}", items=(*items, last)))
    return found
