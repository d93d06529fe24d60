"""`adjudge ask`: an answer from the passages of an index, with its sources."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any

import typer

from ..errors import ConfigError
from .ask_options import (
    ExtractiveOption,
    InstructionsOption,
    LanguageModelOption,
    LanguageModelUrlOption,
    MaxTokensOption,
    PassOption,
    TemperatureOption,
    TimeoutOption,
)
from .console import write
from .json_text import to_json
from .notes import hush
from .options import (
    AggregationOption,
    BackendOption,
    BatchTokensOption,
    BudgetOption,
    CacheDirOption,
    CacheOption,
    CalibrationOption,
    DeviceOption,
    FirstOption,
    JsonOption,
    KeepOption,
    MaxLengthOption,
    ModelOption,
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
from .search_options import CandidatesOption, FusionOption, IndexOption, KeptOption, QuestionArgument, RetrieverOption, WhereOption
from .searching import check_search, open_pipeline, say_if_nothing_meets

if TYPE_CHECKING:
    from ..answer import Answerer
    from ..pipeline import PipelineResult

__all__ = ["EXAMPLES", "app", "ask"]

app = typer.Typer()

logger = logging.getLogger("adjudge.cli")

EXAMPLES = (
    'adjudge ask "How do I reset the device?" --index manuals',
    'adjudge ask "How do I reset the device?" --index manuals --llm-url http://localhost:11434/v1 --llm-model qwen3',
    'adjudge ask "How do I reset the device?" --index manuals --extractive --json',
)

HELP = """
    Answer QUERY from an index, and name the sources.

    The passages that pass the threshold go, numbered, to a language model behind any OpenAI-compatible endpoint, and its answer streams
    with citations, which are checked. Where no passage passes, it says that the documents do not answer, and asks nobody.

    The endpoint is --llm-url and --llm-model, else ADJUDGE_LLM_BASE_URL and ADJUDGE_LLM_MODEL, else OPENAI_BASE_URL and OPENAI_MODEL; the
    key is ADJUDGE_LLM_API_KEY, and for the last OPENAI_API_KEY. Where no model is named, or with --extractive, nothing leaves the
    machine: the answer is the sentences that carried the judge's score, word for word.
    """


@app.command(help=flow(HELP), epilog=examples(EXAMPLES))
def ask(
    context: typer.Context,
    query: QuestionArgument,
    index: IndexOption,
    candidates: CandidatesOption = 100,
    top_n: KeptOption = 5,
    threshold: PassOption = "dynamic",
    where: WhereOption = None,
    retriever: RetrieverOption = "hybrid",
    fusion: FusionOption = None,
    llm_url: LanguageModelUrlOption = None,
    llm_model: LanguageModelOption = None,
    extractive: ExtractiveOption = False,
    instructions: InstructionsOption = None,
    max_tokens: MaxTokensOption = None,
    temperature: TemperatureOption = None,
    timeout: TimeoutOption = 60.0,
    json: JsonOption = False,
    quiet: QuietOption = False,
    progress: ProgressOption = None,
    windows: WindowsOption = True,
    aggregation: AggregationOption = "max",
    first: FirstOption = None,
    keep: KeepOption = None,
    budget_ms: BudgetOption = None,
    model: ModelOption = "embedded",
    backend: BackendOption = "auto",
    device: DeviceOption = "auto",
    precision: PrecisionOption = "auto",
    threads: ThreadsOption = None,
    max_length: MaxLengthOption = None,
    max_batch_tokens: BatchTokensOption = None,
    revision: RevisionOption = None,
    cache_dir: CacheDirOption = None,
    cache: CacheOption = None,
    calibration: CalibrationOption = None,
    trust_remote_code: TrustOption = False,
) -> None:
    """Search, answer, name the sources."""
    hush(quiet)
    conditions = check_search(context.params)
    bars = progress_wanted(progress, quiet=quiet)
    with _answerer(context.params) as answerer, open_pipeline(context.params, judge=True, progress=bars) as pipeline:
        result = pipeline.search(query, where=conditions, progress=bars)
        say_if_nothing_meets(result, where)
        _show(answerer, result, json=json, quiet=quiet)


def _show(answerer: Answerer, result: PipelineResult, *, json: bool, quiet: bool) -> None:
    from .ask_view import answer_object, show_answer

    for warning in result.warnings:
        logger.warning("%s", warning)
    if result.ranking is None:
        raise AssertionError("this is a bug: a search with a judge has a ranking")
    stream = answerer.stream(result.ranking)
    if not json:
        show_answer(stream, result, quiet=quiet)
        return
    for _ in stream:
        pass
    write(to_json(answer_object(stream.answer, result), indent=2))


def _answerer(params: dict[str, Any]) -> Answerer:
    """Checked and ready before any model is loaded."""
    from ..answer import AnswerConfig, Answerer, endpoint_from

    config = AnswerConfig(instructions=params["instructions"])
    named = [f"--llm-{name}" for name in ("url", "model") if params[f"llm_{name}"] is not None]
    if params["extractive"]:
        if named:
            raise ConfigError(f"--extractive asks no language model, and {' and '.join(named)} names one; give one or the other")
        return Answerer(None, config)
    endpoint = endpoint_from(
        os.environ,
        base_url=params["llm_url"],
        model=params["llm_model"],
        timeout_s=params["timeout"],
        max_tokens=params["max_tokens"],
        temperature=params["temperature"],
    )
    return Answerer(endpoint, config)
