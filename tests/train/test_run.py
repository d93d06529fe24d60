"""Whole small runs: they learn, keep the best, tell the truth about it, and stop when there is nothing left to learn from."""

from __future__ import annotations

import json
import logging
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from adjudge import Reranker
from adjudge.errors import ConfigError, TrainingError
from adjudge.train import LoraConfig, Outcome, TrainConfig, read_config, train
from adjudge.train.checkpoint import read_history
from adjudge.train.loop import prepare, run_to_end
from adjudge.train.rows import read_groups
from adjudge.train.trainer import Trainer
from tests.conftest import Folders
from tests.tiny_models import Tiny
from tests.train.students import SHORT, said
from tests.train.toy import changed, config_of, make_rows, toml_of, write_rows


@dataclass(frozen=True)
class Run:
    """A run that was done once for all who look at it."""

    config: TrainConfig
    outcome: Outcome
    trainer: Trainer


def do(config: TrainConfig) -> Run:
    trainer = prepare(config)
    return Run(config, run_to_end(trainer), trainer)


@pytest.fixture(scope="module", params=["own", "bert"])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, own_folder: Path, tiny_folder: Folders) -> Run:
    base = own_folder if request.param == "own" else tiny_folder(Tiny(family=request.param))
    return do(config_of(tmp_path_factory.mktemp("run"), base))


def test_the_loss_falls(run: Run) -> None:
    losses = [record.loss for record in read_history(run.config.run.output)[0]]
    assert len(losses) == 24
    assert np.mean(losses[-6:]) < 0.7 * np.mean(losses[:6])


def test_what_is_measured_rises(run: Run) -> None:
    first, best = run.outcome.first, run.outcome.best
    assert first is not None
    assert best is not None
    print(f"nDCG@10 {first.measures['nDCG@10']:.3f} -> {best.measures['nDCG@10']:.3f}")
    assert first.step == 0
    assert best.measures["nDCG@10"] > max(0.9, first.measures["nDCG@10"] + 0.1)
    assert {"RR@10", "Success@1", "nDCG@10 of even", "nDCG@10 of odd"} < set(best.measures)
    _, evaluations = read_history(run.config.run.output)
    assert best == max(evaluations[1:], key=lambda e: e.measures["nDCG@10"])  # of equals the first


def test_it_is_measured_before_at_every_eighth_step_and_at_the_end(run: Run) -> None:
    steps, evaluations = read_history(run.config.run.output)
    assert [record.step for record in steps] == list(range(1, 25))
    assert [evaluation.step for evaluation in evaluations] == [0, 8, 16, 24]
    assert run.outcome.steps == 24
    assert run.outcome.tokens == sum(record.tokens for record in steps) > 0
    assert not run.outcome.collapsed


def test_the_saved_folder_scores_as_the_best_student_did(run: Run) -> None:
    """Measured again with a Reranker of its own, the dev groups give the figure that was told."""
    best = run.outcome.best
    assert best is not None
    groups = read_groups(run.config.data.dev[0]).groups
    with Reranker(run.outcome.folder, backend="torch", precision="f32") as judge:
        right = 0
        for group in groups:
            scores = judge.score([(group.query, item.text) for item in group.items])
            right += group.items[int(np.argmax(scores))].grade == 1.0
    assert right / len(groups) == pytest.approx(best.measures["Success@1"])


@pytest.mark.usefixtures("no_picture")
def test_the_first_that_is_measured_is_kept_as_it_is(tmp_path: Path, own_folder: Path) -> None:
    done = do(config_of(tmp_path, own_folder, steps=3, evaluate_every=3))
    assert done.outcome.best is not None
    assert done.outcome.best.step == 3
    with Reranker(done.outcome.folder, backend="torch", precision="f32") as judge:
        np.testing.assert_allclose(judge.score(SHORT, normalize=False), said(done.trainer.student), atol=1e-4)


def test_the_default_backend_runs_it_too(run: Run) -> None:
    """OpenVINO on a CPU: what was trained is what will be shipped."""
    with Reranker(run.outcome.folder, precision="f32") as fast, Reranker(run.outcome.folder, backend="torch", precision="f32") as plain:
        assert fast.traits.backend == "openvino"
        np.testing.assert_allclose(fast.score(SHORT, normalize=False), plain.score(SHORT, normalize=False), atol=1e-3)


def test_the_output_folder_holds_what_it_should_and_no_leftovers(run: Run) -> None:
    assert {path.name for path in run.config.run.output.iterdir()} == {"best", "checkpoint.pt", "curves.png", "history.jsonl"}


