"""Which row of a position table each token of a batch takes."""

from __future__ import annotations

import numpy as np

from ..models.spec import ModelSpec
from .base import Ints

__all__ = ["position_ids"]


def position_ids(input_ids: Ints, spec: ModelSpec) -> Ints:
    """(rows, length) int32, padding included.

    BERT and its like count columns from 0. Families with an offset count as transformers does for them: from the padding's id + 1,
    and every padding id, also one that a text spells ("<pad>"), takes the padding's own position and is not counted.
    """
    if not spec.position_offset:
        return np.broadcast_to(np.arange(input_ids.shape[1], dtype=np.int32), input_ids.shape)
    counted = input_ids != spec.pad_token_id
    positions: Ints = np.cumsum(counted, axis=1, dtype=np.int32) * counted + np.int32(spec.pad_token_id)
    return positions
