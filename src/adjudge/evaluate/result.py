"""Evaluation: everything that `adjudge evaluate` found, as one tree of values, written as JSON and read again.

Evaluation
├── verdict        Verdict           one sentence, about the first reranker that was named
├── data           DataFacts         what was evaluated on, and problems in it
├── settings       Settings          how
├── queries        Query...          every judged query; lists "per query" stand in this order
├── systems        System...         [0] is the first stage, then each reranker as it was named
│   ├── means, languages             measure -> Estimate
│   ├── cost       Cost | None       latency, memory, load time
│   └── scores     Scores | None     distribution, reliability, cut-offs
├── comparisons    Comparison...     each reranker with the first stage ("gain"), then with the first reranker ("rival")
└── machine        Environment
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

from ..errors import InputError
from .codec import decode_value, encode_value
from .result_parts import (
    Cost,
    CutOffPoint,
    Distribution,
    Estimate,
    Latency,
    ReliabilityBin,
    Scores,
)

__all__ = [
    "SCHEMA",
    "Change",
    "Comparison",
    "ComparisonKind",
    "Cost",
    "CutOffPoint",
    "DataFacts",
    "Distribution",
    "Environment",
    "Estimate",
    "Evaluation",
    "Latency",
    "Loss",
    "Problem",
    "Query",
    "ReliabilityBin",
    "Scores",
    "Settings",
    "ShownDocument",
    "System",
    "SystemKind",
    "Verdict",
    "VerdictKind",
    "from_json",
    "load_evaluation",
    "to_json",
]

SCHEMA = 1
"""Of the JSON; a change that an older reader would misread raises it."""

VerdictKind: TypeAlias = Literal["helps", "does_not_help", "hurts", "cannot_tell", "not_reranked"]
SystemKind: TypeAlias = Literal["first_stage", "reranker", "peer"]
ComparisonKind: TypeAlias = Literal["gain", "rival"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What it comes to, in a sentence."""

    kind: VerdictKind
    sentence: str  # "Reranking helps here: nDCG@10 0.52 -> 0.68 (+0.16, 95 % interval 0.13 to 0.19), 41 ms per query"
    system: str = ""  # the reranker that it is about
    queries_needed: int | None = None  # of "cannot_tell": about how many would tell, if the difference is what it looks like


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something wrong with the data. It was listed, and not repaired."""

    kind: str  # "duplicate_document", "missing_query", "unjudged_query", ...
    count: int
    message: str  # a sentence for a person
    examples: tuple[str, ...] = ()  # the first few ids, or FILE:LINE


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFacts:
    """What was evaluated on."""

    name: str  # the folder's or the file's
    format: str  # "beir", "reranking", "csv"
    digest: str  # SHA-256 of what was read
    queries: int  # judged ones
    documents: int
    judgements: int
    relevant: int  # of the judgements
    recall_of_candidates: float | None = None  # share of all relevant documents that a reranker could see: its ceiling
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How it was evaluated."""

    retriever: str  # "bm25", "dense", "hybrid", or a run's file name
    rerankers: tuple[str, ...]
    candidates: int
    measures: tuple[str, ...]
    main: str  # the measure that verdict, wins and losses go by
    seed: int
    resamples: int  # of bootstrap and permutation test
    least_gain: float  # a difference in `main` below this is not worth having
    interleaved: bool = True  # rerankers took turns query by query; False: one after the other
    queries: int | None = None  # how many were drawn; None: all


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A judged query."""

    id: str
    text: str
    language: str  # as the data says it, else its script: "Latin script"
    judged: int  # documents
    relevant: int
    relevant_in_candidates: int
    candidates: int


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """A first stage or a reranker, and what it reached."""

    name: str  # unique in this evaluation
    kind: SystemKind
    means: Mapping[str, Estimate]  # measure -> mean over all judged queries
    languages: Mapping[str, Mapping[str, Estimate]]  # language -> measure -> mean over its queries
    per_query: Mapping[str, tuple[float, ...]]  # measure -> a value for each of Evaluation.queries
    model: str = ""
    revision: str = ""
    runtime: str = ""  # "openvino cpu int8"
    library: str = ""  # of a peer: "sentence-transformers 5.7.0"
    versions: Mapping[str, str] = field(default_factory=dict)  # of a reranker's own environment: package -> version
    cost: Cost | None = None  # None: a recorded run, nothing was timed
    scores: Scores | None = None  # None: fewer than two kinds of document were scored
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A measure before and after, with a 95 % interval of the difference (paired bootstrap over queries)."""

    before: float
    after: float
    difference: float
    low: float
    high: float
    queries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownDocument:
    """A document in a list of results."""

    id: str
    text: str  # its beginning
    grade: float | None  # None: nobody judged it
    relevant: bool
    rank: int  # in this list, from 1
    other_rank: int | None  # in the list it is compared with; None: not there
    score: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """A query that got worse, both lists side by side."""

    query: str  # id
    text: str
    language: str
    before: float  # of the main measure
    after: float
    top_before: tuple[ShownDocument, ...]
    top_after: tuple[ShownDocument, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two systems on the same queries and the same candidates."""

    system: str
    baseline: str
    kind: ComparisonKind
    changes: Mapping[str, Change]  # by measure
    languages: Mapping[str, Change]  # of the main measure; intervals here are not corrected for their number
    p_value: float  # two-sided paired permutation test of the main measure
    p_corrected: float  # Holm, over all comparisons of this kind
    corrected_for: int  # how many these are
    wins: int  # queries where the main measure rose
    losses: int
    ties: int
    worst_losses: tuple[Loss, ...]  # worst first
    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """Where it ran."""

    system: str
    processor: str
    cores: int
    memory_gib: float | None
    python: str
    versions: Mapping[str, str]  # package -> version


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """All of it."""

    created: str  # UTC, ISO 8601
    verdict: Verdict
    data: DataFacts
    settings: Settings
    queries: tuple[Query, ...]
    systems: tuple[System, ...]
    comparisons: tuple[Comparison, ...]
    machine: Environment
    warnings: tuple[str, ...] = ()
    schema: int = field(default=SCHEMA)

    @property
    def first_stage(self) -> System:
        """What rerankers are measured against."""
        return self.systems[0]

    @property
    def rerankers(self) -> tuple[System, ...]:
        """In the order in which they were named."""
        return self.systems[1:]

    def system(self, name: str) -> System:
        """By name. Raises KeyError."""
        return {system.name: system for system in self.systems}[name]

    def comparison(self, system: str, *, kind: ComparisonKind = "gain") -> Comparison | None:
        """The one of this reranker, where there is one."""
        return next((found for found in self.comparisons if found.system == system and found.kind == kind), None)


def to_json(evaluation: Evaluation) -> str:
    """As one JSON object; from_json() gives back an equal Evaluation."""
    return json.dumps(encode_value(evaluation), ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def from_json(text: str, *, origin: str = "the result") -> Evaluation:
    """What to_json() wrote. Raises InputError, which names `origin`, for another text, or one of a newer schema."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise InputError(f"{origin} is not JSON ({exc}); name a file that `adjudge evaluate --json` wrote") from exc
    schema = value.get("schema") if isinstance(value, dict) else None
    if isinstance(schema, bool) or not isinstance(schema, int):
        raise InputError(f"{origin} has no schema number; name a file that `adjudge evaluate --json` wrote")
    if schema != SCHEMA:
        raise InputError(
            f"{origin} is of schema {schema}, and this adjudge reads {SCHEMA}; evaluate again, or use the adjudge that wrote it"
        )
    try:
        return decode_value(Evaluation, value)
    except (TypeError, ValueError, KeyError) as exc:
        raise InputError(f"{origin} is no whole evaluation ({exc}); evaluate again") from exc


def load_evaluation(path: Path) -> Evaluation:
    """The evaluation in a file. Raises InputError where it cannot be read or is none."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as exc:
        raise InputError(f"{path} cannot be read: {getattr(exc, 'strerror', None) or exc}") from exc
    return from_json(text, origin=str(path))
