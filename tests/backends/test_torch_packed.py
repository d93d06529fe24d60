"""Packing: no token is lost or doubled, padding is bounded, and pairs do not see each other."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from adjudge.backends.base import Batch
from adjudge.backends.torch_packed import Packed, choose_attention, pack, rectangle_attention, variable_length_attention

CPU = torch.device("cpu")
HEADS, SIZE = 2, 8

lengths_of_rows = st.lists(st.integers(1, 40), min_size=1, max_size=12)


def batch_with(lengths: list[int]) -> Batch:
    """Rows of the given lengths; token ids count upwards from 1, padding is 0."""
    rows, longest = len(lengths), max(lengths)
    real = np.arange(longest)[None, :] < np.array(lengths)[:, None]
    ids = np.where(real, np.cumsum(real).reshape(rows, longest), 0).astype(np.int32)
    return Batch(input_ids=ids, lengths=np.array(lengths, np.int32), token_type_ids=ids % 2, segments=ids % 3)


def attention_of_each(packed: Packed, parts: list[torch.Tensor], reach: int | None) -> torch.Tensor:
    """softmax(q k^T / sqrt(size)) v, one pair after the other, as in the paper."""
    out = torch.zeros_like(parts[0])
    for start, stop in zip(packed.starts[:-1].tolist(), packed.starts[1:].tolist(), strict=True):
        query, key, value = (part[start:stop].transpose(0, 1) for part in parts)
        scores = query @ key.transpose(1, 2) / SIZE**0.5
        if reach is not None:
            at = torch.arange(stop - start)
            scores = scores.masked_fill((at[:, None] - at[None, :]).abs() > reach, float("-inf"))
        out[start:stop] = (scores.softmax(-1) @ value).transpose(0, 1)
    return out


def random_parts(tokens: int, seed: int) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(tokens, HEADS, SIZE, generator=generator) for _ in range(3)]


@settings(deadline=None)
@given(lengths_of_rows)
def test_packing_keeps_every_real_token_in_order(lengths: list[int]) -> None:
    batch = batch_with(lengths)
    packed = pack(batch, CPU)
    assert packed.ids.tolist() == list(range(1, sum(lengths) + 1))
    assert packed.type_ids.tolist() == [i % 2 for i in packed.ids.tolist()]
    assert packed.segments.tolist() == [i % 3 for i in packed.ids.tolist()]
    assert packed.positions.tolist() == [i for length in lengths for i in range(length)]
    assert packed.firsts.tolist() == np.concatenate(([0], np.cumsum(lengths)[:-1])).tolist()


@settings(deadline=None)
@given(lengths_of_rows)
def test_groups_hold_every_row_once_and_little_padding(lengths: list[int]) -> None:
    packed = pack(batch_with(lengths), CPU)
    groups = packed.rectangles.groups
    assert sorted(row for group in groups for row in group.rows.tolist()) == list(range(len(lengths)))
    assert sum(group.longest * len(group.rows) for group in groups) <= sum(lengths) / 0.7 + len(lengths)
    for group in groups:
        assert group.full == (len({lengths[row] for row in group.rows.tolist()}) == 1)
        for row, ids in zip(group.rows.tolist(), group.padded(packed.ids).tolist(), strict=True):
            start = int(packed.starts[row])
            assert ids == [*range(start + 1, start + lengths[row] + 1), *[start + 1] * (group.longest - lengths[row])]


@settings(deadline=None)
@given(lengths_of_rows)
def test_what_was_put_into_rectangles_comes_back_in_order(lengths: list[int]) -> None:
    packed = pack(batch_with(lengths), CPU)
    groups = packed.rectangles.groups
    assert packed.rectangles.tokens([group.padded(packed.ids) for group in groups]).tolist() == packed.ids.tolist()
    assert packed.rectangles.rows([group.rows for group in groups]).tolist() == list(range(len(lengths)))


def test_one_long_row_does_not_pad_many_short_ones() -> None:
    packed = pack(batch_with([4000, *[10] * 500]), CPU)
    assert sum(group.longest * len(group.rows) for group in packed.rectangles.groups) == 4000 + 5000


def test_a_damaged_pair_spoils_no_other() -> None:
    """Padding has weight 0, and 0 times NaN is NaN: so padding must never hold another pair's numbers."""
    packed = pack(batch_with([9, 10, 8]), CPU)
    query, key, value = random_parts(27, 0)
    value[:9] = float("nan")
    out = rectangle_attention(packed, query, key, value, None)
    assert out[:9].isnan().all()
    assert not out[9:].isnan().any()


@settings(deadline=None)
@given(lengths_of_rows, st.sampled_from([None, 1, 3, 8]), st.integers(0, 99))
def test_attention_keeps_pairs_apart(lengths: list[int], reach: int | None, seed: int) -> None:
    packed = pack(batch_with(lengths), CPU)
    parts = random_parts(sum(lengths), seed)
    expected = attention_of_each(packed, parts, reach)
    found = rectangle_attention(packed, *parts, reach)
    assert torch.allclose(found, expected, atol=1e-5)
    query, key, value = parts
    firsts = rectangle_attention(packed, query[packed.firsts], key, value, reach)
    assert torch.allclose(firsts, expected[packed.firsts], atol=1e-5)


def test_local_attention_over_several_blocks_of_queries() -> None:
    """Long rows are worked on 256 queries at a time."""
    packed = pack(batch_with([700, 513, 512, 256, 30]), CPU)
    parts = random_parts(700 + 513 + 512 + 256 + 30, 1)
    assert torch.allclose(rectangle_attention(packed, *parts, 64), attention_of_each(packed, parts, 64), atol=1e-5)


def test_the_cpu_takes_rectangles() -> None:
    assert choose_attention(CPU, torch.bfloat16, 32) is rectangle_attention


def test_a_lone_query_with_a_window_is_refused_by_the_kernel() -> None:
    packed = pack(batch_with([5, 3]), CPU)
    query, key, value = random_parts(8, 0)
    with pytest.raises(AssertionError, match="this is a bug"):
        variable_length_attention(packed, query[packed.firsts], key, value, 2)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
@pytest.mark.parametrize("reach", [None, 8])
def test_the_cuda_kernel_agrees_with_rectangles(reach: int | None) -> None:
    device = torch.device("cuda", 0)
    packed = pack(batch_with([300, 17, 1, 128, 64]), device)
    generator = torch.Generator(device).manual_seed(0)
    parts = [torch.randn(510, 4, 64, generator=generator, device=device, dtype=torch.float16) for _ in range(3)]
    assert choose_attention(device, torch.float16, 64) is variable_length_attention
    fast, plain = variable_length_attention(packed, *parts, reach), rectangle_attention(packed, *parts, reach)
    print(f"reach {reach}: largest difference {(fast - plain).abs().max().item():.1e}")
    assert torch.allclose(fast, plain, atol=5e-3)
    if reach is None:
        firsts = variable_length_attention(packed, parts[0][packed.firsts], *parts[1:], None)
        assert torch.allclose(firsts, plain[packed.firsts], atol=5e-3)
