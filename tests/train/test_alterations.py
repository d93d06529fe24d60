"""Altered rows: one thing changed and nothing else, or None."""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adjudge.train.alterations import (
    cut_answer,
    negate,
    replace_term,
    sentences,
    split_intents,
    swap_names,
    swap_numbers,
    swap_shared_terms,
)

MARKS = st.text(st.sampled_from(" \n.!?。！？；\"'»”）)」』1a3熊\u00a0\u3000"), max_size=40)


def draw(seed: int = 0) -> random.Random:
    return random.Random(seed)


@given(st.text() | MARKS)
def test_sentences_joined_are_the_text(text: str) -> None:
    found = sentences(text)
    assert "".join(found) == text
    assert all(found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two!  Three? Four", ["One. ", "Two!  ", "Three? ", "Four"]),
        ("It costs 3.50 euros. Or 4.", ["It costs 3.50 euros. ", "Or 4."]),
        ('He said "no." Then he left.', ['He said "no." ', "Then he left."]),
        ("Really?! Yes...", ["Really?! ", "Yes..."]),
        ("first line\n\nsecond line", ["first line\n\n", "second line"]),
        ("熊猫吃竹子。一天三十八公斤！还吃什么？", ["熊猫吃竹子。", "一天三十八公斤！", "还吃什么？"]),
        ("他说：“好。”然后走了。", ["他说：“好。”", "然后走了。"]),
        ("版本3.5发布；旧版停用", ["版本3.5发布；", "旧版停用"]),
        ("¿Qué come? ¡Bambú!", ["¿Qué come? ", "¡Bambú!"]),
        ("« Oui. » Il part.", ["« Oui. » ", "Il part."]),
        ("Панда ест бамбук. Много.", ["Панда ест бамбук. ", "Много."]),
        ("", []),
    ],
)
def test_sentences_end_where_they_end(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


@pytest.mark.timeout(20)
@pytest.mark.parametrize("text", ["." * 20_000 + "a", "a" * 20_000, '."' * 10_000, "\n " * 10_000, "1." * 10_000, "a." * 10_000])
def test_no_text_takes_sentences_long(text: str) -> None:
    assert "".join(sentences(text)) == text


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("What is it and how much does it cost?", ("What is it", "how much does it cost?")),
        ("¿Qué es y cuánto cuesta?", ("¿Qué es", "cuánto cuesta?")),
        ("C'est quoi et combien ça coûte ?", ("C'est quoi", "combien ça coûte ?")),
        ("Что это и сколько стоит?", ("Что это", "сколько стоит?")),
        ("这是什么，怎么用？多少钱", ("这是什么", "怎么用？", "多少钱")),
        ("怎么安装以及怎么卸载", ("怎么安装", "怎么卸载")),
        ("how to install; how to remove", ("how to install", "how to remove")),
        ("Does it rain? Where?", ("Does it rain?", "Where?")),
        ("bread and butter", ("bread and butter",)),
        ("pan y agua", ("pan y agua",)),
        ("зима и лето", ("зима и лето",)),
        ("?", ("?",)),
        ("", ("",)),
    ],
)
def test_intents_are_split_at_their_joints(query: str, expected: tuple[str, ...]) -> None:
    assert split_intents(query) == expected


@given(st.text() | st.text(st.sampled_from("and whowy 和,，;？?以及什么"), max_size=40))
def test_intents_are_parts_of_the_query_in_order(query: str) -> None:
    at = 0
    parts = split_intents(query)
    assert parts
    for part in parts:
        at = query.index(part, at) + len(part)


PASSAGE = "Giant pandas live in China. They eat 38 kilograms of bamboo a day. They are black and white."


def test_the_answering_sentence_is_cut_and_the_others_stay() -> None:
    assert cut_answer(PASSAGE, "38 kilograms") == "Giant pandas live in China. They are black and white."


