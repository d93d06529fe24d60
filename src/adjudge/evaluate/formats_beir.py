"""A folder in BEIR's layout as a Dataset, with everything that is wrong with it.

    corpus.jsonl {"_id", "title", "text"}   queries.jsonl {"_id", "text", "language"?}   qrels/SPLIT.tsv or qrels.tsv

Judgements are query, document and grade with tabs between, with or without a header, or TREC's four columns (query 0 document grade).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..errors import InputError
from .beir import needed_file, qrels_file
from .dataset import Asked, Dataset, DatasetConfig
from .grades import whole_grade
from .lines import decode, numbered_lines, text_of
from .problems import ProblemList
from .script import language_of

__all__ = ["language_field", "read_folder", "read_judgements"]

Grades = dict[str, dict[str, int]]


def read_folder(folder: Path, config: DatasetConfig, problems: ProblemList) -> Dataset:
    """All of it. Raises InputError, with the line, for what is not even in the layout."""
    digest = hashlib.sha256()
    documents = _documents(needed_file(folder, "corpus.jsonl"), problems, digest)
    asked = _queries(needed_file(folder, "queries.jsonl"), config, problems, digest)
    path = qrels_file(folder, config.split) if config.qrels is None else config.qrels
    grades = read_judgements(path, problems, digest)
    for query, judged in grades.items():
        if query not in asked:
            problems.add("missing_query", query)
        for document in judged:
            if document not in documents:
                problems.add("missing_document", document)
    for query in asked:
        if query not in grades:
            problems.add("unjudged_query", query)
    unknown = Asked("", "not known" if config.language is None else config.language)
    return Dataset(
        name=folder.resolve().name,
        format="beir",
        queries={query: asked.get(query, unknown) for query in _in_order(asked, grades)},
        documents={document: text for document, text in documents.items() if text},
        grades=grades,
        relevant_from=config.relevant_from,
        digest=digest.hexdigest(),
    )


def read_judgements(path: Path, problems: ProblemList, digest: Any) -> Grades:
    """Query -> document -> grade. Raises InputError, with the line, for a row that is no judgement."""
    grades: Grades = {}
    for query, document, grade, place in _judgements(path, digest):
        judged = grades.setdefault(query, {})
        if document in judged:
            problems.add("duplicate_judgement" if judged[document] == grade else "contradicting_judgement", place)
        else:
            judged[document] = grade
    return grades


def language_field(row: Mapping[str, Any]) -> object:
    """Where rows say their language: "language" or "lang", also inside "metadata"."""
    metadata = row.get("metadata")
    places = (row, metadata if isinstance(metadata, Mapping) else {})
    return next((place[key] for place in places for key in ("language", "lang") if key in place), None)


def _documents(path: Path, problems: ProblemList, digest: Any) -> dict[str, str]:
    """Texts by id; "" for an empty one."""
    found: dict[str, str] = {}
    for place, row in _rows(path, digest):
        identity = _identity(row)
        if identity is None or not isinstance(row.get("text"), str):
            problems.add("document_without_id", place)
        elif identity in found:
            problems.add("duplicate_document", identity)
        else:
            found[identity] = _titled(row)
            if not found[identity]:
                problems.add("empty_document", identity)
    return found


def _queries(path: Path, config: DatasetConfig, problems: ProblemList, digest: Any) -> dict[str, Asked]:
    found: dict[str, Asked] = {}
    for place, row in _rows(path, digest):
        identity, text = _identity(row), row.get("text")
        if identity is None or not isinstance(text, str):
            problems.add("query_without_id", place)
            continue
        if identity in found:
            problems.add("duplicate_query", identity)
            continue
        if not text.strip():
            problems.add("empty_query", identity)
        said = language_field(row) if config.language is None else config.language
        found[identity] = Asked(text if text.strip() else "", language_of(said, text))
    return found


def _rows(path: Path, digest: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(FILE:LINE, object) of each line."""
    for number, line in numbered_lines(path):
        digest.update(line)
        try:
            row = decode(line)
        except InputError as exc:
            raise InputError(f"{path}:{number}: {exc}") from exc
        if not isinstance(row, Mapping):
            raise InputError(f"{path}:{number}: a row must be an object, not {type(row).__name__}")
        yield f"{path.name}:{number}", row


def _identity(row: Mapping[str, Any]) -> str | None:
    value = row.get("_id")
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        return None
    return str(value)


def _titled(row: Mapping[str, Any]) -> str:
    title, text = row.get("title"), str(row["text"])
    whole = f"{title}\n{text}" if isinstance(title, str) and title.strip() else text
    return whole if whole.strip() else ""


def _judgements(path: Path, digest: Any) -> Iterator[tuple[str, str, int, str]]:
    """(query, document, grade, FILE:LINE); a header is passed over."""
    for number, line in numbered_lines(path):
        digest.update(line)
        try:
            text = text_of(line).rstrip("\r\n")
            cells = text.split("\t") if "\t" in text else text.split()
            grade = whole_grade(cells[-1])
        except InputError as exc:
            raise InputError(f"{path}:{number}: {exc}") from exc
        if len(cells) not in (3, 4) or (grade is None and number > 1):
            raise InputError(
                f"{path}:{number}: a judgement is query, document and a whole number with tabs between, or TREC's query 0 document grade"
            )
        if grade is not None:
            yield cells[0], cells[-2], grade, f"{path.name}:{number}"


def _in_order(asked: Mapping[str, object], grades: Mapping[str, object]) -> list[str]:
    """Judged queries: in the file's order, then those that it lacks."""
    return [*(query for query in asked if query in grades), *(query for query in grades if query not in asked)]
