"""What every index must do: both databases run every test."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from adjudge.engine.tokenise import clean
from adjudge.errors import ClosedError, ConfigError, IndexLockedError, IndexMismatchError, InputError
from adjudge.retrieval.base import Where
from adjudge.retrieval.index.base import Index
from adjudge.retrieval.index.filters import LANCE_VALUES, MILVUS_VALUES
from adjudge.retrieval.index.lance_index import LanceIndex
from adjudge.retrieval.index.open import create_index, open_index
from adjudge.retrieval.where import matches
from tests.retrieval.index.passages_in_five import DIMENSIONS, FACTS, LIBRARY, chunk, library, put, recorded, vector

Open = Callable[[], Index]

CHUNKS = [one for _, chunks in library() for one in chunks]
TEXTS = {one.id: one.text for one in CHUNKS}
METADATA = {one.id: {"source": one.source, "start": one.start, "end": one.end, **one.metadata} for one in CHUNKS}


def ids(index: Index, query: str, where: Where | None = None) -> list[str | None]:
    return [found.document.id for found in index.by_words(query, 10, where=where)]


def test_it_says_what_it_is_made_with(index: Index, again: Open) -> None:
    assert index.facts == again().facts == FACTS


def test_one_of_a_later_format_is_not_read(uri: str) -> None:
    for reach in (lambda: create_index(uri, replace(FACTS, format=2)), lambda: open_index(uri)):
        with pytest.raises(IndexMismatchError, match="has the format 2, and this adjudge reads 1; update adjudge"):
            reach()


def test_it_lists_its_sources(index: Index, again: Open) -> None:
    expected = {record.key: record for record in (recorded(source, chunks) for source, chunks in library())}
    assert dict(index.sources()) == dict(again().sources()) == expected
    assert index.count() == sum(map(len, LIBRARY.values()))


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("熊猫吃什么", "zoo/熊猫.md:0"),
        ("竹竿", "zoo/熊猫.md:1"),
        ("BAMBOO for a panda?", "zoo/panda.md:0"),
        ("azafrán", "cocina/paella.txt:0"),
        ("où est le musée d'orsay", "musée/d'Orsay.txt:0"),
        ("скорость СВЕТА", "физика/свет.txt:0"),
    ],
)
def test_words_are_found_in_five_languages(read_only: Index, query: str, first: str) -> None:
    found = read_only.by_words(query, 3)
    assert found[0].document.id == first
    assert [one.rank for one in found] == list(range(1, len(found) + 1))
    assert all(one.score > 0 for one in found)
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)


@pytest.mark.parametrize("query", ["", "!!! …", "xylophone", "zzgy3dk"])
def test_a_query_without_a_word_that_is_there_finds_nothing(read_only: Index, query: str) -> None:
    assert read_only.by_words(query, 5) == []


def test_headings_that_the_text_does_not_repeat_are_found(empty: Index) -> None:
    with empty.writer() as writer:
        put(writer, "guide.md", [chunk("guide.md", 0, "Press the button twice.", headings=("Kettle", "Descaling"))])
        writer.commit()
    assert ids(empty, "descaling") == ["guide.md:0"]
    assert empty.by_words("kettle", 1)[0].document.metadata["headings"] == ("Kettle", "Descaling")


def test_the_nearest_come_first_with_their_cosines(read_only: Index) -> None:
    asked = vector("熊猫") + vector(CHUNKS[2].text)
    cosines = {one.id: float(vector(one.text) @ asked / np.linalg.norm(asked)) for one in CHUNKS}
    found = read_only.by_vector(asked, 4)
    assert [one.document.id for one in found] == sorted(cosines, key=lambda name: -cosines[name])[:4]
    np.testing.assert_allclose([one.score for one in found], sorted(cosines.values(), reverse=True)[:4], atol=1e-5)


def test_a_candidate_carries_text_and_place(read_only: Index) -> None:
    for found in read_only.by_vector(vector("anything"), 20):
        document = found.document
        assert document.id is not None
        assert document.text == TEXTS[document.id]
        assert {key: value for key, value in document.metadata.items() if key != "headings"} == METADATA[document.id]


def test_metadata_that_is_called_like_ours_keeps_its_value(empty: Index) -> None:
    with empty.writer() as writer:
        put(writer, "rows.csv", [chunk("rows.csv", 0, "text", {"source": "the newspaper", "end": "soon"})])
        writer.commit()
    found = empty.by_words("text", 1)[0].document.metadata
    assert (found["source"], found["source_"], found["end"], found["end_"]) == ("rows.csv", "the newspaper", 4, "soon")
    assert empty.count(where={"source_": "the newspaper"}) == 1


FILTERS: list[Where] = [
    {},
    {"lang": "zh"},
    {"lang": ["zh", "en", "never"]},
    {"lang": []},
    {"lang": {"!=": "zh"}},
    {"lang": {">": "en", "<=": "ru"}},
    {"year": 2020},
    {"year": "2020"},
    {"year": ["2020", 2021, True]},
    {"year": [2020, 2020.5, -3, 9]},
    {"year": {">=": 2020, "<": 2020.9}},
    {"year": {"!=": 2020}},
    {"year": {"<": 0}},
    {"checked": True},
    {"checked": False},
    {"checked": {"!=": True}},
    {"checked": 1},
    {'it\'s "odd"\\': "y\n'e\"s\\"},
    {"source": "musée/d'Orsay.txt"},
    {"source": {"!=": "zoo/panda.md"}},
    {"source": 7},
    {"source": ["musée/d'Orsay.txt", "zoo/panda.md", "never"]},
    {"start": {">": 50.5}},
    {"end": {"<=": 162}},
    {"start": [0, 7, 100.5]},
    {"start": -0.0},
    {"start": [-0.0, 0.5]},
    {"start": {"!=": "0"}},
    {"lang": "zh", "year": {">": 2020}},
    {"absent": {"!=": 5}},
    {"absent": 5},
]


@pytest.mark.parametrize("where", FILTERS, ids=repr)
def test_filters_let_through_what_the_same_filter_does_in_python(read_only: Index, where: Where) -> None:
    expected = {name for name, metadata in METADATA.items() if matches(where, metadata)}
    assert {one.document.id for one in read_only.by_vector(vector("x"), 20, where=where)} == expected
    assert read_only.count(where=where) == len(expected)
    assert set(ids(read_only, "熊猫 panda paella musée скорость nothing", where)) == expected


@pytest.mark.parametrize("key", ["lang", "source"])
def test_a_filter_may_name_very_many_values(read_only: Index, key: str) -> None:
    """A chain of 35,000 comparisons once took the stack, and the process with it."""
    most = LANCE_VALUES if isinstance(read_only, LanceIndex) else MILVUS_VALUES
    right = {"lang": "zh", "source": "zoo/熊猫.md"}[key]
    where: Where = {key: [*(f"v{at}" for at in range(most - 1)), right]}
    expected = {"zoo/熊猫.md:0", "zoo/熊猫.md:1"}
    assert {one.document.id for one in read_only.by_vector(vector("x"), 20, where=where)} == expected
    assert read_only.count(where=where) == 2
    assert set(ids(read_only, "熊猫 panda", where)) == expected


@pytest.mark.parametrize("half", ["\ud800", "x\udfff\ud800y", "'\udcff\"\\"])
def test_halves_of_characters_are_looked_for_as_they_were_stored(empty: Index, half: str) -> None:
    stored = clean(half)
    with empty.writer() as writer:
        put(writer, "rows.csv", [chunk("rows.csv", 0, "text", {"lang": stored, stored: 1}), chunk("rows.csv", 1, "text", {"lang": "en"})])
        put(writer, stored, [chunk(stored, 0, "panda")])
        writer.commit()
    assert ids(empty, "text", {"lang": half}) == ids(empty, "text", {half: 1}) == ["rows.csv:0"]
    assert ids(empty, "text", {"lang": {"!=": half}}) == ["rows.csv:1"]
    assert [one.document.text for one in empty.by_vector(vector("x"), 5, where={"source": half})] == ["panda"]
    assert empty.count(where={"lang": [half, "en"]}) == 2
    np.testing.assert_allclose(empty.vectors([f"{half}:0"]), [vector("panda")], atol=1e-6)
    with pytest.raises(InputError, match="1 of 1 passages are not in the index"):
        empty.vectors([half])


def test_a_filter_is_applied_before_the_best_are_taken(read_only: Index) -> None:
    asked = vector(TEXTS["zoo/panda.md:0"])
    assert [one.document.id for one in read_only.by_vector(asked, 1, where={"lang": "es"})] == ["cocina/paella.txt:0"]


def test_vectors_come_back_in_the_order_of_their_ids(read_only: Index) -> None:
    wanted = ["musée/d'Orsay.txt:0", "zoo/熊猫.md:1", "musée/d'Orsay.txt:0"]
    np.testing.assert_allclose(read_only.vectors(wanted), [vector(TEXTS[one]) for one in wanted], atol=1e-6)
    assert read_only.vectors([]).shape == (0, DIMENSIONS)
    with pytest.raises(InputError, match=r"1 of 2 .*'nobody'"):
        read_only.vectors(["zoo/熊猫.md:1", "nobody"])


def test_an_empty_index_answers(empty: Index) -> None:
    assert (empty.count(), dict(empty.sources()), empty.by_words("熊猫", 5), empty.by_vector(vector("x"), 5)) == (0, {}, [], [])
    empty.check()


def test_what_was_replaced_is_gone(index: Index) -> None:
    with index.writer() as writer:
        put(writer, "zoo/熊猫.md", [chunk("zoo/熊猫.md", 0, "老虎吃肉。")])
        writer.commit()
    assert ids(index, "熊猫") == []
    assert ids(index, "老虎") == ["zoo/熊猫.md:0"]
    assert index.count() == 6
    np.testing.assert_allclose(index.vectors(["zoo/熊猫.md:0"])[0], vector("老虎吃肉。"), atol=1e-6)
    index.check()


def test_what_was_removed_is_gone(index: Index, again: Open) -> None:
    with index.writer() as writer:
        writer.remove(["zoo/熊猫.md\t0", "musée/d'Orsay.txt\t0", "never there\t0"])
        writer.commit()
    assert index.count() == again().count() == 4
    assert ids(index, "熊猫 musée") == []
    assert set(index.sources()) == {"zoo/panda.md\t0", "cocina/paella.txt\t0", "физика/свет.txt\t0", "empty metadata.txt\t0"}
    index.check()


def test_nothing_is_seen_before_the_commit(index: Index, again: Open) -> None:
    before = dict(index.sources())
    with index.writer() as writer:
        put(writer, "zoo/panda.md", [chunk("zoo/panda.md", 0, "tiger")])
        put(writer, "new.md", [chunk("new.md", 0, "tiger")])
        writer.remove(["физика/свет.txt\t0"])
        for seen in (index, again()):
            assert (dict(seen.sources()), seen.count(), ids(seen, "tiger")) == (before, 7, [])
            assert ids(seen, "bamboo") == ["zoo/panda.md:0"]
        writer.commit()
        assert (index.count(), ids(index, "tiger"), ids(index, "bamboo")) == (7, ["new.md:0", "zoo/panda.md:0"], [])


def test_a_writer_that_leaves_without_a_commit_leaves_nothing(index: Index) -> None:
    before = dict(index.sources())
    with index.writer() as writer:
        put(writer, "zoo/panda.md", [chunk("zoo/panda.md", 0, "tiger")])
        writer.remove(["физика/свет.txt\t0"])
    with index.writer() as writer:
        assert set(writer.sources()) == set(before)
        put(writer, "new.md", [chunk("new.md", 0, "lion")])
        writer.commit()
    assert (index.count(), ids(index, "tiger"), ids(index, "bamboo lion")) == (8, [], ["new.md:0", "zoo/panda.md:0"])
    index.check()


def test_half_a_source_is_not_committed(index: Index) -> None:
    with index.writer() as writer:
        writer.add("half\t0", [chunk("half", 0, "tiger")], vector("tiger")[None])
        with pytest.raises(InputError, match="half.*no record"):
            writer.commit()
    assert ids(index, "tiger") == []


def test_a_source_may_come_in_pieces_and_in_parts(empty: Index) -> None:
    chunks = [chunk(f"rows.jsonl#{row}", row, f"row number{row}") for row in range(6)]
    with empty.writer() as writer:
        for part, some in enumerate((chunks[:4], chunks[4:])):
            record = recorded("rows.jsonl", some, part=part, last=part == 1)
            for one in some:
                writer.add(record.key, [one], vector(one.text)[None])
            writer.record(record)
            writer.commit()
    assert [record.part for record in empty.sources().values()] == [0, 1]
    assert (empty.count(), ids(empty, "number5")) == (6, ["rows.jsonl#5:5"])
    with empty.writer() as writer:
        writer.remove(["rows.jsonl\t1"])
        writer.commit()
    assert empty.count() == 4


def test_everything_is_found_after_optimise_as_before(index: Index) -> None:
    before = [index.by_words("熊猫 panda", 5), index.by_vector(vector("x"), 5)]
    with index.writer() as writer:
        writer.optimise()
    after = [index.by_words("熊猫 panda", 5), index.by_vector(vector("x"), 5)]
    assert [[one.document for one in found] for found in after] == [[one.document for one in found] for found in before]
    assert (index.count(), len(index.sources())) == (7, 6)
    index.check()


def test_there_is_one_writer_at_a_time(index: Index, again: Open) -> None:
    with index.writer():
        for other in (index, again()):
            with pytest.raises(IndexLockedError, match="is being written to by"):
                other.writer()
    with again().writer():
        pass


def test_a_closed_writer_writes_nothing(index: Index) -> None:
    writer = index.writer()
    writer.close()
    writer.close()
    with pytest.raises(ClosedError):
        put(writer, "new.md", [chunk("new.md", 0, "lion")])


def test_a_closed_index_answers_nothing(index: Index) -> None:
    index.close()
    index.close()
    for ask in (index.count, index.sources, index.writer, lambda: index.by_words("熊猫", 1), lambda: index.by_vector(vector("x"), 1)):
        with pytest.raises(ClosedError):
            ask()


@pytest.mark.parametrize("k", [0, -1, True, 2.5])
def test_k_must_be_a_number_of_passages(read_only: Index, k: int) -> None:
    with pytest.raises(ConfigError):
        read_only.by_words("熊猫", k)
    with pytest.raises(ConfigError):
        read_only.by_vector(vector("x"), k)


@pytest.mark.parametrize("wrong", [np.zeros(DIMENSIONS + 1), np.zeros((1, DIMENSIONS)), np.full(DIMENSIONS, np.nan)])
def test_vectors_must_fit(read_only: Index, wrong: np.ndarray) -> None:
    with pytest.raises(InputError):
        read_only.by_vector(wrong, 1)
    with read_only.writer() as writer, pytest.raises(InputError):
        writer.add("new\t0", [chunk("new", 0, "x")], wrong)


def test_a_senseless_filter_is_refused(read_only: Index) -> None:
    with pytest.raises(InputError):
        read_only.by_words("熊猫", 1, where={"year": {"~": 3}})


def test_threads_may_ask_while_another_writes(index: Index) -> None:
    def ask(_: int) -> tuple[int, int]:
        return len(index.by_words("bamboo", 5)), len(index.by_vector(vector("x"), 3))

    with ThreadPoolExecutor(4) as pool:
        asked = pool.map(ask, range(40))
        with index.writer() as writer:
            for turn in range(6):
                put(writer, "zoo/panda.md", [chunk("zoo/panda.md", 0, f"bamboo {turn}")])
                writer.commit()
        assert set(asked) == {(1, 3)}
