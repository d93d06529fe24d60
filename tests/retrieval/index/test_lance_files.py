"""An index in a folder: what is damaged is found, what is not ours is left alone, and many vectors are searched approximately."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from adjudge.errors import AdjudgeError, ConfigError, IndexDamagedError, IndexMismatchError, IndexNotFoundError
from adjudge.retrieval.index.base import Index
from adjudge.retrieval.index.lance_index import refine_factor
from adjudge.retrieval.index.lance_published import FILE_NAME
from adjudge.retrieval.index.open import create_index, open_index
from adjudge.retrieval.reading import Chunk
from tests.retrieval.index.passages_in_five import DIMENSIONS, FACTS, chunk, fill, put, recorded, vector


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Of an index that holds the library."""
    index = create_index(tmp_path / "index", FACTS)
    fill(index)
    index.close()
    return tmp_path / "index"


def data_files(folder: Path, table: str = "passages") -> list[Path]:
    found = sorted((folder / f"{table}.lance" / "data").iterdir())
    assert found
    return found


def test_there_is_no_index_where_none_was_made(tmp_path: Path) -> None:
    with pytest.raises(IndexNotFoundError, match="adjudge index build"):
        open_index(tmp_path / "nowhere")
    (tmp_path / "file").write_text("x")
    with pytest.raises(IndexNotFoundError):
        open_index(tmp_path / "file")


@pytest.mark.parametrize("table", ["passages", "sources"])
@pytest.mark.parametrize("damage", ["missing", "cut"])
def test_a_lost_or_shortened_file_is_found_when_it_is_opened(folder: Path, table: str, damage: str) -> None:
    for path in data_files(folder, table):
        if damage == "missing":
            path.unlink()
        else:
            path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(IndexDamagedError, match="--rebuild"):
        open_index(folder)
    index = create_index(folder, FACTS, rebuild=True)
    assert index.count() == 0
    fill(index)
    index.check()
    index.close()


def test_flipped_bytes_are_found_by_a_check_or_an_answer(folder: Path) -> None:
    for path in data_files(folder):
        path.write_bytes(b"\xff" * path.stat().st_size)
    with pytest.raises(IndexDamagedError):
        open_index(folder).check()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"facts": {}}', '{"facts": {"model": 1}, "passages": 1, "sources": 1, "files": {}}'])
def test_an_unreadable_account_is_damage(folder: Path, text: str) -> None:
    (folder / FILE_NAME).write_text(text)
    with pytest.raises(IndexDamagedError):
        open_index(folder)
    with pytest.raises(IndexDamagedError):
        create_index(folder, FACTS)


def test_a_lost_account_is_damage(folder: Path) -> None:
    (folder / FILE_NAME).unlink()
    with pytest.raises(IndexDamagedError, match=FILE_NAME):
        open_index(folder)
    with pytest.raises(IndexDamagedError):
        create_index(folder, FACTS)


def test_a_state_that_is_not_there_is_damage(folder: Path) -> None:
    held = json.loads((folder / FILE_NAME).read_text(encoding="utf-8"))
    (folder / FILE_NAME).write_text(json.dumps(held | {"passages": 4711}), encoding="utf-8")
    with pytest.raises(IndexDamagedError):
        open_index(folder)


WRONG = [
    {"passages": "1"},
    {"passages": True},
    {"sources": 1.5},
    {"sources": -1},
    {"files": ["a"]},
    {"files": {"a": "b"}},
    {"facts": []},
    {"facts": None},
]
WRONG_FACTS = [
    {"format": None},
    {"format": "2"},
    {"format": True},
    {"splitting": 3},
    {"splitting": {"max_tokens": []}},
    {"splitting": {"max_tokens": None}},
    {"dimensions": "16"},
    {"dimensions": 0},
    {"dimensions": True},
    {"model": None},
    {"revision": 1},
    {"fingerprint": None},
    {"tokenizer": "icu"},
]


