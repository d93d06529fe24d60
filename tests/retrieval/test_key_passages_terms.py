"""What a question asks by, how units are scored by it, and what is chosen of them."""

from __future__ import annotations

from itertools import accumulate

import numpy as np
import pytest

from adjudge.retrieval.key_choice import Room, choose, merged
from adjudge.retrieval.key_scores import Scores, score_units
from adjudge.retrieval.key_terms import MOST_TERMS, akin, fold, read_question
from adjudge.retrieval.key_tokens import estimate_tokens
from adjudge.retrieval.key_units import Unit, cut_units


def weight(query: str, term: str) -> float:
    question = read_question(query)
    return float(question.weights[question.exact[term]])


def scored(query: str, text: str) -> tuple[list[str], Scores]:
    units = cut_units(text, longest=200)
    return [text[u.start : u.end].strip() for u in units], score_units(text, units, read_question(query))


def best(query: str, text: str) -> str:
    units, scores = scored(query, text)
    return units[int(scores.values.argmax())]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("cats", "cat"),
        ("pandas", "panda"),
        ("панды", "панда"),
        ("панд", "панду"),
        ("announced", "announcement"),
        ("comen", "comer"),
        ("financieras", "financiero"),
        ("chansons", "chanson"),
        ("городами", "городах"),
        ("город", "городами"),
        ("дом", "дома"),
    ],
)
def test_forms_of_a_word_are_akin(one: str, other: str) -> None:
    assert akin(fold(one), fold(other))
    assert akin(fold(other), fold(one))


STRANGERS = "cat car, 1999 1998, 熊猫 熊掌, class clap, panda paper, panda pandemic, coma come, book boot, int internet"


@pytest.mark.parametrize(("one", "other"), [pair.split() for pair in STRANGERS.split(", ")])
def test_different_words_are_not_akin(one: str, other: str) -> None:
    assert not akin(one, other)
    assert not akin(other, one)


@pytest.mark.parametrize(
    ("text", "expected"), [("Où ÉTÉ", "ou ete"), ("ЁЛКА", "елка"), ("１９９９年", "1999年"), ("¿Cuánto?", "¿cuanto?"), ("ABC", "abc")]
)
def test_folding_leaves_out_what_people_leave_out(text: str, expected: str) -> None:
    assert fold(text) == expected


def test_question_words_weigh_little_names_and_numbers_much() -> None:
    query = "when did Napoleon arrive with 600 soldiers"
    assert weight(query, "when") < 0.2 < weight(query, "arrive") < min(weight(query, "napoleon"), weight(query, "600"))
    assert weight("el perro de la casa", "el") < weight("el perro de la casa", "perro")
    assert weight("熊猫吃什么竹子", "什么") < weight("熊猫吃什么竹子", "竹子")


def test_names_are_capitals_quotations_and_latin_amid_chinese() -> None:
    assert weight("where is the Louvre", "louvre") > weight("where is the louvre", "louvre")
    assert weight("Louvre opening hours", "louvre") == weight("louvre opening hours", "louvre")  # any question may begin with a capital
    assert weight("《红楼梦》的作者", "红楼") > weight("红楼梦的作者", "红楼")
    assert weight("iPhone的价格是多少", "iphone") > weight("price of an iphone", "iphone")


@pytest.mark.parametrize(
    ("query", "wishes"),
    [
        ("how many bears are there", "number"),
        ("сколько стоит билет", "number"),
        ("combien de pandas", "number"),
        ("¿Cuántos osos hay?", "number"),
        ("有多少只熊猫", "number"),
        ("when was it built", "date"),
        ("когда построен мост", "date"),
        ("quand est-il né", "date"),
        ("¿En qué año nació?", "date"),
        ("什么时候建成的", "date"),
        ("who wrote it", "name"),
        ("кто написал роман", "name"),
        ("qui a écrit ce livre", "name"),
        ("¿Quién lo escribió?", "name"),
        ("作者是谁", "name"),
        ("why is the sky blue", ""),
        ("почему небо голубое", ""),
        ("le livre qui parle de ça", ""),
    ],
)
def test_what_kind_of_answer_is_asked_for(query: str, wishes: str) -> None:
    question = read_question(query)
    assert [name for name in ("number", "date", "name") if getattr(question, name)] == wishes.split()


def test_a_query_without_words_has_no_terms() -> None:
    question = read_question("?! …")
    assert len(question.weights) == 0
    _, scores = scored("?! …", "One sentence stands here alone. Another sentence stands there too.")
    assert scores.blind
    assert scores.values[0] > scores.values[1] > 0


def test_forms_of_one_word_are_one_term() -> None:
    question = read_question("playing plays played")
    assert len(question.weights) == 1
    assert question.form("player") == question.exact["playing"] == 0
    assert question.form("plain") == -1


def test_function_words_are_no_forms_of_others() -> None:
    question = read_question("is her hero there")
    assert question.exact["her"] != question.exact["hero"]
    assert question.form("heroes") == question.exact["hero"]
    assert read_question("hero").form("her") == -1


def test_a_question_of_thousands_of_words_is_known_by_the_heaviest() -> None:
    question = read_question(" ".join(f"word{i}" for i in range(3000)) + " the" * 3000)
    assert len(question.weights) <= MOST_TERMS
    assert "the" not in question.exact


def test_what_few_units_say_weighs_more() -> None:
    text = "The panda sleeps all day. The panda plays with a ball. The panda likes the bamboo. The panda walks around here."
    assert best("panda bamboo", text) == "The panda likes the bamboo."


