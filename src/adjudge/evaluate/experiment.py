"""The experiment: the first stage once, then every reranker on the same candidates, in an order drawn by lot."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path

from .._version import __version__
from ..errors import ConfigError
from .dataset import Dataset
from .first_stage import FirstStage, Found, check_retriever, find_candidates
from .journal import Journal, Record
from .model_digest import folder_digest
from .peers import RerankerSpec, Worker
from .problems import ProblemList
from .result import SCHEMA, Problem

__all__ = ["ExperimentConfig", "Progress", "Raw", "Timed", "run_experiment"]

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is."""

_WARM_UP = 2  # queries that each reranker judges before anything is timed


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentConfig:
    """What is run on the data."""

    retriever: str = "bm25"
    rerankers: tuple[RerankerSpec, ...] = ()
    candidates: int = 100
    interleave: bool = True  # rerankers take turns, all of them loaded; False: one after the other
    seed: int = 0
    journal: Path | None = None
    restart: bool = False

    def __post_init__(self) -> None:
        if isinstance(self.candidates, bool) or not isinstance(self.candidates, int) or self.candidates < 1:
            raise ConfigError(f"candidates must be a whole number of 1 or more, not {self.candidates!r}")
        names = [spec.name for spec in self.rerankers]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ConfigError(f"{twice[0]!r} is named twice among the rerankers")
        if self.retriever in names:
            raise ConfigError(
                f"{self.retriever!r} is the first stage here and cannot be a reranker's name too; write adjudge:{self.retriever}"
            )
        check_retriever(self.retriever)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """One reranker's answer to one query."""

    scores: tuple[float | None, ...]  # of the query's candidates that have a text, in their order
    logits: tuple[float | None, ...] | None
    milliseconds: float
    memory_mib: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Raw:
    """Everything that was computed, before any of it is measured."""

    first: FirstStage
    judged: Mapping[str, Mapping[str, Timed]]  # reranker -> query -> answer; queries without candidates are not in it
    sessions: Mapping[str, Sequence[Record]]  # reranker -> what each of its processes said when it had loaded
    problems: tuple[Problem, ...] = ()
    warnings: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # by reranker


def run_experiment(data: Dataset, config: ExperimentConfig, *, progress: Progress | None = None) -> tuple[Raw, Journal]:
    """Run what an earlier, killed run has not done yet. The journal is open: finish() it when the result is safe, else close() it.

    Raises ConfigError, InputError, BackendError or ModelError; what was done until then is in the journal.
    """
    with ExitStack() as undo:
        journal = undo.enter_context(Journal(config.journal, fingerprint=_fingerprint(data, config), restart=config.restart))
        tell = progress if progress is not None else _silent
        first, problems = _first_stage(data, config, journal, tell)
        for query, found in first.found.items():
            if not found.documents:
                problems.add("no_candidates", query)
        raw = _judge_all(data, config, first, journal, tell)
        undo.pop_all()
    return Raw(first=first, judged=raw.judged, sessions=raw.sessions, problems=problems.values(), warnings=raw.warnings), journal


def _silent(stage: str, done: int, total: int) -> None:
    """Nobody looks."""


def _first_stage(data: Dataset, config: ExperimentConfig, journal: Journal, tell: Progress) -> tuple[FirstStage, ProblemList]:
    problems = ProblemList()
    for record in journal.kept("first"):
        for kind, examples in record["problems"].items():
            for example in examples:
                problems.add(kind, example)
        found = {query: Found(documents=tuple(d), scores=tuple(s), milliseconds=ms) for query, (d, s, ms) in record["found"].items()}
        return FirstStage(name=record["name"], found=found, runtime=record["runtime"], load_ms=record["load_ms"]), problems
    first = find_candidates(
        data,
        config.retriever,
        candidates=config.candidates,
        problems=problems,
        progress=lambda done, total: tell(config.retriever, done, total),
    )
    rows = {query: (found.documents, found.scores, found.milliseconds) for query, found in first.found.items()}
    kept = {"name": first.name, "runtime": first.runtime, "load_ms": first.load_ms, "found": rows, "problems": problems.everything()}
    journal.add("first", kept)
    return first, problems


