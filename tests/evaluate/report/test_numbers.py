"""Numbers as they are written."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from adjudge.evaluate.report.numbers import chance, count, measure, milliseconds, plain, share, signed, signed_tick, size, time_tick

MINUS = "\u2212"


@pytest.mark.parametrize(
    ("write", "value", "expected"),
    [
        (measure, 0.68449, "0.684"),
        (measure, 1.0, "1.000"),
        (signed, 0.16, "+0.160"),
        (signed, -0.0312, f"{MINUS}0.031"),
        (signed, 0.0004, "0.000"),
        (signed, -0.0004, "0.000"),
        (signed, 0.0, "0.000"),
        (signed_tick, -0.05, f"{MINUS}0.05"),
        (signed_tick, 1.0, "+1"),
        (signed_tick, 0.0, "0"),
        (milliseconds, 0.0, "0 ms"),
        (milliseconds, 0.0421, "0.042 ms"),
        (milliseconds, 0.996, "1.0 ms"),
        (milliseconds, 4.26, "4.3 ms"),
        (milliseconds, 9.96, "10 ms"),
        (milliseconds, 41.3, "41 ms"),
        (milliseconds, 860.0, "860 ms"),
        (milliseconds, 999.6, "1.0 s"),
        (milliseconds, 12_345.0, "12 s"),
        (milliseconds, 3_600_000.0, "3,600 s"),
        (time_tick, 300.0, "300 ms"),
        (time_tick, 2000.0, "2 s"),
        (time_tick, 0.1, "0.1 ms"),
        (size, 84.4, "84 MiB"),
        (size, 1228.8, "1.2 GiB"),
        (share, 0.0, "0\u00a0%"),
        (share, 0.003, "0.3\u00a0%"),
        (share, 0.93, "93\u00a0%"),
        (share, 0.9961, "99.6\u00a0%"),
        (share, 1.0, "100\u00a0%"),
        (chance, 0.0004, "< 0.001"),
        (chance, 0.0314, "= 0.031"),
        (chance, 1.0, "= 1.000"),
        (plain, -2.0, f"{MINUS}2"),
        (plain, 0.30000000000000004, "0.3"),
    ],
)
def test_written(write: Callable[[float], str], value: float, expected: str) -> None:
    assert write(value) == expected


@pytest.mark.parametrize(("value", "expected"), [(0.99999, "> 99.9\u00a0%"), (0.0001, "< 0.1\u00a0%")])
def test_a_share_claims_neither_all_nor_nothing(value: float, expected: str) -> None:
    assert share(value) == expected


def test_counts() -> None:
    assert (count(0), count(12345)) == ("0", "12,345")
