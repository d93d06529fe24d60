"""Step 5b, last part: FAQ pages into training and held-back lists.

    python -m recipes.embedded.faq WORK [--model embedded] [--judge embedded]

Reads recipes/embedded/faq/*.jsonl (the project's own open data): a page has eight answers about one matter in one language, each to another
question. They share their words, and do not repeat their questions, so only what is asked tells which one answers. Every entry has two
questions in the page's language and two in others; beside the latter stand answers of other pages in the question's own language, none that
the judge takes for an answer. Writes WORK/groups/faq.jsonl.gz and faq-held-out.jsonl.gz.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from adjudge import Reranker
from adjudge.retrieval.dense import Embedder
from recipes.embedded.common import read_folder, settings, write_rows
from recipes.embedded.judgements import held_back

FOLDER = Path(__file__).with_name("faq")
READ = 3
"""Passages of the question's own language that the judge reads, the nearest by the bi-encoder that are no twins of the answer."""
LIMIT = -1.0
"""Logit above which such a passage may be an answer, and is left out."""
TWIN = 0.9
"""Cosine to the answer from which such a passage may be its translation."""

Row = dict[str, Any]


def all_pages(folder: Path = FOLDER) -> list[Row]:
    """Every page, in the order of the files."""
    return read_folder(folder)


def kept_back(page: Row) -> bool:
    """Whether a page belongs to the tenth that is never trained on."""
    return held_back(page["name"])


def own_lists(pages: Sequence[Row]) -> Iterator[Row]:
    """Each question in its page's language: its answer above the page's others."""
    for page in pages:
        for number, entry in enumerate(page["entries"]):
            for query in entry["questions"]:
                yield _list(query, page, number, [], page["lang"])


def crossed(pages: Sequence[Row]) -> Iterator[tuple[Row, int, str, str]]:
    """Page, number of the entry, language and question of all that is asked in another language."""
    for page in pages:
        for number, entry in enumerate(page["entries"]):
            for lang, query in entry["elsewhere"].items():
                yield page, number, lang, query


def crossed_lists(pages: Sequence[Row], embedder: Embedder, judge: Reranker) -> Iterator[Row]:
    """Each question in another language: the same, and answers of other pages in that language."""
    told = [(page, entry["answer"]) for page in pages for entry in page["entries"]]
    vectors = embedder.embed([answer for _, answer in told], kind="document")
    place = {answer: at for at, (_, answer) in enumerate(told)}
    asked = list(crossed(pages))
    asking = embedder.embed([query for *_, query in asked], kind="query")
    near = []
    for (page, number, lang, _), vector in zip(asked, asking, strict=True):
        twins = vectors @ vectors[place[page["entries"][number]["answer"]]]
        order = np.argsort(-(vectors @ vector), kind="stable")
        usable = (told[i][1] for i in order if told[i][0]["lang"] == lang and twins[i] < TWIN)
        near.append([text for text, _ in zip(usable, range(READ), strict=False)])
    pairs = [(query, text) for (*_, query), texts in zip(asked, near, strict=True) for text in texts]
    logits = iter(judge.score(pairs, normalize=False) if pairs else [])
    for (page, number, lang, query), texts in zip(asked, near, strict=True):
        wrong = [text for text in texts if next(logits) < LIMIT]
        yield _list(query, page, number, wrong, lang)


def _list(query: str, page: Row, number: int, beside: Sequence[str], lang: str) -> Row:
    """`beside`: answers of other pages. The page's other answers have the right term and cover nothing."""
    entry = page["entries"][number]
    documents: list[Row] = [{"text": entry["answer"], "grade": 1.0, "coverage": 1.0, "contradiction": 0.0, "terminology": 1.0}]
    for other, mate in enumerate(page["entries"]):
        if other != number and other not in entry["also"]:
            documents.append({"text": mate["answer"], "grade": 0.0, "coverage": 0.0, "terminology": 1.0})
    documents += [{"text": text, "grade": 0.0, "coverage": 0.0} for text in beside]
    unique: dict[str, Row] = {}
    for document in documents:
        unique.setdefault(document["text"], document)  # of equal texts the first stays
    return {"query": query, "documents": list(unique.values()), "source": "faq", "lang": f"{lang}-{page['lang']}"}


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    parser.add_argument("--judge", default="embedded", help="says what may be an answer after all")
    parser.add_argument("--model", default="embedded", help="whose bi-encoder proposes")
    arguments = parser.parse_args()
    out = arguments.work / settings()["folders"]["groups"]
    pages = all_pages()
    with Embedder(arguments.model) as embedder, Reranker(arguments.judge) as judge:
        for ending, kept in (("-held-out", True), ("", False)):  # the last says that the step is done
            chosen = [page for page in pages if kept_back(page) == kept]
            rows = [*own_lists(chosen), *crossed_lists(chosen, embedder, judge)] if chosen else []
            print(f"faq{ending}: {write_rows(out / f'faq{ending}.jsonl.gz', rows)} lists of {len(chosen)} pages", flush=True)


if __name__ == "__main__":
    main()
