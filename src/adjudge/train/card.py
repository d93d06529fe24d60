"""A model card out of the run's own facts: nothing in it is written by hand, so nothing in it is wishful."""

from __future__ import annotations

import json
import platform
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from .finish import plain
from .outcome import Evaluation, Outcome

if TYPE_CHECKING:
    from .trainer import Trainer

__all__ = ["write_card"]


def write_card(trainer: Trainer, outcome: Outcome) -> None:
    """README.md of the model's folder, and training.json with every setting and evaluation."""
    config = plain(asdict(trainer.config))
    config["model"]["base"] = _base(trainer)
    facts = {
        "base": _base(trainer),
        "settings": config,
        "steps": outcome.steps,
        "tokens": outcome.tokens,
        "seconds": round(outcome.seconds, 1),
        "groups": [len(source) for source in trainer.feed.sources],
        "evaluations": [e.to_json() for e in trainer.history.evaluations],
        "versions": {name: _version(name) for name in ("adjudge", "torch", "transformers", "tokenizers")}
        | {"python": platform.python_version()},
    }
    (outcome.folder / "training.json").write_text(json.dumps(facts, indent=2, default=str) + "\n", encoding="utf-8")
    (outcome.folder / "README.md").write_text(_text(trainer, outcome, config), encoding="utf-8")


def _text(trainer: Trainer, outcome: Outcome, config: dict[str, object]) -> str:
    loss = ", ".join(f"{name} {weight:g}" for name, weight in asdict(trainer.config.loss).items() if weight and name != "kl_temperature")
    files = "\n".join(f"- {p.name}: {len(g)} groups" for p, g in zip(trainer.config.data.train, trainer.feed.sources, strict=True))
    optimiser = trainer.config.optimiser
    return f"""# {trainer.config.run.output.name}

A reranker, fine-tuned with adjudge from `{_base(trainer)}`.

```python
from adjudge import Reranker

judge = Reranker("PATH/TO/THIS/FOLDER")
```

## Training

{files}

{outcome.steps} steps of {trainer.config.run.groups_per_step} groups, {outcome.tokens:,} tokens, {outcome.seconds / 60:.0f} minutes.
Losses: {loss}. AdamW, learning rate {optimiser.learning_rate:g} ({optimiser.schedule}, warm-up {optimiser.warmup:.0%}),
at most {trainer.max_length} tokens a pair, seed {trainer.config.run.seed}. Every setting: training.json.

## Measured on the dev groups

{_table(outcome)}

These groups resemble the training data; they say nothing about other data. Scores are not calibrated.
Licence: that of the base model and of the training data; this card does not know them.
"""


def _base(trainer: Trainer) -> str:
    """A hub id or "embedded" as it is; of a folder its name alone."""
    base = trainer.config.model.base
    folder = Path(base).expanduser()
    return folder.resolve().name if folder.is_dir() else base


def _table(outcome: Outcome) -> str:
    if outcome.first is None or outcome.best is None:
        return "There were no dev groups: nothing was measured."
    first, best = outcome.first, outcome.best
    lines = [f"| | {f'step {first.step}' if first.step else 'before'} | best, step {best.step} |", "|---|---|---|"]
    return "\n".join(lines + [f"| {name} | {_value(first, name)} | {_value(best, name)} |" for name in best.measures])


def _value(evaluation: Evaluation, name: str) -> str:
    return f"{evaluation.measures[name]:.4f}" if name in evaluation.measures else "–"


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
