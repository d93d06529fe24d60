"""What is on disk: whole or not at all, and refused where it is damaged or another run's."""

from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adjudge.errors import InputError, TrainingError
from adjudge.train import LoraConfig, TrainConfig, train
from adjudge.train.checkpoint import CHECKPOINT, History, load_state, read_history, replace_folder, save_state
from adjudge.train.outcome import Evaluation, StepRecord
from tests.conftest import Folders
from tests.tiny_models import Tiny
from tests.train.students import headless
from tests.train.toy import changed, config_of, make_rows, write_rows

pytestmark = pytest.mark.usefixtures("no_picture")

WHOLE: dict[str, Any] = dict.fromkeys(["step", "tokens", "seconds", "parameters", "optimiser", "scaler", "random", "best"], 1)
"""The least that a checkpoint holds."""


def step(number: int) -> StepRecord:
    return StepRecord(step=number, loss=0.5 / number, learning_rate=1e-5, gradient_norm=1.25, tokens=100, seconds=0.1)


def evaluation(number: int) -> Evaluation:
    return Evaluation(step=number, measures={"nDCG@10": 0.1 * number, "nDCG@10 of 问": 1 / 3}, spread=0.7)


def written(folder: Path, *records: StepRecord | Evaluation) -> Path:
    history = History(folder, keep_until=0)
    for record in records:
        history.add(record)
    return folder / "history.jsonl"


def test_a_history_is_read_as_it_was_written(tmp_path: Path) -> None:
    written(tmp_path, evaluation(0), step(1), step(2), evaluation(2))
    assert read_history(tmp_path) == ([step(1), step(2)], [evaluation(0), evaluation(2)])


def test_there_may_be_no_history(tmp_path: Path) -> None:
    assert read_history(tmp_path) == ([], [])


def test_work_that_was_lost_goes_from_the_history(tmp_path: Path) -> None:
    path = written(tmp_path, evaluation(0), *(step(n) for n in range(1, 7)), evaluation(6))
    history = History(tmp_path, keep_until=4)
    assert (history.steps, history.evaluations) == ([step(n) for n in range(1, 5)], [evaluation(0)])
    history.add(step(5))
    assert read_history(tmp_path)[0] == [step(n) for n in range(1, 6)]
    assert len(path.read_text(encoding="utf-8").splitlines()) == 6


@settings(max_examples=30)
@given(cut=st.integers(1, 400), tail=st.sampled_from([b"", b"\0" * 50, b"\xff\xfe", b"}\n"]))
def test_a_torn_last_line_costs_that_line_alone(tmp_path_factory: pytest.TempPathFactory, cut: int, tail: bytes) -> None:
    """Also one torn by a machine that lost its power, which may leave zeros."""
    folder = tmp_path_factory.mktemp("torn")
    path = written(folder, *(step(n) for n in range(1, 4)))
    content = path.read_bytes()
    kept = content[: max(0, len(content) - cut)]
    path.write_bytes(kept + tail)
    whole = kept.count(b"\n")
    steps, _ = read_history(folder)
    assert steps[:whole] == [step(n) for n in range(1, whole + 1)]
    assert len(steps) <= 3
    history = History(folder, keep_until=whole)
    history.add(step(whole + 1))
    assert read_history(folder)[0] == [step(n) for n in range(1, whole + 2)]


def test_a_state_is_read_as_it_was_saved(tmp_path: Path) -> None:
    import torch

    assert load_state(tmp_path) is None
    state = WHOLE | {"step": 3, "parameters": {"a": torch.arange(4.0)}}
    save_state(tmp_path, state)
    found = load_state(tmp_path)
    assert found is not None
    assert found["step"] == 3
    assert torch.equal(found["parameters"]["a"], state["parameters"]["a"])
    assert [path.name for path in tmp_path.iterdir()] == [CHECKPOINT]


