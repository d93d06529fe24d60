"""`adjudge evaluate`: does reranking help on this data, by how much, at what cost, and against whom."""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ..errors import ConfigError
from .console import out, say, write
from .evaluate_options import (
    CandidatesOption,
    DataArgument,
    FailUnderGainOption,
    LanguageOption,
    LeastGainOption,
    MeasuresOption,
    OneAtATimeOption,
    PeerPythonOption,
    QrelsOption,
    QueriesOption,
    RelevantFromOption,
    ReportOption,
    RerankOption,
    ResamplesOption,
    RestartOption,
    ResultOption,
    RetrieverOption,
    SeedOption,
    SplitOption,
    WorstOption,
)
from .evaluate_targets import check_targets, journal_of
from .exit_codes import GATE, OK
from .notes import hush
from .options import (
    AggregationOption,
    BackendOption,
    BatchTokensOption,
    CacheDirOption,
    DeviceOption,
    MaxLengthOption,
    PrecisionOption,
    ProgressOption,
    QuietOption,
    RevisionOption,
    ThreadsOption,
    TrustOption,
    WindowsOption,
    progress_wanted,
)
from .prose import examples, flow

if TYPE_CHECKING:
    from ..evaluate.assemble import MeasureConfig
    from ..evaluate.experiment import ExperimentConfig, Progress
    from ..evaluate.peers import RerankerSpec
    from ..evaluate.result import Evaluation

__all__ = ["EXAMPLES", "app", "evaluate"]

app = typer.Typer()

logger = logging.getLogger("adjudge.cli")

EXAMPLES = (
    "adjudge evaluate my-beir-set/ --rerank embedded --json result.json --report report.html",
    "adjudge evaluate my-beir-set/ --retriever hybrid --rerank ./my-model,embedded --candidates 50",
    "adjudge evaluate my-beir-set/ --retriever my-search.trec --rerank embedded --fail-under-gain 0.02",
    "adjudge evaluate pairs.csv --rerank embedded,flagembedding:BAAI/bge-reranker-base --peer-python flagembedding=fe/bin/python",
)

HELP = """
    Say whether reranking helps on DATA, by how much, how surely, and at what cost.

    DATA is a folder in BEIR's layout (corpus.jsonl, queries.jsonl, qrels), or a file that brings each query's passages: .jsonl as MTEB's
    reranking tasks have it, .csv or .tsv with the columns query, passage and label. The first stage runs once; every reranker then gets the
    same candidates, in a process of its own, query by query in an order drawn by lot.

    Prints a verdict on the first reranker, and a table. Differences come with paired bootstrap intervals and a permutation test, corrected
    where several rerankers are compared. Nothing is repaired in silence: what is wrong with the data is listed.

    Other libraries run where they are installed: flagembedding:, sentence-transformers: (also -onnx, -openvino), fastembed:, rerankers:,
    flashrank:, or a server as http-native:, http-cohere:, http-jina:, http-tei:, http-vllm:, http-infinity: with its address.
    """


@app.command(help=flow(HELP), epilog=examples(EXAMPLES))
def evaluate(
    context: typer.Context,
    data: DataArgument,
    retriever: RetrieverOption = "bm25",
    rerank: RerankOption = None,
    candidates: CandidatesOption = 100,
    split: SplitOption = None,
    qrels: QrelsOption = None,
    relevant_from: RelevantFromOption = 1,
    queries: QueriesOption = None,
    language: LanguageOption = None,
    measures: MeasuresOption = None,
    least_gain: LeastGainOption = 0.01,
    resamples: ResamplesOption = 10_000,
    fail_under_gain: FailUnderGainOption = None,
    result: ResultOption = None,
    report: ReportOption = None,
    worst: WorstOption = 10,
    peer_python: PeerPythonOption = None,
    one_at_a_time: OneAtATimeOption = False,
    restart: RestartOption = False,
    seed: SeedOption = 0,
    quiet: QuietOption = False,
    progress: ProgressOption = None,
    windows: WindowsOption = True,
    aggregation: AggregationOption = "max",
    backend: BackendOption = "auto",
    device: DeviceOption = "auto",
    precision: PrecisionOption = "auto",
    threads: ThreadsOption = None,
    max_length: MaxLengthOption = None,
    max_batch_tokens: BatchTokensOption = None,
    revision: RevisionOption = None,
    cache_dir: CacheDirOption = None,
    trust_remote_code: TrustOption = False,
) -> int:
    """Read, run, measure, show."""
    from ..evaluate.dataset import DatasetConfig, read_dataset
    from ..evaluate.evaluation import evaluate as run

    hush(quiet)
    specs = _specs(rerank or [], peer_python or [], context.params)
    _check_gate(fail_under_gain, specs)
    stored = None if result is None or str(result) == "-" else result
    check_targets(stored, report, data=data, qrels=qrels, retriever=retriever)
    experiment, config = _experiment(context.params, specs, stored), _measuring(context.params)
    reading = DatasetConfig(split=split, qrels=qrels, relevant_from=relevant_from, queries=queries, language=language)
    with _bars(progress_wanted(progress, quiet=quiet)) as advance:
        found = run(read_dataset(data, reading), experiment, config, out=stored, progress=advance)
    _show(found, result, quiet=quiet)
    if report is not None:
        from ..evaluate.report import write_report

        write_report(report, found)
        _wrote(report, quiet=quiet or str(result) == "-")
    return _gate(found, fail_under_gain)


