"""An index of many passages: how long it takes to build, how much disk it needs, and how long a search takes.

python -m benchmarks.index --data DIR [--passages 10000,100000,1000000] [--embed 2000] [--folder FOLDER] [--out FILE]

Passages are real sentences of the sets below DIR, joined anew, so that words have natural frequencies and no two passages are alike.
The first --embed are embedded by the shipped bi-encoder, which gives its speed; the vectors of all are mixtures of those, because a
million real ones take hours and are no harder to search. Times of embedding are therefore given apart, and extrapolated in writing.
Writes results/index-MACHINE-DATE.json, or FILE.
"""

from __future__ import annotations

import random
import tempfile
import time
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adjudge.engine.sentences import sentence_spans
from adjudge.retrieval.dense import Embedder
from adjudge.retrieval.index import Index, IndexedSource, IndexFacts, create_index
from adjudge.retrieval.index.passages import digest
from adjudge.retrieval.reading import Chunk

from .passages import add_data_argument, read_passages
from .results import write_results

__all__ = ["main", "measure", "mixed", "passages_of"]

BLOCK = 4096
QUERIES = 100
SENTENCES = (2, 6)
"""Fewest and most in a passage."""


def read_sentences(folder: Path) -> list[str]:
    """The sentences of every set below `folder`, each once."""
    found: dict[str, None] = {}
    for corpus in sorted(folder.glob("*/corpus.jsonl*")):
        for text in read_passages(corpus.parent).corpus.values():
            found |= dict.fromkeys(text[start:end].strip() for start, end in sentence_spans(text))
    return [sentence for sentence in found if len(sentence) > 10]


def passages_of(sentences: Sequence[str], count: int, *, seed: int) -> Iterator[list[str]]:
    """`count` passages of a few neighbouring sentences and one from elsewhere, in blocks."""
    drawn = random.Random(seed)
    for first in range(0, count, BLOCK):
        block = []
        for _ in range(min(BLOCK, count - first)):
            start = drawn.randrange(len(sentences))
            block.append(" ".join([*sentences[start : start + drawn.randint(*SENTENCES)], drawn.choice(sentences)]))
        yield block


def mixed(real: NDArray[np.float32], count: int, drawn: np.random.Generator) -> NDArray[np.float32]:
    """(count, dimensions) unit vectors: each a real one with some of another, and a little noise."""
    first, second = drawn.integers(len(real), size=(2, count))
    noise = drawn.standard_normal((count, real.shape[1])).astype(np.float32) / np.sqrt(real.shape[1])
    vectors = real[first] + 0.5 * real[second] + 0.3 * noise
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def measure(sentences: Sequence[str], real: NDArray[np.float32], count: int, folder: Path, *, seed: int) -> dict[str, Any]:
    """Build an index of `count` passages in `folder`, and search it."""
    facts = IndexFacts(model="mixed", revision="1", dimensions=real.shape[1], splitting={})
    index = create_index(folder, facts)
    write, optimise = _fill(index, sentences, real, count, seed)
    queries = mixed(real, QUERIES, np.random.default_rng(seed + 1))
    texts = [text for block in passages_of(sentences, QUERIES, seed=seed + 1) for text in block]
    texts = [text[:40] for text in texts]  # as long as questions are
    half = {"half": True}
    searches: dict[str, Callable[[int], Any]] = {
        "vector": lambda i: index.by_vector(queries[i], 100),
        "words": lambda i: index.by_words(texts[i], 100),
        "vector_filtered": lambda i: index.by_vector(queries[i], 100, where=half),
        "words_filtered": lambda i: index.by_words(texts[i], 100, where=half),
    }
    found: dict[str, Any] = {"passages": count, "write_s": write, "optimise_s": optimise, "disk_mib": _bytes(folder) / 2**20}
    found |= {name: _latency(search) for name, search in searches.items()}
    found["recall_10"] = _recall(index, real, count, queries, seed)
    index.close()
    return found


def _fill(index: Index, sentences: Sequence[str], real: NDArray[np.float32], count: int, seed: int) -> tuple[float, float]:
    """Seconds of writing, and of bringing the indices up to date."""
    drawn = np.random.default_rng(seed)
    began, making = time.perf_counter(), 0.0
    with index.writer() as writer:
        for part, texts in enumerate(passages_of(sentences, count, seed=seed)):
            mark = time.perf_counter()
            vectors = mixed(real, len(texts), drawn)
            chunks = [_chunk(part * BLOCK + row, text) for row, text in enumerate(texts)]
            making += time.perf_counter() - mark
            source = IndexedSource(
                source="passages.jsonl", part=part, last=False, size=0, modified_ns=0, digest=digest(chunks), chunks=len(chunks)
            )
            writer.add(source.key, chunks, vectors)
            writer.record(source)
            writer.commit()
        written = time.perf_counter()
        writer.optimise()
    return written - began - making, time.perf_counter() - written