def test_nothing_in_the_models_folder_tells_a_path(run: Run) -> None:
    places = {str(run.config.run.output.parent), str(Path(run.config.model.base).parent), str(Path.home())}
    for path in run.outcome.folder.rglob("*"):
        content = path.read_bytes()
        assert not [place for place in places if place.encode() in content], path.name


def test_training_json_holds_the_facts(run: Run) -> None:
    facts = json.loads((run.outcome.folder / "training.json").read_text(encoding="utf-8"))
    base = Path(run.config.model.base).name
    assert facts["base"] == facts["settings"]["model"]["base"] == base
    assert facts["steps"] == 24
    assert facts["tokens"] == run.outcome.tokens
    assert facts["groups"] == [48]
    assert facts["settings"]["data"]["train"] == ["train.jsonl"]
    assert facts["settings"]["optimiser"]["learning_rate"] == 3e-3
    assert facts["settings"]["run"]["seed"] == 7
    assert [e["step"] for e in facts["evaluations"]] == [0, 8, 16, 24]
    assert facts["versions"]["torch"]


def test_the_card_tells_what_was_measured(run: Run) -> None:
    card = (run.outcome.folder / "README.md").read_text(encoding="utf-8")
    first, best = run.outcome.first, run.outcome.best
    assert first is not None
    assert best is not None
    assert f"| nDCG@10 | {first.measures['nDCG@10']:.4f} | {best.measures['nDCG@10']:.4f} |" in card
    assert f"best, step {best.step}" in card
    assert f"from `{Path(run.config.model.base).name}`" in card
    assert "- train.jsonl: 48 groups" in card
    assert "24 steps of 8 groups" in card
    assert "learning rate 0.003 (linear, warm-up 10%)" in card
    assert "listwise 1, pointwise 0.2, aspects 0.2" in card
    assert "seed 7" in card


def test_the_curves_are_a_picture(run: Run) -> None:
    path = run.outcome.curves
    assert path == run.config.run.output / "curves.png"
    content = path.read_bytes()
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = (int.from_bytes(content[at : at + 4], "big") for at in (16, 20))
    assert width > 800
    assert height > 500
    assert content.endswith(b"IEND\xaeB`\x82")


def test_a_finished_run_started_again_changes_nothing(run: Run, tmp_path: Path) -> None:
    output = tmp_path / "out"
    shutil.copytree(run.config.run.output, output)
    history = (output / "history.jsonl").read_bytes()
    again = train(changed(run.config, run={"output": output}))
    assert (again.steps, again.best, again.first, again.tokens) == (24, run.outcome.best, run.outcome.first, run.outcome.tokens)
    assert sorted((output / "history.jsonl").read_bytes().splitlines()) == sorted(history.splitlines())


def test_a_run_can_be_prolonged(run: Run, tmp_path: Path) -> None:
    output = tmp_path / "out"
    shutil.copytree(run.config.run.output, output)
    again = train(changed(run.config, run={"output": output, "steps": 27}))
    steps, evaluations = read_history(output)
    assert again.steps == 27
    assert [record.step for record in steps] == list(range(1, 28))
    assert [evaluation.step for evaluation in evaluations] == [0, 8, 16, 24, 27]


@pytest.mark.usefixtures("no_picture")
def test_the_same_seed_gives_the_same_run_and_another_one_another(tmp_path: Path, own_folder: Path) -> None:
    config = config_of(tmp_path, own_folder, steps=4, evaluate_every=4)
    losses = []
    for name, seed in (("one", 7), ("same", 7), ("other", 8)):
        train(changed(config, run={"output": tmp_path / name, "seed": seed}))
        losses.append([record.loss for record in read_history(tmp_path / name)[0]])
    assert losses[0] == losses[1] != losses[2]


@pytest.mark.usefixtures("no_picture")
@pytest.mark.parametrize("batch_tokens", [64])
def test_accumulated_gradients_are_those_of_the_whole_step(tmp_path: Path, own_folder: Path, batch_tokens: int) -> None:
    """Memory decides how a step is cut up, and nothing else."""
    config = config_of(tmp_path, own_folder, steps=3, evaluate_every=3)
    expected = train(changed(config, run={"output": tmp_path / "whole"}))
    found = train(changed(config, run={"output": tmp_path / "parts", "batch_tokens": batch_tokens}))
    one, other = (read_history(outcome.folder.parent)[0] for outcome in (expected, found))
    assert [r.loss for r in one] == pytest.approx([r.loss for r in other], rel=1e-3)
    assert [r.gradient_norm for r in one] == pytest.approx([r.gradient_norm for r in other], rel=1e-3)


