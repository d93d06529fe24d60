"""The shapes people already have: FlagReranker, AutoModelForRanking and CrossEncoder, with adjudge underneath.

Change the import and keep the code. What differs from the originals, and why, is in docs/compat.md.

    from adjudge.integrations.compat import FlagReranker      # was: from FlagEmbedding import FlagReranker
    from adjudge.integrations.compat import AutoModelForRanking  # was: from retrievals import AutoModelForRanking
    from adjudge.integrations.compat import CrossEncoder      # was: from sentence_transformers import CrossEncoder
"""

from __future__ import annotations

from .compat_base import CompatWarning, Truncated
from .compat_cross_encoder import CrossEncoder
from .compat_flag import FlagAutoReranker, FlagReranker
from .compat_ranking import AutoModelForRanking, RerankResult

__all__ = [
    "AutoModelForRanking",
    "CompatWarning",
    "CrossEncoder",
    "FlagAutoReranker",
    "FlagReranker",
    "RerankResult",
    "Truncated",
]
