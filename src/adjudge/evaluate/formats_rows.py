"""Files of rows as a Dataset: each query brings its own candidates.

    .jsonl   {"query", "positive": [...], "negative": [...]} as MTEB's reranking tasks have it ("query" may be a list: each is asked),
             or any other row that `adjudge calibrate` reads: pairs with a label, graded lists, judgement groups
    .csv     columns query, passage (or document, text), label (or relevance, grade, score); also .tsv

Rows of the same query are put together. What a row says about itself may stand beside it: "language", and "query_id" or "id".
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Any

from ..csv_rows import csv_rows
from ..errors import InputError
from .dataset import Asked, Dataset, DatasetConfig
from .formats_beir import language_field
from .graded_rows import graded
from .grades import whole_grade
from .lines import decode, numbered_lines
from .problems import ProblemList
from .script import language_of

__all__ = ["read_table"]

_TEXT = ("passage", "document", "text", "doc")
_LABEL = ("label", "relevance", "grade", "score")
_DELIMITERS = {".csv": ",", ".tsv": "\t"}
_WORDS = {"true": 1, "false": 0, "yes": 1, "no": 0}


@dataclass(slots=True)
class _Rows:
    """Queries and their passages as they come; ids are numbers in that order, since texts tell everything apart."""

    problems: ProblemList
    config: DatasetConfig
    queries: dict[str, Asked] = field(default_factory=dict)
    documents: dict[str, str] = field(default_factory=dict)
    grades: dict[str, dict[str, int]] = field(default_factory=dict)
    pools: dict[str, dict[str, None]] = field(default_factory=dict)
    query_ids: dict[str, str] = field(default_factory=dict)  # by text
    document_ids: dict[str, str] = field(default_factory=dict)

    def add(self, query: str, passages: list[tuple[str, int | None]], row: Mapping[str, Any], place: str) -> None:
        """A query and its (passage, grade), None for a passage that nobody judged."""
        identity = self._query(query, row)
        for text, grade in passages:
            document = self.document_ids.setdefault(text, f"d{len(self.document_ids) + 1}")
            self.documents[document] = text
            self.pools[identity][document] = None
            if grade is None:
                self.problems.add("row_without_label", place)
            elif document in self.grades[identity]:
                same = self.grades[identity][document] == grade
                self.problems.add("duplicate_judgement" if same else "contradicting_judgement", place)
            else:
                self.grades[identity][document] = grade

    def _query(self, text: str, row: Mapping[str, Any]) -> str:
        if text in self.query_ids:
            return self.query_ids[text]
        said = next((row[key] for key in ("query_id", "qid", "id", "_id") if isinstance(row.get(key), str | int)), None)
        identity = str(said) if said not in (None, "") and str(said) not in self.queries else f"q{len(self.queries) + 1}"
        while identity in self.queries:  # a row's own id looks like one of ours
            identity += "'"
        self.query_ids[text] = identity
        language = language_field(row) if self.config.language is None else self.config.language
        self.queries[identity] = Asked(text, language_of(language, text))
        self.grades[identity], self.pools[identity] = {}, {}
        return identity


def read_table(path: Path, config: DatasetConfig, problems: ProblemList) -> Dataset:
    """All rows of a file. Rows that cannot be used are listed. Raises InputError for a file of another kind, or one that is broken."""
    digest = hashlib.sha256()
    rows = _Rows(problems, config)
    kind = Path(path.stem).suffix if path.suffix == ".gz" else path.suffix
    if kind == ".jsonl":
        _read_jsonl(path, rows, digest)
    elif kind in _DELIMITERS:
        _read_csv(path, _DELIMITERS[kind], rows, digest)
    else:
        raise InputError(f"{path}: the ending must be .jsonl, .csv or .tsv (each also with .gz), or name a folder in BEIR's layout")
    judged = [query for query in rows.queries if rows.grades[query]]
    for query in rows.queries:
        if not rows.grades[query]:
            problems.add("unjudged_query", query)
    return Dataset(
        name=path.name,
        format="reranking" if kind == ".jsonl" else "csv",
        queries={query: rows.queries[query] for query in judged},
        documents=rows.documents,
        grades={query: rows.grades[query] for query in judged},
        pools={query: tuple(rows.pools[query]) for query in judged},
        relevant_from=config.relevant_from,
        digest=digest.hexdigest(),
    )


def _read_jsonl(path: Path, rows: _Rows, digest: Any) -> None:
    for number, line in numbered_lines(path):
        digest.update(line)
        place = f"{path.name}:{number}"
        try:
            row = decode(line)
        except InputError as exc:
            raise InputError(f"{path}:{number}: {exc}") from exc
        try:
            for query, passages in graded(row):
                rows.add(query, passages, row, place)
        except InputError as exc:
            rows.problems.add("bad_row", f"{place}: {exc}")


def _read_csv(path: Path, delimiter: str, rows: _Rows, digest: Any) -> None:
    limit = csv.field_size_limit(2**31 - 1)  # the usual 128 KiB a cell refuses long passages
    try:
        table = csv_rows(_whole_text(path, digest), delimiter, lambda line: f"{path}:{line}")
        _, names = next(table, (0, []))
        text, label = _column(path, names, _TEXT), _column(path, names, _LABEL)
        _column(path, names, ("query",))
        for line, cells in table:
            _add_cells(rows, dict(zip_longest(names, cells)), (text, label), f"{path.name}:{line}")  # a cell too many is under None
    finally:
        csv.field_size_limit(limit)


def _add_cells(rows: _Rows, row: dict[str, Any], columns: tuple[str, str], place: str) -> None:
    query, passage, label = row["query"], row[columns[0]], row[columns[1]]
    if None in row:
        rows.problems.add("bad_row", f"{place}: more cells than columns; quote cells that hold the separator")
    elif not (query or "").strip() or not (passage or "").strip():
        rows.problems.add("bad_row", f"{place}: the query or the passage is empty")
    elif not (label or "").strip():
        rows.add(query, [(passage, None)], row, place)
    else:
        try:
            rows.add(query, [(passage, _label(label))], row, place)
        except InputError as exc:
            rows.problems.add("bad_row", f"{place}: {exc}")


def _label(cell: str) -> int:
    word = cell.strip().lower()
    grade = _WORDS[word] if word in _WORDS else whole_grade(word)
    if grade is None:
        raise InputError(f"the label {cell!r} is no whole number, true or false")
    return grade


def _column(path: Path, names: list[str], wanted: tuple[str, ...]) -> str:
    found = [name for name in names if name in wanted]
    if len(found) != 1:
        held = "none" if not found else " and ".join(found)
        raise InputError(f"{path}: one column must be called {' or '.join(wanted)}; there is {held}, of {', '.join(names) or 'no columns'}")
    return found[0]


def _whole_text(path: Path, digest: Any) -> str:
    try:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        digest.update(data)
        return data.decode("utf-8-sig")
    except (OSError, EOFError, zlib.error) as exc:
        raise InputError(f"{path} cannot be read: {getattr(exc, 'strerror', None) or exc}") from exc
    except UnicodeDecodeError as exc:
        raise InputError(f"{path} is not UTF-8 (byte {exc.start}); save it in that encoding") from exc
