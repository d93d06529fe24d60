"""`adjudge serve`: the judge behind HTTP."""

from __future__ import annotations

import logging
import math
import os
import sys
from typing import TYPE_CHECKING

import typer

from ..errors import ConfigError
from .console import err, out, visible
from .loading import check_cascade, load_options
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
    KeepOption,
    MaxLengthOption,
    PrecisionOption,
    QuietOption,
    RevisionOption,
    ThreadsOption,
    TrustOption,
    WindowsOption,
)
from .prose import examples, flow
from .serve_options import (
    AccessLogOption,
    ApiKeyFileOption,
    BaselineOption,
    CorsOriginOption,
    CpuFallbackOption,
    HostOption,
    LogRequestsOption,
    MaxBodyMbOption,
    MaxDocumentsOption,
    MaxPairsQueuedOption,
    ModelsOption,
    PortOption,
    TimeoutOption,
    TracingOption,
)

if TYPE_CHECKING:
    from ..server.run import Listening
    from ..server.settings import Settings

__all__ = ["EXAMPLES", "app", "serve"]

app = typer.Typer()

EXAMPLES = (
    "adjudge serve",
    "adjudge serve --host 0.0.0.0 --port 8080 --api-key-file keys.txt",
    "adjudge serve --model BAAI/bge-reranker-v2-m3 --first embedded --budget-ms 200",
    "adjudge serve --model rerank-v3.5=embedded --model big=BAAI/bge-reranker-v2-m3",
)

HELP = """
    Put the judge behind HTTP, for clients of Cohere, Jina, TEI, vLLM and Infinity, and its own POST /rerank.

    Models load in the background: GET /health answers at once, GET /ready when all are warm, GET /info says what runs. The page at / tries
    it out, GET /metrics is for Prometheus, GET /openapi.json describes every path. SIGTERM and Ctrl-C answer what was accepted, then stop.

    Keys come from --api-key-file and from ADJUDGE_API_KEYS, with commas between; without any, everybody who reaches the port may ask.
    There is no --workers: requests share batches inside one process, and each further process would load every model again. To use more
    machines or GPUs, start a server on each and put a load balancer before them.
    """


@app.command(help=flow(HELP), epilog=examples(EXAMPLES))
def serve(
    context: typer.Context,
    model: ModelsOption = None,
    host: HostOption = "127.0.0.1",
    port: PortOption = 8000,
    api_key_file: ApiKeyFileOption = None,
    cors_origin: CorsOriginOption = None,
    cpu_fallback: CpuFallbackOption = False,
    baseline: BaselineOption = None,
    tracing: TracingOption = False,
    access_log: AccessLogOption = False,
    log_requests: LogRequestsOption = False,
    max_body_mb: MaxBodyMbOption = 16.0,
    max_documents: MaxDocumentsOption = 10_000,
    max_pairs_queued: MaxPairsQueuedOption = 20_000,
    timeout: TimeoutOption = 60.0,
    first: FirstOption = None,
    keep: KeepOption = None,
    budget_ms: BudgetOption = None,
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
    cache: CacheOption = None,
    calibration: CalibrationOption = None,
    trust_remote_code: TrustOption = False,
    quiet: QuietOption = False,
) -> None:
    """Check, say where it listens, serve, and say how it ended."""
    from ..server.logs import server_log
    from ..server.run import run

    settings = _settings(context)
    logger = logging.getLogger("adjudge")
    wanted = logging.ERROR if quiet else logging.INFO
    with server_log(min(wanted, logger.level) if logger.level == logging.DEBUG else wanted):
        ended = run(settings, announce=None if quiet else lambda listening: _announce(listening, settings))
    if not ended.clean:  # a thread hangs in a model or a download; Python would wait for it for ever
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0 if ended.failure is None else 1)
    if ended.failure is not None:
        raise ended.failure


def _settings(context: typer.Context) -> Settings:
    from ..reranker import engine_config
    from ..server.auth import read_keys
    from ..server.settings import Limits, LogSettings, ModelSource, Settings, parse_baselines, parse_model

    given = context.params
    models = tuple(parse_model(text) for text in given["model"] or ()) or (ModelSource(name="embedded", source="embedded"),)
    check_cascade(given, [source.source for source in models])
    options = load_options(given)
    engine_config(options)  # a wrong option is told here, before a port is open and a thread loads models
    return Settings(
        models=models,
        options=options,
        limits=Limits(
            body_bytes=_bytes(given["max_body_mb"]),
            documents=given["max_documents"],
            pairs=given["max_pairs_queued"],
            timeout_s=given["timeout"],
        ),
        host=given["host"],
        port=given["port"],
        keys=read_keys(given["api_key_file"], os.environ.get("ADJUDGE_API_KEYS")),
        cors_origins=tuple(given["cors_origin"] or ()),
        cpu_fallback=given["cpu_fallback"],
        baselines=parse_baselines(given["baseline"] or (), models[0].name),
        tracing=given["tracing"],
        log=LogSettings(access=given["access_log"], texts=given["log_requests"]),
    )


def _bytes(mebibytes: float) -> int:
    if not 0 < mebibytes < math.inf:  # NaN fails the comparison
        raise ConfigError(f"--max-body-mb must be a finite number of MiB above 0, not {mebibytes:.15g}")
    return math.ceil(mebibytes * 2**20)


def _announce(listening: Listening, settings: Settings) -> None:
    from rich.text import Text

    names = ", ".join(f"{source.name} ({source.source})" if source.name != source.source else source.name for source in settings.models)
    keys = f", {len(settings.keys)} API keys" if settings.keys else ""
    first = Text.assemble(("adjudge", "bold"), " serves ", (visible(names), "bold"), " at ", (listening.url, "bold cyan"), keys)
    out().print(first, soft_wrap=True)
    out().print(Text(f"  the page {listening.url}/   how it is {listening.url}/ready   Ctrl-C stops", style="dim"), soft_wrap=True)
    if listening.public and not settings.keys:
        open_door = "  no API keys: everybody who reaches this port may ask (--api-key-file, ADJUDGE_API_KEYS)"
        err().print(Text(open_door, style="yellow"), soft_wrap=True)
