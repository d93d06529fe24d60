"""Pairs per second, memory and agreement of adjudge and its peers, on the same models, the same pairs and the same machine, in one run.

python -m benchmarks.speed --data DIR [--shape minilm|base|v2m3|all] [--systems NAMES] [--pairs N] [--repeats N]
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table
from tokenizers import Tokenizer

from .harness import Contestant, Pairs, run_rounds
from .machine import cores
from .models import add_models_argument, build_model
from .passages import add_data_argument, draw_pairs, read_passages
from .results import peak_mib, ratios, spread, summary, write_results
from .shapes import SHAPES, Shape
from .systems import CPU_SYSTEMS, REFERENCE, System, add_peers_argument, choose, interpreter
from .workers.protocol import Job

__all__ = ["add_run_arguments", "compare", "main", "show"]

MAX_LENGTH = 512
TARGETS = {"minilm": {"st-torch-f32": 6.0, "st-best": 2.5, "st-best-agreeing": 2.5, "flagembedding": 20.0}, "v2m3": {"flagembedding": 12.0}}
"""How many times faster than each adjudge wants to be, as it comes."""

_HEADINGS = ("system", "runs in", "pairs/s", "min..max", "x flag", "x st f32", "peak MiB", "start s", "max |Δ|", "Spearman", "others")
_LIBRARY_BYTES = 3 * 2**29
"""What a library and its activations take beside the weights, as seen on the MiniLM shape: 0.8 to 2.9 GiB."""

_CALIBRATION_TEXTS = 300  # what sentence-transformers' own export takes
_WARM_UP_SEED_STEP = 1  # another seed, so that no system can have seen the pairs


def compare(shape: Shape, systems: list[System], arguments: Namespace, *, device: str = "cpu") -> dict[str, Any]:
    """Measure `systems` on one shape."""
    model = build_model(shape, arguments.models, data=arguments.data, tokenizer=arguments.tokenizer)
    passages = read_passages(arguments.data / arguments.set_name)
    count = shape.pairs if arguments.pairs is None else arguments.pairs
    pairs = draw_pairs(passages, count, seed=arguments.seed)
    job = _job(model, list(passages.corpus.values()), arguments, device)
    resident = _fits(shape, len(systems)) if arguments.fresh is None else not arguments.fresh
    warm_up = draw_pairs(passages, count if resident else shape.warm_up, seed=arguments.seed + _WARM_UP_SEED_STEP)
    print(f"\n{shape.key} ({shape.like}): {count} pairs, {'resident workers' if resident else 'a new process each round'}", flush=True)
    reference = _reference(job, pairs, arguments)
    contestants = [_contestant(system, job, arguments, resident=resident) for system in systems]
    for contestant in contestants:
        if contestant.failure is None:
            contestant.prepare()
    run_rounds(contestants, pairs, warm_up, rounds=arguments.repeats, max_seconds=arguments.max_seconds)
    found = {c.system.name: summary(c, count, reference) for c in contestants}
    return {
        "model": {"like": shape.like, "parameters": shape.parameters, "layers": shape.layers, "hidden": shape.hidden},
        "pairs": _describe_pairs(pairs, model, shape, arguments),
        "resident_workers": resident,
        "systems": found,
        "ratios": ratios(found),
    }


def show(shape: Shape, found: dict[str, Any], console: Console) -> None:
    """Print one table of a shape's figures, and one line a target."""
    table = Table(title=f"{shape.key}: {found['pairs']['count']} pairs of {found['pairs']['tokens']['mean']:.0f} tokens")
    for heading in _HEADINGS:
        table.add_column(heading, justify="left" if heading in ("system", "runs in") else "right")
    rates = {name: system["pairs_per_s"]["median"] for name, system in found["systems"].items() if "pairs_per_s" in system}
    for name, system in found["systems"].items():
        table.add_row(name, *_cells(system, rates))
    console.print(table)
    for other, wanted in TARGETS.get(shape.key, {}).items():
        ratio = found["ratios"].get("adjudge", {}).get(other)
        if ratio is not None:
            console.print(f"{'reached' if ratio >= wanted else 'MISSED'}: adjudge is {ratio:.1f} x {other} (wanted: {wanted:g} x)")


def _cells(system: dict[str, Any], rates: dict[str, float]) -> list[str]:
    if "failure" in system:
        return ["-", f"not measured: {system['failure'][:60]}"]
    rate = system["pairs_per_s"]
    return [
        system["notes"].get("precision", "float32").removeprefix("torch."),
        f"{rate['median']:.2f}",
        f"{rate['min']:.2f}..{rate['max']:.2f}",
        *(f"{rate['median'] / rates[other]:.1f}" if other in rates else "-" for other in ("flagembedding", "st-torch-f32")),
        f"{peak_mib(system['memory']):.0f}",
        f"{system['start_s']['median']:.1f}",
        f"{system['agreement']['max_abs_difference']:.2g}",
        f"{system['agreement']['spearman']:.4f}",
        f"{system['others_busy_cores']['max']:.1f}",
    ]


