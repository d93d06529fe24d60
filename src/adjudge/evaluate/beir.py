"""Labelled pairs of a folder in BEIR's layout: what was judged relevant, and what BM25 takes for it.

    corpus.jsonl {"_id", "title", "text"}   queries.jsonl {"_id", "text"}   qrels/SPLIT.tsv or qrels.tsv: query-id, corpus-id, score

Each may be gzipped. Thakur et al., "BEIR: a heterogeneous benchmark for zero-shot evaluation of information retrieval models", 2021.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..errors import ConfigError, InputError
from ..retrieval.lexical import Lexical
from .draw import draw
from .grades import whole_grade
from .labelled import Labelled, ReadConfig
from .lines import decode, numbered_lines, text_of
from .rows import RELEVANT_FROM

__all__ = ["QUERIES", "find_file", "is_beir", "needed_file", "qrels_file", "read_beir", "text_row"]

QUERIES = 500
"""Of a BEIR folder, so many queries are taken unless another number is asked for."""


def is_beir(folder: Path) -> bool:
    """Whether a corpus is there."""
    return find_file(folder, "corpus.jsonl") is not None


def read_beir(folder: Path, config: ReadConfig) -> tuple[list[Labelled], list[str]]:
    """Pairs of each drawn query with all passages judged for it and BM25's best `candidates`, and notes on what was left out.

    What BM25 found and nobody judged counts as irrelevant, which is a little wrong: a corpus holds answers that nobody marked.
    Raises InputError, with the line, for files that are not what they should be.
    """
    texts = dict(_texts(needed_file(folder, "corpus.jsonl")))
    asked = dict(_texts(needed_file(folder, "queries.jsonl")))
    least = RELEVANT_FROM if config.relevant_from is None else config.relevant_from
    judged: dict[str, dict[str, bool]] = {}
    for query, document, grade in _grades(qrels_file(folder, config.split)):
        if query in asked and document in texts:
            judged.setdefault(query, {})[document] = grade >= least
    known = [query for query, labels in judged.items() if any(labels.values())]
    if not known:
        raise InputError(f"{folder}: no query has a relevant passage in the corpus; do the ids of qrels, queries and corpus agree?")
    drawn = draw(known, QUERIES if config.queries is None else config.queries)
    unknown = len(asked) - len(known)
    notes = (
        [f"{unknown:,} of {len(asked):,} queries of {folder.name} have no relevant passage in the corpus, and are left out"]
        if unknown
        else []
    )
    return list(_pairs(drawn, asked, texts, judged, config.candidates)), notes


def _pairs(
    drawn: list[str], asked: Mapping[str, str], texts: Mapping[str, str], judged: Mapping[str, Mapping[str, bool]], candidates: int
) -> Iterator[Labelled]:
    ids = list(texts)
    hits = Lexical([texts[document] for document in ids]).search([asked[query] for query in drawn], k=candidates)
    for query, found in zip(drawn, hits.indices, strict=True):
        labels = judged[query]
        for document in dict.fromkeys([*labels, *(ids[at] for at in found if at >= 0)]):
            yield Labelled(asked[query], texts[document], labels.get(document, False))


def _texts(path: Path) -> Iterator[tuple[str, str]]:
    """(id, title and text) of each row that holds any."""
    for number, line in numbered_lines(path):
        try:
            identity, text = text_row(decode(line))
        except InputError as exc:
            raise InputError(f"{path}:{number}: {exc}") from exc
        if text.strip():
            yield identity, text


def text_row(row: Any) -> tuple[str, str]:
    """(id, title and text) of a row of corpus or queries. Raises InputError where it has no id or no text."""
    if not isinstance(row, Mapping):
        raise InputError(f"a row must be an object, not {type(row).__name__}")
    if not isinstance(row.get("_id"), str | int) or not isinstance(row.get("text"), str):
        raise InputError('a row needs an "_id" and a "text"')
    title = row.get("title")
    return str(row["_id"]), f"{title}\n{row['text']}" if isinstance(title, str) and title.strip() else row["text"]


def _grades(path: Path) -> Iterator[tuple[str, str, int]]:
    """(query, document, grade) of each row; three columns, or TREC's four; a header is passed over."""
    for number, line in numbered_lines(path):
        try:
            text = text_of(line).rstrip("\r\n")
            cells = text.split("\t") if "\t" in text else text.split()
            grade = whole_grade(cells[-1])
        except InputError as exc:
            raise InputError(f"{path}:{number}: {exc}") from exc
        if len(cells) not in (3, 4) or (grade is None and number > 1):
            raise InputError(f"{path}:{number}: a row needs query-id, corpus-id and a whole number, with tabs between")
        if grade is not None:
            yield cells[0], cells[-2], grade


def qrels_file(folder: Path, split: str | None) -> Path:
    """The only one, or that of the split. Raises ConfigError where there are several, InputError where there is none."""
    if split is not None:
        return needed_file(folder, f"qrels/{split}.tsv")
    single = find_file(folder, "qrels.tsv")
    if single is not None:
        return single
    names = sorted({path.name.removesuffix(".gz").removesuffix(".tsv") for path in (folder / "qrels").glob("*.tsv*")})
    if len(names) == 1:
        return needed_file(folder, f"qrels/{names[0]}.tsv")
    if not names:
        raise InputError(f"{folder} holds neither qrels.tsv nor qrels/SPLIT.tsv")
    raise ConfigError(f"{folder} has several splits: {', '.join(names)}; name one (not the one that you report on)")


def find_file(folder: Path, name: str) -> Path | None:
    """The file, or the same gzipped, if one is there."""
    return next((path for path in (folder / name, folder / f"{name}.gz") if path.is_file()), None)


def needed_file(folder: Path, name: str) -> Path:
    """The file, or the same gzipped. Raises InputError where neither is there."""
    found = find_file(folder, name)
    if found is None:
        raise InputError(f"{folder} holds no {name} (nor {name}.gz); a folder in BEIR's layout needs corpus.jsonl, queries.jsonl and qrels")
    return found
