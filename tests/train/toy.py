"""A task that a tiny model learns in a minute: passages about bamboo are right, whatever was asked."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

from adjudge.train import DataConfig, LossConfig, ModelConfig, OptimiserConfig, RunConfig, TrainConfig
from tests.texts import QUERIES

__all__ = ["changed", "config_of", "make_rows", "toml_of", "write_rows"]

_RIGHT = ("bamboo leaves", "the bamboo shoots", "bamboo stems", "only bamboo")
_WRONG = ("bread and salt", "the evening cup", "a new camera", "fruit and sleep", "water and yeast", "a titanium frame")


def make_rows(count: int, *, seed: int, name: str = "") -> list[dict[str, Any]]:
    """Graded lists of four, the right one anywhere; every second row is of the source "odd"."""
    draw = random.Random(seed)
    rows = []
    for number in range(count):
        texts = [f"{draw.choice(_RIGHT)} {draw.choice(_WRONG)}", *(f"{text} {draw.choice(_WRONG)}" for text in draw.sample(_WRONG, 3))]
        documents = [{"text": text, "grade": int(i == 0), "contradiction": int(i == 1)} for i, text in enumerate(texts)]
        draw.shuffle(documents)
        rows.append({"query": f"{draw.choice(QUERIES)} {name}{number}", "documents": documents, "source": ("even", "odd")[number % 2]})
    return rows


def write_rows(path: Path, rows: list[dict[str, Any]]) -> Path:
    """One JSON line each. Gives `path` back."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def config_of(folder: Path, base: Path, **run: Any) -> TrainConfig:
    """A small run in `folder`, in float32 on one thread of the CPU."""
    train, dev = folder / "train.jsonl", folder / "dev.jsonl"
    if not train.is_file():
        write_rows(train, make_rows(48, seed=1))
        write_rows(dev, make_rows(16, seed=2, name="dev "))
    settings = {"steps": 24, "groups_per_step": 8, "evaluate_every": 8, "save_every": 8, "batch_tokens": 512} | run
    return TrainConfig(
        model=ModelConfig(base=str(base), max_length=64),
        data=DataConfig(train=(train,), dev=(dev,)),
        loss=LossConfig(aspects=0.2),
        optimiser=OptimiserConfig(learning_rate=3e-3, warmup=0.1),
        run=RunConfig(output=folder / "out", device="cpu", precision="f32", threads=1, **settings),
    )


def changed(config: TrainConfig, **parts: dict[str, Any]) -> TrainConfig:
    """The same with some settings of some tables changed: changed(config, run={"steps": 3})."""
    return replace(config, **{table: replace(getattr(config, table), **values) for table, values in parts.items()})


def toml_of(config: TrainConfig, path: Path) -> Path:
    """The settings above as a TOML file, for runs in a process of their own. Gives `path` back."""
    run, data = config.run, config.data
    lines = [
        f'[model]\nbase = "{config.model.base}"\nmax_length = {config.model.max_length}\ndropout = {config.model.dropout}',
        f'[data]\ntrain = ["{data.train[0]}"]\ndev = ["{data.dev[0]}"]',
        f"[loss]\naspects = {config.loss.aspects}",
        f"[optimiser]\nlearning_rate = {config.optimiser.learning_rate}\nwarmup = {config.optimiser.warmup}",
        f'[run]\noutput = "{run.output}"\nsteps = {run.steps}\ngroups_per_step = {run.groups_per_step}',
        f"evaluate_every = {run.evaluate_every}\nsave_every = {run.save_every}\nbatch_tokens = {run.batch_tokens}",
        'device = "cpu"\nprecision = "f32"\nthreads = 1',
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path
