"""Chinese full text: which terms find the passage, of those that LanceDB can cut itself and those that adjudge cuts before.

python -m benchmarks.chinese_text --data DIR [--set cmrc-dev-zh] [--queries N] [--jieba-dictionary dict.txt] [--out FILE]

Every way gets the same passages and the same questions, and is scored by BM25 in LanceDB. "bigrams" is what an index does: adjudge's
words() (two neighbouring characters), joined with spaces. jieba needs its dictionary (dict.txt of the package of that name).
Writes results/chinese-text-MACHINE-DATE.json, or FILE.
"""

from __future__ import annotations

import os
import random
import shutil
import tempfile
import time
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from adjudge.retrieval.lexical import words

from .passages import Passages, add_data_argument, read_passages
from .results import write_results

__all__ = ["WAYS", "Way", "main", "measure"]

DEPTH = 100
MODELS = "LANCE_LANGUAGE_MODEL_HOME"


@dataclass(frozen=True, slots=True)
class Way:
    """One way to cut text into terms."""

    name: str
    options: dict[str, Any]  # of LanceDB's full-text index
    prepare: Callable[[str], str] = field(default=str)  # before LanceDB sees it


def _spaced(text: str) -> str:
    return " ".join(words(text))


def _characters(text: str) -> str:
    """Single characters instead of pairs, for comparison."""
    return " ".join(character for term in words(text) for character in (term if len(term) == 2 and not term.isascii() else [term]))


WAYS = (
    Way("bigrams", {"base_tokenizer": "whitespace"}, _spaced),
    Way("characters", {"base_tokenizer": "whitespace"}, _characters),
    Way("simple", {"base_tokenizer": "simple"}),
    Way("ngram-2", {"base_tokenizer": "ngram", "ngram_min_length": 2, "ngram_max_length": 2}),
    Way("ngram-1-2", {"base_tokenizer": "ngram", "ngram_min_length": 1, "ngram_max_length": 2}),
    Way("ngram-3", {"base_tokenizer": "ngram"}),
    Way("icu", {"base_tokenizer": "icu"}),
    Way("jieba", {"base_tokenizer": "jieba/default"}),
)


def measure(way: Way, passages: Passages, queries: Sequence[str], folder: Path) -> dict[str, Any]:
    """Index all passages in one way, and ask all questions."""
    import lancedb
    from lancedb.index import FTS
    from lancedb.query import MatchQuery

    ids = list(passages.corpus)
    rows = [{"id": one, "terms": way.prepare(passages.corpus[one])} for one in ids]
    table = lancedb.connect(folder).create_table(way.name.replace("-", "_"), rows)
    plain = {"stem": False, "remove_stop_words": False, "ascii_folding": False, "max_token_length": None}
    began = time.perf_counter()
    table.create_index("terms", config=FTS(**plain, **way.options))
    built = time.perf_counter() - began
    ranks, times = [], []
    for query in queries:
        began = time.perf_counter()
        asked = MatchQuery(way.prepare(passages.queries[query]), "terms")
        found = table.search(asked, query_type="fts").select(["id", "_score"]).limit(DEPTH).to_arrow()["id"].to_pylist()
        times.append((time.perf_counter() - began) * 1e3)
        relevant = set(passages.relevant[query])
        ranks.append(next((rank for rank, one in enumerate(found, 1) if one in relevant), 0))
    disk = _bytes(folder / f"{table.name}.lance" / "_indices") / 2**20
    return {"way": way.name, "build_s": built, "disk_mib": disk} | _quality(ranks, times)


def _quality(ranks: Sequence[int], times: Sequence[float]) -> dict[str, float]:
    """Reciprocal rank at 10, and how often the passage is among the first and the hundred; milliseconds a query."""
    found = np.array(ranks)
    reciprocal = np.where((found > 0) & (found <= 10), 1.0 / np.maximum(found, 1), 0.0)
    shares = {f"Success@{k}": float(((found > 0) & (found <= k)).mean()) for k in (1, 10, 100)}
    return {"RR@10": float(reciprocal.mean()), **shares, "median_ms": float(np.median(times)), "p95_ms": float(np.quantile(times, 0.95))}


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _arguments(given: Sequence[str] | None) -> Namespace:
    parser = ArgumentParser(prog="python -m benchmarks.chinese_text", description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    add_data_argument(parser, with_set=False)
    parser.add_argument("--set", dest="set_name", default="cmrc-dev-zh", metavar="NAME")
    parser.add_argument("--queries", type=int, default=0, help="how many questions, drawn at random (default: all)")
    parser.add_argument("--jieba-dictionary", type=Path, metavar="FILE", help="dict.txt of jieba; without it jieba is left out")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, metavar="FILE")
    return parser.parse_args(given)


def _ways(dictionary: Path | None, folder: Path) -> list[Way]:
    """Those that can run here; jieba's dictionary is put where LanceDB looks for it, which it does once."""
    if dictionary is None:
        return [way for way in WAYS if way.name != "jieba"]
    model = folder / "models" / "jieba" / "default"
    model.mkdir(parents=True)
    shutil.copyfile(dictionary, model / "dict.txt")
    os.environ[MODELS] = str(folder / "models")
    return list(WAYS)


def main(given: Sequence[str] | None = None) -> None:
    """Measure each way, and write down what was seen."""
    arguments = _arguments(given)
    passages = read_passages(arguments.data / arguments.set_name)
    queries = sorted(query for query in passages.relevant if query in passages.queries)
    queries = random.Random(arguments.seed).sample(queries, arguments.queries or len(queries))
    print(f"{arguments.set_name}: {len(passages.corpus):,} passages, {len(queries):,} questions")
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for way in _ways(arguments.jieba_dictionary, Path(folder)):
            found.append(measure(way, passages, queries, Path(folder)))
            figures = "  ".join(f"{name} {value:.3f}" for name, value in found[-1].items() if name != "way")
            print(f"{way.name:<10}  {figures}", flush=True)
    content = {"set": arguments.set_name, "passages": len(passages.corpus), "questions": len(queries)}
    content |= {"versions": {"lancedb": version("lancedb")}}
    print(f"written to {write_results('chinese-text', content | {'ways': found}, out=arguments.out)}")


if __name__ == "__main__":
    main()
