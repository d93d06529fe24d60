"""The model in training: a network of transformers, a head, and three auxiliary heads, over batches of the engine's own tokeniser."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ..backends.base import DOCUMENT, QUERY, Batch
from ..backends.torch_rows import Rows, rows_for
from ..config import SourceConfig
from ..errors import ConfigError, MissingExtraError, ModelFilesError, UnsupportedModelError
from ..models.heads import ClassificationHead, MatchHead
from ..models.load import load_model
from ..models.model import Model
from ..models.weights import Weights
from .attention import use_plain_attention
from .settings import ModelConfig
from .supervision import ASPECTS

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["ClassifierStudent", "MatchStudent", "Scored", "Student", "load_student", "trainable"]

logger = logging.getLogger("adjudge")


@dataclass(frozen=True, slots=True)
class Scored:
    """What a student says about a batch."""

    logits: Tensor  # (rows,) float32
    aspects: Tensor  # (rows, len(ASPECTS)) float32 logits of the auxiliary heads


class Student(Protocol):
    """A model that can be trained."""

    model: Model  # the checkpoint it began as: tokenizer, shape, files
    network: Any  # the body (and a classifier's head), an nn.Module of transformers
    head: nn.Module  # what is ours: relevance head where it is not the network's, and the auxiliary heads

    def forward(self, batch: Batch, device: Any) -> Scored:
        """Scores with gradients, under whatever autocast the caller has entered."""
        ...


def load_student(config: ModelConfig, *, plain_attention: bool = True) -> Student:
    """Load `config.base` in float32, ready to be trained. The auxiliary heads start at zero, so that they disturb nothing.

    `plain_attention`: for CPUs, see attention.py; families that adjudge does not know keep what transformers gives them.

    Raises ModelError for what is no reranker (unless `new_head` asks for a fresh one), MissingExtraError without torch and transformers.
    """
    _require()
    if config.new_head:
        from .fresh import load_fresh

        model, network = load_fresh(config)
        student: Student = ClassifierStudent(model, network, ClassificationHead(labels=1, relevant=0))
    else:
        model = load_model(config.base, SourceConfig(revision=config.revision))
        student = _from_checkpoint(model, config)
    if plain_attention and model.spec.native:
        use_plain_attention(student.network)
    _freeze(student, config)
    if config.gradient_checkpointing:
        _save_memory(student)
    if config.lora is not None:
        from .lora import add_adapters

        student.network = add_adapters(student.network, config.lora)
    return student


def _from_checkpoint(model: Model, config: ModelConfig) -> Student:
    head = model.spec.head
    if isinstance(head, MatchHead):
        from .own_folder import load_own_body

        return MatchStudent(model, load_own_body(model, dropout=config.dropout))
    if isinstance(head, ClassificationHead):
        from .fresh import load_classifier

        return ClassifierStudent(model, load_classifier(model, dropout=config.dropout), head)
    raise UnsupportedModelError(f"{model.name} has a {type(head).__name__}, which cannot be trained as a judge")


class ClassifierStudent:
    """A transformers sequence classifier; the auxiliary heads read the mean of its last hidden states."""

    def __init__(self, model: Model, network: Any, head: ClassificationHead) -> None:
        """`head`: its labels, and which of them counts."""
        import torch

        self.model, self.network = model, network
        self.head: nn.Module = torch.nn.ModuleDict({"aspects": _aspect_head(model, network.config.hidden_size)})
        self._labels, self._relevant = head.labels, head.relevant
        self._exclusive = head.labels > 1 and model.config.get("problem_type") != "multi_label_classification"
        self._types = _takes_types(network, model)
        self._rows = None if model.spec.native else _rows(network, model, types=self._types)

    def forward(self, batch: Batch, device: Any) -> Scored:
        """See Student. Of several exclusive labels it is the log-odds of the relevant one, as in engine/scores.py."""
        import torch

        if self._rows is None:
            return self._scored(batch, device)
        parts = self._rows.ask(lambda rows: self._scored(rows, device), batch)
        return Scored(torch.cat([part.logits for part in parts]), torch.cat([part.aspects for part in parts]))

    def _scored(self, batch: Batch, device: Any) -> Scored:
        import torch

        inputs = _inputs(batch, device, types=self._types)
        said = self.network(**inputs, output_hidden_states=True)
        states = said.hidden_states if "hidden_states" in said else said.decoder_hidden_states  # BART reads the pair in its decoder too
        mean = _mean(states[-1].float(), inputs["attention_mask"])
        logits = said.logits.float()
        wanted = logits[:, self._relevant]
        if self._exclusive:
            others = [label for label in range(self._labels) if label != self._relevant]
            wanted = wanted - torch.logsumexp(logits[:, others], 1)
        return Scored(wanted, self.head["aspects"](mean))  # type: ignore[index]


class MatchStudent:
    """The embedded judge: a bare encoder under the match head of models/heads.py."""

    def __init__(self, model: Model, network: Any) -> None:
        """Take the head's numbers from the checkpoint."""
        import torch

        self.model, self.network = model, network
        pooled = torch.nn.Linear(model.spec.hidden_size, 1)
        pooled.load_state_dict({part: torch.tensor(model.named.array(f"head.pooled.{part}")) for part in ("weight", "bias")})
        numbers = {
            part: torch.nn.Parameter(torch.tensor(model.named.array(f"head.{part}"))) for part in ("cosine", "max_similarity", "offset")
        }
        self.head: nn.Module = torch.nn.ModuleDict(
            {"pooled": pooled, "aspects": _aspect_head(model, model.spec.hidden_size), "numbers": torch.nn.ParameterDict(numbers)}
        )
        self._types = model.spec.type_vocab_size > 1

    def forward(self, batch: Batch, device: Any) -> Scored:
        """See Student."""
        import torch

        inputs = _inputs(batch, device, types=self._types)
        hidden = self.network(**inputs).last_hidden_state.float()
        segments = torch.from_numpy(batch.segments.astype(np.int64)).to(device)
        query, document = segments == QUERY, segments == DOCUMENT
        mean = _mean(hidden, inputs["attention_mask"])
        head: Any = self.head
        unit = torch.nn.functional.normalize(hidden, dim=-1, eps=1e-12)
        whole = torch.nn.functional.cosine_similarity(_mean(hidden, query), _mean(hidden, document), dim=-1, eps=1e-12)
        best = (unit @ unit.transpose(1, 2)).masked_fill(~document[:, None, :], -2.0).amax(2)
        matched = (best * query).sum(1) / query.sum(1).clamp(min=1)
        numbers = head["numbers"]
        logits = head["pooled"](mean)[:, 0] + numbers["cosine"] * whole + numbers["max_similarity"] * matched + numbers["offset"]
        return Scored(logits, head["aspects"](mean))


