"""A batch without padding: the tokens of all pairs end to end, and attention that keeps the pairs apart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from .base import Batch, Ints

if TYPE_CHECKING:
    import torch
    from torch import Tensor

__all__ = ["Attention", "Group", "Packed", "Rectangles", "choose_attention", "pack", "rectangle_attention", "variable_length_attention"]

_FULLNESS = 0.7
"""Rows padded together are at least this share of the longest, so padding never costs more than 1 / 0.7 of the real tokens."""

_QUERY_BLOCK = 256
"""Local attention works on this many queries at a time, so that its cost grows with the length and not with its square."""


@dataclass(frozen=True, slots=True)
class Group:
    """Rows of like length, for the steps that need a rectangle."""

    rows: Tensor  # (n,) which rows of the batch
    tokens: Tensor  # (n * longest,) which token lies where in the rectangle; padding repeats the row's own first token
    real: Tensor  # (n, longest) bool, False in padding
    longest: int
    full: bool  # no padding at all

    def padded(self, packed: Tensor) -> Tensor:
        """(tokens, ...) -> (n, longest, ...). Padding holds the row's first token: one copy, and no pair ever meets another's numbers."""
        return packed.index_select(0, self.tokens).view(-1, self.longest, *packed.shape[1:])


@dataclass(frozen=True, slots=True)
class Rectangles:
    """All rows in groups of like length, each row in exactly one, and the way back."""

    groups: tuple[Group, ...]
    token_places: Tensor  # (tokens,) where each token lies in the rectangles, laid end to end
    row_places: Tensor  # (rows,) where each row lies in the groups' rows, laid end to end

    def tokens(self, parts: list[Tensor]) -> Tensor:
        """One (n, longest, ...) a group -> (tokens, ...), padding left out."""
        return _end_to_end([part.flatten(0, 1) for part in parts]).index_select(0, self.token_places)

    def rows(self, parts: list[Tensor]) -> Tensor:
        """One (n, ...) a group -> (rows, ...) in the batch's order."""
        return _end_to_end(parts).index_select(0, self.row_places)


def _end_to_end(parts: list[Tensor]) -> Tensor:
    import torch

    return parts[0] if len(parts) == 1 else torch.cat(parts)


@dataclass(frozen=True, eq=False)
class Packed:
    """Tokens of all rows end to end, in row order."""

    ids: Tensor  # (tokens,) int32
    type_ids: Tensor  # (tokens,) int32
    segments: Tensor  # (tokens,) int32
    positions: Tensor  # (tokens,) int32, from 0 in each row where pack() was not given others
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
    def rectangles(self) -> Rectangles:
        """The rows sorted into groups of like length."""
        import torch

        cuts = _cut(self.lengths)
        offsets, device = np.concatenate(([0], np.cumsum(self.lengths))), self.ids.device
        groups, places, filled = [], np.empty(offsets[-1], np.int64), 0
        for rows in cuts:
            lengths = np.array(self.lengths)[rows]
            longest = int(lengths[0])
            steps = np.arange(longest)[None, :]
            real = steps < lengths[:, None]
            tokens = (offsets[rows][:, None] + np.where(real, steps, 0)).reshape(-1)
            places[tokens[real.reshape(-1)]] = filled + np.flatnonzero(real)
            filled += real.size
            here, taken, mask = (torch.from_numpy(part).to(device) for part in (np.array(rows), tokens, real))
            groups.append(Group(here, taken, mask, longest, bool(real.all())))
        row_places = np.argsort(np.concatenate(cuts))
        return Rectangles(tuple(groups), torch.from_numpy(places).to(device), torch.from_numpy(row_places).to(device))


def _cut(lengths: tuple[int, ...]) -> list[list[int]]:
    """Rows, longest first, in groups whose rows are at least _FULLNESS as long as the first."""
    cuts: list[list[int]] = []
    for row in sorted(range(len(lengths)), key=lambda row: -lengths[row]):
        if not cuts or lengths[row] < _FULLNESS * lengths[cuts[-1][0]]:
            cuts.append([])
        cuts[-1].append(row)
    return cuts


def pack(batch: Batch, device: torch.device, positions: Ints | None = None) -> Packed:
    """Leave the padding out and bring the tokens to the device, in one copy. `positions`: (rows, length); None: counted from 0."""
    import torch

    length = batch.input_ids.shape[1]
    columns = np.arange(length, dtype=np.int32)[None, :]
    real = columns < batch.lengths[:, None]
    places = np.broadcast_to(columns, real.shape) if positions is None else positions
    tokens = np.stack([part[real] for part in (batch.input_ids, batch.token_type_ids, batch.segments, places)]).astype(np.int32)
    starts = np.concatenate(([0], np.cumsum(batch.lengths))).astype(np.int32)
    moved = torch.from_numpy(np.concatenate((tokens.reshape(-1), starts))).to(device)
    ids, type_ids, segments, stands = moved[: tokens.size].view(4, -1).unbind(0)
    return Packed(ids, type_ids, segments, stands, moved[tokens.size :], tuple(int(n) for n in batch.lengths))


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
    firsts_only, answers = query.shape[0] != key.shape[0], []
    for group in packed.rectangles.groups:
        keys, values = group.padded(key).transpose(1, 2), group.padded(value).transpose(1, 2)
        queries = (query.index_select(0, group.rows)[:, None] if firsts_only else group.padded(query)).transpose(1, 2)
        answers.append(_attend(group, queries, keys, values, reach).transpose(1, 2))  # (n, queries, heads, size)
    return packed.rectangles.rows([part[:, 0] for part in answers]) if firsts_only else packed.rectangles.tokens(answers)


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
