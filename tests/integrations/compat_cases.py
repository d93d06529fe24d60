"""What is asked of the originals and of adjudge's shapes alike: the same calls on the same models and texts.

Imported by adjudge's tests and, in the originals' own environments, by record_originals.py; so it imports neither.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["CASES", "FLAG", "INPUTS", "LONG_QUERY", "PAIRS", "RETRIEVALS", "SENTENCE", "Case", "ask", "describe", "inputs_digest", "load"]

FLAG, RETRIEVALS, SENTENCE = "FlagEmbedding", "open-retrievals", "sentence-transformers"

_LONG = "Giant pandas eat almost nothing but bamboo leaves and shoots, about 12 to 38 of them a day. 大熊猫的食物几乎全是竹子。 "
_LONG_QUESTION = "熊猫吃什么 and how long does it last "
LONG_QUERY = ("what do giant pandas eat", _LONG_QUESTION * 40)
_QUERIES = ("what do giant pandas eat", "熊猫吃什么？", "¿Qué comen los pandas gigantes?", "how long does caffeine last")
_TEXTS = (
    "Giant pandas eat almost nothing but bamboo: leaves and shoots.",
    "大熊猫的食物几乎全是竹子，每天要吃很多。",
    "The half-life of caffeine is about five hours, so coffee at noon keeps you awake.",
    "A new phone with a titanium frame and a camera.",
    "No.",
    "",
    "🐼🐼🐼 ﬁne ½",
    _LONG * 3,
    _LONG * 12,
)
PAIRS = [
    *((query, text) for query in _QUERIES[:2] for text in _TEXTS),
    (_QUERIES[2], _TEXTS[0]),
    (_QUERIES[3], _TEXTS[2]),
    (_QUERIES[3], _QUERIES[3]),
]
"""Short and long, in several scripts, one empty passage. No query is longer than a quarter of the models' 512 tokens."""

_DOCUMENTS = list(_TEXTS[:6])

INPUTS: Mapping[str, tuple[Any, ...]] = {
    "pairs": (PAIRS,),
    "pairs-as-lists": ([list(pair) for pair in PAIRS],),
    "pairs-as-array": (np.array(PAIRS),),
    "long-queries": ([(LONG_QUERY[1], text) for text in _TEXTS[:5]] + [(LONG_QUERY[1], LONG_QUERY[1] * 2)],),
    "middling-queries": ([(_LONG_QUESTION * 4, text) for text in (_LONG * 3, _LONG, _TEXTS[0])],),  # over 48 of 64 tokens
    "pair-tuple": (PAIRS[0],),
    "pair-list": (list(PAIRS[0]),),
    "list-of-one": ([PAIRS[0]],),
    "no-pairs": ([],),
    "documents": (_QUERIES[0], _DOCUMENTS),
    "one-document": (_QUERIES[0], _DOCUMENTS[:1]),
    "no-documents": (_QUERIES[0], []),
    "long-documents": (_QUERIES[0], [_LONG * 12, "No."]),
}


@dataclass(frozen=True)
class Case:
    """One call. `differs`: why adjudge answers otherwise; the tests then demand that it really does."""

    original: str
    model: str
    method: str
    inputs: str
    make: Mapping[str, Any] = field(default_factory=dict)
    arguments: Mapping[str, Any] = field(default_factory=dict)
    differs: str = ""

    @property
    def name(self) -> str:
        """The call in one line, distinct for distinct cases."""

        def words(given: Mapping[str, Any]) -> str:
            return ",".join(f"{key}={value}" for key, value in given.items())

        return f"{self.original} {self.model}({words(self.make)}).{self.method}({self.inputs};{words(self.arguments)})"


_TYPES_LOST = "the original drops token types, which a BERT model was trained with"
_EMPTY = "the original raises IndexError"

_INSTRUCTED = {"query_instruction_for_rerank": "tea: ", "passage_instruction_for_rerank": "red", "passage_instruction_format": "{}\\n{}"}


def _flag(model: str, inputs: str, *, make: Mapping[str, Any] | None = None, method: str = "compute_score", **arguments: Any) -> Case:
    return Case(FLAG, model, method, inputs, make or {}, arguments, _EMPTY if inputs == "no-pairs" else "")


