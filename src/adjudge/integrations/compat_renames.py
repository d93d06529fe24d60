"""Old names of arguments, accepted with a DeprecationWarning that gives the new one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import ParamSpec, TypeVar

from ..errors import ConfigError
from .compat_base import warn

__all__ = ["old_names"]

P = ParamSpec("P")
R = TypeVar("R")


def old_names(
    renamed: Mapping[str, str], *, gone: Sequence[str] = (), positional: Sequence[str] = ()
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorate a method: {old name: new name}, names that are `gone` (no effect), and keywords that once stood behind the first
    argument by position. Old and new name together are a ConfigError.
    """

    def decorate(method: Callable[P, R]) -> Callable[P, R]:
        @wraps(method)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            given = dict(kwargs)
            behind = args[2:] if positional else ()  # after self and the first argument
            for name, value in zip(positional, behind, strict=False):
                warn(f"{name} by position is deprecated; write {name}=...", DeprecationWarning)
                _add(given, name, value)
            for old in [name for name in renamed if name in given]:
                warn(f"{old} is deprecated; it is called {renamed[old]} now", DeprecationWarning)
                _add(given, renamed[old], given.pop(old))
            for old in [name for name in gone if name in given]:
                warn(f"{old} is deprecated and has no effect", DeprecationWarning)
                del given[old]
            return method(*args[: len(args) - len(behind[: len(positional)])], **given)  # type: ignore[arg-type]

        return call

    return decorate


def _add(given: dict[str, object], name: str, value: object) -> None:
    if name in given:
        raise ConfigError(f"{name} was given twice, once by an old name or by position; give it once")
    given[name] = value
