"""Settings from TOML: every key arrives, everything else is refused by name."""

from __future__ import annotations

from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import pytest

from adjudge.errors import ConfigError, InputError
from adjudge.train import DataConfig, LoraConfig, LossConfig, ModelConfig, OptimiserConfig, RunConfig, TrainConfig, read_config
from adjudge.train.supervision import Shaping

LEAST = 'data.train = "a.jsonl"\nrun.output = "out"\n'

EVERYTHING = """
[model]
base = "base"
revision = "v2"
max_length = 64
new_head = true
freeze_embeddings = true
dropout = 0.1
gradient_checkpointing = true
[model.lora]
rank = 4
alpha = 8
dropout = 0.05
[data]
train = ["a.jsonl", "deeper/b.jsonl.gz"]
shares = [1, 2.5]
dev = "dev.jsonl"
dev_share = 0.25
best_grade = 3
passages = 5
on_bad_rows = "report"
[data.shaping]
coverage = false
contradiction = 0.25
terminology = 1
[loss]
listwise = 0.5
pairwise = 1
pointwise = 0.1
lambda_rank = 0.2
margin_mse = 0.3
kl = 0.4
kl_temperature = 2
aspects = 0.6
[optimiser]
learning_rate = 1e-4
head_factor = 10
weight_decay = 0.02
warmup = 0.1
schedule = "stable_decay"
decay = 0.2
clip = 2
[run]
output = "runs/one"
epochs = 2
steps = 12
groups_per_step = 4
batch_tokens = 512
evaluate_every = 3
save_every = 5
seed = 0
device = "cpu"
precision = "f32"
threads = 1
collapse = 0
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "config.toml"
    path.write_text(text, encoding="utf-8")
    return path


def expected(folder: Path) -> TrainConfig:
    return TrainConfig(
        model=ModelConfig(
            base=str(folder / "base"),
            revision="v2",
            max_length=64,
            new_head=True,
            freeze_embeddings=True,
            dropout=0.1,
            gradient_checkpointing=True,
            lora=LoraConfig(rank=4, alpha=8, dropout=0.05),
        ),
        data=DataConfig(
            train=(folder / "a.jsonl", folder / "deeper" / "b.jsonl.gz"),
            shares=(1.0, 2.5),
            dev=(folder / "dev.jsonl",),
            dev_share=0.25,
            best_grade=3.0,
            passages=5,
            on_bad_rows="report",
            shaping=Shaping(coverage=False, contradiction=0.25, terminology=1.0),
        ),
        loss=LossConfig(
            listwise=0.5, pairwise=1.0, pointwise=0.1, lambda_rank=0.2, margin_mse=0.3, kl=0.4, kl_temperature=2.0, aspects=0.6
        ),
        optimiser=OptimiserConfig(
            learning_rate=1e-4, head_factor=10.0, weight_decay=0.02, warmup=0.1, schedule="stable_decay", decay=0.2, clip=2.0
        ),
        run=RunConfig(
            output=folder / "runs" / "one",
            epochs=2.0,
            steps=12,
            groups_per_step=4,
            batch_tokens=512,
            evaluate_every=3,
            save_every=5,
            seed=0,
            device="cpu",
            precision="f32",
            threads=1,
            collapse=0.0,
        ),
    )


def test_every_key_arrives(tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()
    assert read_config(write(tmp_path, EVERYTHING)) == expected(tmp_path)


@pytest.mark.parametrize("kind", [LoraConfig, ModelConfig, DataConfig, LossConfig, OptimiserConfig, RunConfig, Shaping])
def test_no_key_is_left_out_of_that_file(kind: Any) -> None:
    """So that a new setting is tried here too: in EVERYTHING, each differs from its default."""
    config = expected(Path("folder"))
    found: Any = {
        LoraConfig: config.model.lora,
        ModelConfig: config.model,
        DataConfig: config.data,
        LossConfig: config.loss,
        OptimiserConfig: config.optimiser,
        RunConfig: config.run,
        Shaping: config.data.shaping,
    }[kind]
    same = [f.name for f in fields(kind) if f.default is not MISSING and getattr(found, f.name) == f.default]
    assert same == (["freeze_layers"] if kind is ModelConfig else [])  # which goes with everything but lora


def test_frozen_layers_arrive(tmp_path: Path) -> None:
    assert read_config(write(tmp_path, LEAST + "model.freeze_layers = 2")).model.freeze_layers == 2


def test_what_is_not_said_keeps_its_default(tmp_path: Path) -> None:
    config = read_config(write(tmp_path, LEAST))
    assert config == TrainConfig(data=DataConfig(train=(tmp_path / "a.jsonl",)), run=RunConfig(output=tmp_path / "out"))
    assert config.model.base == "embedded"


def test_paths_are_taken_from_the_file_not_from_the_caller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "project"
    (place / "base").mkdir(parents=True)
    write(place, 'data.train = ["../a.jsonl", "/b.jsonl"]\nrun.output = "out"\nmodel.base = "base"\n')
    monkeypatch.chdir(tmp_path)
    config = read_config("project/config.toml")
    assert config.data.train == (Path("project/../a.jsonl"), Path("/b.jsonl"))
    assert config.run.output == Path("project/out")
    assert Path(config.model.base) == Path("project/base")


@pytest.mark.parametrize("base", ["BAAI/bge-reranker-v2-m3", "embedded"])
def test_a_base_that_is_no_folder_beside_the_file_stays_a_name(tmp_path: Path, base: str) -> None:
    (tmp_path / "embedded").mkdir()
    assert read_config(write(tmp_path, LEAST + f'model.base = "{base}"\n')).model.base == base


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ("modle.base = 'x'", "'modle'"),
        ("model.bass = 'x'", "'model.bass'"),
        ("model.lora.ranks = 3", "'model.lora.ranks'"),
        ("data.shaping.coverge = true", "'data.shaping.coverge'"),
        ("loss.listwize = 1", "'loss.listwize'"),
        ("optimiser.lr = 1", "'optimiser.lr'"),
        ("run.step = 1", "'run.step'"),
    ],
)
def test_an_unknown_key_is_named_with_its_table(tmp_path: Path, line: str, key: str) -> None:
    with pytest.raises(ConfigError, match=f"{key} is not known; known are"):
        read_config(write(tmp_path, LEAST + line))


WRONG_TYPES = [
    "model = 3",
    "model.lora = true",
    "model.base = 3",
    "model.revision = 3",
    "model.max_length = '64'",
    "model.max_length = 64.0",
    "model.max_length = true",
    "model.new_head = 1",
    "model.new_head = 'yes'",
    "data.shares = 1",
    "data.shares = [true]",
    "data.shares = ['1']",
    "data.dev = [1]",
    "data.best_grade = '3'",
    "data.best_grade = true",
    "data.on_bad_rows = 1",
    "data.shaping.coverage = 1",
    "loss.kl = 'much'",
    "optimiser.schedule = 3",
    "run.steps = 1.5",
    "run.epochs = false",
    "run.seed = 1.0",
    "run.threads = 'all'",
    "run.precision = 16",
    "run.device = 0",
]


@pytest.mark.parametrize("line", WRONG_TYPES)
def test_a_value_of_the_wrong_type_is_refused_by_name(tmp_path: Path, line: str) -> None:
    with pytest.raises(ConfigError, match=line.split(" =")[0].replace(".", r"\.")):
        read_config(write(tmp_path, LEAST + line))


WRONG_VALUES = [
    "model.base = ''",
    "model.max_length = 7",
    "model.freeze_layers = -1",
    "model.dropout = 0.95",
    "model.dropout = nan",
    "model.lora.rank = 0",
    "model.lora.alpha = 0",
    "model.lora.dropout = -0.1",
    "data.shares = [0]",
    "data.shares = [-1.0]",
    "data.shares = [nan]",
    "data.shares = [inf]",
    "data.shares = [1, 1]",
    "data.dev_share = 0.6",
    "data.best_grade = 0",
    "data.best_grade = nan",
    "data.best_grade = inf",
    "data.passages = 1",
    "data.on_bad_rows = 'ignore'",
    "data.shaping.contradiction = 1.5",
    "data.shaping.terminology = nan",
    "loss.listwise = -1",
    "loss.listwise = nan",
    "loss.kl_temperature = 0",
    "loss.kl_temperature = nan",
    "loss.kl_temperature = inf",
    "optimiser.learning_rate = 0",
    "optimiser.head_factor = 0",
    "optimiser.weight_decay = 2",
    "optimiser.warmup = 1.0",
    "optimiser.decay = 0",
    "optimiser.clip = 0",
    "optimiser.schedule = 'exponential'",
    "run.epochs = 0",
    "run.epochs = inf",
    "run.steps = 0",
    "run.groups_per_step = 0",
    "run.batch_tokens = 63",
    "run.evaluate_every = 0",
    "run.save_every = 0",
    "run.seed = -1",
    "run.seed = 18446744073709551616",
    "run.threads = 0",
    "run.precision = 'fp16'",
    "run.collapse = -0.1",
]


@pytest.mark.parametrize("line", WRONG_VALUES)
def test_a_value_out_of_range_is_refused_by_name_and_value(tmp_path: Path, line: str) -> None:
    key = line.split(" =")[0]
    with pytest.raises(ConfigError, match=key.replace(".", r"\.")):
        read_config(write(tmp_path, LEAST + line))


def test_losses_of_weight_zero_alone_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nothing would be learned"):
        read_config(write(tmp_path, LEAST + "loss.listwise = 0\nloss.pointwise = 0\n"))


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("run.output = 'out'", r"data"),
        ("data.dev = 'a'\nrun.output = 'out'", r"data\.train"),
        ("data.train = 'a.jsonl'", "run"),
        ("data.train = 'a.jsonl'\nrun.seed = 1", r"run\.output"),
    ],
)
def test_what_must_be_there_and_is_not_is_named(tmp_path: Path, text: str, key: str) -> None:
    with pytest.raises(ConfigError, match=f"{key} is missing"):
        read_config(write(tmp_path, text))


def test_no_training_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"data\.train names no file"):
        read_config(write(tmp_path, "data.train = []\nrun.output = 'out'"))


@pytest.mark.parametrize("content", [b"[model\n", b"model = \n", b"\xff\xfe", b"{}", b"a = " + b"[" * 5000])
def test_a_file_that_is_not_toml_is_an_input_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"config\.toml is not TOML"):
        read_config(path)


def test_a_file_that_cannot_be_read_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.toml cannot be read"):
        read_config(tmp_path / "none.toml")
    with pytest.raises(InputError, match="cannot be read"):
        read_config(tmp_path)


@pytest.mark.parametrize("values", [{"train": "a.jsonl"}, {"train": ("a.jsonl",)}, {"train": (Path("a"),), "dev": "dev.jsonl"}])
def test_from_python_too_paths_are_paths(values: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"data\.(train|dev).*Path"):
        DataConfig(**values)


def test_from_python_too_the_output_is_a_path() -> None:
    with pytest.raises(ConfigError, match=r"run\.output.*Path"):
        RunConfig(output="out")


@pytest.mark.parametrize(("kind", "values"), [(ModelConfig, {"max_length": True}), (LossConfig, {"kl": "1"}), (RunConfig, {"steps": 2.0})])
def test_from_python_too_types_are_checked(kind: Any, values: dict[str, Any]) -> None:
    least = {"output": Path("out")} if kind is RunConfig else {}
    with pytest.raises(ConfigError):
        kind(**least, **values)
