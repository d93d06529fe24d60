"""The end of the page: the data and what is wrong with it, what the measures mean, and how to do it again."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..result import Environment, Evaluation, Problem
from .blocks import Section, listing, section
from .markup import Markup, tag
from .numbers import count, plain, share

__all__ = ["data", "meaning", "method"]

_MEANINGS = (
    (r"nDCG@(\d+)", "How near the first {0} come to the best order there is; relevant documents count more the higher they stand."),
    (r"nDCG", "How near the whole list comes to the best order there is; relevant documents count more the higher they stand."),
    (r"RR@(\d+)", "One over the place of the first relevant document: 1 for the first place, 0.5 for the second, 0 beyond the first {0}."),
    (r"RR", "One over the place of the first relevant document: 1 for the first place, 0.5 for the second."),
    (r"Success@1", "The share of queries whose first document is relevant."),
    (r"Success@(\d+)", "The share of queries with a relevant document among the first {0}."),
    (r"R@(\d+)", "The share of a query's relevant documents that are among the first {0}."),
    (r"P@(\d+)", "The share of the first {0} that is relevant."),
    (r"AP@(\d+)", "Average precision: the precision at each relevant document among the first {0}, averaged."),
    (r"AP", "Average precision: the precision at the place of each relevant document, averaged over all of them."),
)


def data(evaluation: Evaluation) -> Section:
    """What was evaluated on, and every problem that was found in it."""
    found = evaluation.data
    pairs = [
        ("Name", found.name),
        ("Format", found.format),
        ("Judged queries", count(found.queries)),
        ("Documents", count(found.documents)),
        ("Judgements", f"{count(found.judgements)}, {count(found.relevant)} of them relevant"),
    ]
    if found.recall_of_candidates is not None:
        pairs.append(("Relevant ones among the candidates", share(found.recall_of_candidates)))
    pairs.append(("SHA-256", found.digest))
    problems = [tag("h3", "Problems in it"), tag("ul", *(_problem(one) for one in found.problems), class_="problems")]
    return section("data", "The data", listing(pairs), *(problems if found.problems else []), name="Data")


def method(evaluation: Evaluation) -> Section:
    """Settings and machine, so that the numbers can be had again."""
    settings = evaluation.settings
    pairs = [
        ("First stage", settings.retriever),
        ("Rerankers", ", ".join(settings.rerankers) if settings.rerankers else "none"),
        ("Candidates of a query", count(settings.candidates)),
        ("Queries", "all" if settings.queries is None else f"{count(settings.queries)} drawn"),
        ("Measure that decides", settings.main),
        ("A change worth having", f"{plain(settings.least_gain)} or more"),
        ("Intervals and tests", f"{count(settings.resamples)} resamples, seed {settings.seed}"),
        ("Rerankers were timed", "in turns, query by query" if settings.interleaved else "one after the other"),
        *_machine(evaluation.machine),
    ]
    measures = [pair for name in settings.measures if (pair := (name, meaning(name)))[1]]
    explained = [tag("h3", "What the measures mean"), listing(measures)] if measures else []
    return section("method", "How it was done", listing(pairs), *explained, name="Method")


def meaning(measure: str) -> str:
    """A measure in plain words; nothing for one that is not known here."""
    bare = re.sub(r"\([^)]*\)", "", measure)
    for pattern, said in _MEANINGS:
        if (match := re.fullmatch(pattern, bare)) is not None:
            return said.format(*match.groups())
    return ""


def _machine(machine: Environment) -> Sequence[tuple[str, str]]:
    memory = "" if machine.memory_gib is None else f", {machine.memory_gib:.0f} GiB"
    versions = ", ".join(f"{package} {version}" for package, version in machine.versions.items())
    return (
        ("Machine", f"{machine.processor}, {machine.cores} {'core' if machine.cores == 1 else 'cores'}{memory}; {machine.system}"),
        ("Software", f"Python {machine.python}{', ' if versions else ''}{versions}"),
    )


def _problem(one: Problem) -> Markup:
    examples = [tag("small", "For example ", *_commas(one.examples))] if one.examples else []
    return tag("li", tag("strong", count(one.count)), " ", one.message, *examples)


def _commas(names: Sequence[str]) -> list[str]:
    return [piece for name in names for piece in (tag("code", tag("bdi", name)), ", ")][:-1]
