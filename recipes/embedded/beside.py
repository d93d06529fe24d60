"""Step 5b, second half: passages of the question's own language among the lists across languages.

    python -m recipes.embedded.beside DATA WORK [--judge embedded] [--model embedded]

A search over pages of several languages brings a reader pages of his own, and a judge that was taught only among pages of the answer's
language learns to prefer whatever is foreign (docs/experiments.md). So the lists of WORK/across.jsonl get passages of the wording's own
language: the nearest by the bi-encoder, none that any wording of the question is known to be answered by, none that the judge, who reads
them within one language, puts near the answer; its logits are the teacher's scores, as they are of the rest of the list.

Writes WORK/groups/beside.jsonl.gz and beside-held-out.jsonl.gz, directions in equal parts as far as they reach.
"""

from __future__ import annotations

import argparse
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from adjudge import Reranker
from adjudge.backends.base import Floats
from adjudge.retrieval.dense import Embedder
from recipes.embedded.across import Asked, held_texts, questions
from recipes.embedded.common import excerpt, existing, read_rows, settings, write_rows
from recipes.embedded.faq import all_pages, kept_back
from recipes.embedded.mine import interleave
from recipes.embedded.subjects import all_pairs
from recipes.embedded.subjects import kept_back as pair_kept_back
from recipes.embedded.translations import written_items

Row = dict[str, Any]
BLOCK = 96
"""Questions judged at once."""


@dataclass(frozen=True, slots=True)
class Wording:
    """One question in one language that is not its passage's, and its list."""

    query: str
    lang: str
    passage: str
    passage_lang: str
    documents: list[Row]
    forbidden: frozenset[str]  # passages that answer it, in whatever language
    name: str


def wordings(asked: Sequence[Asked], made: dict[str, Row], rows: Iterable[Row]) -> list[Wording]:
    """Every wording in another language, with what may not stand beside its answer."""
    answers: dict[str, set[str]] = {}
    for row in rows:
        answers.setdefault(row["query"], set()).add(row["positive"])
    families: dict[str, set[str]] = {}
    for one in asked:
        said = [one.query, *(query for _, query in one.others)]
        families.setdefault(one.name[:12], set()).update({one.passage}, *(answers.get(query, set()) for query in said))
    return [
        Wording(query, lang, one.passage, one.lang, made[one.name]["documents"], frozenset(families[one.name[:12]]), one.name)
        for one in asked
        if len(made.get(one.name, {"documents": []})["documents"]) > 1
        for lang, query in one.others
        if lang != one.lang
    ]


def pool(rows: Iterable[Row], asked: Sequence[Asked], sources: Sequence[str], most: int, seed: int) -> dict[str, list[str]]:
    """Passages that may stand beside an answer, by language, at most `most` each; nothing that is kept back."""
    found: dict[str, dict[str, None]] = {}
    for one in asked:
        found.setdefault(one.lang, {})[one.passage] = None
    for row in rows:
        if row["source"] in sources:
            found.setdefault(row["passage_lang"], {})[row["positive"]] = None
    for page in all_pages():
        if not kept_back(page):
            found.setdefault(page["lang"], {}).update(dict.fromkeys(entry["answer"] for entry in page["entries"]))
    for pair in all_pairs():
        for passage in (passage for subject in pair if not pair_kept_back(pair) for passage in subject["passages"]):
            found.setdefault(passage["lang"], {})[passage["text"]] = None
    draw = random.Random(seed)
    return {lang: draw.sample(list(texts), min(most, len(texts))) for lang, texts in sorted(found.items())}


def drawn(found: Sequence[Wording], count: int, seed: int) -> list[Wording]:
    """`count` of them (0: all), one direction after the other."""
    rows = [{"query_lang": one.lang, "passage_lang": one.passage_lang, "it": one} for one in found]
    mixed = [row["it"] for row in interleave(rows, random.Random(seed))]
    return mixed[:count] if count else mixed


def nearest(
    chosen: Sequence[Wording], texts: dict[str, list[str]], vectors: dict[str, Floats], wanted: Row, embedder: Embedder
) -> list[list[str]]:
    """For each wording the passages of its own language most like it that may stand there. `vectors`: of the texts, by language."""
    asking = embedder.embed([one.query for one in chosen], kind="query")
    answering = embedder.embed([one.passage for one in chosen], kind="document")
    return [_near(*each, texts, vectors, wanted) for each in zip(chosen, asking, answering, strict=True)]


