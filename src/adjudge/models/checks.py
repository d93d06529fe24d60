"""What a checkpoint must hold before anything is computed with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from ..errors import ModelFilesError, NotARerankerError, TokenizerMismatchError, UnsafeModelError
from .heads import ClassificationHead, MatchHead
from .model import Model
from .rotary import RotarySpec
from .spec import Family, ModelSpec

__all__ = ["check_body", "check_head", "check_types", "check_vocabulary", "refuse_headless", "refuse_remote_code"]

Shape: TypeAlias = tuple[int, ...]

_FOREIGN_HEADS = ("classifier", "score", "classification_head", "logits_proj")
_BODIES = ("Model", "ForMaskedLM", "ForPreTraining", "ForTokenClassification", "ForQuestionAnswering", "ForMultipleChoice")
_INSTEAD = "use a reranker (a ...ForSequenceClassification), for example BAAI/bge-reranker-v2-m3 or 'embedded'"


def refuse_remote_code(config: Mapping[str, Any], name: str, *, trusted: bool) -> None:
    """Raise UnsafeModelError where config.json names code of the model's own and nobody said that it is trusted."""
    if config.get("auto_map") and not trusted:
        raise UnsafeModelError(
            f"{name} brings its own model code (auto_map in config.json), which adjudge does not run. "
            "If you have read that code and trust it, pass trust_remote_code=True (torch backend)"
        )


def refuse_headless(config: Mapping[str, Any], name: str) -> None:
    """Raise NotARerankerError where config.json itself says that there is no head, before gigabytes are downloaded.

    The tensors decide in the end (see check_head): a config that says nothing, or something unheard of, passes here.
    """
    kinds = config.get("architectures")
    if config.get("auto_map"):  # the code that the model brings may add a head to a body of any name
        return
    if isinstance(kinds, list) and kinds and all(isinstance(kind, str) and kind.endswith(_BODIES) for kind in kinds):
        raise NotARerankerError(f"{name} is a {', '.join(kinds)}, without a classification head, so it cannot judge pairs; {_INSTEAD}")


def check_body(model: Model) -> None:
    """Every tensor of the encoder is there and has the shape that config.json announces."""
    if not model.spec.native or model.exported_only:
        return
    for name, shape in _body_shapes(model).items():
        found = model.named.shape(name) if name in model.named else None
        if found is None:
            raise ModelFilesError(
                f"{model.name}: the weights lack {name!r} of the encoder; the checkpoint is incomplete or not a {model.spec.family}"
            )
        if found != shape:
            raise ModelFilesError(
                f"{model.name}: {name!r} has the shape {found}, but config.json announces {shape}; the two do not belong together"
            )


def check_head(model: Model, config: Mapping[str, Any]) -> None:
    """The checkpoint carries a trained relevance head of the right shape; its scores would be noise otherwise."""
    head = model.spec.head
    if model.exported_only:  # what the file answers is checked when the onnx backend opens it
        return
    if isinstance(head, ClassificationHead) and not model.spec.native:
        _check_foreign_head(model, head, config)
    elif isinstance(head, ClassificationHead):
        if "head.out.weight" not in model.named:
            raise NotARerankerError(_no_head_message(model, config))
        _check_shapes(model, _classification_shapes(model, head))
    elif isinstance(head, MatchHead):
        one = {"head.pooled.bias", "head.cosine", "head.max_similarity", "head.offset"}
        shapes: dict[str, Shape] = {"head.pooled.weight": (1, model.spec.hidden_size)} | dict.fromkeys(sorted(one), (1,))
        if head.aspects:
            shapes |= {"aspects.weight": (len(head.aspects), model.spec.hidden_size), "aspects.bias": (len(head.aspects),)}
        _check_shapes(model, shapes)


def check_vocabulary(model: Model, *, largest_id: int) -> None:
    """Every id the tokenizer can make has a row in the embedding table."""
    if model.spec.vocab_size and largest_id >= model.spec.vocab_size:
        raise TokenizerMismatchError(
            f"{model.name}: {model.tokenizer_file.name} makes ids up to {largest_id}, the model has {model.spec.vocab_size} embeddings. "
            "The tokenizer belongs to another model; download both from one place"
        )


def check_types(model: Model, *, largest_type: int) -> None:
    """Every token type the tokenizer's templates give has a row in the table of a model that has one."""
    if model.spec.native and largest_type >= max(1, model.spec.type_vocab_size):
        raise TokenizerMismatchError(
            f"{model.name}: {model.tokenizer_file.name} makes token type {largest_type}, the model has {model.spec.type_vocab_size}. "
            "The tokenizer belongs to another model; download both from one place"
        )


def _check_shapes(model: Model, expected: Mapping[str, Shape]) -> None:
    for name, shape in expected.items():
        found = model.named.shape(name) if name in model.named else None
        if found != shape:
            raise NotARerankerError(
                f"{model.name}: the tensor {name!r} of the relevance head is {found or 'missing'}, it must be {shape} "
                f"({model.spec.head.outputs} label(s)). The checkpoint is not a finished reranker"
            )


