"""Step 3, third part: crossings into training and held-back lists.

    python -m recipes.embedded.crossings WORK

Reads recipes/embedded/crossings/*.jsonl (the project's own open data): one precise question in all five languages, and eight passages about
its matter, four in one language and four in another. Two answer, one in each language; the others share the words, answer for another
version, date or neighbour, or tell the next paragraph. So whatever language a question is in, the passage that looks like it is not the
one that answers. Writes WORK/groups/crossings.jsonl.gz and crossings-held-out.jsonl.gz: a list for each language of the question and each
of the two answers, the other answer left out.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from recipes.embedded.common import read_folder, write_split
from recipes.embedded.judgements import held_back, labelled

FOLDER = Path(__file__).with_name("crossings")

Row = dict[str, Any]


def all_crossings(folder: Path = FOLDER) -> list[Row]:
    """Every crossing, in the order of the files."""
    return read_folder(folder)


def kept_back(crossing: Row) -> bool:
    """Whether a crossing belongs to the tenth that is never trained on."""
    return held_back(crossing["name"])


def lists(crossings: list[Row]) -> Iterator[Row]:
    """Each question in each language, with each of its answers above all that does not answer."""
    for crossing in crossings:
        wrong = [labelled(passage["text"], passage["kind"]) for passage in crossing["passages"] if passage["kind"] != "answer"]
        answers = [passage for passage in crossing["passages"] if passage["kind"] == "answer"]
        for lang, query in crossing["queries"].items():
            for answer in answers:
                documents = [labelled(answer["text"], "answer"), *wrong]
                yield {"query": query, "documents": documents, "source": "crossings", "lang": f"{lang}-{answer['lang']}"}


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    arguments = parser.parse_args()
    write_split(arguments.work, "crossings", all_crossings(), kept_back=kept_back, lists=lists, of="crossings")


if __name__ == "__main__":
    main()
