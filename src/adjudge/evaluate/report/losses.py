"""The queries that reranking made worst, both lists side by side: what the judge fell for."""

from __future__ import annotations

from collections.abc import Sequence

from ..result import Comparison, Evaluation, Loss, ShownDocument
from .blocks import Section, section
from .markup import Markup, group, tag
from .numbers import measure, plain

__all__ = ["losses"]


def losses(evaluation: Evaluation) -> Section | None:
    """Of every reranker; those of the first one are open, others behind a click."""
    found = [one for one in evaluation.comparisons if one.kind == "gain" and one.worst_losses]
    if not found:
        return None
    main = evaluation.settings.main
    note = (
        f"The queries whose {main} fell most, with the beginnings of their first documents. Look whether the judge was wrong, or the "
        "judgements are: a better document that nobody judged counts as a loss too."
    )
    lists = [_of_system(one, main, opened=at == 0) for at, one in enumerate(found)]
    return section("losses", "The worst losses, side by side", tag("p", note, class_="under"), _key(), *lists, name="Losses")


def _of_system(found: Comparison, main: str, *, opened: bool) -> Markup:
    number = len(found.worst_losses)
    summary = f"{found.system}: {'the worst query' if number == 1 else f'the {number} worst queries'} of {found.losses} that got worse"
    cards = [_card(loss, found, main) for loss in found.worst_losses]
    return tag("details", tag("summary", summary), *cards, class_="losses", open=opened)


def _card(loss: Loss, found: Comparison, main: str) -> Markup:
    fell = f"{main} {measure(loss.before)} \u2192 {measure(loss.after)} · {loss.language} · query\u00a0"
    return tag(
        "article",
        tag("h3", loss.text if loss.text.strip() else "(an empty query)", class_="query", dir="auto"),
        tag("p", fell, tag("bdi", loss.query), class_="under"),
        tag(
            "div",
            _list(found.baseline, loss.top_before, was=False),
            _list(found.system, loss.top_after, was=True),
            class_="sides",
        ),
        class_="loss",
    )


def _list(system: str, documents: Sequence[ShownDocument], *, was: bool) -> Markup:
    items = [_document(one, was=was) for one in documents]
    shown = tag("ol", *items) if items else tag("p", "Nothing was found.", class_="under")
    return tag("div", tag("h4", "After: " if was else "Before: ", tag("bdi", system)), shown)


def _document(one: ShownDocument, *, was: bool) -> Markup:
    kind, said = _judged(one)
    score = [] if one.score is None else [tag("span", f"score {plain(float(f'{one.score:.4g}'))}")]
    about = [tag("span", said, class_="judged"), tag("span", _moved(one, was=was)), *score, tag("bdi", one.id, class_="id")]
    text = one.text if one.text.strip() else "(an empty document)"
    return tag(
        "li",
        tag("span", str(one.rank), class_="place"),
        tag("div", tag("p", *_spaced(about), class_="meta"), tag("p", text, class_="text", dir="auto")),
        data_judged=kind,
    )


def _judged(one: ShownDocument) -> tuple[str, str]:
    if one.grade is None:
        return "unknown", "not judged"
    if not one.relevant:
        return "irrelevant", "not relevant"
    return "relevant", "relevant" if one.grade == 1 else f"relevant, grade {plain(one.grade)}"


def _moved(one: ShownDocument, *, was: bool) -> str:
    """Where it stands in the other list."""
    if one.other_rank is None:
        return "new here" if was else "drops out"
    if one.other_rank == one.rank:
        return "same place"
    if was:
        return f"{'up' if one.other_rank > one.rank else 'down'} from {one.other_rank}"
    return f"{'falls' if one.other_rank > one.rank else 'rises'} to {one.other_rank}"


def _spaced(parts: Sequence[Markup]) -> list[str]:
    return [piece for part in parts for piece in (part, " ")][:-1]


def _key() -> Markup:
    kinds = (("relevant", "relevant"), ("irrelevant", "judged, and not relevant"), ("unknown", "not judged"))
    return tag("p", *(tag("span", group(tag("i", data_judged=kind), name)) for kind, name in kinds), class_="legend key")
