"""The queries that `adjudge monitor` looks at: scores that are there already, or questions with documents that are to be judged.

A row is one of (docs/monitoring.md shows each):

    {"scores": [0.9, 0.1]}                                      scores of one query
    {"results": [{"score"}, ...], "dropped": [...]}             a ranking, as `adjudge rank --json` prints it
    {"ranked_results": [{"score"}, ...], "dropped": [...]}      the same, as the service answers (its `results` are for other clients)
    {"query", "documents": ["...", {"text"}, ...]}              to be judged now
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from reprlib import repr as shown
from typing import Any

from ..errors import ConfigError, InputError

__all__ = ["Question", "RowConfig", "ScoredQuery", "read_queries"]

logger = logging.getLogger("adjudge.cli")

_RESULTS = ("ranked_results", "results")  # in this order: an answer of the service holds both, and only the first has `score`


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredQuery:
    """The scores of one query, and what their row says of them: "" where it says nothing."""

    place: str
    scores: tuple[float, ...]
    model: str = ""
    revision: str = ""
    score_type: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """To be judged."""

    place: str
    query: str
    documents: tuple[Any, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RowConfig:
    """How data are read."""

    queries: int | None = None  # at most so many: the first ones of a file, drawn by hash from a BEIR folder
    candidates: int = 20  # of a BEIR folder
    split: str | None = None
    skip_bad_rows: bool = False

    def __post_init__(self) -> None:
        if self.queries is not None and self.queries < 1:
            raise ConfigError(f"queries must be 1 or more, not {self.queries}")


def read_queries(paths: Sequence[Path], config: RowConfig) -> Iterator[ScoredQuery | Question]:
    """Every query of files and folders, one after the other. Raises InputError for what cannot be read, with its place."""
    for path in paths:
        before = True
        for query in _of_folder(path, config) if path.is_dir() else islice(_of_file(path, config), config.queries):
            before = False
            yield query
        if before:
            raise InputError(f"{path} holds no queries")


def _of_folder(folder: Path, config: RowConfig) -> Iterator[Question]:
    from ..evaluate.data import ReadConfig, read_labelled

    found = read_labelled([folder], ReadConfig(queries=config.queries, candidates=config.candidates, split=config.split))
    for note in found.notes:
        logger.warning("%s", note)
    passages: dict[str, list[str]] = {}
    for pair in found.pairs:
        passages.setdefault(pair.query, []).append(pair.passage)
    for query, documents in passages.items():
        yield Question(place=str(folder), query=query, documents=tuple(documents))


def _of_file(path: Path, config: RowConfig) -> Iterator[ScoredQuery | Question]:
    for place, read in _rows(path):
        try:
            yield _query(read(), place)
        except InputError as exc:
            if not config.skip_bad_rows:
                raise InputError(f"{place}: {exc}") from exc
            logger.warning("left out %s: %s", place, exc)


def _rows(path: Path) -> Iterator[tuple[str, Callable[[], Any]]]:
    """(place, what reads the row) of each line; a .json file is one object, or an array of them."""
    from ..evaluate.lines import decode, numbered_lines

    if path.suffix.lower() == ".json":
        whole = _json(path)
        for index, row in enumerate(whole if isinstance(whole, list) else [whole]):
            yield f"{path}[{index}]", lambda row=row: row  # type: ignore[misc]
        return
    lines = _standard_input() if str(path) == "-" else numbered_lines(path)
    for number, line in lines:
        yield f"{'stdin' if str(path) == '-' else path}:{number}", lambda line=line: decode(line)  # type: ignore[misc]


def _standard_input() -> Iterator[tuple[int, bytes]]:
    if sys.stdin is None or sys.stdin.closed:
        raise InputError('standard input is closed, so "-" cannot be read')
    return ((number, line) for number, line in enumerate(sys.stdin.buffer, 1) if line.strip())


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as exc:
        raise InputError(f"{path} cannot be read: {exc.strerror or exc}") from exc
    except (ValueError, RecursionError) as exc:
        raise InputError(f"{path} is not JSON that can be read ({exc}); name a file of one object a line .jsonl") from exc


def _query(row: Any, place: str) -> ScoredQuery | Question:
    if not isinstance(row, Mapping):
        raise InputError(f"a row must be an object, not {type(row).__name__}")
    results = next((key for key in _RESULTS if key in row), None)
    if "scores" in row:
        scores = [_score(value) for value in _list(row, "scores")]
    elif results is not None:
        scores = [_score(_object(one).get("score")) for one in (*_list(row, results), *_list(row, "dropped", missing=True))]
    else:
        return _question(row, place)
    said = {name: str(row.get(name) or "") for name in ("model", "revision", "score_type")}  # null says as little as nothing
    return ScoredQuery(place=place, scores=tuple(scores), **said)


def _question(row: Mapping[str, Any], place: str) -> Question:
    query = row.get("query")
    if "documents" not in row:
        raise InputError(f"a row needs scores, results, or a query and its documents; its keys are {', '.join(map(shown, row))}")
    if not isinstance(query, str) or not query.strip():
        raise InputError(f"'query' must be a text, not {shown(query)}")
    return Question(place=place, query=query, documents=tuple(_list(row, "documents")))


def _list(row: Mapping[str, Any], key: str, *, missing: bool = False) -> list[Any]:
    value = row.get(key, []) if missing else row[key]
    if not isinstance(value, list):
        raise InputError(f"{key!r} must be a list, not {type(value).__name__}")
    return value


def _object(value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InputError(f"a result must be an object with a score, not {type(value).__name__}")
    return value


def _score(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e300:  # NaN fails the comparison
        raise InputError(f"a score must be a finite number, not {shown(value)}")
    return float(value)
