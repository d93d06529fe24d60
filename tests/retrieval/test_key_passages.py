"""KeyPassages: budgets kept, nothing lost without a word, the way back to the original, odd input, vectors across languages."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adjudge import Document, Reranker
from adjudge.errors import ConfigError, InputError
from adjudge.retrieval.dense import Embedder
from adjudge.retrieval.key_passages import KeyPassageConfig, KeyPassages, original_ranges
from adjudge.retrieval.key_selection import METADATA_KEY
from adjudge.retrieval.key_tokens import estimate_tokens, token_counter
from tests.retrieval.key_texts import ANSWER, FILLER, QUERY, account, long_text
from tests.texts import DOCUMENTS


@pytest.fixture(scope="module")
def embedder() -> Iterator[Embedder]:
    with Embedder() as opened:
        yield opened


@pytest.fixture(scope="module")
def reducer(word_judge: Reranker) -> KeyPassages:
    return KeyPassages(KeyPassageConfig(max_tokens=64), counter=word_judge)


@pytest.mark.parametrize("place", [0, 17, 34, 59])
def test_the_answer_is_found_wherever_it_stands(reducer: KeyPassages, place: int) -> None:
    text = long_text(place=place)
    selection = reducer.select(QUERY, text)
    assert ANSWER in selection.text
    assert 0 < selection.tokens <= 64
    assert not selection.whole
    account(text, selection)


@pytest.mark.parametrize(
    ("query", "answer", "filler"),
    [
        ("大熊猫吃什么？", "大熊猫的食物几乎全是竹子，每天要吃十二到三十八公斤。", "港口很安静，没有人来看停在那里过冬的第{i}号船。"),
        (
            "¿Qué comen los pandas gigantes?",
            "El panda gigante come casi solo bambú.",
            "El puerto estaba tranquilo y nadie vino a ver el barco {i}.",
        ),
        (
            "Что едят большие панды?",
            "Большая панда питается почти исключительно бамбуком.",
            "В гавани было тихо, и никто не пришёл посмотреть на лодку {i}.",
        ),
        (
            "Que mangent les pandas géants ?",
            "Le panda géant mange surtout du bambou.",
            "Le port était calme, et personne ne vint voir le bateau {i}.",
        ),
    ],
)
def test_the_answer_is_found_in_every_language(reducer: KeyPassages, query: str, answer: str, filler: str) -> None:
    lines = [filler.format(i=i) for i in range(50)]
    lines[33] = answer
    selection = reducer.select(query, "\n".join("".join(lines[i : i + 5]) for i in range(0, 50, 5)))
    assert answer in selection.text
    assert selection.tokens <= 64


@given(st.text(max_size=800), st.integers(8, 60), st.sampled_from((QUERY, "熊猫", "?", "a \ud83d", "\x00")))
def test_any_text_is_accounted_for_within_the_budget(text: str, tokens: int, query: str) -> None:
    selection = KeyPassages(KeyPassageConfig(max_tokens=tokens)).select(query, text)
    account(text, selection)
    assert selection.tokens == (estimate_tokens(selection.text) if selection.passages else 0) <= tokens
    assert bool(selection.passages) == bool(text.strip())
    assert 0 <= selection.matched <= 1


@pytest.mark.parametrize(
    "piece", ["字", "a", ".", "🐼", "👩‍👩‍👧", "\x00", "\ud83d", "e\u0301", "word ", "A. ", "好。", "- ab\n", "| a | b |\n"]
)
def test_enormous_texts_of_any_kind_are_cut_to_size(reducer: KeyPassages, word_judge: Reranker, piece: str) -> None:
    text = piece * (100_000 // len(piece))
    selection = reducer.select(QUERY, text)
    account(text, selection)
    assert 0 < selection.tokens <= 64
    assert token_counter(word_judge)(selection.text) == selection.tokens


def test_mostly_white_space_is_no_obstacle() -> None:
    text = " " * 50_000 + ANSWER + "\n" * 50_000 + FILLER
    selection = KeyPassages(KeyPassageConfig(max_tokens=16)).select(QUERY, text)
    assert [p.text for p in selection.passages] == [ANSWER]


def test_a_text_that_fits_is_kept_as_it_is(reducer: KeyPassages) -> None:
    text = f"  {ANSWER}\n\n{FILLER}  "
    selection = reducer.select(QUERY, text)
    assert (selection.text, selection.dropped, selection.whole) == (text, (), True)
    document = Document(text, "id", {"a": 1})
    assert reducer.reduce(QUERY, [document])[0] is document


@pytest.mark.parametrize("text", ["", " ", "\n\t \u2028"])
def test_a_text_without_text_has_no_passages(reducer: KeyPassages, text: str) -> None:
    selection = reducer.select(QUERY, text)
    assert (selection.text, selection.passages, selection.tokens, selection.matched) == ("", (), 0, 0.0)
    account(text, selection)


@pytest.mark.parametrize("query", ["", "  ", None, 7])
def test_a_query_without_text_is_refused(reducer: KeyPassages, query: str) -> None:
    with pytest.raises(InputError, match="query"):
        reducer.select(query, ANSWER)
    with pytest.raises(InputError, match="query"):
        reducer.reduce(query, [ANSWER])


@pytest.mark.parametrize("document", [None, b"bytes", Document(ANSWER), {"text": ANSWER}])
def test_select_takes_texts_only(reducer: KeyPassages, document: str) -> None:
    with pytest.raises(InputError, match="must be a string"):
        reducer.select(QUERY, document)


def test_a_query_of_signs_gets_the_beginning(reducer: KeyPassages) -> None:
    text = long_text()
    selection = reducer.select("?!", text)
    assert [p.start for p in selection.passages] == [0]
    assert selection.matched == 0
    assert 40 < selection.tokens <= 64
    more = KeyPassages(KeyPassageConfig(max_tokens=500)).select("?!", text)
    assert text.startswith(more.text)
    assert 400 < more.tokens <= 500


def test_words_that_stand_everywhere_choose_nothing() -> None:
    text = " ".join(f"Panda number {i} lives in forest {i % 31}, far from here." for i in range(200))
    selection = KeyPassages().select("panda", text)
    assert text.startswith(selection.text)
    assert 200 < selection.tokens <= 256


def test_matched_tells_how_much_of_the_question_was_found(reducer: KeyPassages) -> None:
    assert reducer.select("giant pandas bamboo", long_text()).matched == pytest.approx(1.0)
    assert 0.2 < reducer.select("giant pandas unicorns", long_text()).matched < 0.8
    assert reducer.select("竹子", long_text()).matched == 0


def test_the_same_question_gets_the_same_passages() -> None:
    text = long_text() + "\n" + "\n".join(DOCUMENTS * 20)
    expected = KeyPassages().select(QUERY, text)
    with ThreadPoolExecutor(4) as pool:
        assert all(s == expected for s in pool.map(lambda _: KeyPassages().select(QUERY, text), range(8)))


def test_passages_are_joined_by_the_separator() -> None:
    text = long_text().replace("number 3 ", "number 3, where pandas eat, ")
    selection = KeyPassages(KeyPassageConfig(max_tokens=60, separator="\n--\n")).select(QUERY, text)
    assert len(selection.passages) > 1
    assert selection.text == "\n--\n".join(p.text for p in selection.passages)


def test_the_counter_decides_what_fits() -> None:
    text = long_text()

    def characters(part: str) -> int:
        return len(part)

    selection = KeyPassages(KeyPassageConfig(max_tokens=200), counter=characters).select(QUERY, text)
    assert selection.tokens == len(selection.text) <= 200
    assert ANSWER in selection.text
    tiny = KeyPassages(KeyPassageConfig(max_tokens=8), counter=characters).select(QUERY, text)
    assert tiny.text in ANSWER
    assert 0 < len(tiny.text) <= 8


@pytest.mark.parametrize("text", [*DOCUMENTS, long_text(), "".join(DOCUMENTS)])
def test_the_estimate_is_near_the_real_number(word_judge: Reranker, text: str) -> None:
    real = token_counter(word_judge)(text)
    assert 0.75 * real - 2 <= estimate_tokens(text) <= 1.5 * real + 3


def test_headings_come_along() -> None:
    text = "\n\n".join(f"## Part {i}\n\n{FILLER.format(i=i)} {FILLER.format(i=i + 100)}" for i in range(40))
    text = text.replace("## Part 23", "## Food").replace(FILLER.format(i=23), "They eat bamboo and nothing else.")
    selection = KeyPassages(KeyPassageConfig(max_tokens=60)).select("what do they eat, bamboo?", text)
    assert "## Food\n\nThey eat bamboo and nothing else." in selection.text


def test_reduced_documents_are_judged_and_found_again(word_judge: Reranker) -> None:
    reducer = KeyPassages(KeyPassageConfig(max_tokens=64), counter=word_judge)
    originals = [long_text("Nothing is told here."), long_text(), ANSWER]
    documents = [{"text": originals[0], "id": 7}, Document(originals[1], "one", {"page": 3}), originals[2]]
    reduced = reducer.reduce(QUERY, documents)
    ranking = word_judge.rank(QUERY, reduced)
    assert sorted(r.index for r in ranking) == [0, 1, 2]
    for result in ranking:
        text = originals[result.index]
        ranges = original_ranges(result)
        assert " … ".join(text[start:end] for start, end in ranges) == result.passage.text
    second = next(r for r in ranking if r.index == 1)
    assert second.document.id == "one"
    assert second.document.metadata["page"] == 3
    assert next(r for r in ranking if r.index == 0).document.id == "7"
    assert json.loads(json.dumps(second.document.metadata))[METADATA_KEY]["tokens"] <= 64
    assert ranking.usage.tokens < word_judge.rank(QUERY, documents).usage.tokens / 5


def test_part_of_a_reduced_document_is_found_again(word_judge: Reranker) -> None:
    text = long_text().replace("nobody came", "no giant panda came")
    reduced = KeyPassages(KeyPassageConfig(max_tokens=200)).reduce(QUERY, [text])
    with Reranker(backend="fake", max_length=40) as narrow:
        result = narrow.rank(QUERY, reduced)[0]
    assert result.windows > 1
    found = "".join(text[start:end] for start, end in original_ranges(result))
    assert found == result.passage.text.replace(" … ", "").strip(" …")
    assert found


def test_reducing_twice_leads_back_all_the_way(word_judge: Reranker) -> None:
    text = long_text().replace("number 3 ", "number 3, where pandas eat, ").replace("number 50 ", "number 50, for giant pandas, ")
    once = KeyPassages(KeyPassageConfig(max_tokens=120)).reduce(QUERY, [text])
    twice = KeyPassages(KeyPassageConfig(max_tokens=40)).reduce(QUERY, once)
    result = word_judge.rank(QUERY, twice)[0]
    parts = [text[start:end] for start, end in original_ranges(result)]
    assert len(twice[0].text) < len(once[0].text) < len(text)
    assert "".join(parts) == result.passage.text.replace(" … ", "")


def test_what_cannot_be_read_is_left_for_the_judge_to_refuse(word_judge: Reranker, reducer: KeyPassages) -> None:
    documents = ["", None, b"bytes", {"title": "no text"}, long_text(), " \n", {"text": 5}]
    reduced = reducer.reduce(QUERY, documents)
    assert [r.index for r in word_judge.rank(QUERY, reduced)] == [4]
    assert word_judge.rank(QUERY, reduced).refused == word_judge.rank(QUERY, documents).refused


@pytest.mark.parametrize("documents", ["one text", b"bytes", {"text": ANSWER}, Document(ANSWER), None, 3])
def test_a_single_document_is_no_list(reducer: KeyPassages, documents: list[str]) -> None:
    with pytest.raises(InputError, match="documents must be a list"):
        reducer.reduce(QUERY, documents)


def test_documents_may_come_from_a_generator(reducer: KeyPassages) -> None:
    reduced = reducer.reduce(QUERY, (text for text in (long_text(), ANSWER)))
    assert [isinstance(r, Document) for r in reduced] == [True, False]
    assert reducer.reduce(QUERY, []) == []


def test_without_common_words_all_can_be_kept_whole() -> None:
    texts = [long_text(), long_text(place=2)]
    unsure = KeyPassages(KeyPassageConfig(max_tokens=64, least_matched=0.3))
    assert unsure.reduce("大熊猫吃什么？", texts) == texts
    assert unsure.select("大熊猫吃什么？", texts[0]).whole
    assert unsure.select("大熊猫吃什么？", " \n").passages == ()
    mixed = unsure.reduce(QUERY, [*texts, long_text("Nothing is told here.")])
    assert all(isinstance(document, Document) for document in mixed), "one document that matches is enough to trust the words"


@pytest.mark.parametrize(
    "options",
    [
        {"max_tokens": 0},
        {"max_tokens": -256},
        {"max_tokens": 7},
        {"max_tokens": 10**9},
        {"max_tokens": 256.0},
        {"max_tokens": True},
        {"max_tokens": "256"},
        {"max_tokens": None},
        {"separator": ""},
        {"separator": None},
        {"diversity": -0.1},
        {"diversity": 1.5},
        {"diversity": float("nan")},
        {"diversity": "0.3"},
        {"least_matched": 2},
        {"least_matched": True},
        {"vectors": 1},
        {"remembered": -1},
        {"remembered": 1.5},
        {"vectors": True, "least_matched": 0.3},
    ],
)
def test_absurd_settings_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=next(reversed(options))):
        KeyPassageConfig(**options)


def test_a_counter_must_count(embedder: Embedder) -> None:
    with pytest.raises(ConfigError, match="counter must be"):
        KeyPassages(counter="words")
    with pytest.raises(ConfigError, match="counter must return"):
        KeyPassages(counter=str.split)
    with pytest.raises(ConfigError, match="config must be"):
        KeyPassages({"max_tokens": 5})
    with pytest.raises(ConfigError, match="vectors are off"):
        KeyPassages(embedder=embedder)
