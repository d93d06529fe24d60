"""From the command line's model options to a Reranker."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from ..config import Options, WindowConfig

if TYPE_CHECKING:
    from ..reranker import Reranker

__all__ = ["load_options", "open_reranker"]


def load_options(params: Mapping[str, Any]) -> Options:
    """The parameters of a command that are options of Reranker(), under the same names. What was not given stays None or "auto"."""
    options = {name: params[name] for name in Options.__annotations__ if name in params and name not in ("windows", "progress")}
    if "windows" in params:
        options["windows"] = WindowConfig(mode="windows" if params["windows"] else "truncate", aggregation=params["aggregation"])
    return cast("Options", options)


def open_reranker(params: Mapping[str, Any], *, progress: bool) -> Reranker:
    """Load the model that --model names, as the other options say. `progress`: show download bars."""
    from ..reranker import Reranker

    options = load_options(params)
    options["progress"] = progress
    return Reranker(params["model"], **options)