@pytest.mark.parametrize(("part", "wrong"), [("", one) for one in WRONG] + [("facts", one) for one in WRONG_FACTS], ids=repr)
def test_an_account_with_values_of_other_kinds_is_damage(folder: Path, part: str, wrong: Mapping[str, object]) -> None:
    held = json.loads((folder / FILE_NAME).read_text(encoding="utf-8"))
    changed = held | {part: held[part] | wrong} if part else held | wrong
    (folder / FILE_NAME).write_text(json.dumps(changed), encoding="utf-8")
    with pytest.raises(IndexDamagedError, match="is not what adjudge wrote there"):
        open_index(folder)
    with pytest.raises(IndexDamagedError):
        create_index(folder, FACTS)
    assert create_index(folder, FACTS, rebuild=True).count() == 0


def test_an_account_nested_deeper_than_python_reads_is_damage(folder: Path) -> None:
    (folder / FILE_NAME).write_text("[" * 100_000)
    with pytest.raises(IndexDamagedError, match="--rebuild"):
        open_index(folder)


@pytest.mark.parametrize("later", [{"format": 2}, {"format": 2, "tokenizer": "icu"}, {"format": 3, "splitting": 3}], ids=repr)
def test_a_later_format_is_told_from_damage(folder: Path, later: Mapping[str, object]) -> None:
    held = json.loads((folder / FILE_NAME).read_text(encoding="utf-8"))
    held["facts"] |= later
    (folder / FILE_NAME).write_text(json.dumps(held), encoding="utf-8")
    with pytest.raises(IndexMismatchError, match="update adjudge"):
        open_index(folder)
    with pytest.raises(IndexMismatchError, match="update adjudge"):
        create_index(folder, FACTS)


@pytest.mark.parametrize("state", [{}, {"state": [1]}, {"passages": "many", "sources": None, "files": 7}], ids=repr)
def test_a_later_format_may_change_what_stands_beside_it(folder: Path, state: Mapping[str, object]) -> None:
    (folder / FILE_NAME).write_text(json.dumps({"facts": {"format": 2}} | state), encoding="utf-8")
    with pytest.raises(IndexMismatchError, match="has the format 2, and this adjudge reads 1"):
        open_index(folder)


def test_a_first_build_that_was_broken_off_is_begun_again(folder: Path) -> None:
    held = json.loads((folder / FILE_NAME).read_text(encoding="utf-8"))
    (folder / FILE_NAME).write_text(json.dumps(held | {"passages": None, "sources": None, "files": None}), encoding="utf-8")
    with pytest.raises(IndexNotFoundError, match="has not ended"):
        open_index(folder)
    index = create_index(folder, FACTS)
    assert index.count() == 0
    index.close()


@pytest.mark.parametrize("rebuild", [False, True])
def test_a_folder_with_other_files_is_left_alone(tmp_path: Path, rebuild: bool) -> None:
    (tmp_path / "thesis.txt").write_text("ten years of work")
    with pytest.raises(ConfigError, match=r"thesis\.txt"):
        create_index(tmp_path, FACTS, rebuild=rebuild)
    assert (tmp_path / "thesis.txt").read_text() == "ten years of work"


@pytest.mark.parametrize("rebuild", [False, True])
@pytest.mark.parametrize("name", ["afile", "afile/index", "afile/a/b", "afile/index.db"])
def test_a_file_is_no_place_for_an_index(tmp_path: Path, name: str, rebuild: bool) -> None:
    (tmp_path / "afile").write_text("ten years of work")
    with pytest.raises(ConfigError, match="afile is a file; name a new or empty folder for the index"):
        create_index(tmp_path / name, FACTS, rebuild=rebuild)
    assert (tmp_path / "afile").read_text() == "ten years of work"


@pytest.mark.parametrize("name", ["x" * 300, "index/" + "x" * 300, "x" * 300 + "/index.db"])
def test_a_folder_that_cannot_be_made_is_told_with_the_reason(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="name too long"):
        create_index(tmp_path / name, FACTS)


