"""The page as a whole. It asks nothing of any network, runs no script, and says so to the browser."""

from __future__ import annotations

from importlib.resources import files

from ..result import Evaluation
from .blocks import Section
from .consistent import check_consistent
from .facts import data, method
from .figures import languages, queries, tradeoff
from .losses import losses
from .markup import Markup, group, tag
from .opening import gains, lead, opening
from .scores import scores
from .tables import costs, results

__all__ = ["POLICY", "render_report"]

POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
"""What the browser is told to allow: the style sheet in the page, and nothing else."""

_SHEETS = ("page.css", "drawings.css")


def render_report(evaluation: Evaluation) -> str:
    """The evaluation as one HTML document: no scripts, no network, light and dark, printable. The same for the same evaluation.

    Raises InputError where parts of the evaluation do not fit one another.
    """
    check_consistent(evaluation)
    parts = [build(evaluation) for build in (gains, results, tradeoff, costs, queries, languages, scores, losses, data, method)]
    shown = [part for part in parts if part is not None]
    return f"<!doctype html>\n{tag('html', _head(evaluation), _body(evaluation, shown), lang='en')}\n"


def _head(evaluation: Evaluation) -> Markup:
    folder = files(__package__)
    # The style sheet is ours, and holds no "<": as text of an element it is already what it must be.
    styles = "\n".join(folder.joinpath(name).read_text(encoding="utf-8") for name in _SHEETS)
    title = f"{lead(evaluation.verdict)[0].removesuffix(':')} \u2013 {evaluation.data.name}"
    return tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", **{"http-equiv": "Content-Security-Policy", "content": POLICY}),
        tag("meta", name_="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name_="color-scheme", content="light dark"),
        tag("meta", name_="generator", content="adjudge report"),
        tag("title", title),
        tag("style", Markup(styles)),
    )


def _body(evaluation: Evaluation, sections: list[Section]) -> Markup:
    contents = tag("nav", *(tag("a", one.name, href=f"#{one.anchor}") for one in sections), aria_label="Contents", class_="contents")
    main = tag("main", opening(evaluation), contents, *(one.body for one in sections))
    foot = tag("footer", tag("p", "Made by ", tag("code", "adjudge report"), ".", class_="under"))
    return tag("body", group(main, foot))
