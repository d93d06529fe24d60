"""float16 on one CUDA card, the bge-reranker-v2-m3 shape: adjudge's packed torch backend, FlagEmbedding and sentence-transformers.

    python -m benchmarks.gpu --data DIR [--pairs N] [--repeats N] [--peak-tflops T]

Besides what speed.py measures: the card's memory, and the share of the card's peak that the needed arithmetic (real tokens only,
padding not counted) makes up. The peak is a large float16 matrix product on this card, unless --peak-tflops says otherwise.
"""

from __future__ import annotations

import importlib.util
import time
from argparse import ArgumentParser
from typing import Any

from rich.console import Console
from rich.table import Table

from .results import peak_mib, write_results
from .shapes import SHAPES
from .speed import add_run_arguments, compare
from .systems import GPU_SYSTEMS, choose

__all__ = ["main", "matmul_tflops"]

SHAPE = SHAPES["v2m3"]
PAIRS = 2000
TARGET = 2.0
"""How many times faster than the faster of the peers adjudge wants to be."""

_SIDE, _PRODUCTS = 8192, 50


def matmul_tflops() -> float:
    """What this card reaches in a float16 product of two 8192 x 8192 matrices, in TFLOP/s."""
    import torch

    left = torch.randn(_SIDE, _SIDE, device="cuda", dtype=torch.float16)
    right = torch.randn(_SIDE, _SIDE, device="cuda", dtype=torch.float16)
    for _ in range(_PRODUCTS):
        left @ right  # the card's clock settles
    torch.cuda.synchronize()
    began = time.perf_counter()
    for _ in range(_PRODUCTS):
        left @ right
    torch.cuda.synchronize()
    return 2.0 * _SIDE**3 * _PRODUCTS / (time.perf_counter() - began) / 1e12


def _card() -> dict[str, Any]:
    if importlib.util.find_spec("torch") is None:
        raise SystemExit('benchmarks.gpu needs torch: pip install "adjudge[torch]"')
    import torch

    if not torch.cuda.is_available():
        raise SystemExit("benchmarks.gpu needs a CUDA card, and torch sees none here; nothing was measured")
    seen = torch.cuda.get_device_properties(0)
    return {"name": seen.name, "memory_gib": round(seen.total_memory / 2**30, 1), "cuda": torch.version.cuda, "torch": torch.__version__}


def _add_shares(found: dict[str, Any], peak_tflops: float) -> None:
    work = found["pairs"]["gigaflop"] / 1000 / found["pairs"]["count"]  # TFLOP a pair
    for system in found["systems"].values():
        if "pairs_per_s" in system:
            system["share_of_peak"] = system["pairs_per_s"]["median"] * work / peak_tflops


def _show(found: dict[str, Any], card: dict[str, Any]) -> None:
    pairs = found["pairs"]
    table = Table(title=f"{SHAPE.key} on {card['name']}: {pairs['count']} pairs of {pairs['tokens']['mean']:.0f} tokens")
    for heading in ("system", "pairs/s", "min..max", "share of peak", "card MiB", "max |Δ|", "Spearman"):
        table.add_column(heading, justify="left" if heading == "system" else "right")
    for name, system in found["systems"].items():
        if "failure" in system:
            table.add_row(name, f"not measured: {system['failure'][:80]}")
            continue
        rate, agrees = system["pairs_per_s"], system["agreement"]
        table.add_row(
            name,
            f"{rate['median']:.0f}",
            f"{rate['min']:.0f}..{rate['max']:.0f}",
            f"{system['share_of_peak']:.0%}",
            f"{peak_mib(system['memory']):.0f}",
            f"{agrees['max_abs_difference']:.2g}",
            f"{agrees['spearman']:.4f}",
        )
    console = Console()
    console.print(table)
    for other, ratio in found["ratios"].get("adjudge-torch-f16", {}).items():
        console.print(f"adjudge is {ratio:.2f} x {other} (wanted: {TARGET:g} x)")


def main() -> None:
    """Measure, write, show."""
    parser = ArgumentParser(description=__doc__)
    add_run_arguments(parser, repeats=5)
    parser.add_argument("--peak-tflops", type=float, metavar="T", help="the card's float16 peak from its data sheet (default: measured)")
    arguments = parser.parse_args()
    card = _card()
    arguments.pairs = PAIRS if arguments.pairs is None else arguments.pairs
    peak = matmul_tflops() if arguments.peak_tflops is None else arguments.peak_tflops
    found = compare(SHAPE, choose(GPU_SYSTEMS, arguments.systems), arguments, device="cuda:0")
    _add_shares(found, peak)
    content = {"card": card, "peak_tflops": peak, "peak_is_measured": arguments.peak_tflops is None, "shapes": {SHAPE.key: found}}
    path = write_results("gpu", content, out=arguments.out)
    _show(found, card)
    print(f"written: {path}")


if __name__ == "__main__":
    main()