def test_neighbours_lend_to_one_another() -> None:
    text = "Marie Curie came to Paris as a student. She won the prize twice in her life. The weather is nice there. Nothing else is known."
    _, scores = scored("Marie Curie", text)
    assert scores.values[1] > scores.values[2] > scores.values[3]
    assert scores.found[1].sum() == 0


def test_headings_lend_to_what_stands_below_and_not_above() -> None:
    above, below = "Something about other bears is told here first.", "They eat for half of the day."
    text = f"{above}\n\n# Giant pandas\n\n{below}\n\n# Others\n\nNobody knows about them."
    units, scores = scored("pandas", text)
    values = dict(zip(units, scores.values, strict=True))
    assert values[below] > 3 * values[above]


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("How many visitors does the tower have?", "Visitors love the old tower here. Visitors of the tower: 7 million."),
        ("When was the tower built?", "The tower was built of plain iron. The tower was built in March 1889."),
        ("Who built the tower?", "The tower was built by workmen there. The tower was built by Gustave."),
        ("有多少人参观铁塔？", "人们都喜欢参观这座古老的铁塔，风景优美，历史悠久。参观铁塔的游客有七百万人，他们来自世界各地的国家。"),
    ],
)
def test_units_with_what_is_asked_for_come_first(query: str, text: str) -> None:
    units = cut_units(text, longest=200)
    assert len(units) == 2
    assert best(query, text) == text[units[1].start :]


def test_weights_are_shares() -> None:
    _, scores = scored("bamboo forest unicorn", "Bamboo grows in the forest over there. Bamboo is eaten by the animals.")
    assert scores.weights.sum() == pytest.approx(1.0)
    assert (scores.values >= 0).all()


def test_chinese_is_counted_by_pairs() -> None:
    _, scores = scored("熊猫", "大熊猫和小熊猫都吃竹子和水果之类的食物，生活在山里。熊和猫不同，它们生活在不同的地方，吃不同的食物。")
    assert scores.found.tolist() == [[2.0], [0.0]]


def units_of(*lengths: int) -> tuple[str, list[Unit]]:
    """Sentences of so many different words."""
    text, units = "", []
    for number, length in enumerate(lengths):
        start = len(text)
        text += " ".join(f"w{number}x{i}" for i in range(length)) + ". "
        units.append(Unit(start, len(text), "prose", False, -1))
    return text, units


def room(tokens: int, *, diversity: float = 0.0) -> Room:
    return Room(tokens=tokens, separator=1, count=lambda text: len(text.split()), diversity=diversity)


def test_the_best_that_fit_are_chosen_in_order_of_worth() -> None:
    text, units = units_of(4, 4, 4, 4, 4, 4, 4)
    values = np.array([0.1, 0.9, 0.2, 0.5, 0.3, 0.7, 0.01], np.float32)
    assert choose(text, units, values, room(14)) == [1, 5, 3]
    assert choose(text, units, values, room(100)) == [1, 5, 3, 4, 2]  # 0 and 6 are below the floor
    assert choose(text, units, values, room(3)) == []


def test_a_unit_that_does_not_fit_leaves_room_for_a_smaller() -> None:
    text, units = units_of(4, 1, 9, 1, 3)
    assert choose(text, units, np.array([0.9, 0.1, 0.8, 0.1, 0.5], np.float32), room(8)) == [0, 4]


def test_neighbours_of_a_chosen_unit_win_by_a_little() -> None:
    text, units = units_of(4, 4, 4, 4)
    assert choose(text, units, np.array([0.9, 0.50, 0.2, 0.52], np.float32), room(9)) == [0, 1]
    assert choose(text, units, np.array([0.9, 0.50, 0.2, 0.65], np.float32), room(9)) == [0, 3]


def test_repetition_gives_way_to_something_new() -> None:
    sentences = ("The panda eats bamboo. ", "Nobody was here at all. ", "The panda eats bamboo! ", "Bears sleep through the winter. ")
    ends = list(accumulate(len(sentence) for sentence in sentences))
    text = "".join(sentences)
    units = [Unit(end - len(sentence), end, "prose", False, -1) for end, sentence in zip(ends, sentences, strict=True)]
    values = np.array([0.9, 0.0, 0.85, 0.6], np.float32)
    assert choose(text, units, values, room(10, diversity=0.0)) == [0, 2]
    assert choose(text, units, values, room(10, diversity=0.5)) == [0, 3]


def test_a_short_heading_comes_along() -> None:
    text, units = units_of(1, 4, 4)
    headed = [Unit(units[0].start, units[0].end, "heading", True, -1), units[1], Unit(units[2].start, units[2].end, "prose", False, 0)]
    assert choose(text, headed, np.array([0.0, 0.0, 0.9], np.float32), room(16)) == [2, 0]
    assert choose(text, headed, np.array([0.0, 0.0, 0.9], np.float32), room(5)) == [2]


def test_neighbours_are_merged() -> None:
    _, units = units_of(1, 1, 1, 1)
    spans = [(u.start, u.end) for u in units]
    assert merged(units, [3, 0, 1]) == [(0, spans[1][1]), spans[3]]
    assert merged(units, []) == []


def test_no_units_no_choice() -> None:
    assert choose("", [], np.empty(0, np.float32), room(10)) == []


@pytest.mark.parametrize("text", ["", "   ", "\n\t"])
def test_white_space_has_no_tokens(text: str) -> None:
    assert estimate_tokens(text) == 0
