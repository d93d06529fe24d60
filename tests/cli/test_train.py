"""`adjudge train`: what a run leaves, shows and survives."""

from __future__ import annotations

import io
import json
import logging
import re
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

from adjudge import Reranker
from adjudge.cli import train as train_module
from adjudge.cli.train_report import Report
from adjudge.cli.train_view import show_report
from tests.cli.conftest import Ended, Run
from tests.cli.printed import figures
from tests.cli.training import write_run
from tests.tiny_models import Tiny

Folders = Callable[[Tiny], Path]


@pytest.fixture(autouse=True)
def one_torch_thread() -> Iterator[None]:
    """The runs set it themselves (run.threads); this puts it back."""
    import torch

    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture
def base(tiny_folder: Folders) -> Path:
    return tiny_folder(Tiny(family="xlm-roberta"))


@pytest.fixture
def reports(monkeypatch: pytest.MonkeyPatch) -> list[Report]:
    """Every report that a command makes, to be looked at in other ways than it was shown."""
    made: list[Report] = []
    shown = train_module._run

    def keep(*arguments: object, **options: object) -> Report:
        made.append(shown(*arguments, **options))  # type: ignore[arg-type]
        return made[-1]

    monkeypatch.setattr(train_module, "_run", keep)
    return made


class Interrupting(logging.Handler):
    """Sends this process Ctrl-C, `times` times, when the library says that step `step` was measured."""

    def __init__(self, step: int, times: int) -> None:
        super().__init__()
        self.said, self.times = f"step {step} of ", times

    def emit(self, record: logging.LogRecord) -> None:
        if record.getMessage().startswith(self.said):
            for _ in range(self.times):
                signal.raise_signal(signal.SIGINT)


def interrupt_at(step: int, *, times: int = 1) -> None:
    """The fixture log_as_before takes the handler away."""
    logging.getLogger("adjudge").addHandler(Interrupting(step, times))


def picture(report: Report, width: int, *, quiet: bool = False) -> list[str]:
    console = Console(file=io.StringIO(), width=width)
    show_report(console, report, Path("run.toml"), quiet=quiet)
    return console.file.getvalue().splitlines()


def one_line(ended: Ended) -> str:
    """What an error says; every other line on standard error is a note."""
    errors = [line for line in ended.notes if line.startswith("adjudge: error: ")]
    assert len(errors) == 1, ended.err
    assert ended.notes[-1] == errors[0]
    return errors[0].removeprefix("adjudge: error: ")


def test_in_a_pipe_it_prints_the_folder_of_a_model_that_ranks(adjudge: Run, base: Path, tmp_path: Path) -> None:
    ended = adjudge("train", write_run(tmp_path, base=base), "--steps", "4")
    assert (ended.code, ended.out) == (0, f"{tmp_path / 'out' / 'best'}\n")
    assert [re.sub(r"\d\.\d{4}", "N", line) for line in ended.notes] == [
        f"adjudge: step {step} of 4: nDCG@10 N on the dev groups" for step in (2, 4)
    ]
    ranked = adjudge("rank", "What do pandas eat?", "Giant pandas eat bamboo.", "No.", "--model", ended.out.strip(), "--threads", "1")
    assert (ranked.code, len(ranked.rows)) == (0, 2)


def test_what_a_run_leaves(adjudge: Run, base: Path, tmp_path: Path) -> None:
    assert adjudge("train", write_run(tmp_path, base=base), "--steps", "2", "--quiet").err == ""
    left = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*")}
    assert {"checkpoint.pt", "history.jsonl", "curves.png", "best/README.md", "best/training.json", "best/model.safetensors"} <= left
    assert not [name for name in left if name.endswith((".new", ".old"))]
    card = (tmp_path / "out" / "best" / "README.md").read_text(encoding="utf-8")
    assert "nDCG@10" in card
    assert "2 steps" in card


