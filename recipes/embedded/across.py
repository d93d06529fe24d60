"""Step 5b: lists that teach the fourth phase to read across languages what the judge already reads within one.

    python -m recipes.embedded.across DATA WORK [--judge embedded] [--model embedded]

Where question and passage share a language, the judge finds the answer among passages like it; put the question in another language, and
it finds fewer. So each question is mined in its passage's own language: negatives by that question, the hardest by the judge's own logit,
and that logit as a teacher's score (Hinton, Vinyals and Dean, 2015; across languages: Reimers and Gurevych, "Making monolingual sentence
embeddings multilingual using knowledge distillation", 2020). Then every wording of the question, in every language, gets the same list.

Writes WORK/across.jsonl, a list a question, to which a run that was stopped only adds what is missing, and WORK/groups/across.jsonl.gz and
across-held-out.jsonl.gz.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from adjudge import Reranker
from adjudge.retrieval.dense import Embedder
from adjudge.train.negatives import NegativeConfig, Question, Source, mine
from recipes.embedded.common import excerpt, existing, kept_rows, read_rows, settings, write_rows
from recipes.embedded.mine import MARKED, linked, select
from recipes.embedded.translations import key, translated, written_items

Row = dict[str, Any]
BLOCK = 48
"""Questions judged, and written, at once."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question in its passage's language, and the same question in others."""

    name: str  # of its list in WORK/across.jsonl
    query: str
    passage: str
    lang: str
    answer: str  # its words in the passage; "" where nobody marked them
    others: tuple[tuple[str, str], ...]  # (language, question)
    kept: bool = False  # never trained on


def questions(rows: Sequence[Row], items: Iterable[Row], held: frozenset[str]) -> list[Asked]:
    """All that are asked in two languages at least. `held`: passages and questions that are never trained on, nor what goes with them."""
    plain = [row for row in rows if row["source"] in MARKED and row["query_lang"] == row["passage_lang"]]
    known = {key(row): row for row in plain}
    wordings: dict[str, list[tuple[str, str]]] = {}
    found: list[Asked] = []
    for item in items:
        if item["of"] not in known:
            continue
        row = known[item["of"]]
        said = [(lang, query) for lang, queries in item["queries"].items() for query in queries]
        wordings.setdefault(item["of"], []).extend(one for one in said if one[0] != row["query_lang"])
        for lang, text in item.get("passage", {}).items():
            own = [query for spoken, query in said if spoken == lang][:1]
            rest = [(row["query_lang"], row["query"]), *(one for one in said if one[0] != lang)]
            found += [Asked(f"{item['of']}-{lang}", query, text, lang, "", tuple(rest)) for query in own]
    for name, crossed in _crossed(rows, plain).items():
        wordings.setdefault(name, []).extend(crossed)
    for name, others in wordings.items():
        row = known[name]
        found.append(Asked(name, row["query"], row["positive"], row["query_lang"], row.get("answer", ""), tuple(dict.fromkeys(others))))
    told = [one for one in (_sorted_out(one, known[one.name[:12]], held) for one in found if one.others) if one is not None]
    return sorted(told, key=lambda one: one.name)


def held_texts(rows: Sequence[Row], mix: Row) -> frozenset[str]:
    """Questions and passages that `mine` keeps back, and all that is joined to them."""
    every = [*rows, *translated(rows).rows]
    return linked(select(every, mix, 1.0).held_out, every)


def _sorted_out(one: Asked, row: Row, held: frozenset[str]) -> Asked | None:
    """To train on, kept back with its row, or None: a wording that is somebody else's kept question may be neither trained on nor kept."""
    if held & {row["positive"], row["query"]}:
        return replace(one, kept=True)
    return None if held & {one.passage, one.query, *(query for _, query in one.others)} else one


def _crossed(rows: Sequence[Row], plain: Sequence[Row]) -> dict[str, list[tuple[str, str]]]:
    """Questions that the data itself has in another language; where several ask about one passage, which is which cannot be told."""
    about: dict[str, list[Row]] = {}
    for row in plain:
        about.setdefault(row["positive"], []).append(row)
    found: dict[str, list[tuple[str, str]]] = {}
    for row in rows:
        own = about.get(row["positive"], [])
        if row["source"] in MARKED and row["query_lang"] != row["passage_lang"] and len(own) == 1:
            found.setdefault(key(own[0]), []).append((row["query_lang"], row["query"]))
    return found


def near(asked: Sequence[Asked], others: Iterable[Row], wanted: Row, model: str) -> tuple[list[Source], list[list[int]]]:
    """The corpus, and for each question the passages of its own language most like it, those that hold its answer left out."""
    spoken = {one.passage: one.lang for one in asked} | {row["positive"]: row["passage_lang"] for row in others}
    corpus = [Source(text=text, lang=lang) for text, lang in spoken.items()]
    place = {source.text: at for at, source in enumerate(corpus)}
    same: dict[str, set[int]] = {}
    for one in asked:
        same.setdefault(one.query, set()).add(place[one.passage])
    sought = [
        Question(text=one.query, lang=one.lang, positives=(place[one.passage], *same[one.query] - {place[one.passage]})) for one in asked
    ]
    with Embedder(model) as embedder:
        vectors = embedder.embed([source.text for source in corpus], kind="document")
        asking = embedder.embed([one.query for one in asked], kind="query")
    # No margin: what the bi-encoder puts above the answer is what the judge has to learn; the marked answer tells what is right.
    config = NegativeConfig(lexical_depth=wanted["lexical_depth"], dense_depth=wanted["dense_depth"], margin=-1.0)
    mined = mine(sought, corpus, query_vectors=asking, vectors=vectors, config=config)
    print(mined.statistics, flush=True)
    kept = [
        [c.index for c in found if not _holds(corpus[c.index].text, one.answer)] for one, found in zip(asked, mined.candidates, strict=True)
    ]
    return corpus, [found[: wanted["judged"]] for found in kept]