def test_every_sentence_that_holds_the_answer_goes() -> None:
    assert cut_answer("It is Paris. France is large and old. So Paris it is. The end of a long text.", "Paris") == (
        "France is large and old. The end of a long text."
    )


def test_an_answer_is_cut_out_of_chinese() -> None:
    passage = "大熊猫生活在中国的山区，那里很安静。它每天吃三十八公斤竹子。它的毛是黑色和白色的。"
    assert cut_answer(passage, "三十八公斤") == "大熊猫生活在中国的山区，那里很安静。它的毛是黑色和白色的。"


@pytest.mark.parametrize(
    ("passage", "answer"),
    [
        (PASSAGE, "42 kilograms"),  # not in it
        (PASSAGE, ""),
        (PASSAGE, "  "),
        ("It is Paris.", "Paris"),  # nothing is left
        ("It is Paris. Yes.", "Paris"),  # too little is left
        (PASSAGE, "China. They eat"),  # lies across two sentences
    ],
)
def test_where_no_answer_can_be_cut_there_is_none(passage: str, answer: str) -> None:
    assert cut_answer(passage, answer) is None


@given(st.text(max_size=80) | MARKS, st.text(max_size=10) | st.sampled_from("a1熊"))
def test_what_is_cut_no_longer_answers(passage: str, answer: str) -> None:
    found = cut_answer(passage, answer)
    assert found is None or (answer not in found and len(found) < len(passage))


NEGATED = [
    ("en", "The sky is blue.", "The sky is not blue."),
    ("en", "They can swim.", "They cannot swim."),
    ("en", "It has been sold.", "It has not been sold."),
    ("es", "El cielo es azul.", "El cielo no es azul."),
    ("es", "El pan tiene sal.", "El pan no tiene sal."),
    ("fr", "Le ciel est bleu.", "Le ciel n'est pas bleu."),
    ("fr", "Le train peut partir.", "Le train ne peut pas partir."),
    ("fr", "C'est vrai.", "Ce n'est pas vrai."),
    ("ru", "Он был дома.", "Он не был дома."),
    ("ru", "Здесь можно курить.", "Здесь нельзя курить."),
    ("ru", "Можно войти.", "Нельзя войти."),
    ("zh", "天空是蓝的。", "天空不是蓝的。"),
    ("zh", "七天内可以退款。", "七天内不可以退款。"),
]


@pytest.mark.parametrize(("lang", "plain", "negative"), NEGATED)
def test_a_negation_is_put_in_and_taken_away_again(lang: str, plain: str, negative: str) -> None:
    assert negate(plain, lang) == negative
    assert negate(negative, lang) == plain


@pytest.mark.parametrize(
    ("lang", "sentence", "expected"),
    [
        ("en", "It isn't red.", "It is red."),
        ("en", "You can't do it.", "You can do it."),
        ("en", "You won’t see it.", "You will see it."),
        ("en", "It does not work.", "It does work."),
        ("es", "No es rojo.", "es rojo."),
        ("es", "Ya no hay pan.", "Ya hay pan."),
        ("fr", "Il n'est plus là.", "Il est là."),
        ("fr", "Il n’a pas faim.", "Il a faim."),
        ("fr", "Il ne peut plus sortir.", "Il peut sortir."),
        ("ru", "Не нужно ждать.", "нужно ждать."),
        ("ru", "Это не является ошибкой.", "Это является ошибкой."),
        ("zh", "这里没有面包。", "这里有面包。"),
        ("zh", "他并不是老师。", "他是老师。"),
    ],
)
def test_a_negation_is_taken_away(lang: str, sentence: str, expected: str) -> None:
    assert negate(sentence, lang) == expected