@pytest.mark.usefixtures("no_picture")
def test_how_a_step_is_cut_up_does_not_matter_where_groups_teach_different_things(tmp_path: Path, own_folder: Path) -> None:
    """Pairs teach no order, scores no grades, and few passages have aspects: each loss is a mean over what it applies to in the step."""
    config = config_of(tmp_path, own_folder, steps=3, evaluate_every=3)
    rows: list[dict[str, object]] = [{"query": f"pair {i}", "document": f"bamboo {i} " + "leaves " * i, "label": i % 2} for i in range(9)]
    rows += [{"query": f"scores {i}", "documents": ["bamboo leaves", "bread and salt"], "scores": [i, -1.0]} for i in range(6)]
    rows += make_rows(5, seed=5)
    write_rows(config.data.train[0], rows)
    weights = {"listwise": 1.0, "pairwise": 0.5, "pointwise": 0.3, "lambda_rank": 0.2, "margin_mse": 0.1, "kl": 0.4, "aspects": 0.7}
    found = []
    for name, batch_tokens in (("whole", 100_000), ("parts", 64)):
        train(changed(config, loss=weights, run={"output": tmp_path / name, "batch_tokens": batch_tokens, "groups_per_step": 20}))
        found.append([(record.loss, record.gradient_norm) for record in read_history(tmp_path / name)[0]])
    assert found[0] == [pytest.approx(pair, rel=1e-3) for pair in found[1]]


@pytest.mark.usefixtures("no_picture")
def test_without_dev_groups_the_last_state_is_the_model(tmp_path: Path, own_folder: Path) -> None:
    config = changed(config_of(tmp_path, own_folder, steps=3), data={"dev": ()})
    done = do(config)
    assert done.outcome.best is None
    with Reranker(done.outcome.folder, backend="torch", precision="f32") as judge:
        np.testing.assert_allclose(judge.score(SHORT, normalize=False), said(done.trainer.student), atol=1e-4)
    assert "nothing was measured" in (done.outcome.folder / "README.md").read_text(encoding="utf-8")


@pytest.mark.usefixtures("no_picture")
def test_of_no_dev_groups_that_can_be_measured_none_is(tmp_path: Path, own_folder: Path) -> None:
    config = config_of(tmp_path, own_folder, steps=2)
    write_rows(config.data.dev[0], [{"query": "q", "positive": ["bamboo", "leaves"]}])
    assert train(config).best is None


@pytest.mark.usefixtures("no_picture")
def test_steps_follow_from_epochs(tmp_path: Path, own_folder: Path) -> None:
    config = config_of(tmp_path, own_folder, steps=None, epochs=0.5, evaluate_every=100)
    assert train(config).steps == 3  # 48 groups, 8 a step


def test_a_config_file_does_the_same(tmp_path: Path, own_folder: Path) -> None:
    config = config_of(tmp_path, own_folder, steps=2, evaluate_every=2)
    assert read_config(toml_of(config, tmp_path / "run.toml")) == config


