"""How the report writes numbers: measures, differences, times, sizes, counts. The minus is a real one."""

from __future__ import annotations

__all__ = ["chance", "count", "counted", "measure", "milliseconds", "plain", "share", "signed", "signed_tick", "size", "time_tick"]


def measure(value: float) -> str:
    """0.684"""
    return _minus(f"{value:.3f}")


def signed(value: float) -> str:
    """+0.161; what rounds to nothing has no sign."""
    text = f"{value:+.3f}"
    return "0.000" if float(text) == 0 else _minus(text)


def milliseconds(value: float) -> str:
    """0.42 ms, 41 ms, 1.3 s: two or three digits that count."""
    if value >= 999.5:
        return f"{_digits(value / 1000)} s"
    return f"{_digits(value)} ms"


def size(mib: float) -> str:
    """84 MiB, 1.2 GiB"""
    return f"{_digits(mib / 1024)} GiB" if mib >= 1000 else f"{mib:.0f} MiB"


def count(value: int) -> str:
    """12,345"""
    return f"{value:,}"


def counted(value: int, one: str, several: str) -> str:
    """1 query, 12,345 queries"""
    return f"{count(value)} {one if value == 1 else several}"


def share(value: float) -> str:
    """93 %, but 99.6 % where rounding would claim all of it, and 0.3 % where it would deny it."""
    if 0.9995 < value < 1:
        return "> 99.9\u00a0%"
    if 0 < value < 0.0005:
        return "< 0.1\u00a0%"
    percent = 100 * value
    rounded = f"{percent:.1f}" if 0 < percent < 1 or 99 < percent < 100 else f"{percent:.0f}"
    return f"{rounded}\u00a0%"


def chance(p: float) -> str:
    """A p-value: = 0.031, or < 0.001."""
    return "< 0.001" if p < 0.001 else f"= {p:.3f}"


def plain(value: float) -> str:
    """A tick: no more digits than it takes."""
    return _minus(f"{value:.6g}")


def signed_tick(value: float) -> str:
    """A tick of an axis of differences: +0.05, 0"""
    return "0" if value == 0 else _minus(f"{value:+.6g}")


def time_tick(value: float) -> str:
    """A tick of an axis of times: 300 ms, 1 s"""
    return f"{value / 1000:g} s" if value >= 1000 else f"{value:g} ms"


def _digits(value: float) -> str:
    if value >= 9.95:
        return f"{value:,.0f}"
    if value >= 0.995:
        return f"{value:.1f}"
    return f"{value:.2g}" if value > 0 else "0"


def _minus(text: str) -> str:
    return text.replace("-", "\u2212")