def _aspect_head(model: Model, size: int) -> Any:
    """Zeros, which disturb nothing, or what an earlier training left beside the weights."""
    import torch

    from .fresh import ASPECT_FILE

    layer = torch.nn.Linear(size, len(ASPECTS))
    torch.nn.init.zeros_(layer.weight)
    torch.nn.init.zeros_(layer.bias)
    beside = model.folder / ASPECT_FILE
    weights = Weights([beside]) if beside.is_file() else model.weights
    if "aspects.weight" not in weights:
        return layer
    if weights.shape("aspects.weight") != (len(ASPECTS), size) or weights.shape("aspects.bias") != (len(ASPECTS),):
        raise ModelFilesError(f"{model.name}: the auxiliary heads have another shape than {(len(ASPECTS), size)}; delete {ASPECT_FILE}")
    layer.load_state_dict({part: torch.tensor(weights.array(f"aspects.{part}")) for part in ("weight", "bias")})
    return layer


def _takes_types(network: Any, model: Model) -> bool:
    """Whether token types go in: adjudge's own families need a table for them, of others transformers knows."""
    named = "token_type_ids" in inspect.signature(network.forward).parameters
    return named and (model.spec.type_vocab_size > 1 or not model.spec.native)


def _rows(network: Any, model: Model, *, types: bool) -> Rows:
    """How a family that only transformers knows is asked, here as when it judges."""

    def logits(batch: Batch) -> Tensor:
        said: Tensor = network(**_inputs(batch, network.device, types=types)).logits
        return said

    network.eval()  # dropout would make any two answers differ
    rows = rows_for(network, model, logits, half=False)
    network.train()
    for note in rows.notes:
        logger.warning("%s: %s", model.name, note)
    return rows


def _inputs(batch: Batch, device: Any, *, types: bool) -> dict[str, Tensor]:
    import torch

    length = int(batch.lengths.max())
    real = np.arange(batch.input_ids.shape[1])[None, :] < batch.lengths[:, None]
    arrays = {"input_ids": batch.input_ids, "attention_mask": real}
    if types:
        arrays["token_type_ids"] = batch.token_type_ids
    assert length <= batch.input_ids.shape[1]
    return {name: torch.from_numpy(np.ascontiguousarray(a, dtype=np.int64)).to(device) for name, a in arrays.items()}


def _mean(hidden: Tensor, chosen: Tensor) -> Tensor:
    """(rows, size): the mean over each row's chosen tokens, zeros where none is."""
    weight = chosen.to(hidden.dtype)[:, :, None]
    return (hidden * weight).sum(1) / weight.sum(1).clamp(min=1)


def _save_memory(student: Student) -> None:
    network = student.network
    enable = getattr(network, "activation_checkpointing_enable", None)  # as transformers calls it since 5.2x
    enable = network.gradient_checkpointing_enable if enable is None else enable
    try:
        enable({"use_reentrant": False})  # which lets gradients pass also where everything below is frozen
    except ValueError as exc:
        raise UnsupportedModelError(f"{student.model.name}: {exc} Leave model.gradient_checkpointing out") from exc


def _freeze(student: Student, config: ModelConfig) -> None:
    from torch import nn

    network = student.network
    if config.freeze_embeddings or config.freeze_layers:
        for parameter in network.get_input_embeddings().parameters():
            parameter.requires_grad_(False)
    if not config.freeze_layers:
        return
    layers = next((m for m in network.modules() if isinstance(m, nn.ModuleList) and len(m) == student.model.spec.layers), None)
    if layers is None or config.freeze_layers > len(layers):
        raise ConfigError(
            f"model.freeze_layers={config.freeze_layers}: {student.model.name} has {0 if layers is None else len(layers)} layers to freeze"
        )
    for name, parameter in network.named_parameters():
        if "embeddings" in name:  # what lies below a frozen layer learns nothing sensible either
            parameter.requires_grad_(False)
    for layer in layers[: config.freeze_layers]:
        for parameter in layer.parameters():
            parameter.requires_grad_(False)


def trainable(student: Student) -> Iterator[tuple[str, Any]]:
    """Names and parameters that learn, the network's first."""
    for prefix, module in (("network", student.network), ("head", student.head)):
        for name, parameter in module.named_parameters():
            if parameter.requires_grad:
                yield f"{prefix}.{name}", parameter


def _require() -> None:
    for package in ("torch", "transformers"):
        try:
            __import__(package)
        except ImportError:
            raise MissingExtraError(package=package, extra="train", what="training") from None