def _classification_shapes(model: Model, head: ClassificationHead) -> dict[str, Shape]:
    hidden = model.spec.hidden_size
    shapes: dict[str, Shape] = {
        "head.dense.weight": (hidden, hidden),
        "head.out.weight": (head.labels, hidden),
        "head.out.bias": (head.labels,),
    }
    if model.spec.family is Family.MODERNBERT:
        shapes["head.norm.weight"] = (hidden,)
    for optional in ("head.dense.bias", "head.norm.bias"):
        if optional in model.named or (optional == "head.dense.bias" and model.spec.family is not Family.MODERNBERT):
            shapes[optional] = (hidden,)
    return shapes


def _check_foreign_head(model: Model, head: ClassificationHead, config: Mapping[str, Any]) -> None:
    """DeBERTa and families that only transformers knows: a head stands at the top, beside the body, never inside of it."""
    outputs = [name for name in model.weights.names() if name.split(".")[0] in _FOREIGN_HEADS and name.endswith("weight")]
    if not outputs:
        raise NotARerankerError(_no_head_message(model, config))
    shapes = [model.weights.shape(name) for name in outputs]
    if not any(shape[:1] == (head.labels,) for shape in shapes):
        raise NotARerankerError(
            f"{model.name}: the classification head has the shapes {shapes}, but config.json announces {head.labels} label(s). "
            "The checkpoint is not a finished reranker"
        )


def _no_head_message(model: Model, config: Mapping[str, Any]) -> str:
    kinds = config.get("architectures")
    kind = ", ".join(map(str, kinds)) if isinstance(kinds, list) and kinds else f"{model.spec.model_type} without a named architecture"
    if (model.folder / "modules.json").is_file():
        kind = (
            "model made of sentence-transformers modules (an embedding model, "
            "or a cross-encoder that keeps its head in folders of its own, which adjudge does not read)"
        )
    return (
        f"{model.name} has no classification head, so it cannot judge pairs: its scores would come from random numbers. "
        f"It is a {kind}; {_INSTEAD}"
    )


def _body_shapes(model: Model) -> dict[str, Shape]:
    spec = model.spec
    shapes = _bert_shapes(spec) if spec.rotary is None else _modernbert_shapes(spec, spec.rotary)
    if spec.family is Family.ELECTRA and spec.embedding_size != spec.hidden_size:
        shapes |= _with_bias({"embeddings_projection": (spec.hidden_size, spec.embedding_size)})
    return shapes


def _bert_shapes(spec: ModelSpec) -> dict[str, Shape]:
    h, e, f = spec.hidden_size, spec.embedding_size, spec.intermediate_size
    shapes: dict[str, Shape] = {"word_embeddings.weight": (spec.vocab_size, e), "position_embeddings.weight": (spec.positions, e)}
    if spec.family is not Family.DISTILBERT:
        shapes["token_type_embeddings.weight"] = (spec.type_vocab_size, e)
    shapes |= _norm("embeddings_norm", e, bias=True)
    square = {part: (h, h) for part in ("query", "key", "value", "attention_output")}
    for i in range(spec.layers):
        parts = square | {"intermediate": (f, h), "output": (h, f)}
        shapes |= _with_bias({f"layer.{i}.{part}": shape for part, shape in parts.items()})
        shapes |= _norm(f"layer.{i}.attention_norm", h, bias=True) | _norm(f"layer.{i}.output_norm", h, bias=True)
    return shapes


def _modernbert_shapes(spec: ModelSpec, rotary: RotarySpec) -> dict[str, Shape]:
    h, f = spec.hidden_size, spec.intermediate_size
    shapes: dict[str, Shape] = {"word_embeddings.weight": (spec.vocab_size, h)}
    shapes |= _norm("embeddings_norm", h, bias=rotary.norm_bias) | _norm("final_norm", h, bias=rotary.norm_bias)
    for i in range(spec.layers):
        at = f"layer.{i}."
        shapes |= _with_bias({at + "qkv": (3 * h, h), at + "attention_output": (h, h)}, bias=rotary.attention_bias)
        shapes |= _with_bias({at + "gated": (2 * f, h), at + "output": (h, f)}, bias=rotary.mlp_bias)
        shapes |= _norm(at + "output_norm", h, bias=rotary.norm_bias)
        if i > 0:  # the first layer comes right after the embeddings' norm and has none of its own
            shapes |= _norm(at + "attention_norm", h, bias=rotary.norm_bias)
    return shapes


def _with_bias(matrices: Mapping[str, Shape], *, bias: bool = True) -> dict[str, Shape]:
    shapes = {f"{stem}.weight": shape for stem, shape in matrices.items()}
    return shapes | ({f"{stem}.bias": shape[:1] for stem, shape in matrices.items()} if bias else {})


def _norm(stem: str, size: int, *, bias: bool) -> dict[str, Shape]:
    return _with_bias({stem: (size,)}, bias=bias)
