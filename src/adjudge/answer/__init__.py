"""Answers that name their sources: by a language model behind an OpenAI-compatible endpoint, or by quoting what carried the score."""

from __future__ import annotations

from .answerer import Answerer, AnswerStream
from .settings import AnswerConfig, EndpointConfig, endpoint_from
from .values import NO_ANSWER, Answer, Citation, Quote, Source

__all__ = [
    "NO_ANSWER",
    "Answer",
    "AnswerConfig",
    "AnswerStream",
    "Answerer",
    "Citation",
    "EndpointConfig",
    "Quote",
    "Source",
    "endpoint_from",
]