@pytest.mark.parametrize(
    ("lang", "sentence"),
    [
        ("en", "It works."),
        ("en", "It is never open."),
        ("en", "There is no bread."),
        ("en", "It is no longer sold."),
        ("es", "Nunca es tarde."),
        ("fr", "Qu'est-ce que tu dis ?"),
        ("fr", "Dans l'est du pays."),
        ("zh", "但是很好。"),
        ("zh", "总是很好。"),
        ("zh", "可是很好。"),
        ("zh", "这是不是很好？"),
        ("zh", "能不能退？"),
        ("zh", "可不可以退？"),
        ("zh", "是否可以退？"),
        ("zh", "有没有面包？"),
        ("zh", "他是谁？"),
        ("de", "Das ist gut."),
        ("", "It is good."),
        ("en", ""),
    ],
)
def test_where_no_rule_fits_there_is_none(lang: str, sentence: str) -> None:
    assert negate(sentence, lang) is None


FRAGMENTS = ["is", "not", "can", "cannot", "no", "es", "n'est", "pas", "ne", "peut", "не", "можно", "是", "不", "可以", "没有", ".", "x"]


@given(st.sampled_from(["en", "es", "fr", "ru", "zh"]), st.lists(st.sampled_from(FRAGMENTS), max_size=8).map(" ".join) | st.text())
def test_a_negated_sentence_differs(lang: str, sentence: str) -> None:
    assert negate(sentence, lang) != sentence


NUMBER = re.compile(r"\d+")


@given(st.text(st.sampled_from("0123456789., abВ年"), max_size=60), st.integers(0, 99))
def test_only_numbers_change_and_each_does(text: str, seed: int) -> None:
    found = swap_numbers(text, draw(seed))
    if not NUMBER.search(text):
        assert found is None
        return
    assert found is not None
    number = re.compile(r"\d+(?:[.,]\d+)*")
    assert number.sub("#", found) == number.sub("#", text)
    before, after = number.findall(text), number.findall(found)
    changes: dict[str, set[str]] = {}
    for old, new in zip(before, after, strict=True):
        changes.setdefault(old, set()).add(new)
    assert all(len(new) == 1 and old not in new for old, new in changes.items())


def test_numbers_change_by_a_little_and_keep_their_form() -> None:
    for seed in range(50):
        found = swap_numbers("In 1998 it cost 3.50 for 1,000 and 007.", draw(seed))
        assert found is not None
        year, cost, thousand, agent = re.fullmatch(r"In (\d{4}) it cost 3\.(\d\d) for 1,(\d{3}) and (\d{3})\.", found).groups()  # type: ignore[union-attr]
        assert 0 < abs(int(year) - 1998) <= 20
        assert 0 < abs(int(cost) - 50) <= 9
        assert 0 < int(thousand) <= 9
        assert 0 < abs(int(agent) - 7) <= 9


@pytest.mark.parametrize("number", ["2.1", "3,1", "0.9", "12.01", "1,999", "1.000.099"])
def test_a_changed_number_is_another_number(number: str) -> None:
    for seed in range(200):
        found = swap_numbers(f"Sea water freezes at {number} degrees.", draw(seed))
        assert found is not None
        (other,) = re.findall(r"[\d.,]*\d", found)
        assert len(other) == len(number)
        assert other != number


def test_only_the_numbers_asked_for_change() -> None:
    found = swap_numbers("7 of 12, not 70 or 7.5; 7 again", draw(), only=["7"])
    assert found is not None
    assert re.fullmatch(r"(\d+) of 12, not 70 or 7\.5; \1 again", found)
    assert not found.startswith("7 ")
    assert swap_numbers("7 of 12", draw(), only=["8"]) is None
    assert swap_numbers("7 of 12", draw(), only=[]) is None


def test_a_number_of_any_length_changes() -> None:
    text = "pi " + "3" * 6000
    found = swap_numbers(text, draw())
    assert found is not None
    assert found != text
    assert len(found) == len(text)


def test_a_name_is_replaced_wherever_it_stands_alone() -> None:
    found = swap_names("The king of France met Anna; France and Frances smiled.", draw(), names=["Spain"], only=["France"])
    assert found == "The king of Spain met Anna; Spain and Frances smiled."


