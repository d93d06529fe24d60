"""From ranks to the figures of the long-document study, and from stored figures to the tables in docs/long-documents.md."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .harness import ROOT

__all__ = ["CHOOSE", "REFERENCE", "REPORT", "Outcome", "Row", "block", "model_name", "summary", "write_block"]

CHOOSE, REPORT = "choose", "report"
"""Halves of the queries: the default is chosen on one and reported on the other."""

REFERENCE = "max"
THIRDS = ("beginning", "middle", "end")
RESAMPLES = 10_000
DOCS = ROOT / "docs" / "long-documents.md"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one method made of one query."""

    rank: int  # of the right document, from 1
    hit: bool  # whether the window that speaks for it overlaps the answering passage
    tokens: int  # of all pairs judged

    def measure(self, name: str) -> float:
        """A measure of this query by its name in ir_measures (there is one right document, and none is left out), or "hit"."""
        return {"Success@1": float(self.rank == 1), "RR": 1 / self.rank, "hit": float(self.hit), "tokens": float(self.tokens)}[name]


@dataclass(frozen=True, slots=True)
class Row:
    """One query's outcomes by method."""

    lang: str
    source: str
    third: int  # where the answer stands: 0, 1 or 2
    half: str
    outcomes: Mapping[str, Outcome]

    def as_json(self) -> dict[str, Any]:
        """For a line of a file."""
        outcomes = {name: [o.rank, int(o.hit), o.tokens] for name, o in self.outcomes.items()}
        return {"lang": self.lang, "source": self.source, "third": self.third, "half": self.half, "outcomes": outcomes}

    @classmethod
    def from_json(cls, found: dict[str, Any]) -> Row:
        """Back from that line."""
        outcomes = {name: Outcome(rank, bool(hit), tokens) for name, (rank, hit, tokens) in found["outcomes"].items()}
        return cls(found["lang"], found["source"], found["third"], found["half"], outcomes)


def summary(rows: Sequence[Row]) -> dict[str, Any]:
    """Figures of both halves, and what the first of them would choose: the best way of joining windows of full length, by RR."""
    halves = {half: _figures([row for row in rows if row.half == half]) for half in (CHOOSE, REPORT)}
    full = [name for name in halves[CHOOSE]["methods"] if _kind(name) == "joined" and name != "truncate"]
    return {"chosen": max(full, key=lambda name: halves[CHOOSE]["methods"][name]["RR"], default=None), **halves}


def _figures(rows: Sequence[Row]) -> dict[str, Any]:
    names = list(rows[0].outcomes) if rows else []
    return {"queries": len(rows), "methods": {name: _figures_of(name, rows) for name in names}}


def _figures_of(name: str, rows: Sequence[Row]) -> dict[str, Any]:
    def means(chosen: Iterable[Row]) -> dict[str, float]:
        listed = list(chosen)
        return {measure: float(_values(listed, name, measure).mean()) for measure in ("Success@1", "RR", "hit", "tokens")}

    return {
        **means(rows),
        "less_reference": {measure: _difference(rows, name, measure) for measure in ("Success@1", "RR", "hit")},
        "by_language": {lang: means(r for r in rows if r.lang == lang) for lang in dict.fromkeys(r.lang for r in rows)},
        "by_third": {THIRDS[third]: means(r for r in rows if r.third == third) for third in sorted({r.third for r in rows})},
    }


def _values(rows: Sequence[Row], name: str, measure: str) -> NDArray[np.float64]:
    return np.array([row.outcomes[name].measure(measure) for row in rows])


def _difference(rows: Sequence[Row], name: str, measure: str) -> dict[str, float]:
    """Mean difference to the reference over the same queries, with the 95 % interval of a paired bootstrap (percentiles)."""
    differences = _values(rows, name, measure) - _values(rows, REFERENCE, measure)
    drawn = np.random.default_rng(0).integers(0, len(rows), (RESAMPLES, len(rows)))
    low, high = np.percentile(differences[drawn].mean(axis=1), [2.5, 97.5])
    return {"mean": float(differences.mean()), "low": float(low), "high": float(high)}


def _kind(name: str) -> str:
    """Which table a method belongs to."""
    return "windows" if name.rpartition(" ")[2].isdigit() or "cuts" in name else "joined"