def test_json_holds_all_of_it(adjudge: Run, base: Path, tmp_path: Path) -> None:
    ended = adjudge("train", write_run(tmp_path, base=base), "--steps", "3", "--json", "--quiet")
    shown = json.loads(ended.out)
    assert (ended.code, ended.err) == (0, "")
    assert (shown["ended"], shown["steps"], shown["planned_steps"], shown["resumed_at"]) == ("finished", 3, 3, None)
    assert (shown["groups"], shown["dev_groups"], shown["base"]) == (6, 3, str(base))
    assert shown["tokens"] > 3 * 2 * 2 * 4
    assert shown["seconds"] > 0
    assert (shown["device"], shown["precision"], shown["seed"]) == ("cpu", "f32", 7)
    assert shown["before"]["step"] == 0
    assert shown["best"]["step"] in (2, 3)
    for moment in ("before", "best"):
        assert {"nDCG@10", "RR@10", "Success@1"} <= set(shown[moment]["measures"])
    assert Path(shown["folder"]).is_dir()
    assert Path(shown["curves"]).read_bytes().startswith(b"\x89PNG")


def test_options_take_the_place_of_the_file(adjudge: Run, base: Path, tmp_path: Path) -> None:
    config = write_run(tmp_path, base="no/such/base/at/all", model='revision = "v1"')
    given = ("--base", base, "--output", tmp_path / "elsewhere", "--steps", "1", "--seed", "11", "--device", "cpu")
    shown = json.loads(adjudge("train", config, *given, "--json").out)
    assert (shown["base"], shown["output"], shown["steps"], shown["seed"]) == (str(base), str(tmp_path / "elsewhere"), 1, 11)
    assert not (tmp_path / "out").exists()
    settings = json.loads((tmp_path / "elsewhere" / "best" / "training.json").read_text(encoding="utf-8"))["settings"]
    assert (settings["run"]["seed"], settings["model"]["revision"], settings["run"]["device"]) == (11, None, "cpu")


def test_without_dev_groups_the_last_state_is_the_model(adjudge: Run, base: Path, tmp_path: Path, reports: list[Report]) -> None:
    ended = adjudge("train", write_run(tmp_path, base=base, data="dev = []"), "--steps", "1", "--json")
    shown = json.loads(ended.out)
    assert (ended.code, shown["before"], shown["best"], shown["dev_groups"]) == (0, None, None, 0)
    with Reranker(shown["folder"], threads=1) as judge:
        assert len(judge.score([("a", "b")])) == 1
    assert any("there are no dev groups" in line for line in picture(reports[0], 200))


def test_a_terminal_gets_a_table(adjudge: Run, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train_module, "interactive", lambda: True)
    monkeypatch.setenv("COLUMNS", "400")
    config = write_run(tmp_path, base=base)
    folder = tmp_path / "out" / "best"
    ended = adjudge("train", config, "--steps", "2")
    assert ended.lines[0] == f"done  2 steps  {config}"
    rows = {words[0]: words[1:] for line in ended.lines if (words := line.split())}
    for name in ("nDCG@10", "RR@10", "Success@1"):
        before, best, change = map(float, rows[name])
        assert change == pytest.approx(best - before, abs=1.5e-4)
    assert rows["measured"] == ["on", "3", "groups"]
    assert rows["tokens"][1] == "in"
    assert rows["model"] == [str(folder)]
    assert ended.lines[-1].startswith(f"try it  adjudge rank --model {folder} ")


def test_every_figure_is_whole_at_any_width(adjudge: Run, base: Path, tmp_path: Path, reports: list[Report]) -> None:
    adjudge("train", write_run(tmp_path, base=base), "--steps", "2")
    whole = figures("\n".join(picture(reports[0], 200, quiet=True)))
    assert whole
    for width in range(30, 81, 5):
        assert whole <= figures("\n".join(picture(reports[0], width, quiet=True))), width


