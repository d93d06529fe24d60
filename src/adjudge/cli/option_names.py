"""Settings as the command line calls them: the library speaks of max_batch_tokens=0, and a shell knows --batch-tokens."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["command_of", "in_options"]

_OTHERWISE = {
    "timeout_s": "timeout",
    "documents": "max_documents",
    "pairs": "max_pairs_queued",
    "max_bytes": "max_mib",
    "base_url": "llm_url",
    "model": "llm_model",
}
"""{what the library calls it: the parameter of those commands that hand it on under another name}."""

_VALUE = r"""'[^']*'|"[^"]*"|[\w./:-]*\w"""


def command_of(group: Any, arguments: Sequence[str]) -> Any:
    """The command that these arguments call, as far as their words name one."""
    for word in arguments:
        below = getattr(group, "commands", {})
        if not below:
            break
        group = below.get(word, group)
    return group


def in_options(message: str, command: Any) -> str:
    """The message with the options of the command in place of the parameters that they set."""
    spellings = _spellings(command)
    if not spellings:
        return message
    names = "|".join(sorted(spellings, key=len, reverse=True))
    begins = re.match(rf"({names}) (?=must |needs |belongs )", message)
    if begins:
        message = spellings[begins[1]][0] + re.sub(r", or None( for all)?,", ",", message[begins.end(1) :])
    return re.sub(rf"(?<![\w./-])({names})=({_VALUE})?", lambda found: _given(spellings[found[1]], found[2]), message)


def _spellings(command: Any) -> Mapping[str, tuple[str, str]]:
    """{parameter: the option that sets it, and the one that sets the opposite or nothing}."""
    found = {
        parameter.name: (max(parameter.opts, key=len), max(parameter.secondary_opts, key=len, default=""))
        for parameter in command.params
        if parameter.param_type_name == "option"
    }
    return {**found, **{name: found[own] for name, own in _OTHERWISE.items() if own in found}}


def _given(spelling: tuple[str, str], value: str | None) -> str:
    option, opposite = spelling
    if value is None or value == "True":
        return option
    if value == "False":
        return opposite or f"no {option}"
    return f"{option} {value.strip(chr(34) + chr(39))}"
