"""A batch without padding: the tokens of all pairs end to end, and attention that keeps the pairs apart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from .base import Batch

if TYPE_CHECKING:
    import torch
    from torch import Tensor

__all__ = ["Attention", "Group", "Packed", "choose_attention", "pack"]

_FULLNESS = 0.7
"""Rows padded together are at least this share of the longest, so padding never costs more than 1 / 0.7 of the real tokens."""

_QUERY_BLOCK = 256
"""Local attention works on this many queries at a time, so that its cost grows with the length and not with its square."""


@dataclass(frozen=True, slots=True)
class Group:
    """Rows of like length, for the steps that need a rectangle."""

    rows: Tensor  # (n,) which rows of the batch
    slots: Tensor  # (tokens of these rows,) where each token lies in the rectangle, counted row by row
    tokens: Tensor  # (tokens of these rows,) where each token lies in the packed batch
    real: Tensor  # (n, longest) bool, False in padding
    longest: int
    full: bool  # no padding at all

    def padded(self, packed: Tensor) -> Tensor:
        """(tokens, ...) -> (n, longest, ...), zeros in padding."""
        n = self.rows.shape[0]
        flat = packed.new_zeros((n * self.longest, *packed.shape[1:]))
        flat[self.slots] = packed[self.tokens]
        return flat.view(n, self.longest, *packed.shape[1:])


@dataclass(frozen=True, eq=False)
class Packed:
    """Tokens of all rows end to end, in row order."""

    ids: Tensor  # (tokens,) int32
    type_ids: Tensor  # (tokens,) int32
    segments: Tensor  # (tokens,) int32
    positions: Tensor  # (tokens,) int32, from 0 in each row
    starts: Tensor  # (rows + 1,) int32: row r holds the tokens starts[r]:starts[r + 1]
    lengths: tuple[int, ...]

    @property
    def firsts(self) -> Tensor:
        """(rows,) where each row's first token lies."""
        return self.starts[:-1]

    @property
    def longest(self) -> int:
        """Tokens of the longest row."""
        return max(self.lengths)

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """The rows sorted into groups of like length; every row is in exactly one."""
        order = sorted(range(len(self.lengths)), key=lambda row: -self.lengths[row])
        cuts: list[list[int]] = []
        for row in order:
            if not cuts or self.lengths[row] < _FULLNESS * self.lengths[cuts[-1][0]]:
                cuts.append([])
            cuts[-1].append(row)
        offsets = np.concatenate(([0], np.cumsum(self.lengths)))
        return tuple(self._group(np.array(rows), offsets) for rows in cuts)

    def _group(self, rows: np.ndarray[tuple[int], np.dtype[np.int64]], offsets: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Group:
        import torch

        lengths = np.array(self.lengths)[rows]
        longest = int(lengths.max())
        real = np.arange(longest)[None, :] < lengths[:, None]
        tokens = (offsets[rows][:, None] + np.arange(longest)[None, :])[real]
        device = self.ids.device
        return Group(
            rows=torch.from_numpy(rows).to(device),
            slots=torch.from_numpy(np.flatnonzero(real)).to(device),
            tokens=torch.from_numpy(tokens).to(device),
            real=torch.from_numpy(real).to(device),
            longest=longest,
            full=bool(real.all()),
        )


def pack(batch: Batch, device: torch.device) -> Packed:
    """Leave the padding out and bring the tokens to the device, in one copy."""
    import torch

    length = batch.input_ids.shape[1]
    columns = np.arange(length, dtype=np.int32)[None, :]
    real = columns < batch.lengths[:, None]
    positions = np.broadcast_to(columns, real.shape)
    tokens = np.stack([part[real] for part in (batch.input_ids, batch.token_type_ids, batch.segments, positions)]).astype(np.int32)
    starts = np.concatenate(([0], np.cumsum(batch.lengths))).astype(np.int32)
    moved = torch.from_numpy(np.concatenate((tokens.reshape(-1), starts))).to(device)
    ids, type_ids, segments, places = moved[: tokens.size].view(4, -1).unbind(0)
    return Packed(ids, type_ids, segments, places, moved[tokens.size :], tuple(int(n) for n in batch.lengths))


Attention: TypeAlias = "Callable[[Packed, Tensor, Tensor, Tensor, int | None], Tensor]"
"""(packed, query, key, value, reach) -> (queries, heads, size). Key and value are (tokens, heads, size); the query has as many rows,
or one row for each pair, its first token. `reach`: how many tokens to either side are seen; None: the whole pair."""


def choose_attention(device: torch.device, dtype: torch.dtype, head_size: int) -> Attention:
    """torch's variable-length kernel where it runs (CUDA, half precision, Ampere or newer), else rectangles of rows of like length."""
    import torch

    half = dtype in (torch.float16, torch.bfloat16)
    if device.type != "cuda" or not half or head_size % 8 or head_size > 256 or torch.cuda.get_device_capability(device) < (8, 0):
        return rectangle_attention
    try:
        from torch.nn.attention.varlen import varlen_attn
    except ImportError:  # torch before 2.10
        return rectangle_attention
    import inspect

    return variable_length_attention if "window_size" in inspect.signature(varlen_attn).parameters else rectangle_attention


def variable_length_attention(packed: Packed, query: Tensor, key: Tensor, value: Tensor, reach: int | None) -> Tensor:
    """Flash attention over cumulative lengths: no padding at all."""
    import torch
    from torch.nn.attention.varlen import varlen_attn

    rows, firsts_only = len(packed.lengths), query.shape[0] != key.shape[0]
    if firsts_only and reach is not None:
        raise AssertionError("this is a bug: the kernel counts a lone query as the last token, so a window around it would be wrong")
    starts = torch.arange(rows + 1, dtype=torch.int32, device=query.device) if firsts_only else packed.starts
    window = (-1, -1) if reach is None else (reach, reach)
    longest = 1 if firsts_only else packed.longest
    out = varlen_attn(query, key, value, starts, packed.starts, longest, packed.longest, window_size=window)
    assert isinstance(out, torch.Tensor)  # a tuple only where the log-sum-exp is asked for
    return out


def rectangle_attention(packed: Packed, query: Tensor, key: Tensor, value: Tensor, reach: int | None) -> Tensor:
    """Scaled dot-product attention over groups of rows of like length. Runs on every device.

    One call per row leaves out all padding and measures two to eight times slower on a CPU than one call per group.
    """
    import torch

    firsts_only = query.shape[0] != key.shape[0]
    out = torch.empty_like(query)
    for group in packed.groups:
        keys, values = group.padded(key).transpose(1, 2), group.padded(value).transpose(1, 2)
        queries = (query[group.rows][:, None] if firsts_only else group.padded(query)).transpose(1, 2)
        answer = _attend(group, queries, keys, values, reach).transpose(1, 2)  # (n, queries, heads, size)
        if firsts_only:
            out[group.rows] = answer[:, 0]
        else:
            out[group.tokens] = answer.flatten(0, 1)[group.slots]
    return out


def _attend(group: Group, query: Tensor, key: Tensor, value: Tensor, reach: int | None) -> Tensor:
    """(n, heads, queries, size) against (n, heads, longest, size)."""
    import torch
    from torch.nn.functional import scaled_dot_product_attention

    real = group.real[:, None, None, :]
    if reach is None or reach >= group.longest:
        return scaled_dot_product_attention(query, key, value, attn_mask=None if group.full else real)
    parts = []
    for start in range(0, query.shape[2], _QUERY_BLOCK):
        stop = min(start + _QUERY_BLOCK, query.shape[2])
        low, high = max(0, start - reach), min(group.longest, stop + reach)
        at = torch.arange(start, stop, device=query.device)[:, None]
        seen = torch.arange(low, high, device=query.device)[None, :]
        mask = ((at - seen).abs() <= reach)[None, None] & real[..., low:high]
        parts.append(scaled_dot_product_attention(query[:, :, start:stop], key[:, :, low:high], value[:, :, low:high], attn_mask=mask))
    return torch.cat(parts, dim=2)
