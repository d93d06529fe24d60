"""Where the language model is: what the environment says, who gets which key, and what is refused."""

from __future__ import annotations

import math

import pytest

from adjudge.answer import AnswerConfig, EndpointConfig, endpoint_from
from adjudge.errors import ConfigError

OWN = {"ADJUDGE_LLM_BASE_URL": "http://own/v1", "ADJUDGE_LLM_MODEL": "own", "ADJUDGE_LLM_API_KEY": "own-key"}
OPENAI = {"OPENAI_BASE_URL": "http://theirs/v1", "OPENAI_MODEL": "theirs", "OPENAI_API_KEY": "their-key"}


def told(environment: dict[str, str], **given: str) -> tuple[str, str, str | None] | None:
    found = endpoint_from(environment, **given)  # type: ignore[arg-type]
    return None if found is None else (found.base_url, found.model, found.api_key)


@pytest.mark.parametrize(
    ("environment", "given", "expected"),
    [
        ({}, {}, None),
        (OWN, {}, ("http://own/v1", "own", "own-key")),
        (OPENAI, {}, ("http://theirs/v1", "theirs", "their-key")),
        (OWN | OPENAI, {}, ("http://own/v1", "own", "own-key")),
        ({"OPENAI_API_KEY": "k"}, {}, None),
        ({"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": "http://theirs/v1"}, {}, None),
        ({"OPENAI_API_KEY": "k", "ADJUDGE_LLM_MODEL": "m"}, {}, ("https://api.openai.com/v1", "m", "k")),
        ({"OPENAI_API_KEY": "k"}, {"model": "m"}, ("https://api.openai.com/v1", "m", "k")),
        (OPENAI | {"ADJUDGE_LLM_API_KEY": "a"}, {}, ("http://theirs/v1", "theirs", "a")),
        (OWN | OPENAI, {"model": "m"}, ("http://own/v1", "m", "own-key")),
        (OWN, {"base_url": "http://other/v1"}, ("http://other/v1", "own", "own-key")),
        ({"ADJUDGE_LLM_MODEL": " ", "OPENAI_API_KEY": ""}, {}, None),
    ],
)
def test_the_environment(environment: dict[str, str], given: dict[str, str], expected: tuple[str, str, str] | None) -> None:
    assert told(environment, **given) == expected


@pytest.mark.parametrize("address", [{"ADJUDGE_LLM_BASE_URL": "http://elsewhere/v1"}, {}])
def test_the_key_for_openai_goes_nowhere_else(address: dict[str, str]) -> None:
    given = {} if address else {"base_url": "http://elsewhere/v1"}
    assert told({"OPENAI_API_KEY": "secret", "OPENAI_MODEL": "m", **address}, **given) == ("http://elsewhere/v1", "m", None)


def test_an_address_without_a_model() -> None:
    with pytest.raises(ConfigError, match="http://own/v1 needs the name of a model: set ADJUDGE_LLM_MODEL"):
        endpoint_from({"ADJUDGE_LLM_BASE_URL": "http://own/v1"})


def test_other_settings_arrive() -> None:
    found = endpoint_from(OWN, timeout_s=3, total_s=9, max_tokens=5, temperature=0)
    assert found == EndpointConfig(
        base_url="http://own/v1", model="own", api_key="own-key", timeout_s=3, total_s=9, max_tokens=5, temperature=0
    )


@pytest.mark.parametrize("base", ["http://h:1/v1", "http://h:1/v1/", " http://h:1/v1/chat/completions"])
def test_the_path(base: str) -> None:
    assert EndpointConfig(base_url=base, model="m").url == "http://h:1/v1/chat/completions"


@pytest.mark.parametrize(
    "wrong",
    [
        {"base_url": "localhost:8080"},
        {"base_url": "ftp://h/v1"},
        {"base_url": "http://"},
        {"base_url": "http://h:99999/v1"},
        {"base_url": "http://[::1/v1"},
        {"base_url": None},
        {"model": ""},
        {"model": None},
        {"timeout_s": 0},
        {"timeout_s": math.inf},
        {"total_s": math.nan},
        {"timeout_s": True},
        {"max_tokens": 0},
        {"temperature": -1},
        {"api_key": ""},
    ],
    ids=repr,
)
def test_what_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        EndpointConfig(**({"base_url": "http://h/v1", "model": "m"} | wrong))  # type: ignore[arg-type]


@pytest.mark.parametrize("key", ["ключ-ключ", "sk-sec\nret", "sk-sec ret"])
def test_a_key_that_cannot_be_sent_is_not_shown(key: str) -> None:
    with pytest.raises(ConfigError) as error:
        EndpointConfig(base_url="http://h/v1", model="m", api_key=key)
    assert key not in str(error.value)


def test_the_key_is_not_in_the_settings_picture() -> None:
    assert "own-key" not in repr(endpoint_from(OWN))


@pytest.mark.parametrize("wrong", [{"max_characters": 0}, {"sentences": True}, {"quoted_sources": 1.5}, {"instructions": 3}], ids=repr)
def test_how_an_answer_is_made_is_checked(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        AnswerConfig(**wrong)  # type: ignore[arg-type]
