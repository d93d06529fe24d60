"""Rerankers that people use: what `adjudge models` lists, and where the names in "did you mean" come from.

The facts stand in catalogue.toml beside this file. A model that is not in it works just as well.
"""

from __future__ import annotations

import difflib
import functools
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["KnownModel", "catalogue", "find_known", "similar_names"]


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownModel:
    """One hub model, as its model card describes it."""

    id: str
    family: str  # model_type of its config.json
    licence: str  # SPDX identifier
    languages: tuple[str, ...]  # ISO 639-1, or "multilingual"
    max_length: int  # tokens of a pair
    parameters_m: float  # millions
    backends: tuple[str, ...]  # those that run it; none: it cannot run, and the note says why
    note: str
    aliases: tuple[str, ...] = ()  # older ids, which the hub redirects

    @property
    def runs(self) -> bool:
        """Whether any backend runs it."""
        return bool(self.backends)


@functools.cache
def catalogue() -> tuple[KnownModel, ...]:
    """All known models, in the order of the file."""
    text = Path(__file__).with_name("catalogue.toml").read_text(encoding="utf-8")
    return tuple(_known(entry) for entry in tomllib.loads(text)["model"])


def _known(entry: dict[str, Any]) -> KnownModel:
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()}
    return KnownModel(**values)


def find_known(repo_id: str) -> KnownModel | None:
    """The entry of a hub id, also by an older id, whatever its case."""
    wanted = repo_id.lower()
    return next((model for model in catalogue() if wanted in (name.lower() for name in (model.id, *model.aliases))), None)


def similar_names(repo_id: str, *, most: int = 3) -> list[str]:
    """Known ids that somebody who wrote `repo_id` may have meant, the likeliest first. Not that id itself."""
    wanted = repo_id.lower()
    ids = {model.id.lower(): model.id for model in catalogue()}
    short = {name.rpartition("/")[2]: full for name, full in ids.items()}  # people leave the owner out, or misremember it
    by_name = [short[name] for name in difflib.get_close_matches(wanted.rpartition("/")[2], short, most, 0.75)]
    whole = [ids[name] for name in difflib.get_close_matches(wanted, ids, most, 0.75)]
    return [name for name in dict.fromkeys([*by_name, *whole]) if name.lower() != wanted][:most]
