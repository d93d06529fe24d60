"""Killed in the middle, a run goes on in another process and ends as if nothing had happened."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from adjudge.train import TrainConfig, train
from adjudge.train.checkpoint import CHECKPOINT, read_history
from tests.conftest import Folders
from tests.tiny_models import Tiny
from tests.train.toy import changed, config_of, toml_of

pytestmark = pytest.mark.usefixtures("no_picture")

SCRIPT = "import sys; from adjudge.train import read_config, train; train(read_config(sys.argv[1]))"
SLOWLY = (
    "import sys, time; from adjudge.train import read_config; from adjudge.train.loop import prepare, run_to_end;"
    "run_to_end(prepare(read_config(sys.argv[1])), stop=lambda: time.sleep(0.05))"
)
"""The same with a pause after each step, so that a kill comes before the end on any machine."""
STEPS = 40


def start(toml: Path, script: str = SCRIPT) -> subprocess.Popen[bytes]:
    """A training in a process of its own."""
    return subprocess.Popen([sys.executable, "-W", "error", "-c", script, str(toml)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def kill_at(config: TrainConfig, toml: Path, step: int) -> None:
    """Start, wait until `step` is in the history, and kill -9."""
    process = start(toml, SLOWLY)
    history = config.run.output / "history.jsonl"
    until = time.monotonic() + 240
    while process.poll() is None and not (history.is_file() and f'"step": {step},' in history.read_text(encoding="utf-8")):
        assert time.monotonic() < until, "the run does not get on"
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    _, errors = process.communicate()
    assert process.returncode == -signal.SIGKILL, errors.decode()
    assert max(record.step for record in read_history(config.run.output)[0]) < STEPS


def told(output: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Everything of a history but how long it took."""
    steps, evaluations = read_history(output)
    return [asdict(record) | {"seconds": 0} for record in steps], [evaluation.to_json() for evaluation in evaluations]


def tensors(folder: Path) -> dict[str, np.ndarray]:
    return {f"{path.name}:{name}": array for path in sorted(folder.glob("*.safetensors")) for name, array in load_file(path).items()}


def equal(one: Path, other: Path) -> bool:
    """Whether two folders hold the same numbers, to the last bit."""
    a, b = tensors(one), tensors(other)
    return a.keys() == b.keys() and all(np.array_equal(a[name], b[name]) for name in a)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_run_killed_again_and_again_ends_as_one_that_was_not(tmp_path: Path, own_folder: Path) -> None:
    """With dropout, whose draws must go on where they were, too."""
    config = config_of(tmp_path, own_folder, steps=STEPS, evaluate_every=14, save_every=8)
    config = changed(config, model={"dropout": 0.1})
    toml_of(config, tmp_path / "run.toml")
    for step in (5, 12, 29):  # before the first checkpoint; after it; after an evaluation that it does not know of
        kill_at(config, tmp_path / "run.toml", step)
        assert (config.run.output / CHECKPOINT).is_file() or step < 8
    last = start(tmp_path / "run.toml")
    _, errors = last.communicate(timeout=240)
    assert last.returncode == 0, errors.decode()
    whole = train(changed(config, run={"output": tmp_path / "whole"}))
    assert told(config.run.output) == told(tmp_path / "whole")
    assert equal(config.run.output / "best", whole.folder)
    assert not list(config.run.output.glob("*.new"))


def halves(config: TrainConfig, output: Path, at: int) -> None:
    """The run in two parts, the second after everything of the first is forgotten but its folder."""
    from adjudge.train.loop import prepare, run_to_end

    steps: list[int] = []
    run_to_end(prepare(changed(config, run={"output": output})), stop=lambda: steps.append(0) or len(steps) == at)
    train(changed(config, run={"output": output}))


@pytest.mark.parametrize("at", [1, 9])
def test_a_run_in_two_parts_is_one_run(tmp_path: Path, own_folder: Path, at: int) -> None:
    config = changed(config_of(tmp_path, own_folder, steps=12, evaluate_every=4), model={"dropout": 0.1})
    halves(config, tmp_path / "halves", at)
    train(config)
    assert told(tmp_path / "halves") == told(config.run.output)
    assert equal(tmp_path / "halves" / "best", config.run.output / "best")


@pytest.mark.parametrize("model", [{"freeze_embeddings": True}, {"freeze_layers": 1}], ids=["embeddings", "layers"])
def test_frozen_parts_are_not_in_the_checkpoint_and_come_back(tmp_path: Path, own_folder: Path, model: dict[str, Any]) -> None:
    config = changed(config_of(tmp_path, own_folder, steps=6, evaluate_every=3), model=model)
    halves(config, tmp_path / "halves", 3)
    train(config)
    assert told(tmp_path / "halves") == told(config.run.output)
    assert equal(tmp_path / "halves" / "best", config.run.output / "best")
    from adjudge.train.checkpoint import load_state

    state = load_state(config.run.output)
    assert state is not None
    assert not any("word_embeddings" in name for name in state["parameters"])


def test_adapters_resume_too(tmp_path: Path, tiny_folder: Folders) -> None:
    from adjudge.train import LoraConfig

    config = config_of(tmp_path, tiny_folder(Tiny(family="bert")), steps=6, evaluate_every=3)
    config = changed(config, model={"lora": LoraConfig(rank=4, dropout=0.1)})
    halves(config, tmp_path / "halves", 3)
    train(config)
    assert told(tmp_path / "halves") == told(config.run.output)
    assert equal(tmp_path / "halves" / "best", config.run.output / "best")


def test_a_new_head_resumes_too(tmp_path: Path, tiny_model: Path) -> None:
    from tests.train.students import headless

    config = config_of(tmp_path, headless(tiny_model, tmp_path / "body"), steps=6, evaluate_every=3)
    config = changed(config, model={"new_head": True})
    halves(config, tmp_path / "halves", 3)
    train(config)
    assert told(tmp_path / "halves") == told(config.run.output)
    assert equal(tmp_path / "halves" / "best", config.run.output / "best")


def test_half_precision_resumes_too(tmp_path: Path, tiny_folder: Folders) -> None:
    """With the scale of float16's loss."""
    config = changed(config_of(tmp_path, tiny_folder(Tiny(family="bert")), steps=6, evaluate_every=3), run={"precision": "f16"})
    halves(config, tmp_path / "halves", 3)
    train(config)
    assert told(tmp_path / "halves") == told(config.run.output)
