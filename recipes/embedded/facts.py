"""Step 3, fifth part: simple facts into training and held-back lists.

    python -m recipes.embedded.facts WORK

Reads recipes/embedded/facts/*.jsonl (the project's own open data): relations of several facts each ("capital of a country"), and of every
fact, in five languages, the question, its keywords, three sentences that answer (one begins with the answer, one ends with it, one says
more) and one about what is asked that does not. Sentences that begin with the answer are what a judge trained on excerpts takes for
something else; the same sentence about a neighbour of the relation is what it hardly tells apart. Writes WORK/groups/facts.jsonl.gz and
facts-held-out.jsonl.gz: a list for each language and each of its three answers, and one a language with the answer in another. Whole
relations are held back, since the facts of one are each other's wrong passages.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from recipes.embedded.common import LANGUAGES, read_folder, write_split
from recipes.embedded.judgements import held_back, labelled

FOLDER = Path(__file__).with_name("facts")
ANSWERS = ("first", "last", "longer")
NEIGHBOURS = 3

Row = dict[str, Any]


def all_facts(folder: Path = FOLDER) -> list[Row]:
    """Every fact, in the order of the files."""
    return read_folder(folder)


def kept_back(fact: Row) -> bool:
    """Whether a fact's relation belongs to the tenth that is never trained on."""
    return held_back(fact["relation"])


def lists(facts: list[Row]) -> Iterator[Row]:
    """Each fact in each language, as a question and as keywords, with each of its answers."""
    relations: dict[str, list[Row]] = {}
    for fact in facts:
        relations.setdefault(fact["relation"], []).append(fact)
    for number, fact in enumerate(facts):
        near = [other for other in relations[fact["relation"]] if other is not fact]
        far = [other for other in facts if other["relation"] != fact["relation"]]
        yield from _of_fact(fact, number, near, far)


def _of_fact(fact: Row, number: int, near: list[Row], far: list[Row]) -> Iterator[Row]:
    draw = random.Random(f"facts {fact['name']}")
    for place, asked in enumerate(LANGUAGES):
        elsewhere = LANGUAGES[(place + 1 + number % 4) % 5]
        forms = [*((form, asked) for form in ANSWERS), (ANSWERS[(number + place) % 3], elsewhere)]
        for turn, (form, told) in enumerate(forms):
            query = fact["keywords" if (turn + place) % 3 == 0 else "queries"][asked]
            others = draw.sample(near, min(NEIGHBOURS, len(near))) + draw.sample(far, min(1, len(far)))
            yield {"query": query, "documents": _documents(fact, form, asked, told, others), "source": "facts", "lang": f"{asked}-{told}"}


def _documents(fact: Row, form: str, asked: str, told: str, others: list[Row]) -> list[Row]:
    """The answer first; neighbours say theirs in the same form, in the question's language, and in another form."""
    turned = ANSWERS[(ANSWERS.index(form) + 1) % len(ANSWERS)]
    wrong = [("related", fact["about"][lang]) for lang in dict.fromkeys((told, asked))]
    ways = ((form, told), (form, asked), (turned, told), (form, told))
    wrong += [("near_term", other[way][lang]) for other, (way, lang) in zip(others, ways, strict=False)]
    return [labelled(fact[form][told], "answer"), *(labelled(text, kind) for kind, text in wrong)]


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    arguments = parser.parse_args()
    write_split(arguments.work, "facts", all_facts(), kept_back=kept_back, lists=lists, of="facts")


if __name__ == "__main__":
    main()
