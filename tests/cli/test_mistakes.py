"""A mistake is one line on standard error and an exit code of its kind, never a traceback."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import adjudge as package
from adjudge import errors
from adjudge.cli import rank as rank_module
from adjudge.cli.exit_codes import BY_ERROR
from adjudge.cli.main import main
from tests.cli.conftest import Run


def one_line(text: str) -> str:
    assert text.count("\n") == 1
    assert text.startswith("adjudge: error: ")
    return text.removeprefix("adjudge: error: ").rstrip("\n")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["rank"], 2, "Missing argument 'QUERY'. See: adjudge rank --help"),
        (["rank", "q", "d", "--topn", "3"], 2, "--topn"),
        (["rank", "q", "d", "--top-n", "many"], 2, "--top-n"),
        (["rank", "q", "d", "--top-n"], 2, "--top-n"),
        (["rank", "q", "d", "--backend", "tpu"], 2, "'auto', 'openvino', 'torch', 'onnx', 'fake'"),
        (["rank", "q", "d", "--precision", "f64"], 2, "--precision"),
        (["rank", "q", "d", "--aggregation", "median"], 2, "--aggregation"),
        (["rank", "q", "d", "--input-format", "xml"], 2, "--input-format"),
        (["score", "a", "b", "c"], 2, "c"),
        (["frobnicate"], 2, "No such command 'frobnicate'. See: adjudge --help"),
        (["--frobnicate"], 2, "--frobnicate"),
        (["rank", "q", "d", "--top-n", "-1"], 4, "--top-n must be a whole number of 0 or more, not -1"),
        (["rank", "q", "d", "--threshold", "nan"], 4, "finite"),
        (["rank", "q", "d", "--threshold", "inf"], 4, "finite"),
        (["rank", "q", "d", "--threshold", "high"], 4, "'high'"),
        (["rank", "q", "d", "--threshold", "relative:2"], 4, "between 0 and 1"),
        (["rank", "q", "d", "--threshold", "dynamic", "--no-normalize"], 4, "needs probabilities"),
        (["rank", "q", "d", "--threads", "0"], 4, "--threads must be a whole number of 1 or more, not 0"),
        (["rank", "q", "d", "--batch-tokens", "0"], 4, "--batch-tokens must be a whole number of 1 or more, not 0"),
        (["rank", "q", "d", "--max-length", "0"], 4, "--max-length must be a whole number of 8 or more, not 0"),
        (["rank", "q", "d", "--max-length", "100000", "--backend", "fake"], 4, "--max-length 100000 is more than"),
        (["rank", "q", "d", "--revision", "main"], 4, "--revision main means a version on the hub"),
        (["rank", "q", "d", "--keep", "3"], 4, "--keep 3 needs a first judge that chooses what --model reads; add --first embedded"),
        (["rank", "q", "d", "--budget-ms", "9", "--keep", "3"], 4, "--keep 3 and --budget-ms 9 need a first judge"),
        (["search", "q", "--index", "nowhere", "--keep", "3"], 4, "--keep 3 needs a first judge"),
        (["rank", "q", "d", "--first", "embedded"], 4, "--first and --model are both 'embedded'; a model cannot prepare its own work"),
        (["rank", "q", "d", "--first", "small", "--keep", "0"], 4, "--keep must be a whole number of 1 or more, not 0"),
        (["rank", "q", "d", "--threshold", "7"], 4, "give a probability, or --no-normalize to cut by raw logits"),
        (
            ["index", "build", "x", "--index", "y", "--max-tokens", "9", "--min-tokens", "20"],
            4,
            "--min-tokens 20 is more than --max-tokens 9",
        ),
        (["serve", "--timeout", "nan"], 4, "--timeout must be a finite number of seconds above 0, not nan"),
        (["serve", "--max-documents", "0"], 4, "--max-documents must be a whole number of 1 or more, not 0"),
        (["serve", "--max-body-mb", "0"], 4, "--max-body-mb must be a finite number of MiB above 0, not 0"),
        (["serve", "--max-body-mb", "nan"], 4, "--max-body-mb must be a finite number of MiB above 0, not nan"),
        (["serve", "--max-body-mb", "inf"], 4, "--max-body-mb must be a finite number of MiB above 0, not inf"),
        (["serve", "--keep", "5"], 4, "--keep 5 needs a first judge"),
        (["serve", "--model", "a=small", "--first", "small"], 4, "--first and --model are both 'small'"),
        (["serve", "--batch-tokens", "0"], 4, "--batch-tokens must be a whole number"),
        (["rank", "q", "d", "--model", "./no/such/folder"], 6, "there is no folder"),
        (["rank", "q", "d", "--model", ""], 6, "name is empty"),
        (["rank", "q", "d", "--backend", "openvino", "--device", "cuda"], 8, "cuda"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_the_line_and_the_code(adjudge: Run, arguments: list[str], code: int, message: str) -> None:
    ended = adjudge(*arguments)
    assert (ended.code, ended.out) == (code, "")
    assert message in one_line(ended.err)


def raises(error: BaseException) -> Callable[..., None]:
    def instead(*_: object, **__: object) -> None:
        raise error

    return instead


@pytest.mark.parametrize("name", errors.__all__)
def test_every_error_of_the_library(rank: Run, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    kind = getattr(errors, name)
    error = kind(package="p", extra="e", what="w") if kind is errors.MissingExtraError else kind("first line\nsecond\x1b[31m line")
    monkeypatch.setattr(rank_module, "open_reranker", raises(error))
    ended = rank("q", "d")
    assert (ended.code, ended.out) == (BY_ERROR[kind], "")
    assert ("first line second\ufffd[31m line" if kind is not errors.MissingExtraError else 'adjudge[e]"') in one_line(ended.err)


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), RuntimeError("a bug"), MemoryError()], ids=repr)
def test_what_nobody_expected(rank: Run, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    monkeypatch.setattr(rank_module, "open_reranker", raises(error))
    ended = rank("q", "d")
    assert (ended.code, ended.out, len(ended.notes)) == (1, "", 1)
    assert str(error) in ended.err


def test_a_calibration_that_is_no_json_is_to_be_written_again(adjudge: Run, tmp_path: Path) -> None:
    file = tmp_path / "calibration.json"
    for content in ("temperature: 1", "[1]"):
        file.write_text(content, encoding="utf-8")
        ended = adjudge("rank", "q", "d", "--calibration", file)
        assert (ended.code, ended.out) == (6, "")
        assert one_line(ended.err).endswith("; write it again with `adjudge calibrate`, or delete the file")


@pytest.mark.parametrize(
    "wrong", [("--top-n", "-1"), ("--threshold", "nan"), ("--keep", "3"), ("",)], ids=["top_n", "threshold", "keep", "query"]
)
def test_no_model_is_loaded_for_a_request_that_is_wrong(adjudge: Run, monkeypatch: pytest.MonkeyPatch, wrong: tuple[str, ...]) -> None:
    monkeypatch.setattr(rank_module, "open_reranker", raises(RuntimeError("a model was loaded")))
    query, *rest = ("q", *wrong) if len(wrong) > 1 else wrong
    assert adjudge("rank", query, "d", *rest).code in (3, 4)


def test_an_interrupt(rank: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rank_module, "open_reranker", raises(KeyboardInterrupt()))
    ended = rank("q", "d")
    assert (ended.code, ended.out, ended.err) == (130, "", "")


def test_debug_shows_the_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(errors.ModelNotFoundError):
        main(["--debug", "rank", "q", "d", "--model", "./no/such/folder"])
    monkeypatch.setenv("ADJUDGE_DEBUG", "1")
    with pytest.raises(errors.ModelNotFoundError):
        main(["rank", "q", "d", "--model", "./no/such/folder"])


def test_without_a_command_the_help_is_shown(adjudge: Run) -> None:
    ended = adjudge()
    assert "Usage: adjudge" in ended.out + ended.err
    assert "error" not in ended.err


def test_version_and_help(adjudge: Run) -> None:
    assert adjudge("--version").out == f"adjudge {package.__version__}\n"
    for command in ("rank", "score", "train", "models", "demo", "doctor"):
        ended = adjudge(command, "--help")
        assert (ended.code, ended.err) == (0, "")
        assert f"Usage: adjudge {command}" in ended.out
