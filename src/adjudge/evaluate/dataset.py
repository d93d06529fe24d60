"""What to evaluate on: queries, documents and judgements, from whichever files hold them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import ConfigError, InputError
from .beir import is_beir
from .draw import draw
from .problems import ProblemList
from .result import Problem

__all__ = ["Asked", "Dataset", "DatasetConfig", "read_dataset"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetConfig:
    """How data is read."""

    split: str | None = None  # of a BEIR folder: which qrels/NAME.tsv; None: the only one
    qrels: Path | None = None  # judgements from this file instead (TSV or TREC)
    relevant_from: int = 1  # the lowest grade that counts as relevant
    queries: int | None = None  # at most so many, drawn by their hash; None: all
    language: str | None = None  # of every query; None: as the data says, else the script it is written in

    def __post_init__(self) -> None:
        for name, value in (("relevant_from", self.relevant_from), ("queries", self.queries)):
            if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
                raise ConfigError(f"{name} must be a whole number of 1 or more, not {value!r}")


@dataclass(frozen=True, slots=True)
class Asked:
    """A query."""

    text: str  # "" where the data does not have it
    language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """Judged queries, and what they are asked of."""

    name: str
    format: str  # "beir", "reranking", "csv"
    queries: Mapping[str, Asked]  # judged ones, by id
    documents: Mapping[str, str]  # by id
    grades: Mapping[str, Mapping[str, int]]  # query -> document -> grade; every query has some
    pools: Mapping[str, tuple[str, ...]] | None = None  # query -> the documents that belong to it; None: all may be found
    relevant_from: int = 1
    drawn: int | None = None  # so many of more queries; None: all there are
    digest: str = ""
    problems: tuple[Problem, ...] = ()

    def relevant(self, query: str) -> frozenset[str]:
        """Documents of a query with a grade of `relevant_from` or more."""
        return frozenset(document for document, grade in self.grades[query].items() if grade >= self.relevant_from)


def read_dataset(path: Path, config: DatasetConfig | None = None) -> Dataset:
    """A BEIR folder, a reranking .jsonl, or a .csv or .tsv of query, passage and label; each may be gzipped.

    Problems are listed in the result. Raises InputError for what cannot be read at all, ConfigError for a setting that does not fit.
    """
    config = DatasetConfig() if config is None else config
    problems = ProblemList()
    found = _read(path, config, problems)
    if not found.queries:
        raise InputError(f"{path}: no query has a judgement; do the ids of qrels and queries agree?")
    if config.queries is not None and config.queries < len(found.queries):
        chosen = set(draw(found.queries, config.queries))
        found = replace(
            found,
            queries={query: asked for query, asked in found.queries.items() if query in chosen},
            grades={query: grades for query, grades in found.grades.items() if query in chosen},
            drawn=config.queries,
        )
    for query in found.queries:
        if not found.relevant(query):
            problems.add("no_relevant", query)
    if not any(found.relevant(query) for query in found.queries):
        raise InputError(
            f"{path}: no query has a relevant document (a grade of {config.relevant_from} or more), so nothing can be measured"
        )
    return replace(found, problems=problems.values())


def _read(path: Path, config: DatasetConfig, problems: ProblemList) -> Dataset:
    from .formats_beir import read_folder
    from .formats_rows import read_table

    if path.is_dir():
        if not is_beir(path):
            raise InputError(f"{path} holds no corpus.jsonl: name a folder in BEIR's layout, or a .jsonl, .csv or .tsv file")
        return read_folder(path, config, problems)
    if config.split is not None or config.qrels is not None:
        raise ConfigError("split and qrels belong to a BEIR folder; a file of rows carries its own labels")
    if not path.exists():
        raise InputError(f"there is no {path}: name a folder in BEIR's layout, or a .jsonl, .csv or .tsv file")
    return read_table(path, config, problems)