def _experiment(params: Mapping[str, Any], specs: tuple[RerankerSpec, ...], stored: Path | None) -> ExperimentConfig:
    from ..evaluate.experiment import ExperimentConfig

    return ExperimentConfig(
        retriever=params["retriever"],
        rerankers=specs,
        candidates=params["candidates"],
        interleave=not params["one_at_a_time"],
        seed=params["seed"],
        journal=None if stored is None else journal_of(stored),
        restart=params["restart"],
    )


def _measuring(params: Mapping[str, Any]) -> MeasureConfig:
    from ..evaluate.assemble import MeasureConfig

    named = params["measures"]
    measures = None if named is None else tuple(name.strip() for name in named.split(",") if name.strip())
    return MeasureConfig(measures=measures, **{name: params[name] for name in ("resamples", "least_gain", "worst")})


def _specs(rerank: list[str], peer_python: list[str], params: Mapping[str, Any]) -> tuple[RerankerSpec, ...]:
    from ..evaluate.peers import parse_reranker

    options = _model_options(params)
    pythons = _pythons(peer_python)
    named = [name for written in rerank for name in written.split(",") if name.strip()]
    if rerank and not named:
        raise ConfigError("--rerank names no reranker")
    specs = tuple(parse_reranker(name, options=options, pythons=pythons) for name in named)
    own = [spec.name for spec in specs if not spec.peer]
    if params["revision"] is not None and len(own) > 1:
        raise ConfigError(f"--revision belongs to one model, and {len(own)} are named: {', '.join(own)}")
    return specs


def _model_options(params: Mapping[str, Any]) -> dict[str, Any]:
    """Options of Reranker() that were given, as values that can be sent to another process."""
    names = ("backend", "device", "precision", "threads", "max_length", "max_batch_tokens", "revision", "trust_remote_code")
    options = {name: params[name] for name in names}
    options["cache_dir"] = None if params["cache_dir"] is None else str(params["cache_dir"])
    options["windows"] = {"mode": "windows" if params["windows"] else "truncate", "aggregation": params["aggregation"]}
    key = os.environ.get("ADJUDGE_API_KEY")
    return options | ({"api_key": key} if key else {})


def _pythons(written: list[str]) -> dict[str, str]:
    from ..evaluate.peers import ADAPTERS

    found = {}
    for text in written:
        library, equals, python = text.partition("=")
        known = [name for name in ADAPTERS if name != "adjudge" and not name.startswith("http-")]
        if not equals or not python or library not in known:
            raise ConfigError(f"--peer-python {text!r} must be LIBRARY=PYTHON, where LIBRARY is {', '.join(known)}")
        found[library] = python
    return found


def _check_gate(gain: float | None, specs: tuple[RerankerSpec, ...]) -> None:
    if gain is not None and not math.isfinite(gain):
        raise ConfigError(f"--fail-under-gain must be a finite number, not {gain}")
    if gain is not None and not specs:
        raise ConfigError("--fail-under-gain needs a reranker: name one with --rerank")


@contextmanager
def _bars(wanted: bool) -> Iterator[Progress | None]:
    """One bar, renamed as the work goes on."""
    if not wanted:
        yield None
        return
    from .evaluate_progress import show_stages

    with show_stages() as advance:
        yield advance


def _show(found: Evaluation, result: Path | None, *, quiet: bool) -> None:
    if str(result) == "-":
        from ..evaluate.result import to_json

        write(to_json(found).rstrip("\n"))
        return
    from .evaluate_view import show_evaluation

    show_evaluation(out(), found, quiet=quiet)
    if result is not None:
        _wrote(result, quiet=quiet)


def _wrote(path: Path, *, quiet: bool) -> None:
    if not quiet:
        say(f"wrote {path}")


def _gate(found: Evaluation, gain: float | None) -> int:
    """The exit code: the gate holds where the gain is large enough and, where one was asked for, no accident."""
    if gain is None:
        return OK
    change = found.comparisons[0].changes[found.settings.main]
    seen = f"--fail-under-gain {gain:g}: the gain in {found.settings.main} is {change.difference:+.4f}"
    if change.difference < gain:
        say(seen)
        return GATE
    if gain > 0 and change.low <= 0:
        say(f"{seen}, and may be none: its interval begins at {change.low:+.4f}")
        return GATE
    return OK