def _near(
    one: Wording, asking: Floats, answering: Floats, texts: dict[str, list[str]], vectors: dict[str, Floats], wanted: Row
) -> list[str]:
    own = texts.get(one.lang, [])
    if not own:
        return []
    order = np.argsort(-(vectors[one.lang] @ asking), kind="stable")
    twins = vectors[one.lang] @ answering >= wanted["twin"]
    usable = (own[int(i)] for i in order if not twins[i] and own[int(i)] not in one.forbidden)
    return [text for text, _ in zip(usable, range(wanted["judged"]), strict=False)]


def lists(chosen: Sequence[Wording], near: Sequence[list[str]], wanted: Row, judge: Reranker) -> Iterator[Row]:
    """The list of each wording with the hardest of these passages, and one of the rest, in it."""
    for first in range(0, len(chosen), BLOCK):
        block = list(zip(chosen[first : first + BLOCK], near[first : first + BLOCK], strict=True))
        told = [_excerpts(one, texts, wanted["sizes"], wanted["seed"]) for one, texts in block]
        pairs = [(one.query, text) for (one, _), texts in zip(block, told, strict=True) for text in texts]
        logits = iter(judge.score(pairs, normalize=False) if pairs else [])
        for (one, _), texts in zip(block, told, strict=True):
            yield _list(one, [(text, round(float(next(logits)), 4)) for text in texts], wanted)


def _excerpts(one: Wording, texts: Sequence[str], sizes: Sequence[Sequence[float]], seed: int) -> list[str]:
    draw = random.Random(f"{seed}:{one.name}:{one.lang}")
    latin, han = draw.choices([size[1:] for size in sizes], [size[0] for size in sizes])[0]
    return list(dict.fromkeys(excerpt(text, draw, latin=int(latin), han=int(han), anywhere=True) for text in texts))


def _list(one: Wording, scored: Sequence[tuple[str, float]], wanted: Row) -> Row:
    taught = "score" in one.documents[0]
    # Where the judge misread the list itself it is no measure; then only what it calls no answer at all may stand there.
    own = one.documents[0]["score"] if taught else 0.0
    usable = sorted((entry for entry in scored if entry[1] < own - wanted["veto"]), key=lambda entry: -entry[1])
    hardest, rest = usable[: wanted["hardest"]], usable[wanted["hardest"] :]
    taken = hardest + random.Random(f"beside {one.name} {one.lang}").sample(rest, min(wanted["drawn"], len(rest)))
    added = [{"text": text, "grade": 0.0} | ({"score": said} if taught else {}) for text, said in taken]
    return {"query": one.query, "documents": [*one.documents, *added], "source": "beside", "lang": f"{one.lang}-{one.passage_lang}"}


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=existing)
    parser.add_argument("work", type=existing)
    parser.add_argument("--judge", default="embedded", help="the teacher")
    parser.add_argument("--model", default="embedded", help="whose bi-encoder proposes")
    arguments = parser.parse_args()
    values = settings()
    wanted = values["beside"]
    made = {row["name"]: row for row in read_rows(arguments.work / "across.jsonl")}
    rows = list(read_rows(arguments.data / "positives.jsonl.gz"))
    held = held_texts(rows, values["mix"])
    asked = questions(rows, written_items(), held)
    texts = pool((row for row in rows if row["positive"] not in held), [one for one in asked if not one.kept], **wanted["pool"])
    print({lang: len(own) for lang, own in texts.items()}, flush=True)
    folder = arguments.work / values["folders"]["groups"]
    with Embedder(arguments.model) as embedder, Reranker(arguments.judge) as judge:
        vectors = {lang: embedder.embed(own, kind="document") for lang, own in texts.items()}
        for name, kept, count in (("beside-held-out", True, 0), ("beside", False, wanted["lists"])):
            sought = drawn(wordings([one for one in asked if one.kept == kept], made, rows), count, wanted["seed"])
            out = list(lists(sought, nearest(sought, texts, vectors, wanted, embedder), wanted, judge))
            random.Random(wanted["seed"]).shuffle(out)
            print(
                f"{name}: {write_rows(folder / f'{name}.jsonl.gz', out)} lists,",
                Counter(row["lang"] for row in out).most_common(),
                flush=True,
            )


if __name__ == "__main__":
    main()
