"""Who comes first."""

from __future__ import annotations

import numpy as np

from ..backends.base import Floats

__all__ = ["order"]


def order(logits: Floats) -> list[int]:
    """Positions, best first: by float32 logit, equals in input order. Scores never decide, because they saturate."""
    return [int(i) for i in np.argsort(-logits.astype(np.float32), kind="stable")]
