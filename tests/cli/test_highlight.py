"""The question's words, found again in a line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adjudge.cli.highlight import question_words, split_at_words


def found(query: str, line: str) -> list[str]:
    return [piece for piece, is_word in split_at_words(line, question_words(query)) if is_word]


@pytest.mark.parametrize(
    ("query", "line", "expected"),
    [
        ("What do giant pandas eat?", "GIANT pandas, giant-pandas; pandasaurus.", ["GIANT", "pandas", "giant", "pandas"]),
        ("大熊猫吃什么？", "在四川，大熊猫吃竹子", ["大熊猫吃"]),
        ("如何重启iPhone手机", "iphone 手机的重启方法", ["iphone", "手机", "重启"]),
        ("Что едят панды?", "Большие ПАНДЫ едят", ["ПАНДЫ", "едят"]),
        ("Wie groß ist die Straße?", "STRASSE, groß", ["STRASSE", "groß"]),
        ("Is V12 in the US?", "The us, V12 is in it", ["us", "V12"]),
        ("is it a of", "is it a of", []),
        ("猫", "猫猫", []),
        ("", "anything", []),
        ("anything", "", []),
    ],
)
def test_words_are_found_again(query: str, line: str, expected: list[str]) -> None:
    assert found(query, line) == expected


@given(st.text(max_size=40), st.text(max_size=80))
def test_the_pieces_are_the_line(query: str, line: str) -> None:
    pieces = list(split_at_words(line, question_words(query)))
    assert "".join(piece for piece, _ in pieces) == line
    assert all(first[1] != second[1] for first, second in zip(pieces, pieces[1:], strict=False))