@pytest.mark.parametrize("name", ["a\0b", "a\0b.db", "milvus:///a\0b.db"])
def test_a_name_that_no_file_can_have_is_refused(name: str) -> None:
    for reach in (open_index, lambda uri: create_index(uri, FACTS)):
        with pytest.raises(ConfigError, match="zero"):
            reach(name)


def test_an_open_index_notices_a_rebuild(folder: Path) -> None:
    index = open_index(folder)
    assert index.count() == 7
    create_index(folder, FACTS, rebuild=True).close()
    assert (index.count(), index.by_words("熊猫", 3)) == (0, [])
    index.close()


def write_all(index: Index, chunks: list[Chunk], vectors: np.ndarray) -> None:
    """One source, and an approximate index over its vectors."""
    with index.writer() as writer:
        record = recorded("many.jsonl", chunks)
        writer.add(record.key, chunks, vectors)
        writer.record(record)
        writer.optimise(ann_from=len(chunks))


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, np.ndarray]:
    """A folder with 2000 passages in twenty groups, and their vectors."""
    folder = tmp_path_factory.mktemp("many") / "index"
    index = create_index(folder, FACTS)
    drawn = np.random.default_rng(0)
    centres = drawn.standard_normal((20, DIMENSIONS))
    vectors = (np.repeat(centres, 100, axis=0) + 0.5 * drawn.standard_normal((2000, DIMENSIONS))).astype(np.float32)
    chunks = [chunk("many.jsonl", row, f"word{row} common") for row in range(2000)]
    write_all(index, chunks, vectors)
    index.close()
    return folder, vectors


def test_many_vectors_are_searched_approximately_and_scored_exactly(many: tuple[Path, np.ndarray]) -> None:
    folder, vectors = many
    index = open_index(folder)
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    shares = []
    for row in range(0, 2000, 100):
        cosines = units @ units[row]
        found = index.by_vector(vectors[row], 10)
        positions = [int(str(one.document.id).split(":")[1]) for one in found]
        np.testing.assert_allclose([one.score for one in found], cosines[positions], atol=1e-4)
        shares.append(len({*positions} & {*np.argsort(-cosines)[:10].tolist()}) / 10)
    index.close()
    print(f"recall of the ten nearest: {np.mean(shares):.3f}")
    assert np.mean(shares) >= 0.9


@pytest.mark.parametrize(("k", "factor"), [(1, 400), (10, 40), (30, 14), (100, 8), (1000, 8)])
def test_few_results_are_chosen_among_enough(k: int, factor: int) -> None:
    assert refine_factor(k) == factor


@pytest.mark.parametrize("dimensions", [6, 8, 20])
def test_vectors_of_any_number_of_dimensions_get_an_approximate_index(tmp_path: Path, dimensions: int) -> None:
    index = create_index(tmp_path / "index", replace(FACTS, dimensions=dimensions))
    vectors = np.random.default_rng(1).standard_normal((300, dimensions)).astype(np.float32)
    chunks = [chunk("many.jsonl", row, f"word{row}") for row in range(300)]
    write_all(index, chunks, vectors)
    assert [str(index.by_vector(vectors[row], 1)[0].document.id) for row in (0, 150, 299)] == [f"many.jsonl:{row}" for row in (0, 150, 299)]
    index.close()


def test_what_was_added_after_the_vector_index_was_made_is_found(many: tuple[Path, np.ndarray]) -> None:
    folder, vectors = many
    index = open_index(folder)
    with index.writer() as writer:
        put(writer, "late.md", [chunk("late.md", 0, "a latecomer")])
        writer.commit()
    assert index.by_vector(vector("a latecomer"), 1)[0].document.id == "late.md:0"
    assert index.by_words("latecomer", 1)[0].document.id == "late.md:0"
    assert index.by_words("word1999", 1)[0].document.id == "many.jsonl:1999"
    assert len(index.vectors(["late.md:0", "many.jsonl:5"])) == 2
    index.close()


def test_errors_of_an_index_have_one_root(tmp_path: Path) -> None:
    with pytest.raises(AdjudgeError):
        open_index(tmp_path / "nowhere")
    with pytest.raises(ConfigError, match="no name"):
        open_index("")
