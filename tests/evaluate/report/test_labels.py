"""Names beside points."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from adjudge.evaluate.report.labels import Label, place_labels
from adjudge.evaluate.report.svg import Frame, shorten, text_width

FRAME = Frame(0.0, 0.0, 400.0, 300.0)


def corner(placed: str) -> tuple[float, float]:
    found = re.search(r'x="([-\d.]+)" y="([-\d.]+)"', placed)
    assert found is not None
    return float(found[1]), float(found[2])


def test_a_lone_name_stands_at_the_right_and_above() -> None:
    (placed,) = place_labels([Label("embedded", (100.0, 100.0), "name")], FRAME)
    x, y = corner(placed)
    assert x > 100
    assert y < 100


def test_at_the_border_it_turns_round() -> None:
    (placed,) = place_labels([Label("embedded", (395.0, 100.0), "name")], FRAME)
    assert 'text-anchor="end"' in placed


def test_what_is_taken_is_left_free() -> None:
    taken = [((100.0, 60.0), (300.0, 97.0))]
    (placed,) = place_labels([Label("embedded", (100.0, 100.0), "name")], FRAME, taken=taken)
    x, y = corner(placed)
    assert not (x > 100 and y < 97)


@settings(deadline=None)
@given(st.text(max_size=80), st.floats(20, 300))
def test_a_shortened_name_fits(name: str, room: float) -> None:
    short = shorten(name, room)
    assert text_width(short) <= room or short == "…"
    assert short == name or "…" in short


def test_both_ends_of_a_name_are_kept() -> None:
    short = shorten("cross-encoder/ms-marco-MiniLM-L6-v2", 120.0)
    assert short.startswith("cross")
    assert short.endswith("v2")


def test_wide_characters_count_twice_and_accents_not_at_all() -> None:
    assert text_width("熊猫") > text_width("ab") * 1.5
    assert text_width("e\u0301") == text_width("e")
