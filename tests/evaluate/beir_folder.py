"""A small folder in BEIR's layout."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from pathlib import Path

__all__ = ["RIVERS", "write_beir"]

RIVERS = 40


def write_beir(
    folder: Path, *, rivers: int = RIVERS, qrels: str = "qrels.tsv", packed: bool = False, header: bool = False, grades: Iterable[str] = ()
) -> Path:
    """River n: one passage says where it ends, one where it rises; a query asks for its end. `grades`: rows to be added."""
    corpus = [{"_id": f"end{n}", "title": f"River {n}", "text": f"The river {n} ends in lake {n * 3}."} for n in range(rivers)]
    corpus += [{"_id": f"rise{n}", "text": f"Where does it rise? The river {n} rises in valley {n * 7}."} for n in range(rivers)]
    queries = [{"_id": f"q{n}", "text": f"Where does river {n} end?"} for n in range(rivers)]
    rows = ["query-id\tcorpus-id\tscore"] * header + [f"q{n}\tend{n}\t1" for n in range(rivers)] + list(grades)
    _write(folder / "corpus.jsonl", map(json.dumps, corpus), packed)
    _write(folder / "queries.jsonl", map(json.dumps, queries), packed)
    _write(folder / qrels, rows, packed)
    return folder


def _write(path: Path, lines: Iterable[str], packed: bool) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    data = ("\n".join(lines) + "\n").encode()
    (path.with_name(path.name + ".gz") if packed else path).write_bytes(gzip.compress(data) if packed else data)
