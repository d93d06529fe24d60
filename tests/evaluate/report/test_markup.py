"""Whatever a text holds, it stays text."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adjudge.evaluate.report.markup import Markup, group, tag, words
from tests.evaluate.report.sample import HOSTILE

ANY_TEXT = st.text(st.characters(codec=None))  # half characters too


class Read(HTMLParser):
    """What a browser's parser makes of it."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


def read(page: str) -> Read:
    parser = Read()
    parser.feed(page)
    parser.close()
    return parser


def shown(text: str) -> str:
    """The text with what no page can hold replaced."""
    return re.sub("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]", "\ufffd", text)


@settings(deadline=None)
@given(ANY_TEXT)
def test_text_and_attributes_come_back_as_they_were(text: str) -> None:
    found = read(tag("p", text, title=text))
    assert found.tags == ["p"]
    assert found.text == shown(text)
    assert found.attributes == [("title", shown(text))]
    tag("p", text).encode("utf-8")  # and a file can hold it


def test_a_hostile_text() -> None:
    found = read(tag("p", HOSTILE, data_query=HOSTILE))
    assert found.tags == ["p"]
    assert "<script>" in found.text


def test_only_markup_is_taken_as_it_is() -> None:
    inner = tag("b", "x")
    assert group(inner, "<i>") == "<b>x</b>&lt;i&gt;"
    assert tag("p", f"{inner}") == "<p>&lt;b&gt;x&lt;/b&gt;</p>", "put together by hand, it is text again"
    assert isinstance(words("a"), Markup)


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"class_": "a"}, ' class="a"'),
        ({"text_anchor": "end"}, ' text-anchor="end"'),
        ({"open": True}, " open"),
        ({"open": False, "id": None}, ""),
        ({"x": 0}, ' x="0"'),
        ({"x": 0.0}, ' x="0"'),
        ({"x": -0.001}, ' x="0"'),
        ({"x": 100}, ' x="100"'),
        ({"x": 10.50}, ' x="10.5"'),
        ({"x": 1 / 3}, ' x="0.33"'),
        ({"x": -1e-9}, ' x="0"'),
        ({"x": 1e6}, ' x="1000000"'),
        ({"id": ""}, ' id=""'),
    ],
)
def test_attributes(attributes: dict[str, str | float | bool | None], expected: str) -> None:
    assert tag("g", **attributes) == f"<g{expected}></g>"


def test_elements_without_an_end() -> None:
    assert tag("meta", charset="utf-8") == '<meta charset="utf-8">'
