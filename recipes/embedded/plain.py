"""Step 3, fourth part: plain answers into training and held-back lists.

    python -m recipes.embedded.plain WORK

Reads recipes/embedded/plain/*.jsonl (the project's own open data): a question in five languages, and in each of them three answers of a
sentence (in the question's words, turned round, and bare) and two sentences that do not answer: one in the question's words, one that
shares none. They are the counterweight to lists full of traps, from which a judge learns that what repeats a question does not answer it.
Writes WORK/groups/plain.jsonl.gz and plain-held-out.jsonl.gz: a list for each language and each of its three answers, and one a question
with the answer in another language. The other passages are what belongs to other questions, their answers among them.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from recipes.embedded.common import LANGUAGES, read_folder, write_split
from recipes.embedded.judgements import held_back, labelled

FOLDER = Path(__file__).with_name("plain")
ANSWERS = ("echo", "turned", "short")

Row = dict[str, Any]


def all_questions(folder: Path = FOLDER) -> list[Row]:
    """Every question with its sentences, in the order of the files."""
    return read_folder(folder)


def kept_back(question: Row) -> bool:
    """Whether a question belongs to the tenth that is never trained on."""
    return held_back(question["name"])


def lists(questions: list[Row]) -> Iterator[Row]:
    """Each question in each language, with each of its answers in that language, and one of them in another."""
    for number, question in enumerate(questions):
        draw = random.Random(f"plain {question['name']}")
        others = questions[:number] + questions[number + 1 :]
        for place, asked in enumerate(LANGUAGES):
            for form in ANSWERS:
                yield _list(question, form, asked, asked, draw.sample(others, 3))
            told = LANGUAGES[(place + 1 + number % 4) % 5]
            yield _list(question, ANSWERS[(number + place) % 3], asked, told, draw.sample(others, 3))


def _list(question: Row, form: str, asked: str, told: str, others: list[Row]) -> Row:
    """The answer first. Sentences of the question's own language stand beside an answer in another."""
    aside, short, answer = others
    wrong = [("trap", question["words"][lang]) for lang in dict.fromkeys((told, asked))]
    wrong += [("related", question["aside"][told]), ("related", aside["aside"][told])]
    wrong += [("related", short["short"][asked]), ("related", answer["turned" if form == "echo" else "echo"][told])]
    documents = [labelled(question[form][told], "answer"), *(labelled(text, kind) for kind, text in wrong)]
    return {"query": question["queries"][asked], "documents": documents, "source": "plain", "lang": f"{asked}-{told}"}


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    arguments = parser.parse_args()
    write_split(arguments.work, "plain", all_questions(), kept_back=kept_back, lists=lists, of="questions")


if __name__ == "__main__":
    main()
