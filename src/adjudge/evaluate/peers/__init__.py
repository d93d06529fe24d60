"""Rerankers in processes of their own: adjudge's models, and other libraries in their own Python environments.

`worker.py` and the `adapter_*.py` beside it run there, where adjudge need not be installed: they import nothing of this package.
"""

from __future__ import annotations

from .client import Judged, Worker, WorkerFacts
from .spec import ADAPTERS, RerankerSpec, parse_reranker

__all__ = ["ADAPTERS", "Judged", "RerankerSpec", "Worker", "WorkerFacts", "parse_reranker"]
