"""Step 3, second half: subjects into training and held-back lists.

    python -m recipes.embedded.subjects WORK

Reads recipes/embedded/subjects/*.jsonl (the project's own open data): a subject has five passages, one in each language, each about another
side of it, and each with one question in all five languages that it alone answers. Whatever language a question is in, a passage about the
same subject in that very language stands beside the answer and does not answer. Two rows that follow one another are neighbours that
people mix up. Writes WORK/groups/{subjects,short,subjects-held-out,short-held-out}.jsonl.gz; in `short` the answer is one sentence.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from recipes.embedded.common import LANGUAGES, read_rows, settings, write_rows
from recipes.embedded.judgements import held_back

FOLDER = Path(__file__).with_name("subjects")
SHORT_LANGUAGES = 2
"""Of the five languages of a question, so many ask for the short answer."""

Row = dict[str, Any]


def all_pairs(folder: Path = FOLDER) -> list[tuple[Row, Row]]:
    """Every two neighbours, in the order of the files."""
    pairs = []
    for path in sorted(folder.glob("*.jsonl")):
        rows = list(read_rows(path))
        if len(rows) % 2:
            raise ValueError(f"{path.name} holds {len(rows)} subjects; they come in pairs, so one is without its neighbour")
        pairs += list(zip(rows[::2], rows[1::2], strict=True))
    return pairs


def kept_back(pair: tuple[Row, Row]) -> bool:
    """Whether both subjects belong to the tenth that is never trained on; the first one's name decides."""
    return held_back(pair[0]["subject"])


def passage_lists(pairs: list[tuple[Row, Row]], draw: random.Random) -> Iterator[Row]:
    """Each question, in each language: its passage above the subject's four others and two of the neighbour's."""
    for subject, neighbour in _both_ways(pairs):
        for passage in subject["passages"]:
            for lang, query in passage["q"].items():
                others = [other["text"] for other in subject["passages"] if other is not passage]
                near = [_in(neighbour, lang), _in(neighbour, passage["lang"])]
                if near[0] is near[1]:
                    near[1] = draw.choice([other for other in neighbour["passages"] if other is not near[0]])
                told = [other["text"] for other in near]
                yield _list(query, passage["text"], others, told, source="subjects", langs=(lang, passage["lang"]))


def short_lists(pairs: list[tuple[Row, Row]], draw: random.Random) -> Iterator[Row]:
    """The answer in a sentence, above other questions' short answers and above whole passages about the subject."""
    for subject, neighbour in _both_ways(pairs):
        for passage in subject["passages"]:
            others = [other for other in subject["passages"] if other is not passage]
            for lang in draw.sample(LANGUAGES, SHORT_LANGUAGES):
                whole = [other["text"] for other in (_in(subject, lang), draw.choice(others)) if other is not passage]
                wrong = [*(other["short"]["text"] for other in draw.sample(others, 2)), *whole]
                near = [_in(neighbour, lang)["text"], draw.choice(neighbour["passages"])["short"]["text"]]
                short = passage["short"]
                yield _list(passage["q"][lang], short["text"], wrong, near, source="short", langs=(lang, short["lang"]))


def _both_ways(pairs: list[tuple[Row, Row]]) -> Iterator[tuple[Row, Row]]:
    for first, second in pairs:
        yield first, second
        yield second, first


def _in(subject: Row, lang: str) -> Row:
    return next(passage for passage in subject["passages"] if passage["lang"] == lang)


def _list(query: str, right: str, others: list[str], near: list[str], *, source: str, langs: tuple[str, str]) -> Row:
    """`others` speak of the same subject, `near` of its neighbour; what the auxiliary heads are taught follows from that."""
    documents: list[Row] = [{"text": right, "grade": 1.0, "coverage": 1.0, "contradiction": 0.0, "terminology": 1.0}]
    for texts, terminology in ((others, 1.0), (near, 0.0)):
        documents += [{"text": text, "grade": 0.0, "coverage": 0.0, "terminology": terminology} for text in texts]
    unique: dict[str, Row] = {}
    for document in documents:
        unique.setdefault(document["text"], document)  # of equal texts the first stays
    return {"query": query, "documents": list(unique.values()), "source": source, "lang": "-".join(langs)}


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    arguments = parser.parse_args()
    values = settings()
    out = arguments.work / values["folders"]["groups"]
    pairs = all_pairs()
    kept = [pair for pair in pairs if kept_back(pair)]
    trained = [pair for pair in pairs if not kept_back(pair)]
    for name, make in (("subjects", passage_lists), ("short", short_lists)):
        for ending, chosen in (("", trained), ("-held-out", kept)):
            count = write_rows(out / f"{name}{ending}.jsonl.gz", make(chosen, random.Random(values["mix"]["seed"])))
            print(f"{name}{ending}: {count} lists of {2 * len(chosen)} subjects")


if __name__ == "__main__":
    main()
