"""Settings of a training run, as tables of a TOML file: every key is checked, unknown keys are refused by name."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

from ..errors import ConfigError, InputError
from .supervision import Shaping

__all__ = ["DataConfig", "LoraConfig", "LossConfig", "ModelConfig", "OptimiserConfig", "RunConfig", "TrainConfig", "read_config"]

Schedule: TypeAlias = Literal["linear", "cosine", "constant", "stable_decay"]
TrainPrecision: TypeAlias = Literal["auto", "f32", "bf16", "f16"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoraConfig:
    """Low-rank adapters (Hu et al., 2021) by the library peft: the body stays frozen; they are merged when the model is saved."""

    rank: int = 16
    alpha: int = 32
    dropout: float = 0.0

    def __post_init__(self) -> None:
        _at_least("model.lora.rank", self.rank, 1)
        _at_least("model.lora.alpha", self.alpha, 1)
        _within("model.lora.dropout", self.dropout, 0, 0.9)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelConfig:
    """What is trained."""

    base: str = "embedded"  # a folder (from the TOML file's), a hub id, or "embedded"
    revision: str | None = None
    max_length: int = 256  # tokens a pair; longer documents are cut at the end
    new_head: bool = False  # start a relevance head from random numbers: for a body that has none
    freeze_embeddings: bool = False
    freeze_layers: int = 0  # the lowest so many
    dropout: float = 0.0  # instead of what config.json says
    gradient_checkpointing: bool = False  # less memory, a third more time
    lora: LoraConfig | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.base, str) or not self.base.strip():
            raise ConfigError(f"model.base={self.base!r} must be a folder, a hub id or 'embedded'")
        _at_least("model.max_length", self.max_length, 8)
        _at_least("model.freeze_layers", self.freeze_layers, 0)
        _within("model.dropout", self.dropout, 0, 0.9)
        if self.lora is not None and self.freeze_layers:
            raise ConfigError(
                f"model.freeze_layers={self.freeze_layers} and model.lora contradict each other: adapters sit on every layer and "
                "leave the rest of the body frozen; take one of the two"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class DataConfig:
    """What is learned from. Paths are taken from the TOML file's folder."""

    train: tuple[Path, ...]
    shares: tuple[float, ...] = ()  # of the groups of a step, one for each file; (): by size
    dev: tuple[Path, ...] = ()
    dev_share: float = 0.0  # without dev files: this share of the groups is held back
    best_grade: float = 1.0  # what the highest grade in the files is: 3 for grades 0..3
    passages: int = 8  # a group's most; of more, the positives and a seeded draw of the others
    on_bad_rows: Literal["raise", "report"] = "raise"  # "report": go on without them, each named in the log
    shaping: Shaping = field(default_factory=Shaping)

    def __post_init__(self) -> None:
        _paths("data.train", self.train)
        _paths("data.dev", self.dev)
        if not self.train:
            raise ConfigError("data.train names no file; give at least one JSONL file")
        if self.shares and (len(self.shares) != len(self.train) or not all(0 < share < math.inf for share in self.shares)):
            raise ConfigError(
                f"data.shares={list(self.shares)} must be one positive number for each of the {len(self.train)} files of data.train"
            )
        _above_zero("data.best_grade", self.best_grade)
        _choice("data.on_bad_rows", self.on_bad_rows, ("raise", "report"))
        _at_least("data.passages", self.passages, 2)
        _within("data.dev_share", self.dev_share, 0, 0.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class LossConfig:
    """The weight of each loss; 0 leaves it out."""

    listwise: float = 1.0
    pairwise: float = 0.0
    pointwise: float = 0.2
    lambda_rank: float = 0.0
    margin_mse: float = 0.0
    kl: float = 0.0
    kl_temperature: float = 1.0
    aspects: float = 0.0

    def __post_init__(self) -> None:
        weights = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "kl_temperature"}
        for name, weight in weights.items():
            _within(f"loss.{name}", weight, 0, 1000)
        if not any(weights.values()):
            raise ConfigError("every loss has the weight 0: nothing would be learned")
        _above_zero("loss.kl_temperature", self.kl_temperature)


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimiserConfig:
    """AdamW and its learning rate."""

    learning_rate: float = 2e-5
    head_factor: float = 1.0  # the head's learning rate, in multiples
    weight_decay: float = 0.01
    warmup: float = 0.05  # share of the steps
    schedule: Schedule = "linear"  # "stable_decay": constant, then down to zero over the last `decay`; a run can be prolonged before it
    decay: float = 0.3
    clip: float = 1.0  # largest norm of the gradient

    def __post_init__(self) -> None:
        _within("optimiser.learning_rate", self.learning_rate, 1e-9, 1)
        _within("optimiser.head_factor", self.head_factor, 0.01, 1000)
        _within("optimiser.weight_decay", self.weight_decay, 0, 1)
        _within("optimiser.warmup", self.warmup, 0, 0.9)
        _within("optimiser.decay", self.decay, 0.01, 1)
        _within("optimiser.clip", self.clip, 1e-6, 1e6)
        _choice("optimiser.schedule", self.schedule, get_args(Schedule))