def test_names_are_found_by_their_capitals() -> None:
    assert swap_names("The city of Buenos Aires is large.", draw(), names=["Lima"]) == "The city of Lima is large."
    assert swap_names("Он живёт в Москве давно.", draw(), names=["Киеве"]) == "Он живёт в Киеве давно."
    assert swap_names("Il vit à Orléans.", draw(), names=["Évry"]) == "Il vit à Évry."


def test_names_that_scripts_without_capitals_are_told() -> None:
    assert swap_names("他住在北京的东边。", draw(), names=["上海"], only=["北京"]) == "他住在上海的东边。"


@pytest.mark.parametrize(
    ("text", "names", "only"),
    [
        ("it is all lower case", ["Lima"], None),
        ("She lives in Lima.", [], None),
        ("She lives in Lima.", ["Lima"], None),  # which stands there already
        ("She lives in Lima.", ["Quito"], ["Rome"]),
        ("She lives in Lima.", ["Quito"], [""]),
        ("She lives in Lima.", ["Quito"], ["Lim"]),  # a part of a word is no name
        ("", ["Quito"], None),
    ],
)
def test_where_no_name_can_be_swapped_there_is_none(text: str, names: list[str], only: list[str] | None) -> None:
    assert swap_names(text, draw(), names=names, only=only) is None


def test_what_query_and_passage_share_is_swapped_numbers_first() -> None:
    found = swap_shared_terms("What did Apple sell in 2019?", "In 2019 Apple sold 187 million phones.", draw(), names=["Nokia"])
    assert found is not None
    assert re.fullmatch(r"In 20\d\d Apple sold 187 million phones\.", found)
    assert "2019" not in found


def test_shared_names_are_swapped_where_no_number_is_shared() -> None:
    found = swap_shared_terms("What did Apple sell?", "In 2019 Apple sold 187 million phones.", draw(), names=["Nokia"])
    assert found == "In 2019 Nokia sold 187 million phones."


@pytest.mark.parametrize("query", ["What was sold?", "What did Sony sell?", "How many in 2020?"])
def test_where_nothing_is_shared_there_is_none(query: str) -> None:
    assert swap_shared_terms(query, "In 2019 Apple sold 187 million phones.", draw(), names=["Nokia"]) is None


@pytest.mark.parametrize(
    ("text", "term", "neighbour", "expected"),
    [
        ("Type 2 diabetes is common.", "type 2 diabetes", "type 1 diabetes", "type 1 diabetes is common."),
        ("C++ is not C.", "C++", "Rust", "Rust is not C."),
        ("The cat sat in the cathedral.", "cat", "dog", "The dog sat in the cathedral."),
        ("大熊猫吃竹子，大熊猫睡觉。", "大熊猫", "小熊猫", "小熊猫吃竹子，小熊猫睡觉。"),
        ("Кот спит.", "кот", r"\1 пёс", r"\1 пёс спит."),
        ("No such word.", "cat", "dog", None),
        ("The cathedral.", "cat", "dog", None),
        ("A Cat.", "cat", "CAT", None),  # the same term
        ("A cat.", "", "dog", None),
        ("A cat.", " ", "dog", None),
    ],
)
def test_a_term_gives_way_to_its_neighbour(text: str, term: str, neighbour: str, expected: str | None) -> None:
    assert replace_term(text, term, neighbour) == expected


@given(st.text(), st.text(max_size=5), st.text(max_size=5))
def test_a_replaced_term_changes_the_text_or_there_is_none(text: str, term: str, neighbour: str) -> None:
    found = replace_term(text, term, neighbour)
    assert found is None or (found != text and neighbour in found)


@given(st.integers(0, 50))
def test_the_same_seed_makes_the_same_alteration(seed: int) -> None:
    text, names = "In 1998 Anna met Ivan near Lima, 3 times.", ["Rome", "Oslo", "Kyiv"]
    assert swap_numbers(text, draw(seed)) == swap_numbers(text, draw(seed))
    assert swap_names(text, draw(seed), names=names) == swap_names(text, draw(seed), names=names)
