"""An encoder and its head as an OpenVINO graph, straight from config.json and safetensors."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..models.heads import ClassificationHead, EmbeddingHead, MatchHead, TokenHead
from ..models.model import Model
from ..models.spec import RotarySpec
from .base import DOCUMENT, QUERY
from .openvino_blocks import MASKED, Blocks, Node
from .openvino_module import openvino_module

__all__ = ["INPUTS", "build_graph"]

INPUTS = ("input_ids", "lengths", "token_type_ids", "segments")
"""Every graph input by the name of the Batch field that feeds it; a graph declares only those it reads."""


def build_graph(model: Model, *, int8: bool) -> tuple[Any, list[np.ndarray]]:
    """Return an openvino.Model and the arrays it shares, which must live as long as what is compiled from it.

    In: (rows, length) int32 ids and (rows,) int32 lengths, and what else of INPUTS it reads. Out: (rows, outputs) float32 logits,
    or (rows, length, outputs) where the head is a TokenHead.
    """
    graph = _Graph(model, int8=int8)
    return graph.build(), graph.b.shared


class _Graph:
    def __init__(self, model: Model, *, int8: bool) -> None:
        self.spec = model.spec
        self.b = Blocks(model, int8=int8)
        self.op = self.b.op
        self.has = model.named.__contains__
        self.inputs: dict[str, Node] = {}

    def build(self) -> Any:
        """Body, head, and only the inputs that these read."""
        ids = self._input("input_ids", 2)
        self.length = self.op.gather(self.op.shape_of(ids, "i32"), self.op.constant(1), self.op.constant(0))
        self.steps = self.op.range(self.op.constant(0), self.length, self.op.constant(1), "i32")
        ends = self.op.unsqueeze(self._input("lengths", 1), self.op.constant(1))
        self.real = self.op.less(self.op.unsqueeze(self.steps, self.op.constant(0)), ends)
        hidden = self._modernbert(ids, self.spec.rotary) if self.spec.rotary else self._bert(ids)
        logits = self._head(hidden)
        return openvino_module().Model([logits], list(self.inputs.values()), "adjudge")

    def _input(self, name: str, rank: int) -> Node:
        if name not in self.inputs:
            node = self.op.parameter([-1] * rank, np.int32, name=name)
            node.output(0).get_tensor().set_names({name})
            self.inputs[name] = node
        return self.inputs[name]

    # -- bodies ---------------------------------------------------------------------------------------------------

    def _bert(self, ids: Node) -> Node:
        """BERT, RoBERTa, XLM-R, ELECTRA, DistilBERT: attention, add & norm, feed-forward, add & norm."""
        b, op = self.b, self.op
        x = op.add(b.embed("word_embeddings", ids), b.embed("position_embeddings", self._positions(ids)))
        if self.has("token_type_embeddings.weight"):
            x = op.add(x, self._token_types())
        x = b.norm(x, "embeddings_norm")
        if self.has("embeddings_projection.weight"):
            x = b.linear(x, "embeddings_projection")
        bias = self._key_bias()
        for i in range(self.spec.layers):
            at = f"layer.{i}."
            # When the head reads only the first token, the last layer is computed for that token alone: a seventh less work at six layers.
            asks = self._first(x) if i == self.spec.layers - 1 and self._first_only() else x
            # three layers, not one wide one: the plugin fuses each head split into its attention kernel only then (7 % faster)
            query, key, value = (
                b.heads(b.linear(source, at + part), self.spec.attention_heads)
                for source, part in ((asks, "query"), (x, "key"), (x, "value"))
            )
            mixed = b.linear(b.attend(query, key, value, bias), at + "attention_output")
            x = b.norm(op.add(asks, mixed), at + "attention_norm")
            inner = b.activate(b.linear(x, at + "intermediate"))
            x = b.norm(op.add(x, b.linear(inner, at + "output")), at + "output_norm")
        return x

    def _positions(self, ids: Node) -> Node:
        """As backends.positions.position_ids gives them; (length,) where they are the same in every row."""
        op, pad = self.op, self.op.constant(np.int32(self.spec.pad_token_id))
        if not self.spec.position_offset:
            return self.steps
        counted = op.convert(op.not_equal(ids, pad), "i32")
        return op.add(op.multiply(op.cum_sum(counted, op.constant(1)), counted), pad)

    def _first_only(self) -> bool:
        return not isinstance(self.spec.head, MatchHead | TokenHead) and self.spec.head.pool == "first"

    def _first(self, x: Node) -> Node:
        """(rows, length, size) -> (rows, 1, size)."""
        return self.op.gather(x, self.b.constant(np.array([0], np.int64)), self.op.constant(1))

    def _token_types(self) -> Node:
        if self.spec.type_vocab_size > 1:
            return self.b.embed("token_type_embeddings", self._input("token_type_ids", 2))
        return self.b.constant(self.b.array("token_type_embeddings.weight")[0])  # one type: the same row for all

    def _modernbert(self, ids: Node, rotary: RotarySpec) -> Node:
        """ModernBERT: norm first, rotary positions, gated feed-forward, two layers in three look only nearby."""
        b, op = self.b, self.op
        x = b.norm(b.embed("word_embeddings", ids), "embeddings_norm")
        everywhere = self._key_bias()
        nearby = op.add(everywhere, self._distance_bias(rotary.local_window // 2))
        angles = {t: self._angles(t) for t in {rotary.global_theta, rotary.local_theta}}
        for i in range(self.spec.layers):
            at, whole = f"layer.{i}.", i % rotary.global_every == 0
            cos, sin = angles[rotary.global_theta if whole else rotary.local_theta]
            first = b.norm(x, at + "attention_norm") if self.has(at + "attention_norm.weight") else x  # layer 0 has none
            thirds = op.split(b.linear(first, at + "qkv"), op.constant(-1), 3).outputs()
            query, key, value = (b.heads(third, self.spec.attention_heads) for third in thirds)
            mixed = b.attend(self._rotate(query, cos, sin), self._rotate(key, cos, sin), value, everywhere if whole else nearby)
            x = op.add(x, b.linear(mixed, at + "attention_output"))
            halves = op.split(b.linear(b.norm(x, at + "output_norm"), at + "gated"), op.constant(-1), 2).outputs()
            x = op.add(x, b.linear(op.multiply(b.activate(halves[0]), halves[1]), at + "output"))
        return b.norm(x, "final_norm")

    def _key_bias(self) -> Node:
        """(rows, 1, 1, length): 0 for real keys, a very negative number for padding."""
        bias = self.op.select(self.real, self.op.constant(np.float32(0)), self.op.constant(MASKED))
        return self.op.unsqueeze(bias, self.op.constant([1, 2]))

    def _distance_bias(self, reach: int) -> Node:
        """(1, 1, length, length): 0 where query and key are at most `reach` tokens apart."""
        op = self.op
        apart = op.abs(op.subtract(op.unsqueeze(self.steps, op.constant(0)), op.unsqueeze(self.steps, op.constant(1))))
        near = op.less_equal(apart, op.constant(np.int32(reach)))
        return op.unsqueeze(op.select(near, op.constant(np.float32(0)), op.constant(MASKED)), op.constant([0, 1]))

    def _angles(self, theta: float) -> tuple[Node, Node]:
        """cos and sin, (length, head size). Su et al., RoFormer, arXiv 2104.09864."""
        op, size = self.op, self.spec.hidden_size // self.spec.attention_heads
        frequency = (1.0 / theta ** (np.arange(0, size, 2, dtype=np.float64) / size)).astype(np.float32)
        steps = op.unsqueeze(op.convert(self.steps, "f32"), op.constant(1))
        angle = op.multiply(steps, self.b.constant(np.concatenate([frequency, frequency])[None, :]))
        return op.cos(angle), op.sin(angle)

    def _rotate(self, x: Node, cos: Node, sin: Node) -> Node:
        low, high = self.op.split(x, self.op.constant(-1), 2).outputs()
        turned = self.op.concat([self.op.negative(high), low], -1)
        return self.op.add(self.op.multiply(x, cos), self.op.multiply(turned, sin))

    # -- heads ----------------------------------------------------------------------------------------------------

    def _head(self, hidden: Node) -> Node:
        head = self.spec.head
        if isinstance(head, TokenHead):
            return hidden
        if isinstance(head, MatchHead):
            matched = self._match(hidden)
            return self.op.concat([matched, self._aspects(hidden)], 1) if head.aspects else matched
        pooled = self._mean(hidden, self.real) if head.pool == "mean" else self.op.gather(hidden, self.op.constant(0), self.op.constant(1))
        if isinstance(head, EmbeddingHead):
            return self._unit(pooled) if head.normalise else pooled
        return self._classify(pooled, head)

    def _classify(self, pooled: Node, head: ClassificationHead) -> Node:
        x = self.b.activate(self.b.linear(pooled, "head.dense"), head.dense_activation)
        if head.norm:
            x = self.b.norm(x, "head.norm")
        return self.b.linear(x, "head.out")

    def _match(self, hidden: Node) -> Node:
        """The formula of models.heads.MatchHead; masked similarities are -2, below every cosine, before the maximum."""
        b, op = self.b, self.op
        segments = self._input("segments", 2)
        in_query, in_document = (op.equal(segments, op.constant(np.int32(s))) for s in (QUERY, DOCUMENT))
        pooled = op.matmul(self._mean(hidden, self.real), b.constant(b.array("head.pooled.weight")), False, True)
        query, document = (self._unit(self._mean(hidden, chosen)) for chosen in (in_query, in_document))
        whole = op.reduce_sum(op.multiply(query, document), op.constant([1]), True)
        unit = self._unit(hidden)
        similar = op.matmul(unit, unit, False, True)  # (rows, query token, document token)
        similar = op.select(op.unsqueeze(in_document, op.constant(1)), similar, op.constant(np.float32(-2)))
        best = self._mean(op.unsqueeze(op.reduce_max(similar, op.constant([2])), op.constant(2)), in_query)
        total = op.add(pooled, b.constant(b.array("head.pooled.bias") + b.array("head.offset")))
        total = op.add(total, op.multiply(whole, b.constant(b.array("head.cosine"))))
        return op.add(total, op.multiply(best, b.constant(b.array("head.max_similarity"))))

    def _aspects(self, hidden: Node) -> Node:
        """(rows, aspects) logits of the auxiliary heads."""
        b, op = self.b, self.op
        logits = op.matmul(self._mean(hidden, self.real), b.constant(b.array("aspects.weight")), False, True)
        return op.add(logits, b.constant(b.array("aspects.bias")))

    def _mean(self, x: Node, chosen: Node) -> Node:
        """(rows, length, size) and (rows, length) booleans -> (rows, size); rows with nothing chosen give zeros."""
        op = self.op
        weight = op.unsqueeze(op.convert(chosen, "f32"), op.constant(2))
        count = op.maximum(op.reduce_sum(weight, op.constant([1])), op.constant(np.float32(1)))
        return op.divide(op.reduce_sum(op.multiply(x, weight), op.constant([1])), count)

    def _unit(self, x: Node) -> Node:
        square = self.op.reduce_sum(self.op.multiply(x, x), self.op.constant([-1]), True)
        return self.op.divide(x, self.op.sqrt(self.op.maximum(square, self.op.constant(np.float32(1e-24)))))
