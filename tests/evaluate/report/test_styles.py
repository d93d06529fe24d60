"""The style sheets: what is written can be read in both themes, and every class that a drawing uses has a rule."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

from adjudge.evaluate.report import render_report
from tests.evaluate.report.sample import LOSSES, Shape, evaluation

FOLDER = files("adjudge.evaluate.report")
STYLES = "\n".join(FOLDER.joinpath(name).read_text(encoding="utf-8") for name in ("page.css", "drawings.css"))
PAIRS = (
    dict(re.findall(r"--([\w-]+): light-dark\((#\w{6}), #\w{6}\)", STYLES)),
    dict(re.findall(r"--([\w-]+): light-dark\(#\w{6}, (#\w{6})\)", STYLES)),
)


def luminance(colour: str) -> float:
    """WCAG 2's relative luminance."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", PAIRS, ids=["light", "dark"])
@pytest.mark.parametrize("ground", ["paper", "sheet"])
@pytest.mark.parametrize("ink", ["ink", "muted", "accent", "alarm", "s2", "s3", "s4", "s5", "s6", "s7"])
def test_text_can_be_read(theme: dict[str, str], ground: str, ink: str) -> None:
    assert contrast(theme[ink], theme[ground]) >= 4.5


@pytest.mark.parametrize("theme", PAIRS, ids=["light", "dark"])
def test_bars_stand_out(theme: dict[str, str]) -> None:
    assert contrast(theme["vector"], theme["paper"]) >= 2.5
    assert contrast(theme["ink"], theme["alarm-tint"]) >= 7


def test_every_variable_is_defined() -> None:
    used, defined = set(re.findall(r"var\(--([\w-]+)", STYLES)), set(re.findall(r"--([\w-]+):", STYLES))
    assert used <= defined


def test_every_class_of_a_page_has_a_rule_and_every_rule_a_use() -> None:
    shape = Shape(rerankers=(("a", 0.2, 9.0), ("b", -0.1, 20.0), ("c", 0.0, 30.0)), losses=LOSSES, warnings=("Look out.",))
    page = render_report(evaluation(shape))
    body = page[page.index("<body") :]
    used = {name for value in re.findall(r'class="([^"]+)"', body) for name in value.split()}
    ruled = set(re.findall(r"\.([a-z][\w-]*)", re.sub(r"/\*.*?\*/", "", STYLES, flags=re.S)))
    assert used - ruled == set()
    assert ruled - used <= {f"s{n}" for n in range(8)} | {"hollow", "front", "problems"}
