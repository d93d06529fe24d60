"""Grades of judgements as files have them."""

from __future__ import annotations

from reprlib import repr as shown

from ..errors import InputError
from ..measures import GRADE_LIMIT

__all__ = ["grade_of", "whole_grade"]


def whole_grade(cell: str) -> int | None:
    """The grade in a cell, which may be written 1.0; None where it holds no number, as that of a header.

    Raises InputError for a number that is no grade.
    """
    try:
        float(cell)
    except ValueError:
        return None
    return grade_of(cell)


def grade_of(value: str | float) -> int:
    """A number as a grade. Raises InputError for one that is not whole, or is more than measures can take."""
    number = float(value)
    if not number.is_integer() or abs(number) > GRADE_LIMIT:
        raise InputError(f"the grade {shown(value)} is no whole number from {-GRADE_LIMIT} to {GRADE_LIMIT}, as nDCG's gains must be")
    return int(number)
