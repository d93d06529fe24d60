"""Attention written out as matrix products, for training on a CPU.

torch's fused attention saves memory on a GPU. On a CPU its backward pass in bfloat16 took a third to a half of a step
(docs/experiments.md);
the plain products, with the softmax kept from the forward pass, take a tenth. Registered with transformers as "adjudge".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["NAME", "attend", "use_plain_attention"]

NAME = "adjudge"


def use_plain_attention(network: Any) -> None:
    """Let a transformers model of one of adjudge's own families use it."""
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.masking_utils import sdpa_mask

    AttentionInterface.register(NAME, attend)
    AttentionMaskInterface.register(NAME, sdpa_mask)
    network.set_attn_implementation(NAME)


def attend(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    scaling: float | None = None,
    dropout: float = 0.0,
    **_: object,
) -> tuple[Tensor, None]:
    """(rows, heads, tokens, size) each -> (rows, tokens, heads, size). The mask is boolean (True: look) or added; None looks everywhere."""
    import torch

    rows, heads, tokens, size = query.shape
    scale = size**-0.5 if scaling is None else scaling
    with torch.autocast(query.device.type, enabled=False):  # or the softmax would be widened to float32 and its result copied back
        q, k, v = (x.reshape(rows * heads, tokens, size) for x in (query * scale, key, value))
        scores = torch.bmm(q, k.transpose(1, 2)).view(rows, heads, tokens, tokens)
        if attention_mask is not None:
            added = attention_mask if attention_mask.dtype != torch.bool else _additive(attention_mask, scores)
            scores = scores + added
        share = torch.softmax(scores, -1)
        if dropout:
            share = torch.nn.functional.dropout(share, dropout, training=module.training)
        mixed = torch.bmm(share.view(rows * heads, tokens, tokens), v)
    return mixed.view(rows, heads, tokens, size).transpose(1, 2).contiguous(), None


def _additive(mask: Tensor, scores: Tensor) -> Tensor:
    """0 where a token may look, a very low number elsewhere (not -infinity: a row of padding would be NaN)."""
    import torch

    return torch.zeros(mask.shape, dtype=scores.dtype, device=mask.device).masked_fill_(~mask, torch.finfo(scores.dtype).min / 2)
