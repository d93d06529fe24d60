"""How much of the engine's speed is left behind HTTP, and how others serve the same model on the same machine.

    python -m benchmarks.service --data DIR [--seconds 60] [--rounds 1] [--clients 1,4,16,64] [--servers adjudge,st-fastapi,infinity]

Every client asks, waits for its answer, and asks again. Requests hold 1 to 50 passages of natural length, mixed; all servers get the same
ones, at most 512 tokens a pair. The model has the MiniLM shape with random weights (`--shape`), which every server can load; `--embedded`
measures the shipped model too, on adjudge alone.

- Throughput against the bare engine: before and after each level the library scores the same pairs in this process, many requests in
  one call, which is the best it can do; the ratio is to the mean of both. The server stands still meanwhile. With `--rounds` all levels
  are measured again and again, and the ratio is the median: a shared host may change its speed by a third within a minute.
- Added latency: one client, an idle server; each request is also ranked by the library in this process, and the difference is taken
  request by request. `--probes` of them.
- Soak: `--soak` seconds under 16 clients; resident memory every 5 seconds. Growth is the slope over the second half.

Clients run on the same cores and cost a little too: `clients_busy_cores` says how much.
"""

from __future__ import annotations

import threading
import time
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import psutil
from rich.console import Console
from rich.table import Table

from adjudge import Reranker
from adjudge.config import WindowConfig

from .models import add_models_argument, build_model
from .passages import add_data_argument, read_passages
from .results import write_results
from .service_load import Asked, Seen, added_latency, draw_asked, press
from .service_servers import SERVERS, NotStartedError, Running, Server, running
from .shapes import SHAPES
from .systems import DEFAULT_PEERS

__all__ = ["bare_rate", "main", "measure", "soak"]

BARE_S = 10.0
BARE_REQUESTS = 16
"""As many requests in one call as clients may be waiting at once: about 300 pairs, far more than a batch holds."""

EVERY_S = 5.0
SOAK_CLIENTS = 16


def bare_rate(judge: Reranker, asked: Sequence[Asked], *, seconds: float = BARE_S) -> float:
    """Pairs a second of the library alone: all requests' pairs in one call, again and again."""
    pairs = [(request.query, text) for request in asked for text in request.documents]
    began, done = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        judge.score(pairs)
        done += len(pairs)
    return done / (time.perf_counter() - began)


def measure(at: Running, judge: Reranker, asked: Sequence[Asked], args: Namespace) -> dict[str, Any]:
    """One server: idle, then under each number of clients."""
    few = asked[:BARE_REQUESTS]
    press(at.url, few, clients=4, seconds=min(5.0, args.seconds))  # warm-up
    own = psutil.Process()
    levels = {clients: Level() for clients in args.clients}
    for _ in range(args.rounds):
        for clients, level in levels.items():
            before, busy = bare_rate(judge, few, seconds=min(BARE_S, args.seconds)), own.cpu_times()
            seen = press(at.url, asked, clients=clients, seconds=args.seconds)
            after_busy, after = own.cpu_times(), bare_rate(judge, few, seconds=min(BARE_S, args.seconds))
            level.add(seen, bare=(before + after) / 2, busy_s=after_busy.user + after_busy.system - busy.user - busy.system)
            level.rss_mib = at.rss_mib()
    found = {str(clients): level.summary() for clients, level in levels.items()}
    return {"label": at.server.label, "added_ms": idle(at, judge, asked, args.probes), "levels": found}


@dataclass(slots=True)
class Level:
    """One number of clients in all rounds."""

    seen: Seen = field(default_factory=Seen)
    bare: list[float] = field(default_factory=list)  # pairs a second of the library, a round each
    of_bare: list[float] = field(default_factory=list)
    busy_s: float = 0.0
    rss_mib: float = 0.0

    def add(self, seen: Seen, *, bare: float, busy_s: float) -> None:
        """A round."""
        self.bare.append(bare)
        self.of_bare.append(seen.pairs / seen.seconds / bare)
        self.seen.add(seen)
        self.busy_s += busy_s

    def summary(self) -> dict[str, Any]:
        """For the results."""
        return self.seen.summary() | {
            "bare_pairs_per_s": median(self.bare),
            "of_bare": median(self.of_bare),
            "of_bare_by_round": self.of_bare,
            "clients_busy_cores": self.busy_s / self.seen.seconds,
            "rss_mib": self.rss_mib,
        }


def idle(at: Running, judge: Reranker, asked: Sequence[Asked], probes: int) -> dict[str, dict[str, float]]:
    """Added latency of small requests, and of all sizes."""
    single = [Asked(request.query, request.documents[:1]) for request in asked]
    found = {}
    for name, chosen in (("one_document", single[:probes]), ("mixed", list(asked[:probes]))):
        alone = []
        for request in chosen:
            began = time.perf_counter()
            judge.rank(request.query, request.documents)
            alone.append(time.perf_counter() - began)
        found[name] = added_latency(at.url, chosen, alone)
    return found


