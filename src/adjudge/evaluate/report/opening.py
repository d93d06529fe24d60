"""The top of the page: the verdict, the gains that it rests on, and what must be known before one believes it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from ..result import Comparison, ComparisonKind, DataFacts, Evaluation, Verdict, VerdictKind
from .blocks import Section, figure, notice, section, two_widths
from .drawings.gains import draw_gains
from .markup import Markup, group, tag
from .numbers import count, counted, plain, share

__all__ = ["date", "gains", "lead", "opening"]


_MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"]
"""Not strftime's, which are in the language of whoever makes the page."""

_OUTCOMES: Mapping[VerdictKind, str] = {
    "helps": "Helps",
    "does_not_help": "Does not help",
    "hurts": "Hurts",
    "cannot_tell": "Cannot tell",
}


def opening(evaluation: Evaluation) -> Markup:
    """Verdict, data in a line, and warnings."""
    verdict, data = evaluation.verdict, evaluation.data
    first, rest = lead(verdict)
    sentence = [tag("span", first, class_="lead"), *([" ", tag("span", rest, class_="rest")] if rest else [])]
    several = len(evaluation.rerankers) > 1 and verdict.system
    about = [tag("p", "This is about ", tag("bdi", verdict.system), ", the first reranker named.")] if several else []
    return tag(
        "header",
        tag("p", _mark(), tag("span", f"Evaluation of {data.name}"), tag("span", date(evaluation.created), class_="when"), class_="over"),
        tag("h1", *sentence, data_kind=verdict.kind),
        *about,
        tag("p", _data_line(data, evaluation.settings.candidates), class_="under"),
        *_warnings(evaluation),
        class_="opening",
    )


def lead(verdict: Verdict) -> tuple[str, str]:
    """The sentence as what it says and the numbers for it: what stands before its first colon or semicolon, and the rest."""
    for border in (": ", "; "):
        first, found, rest = verdict.sentence.partition(border)
        if found:
            return f"{first}{border.strip()}", re.sub(r"(?<=[ (])-(?=\d)", "\u2212", rest.replace(" -> ", " \u2192 "))
    return verdict.sentence, ""


def date(created: str) -> str:
    """22 November 2026, 11:42 UTC; a text that is no date as it is."""
    try:
        when = datetime.fromisoformat(created)
    except ValueError:
        return created
    if when.tzinfo is not None:
        when = when.astimezone(UTC)
    return f"{when.day} {_MONTHS[when.month - 1]} {when:%Y, %H:%M} UTC"


def gains(evaluation: Evaluation) -> Section | None:
    """All comparisons with the first stage, then those among rerankers."""
    against_first, among = (_of_kind(evaluation, kind) for kind in ("gain", "rival"))
    if not against_first:
        return None
    main = evaluation.settings.main
    title = f"Change in {main} against {evaluation.first_stage.name} alone"
    parts = [_figure(against_first, evaluation, title, caption=_how_to_read(against_first, evaluation))]
    if len(against_first) > 1:
        parts.append(_outcomes(against_first))
    if among:
        title = f"Change in {main} against {among[0].baseline}, the first reranker"
        parts.append(_figure(among, evaluation, title, caption="To be read in the same way."))
    return section("gain", "How much, and how sure", *parts, name="Gain")


def _of_kind(evaluation: Evaluation, kind: ComparisonKind) -> list[Comparison]:
    main = evaluation.settings.main
    return [found for found in evaluation.comparisons if found.kind == kind and main in found.changes]


def _figure(comparisons: Sequence[Comparison], evaluation: Evaluation, title: str, *, caption: str) -> Markup:
    settings = evaluation.settings

    def draw(width: float) -> Markup:
        return draw_gains(comparisons, settings.main, least_gain=settings.least_gain, width=width)

    return figure(two_widths(draw), caption, title=title)


def _how_to_read(comparisons: Sequence[Comparison], evaluation: Evaluation) -> str:
    settings = evaluation.settings
    queries = max(found.changes[settings.main].queries for found in comparisons)
    worth = f" Within the band, less than {plain(settings.least_gain)}, a change is not worth having." if settings.least_gain > 0 else ""
    return (
        f"A dot is the mean difference over {counted(queries, 'query', 'queries')}, its line the 95\u00a0% interval (paired bootstrap, "
        f"{count(settings.resamples)} resamples). An interval that holds zero does not tell which of the two is better.{worth}"
    )


def _outcomes(comparisons: Sequence[Comparison]) -> Markup:
    """Which rerankers help, which do not, and of which it cannot be told: corrected for their number, which intervals are not."""
    named = {kind: [found.system for found in comparisons if found.verdict.kind == kind] for kind in _OUTCOMES}
    rows = [tag("li", tag("strong", f"{_OUTCOMES[kind]}: "), ", ".join(names), data_kind=kind) for kind, names in named.items() if names]
    return tag("ul", *rows, class_="outcomes")


def _data_line(data: DataFacts, candidates: int) -> str:
    reach = data.recall_of_candidates
    others = "." if reach == 1 else ": no reranker can find the others."
    ceiling = "" if reach is None else f" They hold {share(reach)} of all relevant documents{others}"
    return (
        f"{counted(data.queries, 'judged query', 'judged queries')}, {counted(data.documents, 'document', 'documents')}, "
        f"{counted(data.judgements, 'judgement', 'judgements')}; {counted(candidates, 'candidate', 'candidates')} of each query.{ceiling}"
    )


def _warnings(evaluation: Evaluation) -> list[Markup]:
    lines: list[str] = list(evaluation.warnings)
    lines += [f"{system.name}: {warning}" for system in evaluation.systems for warning in system.warnings]
    if problems := len(evaluation.data.problems):
        one = problems == 1
        link = tag("a", f"{problems} {'kind' if one else 'kinds'} of problem in the data", href="#data")
        lines.append(group(link, f" {'was' if one else 'were'} found, and not repaired."))
    return [notice("Know before you trust these numbers", lines)] if lines else []


def _mark() -> Markup:
    """The project's sign."""
    return tag(
        "svg",
        tag("rect", width=32, height=32, rx=7, class_="mark-ground"),
        tag("path", d="M6 9.5 C15 9.5 17 22.5 26 22.5", class_="mark-before"),
        tag("path", d="M6 22.5 C15 22.5 17 9.5 26 9.5", class_="mark-after"),
        viewBox="0 0 32 32",
        width=22,
        height=22,
        class_="mark",
        role="img",
        aria_label="adjudge",
    )
