from __future__ import annotations

import json
from dataclasses import replace

import pytest

from adjudge.server.asks import PairsAnswer
from adjudge.server.protocols.dialect import Fault
from adjudge.server.protocols.rendering import (
    WARNINGS,
    everything_said,
    ranked_answer,
    retry_header,
    scored_answer,
    warning_header,
)
from adjudge.types import Refused
from tests.server.protocols.answers import ANSWER, RANKING, REFUSED

PAIRS = PairsAnswer(scores=(0.5,), score_type="sigmoid", tokens=3, model="m", request_id="r", created=1)


def test_all_that_has_to_be_said_is_said_in_order() -> None:
    assert everything_said(ANSWER) == ["said before", REFUSED]
    assert everything_said(replace(PAIRS, warnings=("a", "b"))) == ["a", "b"]


def test_a_flood_of_refusals_is_counted() -> None:
    many = tuple(Refused(index=i, reason="empty", message=f"document {i} is empty") for i in range(500))
    said = everything_said(replace(ANSWER, ranking=replace(RANKING, refused=many), warnings=()))
    assert len(said) == 11
    assert said[-1] == "not judged: 490 more"


def test_no_warnings_no_header() -> None:
    assert warning_header(PAIRS) == {}


@pytest.mark.parametrize("nasty", ["línea\r\nSet-Cookie: a=b", "熊猫", "\x7f\x00", "\ud800", '"quoted"'])
def test_the_header_is_one_line_of_ascii_that_reads_back(nasty: str) -> None:
    header = warning_header(replace(PAIRS, warnings=(nasty, "b")))[WARNINGS]
    assert all(" " <= c <= "~" for c in header)
    assert json.loads(header) == [nasty, "b"]


def test_a_long_header_keeps_what_fits_and_counts_the_rest() -> None:
    header = warning_header(replace(PAIRS, warnings=tuple(f"warning {i} " + "x" * 100 for i in range(100))))[WARNINGS]
    said = json.loads(header)
    assert len(header) <= 4000
    assert said[0].startswith("warning 0 ")
    assert said[-1] == f"and {100 - (len(said) - 1)} more"


def test_one_warning_that_is_too_long_is_only_counted() -> None:
    assert json.loads(warning_header(replace(PAIRS, warnings=("x" * 10_000,)))[WARNINGS]) == ["and 1 more"]


def test_retry_after_is_there_where_the_fault_says_when() -> None:
    assert retry_header(Fault(kind="overloaded", message="", retry_after=0)) == {"Retry-After": "0"}
    assert retry_header(Fault(kind="overloaded", message="")) == {}


def test_an_answer_of_the_wrong_kind_is_our_own_mistake() -> None:
    with pytest.raises(AssertionError, match="this is a bug"):
        ranked_answer(PAIRS)
    with pytest.raises(AssertionError, match="this is a bug"):
        scored_answer(ANSWER)