def _holds(text: str, answer: str) -> bool:
    return bool(answer) and answer.casefold() in text.casefold()


def judged(
    asked: Sequence[Asked], corpus: Sequence[Source], candidates: Sequence[list[int]], wanted: Row, judge: Reranker
) -> Iterator[Row]:
    """A list a question: its passage, the hardest others by the judge, and some of the rest, each with the judge's logit."""
    for first in range(0, len(asked), BLOCK):
        block = range(first, min(first + BLOCK, len(asked)))
        texts = {at: _texts(asked[at], [corpus[i].text for i in candidates[at]], wanted) for at in block}
        pairs = [(asked[at].query, text) for at in block for text in texts[at]]
        logits = iter(judge.score(pairs, normalize=False))
        for at in block:
            yield _list(asked[at], [(text, round(next(logits), 4)) for text in texts[at]], wanted)


def _texts(one: Asked, others: Sequence[str], wanted: Row) -> list[str]:
    """Excerpts of one size, the answer's first."""
    draw = random.Random(f"{wanted['seed']}:{one.name}")
    latin, han = draw.choices([size[1:] for size in wanted["sizes"]], [size[0] for size in wanted["sizes"]])[0]
    right = excerpt(one.passage, draw, latin=latin, han=han, answer=one.answer, anywhere=bool(one.answer))
    wrong = [excerpt(text, draw, latin=latin, han=han, anywhere=True) for text in others]
    return list(dict.fromkeys([right, *wrong]))


def _list(one: Asked, scored: Sequence[tuple[str, float]], wanted: Row) -> Row:
    (right, own), *others = scored
    # Without a marked answer the judge is the only witness that a passage does not answer as well.
    usable = [entry for entry in others if one.answer or entry[1] < own - wanted["veto"]]
    ranked = sorted(usable, key=lambda entry: -entry[1])
    count = len(ranked) if one.kept else wanted["hardest"]
    hardest, rest = ranked[:count], ranked[count:]
    drawn = random.Random(f"rest {one.name}").sample(rest, min(wanted["drawn"], len(rest)))
    documents = [
        {"text": right, "grade": 1.0, "score": own},
        *({"text": text, "grade": 0.0, "score": said} for text, said in (*hardest, *drawn)),
    ]
    if any(document["score"] >= own for document in documents[1:]):  # a teacher that is wrong itself teaches nothing
        documents = [{name: value for name, value in document.items() if name != "score"} for document in documents]
    return {"name": one.name, "documents": documents}


def lists(asked: Sequence[Asked], made: dict[str, Row]) -> Iterator[Row]:
    """Each wording of each question with the list of that question.

    To train on, the one in the passage's own language only where the judge was wrong in it; to measure by, all.
    """
    for one in asked:
        documents = made[one.name]["documents"]
        if len(documents) < 2:
            continue
        said = [*one.others] if "score" in documents[0] and not one.kept else [(one.lang, one.query), *one.others]
        for lang, query in said:
            yield {"query": query, "documents": documents, "source": "across", "lang": f"{lang}-{one.lang}"}


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=existing)
    parser.add_argument("work", type=existing)
    parser.add_argument("--judge", default="embedded", help="the teacher")
    parser.add_argument("--model", default="embedded", help="whose bi-encoder proposes negatives")
    arguments = parser.parse_args()
    values = settings()
    wanted = values["across"]
    rows = list(read_rows(arguments.data / "positives.jsonl.gz"))
    asked = questions(rows, written_items(), held_texts(rows, values["mix"]))
    print(f"{len(asked)} questions, {sum(len(one.others) for one in asked)} wordings in other languages", flush=True)
    path = arguments.work / "across.jsonl"
    made = {row["name"]: row for row in kept_rows(path)}
    missing = [one for one in asked if one.name not in made]
    if missing:
        lent = [row for row in rows if row["source"] in MARKED]
        corpus, candidates = near(missing, lent, wanted, arguments.model)
        with Reranker(arguments.judge) as judge, path.open("a", encoding="utf-8") as file:
            for row in judged(missing, corpus, candidates, wanted, judge):
                made[row["name"]] = row
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
                file.flush()
    for name, kept in (("across-held-out", True), ("across", False)):  # the last says that the step is done
        out = list(lists([one for one in asked if one.kept == kept], made))
        random.Random(wanted["seed"]).shuffle(out)
        taught = sum("score" in row["documents"][0] for row in out)
        path = arguments.work / values["folders"]["groups"] / f"{name}.jsonl.gz"
        print(f"{path}: {write_rows(path, out)} lists, {taught} with a teacher", flush=True)


if __name__ == "__main__":
    main()
