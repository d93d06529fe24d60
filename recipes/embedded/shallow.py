"""Beside the recipe: a shallow judge, taught by the deep one, that looks at everything first in a cascade.

    python -m recipes.embedded.shallow WORK --judge FOLDER [--layers 0,4,7,11] [--dial 1.0] [--set run.steps=100 ...]

Keeps some layers of FOLDER (a trained judge in float32), has FOLDER itself score lists of WORK/groups, and trains the shallow judge to
order them as it does (Hinton, Vinyals and Dean, "Distilling the knowledge in a neural network", 2015; layers spread over the depth as in
Sanh et al., "DistilBERT", 2019). Leaves WORK/shallow-start, WORK/groups/taught.jsonl.gz and WORK/shallow; started again, it goes on where
it was. Afterwards: `python -m recipes.embedded.calibrate WORK WORK/shallow/best`.
"""

from __future__ import annotations

import argparse
import json
import logging
import random
import re
import shutil
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from safetensors.numpy import load_file, save_file

from adjudge import Reranker
from adjudge.train import train
from recipes.embedded.common import existing, read_rows, settings, write_json, write_rows
from recipes.embedded.train import build_config, write_watched

__all__ = ["keep_layers", "taught"]

_LAYER = re.compile(r"^encoder\.layer\.(\d+)\.")
_AT_ONCE = 64
"""Lists that the teacher scores in one call."""


def keep_layers(source: Path, target: Path, layers: Sequence[int]) -> None:
    """A folder with only these layers of the judge, in this order, and without its bi-encoder, which needs them all.

    Raises SystemExit where the judge has no such layer.
    """
    config = json.loads((source / "config.json").read_text(encoding="utf-8"))
    depth = config["num_hidden_layers"]
    if not layers or min(layers) < 0 or max(layers) >= depth or len(set(layers)) < len(layers):
        raise SystemExit(f"layers {list(layers)}: {source} has {depth}, so any of 0 to {depth - 1}, each once")
    target.mkdir(parents=True, exist_ok=True)
    manifest = json.loads((source / "adjudge.json").read_text(encoding="utf-8"))
    shared, own = manifest["judge"]["weights"]
    tensors = {}
    for name, tensor in load_file(source / own).items():
        found = _LAYER.match(name)
        if found is None:
            tensors[name] = tensor
        elif int(found[1]) in layers:
            tensors[f"encoder.layer.{layers.index(int(found[1]))}.{name[found.end() :]}"] = tensor
    save_file(tensors, target / own, metadata={"format": "pt"})
    for name in (shared, "tokenizer.json"):
        shutil.copyfile(source / name, target / name)
    write_json(target / "config.json", config | {"num_hidden_layers": len(layers)}, indent=2)
    manifest = {key: value for key, value in manifest.items() if key != "encoder"}
    write_json(target / "adjudge.json", manifest, indent=2)


def taught(rows: Iterator[dict[str, Any]], teacher: Reranker, *, passages: int, seed: int) -> Iterator[dict[str, Any]]:
    """The same lists with at most `passages` documents, the best one among them, each with the teacher's logit as its `score`."""
    draw = random.Random(seed)
    while some := list(islice(rows, _AT_ONCE)):
        lists = [_thinned(row["documents"], passages, draw) for row in some]
        pairs = [(row["query"], document["text"]) for row, documents in zip(some, lists, strict=True) for document in documents]
        scores = iter(teacher.score(pairs, normalize=False))
        for row, documents in zip(some, lists, strict=True):
            yield row | {"documents": [document | {"score": round(next(scores), 4)} for document in documents]}


def _thinned(documents: Sequence[dict[str, Any]], passages: int, draw: random.Random) -> list[dict[str, Any]]:
    best, *others = sorted(documents, key=lambda document: -document["grade"])
    return [best, *draw.sample(others, min(passages - 1, len(others)))]


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=existing)
    parser.add_argument("--judge", type=Path, required=True)
    parser.add_argument("--layers", type=lambda text: [int(part) for part in text.split(",")], help="kept, from 0 (default: the settings')")
    parser.add_argument("--dial", type=float, default=1.0)
    parser.add_argument("--set", action="append", default=[], metavar="TABLE.KEY=VALUE")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    values = settings()
    wanted, groups = values["shallow"], arguments.work / values["folders"]["groups"]
    start, file = arguments.work / "shallow-start", groups / "taught.jsonl.gz"
    if not file.exists():
        count = round(wanted["lists"] * arguments.dial)
        with Reranker(str(arguments.judge)) as teacher:
            rows = taught(islice(read_rows(groups / "varied.jsonl.gz"), count), teacher, passages=wanted["passages"], seed=wanted["seed"])
            print(f"{file}: {write_rows(half := file.with_name('taught-half.jsonl.gz'), rows)} lists")
        half.rename(file)  # a run that was killed leaves no file that looks complete
    keep_layers(arguments.judge, start, arguments.layers or wanted["layers"])
    write_watched(groups)
    values["train"] = wanted["train"]
    config = build_config(
        arguments.work, values, dial=arguments.dial, name="shallow", changes=["model.base='shallow-start'", *arguments.set]
    )
    print(train(config, progress=True))


if __name__ == "__main__":
    main()