@pytest.mark.parametrize("width", [40, 80, 120])
def test_the_table_fits(adjudge: Run, base: Path, tmp_path: Path, reports: list[Report], width: int) -> None:
    adjudge("train", write_run(tmp_path, base=base), "--steps", "2")
    *lines, command = picture(reports[0], width)
    assert max(map(cell_len, lines)) <= width
    assert command.endswith('"Red apples are sweet."')  # one line, however long, so that it can be copied
    quiet = picture(reports[0], width, quiet=True)
    assert 0 < len(quiet) < len(lines)
    assert not [line for line in quiet if "try it" in line]


def test_no_better_than_before_is_said(adjudge: Run, base: Path, tmp_path: Path, reports: list[Report]) -> None:
    adjudge("train", write_run(tmp_path, base=base, optimiser="learning_rate = 1e-9"), "--steps", "2")
    assert any("no step was better than the model it began as" in line for line in picture(reports[0], 200))


def test_ctrl_c_leaves_a_checkpoint_and_the_same_command_goes_on_to_the_same_end(adjudge: Run, base: Path, tmp_path: Path) -> None:
    config = write_run(tmp_path, base=base, optimiser="learning_rate = 1e-3", model="dropout = 0.1")
    whole = json.loads(adjudge("train", config, "--steps", "6", "--json", "--output", tmp_path / "whole").out)
    interrupt_at(4)
    ended = adjudge("train", config, "--steps", "6", "--json")
    stopped = json.loads(ended.out)
    assert (ended.code, stopped["ended"], stopped["steps"]) == (130, "stopped", 4)
    assert "adjudge: stopping after this step; press Ctrl-C again to stop at once" in ended.notes
    assert ended.notes[-1] == "adjudge: stopped; the same command goes on from the checkpoint of step 4 of 6"
    logging.getLogger("adjudge").handlers[:] = []
    ended = adjudge("train", config, "--steps", "6", "--json")
    resumed = json.loads(ended.out)
    assert ended.notes[0] == f"adjudge: resumed {tmp_path / 'out'} at step 4 of 6"
    assert (ended.code, resumed["ended"], resumed["resumed_at"], resumed["steps"]) == (0, "finished", 4, 6)
    assert (resumed["before"], resumed["best"], resumed["tokens"]) == (whole["before"], whole["best"], whole["tokens"])


def test_a_stop_in_a_pipe_prints_no_model(adjudge: Run, base: Path, tmp_path: Path) -> None:
    interrupt_at(2)
    ended = adjudge("train", write_run(tmp_path, base=base), "--steps", "6")
    assert (ended.code, ended.out) == (130, "")


def test_a_second_ctrl_c_stops_at_once(adjudge: Run, base: Path, tmp_path: Path) -> None:
    config = write_run(tmp_path, base=base)
    interrupt_at(4, times=2)
    ended = adjudge("train", config, "--steps", "6")
    assert (ended.code, ended.out) == (130, "")
    assert ended.notes[-1] == "adjudge: stopped; the same command goes on from the checkpoint of step 2 of 6"


def test_before_the_first_checkpoint_there_is_nothing_to_go_on_from(adjudge: Run, base: Path, tmp_path: Path) -> None:
    interrupt_at(2, times=2)
    ended = adjudge("train", write_run(tmp_path, base=base), "--steps", "6")
    assert ended.code == 130
    assert ended.notes[-1] == "adjudge: stopped before the first checkpoint; the same command begins anew"


def test_the_usual_ctrl_c_is_back_afterwards(adjudge: Run, base: Path, tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGINT)
    adjudge("train", write_run(tmp_path, base=base), "--steps", "1")
    assert signal.getsignal(signal.SIGINT) is before