def _job(model: Path, texts: list[str], arguments: Namespace, device: str) -> Job:
    exports = model.with_name(model.name + "-exports")
    calibration = model.with_name("calibration")
    calibration.mkdir(exist_ok=True)
    rows = "".join(json.dumps({"text": text}) + "\n" for text in texts[:_CALIBRATION_TEXTS])
    (calibration / "calibration.jsonl").write_text(rows, encoding="utf-8")
    return Job(
        model=str(model.resolve()),
        exports=str(exports.resolve()),
        calibration=str(calibration.resolve()),
        max_length=MAX_LENGTH,
        threads=arguments.threads,
        device=device,
        options={},
    )


def _contestant(system: System, job: Job, arguments: Namespace, *, resident: bool) -> Contestant:
    python = interpreter(system, arguments.peers)
    log = Path(job["model"]).parent / "logs" / f"{system.name}.log"
    own = Job(**{**job, "options": dict(system.options)})
    found = Contestant(system=system, python=python or Path(), job=own, log=log, resident=resident)
    if python is None:
        found.failure = f"there is no environment {system.environment}; python -m benchmarks.make_peers makes it"
    return found


def _reference(job: Job, pairs: Pairs, arguments: Namespace) -> list[float]:
    contestant = _contestant(REFERENCE, job, arguments, resident=False)
    if contestant.failure is None:
        contestant.turn(pairs, pairs[:1])
    if contestant.failure is not None:
        raise SystemExit(f"the reference could not be computed: {contestant.failure}")
    return contestant.logits


def _fits(shape: Shape, systems: int) -> bool:
    each = 5 * shape.parameters + _LIBRARY_BYTES  # float32 weights and a quarter more
    available: int = psutil.virtual_memory().available
    return systems * each < 0.8 * available


def _describe_pairs(pairs: Pairs, model: Path, shape: Shape, arguments: Namespace) -> dict[str, Any]:
    tokenizer = Tokenizer.from_file(str(model / "tokenizer.json"))
    lengths = [min(MAX_LENGTH, len(encoded.ids)) for encoded in tokenizer.encode_batch(list(pairs))]
    return {
        "set": arguments.set_name,
        "seed": arguments.seed,
        "count": len(pairs),
        "tokens": {"mean": sum(lengths) / len(lengths), **spread(lengths), "cut_at": MAX_LENGTH},
        "gigaflop": shape.flops(lengths) / 1e9,
    }


def add_run_arguments(parser: ArgumentParser, *, repeats: int) -> None:
    """Add what speed.py and gpu.py have in common."""
    add_data_argument(parser)
    add_models_argument(parser)
    add_peers_argument(parser)
    add = parser.add_argument
    add("--pairs", type=int, metavar="N", help="pairs a pass (default: as many as suit the shape)")
    add("--repeats", type=int, default=repeats, metavar="N", help="rounds (default: %(default)s)")
    add("--max-seconds", type=float, default=600.0, metavar="S", help="a system that took longer in all sits out further rounds")
    add("--threads", type=int, default=cores(), metavar="N", help="CPU threads of every system (default: all, %(default)s)")
    add("--seed", type=int, default=7, metavar="N")
    add("--fresh", action="store_const", const=True, help="a new process each round, also where all fit in memory together")
    add("--out", type=Path, metavar="FILE", help="results (default: benchmarks/results/NAME-MACHINE-DATE.json)")


def main() -> None:
    """Measure, write, show."""
    parser = ArgumentParser(description=__doc__)
    add_run_arguments(parser, repeats=5)
    parser.add_argument("--shape", choices=[*SHAPES, "all"], default="minilm")
    arguments = parser.parse_args()
    systems = choose(CPU_SYSTEMS, arguments.systems)
    settings = {"threads": arguments.threads, "rounds": arguments.repeats, "max_length": MAX_LENGTH, "max_seconds": arguments.max_seconds}
    shapes = [shape for key, shape in SHAPES.items() if arguments.shape in (key, "all")]
    found: dict[str, Any] = {}
    for shape in shapes:
        found[shape.key] = compare(shape, systems, arguments)
        path = write_results("speed", {"settings": settings, "shapes": found}, out=arguments.out)
    console = Console(width=None if sys.stdout.isatty() else 160)
    for shape in shapes:
        show(shape, found[shape.key], console)
    console.print("others: CPU cores that other processes used meanwhile, at most; figures with more than 0.1 are noisy")
    print(f"written: {path}")


if __name__ == "__main__":
    main()
