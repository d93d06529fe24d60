"""Judged data is read as it is, and what is wrong with it is listed."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from adjudge.errors import ConfigError, InputError
from adjudge.evaluate.dataset import Dataset, DatasetConfig, read_dataset
from tests.evaluate.beir_folder import RIVERS, write_beir
from tests.evaluate.small_data import write_folder


def problems(data: Dataset) -> dict[str, tuple[int, tuple[str, ...]]]:
    return {problem.kind: (problem.count, problem.examples) for problem in data.problems}


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("header", [False, True])
@pytest.mark.parametrize("qrels", ["qrels.tsv", "qrels/test.tsv"])
def test_a_beir_folder(tmp_path: Path, packed: bool, header: bool, qrels: str) -> None:
    data = read_dataset(write_beir(tmp_path / "rivers", packed=packed, header=header, qrels=qrels))
    assert (data.name, data.format, len(data.queries), len(data.documents), data.problems) == ("rivers", "beir", RIVERS, 2 * RIVERS, ())
    assert data.documents["end3"] == "River 3\nThe river 3 ends in lake 9."
    assert data.grades["q3"] == {"end3": 1}
    assert data.queries["q3"].language == "Latin script"
    assert data.pools is None


def test_every_problem_of_a_folder_is_listed_and_nothing_is_repaired(tmp_path: Path) -> None:
    folder = write_folder(
        tmp_path / "broken",
        corpus=[
            {"_id": "a", "text": "first"},
            {"_id": "a", "text": "second"},
            {"_id": "b", "text": " "},
            {"_id": "", "text": "no id"},
            {"text": "none either"},
            {"_id": "c", "title": "Title", "text": ""},
            {"_id": True, "text": "an id that is none"},
            {"_id": "e"},
        ],
        queries=[
            {"_id": "q1", "text": "one"},
            {"_id": "q1", "text": "again"},
            {"_id": "q2", "text": ""},
            {"_id": "q3", "text": "nobody judged this"},
            {"text": "no id"},
            {"_id": "q5", "text": "nothing relevant"},
        ],
        qrels=["q1\ta\t1", "q1\ta\t1", "q1\tb\t1", "q1\tmissing\t2", "q2\ta\t1", "q4\ta\t1", "q1\ta\t0", "q5\tc\t0"],
    )
    data = read_dataset(folder)
    assert problems(data) == {
        "duplicate_document": (1, ("a",)),
        "empty_document": (1, ("b",)),
        "document_without_id": (4, ("corpus.jsonl:4", "corpus.jsonl:5", "corpus.jsonl:7", "corpus.jsonl:8")),
        "duplicate_query": (1, ("q1",)),
        "empty_query": (1, ("q2",)),
        "query_without_id": (1, ("queries.jsonl:5",)),
        "duplicate_judgement": (1, ("qrels.tsv:2",)),
        "contradicting_judgement": (1, ("qrels.tsv:7",)),
        "missing_document": (1, ("missing",)),
        "missing_query": (1, ("q4",)),
        "unjudged_query": (1, ("q3",)),
        "no_relevant": (1, ("q5",)),
    }
    assert data.documents == {"a": "first", "c": "Title\n"}
    assert list(data.queries) == ["q1", "q2", "q5", "q4"], "judged queries stay, also those that cannot be asked"
    assert data.grades["q1"] == {"a": 1, "b": 1, "missing": 2}, "the first judgement counts, and what is judged stays judged"
    assert all(problem.message.startswith(f"{problem.count} ") for problem in data.problems)


def test_many_queries_are_read_in_a_moment(tmp_path: Path) -> None:
    """It took a second for 8,000 and four for 16,000, and so on."""
    number = 24_000
    folder = write_folder(
        tmp_path / "large",
        corpus=[{"_id": "d", "text": "thing"}],
        queries=[{"_id": f"q{n}", "text": "thing"} for n in range(number)],
        qrels=[f"q{n}\td\t1" for n in reversed(range(number))] + ["gone\td\t1"],
    )
    began = time.perf_counter()
    found = list(read_dataset(folder).queries)
    assert time.perf_counter() - began < 4
    assert found == [*(f"q{n}" for n in range(number)), "gone"]


def test_treceval_judgements_instead_of_the_folders_own(tmp_path: Path) -> None:
    folder = write_beir(tmp_path / "rivers")
    (tmp_path / "other.qrels").write_text("q1 0 end1 2\nq1 0 rise1 -1\nq2 0 end2 0\nq2 0 rise2 3.0\n", encoding="utf-8")
    data = read_dataset(folder, DatasetConfig(qrels=tmp_path / "other.qrels", relevant_from=2))
    assert data.grades == {"q1": {"end1": 2, "rise1": -1}, "q2": {"end2": 0, "rise2": 3}}
    assert data.relevant("q1") == {"end1"}
    assert problems(data)["unjudged_query"][0] == RIVERS - 2


def test_a_split_has_to_be_named_where_there_are_several(tmp_path: Path) -> None:
    folder = write_beir(tmp_path / "rivers", qrels="qrels/test.tsv")
    (folder / "qrels/dev.tsv").write_text("q0\tend0\t1\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="several splits: dev, test"):
        read_dataset(folder)
    assert list(read_dataset(folder, DatasetConfig(split="dev")).queries) == ["q0"]


def test_mteb_reranking_rows(tmp_path: Path) -> None:
    rows = [
        {"query": ["first", "the same otherwise"], "positive": ["a", "b"], "negative": ["c"], "language": "en"},
        {"query": "第二个问题", "positive": ["a"], "negative": ["d", "e"]},
        {"query": "", "positive": ["a"]},
        {"query": "graded", "documents": [{"text": "f", "grade": 2}, {"text": "g"}], "metadata": {"lang": "fr"}},
        {"query": "judged", "passages": [{"text": "h", "relevance": 3}, {"text": "i", "relevance": 1}]},
        {"query": "pair", "text": "a", "label": 0},
        {"query": "pair", "text": "b", "label": 1},
        {"query": "pair", "text": "b", "label": 0},
        {"query": "pair", "text": "c", "label": 0.5},
    ]
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    data = read_dataset(path)
    texts = {asked.text: (asked.language, {data.documents[d]: g for d, g in data.grades[q].items()}) for q, asked in data.queries.items()}
    assert texts == {
        "first": ("en", {"a": 1, "b": 1, "c": 0}),
        "the same otherwise": ("en", {"a": 1, "b": 1, "c": 0}),
        "第二个问题": ("Chinese script", {"a": 1, "d": 0, "e": 0}),
        "graded": ("fr", {"f": 2}),
        "judged": ("Latin script", {"h": 3, "i": 1}),
        "pair": ("Latin script", {"a": 0, "b": 1}),
    }
    assert data.pools is not None
    graded = next(query for query, asked in data.queries.items() if asked.text == "graded")
    assert [data.documents[document] for document in data.pools[graded]] == ["f", "g"], "nobody judged g, and it stays a candidate"
    found = problems(data)
    assert {kind: count for kind, (count, _) in found.items()} == {"bad_row": 2, "contradicting_judgement": 1, "row_without_label": 1}
    assert found["bad_row"][1] == (
        "rows.jsonl:3: 'query' is empty",
        "rows.jsonl:9: the grade 0.5 is no whole number from -1000 to 1000, as nDCG's gains must be",
    )


LARGE = ["2147483648", "1e300", "-1001"]


@pytest.mark.parametrize("grade", LARGE)
def test_a_grade_that_no_measure_can_take_is_a_bad_row(tmp_path: Path, grade: str) -> None:
    (tmp_path / "a.jsonl").write_text(f'{{"query": "q", "passages": [{{"text": "a", "relevance": {grade}}}]}}\n', encoding="utf-8")
    (tmp_path / "a.csv").write_text(f"query,passage,label\nq,a,{grade}\n", encoding="utf-8")
    for name, good in (("a.jsonl", '{"query": "q", "positive": ["b"]}\n'), ("a.csv", "q,b,1\n")):
        with (tmp_path / name).open("a", encoding="utf-8") as file:
            file.write(good)
        data = read_dataset(tmp_path / name)
        assert [sorted(grades.values()) for grades in data.grades.values()] == [[1]]
        (message,) = problems(data)["bad_row"][1]
        assert message.startswith(f"{name}:")
        assert message.endswith("is no whole number from -1000 to 1000, as nDCG's gains must be")


@pytest.mark.parametrize("grade", [*LARGE, "0.5", "nan"])
@pytest.mark.parametrize("header", [False, True])
def test_a_grade_of_a_folder_that_no_measure_can_take_is_told_with_its_line(tmp_path: Path, grade: str, header: bool) -> None:
    """Also in the first line, which is no header then."""
    folder = write_beir(tmp_path / "rivers")
    (folder / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\n" * header + f"q0\tend0\t{grade}\nq1\tend1\t1\n", encoding="utf-8")
    with pytest.raises(InputError, match=rf"qrels\.tsv:{1 + header}: the grade '{grade}' is no whole number from -1000 to 1000"):
        read_dataset(folder)


CSV = """query,passage,label,language,query_id
q one,"a, with
a break",1,en,7
q one,b,0,en,7
q two,a2,true,zh,8
q two,b,no,zh,8