def _judge_all(data: Dataset, config: ExperimentConfig, first: FirstStage, journal: Journal, tell: Progress) -> Raw:
    judged: dict[str, dict[str, Timed]] = {spec.name: {} for spec in config.rerankers}
    sessions: dict[str, list[Record]] = {spec.name: [] for spec in config.rerankers}
    warnings: dict[str, dict[str, None]] = {spec.name: {} for spec in config.rerankers}
    for record in journal.kept("session"):
        sessions[record["system"]].append(record)
    for record in journal.kept("judged"):
        judged[record["system"]][record["query"]] = _timed(record)
        warnings[record["system"]].update(dict.fromkeys(record["warnings"]))
    texts = {query: [data.documents[d] for d in found.documents if d in data.documents] for query, found in first.found.items()}
    tasks = [(spec, query) for spec, query in _order(config, texts) if query not in judged[spec.name]]
    total = len(config.rerankers) * sum(map(bool, texts.values()))
    workers: dict[str, Worker] = {}
    with ExitStack() as stack:
        for done, (spec, query) in enumerate(tasks, total - len(tasks)):
            tell("judging", done, total)
            if spec.name not in workers:
                if not config.interleave:
                    stack.pop_all().close()
                workers[spec.name] = stack.enter_context(_open(spec, journal, sessions[spec.name]))
                _warm_up(workers[spec.name], data, texts, seed=config.seed)
            answer = workers[spec.name].judge(data.queries[query].text, texts[query])
            record = {"system": spec.name, "query": query, "scores": answer.scores, "logits": answer.logits}
            record |= {"ms": answer.milliseconds, "memory_mib": answer.memory_mib, "warnings": answer.warnings}
            journal.add("judged", record)
            judged[spec.name][query] = _timed(record)
            warnings[spec.name].update(dict.fromkeys(answer.warnings))
        tell("judging", total, total)
    return Raw(first=first, judged=judged, sessions=sessions, warnings={name: tuple(said) for name, said in warnings.items()})


def _order(config: ExperimentConfig, texts: Mapping[str, Sequence[str]]) -> Iterator[tuple[RerankerSpec, str]]:
    """Queries by lot, and with turns the rerankers of each by lot as well: what else the machine does falls on all alike."""
    draw = random.Random(config.seed)
    queries = [query for query, given in texts.items() if given]
    draw.shuffle(queries)
    if not config.interleave:
        specs = draw.sample(config.rerankers, len(config.rerankers))
        yield from ((spec, query) for spec in specs for query in queries)
        return
    for query in queries:
        yield from ((spec, query) for spec in draw.sample(config.rerankers, len(config.rerankers)))


def _open(spec: RerankerSpec, journal: Journal, sessions: list[Record]) -> Worker:
    """Start it. Raises ConfigError where it loads another model than it did before the run was interrupted."""
    with ExitStack() as undo:
        worker = undo.enter_context(Worker(spec))
        record = {"system": spec.name, **asdict(worker.facts)}
        for fact in ("model", "revision"):
            if sessions and sessions[-1][fact] != record[fact]:
                raise ConfigError(
                    f"{spec.name}: its {fact} was {sessions[-1][fact]!r} when the run was interrupted and is {record[fact]!r} now; "
                    "--restart begins anew, another --json keeps what was done"
                )
        journal.add("session", record)
        sessions.append(record)
        undo.pop_all()
    return worker


def _warm_up(worker: Worker, data: Dataset, texts: Mapping[str, Sequence[str]], *, seed: int) -> None:
    """Judge a few queries for nothing: the first ones pay for set-up. The longest is among them, so that memory is asked for by then."""
    given = [query for query, documents in texts.items() if documents]
    longest = max(given, key=lambda query: sum(map(len, texts[query])))
    chosen = random.Random(seed + 1).sample(given, min(_WARM_UP, len(given)))
    for query in [longest, *chosen][:_WARM_UP]:
        worker.judge(data.queries[query].text, texts[query])


def _timed(record: Record) -> Timed:
    logits = record["logits"]
    return Timed(
        scores=tuple(record["scores"]),
        logits=None if logits is None else tuple(logits),
        milliseconds=record["ms"],
        memory_mib=record["memory_mib"],
    )


def _fingerprint(data: Dataset, config: ExperimentConfig) -> str:
    """Of all that decides what is computed, and of nothing else."""
    specs = [
        (
            spec.name,
            spec.adapter,
            spec.model,
            folder_digest(spec.model),
            spec.python,
            {k: v for k, v in spec.options.items() if k != "api_key"},
        )
        for spec in config.rerankers
    ]
    run = hashlib.sha256(Path(config.retriever).read_bytes()).hexdigest() if Path(config.retriever).is_file() else ""
    parts = [SCHEMA, __version__, data.digest, sorted(data.queries), config.retriever, run, config.candidates, config.seed, specs]
    return hashlib.sha256(json.dumps(parts, default=str, sort_keys=True).encode()).hexdigest()
