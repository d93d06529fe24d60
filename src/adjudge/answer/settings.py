"""Where the language model is and how it is asked; and how an answer is made."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypedDict, Unpack
from urllib.parse import urlsplit

from ..errors import ConfigError

__all__ = ["AnswerConfig", "EndpointConfig", "EndpointOptions", "endpoint_from"]

OPENAI = "https://api.openai.com/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointConfig:
    """A server that speaks OpenAI's chat completions: OpenAI, Azure's v1, vLLM, llama.cpp, Ollama, LM Studio, many gateways."""

    base_url: str  # as OpenAI's own clients take it, mostly ending in /v1; with or without /chat/completions
    model: str
    api_key: str | None = field(default=None, repr=False)  # None: no Authorization header
    timeout_s: float = 60.0  # the longest silence, before the first piece of an answer and between two
    total_s: float = 600.0  # the longest answer: a server that drips for ever is stopped
    max_tokens: int | None = None  # of the answer; None: the server's own limit
    temperature: float | None = None  # None: the server's own; some models refuse any other

    def __post_init__(self) -> None:
        _check_url(self.base_url)
        if not isinstance(self.model, str) or not self.model.strip():
            raise ConfigError(f"model must name a language model of {self.base_url}, not {self.model!r}")
        _check_key(self.api_key)
        for name in ("timeout_s", "total_s"):
            if not _is_number(getattr(self, name)) or not getattr(self, name) > 0:
                raise ConfigError(f"{name} must be a finite number of seconds above 0, not {getattr(self, name)!r}")
        if self.max_tokens is not None:
            _check_whole("max_tokens", self.max_tokens, 1)
        if self.temperature is not None and (not _is_number(self.temperature) or self.temperature < 0):
            raise ConfigError(f"temperature must be a finite number of 0 or more, or None, not {self.temperature!r}")

    @property
    def url(self) -> str:
        """What is posted to."""
        base = self.base_url.strip().rstrip("/")
        return base if base.endswith("/chat/completions") else f"{base}/chat/completions"


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerConfig:
    """How an answer is made from passages."""

    max_characters: int = 24_000  # of all sources together, about 6,000 tokens of English; what does not fit is left out, the worst first
    instructions: str | None = None  # added to the rules that the language model is given: "Answer in French."
    sentences: int = 2  # of an extractive answer, from each source
    quoted_sources: int = 3  # of an extractive answer

    def __post_init__(self) -> None:
        for name in ("max_characters", "sentences", "quoted_sources"):
            _check_whole(name, getattr(self, name), 1)
        if not isinstance(self.instructions, str | None):
            raise ConfigError(f"instructions must be text or None, not {self.instructions!r}")


class EndpointOptions(TypedDict, total=False):
    """The settings of EndpointConfig that are no address."""

    timeout_s: float
    total_s: float
    max_tokens: int | None
    temperature: float | None


def endpoint_from(
    environment: Mapping[str, str], *, base_url: str | None = None, model: str | None = None, **options: Unpack[EndpointOptions]
) -> EndpointConfig | None:
    """The endpoint that ADJUDGE_LLM_BASE_URL, ADJUDGE_LLM_MODEL and ADJUDGE_LLM_API_KEY name, else OPENAI_BASE_URL, OPENAI_MODEL and
    OPENAI_API_KEY; `base_url` and `model` come before both. None where no model is named: a key alone sends nobody's documents anywhere.

    OPENAI_API_KEY goes only to OPENAI_BASE_URL, or to OpenAI where that is not set; never to an address that was named otherwise.
    Raises ConfigError for an address without a model.
    """
    given = {name: value.strip() for name, value in environment.items() if value.strip()}
    own_url = base_url if base_url is not None else given.get("ADJUDGE_LLM_BASE_URL")
    name = next((n for n in (model, given.get("ADJUDGE_LLM_MODEL"), given.get("OPENAI_MODEL")) if n is not None), None)
    if name is None and own_url is None:
        return None
    if name is None:
        raise ConfigError(f"the endpoint {own_url} needs the name of a model: set ADJUDGE_LLM_MODEL, or give --llm-model")
    own_key = given.get("ADJUDGE_LLM_API_KEY")
    if own_url is not None:
        return EndpointConfig(base_url=own_url, model=name, api_key=own_key, **options)
    key = given.get("OPENAI_API_KEY") if own_key is None else own_key
    return EndpointConfig(base_url=given.get("OPENAI_BASE_URL", OPENAI), model=name, api_key=key, **options)


def _check_url(url: object) -> None:
    if not isinstance(url, str):
        raise ConfigError(f"base_url must be text, not {url!r}")
    try:
        parts = urlsplit(url.strip())
        port_is_right = parts.port is None or parts.port > 0
    except ValueError as exc:
        raise ConfigError(f"base_url {url!r} is no address: {exc}") from exc
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_is_right:
        raise ConfigError(f"base_url must be like https://host/v1 or http://localhost:8080/v1, not {url!r}")


def _check_key(key: object) -> None:
    """Says what is wrong without showing the key."""
    if key is None:
        return
    if not isinstance(key, str) or not key or not key.isascii() or not key.isprintable() or " " in key:
        raise ConfigError("the API key must be one word of ASCII characters; is there a line break or a quote in it?")


def _check_whole(name: str, value: object, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ConfigError(f"{name} must be a whole number of {least} or more, not {value!r}")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
