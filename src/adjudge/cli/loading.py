"""From the command line's model options to a Reranker."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, cast

from ..config import Options, WindowConfig
from ..errors import ConfigError

if TYPE_CHECKING:
    from ..reranker import Reranker

__all__ = ["check_cascade", "load_options", "open_reranker"]


def load_options(params: Mapping[str, Any]) -> Options:
    """The parameters of a command that are options of Reranker(), under the same names. What was not given stays None or "auto"."""
    options = {name: params[name] for name in Options.__annotations__ if name in params and name not in ("windows", "progress")}
    if "windows" in params:
        options["windows"] = WindowConfig(mode="windows" if params["windows"] else "truncate", aggregation=params["aggregation"])
    return cast("Options", options)


def check_cascade(params: Mapping[str, Any], models: Collection[str]) -> None:
    """Refuse a first judge of itself alone, and what only a first judge gives a meaning, before anything is loaded.

    `models`: all that is loaded. One of several may be the first judge of the others.
    """
    first = params["first"]
    if first is not None and all(model == first for model in models):
        raise ConfigError(f"--first and --model are both {first!r}; a model cannot prepare its own work. Leave --first out")
    given = [
        f"{option} {value:.15g}"
        for option, value in (("--keep", params["keep"]), ("--budget-ms", params["budget_ms"]))
        if value is not None
    ]
    if given and first is None:
        need = "needs" if len(given) == 1 else "need"
        raise ConfigError(f"{' and '.join(given)} {need} a first judge that chooses what --model reads; add --first embedded")


def open_reranker(params: Mapping[str, Any], *, progress: bool) -> Reranker:
    """Load the model that --model names, as the other options say. `progress`: show download bars."""
    from ..reranker import Reranker

    options = load_options(params)
    options["progress"] = progress
    return Reranker(params["model"], **options)