def _chunk(row: int, text: str) -> Chunk:
    return Chunk(
        id=f"{row:08}",
        text=text,
        source=f"passages.jsonl#{row}",
        position=0,
        end=len(text),
        metadata={"half": row % 2 == 0, "year": 1990 + row % 30},
    )


def _latency(search: Callable[[int], Any]) -> dict[str, float]:
    """Milliseconds, after one that is not counted."""
    search(0)
    times = []
    for query in range(QUERIES):
        began = time.perf_counter()
        search(query)
        times.append((time.perf_counter() - began) * 1e3)
    return {"median_ms": float(np.median(times)), "p95_ms": float(np.quantile(times, 0.95))}


def _recall(index: Index, real: NDArray[np.float32], count: int, queries: NDArray[np.float32], seed: int) -> float:
    """Of the ten nearest by comparing all, how many are among the ten that the index finds. The vectors are drawn anew, block by block."""
    drawn = np.random.default_rng(seed)
    best = np.full((len(queries), 10), -np.inf, np.float32)
    rows = np.zeros((len(queries), 10), np.int64)
    for first in range(0, count, BLOCK):
        vectors = mixed(real, min(BLOCK, count - first), drawn)
        scores = np.concatenate([best, queries @ vectors.T], axis=1)
        positions = np.concatenate([rows, np.broadcast_to(np.arange(first, first + len(vectors)), (len(queries), len(vectors)))], axis=1)
        order = np.argsort(-scores, axis=1)[:, :10]
        best, rows = np.take_along_axis(scores, order, 1), np.take_along_axis(positions, order, 1)
    found = [{int(str(one.document.id)) for one in index.by_vector(query, 10)} for query in queries]
    return float(np.mean([len(ids & set(exact.tolist())) / 10 for ids, exact in zip(found, rows, strict=True)]))


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _embedded(sentences: Sequence[str], count: int, seed: int) -> tuple[NDArray[np.float32], float]:
    """Real vectors, and passages a second."""
    texts = [text for block in passages_of(sentences, count, seed=seed) for text in block]
    with Embedder() as embedder:
        embedder.embed(texts[:64], kind="document")
        began = time.perf_counter()
        vectors = embedder.embed(texts, kind="document")
        return vectors, len(texts) / (time.perf_counter() - began)


def _show(found: dict[str, Any]) -> None:
    latencies = "  ".join(f"{name} {found[name]['median_ms']:.1f}/{found[name]['p95_ms']:.1f} ms" for name in ("vector", "words"))
    size = f"{found['passages']:>9,} passages: written in {found['write_s']:.1f} s, optimised in {found['optimise_s']:.1f} s"
    print(f"{size}, {found['disk_mib']:,.0f} MiB, {latencies}, recall@10 {found['recall_10']:.3f}", flush=True)


def _arguments(given: Sequence[str] | None) -> Namespace:
    parser = ArgumentParser(prog="python -m benchmarks.index", description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    add_data_argument(parser, with_set=False)
    parser.add_argument("--passages", type=lambda text: [int(part) for part in text.split(",")], default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--embed", type=int, default=2000, help="passages that are really embedded (default: %(default)s)")
    parser.add_argument("--folder", type=Path, help="where indices are made (default: a temporary folder)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, metavar="FILE")
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None) -> None:
    """Measure each size, and write down what was seen."""
    arguments = _arguments(given)
    sentences = read_sentences(arguments.data)
    real, rate = _embedded(sentences, arguments.embed, arguments.seed)
    print(f"{len(sentences):,} sentences; {rate:.0f} passages embedded a second, so a million take {1e6 / rate / 3600:.1f} h", flush=True)
    sizes: list[dict[str, Any]] = []
    versions = {name: version(name) for name in ("adjudge", "lancedb", "pyarrow", "openvino", "numpy")}
    content = {"versions": versions, "embedded_a_second": rate, "hours_for_a_million": 1e6 / rate / 3600, "sizes": sizes}
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        for count in arguments.passages:
            sizes.append(measure(sentences, real, count, Path(folder) / str(count), seed=arguments.seed))
            _show(sizes[-1])
            print(f"written to {write_results('index', content, out=arguments.out)}")  # each size: the next one may take an hour


if __name__ == "__main__":
    main()
