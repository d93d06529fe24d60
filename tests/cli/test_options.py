"""What stands on the command line arrives in the library as it was written: 0, False and the last of two."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import pytest

from adjudge import WindowConfig
from adjudge import reranker as reranker_module
from adjudge.cli.options import progress_wanted
from adjudge.config import Options
from tests.cli.conftest import Run

Seen = dict[str, Any]


class StopHereError(Exception):
    """Everything was seen."""


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Seen:
    """What Reranker() and its rank() or score() were called with."""
    calls: Seen = {}

    class Recorder:
        def __init__(self, model: str, **options: Any) -> None:
            calls["model"] = model
            calls["options"] = options

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def rank(self, query: str, documents: object, **options: Any) -> None:
            calls["rank"] = options
            raise StopHereError

        def score(self, pairs: object, **options: Any) -> None:
            calls["score"] = options
            raise StopHereError

    monkeypatch.setattr(reranker_module, "Reranker", Recorder)
    return calls


DEFAULTS = {
    "backend": "auto",
    "device": "auto",
    "precision": "auto",
    "threads": None,
    "max_length": None,
    "max_batch_tokens": None,
    "windows": WindowConfig(),
    "revision": None,
    "cache_dir": None,
    "cache": None,
    "calibration": None,
    "trust_remote_code": False,
    "progress": False,
}
CASCADE = {"first": None, "keep": None, "budget_ms": None}
"""Of rank alone: loose pairs have no best ones that a second judge could read."""


def defaults(command: str) -> dict[str, Any]:
    return DEFAULTS | (CASCADE if command == "rank" else {})


@pytest.mark.parametrize("command", ["rank", "score"])
def test_defaults(adjudge: Run, seen: Seen, command: str) -> None:
    adjudge(command, "q", "d")
    assert (seen["model"], seen["options"]) == ("embedded", defaults(command))
    assert seen[command] == ({"top_n": None, "threshold": None} if command == "rank" else {}) | {"normalize": True, "progress": False}


@pytest.mark.parametrize("command", ["rank", "score"])
@pytest.mark.parametrize(
    ("written", "name", "value"),
    [
        ("--backend torch", "backend", "torch"),
        ("--device cuda:1", "device", "cuda:1"),
        ("--precision bf16", "precision", "bf16"),
        ("--threads 0", "threads", 0),
        ("--threads 2 --threads 1", "threads", 1),
        ("--max-length 0", "max_length", 0),
        ("--batch-tokens 0", "max_batch_tokens", 0),
        ("--truncate", "windows", WindowConfig(mode="truncate")),
        ("--truncate --windows --aggregation mean", "windows", WindowConfig(aggregation="mean")),
        ("--revision refs/pr/1", "revision", "refs/pr/1"),
        ("--cache-dir here", "cache_dir", Path("here")),
        ("--cache scores.sqlite", "cache", "scores.sqlite"),
        ("--calibration c.json", "calibration", Path("c.json")),
        ("--trust-remote-code", "trust_remote_code", True),
        ("--progress", "progress", True),
        ("--quiet --progress", "progress", True),
        ("--progress --no-progress", "progress", False),
    ],
)
def test_an_option_of_the_model(adjudge: Run, seen: Seen, command: str, written: str, name: str, value: object) -> None:
    adjudge(command, "q", "d", *written.split())
    assert seen["options"] == defaults(command) | {name: value}


@pytest.mark.parametrize(
    ("written", "changed"),
    [
        ("--first other", {"first": "other"}),
        ("--first small --keep 5", {"first": "small", "keep": 5}),
        ("--first small --keep 0", {"first": "small", "keep": 0}),
        ("--first small --budget-ms 0", {"first": "small", "budget_ms": 0.0}),
        ("--first small --budget-ms 12.5 --keep 3", {"first": "small", "budget_ms": 12.5, "keep": 3}),
    ],
)
def test_an_option_of_the_cascade(adjudge: Run, seen: Seen, written: str, changed: dict[str, object]) -> None:
    adjudge("rank", "q", "d", *written.split())
    assert seen["options"] == defaults("rank") | changed


def test_every_option_of_the_library_can_be_given_or_is_left_out_on_purpose() -> None:
    assert set(Options.__annotations__) - set(defaults("rank")) == {
        "token",  # HF_TOKEN: a secret does not belong on a command line
        "local_files_only",  # HF_HUB_OFFLINE
        "max_batch_pairs",  # --batch-tokens does the same, better
        "share_batches",  # for callers with threads; `adjudge serve` always does
    }


@pytest.mark.parametrize(
    ("written", "changed"),
    [
        ("--top-n 0", {"top_n": 0}),
        ("-n 2", {"top_n": 2}),
        ("--top-n 3 --top-n 5", {"top_n": 5}),
        ("--threshold 0", {"threshold": "0"}),
        ("-t dynamic", {"threshold": "dynamic"}),
        ("--no-normalize", {"normalize": False}),
        ("--no-normalize --normalize", {"normalize": True}),
    ],
)
def test_an_option_of_rank(adjudge: Run, seen: Seen, written: str, changed: dict[str, object]) -> None:
    adjudge("rank", "q", "d", *written.split())
    assert seen["rank"] == {"top_n": None, "threshold": None, "normalize": True, "progress": False} | changed


def test_a_document_may_look_like_an_option_behind_two_dashes(adjudge: Run, fake: tuple[str, ...]) -> None:
    assert adjudge("rank", *fake, "--", "--query", "--top-n").rows[0][4] == "--top-n"


@pytest.mark.parametrize("watched", [True, False])
def test_progress_shows_where_someone_looks(monkeypatch: pytest.MonkeyPatch, watched: bool) -> None:
    class Stream:
        def isatty(self) -> bool:
            return watched

    monkeypatch.setattr("sys.stderr", Stream())
    assert progress_wanted(None, quiet=False) is watched
    assert progress_wanted(None, quiet=True) is False
    assert progress_wanted(True, quiet=True) is True
    assert progress_wanted(False, quiet=False) is False
