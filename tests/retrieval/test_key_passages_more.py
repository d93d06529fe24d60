"""Key passages, continued: the same corpus and the same laws."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import fields

import pytest

from adjudge import Document, Reranker
from adjudge.errors import ClosedError
from adjudge.retrieval import key_passages
from adjudge.retrieval.dense import Embedder
from adjudge.retrieval.key_passages import KeyPassageConfig, KeyPassages, Selection
from tests.retrieval.key_texts import QUERY, account, long_text
from tests.source import ROOT


@pytest.fixture(scope="module")
def embedder() -> Iterator[Embedder]:
    with Embedder() as opened:
        yield opened


@pytest.fixture(scope="module")
def reducer(word_judge: Reranker) -> KeyPassages:
    return KeyPassages(KeyPassageConfig(max_tokens=64), counter=word_judge)


def test_a_separator_longer_than_the_budget_leaves_one_passage() -> None:
    config = KeyPassageConfig(max_tokens=16, separator=" and then, much further down in the same document, it goes on with this: ")
    selection = KeyPassages(config).select(QUERY, long_text())
    assert len(selection.passages) == 1
    assert selection.tokens <= 16


def test_a_large_budget_is_filled() -> None:
    text = " ".join(f"Panda number {i} eats {i % 97} leaves of bamboo in the forest {i % 31}." for i in range(4000))
    selection = KeyPassages(KeyPassageConfig(max_tokens=20_000)).select(QUERY, text)
    assert 15_000 < selection.tokens <= 20_000


SPANISH = "El panda gigante come casi exclusivamente bambú, hasta treinta y ocho kilos cada día."


def test_vectors_find_the_answer_in_another_language(embedder: Embedder, word_judge: Reranker) -> None:
    lines = [f"El tren de las {i % 24} horas llega a la estación número {i} con un poco de retraso." for i in range(40)]
    lines[27] = SPANISH
    text = "\n\n".join(lines)
    query = "What do giant bears with black and white fur eat?"
    assert SPANISH not in KeyPassages(KeyPassageConfig(max_tokens=64), counter=word_judge).select(query, text).text
    with KeyPassages(KeyPassageConfig(max_tokens=64, vectors=True), counter=word_judge, embedder=embedder) as reducer:
        selection = reducer.select(query, text)
    assert SPANISH in selection.text
    assert selection.tokens <= 64
    account(text, selection)
    embedder.embed(["still open: it was lent"], kind="query")


def test_vectors_of_documents_are_remembered(embedder: Embedder, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    embed: Callable[..., object] = embedder.embed

    def counted(texts: list[str], *, kind: str) -> object:
        asked.append(len(texts) if kind == "document" else 0)
        return embed(texts, kind=kind)

    monkeypatch.setattr(embedder, "embed", counted)
    reducer = KeyPassages(KeyPassageConfig(max_tokens=64, vectors=True), embedder=embedder)
    text = long_text()
    first = reducer.select(QUERY, text)
    made = sum(asked)
    assert made > 10
    assert reducer.select(QUERY, text) == first
    assert sum(asked) == made
    forgetful = KeyPassages(KeyPassageConfig(max_tokens=64, vectors=True, remembered=0), embedder=embedder)
    forgetful.select(QUERY, text)
    forgetful.select(QUERY, text)
    assert sum(asked) == 3 * made
    small = KeyPassages(KeyPassageConfig(max_tokens=64, vectors=True, remembered=5), embedder=embedder)
    small.select(QUERY, text)
    assert len(small._vectors._known) == 5


def test_its_own_bi_encoder_is_closed_with_it() -> None:
    reducer = KeyPassages(KeyPassageConfig(vectors=True, max_tokens=32))
    assert "max_tokens=32" in repr(reducer)
    with reducer:
        reducer.select(QUERY, long_text(sentences=31))
    reducer.close()
    with pytest.raises(ClosedError):
        reducer.select(QUERY, long_text(sentences=31))


def test_everything_public_is_there() -> None:
    assert set(key_passages.__all__) == {"KeyPassageConfig", "KeyPassages", "Selection", "original_ranges"}


def test_the_page_runs_and_names_every_setting(capsys: pytest.CaptureFixture[str]) -> None:
    page = (ROOT / "docs" / "key-passages.md").read_text(encoding="utf-8")
    for block in re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL):
        exec(compile(block, "key-passages.md", "exec"), {})
    printed = capsys.readouterr().out
    assert "hold both keys for five seconds." in printed
    assert printed.count("\n0 ") >= 1
    for field in fields(KeyPassageConfig):
        default = f"{field.default:,}" if isinstance(field.default, int) and not isinstance(field.default, bool) else str(field.default)
        assert re.search(rf"^\| `{field.name}` \| .?.?{re.escape(default.removesuffix('.0'))}", page, re.MULTILINE), field.name
    for field in fields(Selection):
        assert f"| `{field.name}` |" in page


@pytest.mark.parametrize(
    "pieces", [5, None, "abc", [5], [[1, 2]], [[0, 0, 1.5]], [["a", "b", "c"]], [[True, 0, 3]], [[0, 0, 9, 9]], {"a": 1}]
)
def test_a_note_of_somebody_elses_is_no_way_back(pieces: object) -> None:
    document = Document(text=long_text(), metadata={"key_passages": {"pieces": pieces}})
    (reduced,) = KeyPassages(KeyPassageConfig(max_tokens=64)).reduce(QUERY, [document])
    (plain,) = KeyPassages(KeyPassageConfig(max_tokens=64)).reduce(QUERY, [long_text()])
    assert (reduced.text, reduced.metadata) == (plain.text, plain.metadata)
