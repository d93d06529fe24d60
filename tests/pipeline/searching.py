"""A small corpus in five languages, first stages over it, and questions with their answers."""

from __future__ import annotations

from collections.abc import Mapping

from adjudge import Document
from adjudge.retrieval.base import Candidate, Retrieval, Where
from adjudge.retrieval.bm25 import BM25Retriever

__all__ = ["CORPUS", "QRELS", "QUERIES", "Given", "bm25"]

FACTS: Mapping[str, tuple[str, str]] = {
    "panda": ("What do giant pandas eat?", "Giant pandas eat almost nothing but bamboo."),
    "tower": ("How high is the Eiffel Tower?", "The Eiffel Tower is 330 metres high."),
    "bread": ("What is bread baked from?", "Bread is baked from flour, water, salt and yeast."),
    "sleep": ("How long do cats sleep?", "Cats sleep about fifteen hours a day."),
    "sea": ("Why is the sea salty?", "The sea is salty because rivers wash minerals out of rocks."),
    "moon": ("How far away is the moon?", "The moon is 384,400 kilometres away on average."),
    "glass": ("What is glass made of?", "Glass is made of molten sand."),
    "tea": ("How hot must water be for green tea?", "Water for green tea must be about eighty degrees hot."),
    "bees": ("How do bees make honey?", "Bees make honey from nectar, which they dry with their wings."),
    "snow": ("When does snow melt?", "Snow does melt above zero degrees."),
    "竹": ("大熊猫吃什么？", "大熊猫几乎只吃竹子。"),
    "torre": ("¿Qué altura tiene la torre Eiffel?", "La torre Eiffel tiene una altura de 330 metros."),
    "pain": ("De quoi le pain est-il fait ?", "Le pain est fait de farine, d'eau, de sel et de levure."),
    "чай": ("Сколько градусов нужно для зелёного чая?", "Для зелёного чая нужно около восьмидесяти градусов."),
}
CORPUS = tuple(
    Document(text, name, {"source": f"{name}.md", "lang": "en" if text.isascii() else "other", "at": at})
    for at, (name, (_, text)) in enumerate(FACTS.items())
)
QUERIES = {f"q-{name}": question for name, (question, _) in FACTS.items()}
QRELS: dict[str, dict[str, int]] = {f"q-{name}": {name: 1} for name in FACTS}


def bm25(name: str = "bm25") -> BM25Retriever:
    """Words over the corpus."""
    return BM25Retriever.from_documents(CORPUS, name=name)


class Given:
    """A first stage that finds the same documents for every question, in the order they were given in."""

    def __init__(self, documents: tuple[Document, ...] = CORPUS, *, name: str = "given", more: int = 0) -> None:
        self._documents, self._name, self._more = documents, name, more
        self.asked: list[tuple[str, int]] = []

    @property
    def name(self) -> str:
        return self._name

    def retrieve(self, query: str, k: int = 100, *, where: Where | None = None) -> Retrieval:
        self.asked.append((query, k))
        found = self._documents[: k + self._more]
        candidates = tuple(Candidate(document=one, score=1.0 / rank, rank=rank) for rank, one in enumerate(found, 1))
        return Retrieval(query=query, candidates=candidates, timings={"look": 0.5}, warnings=("looked",))

    def close(self) -> None:
        pass
