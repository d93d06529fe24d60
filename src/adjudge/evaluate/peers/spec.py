"""How a reranker is named on the command line, and what that means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ...errors import ConfigError

__all__ = ["ADAPTERS", "Adapter", "RerankerSpec", "parse_reranker"]


@dataclass(frozen=True, slots=True)
class Adapter:
    """What a prefix stands for."""

    worker: str  # the file adapter_NAME.py
    package: str  # what must be installed in its environment; "" for nothing
    options: Mapping[str, Any] = field(default_factory=dict)


ADAPTERS: Mapping[str, Adapter] = {
    "adjudge": Adapter("adjudge", ""),
    "flagembedding": Adapter("flagembedding", "FlagEmbedding"),
    "sentence-transformers": Adapter("sentence_transformers", "sentence-transformers", {"backend": "torch"}),
    "sentence-transformers-onnx": Adapter("sentence_transformers", "sentence-transformers[onnx]", {"backend": "onnx"}),
    "sentence-transformers-openvino": Adapter("sentence_transformers", "sentence-transformers[openvino]", {"backend": "openvino"}),
    "fastembed": Adapter("fastembed", "fastembed"),
    "rerankers": Adapter("rerankers", "rerankers[transformers]"),
    "flashrank": Adapter("flashrank", "flashrank"),
    **{f"http-{name}": Adapter("http", "", {"dialect": name}) for name in ("native", "cohere", "jina", "tei", "vllm", "infinity")},
}
"""By the prefix: "flagembedding:BAAI/bge-reranker-base". A name without a prefix is a model of adjudge's."""

_FOR_PEERS = ("device", "threads", "max_length")


@dataclass(frozen=True, slots=True, kw_only=True)
class RerankerSpec:
    """A reranker to be run."""

    name: str  # as it was written; how tables call it
    adapter: str  # a key of ADAPTERS
    model: str
    options: Mapping[str, Any] = field(default_factory=dict)
    python: str | None = None  # of a peer: its environment's interpreter; None: this one

    @property
    def peer(self) -> bool:
        """Whether another library runs it."""
        return self.adapter != "adjudge"


def parse_reranker(text: str, *, options: Mapping[str, Any] | None = None, pythons: Mapping[str, str] | None = None) -> RerankerSpec:
    """What a name means: "embedded", "BAAI/bge-reranker-base", "sentence-transformers:FOLDER", "http-tei:http://localhost:8080".

    `options`: of Reranker(), and "api_key" for servers; peers get device, threads and max_length. `pythons`: adapter -> interpreter.
    Raises ConfigError for a name without a model.
    """
    options, pythons = {} if options is None else options, {} if pythons is None else pythons
    for_us = {key: value for key, value in options.items() if key != "api_key"}
    name = text.strip()
    prefix, colon, rest = name.partition(":")
    if not colon or prefix not in ADAPTERS:
        if not name:
            raise ConfigError("the name of a reranker is empty")
        return RerankerSpec(name=name, adapter="adjudge", model=name, options=for_us)
    if not rest:
        raise ConfigError(f"{name!r} names no model; write {prefix}:MODEL")
    own = {key: options[key] for key in _FOR_PEERS if options.get(key) is not None and options[key] != "auto"}
    if prefix == "adjudge":
        return RerankerSpec(name=name, adapter=prefix, model=rest, options=for_us)
    if prefix.startswith("http-"):
        model, address = _address(name, rest)
        key = {"api_key": options["api_key"]} if options.get("api_key") else {}
        return RerankerSpec(name=name, adapter=prefix, model=address, options={**ADAPTERS[prefix].options, **model, **key})
    return RerankerSpec(
        name=name,
        adapter=prefix,
        model=rest,
        options={**own, **ADAPTERS[prefix].options},
        python=pythons.get(prefix) or _family(prefix, pythons),
    )


def _address(name: str, rest: str) -> tuple[dict[str, str], str]:
    at = rest.find("http://") if "http://" in rest else rest.find("https://")
    if at < 0:
        raise ConfigError(
            f"{name!r} needs an address: http-tei:http://localhost:8080, with a model's name before an @ where the server wants one"
        )
    return ({"model_name": rest[: at - 1]} if at > 1 and rest[at - 1] == "@" else {}), rest[at:]


def _family(prefix: str, pythons: Mapping[str, str]) -> str | None:
    """sentence-transformers-onnx runs where sentence-transformers does, unless it is given an environment of its own."""
    return next((python for name, python in pythons.items() if prefix.startswith(f"{name}-")), None)