def test_a_run_that_has_ended_says_so(adjudge: Run, base: Path, tmp_path: Path, reports: list[Report]) -> None:
    config = write_run(tmp_path, base=base)
    first = json.loads(adjudge("train", config, "--steps", "2", "--json").out)
    again = json.loads(adjudge("train", config, "--steps", "2", "--json").out)
    assert again == {**first, "resumed_at": 2}
    assert any("nothing was left to do" in line for line in picture(reports[1], 200))
    longer = json.loads(adjudge("train", config, "--steps", "4", "--json").out)
    assert (longer["resumed_at"], longer["steps"]) == (2, 4)
    assert "resumed at step 2" in picture(reports[2], 200)[0]


def test_another_base_is_not_trained_on_with_this_ones_checkpoint(adjudge: Run, tiny_folder: Folders, base: Path, tmp_path: Path) -> None:
    config = write_run(tmp_path, base=base)
    assert adjudge("train", config, "--steps", "2").code == 0
    other = tiny_folder(Tiny(family="xlm-roberta", seed=1))
    ended = adjudge("train", config, "--steps", "4", "--base", other)
    assert ended.code == 10
    assert "belongs to another run: model.base was" in one_line(ended)


def test_other_data_is_gone_on_with_and_told(adjudge: Run, base: Path, tmp_path: Path) -> None:
    config = write_run(tmp_path, base=base)
    assert adjudge("train", config, "--steps", "2").code == 0
    with (tmp_path / "train.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"query": "one more", "positive": "yes", "negative": "no"}\n')
    ended = adjudge("train", config, "--steps", "3")
    assert ended.code == 0
    assert "not as it began: data.train was ['train.jsonl (6 groups)'] and is ['train.jsonl (7 groups)']" in ended.err


def test_collapse_is_an_error_with_advice(adjudge: Run, base: Path, tmp_path: Path, reports: list[Report]) -> None:
    flat = shutil.copytree(base, tmp_path / "flat")
    _silence_head(flat)
    config = write_run(tmp_path, base=flat, optimiser="learning_rate = 1e-9")
    ended = adjudge("train", config, "--steps", "6", "--json")
    shown = json.loads(ended.out)
    assert (ended.code, shown["ended"], shown["steps"], shown["folder"]) == (10, "collapsed", 2, None)
    assert "the scores have become one value" in one_line(ended)
    assert "collapsed" in picture(reports[0], 200)[0]


def _silence_head(folder: Path) -> None:
    """Make a model that says the same of everything."""
    from safetensors.numpy import load_file, save_file

    tensors = load_file(folder / "model.safetensors")
    tensors["classifier.out_proj.weight"] *= 0
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


def test_a_loss_that_is_no_number(adjudge: Run, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    from adjudge.train import trainer

    monkeypatch.setattr(trainer, "weigh", lambda *_: torch.tensor(float("nan"), requires_grad=True))
    ended = adjudge("train", write_run(tmp_path, base=base), "--steps", "2")
    assert (ended.code, ended.out) == (10, "")
    assert "Lower optimiser.learning_rate" in one_line(ended)


def test_running_out_of_memory_says_what_to_lower(adjudge: Run, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    from adjudge.train.trainer import Trainer

    def too_much(self: Trainer) -> None:
        torch.empty(2**60, dtype=torch.uint8)  # the real allocator's own refusal

    monkeypatch.setattr(Trainer, "run_step", too_much)
    ended = adjudge("train", write_run(tmp_path, base=base), "--steps", "2")
    assert ended.code == 8
    assert "Lower run.batch_tokens (now 8192)" in one_line(ended)


@pytest.mark.parametrize("package", ["torch", "transformers", "ir_measures", "matplotlib", "peft"])
def test_a_missing_package_is_said_before_any_work(adjudge: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    monkeypatch.setitem(sys.modules, package, None)  # what Python itself takes for "there is none"
    ended = adjudge("train", write_run(tmp_path, base=tmp_path / "nowhere", **{"model.lora": "rank = 4"}))
    assert (ended.code, ended.out) == (5, "")
    message = one_line(ended)
    assert repr(package.replace("_", "-")) in message
    assert message.endswith('Install it with: pip install "adjudge[train]"')
    assert not (tmp_path / "out").exists()


def test_packages_that_it_does_not_need_are_not_asked_for(
    adjudge: Run, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for package in ("peft", "ir_measures"):
        monkeypatch.setitem(sys.modules, package, None)
    assert adjudge("train", write_run(tmp_path, base=base, data="dev = []"), "--steps", "1").code == 0


def test_bad_rows_are_named_with_their_lines(adjudge: Run, base: Path, tmp_path: Path) -> None:
    rows = ['{"query": "q"}', {"query": "q", "document": "d", "label": 1}, "no json", {"query": "", "document": "d", "label": 1}]
    config = write_run(tmp_path, base=base, rows=rows)
    ended = adjudge("train", config, "--steps", "1")
    assert (ended.code, ended.out) == (3, "")
    message = one_line(ended)
    assert message.startswith("3 rows cannot be used")
    assert [f"{tmp_path / 'train.jsonl'}:{line}: " in message for line in (1, 2, 3, 4)] == [True, False, True, True]
    reported = write_run(tmp_path, base=base, rows=rows, data='on_bad_rows = "report"')
    ended = adjudge("train", reported, "--steps", "1")
    assert ended.code == 0
    left_out = [line.removeprefix(f"adjudge: left out {tmp_path / 'train.jsonl'}:")[:2] for line in ended.notes if "left out" in line]
    assert left_out == ["1:", "3:", "4:"]


@pytest.mark.parametrize(
    ("text", "options", "code", "message"),
    [
        (None, (), 3, "cannot be read"),
        ("data = [", (), 3, "is not TOML"),
        ("", (), 4, "the setting data is missing"),
        ("[data]\n[run]\n", (), 4, "the setting data.train is missing"),
        ('[data]\ntrian = "a"\n[run]\noutput = "o"', (), 4, "'data.trian' is not known"),
        ('[data]\ntrain = "nothing.jsonl"\n[run]\noutput = "o"', (), 3, "nothing.jsonl"),
        ('[data]\ntrain = "here.toml"\n[run]\noutput = "here.toml"', (), 4, "is a file; name a folder"),
        ('[data]\ntrain = "a"\n[run]\noutput = "o"', ("--steps", "0"), 4, "run.steps=0"),
        ('[data]\ntrain = "a"\n[run]\noutput = "o"', ("--base", ""), 4, "model.base=''"),
        ('[data]\ntrain = "a"\n[run]\noutput = "o"', ("--base", "./nowhere"), 6, "there is no folder nowhere"),
        ('[data]\ntrain = "a"\n[run]\noutput = "o"', ("--steps", "many"), 2, "--steps"),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 30 else None,
)
def test_mistakes(adjudge: Run, tmp_path: Path, text: str | None, options: tuple[str, ...], code: int, message: str) -> None:
    config = tmp_path / "here.toml"
    if text is not None:
        config.write_text(text, encoding="utf-8")
    ended = adjudge("train", config, *options)
    assert (ended.code, ended.out) == (code, "")
    assert message in one_line(ended)


def test_a_device_that_is_not_here(adjudge: Run, base: Path, tmp_path: Path) -> None:
    ended = adjudge("train", write_run(tmp_path, base=base), "--device", "tpu", "--quiet")
    assert ended.code == 4
    assert "run.device='tpu'" in one_line(ended)


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"PK\x03\x04 half an archive"], ids=["empty", "text", "cut"])
def test_a_damaged_checkpoint(adjudge: Run, base: Path, tmp_path: Path, content: bytes) -> None:
    config = write_run(tmp_path, base=base)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "checkpoint.pt").write_bytes(content)
    ended = adjudge("train", config, "--steps", "1")
    assert ended.code == 3
    assert "delete it to start this run anew" in one_line(ended)