def test_a_save_that_fails_leaves_the_old_state(tmp_path: Path) -> None:
    import torch

    save_state(tmp_path, WHOLE)

    class Unspeakable:
        def __reduce__(self) -> tuple[object, ...]:
            raise OSError("no space left on device")

    with pytest.raises(OSError, match="no space"):
        save_state(tmp_path, {"weights": torch.zeros(1000), "step": 2, "then": Unspeakable()})
    assert load_state(tmp_path) == WHOLE


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, own_folder: Path) -> TrainConfig:
    """A run of two steps, to be copied or begun again elsewhere."""
    config = config_of(tmp_path_factory.mktemp("finished"), own_folder, steps=2, evaluate_every=2)
    train(config)
    return config


def copied(config: TrainConfig, folder: Path, **parts: dict[str, Any]) -> TrainConfig:
    """The same run in another output folder, with the same checkpoint in it, some settings changed."""
    (folder / "out").mkdir()
    (folder / "out" / CHECKPOINT).write_bytes((config.run.output / CHECKPOINT).read_bytes())
    parts["run"] = {"output": folder / "out", "steps": 3} | parts.get("run", {})
    return changed(config, **parts)


def test_the_copy_goes_on_where_it_was(finished: TrainConfig, tmp_path: Path) -> None:
    config = copied(finished, tmp_path)
    assert train(config).steps == 3
    assert [record.step for record in read_history(config.run.output)[0]] == [3]


def test_a_checkpoint_holds_nothing_that_could_run(finished: TrainConfig) -> None:
    import torch

    torch.load(finished.run.output / CHECKPOINT, weights_only=True)


@pytest.mark.parametrize("share", [0.0, 0.001, 0.3, 0.9, 0.999])
def test_a_truncated_checkpoint_is_said_to_be_damaged(finished: TrainConfig, tmp_path: Path, share: float) -> None:
    config = copied(finished, tmp_path)
    path = config.run.output / CHECKPOINT
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(InputError, match=r"checkpoint\.pt is damaged .*delete it"):
        train(config)


@pytest.mark.parametrize("content", [b"not a checkpoint at all", b"\x80\x02}q\x00.", b"PK\x03\x04" + b"\0" * 99])
def test_a_file_that_is_no_checkpoint_is_refused(finished: TrainConfig, tmp_path: Path, content: bytes) -> None:
    config = copied(finished, tmp_path)
    (config.run.output / CHECKPOINT).write_bytes(content)
    with pytest.raises(InputError, match=r"checkpoint\.pt"):
        train(config)


@pytest.mark.parametrize("state", [[1, 2], {"step": 3}, {"state_dict": {}, "epoch": 1}])
def test_a_checkpoint_of_another_library_is_refused(finished: TrainConfig, tmp_path: Path, state: object) -> None:
    import torch

    config = copied(finished, tmp_path)
    torch.save(state, config.run.output / CHECKPOINT)
    with pytest.raises(InputError, match=r"checkpoint\.pt is no checkpoint of adjudge"):
        train(config)


def test_a_pickle_that_would_run_is_not_run(finished: TrainConfig, tmp_path: Path) -> None:
    import os
    import pickle

    config = copied(finished, tmp_path)

    class Trap:
        def __reduce__(self) -> tuple[object, ...]:
            return os.mkdir, (str(tmp_path / "ran"),)

    (config.run.output / CHECKPOINT).write_bytes(pickle.dumps(Trap()))
    with pytest.raises(InputError):
        train(config)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("base", ["bert", "roberta"])
def test_a_checkpoint_of_another_model_is_refused(finished: TrainConfig, tmp_path: Path, tiny_folder: Folders, base: str) -> None:
    config = copied(finished, tmp_path, model={"base": str(tiny_folder(Tiny(family=base)))})
    with pytest.raises(TrainingError, match=r"belongs to another.*another output folder"):
        train(config)


def test_a_checkpoint_of_the_same_kind_of_model_is_refused(tmp_path: Path, tiny_folder: Folders) -> None:
    """Same names, same shapes: going on from it would leave the base that was asked for unused."""
    config = config_of(tmp_path, tiny_folder(Tiny(family="bert")), steps=1, evaluate_every=1)
    train(config)
    with pytest.raises(TrainingError, match=r"belongs to another run: model\.base was"):
        train(changed(config, model={"base": str(tiny_folder(Tiny(family="bert", seed=1)))}))


