"""A language model's server, and rankings to answer from."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from adjudge import Document, Ranking, Reranker
from tests.answer.server import LanguageServer, language_server

QUERY = "What do giant pandas eat?"
DOCUMENTS = (
    Document(
        "Giant pandas eat almost nothing but bamboo. They live in the mountains of Sichuan. A zoo may add some fruit.",
        "a",
        {"title": "Giant panda", "source": "animals/panda.md", "headings": ("Giant panda", "Food")},
    ),
    Document("Bread is baked from flour, water, salt and yeast.", "b", {"source": "bread.txt"}),
    Document("What giant pandas eat is bamboo, and giant pandas eat a lot of it.", "c", {"source": "more.pdf", "page": 3}),
)


@pytest.fixture
def server() -> Iterator[LanguageServer]:
    """A server of its own for each test."""
    with language_server() as running:
        yield running


@pytest.fixture(scope="session")
def ranking(embedded: Reranker) -> Ranking:
    """The shipped judge's ranking of three documents, the bread dropped."""
    return embedded.rank(QUERY, DOCUMENTS, top_n=2)


@pytest.fixture(scope="session")
def nothing(embedded: Reranker) -> Ranking:
    """A ranking of which the threshold left nothing."""
    return embedded.rank("Wie hoch ist der Eiffelturm?", DOCUMENTS, threshold=0.9)