def _retrievals(model: str, method: str, inputs: str, *, differs: str = "", **arguments: Any) -> Case:
    return Case(RETRIEVALS, model, method, inputs, {}, arguments, differs)


def _sentence(model: str, method: str, inputs: str, *, make: Mapping[str, Any] | None = None, **arguments: Any) -> Case:
    return Case(SENTENCE, model, method, inputs, make or {}, arguments)


CASES: tuple[Case, ...] = (
    *(_flag(model, inputs) for model in ("xlm-roberta", "bert") for inputs in ("pairs", "long-queries", "pair-tuple", "pair-list")),
    *(_flag("xlm-roberta", inputs) for inputs in ("pairs-as-lists", "list-of-one", "no-pairs")),
    _flag("xlm-roberta", "pairs", normalize=True),
    _flag("xlm-roberta", "pairs", batch_size=4),
    _flag("xlm-roberta", "pairs", max_length=32),
    _flag("bert", "long-queries", max_length=32),
    _flag("xlm-roberta", "middling-queries", max_length=64),
    _flag("bert", "long-queries", max_length=64, query_max_length=9),
    _flag("bert", "pairs", make={"normalize": True, "max_length": 48, "query_max_length": 12, "batch_size": 5}),
    _flag("bert", "pairs", make={"normalize": True, "max_length": 48}, normalize=False),
    _flag("xlm-roberta", "pairs", make=_INSTRUCTED),
    _flag("xlm-roberta", "pairs", make=_INSTRUCTED, method="compute_score_single_gpu"),
    _flag("xlm-roberta", "pairs", make={"query_instruction_for_rerank": "sleep", "query_instruction_format": "{0}: {1} {0}"}),
    *(_retrievals("xlm-roberta", "compute_score", inputs) for inputs in ("pairs", "pair-tuple", "pair-list", "list-of-one")),
    _retrievals("xlm-roberta", "compute_score", "pairs", normalize=True, batch_size=3),
    _retrievals("xlm-roberta", "compute_score", "pairs", max_length=64),
    _retrievals("xlm-roberta", "compute_score", "pairs", max_length=512),
    _retrievals("xlm-roberta", "compute_score", "middling-queries", max_length=64),
    _retrievals("xlm-roberta", "compute_score", "no-pairs", differs=_EMPTY),
    _retrievals(
        "xlm-roberta", "compute_score", "long-queries", max_length=64, differs="the original leaves a pair too long whose query alone is"
    ),
    _retrievals("bert", "compute_score", "pairs", differs=_TYPES_LOST),
    Case(RETRIEVALS, "xlm-roberta", "compute_score", "pairs", {"temperature": 2.5}, {"normalize": True}),
    Case(RETRIEVALS, "xlm-roberta", "compute_score", "pairs", {"query_instruction": "tea: {}", "document_instruction": "{} red"}),
    _retrievals("xlm-roberta", "rerank", "documents"),
    _retrievals("xlm-roberta", "rerank", "documents", normalize=True, batch_size=2),
    _retrievals("xlm-roberta", "rerank", "documents", return_dict=False),
    _retrievals("xlm-roberta", "rerank", "long-documents"),
    _retrievals("xlm-roberta", "rerank", "one-document", differs="the original raises TypeError"),
    _retrievals("xlm-roberta", "rerank", "no-documents", differs="the original answers with other keys"),
    _retrievals("xlm-roberta", "rerank", "long-documents", long_documents_split=True, differs="the original raises IndexError"),
    *(_sentence(model, "predict", "pairs") for model in ("xlm-roberta", "bert", "bert-3-labels", "bert-identity", "bert-old-identity")),
    *(_sentence(model, "predict", "long-queries") for model in ("xlm-roberta", "bert")),
    *(
        _sentence(model, "predict", inputs)
        for model in ("bert", "bert-3-labels")
        for inputs in ("pair-tuple", "pair-list", "list-of-one", "no-pairs")
    ),
    _sentence("xlm-roberta", "predict", "pairs-as-array"),
    _sentence("bert", "predict", "pairs-as-lists", batch_size=4),
    *(
        _sentence(model, "predict", inputs, **how)
        for model in ("bert", "bert-3-labels")
        for inputs in ("pairs", "pair-tuple", "no-pairs")
        for how in ({"convert_to_tensor": True}, {"convert_to_numpy": False})
        if (inputs, how) != ("no-pairs", {"convert_to_numpy": False})
    ),
    _sentence("bert", "predict", "no-pairs", convert_to_numpy=False),
    _sentence("bert-3-labels", "predict", "pairs", apply_softmax=True),
    _sentence("bert-3-labels", "predict", "pair-tuple", apply_softmax=True, activation_fn="Sigmoid"),
    _sentence("bert", "predict", "pairs", apply_softmax=True),
    *(_sentence("bert", "predict", "pairs", activation_fn=name) for name in ("Identity", "Tanh")),
    _sentence("bert", "predict", "pairs", make={"activation_fn": "Identity"}),
    *(
        _sentence(model, "predict", inputs, make={"max_length": 33})
        for model in ("xlm-roberta", "bert")
        for inputs in ("pairs", "long-queries")
    ),
    _sentence("bert", "predict", "pairs", prompt="tea: "),
    _sentence("bert", "predict", "pairs", make={"prompts": {"q": "coffee "}}, prompt_name="q"),
    _sentence("bert", "predict", "pairs", make={"prompts": {"q": "coffee "}, "default_prompt_name": "q"}),
    *(_sentence("xlm-roberta", "rank", inputs) for inputs in ("documents", "one-document", "no-documents", "long-documents")),
    _sentence("xlm-roberta", "rank", "documents", top_k=2, return_documents=True),
    _sentence("bert-identity", "rank", "documents", activation_fn="Sigmoid"),
    _sentence("bert", "rank", "documents", top_k=0),
    _sentence("bert-3-labels", "rank", "documents"),
)