def test_a_checkpoint_of_other_shapes_is_refused_whatever_the_folders_name(tmp_path: Path, tiny_folder: Folders) -> None:
    base = tmp_path / "base"
    shutil.copytree(tiny_folder(Tiny(family="bert")), base)
    config = config_of(tmp_path, base, steps=1, evaluate_every=1)
    train(config)
    shutil.rmtree(base)
    shutil.copytree(tiny_folder(Tiny(family="bert", config={"hidden_size": 64, "intermediate_size": 96})), base)
    with pytest.raises(TrainingError, match=r"belongs to another run: model\.weights was"):
        train(config)


def test_a_checkpoint_of_other_weights_is_refused_whatever_the_folders_name(tmp_path: Path, tiny_folder: Folders) -> None:
    """Every run leaves its model in a folder called "best"."""
    for seed in (0, 1):
        shutil.copytree(tiny_folder(Tiny(family="bert", seed=seed)), tmp_path / f"run{seed}" / "best")
    config = config_of(tmp_path, tmp_path / "run0" / "best", steps=1, evaluate_every=1)
    train(config)
    with pytest.raises(TrainingError, match=r"belongs to another run: model\.weights was"):
        train(changed(config, model={"base": str(tmp_path / "run1" / "best")}, run={"steps": 2}))


def test_a_checkpoint_goes_on_with_its_base_in_another_place(tmp_path: Path, tiny_folder: Folders) -> None:
    config = config_of(tmp_path, tiny_folder(Tiny(family="bert")), steps=1, evaluate_every=1)
    train(config)
    moved = tmp_path / "elsewhere" / Path(config.model.base).name
    shutil.copytree(config.model.base, moved)
    assert train(changed(config, model={"base": str(moved)}, run={"steps": 2})).steps == 2


@pytest.fixture
def new_head(tmp_path: Path, tiny_model: Path) -> TrainConfig:
    """A run of one step that gave a body its head."""
    config = config_of(tmp_path, headless(tiny_model, tmp_path / "body"), steps=1, evaluate_every=1)
    config = changed(config, model={"new_head": True})
    train(config)
    return config


def test_a_new_head_goes_on_with_another_seed(new_head: TrainConfig, caplog: pytest.LogCaptureFixture) -> None:
    """The seed draws the head, but the checkpoint brings the one that has learned."""
    with caplog.at_level(logging.WARNING, logger="adjudge"):
        assert train(changed(new_head, run={"steps": 2, "seed": 8})).steps == 2
    assert "run.seed was 7 and is 8" in caplog.text


def test_a_new_head_on_another_body_is_refused(new_head: TrainConfig, tmp_path: Path, tiny_folder: Folders) -> None:
    other = headless(tiny_folder(Tiny(family="bert", seed=1)), tmp_path / "other" / "body")
    with pytest.raises(TrainingError, match=r"belongs to another run: model\.weights was"):
        train(changed(new_head, model={"base": str(other)}, run={"steps": 2}))


def test_a_pooler_that_was_drawn_beside_adapters_belongs_to_its_seed(tmp_path: Path, tiny_folder: Folders) -> None:
    """It stays as it was drawn, so it is in no checkpoint."""
    body = headless(tiny_folder(Tiny(family="deberta-v2")), tmp_path / "body")
    config = config_of(tmp_path, body, steps=1, evaluate_every=1)
    config = changed(config, model={"new_head": True, "lora": LoraConfig(rank=2)})
    train(config)
    with pytest.raises(TrainingError, match=r"belongs to another run: model\.head_seed was 7 and is 8"):
        train(changed(config, run={"steps": 2, "seed": 8}))
    assert train(changed(config, run={"steps": 2})).steps == 2


