"""Whose checkpoint it is: a run goes on only from its own, and says so where something beside the model has changed since."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from hashlib import blake2b
from pathlib import Path
from typing import Any

from ..config import SourceConfig
from ..errors import TrainingError
from ..models.files import find_model, weight_files
from ..models.fingerprint import files_digest, weights_digest
from ..models.model import Model
from .feed import Feed
from .rows import Group
from .settings import ModelConfig, TrainConfig

__all__ = ["DEV", "check_identity", "identity"]

logger = logging.getLogger("adjudge")


DEV = "data.dev"


def identity(config: TrainConfig, feed: Feed, dev: Sequence[Group], base: Model) -> dict[str, Any]:
    """What makes a run this run, as plain values. A folder by its name and what is in it: a run may be moved to another machine."""
    model, data, run = config.model, config.data, config.run
    return {
        "model.base": Path(model.base).name,
        "model.weights": _weights(model, base),
        "model.revision": model.revision,
        "model.new_head": model.new_head,
        # Beside adapters, a pooler that was drawn with the head stays as it was drawn, and is not in the checkpoint.
        "model.head_seed": run.seed if model.new_head and model.lora is not None else None,
        "model.lora": None if model.lora is None else asdict(model.lora),
        "data.train": [f"{path.name} ({len(groups)} groups)" for path, groups in zip(data.train, feed.sources, strict=False)],
        "data.dev_share": data.dev_share,
        DEV: f"{len(dev)} groups, {_digest(dev)}",
        "data.passages": data.passages,
        "run.groups_per_step": run.groups_per_step,
        "run.seed": run.seed,
    }


def check_identity(saved: Mapping[str, Any] | None, now: Mapping[str, Any], output: Path) -> frozenset[str]:
    """The names of what differs, data or seed, of which a warning tells. None and what lacks in `saved`: nobody noted it.

    Raises TrainingError where the checkpoint in `output` is of another model.
    """
    changed = [name for name in now if saved is not None and name in saved and saved[name] != now[name]]
    said = ", ".join(f"{name} was {saved[name]!r} and is {now[name]!r}" for name in changed) if saved is not None else ""
    if any(name.startswith("model.") for name in changed):
        raise TrainingError(f"the checkpoint in {output} belongs to another run: {said}. Give this run another output folder")
    if changed:
        logger.warning("the run in %s goes on, but not as it began: %s", output, said)
    return frozenset(changed)


def _weights(config: ModelConfig, base: Model) -> str:
    """Of what was given: the model that a new head makes of it is another with every seed, and every version of transformers."""
    if not config.new_head:
        return weights_digest(base)
    return files_digest(weight_files(find_model(config.base, SourceConfig(revision=config.revision)).folder))


def _digest(groups: Sequence[Group]) -> str:
    digest = blake2b(digest_size=8)
    for group in groups:
        digest.update(repr(group).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()