def inputs_digest() -> str:
    """A hash of all texts, so that an answer is never compared with that to another question."""
    return hashlib.sha256(json.dumps({k: [np.asarray(p, object).tolist() for p in v] for k, v in INPUTS.items()}).encode()).hexdigest()


def load(shape: Any, case: Case, folder: Path) -> Any:
    """The original's class, or adjudge's of the same name, with the case's model; both are called alike."""
    if case.original == FLAG:
        return shape(str(folder), devices="cpu", **case.make)
    if case.original == RETRIEVALS:
        return shape.from_pretrained(str(folder), device="cpu", **case.make)
    return shape(str(folder), device="cpu", **_with_modules(case.make))


def ask(model: Any, case: Case) -> Any:
    """The described answer, or the described error."""
    try:
        answer = getattr(model, case.method)(*INPUTS[case.inputs], **_with_modules(case.arguments))
    except (IndexError, TypeError, ValueError, RuntimeError) as error:
        builtin = next(kind for kind in type(error).__mro__ if kind.__module__ == "builtins")
        return {"kind": "error", "type": builtin.__name__}
    return describe(answer)


def describe(answer: Any) -> Any:
    """What an answer is and holds, as JSON: types, shapes, numbers."""
    kind = f"{type(answer).__module__}.{type(answer).__qualname__}".removeprefix("builtins.")
    if isinstance(answer, list) and all(type(part) is float for part in answer):
        return {"kind": "list of float", "values": answer}
    if isinstance(answer, list | tuple):
        return {"kind": kind, "parts": [describe(part) for part in answer]}
    if isinstance(answer, dict):
        return {"kind": kind, "items": {key: describe(value) for key, value in answer.items()}}
    if hasattr(answer, "dtype"):
        return {"kind": kind, "dtype": str(answer.dtype), "shape": list(answer.shape), "values": answer.tolist()}
    return {"kind": kind, "value": answer}


def _with_modules(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """activation_fn by its name in torch.nn, since a case holds no objects."""
    made = dict(arguments)
    if isinstance(made.get("activation_fn"), str):
        import torch

        made["activation_fn"] = getattr(torch.nn, made["activation_fn"])()
    return made