def test_what_was_best_on_other_dev_groups_is_forgotten(tmp_path: Path, own_folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    config = config_of(tmp_path, own_folder, steps=4, evaluate_every=2)
    train(config)
    other = write_rows(tmp_path / "other.jsonl", make_rows(12, seed=5, name="other "))
    with caplog.at_level(logging.WARNING, logger="adjudge"):
        outcome = train(changed(config, data={"dev": (other,)}, run={"steps": 6}))
    assert "data.dev was '16 groups" in caplog.text
    assert outcome.first is not None
    assert [evaluation.step for evaluation in read_history(config.run.output)[1]] == [4, 6]
    assert outcome.first.step == 4
    assert outcome.best is not None
    assert outcome.best.measures["nDCG@10"] == max(e.measures["nDCG@10"] for e in read_history(config.run.output)[1])
    assert "| | step 4 | best, step" in (outcome.folder / "README.md").read_text(encoding="utf-8")


def test_a_model_that_an_earlier_run_left_is_not_this_ones(tmp_path: Path, own_folder: Path) -> None:
    from adjudge.train.loop import prepare, run_to_end

    config = config_of(tmp_path, own_folder, steps=2, evaluate_every=2)
    before = train(config)
    assert before.left
    (config.run.output / CHECKPOINT).unlink()
    told = {path.name: path.read_bytes() for path in before.folder.iterdir()}
    outcome = run_to_end(prepare(changed(config, run={"steps": 9, "evaluate_every": 9})), stop=lambda: True)
    assert (outcome.steps, outcome.best, outcome.left) == (1, None, False)
    assert {path.name: path.read_bytes() for path in before.folder.iterdir()} == told


def test_a_start_without_a_checkpoint_measures_its_own_base(tmp_path: Path, tiny_folder: Folders) -> None:
    config = config_of(tmp_path, tiny_folder(Tiny(family="bert")), steps=1, evaluate_every=1)
    first = train(config).first
    (config.run.output / CHECKPOINT).unlink()
    other = str(tiny_folder(Tiny(family="bert", seed=1)))
    again, fresh = (train(changed(config, model={"base": other}, run={"output": tmp_path / name})).first for name in ("out", "fresh"))
    assert again == fresh != first


@pytest.mark.parametrize(
    "model",
    [{"freeze_layers": 1}, {"freeze_embeddings": True}, {"lora": LoraConfig(rank=2)}],
    ids=["layers", "embeddings", "lora"],
)
def test_a_checkpoint_with_other_parts_frozen_is_refused(finished: TrainConfig, tmp_path: Path, model: dict[str, Any]) -> None:
    with pytest.raises(TrainingError, match="another"):
        train(copied(finished, tmp_path, model=model))


@pytest.mark.parametrize("part", [{"run": {"seed": 8}}, {"run": {"groups_per_step": 4}}, {"data": {"passages": 3}}])
def test_other_data_or_another_seed_is_said_to_differ(
    finished: TrainConfig, tmp_path: Path, part: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    (name,) = (f"{table}.{key}" for table, values in part.items() for key in values)
    with caplog.at_level(logging.WARNING, logger="adjudge"):
        train(copied(finished, tmp_path, **part))
    assert name in caplog.text


def test_grown_data_is_said_to_differ(finished: TrainConfig, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = write_rows(tmp_path / "train.jsonl", make_rows(50, seed=1))
    with caplog.at_level(logging.WARNING, logger="adjudge"):
        train(copied(finished, tmp_path, data={"train": (path,)}))
    assert "train.jsonl (48 groups)" in caplog.text
    assert "train.jsonl (50 groups)" in caplog.text


def test_a_folder_takes_anothers_place(tmp_path: Path) -> None:
    for name in ("fresh", "target", "target.old"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "what.json").write_text(json.dumps(name), encoding="utf-8")
    replace_folder(tmp_path / "fresh", tmp_path / "target")
    assert json.loads((tmp_path / "target" / "what.json").read_text(encoding="utf-8")) == "fresh"
    assert [path.name for path in tmp_path.iterdir()] == ["target"]