def soak(at: Running, asked: Sequence[Asked], *, seconds: float) -> dict[str, Any]:
    """Memory under load."""
    samples: list[tuple[float, float]] = []
    over, began = threading.Event(), time.perf_counter()

    def watch() -> None:
        while not over.wait(EVERY_S):
            samples.append((time.perf_counter() - began, at.rss_mib()))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        seen = press(at.url, asked, clients=SOAK_CLIENTS, seconds=seconds)
    finally:
        over.set()
        watcher.join()
    later = np.array(samples[len(samples) // 2 :]) if len(samples) >= 4 else np.empty((0, 2))
    slope = float(np.polyfit(later[:, 0] / 60, later[:, 1], 1)[0]) if len(later) else None
    return seen.summary() | {"rss_mib": [round(mib, 1) for _, mib in samples], "growth_mib_per_minute": slope}


def run(name: str, model: str, args: Namespace, wanted: Sequence[str]) -> dict[str, Any]:
    """All servers on one model."""
    asked = draw_asked(read_passages(args.data / args.set_name), 2000)
    found: dict[str, Any] = {}
    with Reranker(model, max_length=512, windows=WindowConfig(mode="truncate")) as judge:
        judge.warm_up()
        for server in (s for s in SERVERS if s.name in wanted):
            try:
                seen = _run_one(server, name, model, judge, asked, args)
            except NotStartedError as error:  # the others are worth their hour all the same
                Console(stderr=True).print(f"{server.name}: left out. {error}")
                continue
            if seen is not None:
                found[server.name] = seen
    return found


def _run_one(server: Server, name: str, model: str, judge: Reranker, asked: Sequence[Asked], args: Namespace) -> dict[str, Any] | None:
    log = Path("build/benchmark-logs") / f"service-{name}-{server.name}.log"
    with running(server, model, args.peers, log=log) as at:
        if at is None:
            Console(stderr=True).print(f"{server.name}: no environment; python -m benchmarks.make_peers {server.environment}")
            return None
        found = measure(at, judge, asked, args)
        return found | {"soak": soak(at, asked, seconds=args.soak)} if args.soak and server.name == "adjudge" else found


def show(name: str, found: dict[str, Any]) -> Table:
    """For the terminal."""
    table = Table(title=f"{name}: servers under load")
    for column in ("server", "clients", "pairs/s", "of the bare engine", "p50 ms", "p95 ms", "p99 ms", "failed", "RSS MiB"):
        table.add_column(column, justify="left" if column == "server" else "right")
    for server in found.values():
        for clients, level in server["levels"].items():
            times = [f"{level['latency_ms'].get(p, float('nan')):,.0f}" for p in ("p50", "p95", "p99")]
            rates = (f"{level['pairs_per_s']:,.0f}", f"{level['of_bare']:.0%}")
            table.add_row(server["label"], clients, *rates, *times, str(level["failed"]), f"{level['rss_mib']:,.0f}")
    return table


def main() -> None:
    """Measure, show, write."""
    parser = ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    add_data_argument(parser)
    add_models_argument(parser)
    parser.add_argument("--shape", default="minilm", choices=[*SHAPES, "none"], help="of the model that all load (default: %(default)s)")
    parser.add_argument("--embedded", action="store_true", help="the shipped model too, on adjudge alone")
    parser.add_argument("--servers", type=lambda text: text.split(","), default=[s.name for s in SERVERS], metavar="NAMES")
    parser.add_argument("--clients", type=lambda text: [int(n) for n in text.split(",")], default=[1, 4, 16, 64], metavar="N,N")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--rounds", type=int, default=1, metavar="N", help="of all levels (default: %(default)s)")
    parser.add_argument("--probes", type=int, default=200, help="requests that measure the added latency (default: %(default)s)")
    parser.add_argument("--soak", type=float, default=0.0, metavar="SECONDS")
    parser.add_argument("--peers", type=Path, default=DEFAULT_PEERS, metavar="DIR")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    content: dict[str, Any] = {"seconds": args.seconds, "rounds": args.rounds, "models": {}}
    if args.shape != "none":
        folder = build_model(SHAPES[args.shape], args.models, data=args.data, tokenizer=args.tokenizer)
        content["models"][args.shape] = run(args.shape, str(folder.absolute()), args, args.servers)
    if args.embedded:
        content["models"]["embedded"] = run("embedded", "embedded", args, ["adjudge"])
    for name, found in content["models"].items():
        Console().print(show(name, found))
    Console().print(str(write_results("service", content, out=args.out)))


if __name__ == "__main__":
    main()