def block(benchmark: str, results: Mapping[str, Any] | None) -> str:
    """What stands between the marks of `benchmark` in the documentation: its tables, or how to measure where nothing is stored."""
    if results is None:
        return f"Not measured yet: `python -m benchmarks.{benchmark.replace('-', '_')} --data DIR`."
    return _TABLES[benchmark](results)


def write_block(benchmark: str, stored: Path, docs: Path = DOCS) -> Path:
    """Put the tables of the stored results between the marks of `benchmark` in `docs`. Raises SystemExit where there are no marks."""
    results = json.loads(stored.read_text(encoding="utf-8")) if stored.is_file() else None
    text = docs.read_text(encoding="utf-8")
    begin, end = f"<!-- {benchmark}: written by the benchmark -->\n", f"\n<!-- end of {benchmark} -->"
    before, found, rest = text.partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise SystemExit(f"{docs} has no marks {begin.strip()!r} and {end.strip()!r} to write the tables between")
    docs.write_text(before + begin + block(benchmark, results) + end + after, encoding="utf-8")
    return docs


def model_name(given: str) -> str:
    """What a model is called in results: a folder by its last name, because where it lay is nobody's business."""
    return Path(given).name if Path(given).is_dir() else given


def _study(results: Mapping[str, Any]) -> str:
    half, measured = results[REPORT], results["set"]
    methods: dict[str, Any] = half["methods"]
    joined = {name: found for name, found in methods.items() if _kind(name) == "joined"}
    windows = {name: found for name, found in methods.items() if _kind(name) == "windows"} | {REFERENCE: methods[REFERENCE]}
    first = next(iter(methods.values()))
    languages, thirds = list(first["by_language"]), list(first["by_third"])
    heads = ["Success@1", "RR", f"RR less that of {REFERENCE} [95 %]", "window hit", "tokens a query"]
    sizes = f"{measured['characters']['min']:,.0f} to {measured['characters']['max']:,.0f} characters"
    said = (
        f"{half['queries']} queries ({len(languages)} languages, {measured['documents']} documents each, {sizes}), {_ran(results)}. "
        f"On the other {results[CHOOSE]['queries']} queries, `{results['chosen']}` had the best RR."
    )
    parts = {lang: ("by_language", lang) for lang in languages} | {third: ("by_third", third) for third in thirds}
    by_part = _table(["RR", *parts], ([_code(n), *(f"{f[a][b]['RR']:.3f}" for a, b in parts.values())] for n, f in joined.items()))
    tables = [_table(["windows of 512 tokens, joined by", *heads], ([_code(n), *_cells(f)] for n, f in joined.items())), by_part]
    if len(windows) > 1:
        tables.append(_table(["other windows", *heads], ([_code(n), *_cells(f)] for n, f in windows.items())))
    return "\n\n".join([said, *tables])


def _cells(found: Mapping[str, Any]) -> list[str]:
    less = found["less_reference"]["RR"]
    against = f"{less['mean']:+.3f} [{less['low']:+.3f}, {less['high']:+.3f}]"
    return [f"{found['Success@1']:.3f}", f"{found['RR']:.3f}", against, f"{found['hit']:.3f}", f"{found['tokens']:,.0f}"]


def _cost(results: Mapping[str, Any]) -> str:
    heads = ["documents", "characters each", "seconds", "CPU microseconds a character", "memory it added, MiB"]
    rows = (
        [
            str(case["documents"]),
            f"{case['characters']:,}",
            f"{case['seconds']['median']:.2f}",
            f"{case['cpu_us_per_character']['median']:.1f}",
            f"{case['growth_mib']:.0f}",
        ]
        for case in results["cases"]
    )
    machine = results["machine"]
    said = f"{machine['cores']} cores ({machine['cpu']}), {_ran(results)}."
    return f"{said}\n\n{_table(heads, rows)}"


def _ran(results: Mapping[str, Any]) -> str:
    return f"{results['model']} in {results['runs_in']}, measured {results['measured'][:10]}"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _code(name: str) -> str:
    return f"`{name}`"


_TABLES: dict[str, Callable[[Mapping[str, Any]], str]] = {"long-documents": _study, "long-cost": _cost}
