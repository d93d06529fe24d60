"""The fields that most dialects share, and the request that every example is made of."""

from __future__ import annotations

from typing import Any

from .fields import Field
from .kinds import Flag, Text, Whole

__all__ = ["MODEL", "QUERY", "RETURN_DOCUMENTS", "TOP_N", "example_request"]

EXAMPLE_QUERY = "what do pandas eat?"
EXAMPLE_DOCUMENTS = (
    "Giant pandas feed almost only on bamboo.",
    "The capital of France is Paris.",
    "pandas is a Python library for working with tables.",
)

QUERY = Field(name="query", kind=Text(), about="What is asked.", required=True)
MODEL = Field(name="model", kind=Text(), about="Which of the server's models judges; left out, its default.")
TOP_N = Field(name="top_n", kind=Whole(least=1), about="How many of the best to return; more than there are is fine. Left out: all.")
RETURN_DOCUMENTS = Field(name="return_documents", kind=Flag(words=True), about="Whether results hold their documents.", default=True)


def example_request(model: str | None, *, query: str = "query", documents: str = "documents", **more: Any) -> dict[str, Any]:
    """A request that runs: who may answer, a question and three documents under these names, and what else is to be shown."""
    asked = {query: EXAMPLE_QUERY, documents: list(EXAMPLE_DOCUMENTS)}
    return ({} if model is None else {"model": model}) | asked | more
