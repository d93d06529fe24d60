"""The pieces an encoder graph is made of, in OpenVINO's opset: linear layers, norms, attention, activations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from ..models.model import Model
from ..models.weights import Quantised
from .openvino_module import openvino_module

__all__ = ["Blocks", "Node"]

Node: TypeAlias = Any
"""An openvino.Node or one of its outputs; openvino ships no usable types for its opset functions."""

MASKED = np.float32(-1e9)
"""Added to the scores of padding: far below any score, and finite also in bfloat16, so a row never becomes NaN."""

SHARED_BYTES = 1 << 16

LEAST_INT8_COLUMNS = 64
"""OpenVINO 2026.4 gives garbage for int8 matrices with fewer columns (and for those with a single row, which only heads have)."""


class Blocks:
    """Builds nodes for one model at one precision. Weights are read from `model.named` by canonical stems."""

    def __init__(self, model: Model, *, int8: bool) -> None:
        """`int8`: store linear weights as int8 rows with float scales, the form the CPU plugin computes in int8."""
        self.op: Any = openvino_module().opset13
        self._weights = model.named
        self._int8 = int8
        self._activation = model.spec.activation
        self._eps = model.spec.norm_eps
        self.shared: list[np.ndarray] = []

    def constant(self, value: Any) -> Node:
        """A constant. Large arrays, often maps of a file, are shared and kept alive in `shared`, not copied."""
        if isinstance(value, np.ndarray) and value.nbytes >= SHARED_BYTES:
            whole = np.ascontiguousarray(value)
            self.shared.append(whole)
            return self.op.constant(whole, shared_memory=True)
        return self.op.constant(value)

    def array(self, name: str) -> np.ndarray:
        """One weight in float32."""
        return self._weights.array(name)

    def linear(self, x: Node, stem: str) -> Node:
        """x @ W.T + b."""
        out = self.op.matmul(x, self._matrix(f"{stem}.weight"), False, True)
        if f"{stem}.bias" not in self._weights:
            return out
        return self.op.add(out, self.constant(self.array(f"{stem}.bias")))

    def norm(self, x: Node, stem: str) -> Node:
        """Layer normalisation over the last axis."""
        out = self.op.mvn(x, self.constant(np.array([-1], np.int64)), True, self._eps, "INSIDE_SQRT")
        out = self.op.multiply(out, self.constant(self.array(f"{stem}.weight")))
        if f"{stem}.bias" in self._weights:
            out = self.op.add(out, self.constant(self.array(f"{stem}.bias")))
        return out

    def embed(self, stem: str, ids: Node) -> Node:
        """Rows of a table. An int8 table stays int8: only the rows looked up are widened."""
        table = self._weights.tensor(f"{stem}.weight")
        axis = self.op.constant(0)
        if isinstance(table, Quantised):
            rows = self.op.convert(self.op.gather(self.constant(table.values), ids, axis), "f32")
            return self.op.multiply(rows, self.op.gather(self.constant(table.scale[:, None]), ids, axis))
        if table.dtype == np.float16:  # half the memory of widening the whole table
            return self.op.convert(self.op.gather(self.constant(table), ids, axis), "f32")
        return self.op.gather(self.constant(table.astype(np.float32, copy=False)), ids, axis)

    def activate(self, x: Node, name: str | None = None) -> Node:
        """The activation `name`, or the model's own."""
        op = self.op
        kinds: dict[str, Callable[[Node], Node]] = {
            "gelu": lambda v: op.gelu(v, "erf"),
            "gelu_tanh": lambda v: op.gelu(v, "tanh"),
            "relu": op.relu,
            "silu": op.swish,
            "tanh": op.tanh,
            "none": lambda v: v,
        }
        return kinds[self._activation if name is None else name](x)

    def heads(self, x: Node, heads: int) -> Node:
        """(rows, length, size) -> (rows, heads, length, size / heads)."""
        x = self.op.reshape(x, self.constant(np.array([0, 0, heads, -1], np.int64)), True)
        return self.op.transpose(x, self.constant(np.array([0, 2, 1, 3], np.int64)))

    def attend(self, query: Node, key: Node, value: Node, bias: Node) -> Node:
        """softmax(q k^T / sqrt(d) + bias) v, heads joined again: (rows, length, size)."""
        op = self.op
        out = op.scaled_dot_product_attention(query, key, value, bias)
        out = op.transpose(out, self.constant(np.array([0, 2, 1, 3], np.int64)))
        return op.reshape(out, self.constant(np.array([0, 0, -1], np.int64)), True)

    def _matrix(self, name: str) -> Node:
        if not self._int8 or not self._int8_suits(name):
            return self.constant(self.array(name))
        table = _as_int8(self._weights.tensor(name))
        return self.op.multiply(self.op.convert(self.constant(table.values), "f32"), self.constant(table.scale[:, None]))

    def _int8_suits(self, name: str) -> bool:
        """Not for heads: they cost nothing, and a score is only as fine as its last step."""
        return not name.startswith("head.") and self._weights.shape(name)[1] >= LEAST_INT8_COLUMNS


def _as_int8(tensor: np.ndarray | Quantised) -> Quantised:
    """Symmetric, one scale an output channel: max|w| becomes 127."""
    if isinstance(tensor, Quantised):
        return tensor
    dense = tensor.astype(np.float32)
    scale = np.maximum(np.abs(dense).max(axis=1), np.float32(1e-12)) / np.float32(127)
    return Quantised(values=np.rint(dense / scale[:, None]).astype(np.int8), scale=scale)