@pytest.mark.usefixtures("no_picture")
def test_a_shown_bar_changes_nothing(tmp_path: Path, own_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = config_of(tmp_path, own_folder, steps=2, evaluate_every=2)
    plain = train(changed(config, run={"output": tmp_path / "plain"}))
    assert capsys.readouterr() == ("", "")
    shown = train(config, progress=True)
    assert capsys.readouterr().out == ""
    assert plain.best == shown.best


@pytest.mark.usefixtures("no_picture")
def test_every_loss_can_be_asked_for_at_once(tmp_path: Path, own_folder: Path) -> None:
    config = config_of(tmp_path, own_folder, steps=3, evaluate_every=3)
    rows = make_rows(8, seed=3)
    for row in rows:
        for document in row["documents"]:
            document["score"] = 4.0 * document["grade"] - 2
    write_rows(config.data.train[0], rows)
    weights = dict.fromkeys(["listwise", "pairwise", "pointwise", "lambda_rank", "margin_mse", "kl", "aspects"], 0.5)
    assert train(changed(config, loss=weights)).steps == 3
    assert all(np.isfinite(record.loss) for record in read_history(config.run.output)[0])


@pytest.mark.usefixtures("no_picture")
@pytest.mark.parametrize("name", ["lora", "gradient_checkpointing", "freeze_layers", "dropout"])
def test_it_learns_also_with(name: str, tmp_path: Path, tiny_folder: Folders) -> None:
    config = config_of(tmp_path, tiny_folder(Tiny(family="bert")), steps=24, evaluate_every=24)
    values = {"lora": LoraConfig(rank=4), "gradient_checkpointing": True, "freeze_layers": 1, "dropout": 0.1}
    outcome = train(changed(config, model={name: values[name]}, optimiser={"learning_rate": 1e-2}))
    assert outcome.first is not None
    assert outcome.best is not None
    assert outcome.best.measures["nDCG@10"] > outcome.first.measures["nDCG@10"]
    with Reranker(outcome.folder, backend="torch", precision="f32") as judge:
        assert len(judge.score(SHORT)) == len(SHORT)


@pytest.mark.usefixtures("no_picture")
@pytest.mark.parametrize("precision", ["bf16", "f16"])
def test_it_learns_in_half_the_bits(tmp_path: Path, tiny_folder: Folders, precision: str) -> None:
    config = config_of(tmp_path, tiny_folder(Tiny(family="bert")), steps=16, evaluate_every=16)
    outcome = train(changed(config, run={"precision": precision}))
    assert outcome.first is not None
    assert outcome.best is not None
    assert outcome.best.measures["nDCG@10"] > outcome.first.measures["nDCG@10"]


def test_a_run_stops_where_scores_become_one_value(tmp_path: Path, own_folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Every passage is labelled right, so saying so of everything is the best that can be said."""
    config = config_of(tmp_path, own_folder, steps=400, evaluate_every=20, save_every=400, collapse=0.1)
    rows = [{"query": row["query"], "positive": [d["text"] for d in row["documents"]]} for row in make_rows(32, seed=4)]
    write_rows(config.data.train[0], rows)
    with caplog.at_level(logging.WARNING, logger="adjudge"):
        outcome = train(changed(config, loss={"aspects": 0.0}, optimiser={"learning_rate": 2e-2, "schedule": "constant"}))
    assert outcome.collapsed
    assert outcome.steps < 400
    _, evaluations = read_history(config.run.output)
    assert evaluations[-1].spread < 0.1 <= min(e.spread for e in evaluations[:-1])
    assert outcome.best is None or outcome.best.step < outcome.steps
    assert outcome.curves is not None
    assert outcome.curves.is_file()
    assert "collapse" in caplog.text


@pytest.mark.usefixtures("no_picture")
def test_far_too_high_a_learning_rate_collapses(tmp_path: Path, own_folder: Path) -> None:
    config = changed(
        config_of(tmp_path, own_folder, steps=200, evaluate_every=10),
        optimiser={"learning_rate": 1.0, "warmup": 0.0, "schedule": "constant"},
    )
    outcome = train(config)
    assert outcome.collapsed
    assert outcome.steps < 200


def test_a_loss_that_is_no_number_stops_the_run(tmp_path: Path, own_folder: Path) -> None:
    import torch

    config = config_of(tmp_path, own_folder)
    trainer = prepare(config)
    with torch.no_grad():
        trainer.student.head["numbers"]["offset"].fill_(float("nan"))
    with pytest.raises(TrainingError, match=r"loss of step 0 is nan.*learning_rate"):
        run_to_end(trainer)


def test_scores_that_are_no_numbers_are_never_kept_as_the_best(tmp_path: Path, own_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last step of a run may be the one that breaks it: its loss was still a number."""
    import torch

    config = config_of(tmp_path, own_folder, steps=1, evaluate_every=1)
    trainer = prepare(config)
    step = trainer.run_step

    def breaking() -> object:
        record = step()
        with torch.no_grad():
            trainer.student.head["numbers"]["offset"].fill_(float("nan"))
        return record

    monkeypatch.setattr(trainer, "run_step", breaking)
    outcome = run_to_end(trainer)
    assert outcome.collapsed
    assert not outcome.folder.exists()


@pytest.mark.usefixtures("no_picture")
def test_a_run_that_is_asked_to_stop_leaves_a_checkpoint_to_go_on_from(tmp_path: Path, own_folder: Path) -> None:
    config = config_of(tmp_path, own_folder)
    asked: list[int] = []
    trainer = prepare(changed(config, run={"output": tmp_path / "halves"}))
    half = run_to_end(trainer, stop=lambda: asked.append(0) or len(asked) == 5)
    assert half.steps == 5
    whole = train(config)
    rest = train(changed(config, run={"output": tmp_path / "halves"}))
    assert (rest.steps, rest.best, rest.tokens) == (whole.steps, whole.best, whole.tokens)


@pytest.mark.parametrize("device", ["warp drive", "cuda:99", "privateuseone"])
def test_a_device_that_is_not_there_is_refused(tmp_path: Path, own_folder: Path, device: str) -> None:
    with pytest.raises(ConfigError, match=r"run\.device"):
        train(changed(config_of(tmp_path, own_folder), run={"device": device}))