@dataclass(frozen=True, slots=True, kw_only=True)
class RunConfig:
    """How it is run, and where it leaves what."""

    output: Path  # the folder of the run: checkpoint, best model, curves, card
    epochs: float = 1.0
    steps: int | None = None  # instead of epochs
    groups_per_step: int = 32  # an optimiser step; gradients are accumulated over smaller batches
    batch_tokens: int = 8192  # padded tokens computed at once, forward and backward
    evaluate_every: int = 100  # steps
    save_every: int = 100
    seed: int = 7
    device: str = "auto"
    precision: TrainPrecision = "auto"  # bf16 where the device is fast in it
    threads: int | None = None
    collapse: float = 1e-3  # stop when scores spread less than this over the dev groups (standard deviation)

    def __post_init__(self) -> None:
        _paths("run.output", (self.output,))
        for name in ("groups_per_step", "evaluate_every", "save_every"):
            _at_least(f"run.{name}", getattr(self, name), 1)
        _at_least("run.batch_tokens", self.batch_tokens, 64)
        _within("run.epochs", self.epochs, 1e-6, 1e6)
        if self.steps is not None:
            _at_least("run.steps", self.steps, 1)
        _within("run.seed", self.seed, 0, 2**63)
        if self.threads is not None:
            _at_least("run.threads", self.threads, 1)
        _choice("run.precision", self.precision, get_args(TrainPrecision))
        _within("run.collapse", self.collapse, 0, 1)

    def planned_steps(self, epoch_steps: int) -> int:
        """`steps` where given, else as many as the epochs need."""
        return self.steps if self.steps is not None else max(1, round(epoch_steps * self.epochs))


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """All of it."""

    data: DataConfig
    run: RunConfig
    model: ModelConfig = field(default_factory=ModelConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    optimiser: OptimiserConfig = field(default_factory=OptimiserConfig)


def read_config(path: str | Path) -> TrainConfig:
    """Read a TOML file with the tables [model], [data], [loss], [optimiser] and [run]; see docs/training.md.

    Raises InputError where it cannot be read, ConfigError for a key or value that makes no sense.
    """
    path = Path(path)
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as exc:
        raise InputError(f"{path} cannot be read ({exc.strerror}); give the path of a TOML file") from exc
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise InputError(f"{path} is not TOML: {exc}") from exc
    config: TrainConfig = _build(TrainConfig, tables, path.parent, where="")
    return config


_NESTED: Mapping[tuple[str, str], type] = {
    ("TrainConfig", "data"): DataConfig,
    ("TrainConfig", "run"): RunConfig,
    ("TrainConfig", "model"): ModelConfig,
    ("TrainConfig", "loss"): LossConfig,
    ("TrainConfig", "optimiser"): OptimiserConfig,
    ("ModelConfig", "lora"): LoraConfig,
    ("DataConfig", "shaping"): Shaping,
}


def _build(kind: type, table: object, folder: Path, *, where: str) -> Any:
    if not isinstance(table, dict):
        raise ConfigError(f"[{where}] must be a table, not {table!r}")
    known = {f.name: f for f in fields(kind)}
    values: dict[str, Any] = {}
    for key, value in table.items():
        full = f"{where}.{key}" if where else key
        if key not in known:
            raise ConfigError(f"the setting {full!r} is not known; known are {', '.join(known)}")
        nested = _NESTED.get((kind.__name__, key))
        values[key] = _build(nested, value, folder, where=full) if nested else _value(full, value, str(known[key].type), folder)
    for name, known_field in known.items():
        if name not in values and known_field.default is MISSING and known_field.default_factory is MISSING:
            raise ConfigError(f"the setting {f'{where}.{name}' if where else name} is missing")
    return kind(**values)


def _value(name: str, value: Any, kind: str, folder: Path) -> Any:
    """TOML's value as the field's type; `kind` is the annotation as it is written above."""
    if kind.startswith("tuple[Path"):
        listed = [value] if isinstance(value, str) else value
        if not isinstance(listed, list) or not all(isinstance(v, str) for v in listed):
            raise ConfigError(f"{name} must be a path or a list of paths, not {value!r}")
        return tuple(folder / v for v in listed)
    if kind == "Path" and isinstance(value, str):
        return folder / value
    if kind.startswith("tuple[float") and isinstance(value, list) and all(_is_number(v) for v in value):
        return tuple(float(v) for v in value)
    if name == "model.base" and isinstance(value, str):
        return str(folder / value) if value.strip() and value != "embedded" and (folder / value).is_dir() else value
    wanted = {"int": int, "int | None": int, "bool": bool, "str": str, "str | None": str}.get(kind)
    if kind == "float" and _is_number(value):
        return float(value)
    if wanted is not None and isinstance(value, wanted) and (wanted is not int or not isinstance(value, bool)):
        return value
    if isinstance(value, str) and (kind.startswith("Literal") or kind in ("Schedule", "TrainPrecision")):
        return value
    raise ConfigError(f"{name}={value!r} is not what it must be: {kind}")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _at_least(name: str, value: int, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ConfigError(f"{name}={value!r} must be a whole number of at least {least}")


def _within(name: str, value: float, least: float, most: float) -> None:
    if not _is_number(value) or not least <= value <= most:
        raise ConfigError(f"{name}={value!r} must be a number from {least:g} to {most:g}")


def _above_zero(name: str, value: float) -> None:
    if not _is_number(value) or not 0 < value < math.inf:
        raise ConfigError(f"{name}={value!r} must be a number above 0")


def _paths(name: str, value: object) -> None:
    if not isinstance(value, tuple) or not all(isinstance(path, Path) for path in value):
        raise ConfigError(f"{name} must hold Path objects, not {value!r}")


def _choice(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ConfigError(f"{name}={value!r} is not one of {', '.join(known)}")
