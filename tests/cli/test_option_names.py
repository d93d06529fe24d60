"""A message of the library names what can be typed."""

from __future__ import annotations

import pytest
import typer

from adjudge.cli.main import app
from adjudge.cli.option_names import command_of, in_options

GROUP = typer.main.get_command(app)


@pytest.mark.parametrize(
    ("command", "message", "said"),
    [
        ("rank", "max_batch_tokens must be 1 or more, or None, not 0", "--batch-tokens must be 1 or more, not 0"),
        ("rank", "Try precision='f32', or check the checkpoint", "Try --precision f32, or check the checkpoint"),
        ("rank", "pass trust_remote_code=True (torch backend)", "pass --trust-remote-code (torch backend)"),
        ("rank", "leave normalize=True, or use a logit", "leave --normalize, or use a logit"),
        ("rank", "or normalize=False to cut", "or --no-normalize to cut"),
        ("rank", "Leave first= out", "Leave --first out"),
        ("rank", "overlap_tokens=9 is too much (max_length less the query)", "overlap_tokens=9 is too much (max_length less the query)"),
        ("ask", "model must name a language model of http://x", "--llm-model must name a language model of http://x"),
        ("ask", "timeout_s must be above 0, not nan", "--timeout must be above 0, not nan"),
        ("serve", "revision belongs to one model, and there are 2", "--revision belongs to one model, and there are 2"),
        ("train", "run.steps=0 is too few", "run.steps=0 is too few"),
        ("doctor", "keep must be 1 or more", "keep must be 1 or more"),
    ],
)
def test_parameters_become_options(command: str, message: str, said: str) -> None:
    assert in_options(message, command_of(GROUP, [command, "q"])) == said


def test_the_command_is_found_behind_options_and_below_a_group() -> None:
    assert command_of(GROUP, ["--debug", "rank", "serve", "d"]).name == "rank"
    assert command_of(GROUP, ["index", "--quiet", "build", "x"]).name == "build"
    assert command_of(GROUP, ["--debug"]).name == GROUP.name
