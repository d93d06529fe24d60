"""Both databases, each on the disk of the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from adjudge.retrieval.index.base import Index
from adjudge.retrieval.index.open import create_index, open_index
from tests.retrieval.index.passages_in_five import FACTS, fill

Open = Callable[[], Index]


@pytest.fixture(params=["lance", "milvus"])
def uri(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where an index may be made."""
    return str(tmp_path / ("index" if request.param == "lance" else "index.db"))


@pytest.fixture
def index(uri: str) -> Iterator[Index]:
    """An index that holds the library."""
    made = create_index(uri, FACTS)
    fill(made)
    yield made
    made.close()


@pytest.fixture(scope="module", params=["lance", "milvus"])
def read_only(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    """The same for tests that change nothing: a collection takes Milvus Lite a second."""
    made = create_index(str(tmp_path_factory.mktemp("held") / ("index" if request.param == "lance" else "index.db")), FACTS)
    fill(made)
    yield made
    made.close()


@pytest.fixture
def empty(uri: str) -> Iterator[Index]:
    """An index that holds nothing."""
    made = create_index(uri, FACTS)
    yield made
    made.close()


@pytest.fixture
def again(uri: str) -> Iterator[Open]:
    """Opens the same index once more."""
    opened: list[Index] = []

    def open_again() -> Index:
        opened.append(open_index(uri))
        return opened[-1]

    yield open_again
    for one in opened:
        one.close()
