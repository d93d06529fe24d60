"""What an index says of itself, read back from JSON: a later adjudge's is told from a damaged one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from ...errors import IndexMismatchError
from .base import IndexFacts

__all__ = ["Kinds", "is_whole", "require_kinds", "stored_facts"]

FORMAT = 1

Kinds: TypeAlias = Mapping[str, Callable[[Any], bool]]
"""By name, whether a value is what may stand there."""


def stored_facts(held: Any, place: object) -> IndexFacts:
    """The facts that `place` holds. Raises IndexMismatchError for another format, TypeError for what is none of ours."""
    if not isinstance(held, dict):
        raise TypeError(f"facts is {held!r:.80}")
    found = held.get("format", FORMAT)
    if is_whole(found) and found != FORMAT:  # said first: nothing else of it need be as it is now
        advice = "update adjudge, or make the index anew: adjudge index build PATHS --index INDEX --rebuild"
        raise IndexMismatchError(f"{place} has the format {found}, and this adjudge reads {FORMAT}; {advice}")
    require_kinds(held, _KINDS)
    return IndexFacts(**held)


def require_kinds(held: Mapping[str, Any], kinds: Kinds) -> None:
    """Raise TypeError, naming the value, where one is not what it must be."""
    for name, right in kinds.items():
        if name in held and not right(held[name]):
            raise TypeError(f"{name} is {held[name]!r:.80}")


def is_whole(value: object) -> bool:
    """Whether it is a number of things: JSON's true is none."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_size(value: object) -> bool:
    return is_whole(value) and value != 0


def _are_settings(value: object) -> bool:
    return isinstance(value, dict) and all(is_whole(one) or isinstance(one, str) for one in value.values())


_KINDS: Kinds = {
    "format": is_whole,
    "model": _is_text,
    "revision": _is_text,
    "fingerprint": _is_text,
    "dimensions": _is_size,
    "splitting": _are_settings,
}
