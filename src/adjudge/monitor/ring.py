"""A sliding window as a ring of parts: whole parts come and go, so nothing is ever taken out of a sketch one by one."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar

__all__ = ["Mergeable", "Ring"]


class Mergeable(Protocol):
    """What can take in another of its kind."""

    def merge(self, other: Any, /) -> None:
        """Hold what `other` holds as well."""
        ...


T = TypeVar("T", bound=Mergeable)


class Ring(Generic[T]):
    """The part that is being filled, and the last `kept` full ones. Not locked."""

    def __init__(self, make: Callable[[], T], *, kept: int) -> None:
        """`make`: an empty part."""
        self._make = make
        self._full: deque[T] = deque(maxlen=kept)
        self.current = make()

    @property
    def full(self) -> int:
        """How many full parts there are, `kept` at the most."""
        return len(self._full)

    def turn(self) -> None:
        """The current part is full: keep it, forget the oldest, begin another."""
        self._full.append(self.current)
        self.current = self._make()

    def last(self, count: int) -> T:
        """The newest `count` full parts in one, or all there are."""
        whole = self._make()
        for part in list(self._full)[-count:]:
            whole.merge(part)
        return whole

    def everything(self) -> T:
        """All full parts and the current one."""
        whole = self.last(len(self._full)) if self._full else self._make()
        whole.merge(self.current)
        return whole
