"""The options of `adjudge serve` that no other command has."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

__all__ = [
    "AccessLogOption",
    "ApiKeyFileOption",
    "BaselineOption",
    "CorsOriginOption",
    "CpuFallbackOption",
    "HostOption",
    "LogRequestsOption",
    "MaxBodyMbOption",
    "MaxDocumentsOption",
    "MaxPairsQueuedOption",
    "ModelsOption",
    "PortOption",
    "TimeoutOption",
    "TracingOption",
]

_SERVER, _LIMITS, _WATCH, _MODEL = "Server", "Limits", "Watching", "Model"

ModelsOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--model",
        "-m",
        metavar="NAME=MODEL",
        help="A model and what requests call it; the name can be left out. Again for more models; the first is the default. "
        "Otherwise: embedded.",
        rich_help_panel=_MODEL,
        show_default=False,
    ),
]
HostOption: TypeAlias = Annotated[
    str, typer.Option("--host", metavar="ADDRESS", help="Where to listen; 0.0.0.0 for other machines too.", rich_help_panel=_SERVER)
]
PortOption: TypeAlias = Annotated[
    int, typer.Option("--port", metavar="N", help="Where to listen; 0 for any that is free.", rich_help_panel=_SERVER)
]
ApiKeyFileOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--api-key-file",
        metavar="FILE",
        help="Only requests with one of these keys are answered. One a line; # begins a comment.",
        rich_help_panel=_SERVER,
        show_default=False,
    ),
]
CorsOriginOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--cors-origin",
        metavar="ORIGIN",
        help="Pages of this origin may ask from a browser, as https://example.com, or * for any. Can be given several times.",
        rich_help_panel=_SERVER,
        show_default=False,
    ),
]
CpuFallbackOption: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--cpu-fallback",
        metavar="",
        help="A model whose GPU is lost or full goes on on the CPU; /info and the log say so.",
        rich_help_panel=_MODEL,
    ),
]
BaselineOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--baseline",
        metavar="NAME=FILE",
        help="What `adjudge monitor baseline` wrote for a model: /monitor, /metrics and the log tell when scores drift from it. "
        "Without a name, the first model's.",
        rich_help_panel=_WATCH,
        show_default=False,
    ),
]
TracingOption: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--tracing",
        metavar="",
        help="OpenTelemetry spans of each request, sent where OTEL_EXPORTER_OTLP_ENDPOINT and its kin say.",
        rich_help_panel=_WATCH,
    ),
]
AccessLogOption: TypeAlias = Annotated[
    bool, typer.Option("--access-log", metavar="", help="A line for each request, without its texts.", rich_help_panel=_WATCH)
]
LogRequestsOption: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--log-requests", metavar="", help="The query and the documents of each request as well, shortened.", rich_help_panel=_WATCH
    ),
]
MaxBodyMbOption: TypeAlias = Annotated[
    float, typer.Option("--max-body-mb", metavar="MB", help="Largest body of a request, in MiB.", rich_help_panel=_LIMITS)
]
MaxDocumentsOption: TypeAlias = Annotated[
    int, typer.Option("--max-documents", metavar="N", help="Most documents in a request.", rich_help_panel=_LIMITS)
]
MaxPairsQueuedOption: TypeAlias = Annotated[
    int,
    typer.Option(
        "--max-pairs-queued",
        metavar="N",
        help="Most documents accepted and not yet answered, of all requests together; what would be more gets 429.",
        rich_help_panel=_LIMITS,
    ),
]
TimeoutOption: TypeAlias = Annotated[
    float,
    typer.Option("--timeout", metavar="SECONDS", help="A request that is not answered by then gets 504.", rich_help_panel=_LIMITS),
]