q two,c,,zh,8
"""


@pytest.mark.parametrize(
    "write", [lambda p, t: p.write_text(t), lambda p, t: p.with_name("t.csv.gz").write_bytes(gzip.compress(t.encode()))]
)
def test_a_csv_file(tmp_path: Path, write: Callable[[Path, str], object]) -> None:
    write(tmp_path / "t.csv", CSV)
    path = next(tmp_path.iterdir())
    data = read_dataset(path)
    assert data.format == "csv"
    assert {query: (asked.text, asked.language) for query, asked in data.queries.items()} == {"7": ("q one", "en"), "8": ("q two", "zh")}
    assert {data.documents[d]: grade for d, grade in data.grades["7"].items()} == {"a, with\na break": 1, "b": 0}
    assert {data.documents[d]: grade for d, grade in data.grades["8"].items()} == {"a2": 1, "b": 0}
    assert problems(data) == {"row_without_label": (1, (f"{path.name}:9",))}


def test_tsv_with_other_column_names_a_byte_order_mark_and_long_cells(tmp_path: Path) -> None:
    long = "word " * 40_000
    path = tmp_path / "t.tsv"
    path.write_text(f"\ufeffquery\tdocument\trelevance\nq\t{long}\t2\nq\tb\tmaybe\nq\t\t1\nq\tc\t1\textra\n", encoding="utf-8")
    data = read_dataset(path)
    (query,) = data.queries
    assert [data.documents[d] for d in data.grades[query]] == [long]
    assert problems(data)["bad_row"] == (
        3,
        (
            "t.tsv:3: the label 'maybe' is no whole number, true or false",
            "t.tsv:4: the query or the passage is empty",
            "t.tsv:5: more cells than columns; quote cells that hold the separator",
        ),
    )


def test_a_draw_of_queries_is_the_same_each_time_and_grows(tmp_path: Path) -> None:
    folder = write_beir(tmp_path / "rivers")
    few, more = (set(read_dataset(folder, DatasetConfig(queries=n)).queries) for n in (5, 9))
    assert (len(few), len(more)) == (5, 9)
    assert few < more
    assert set(read_dataset(folder, DatasetConfig(queries=5)).grades) == few


def test_the_digest_knows_the_data(tmp_path: Path) -> None:
    folder = write_beir(tmp_path / "rivers")
    before = read_dataset(folder).digest
    assert read_dataset(folder).digest == before
    with (folder / "qrels.tsv").open("a") as file:
        file.write("q0\trise0\t0\n")
    assert read_dataset(folder).digest != before


def test_a_language_for_all(tmp_path: Path) -> None:
    data = read_dataset(write_beir(tmp_path / "rivers"), DatasetConfig(language="en"))
    assert {asked.language for asked in data.queries.values()} == {"en"}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.jsonl", "{", r"a\.jsonl:1: not JSON"),
        ("a.jsonl", '{"query": "q", "positive": ["a"], "negative": ["b"]}\n[', r"a\.jsonl:2: not JSON"),
        ("a.jsonl", '{"query": "q", "negative": ["b"]}', "no query has a relevant document"),
        ("a.jsonl", "", "no query has a judgement"),
        ("a.csv", "query,passage\nq,p\n", "one column must be called label or relevance or grade or score; there is none"),
        ("a.csv", "query,passage,text,label\nq,p,p,1\n", "there is passage and text"),
        ("a.csv", "", "of no columns"),
        ("a.csv", "query,passage,label\nq,\xff,1\n", "not UTF-8"),
        (
            "a.csv",
            'query,passage,label\nq,p,1\n\n\nq,"r,0\nq,s,0\n',
            r"a\.csv:5: the quotes .* \(unexpected end of data, line 6\)",
        ),
        ("a.tsv", 'query\tpassage\tlabel\nq\t"p" r\t1\n', r"a\.tsv:2: the quotes of the row that begins here are wrong"),
        ("a.txt", "x", "the ending must be"),
    ],
)
def test_what_is_no_data(tmp_path: Path, name: str, content: str, message: str) -> None:
    path = tmp_path / name
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(InputError, match=message):
        read_dataset(path)


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("qrels.tsv", "q0\tend0\n", "a judgement is query, document"),
        ("qrels.tsv", "q0\tend0\t1\nq1\tend1\t0.5\n", r"qrels\.tsv:2"),
        ("qrels.tsv", "nobody\tend0\t0\n", "no query has a relevant document"),
        ("corpus.jsonl", "[]\n", "a row must be an object, not list"),
    ],
)
def test_a_folder_that_is_broken(tmp_path: Path, file: str, content: str, message: str) -> None:
    folder = write_beir(tmp_path / "rivers")
    (folder / file).write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        read_dataset(folder)


def test_settings_are_checked(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="queries must be a whole number of 1 or more, not 0"):
        DatasetConfig(queries=0)
    (tmp_path / "a.csv").write_text("query,passage,label\nq,p,1\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="belong to a BEIR folder"):
        read_dataset(tmp_path / "a.csv", DatasetConfig(split="test"))
    with pytest.raises(InputError, match=r"holds no corpus\.jsonl"):
        read_dataset(tmp_path)
    with pytest.raises(InputError, match=r"there is no .*nowhere\.csv"):
        read_dataset(tmp_path / "nowhere.csv")


def test_a_path_that_is_not_there_is_told_as_that(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"there is no .*nothing: name a folder"):
        read_dataset(tmp_path / "nothing")
