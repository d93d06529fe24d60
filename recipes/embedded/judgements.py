"""Step 3: judgement groups into training and held-back lists, and paraphrase pairs into lists.

    python -m recipes.embedded.judgements DATA WORK

Reads recipes/embedded/judgements/*.jsonl (the project's own open data) and DATA/paraphrase-pairs.jsonl.gz. A group is held back by its
query alone (the SHA-256 of the query ends in a multiple of ten), so that the same groups stay unseen however many are added.
Writes WORK/groups/{judgements,judgements-held-out,paraphrases,easy}.jsonl.gz. Of the groups to train on, easy holds each question's answer
among answers to other questions: without such lists a judge takes every short text for a trap, and gives right answers low scores.
"""

from __future__ import annotations

import argparse
import hashlib
import random
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from adjudge.train.supervision import aspects_of_kind
from recipes.embedded.common import existing, read_folder, read_rows, settings, write_rows

FOLDER = Path(__file__).with_name("judgements")


def held_back(query: str) -> bool:
    """Whether a group belongs to the tenth that is never trained on."""
    return int(hashlib.sha256(query.encode()).hexdigest(), 16) % 10 == 0


def labelled(text: str, kind: str) -> dict[str, Any]:
    """A passage that answers all of a question of one intent, or nothing of it, with what its kind tells the auxiliary heads."""
    right = kind == "answer"
    labels = asdict(aspects_of_kind(kind, covered=int(right), intents=1))
    return {"text": text, "grade": float(right), **{name: value for name, value in labels.items() if value is not None}}


def all_groups(folder: Path = FOLDER) -> list[dict[str, Any]]:
    """Every group, in the order of the files."""
    return [{**row, "source": "judgements"} for row in read_folder(folder)]


def paraphrase_lists(rows: list[dict[str, Any]], draw: random.Random) -> Iterator[dict[str, Any]]:
    """A pair as a list: a true paraphrase above two strangers; of a near copy with another meaning, the sentence itself above it."""
    others = [row["b"] for row in rows]
    for row in draw.sample(rows, len(rows)):
        known = [{"text": row["b"], "grade": 1.0}] if row["label"] else [{"text": row["a"], "grade": 1.0}, {"text": row["b"], "grade": 0.0}]
        strangers = [{"text": text, "grade": 0.0} for text in draw.sample(others, 2) if text != row["b"]]
        yield {"query": row["a"], "documents": known + strangers, "source": "paraphrase", "lang": f"{row['lang']}-{row['lang']}"}


def easy_lists(groups: list[dict[str, Any]], draw: random.Random, *, others: int = 6) -> Iterator[dict[str, Any]]:
    """The answer of each group above answers of other groups of its language."""
    answers: dict[str, list[tuple[str, str]]] = {}
    for group in groups:
        for passage in group["passages"]:
            if passage["relevance"] == 3:
                answers.setdefault(passage["lang"], []).append((group["query"], passage["text"]))
    for group in draw.sample(groups, len(groups)):
        right = [p for p in group["passages"] if p["relevance"] == 3]
        chosen = draw.choice(right)
        strangers = [text for query, text in draw.sample(answers[chosen["lang"]], others + len(right)) if query != group["query"]]
        documents = [{"text": chosen["text"], "grade": 1.0}, *({"text": text, "grade": 0.0} for text in strangers[:others])]
        yield {"query": group["query"], "documents": documents, "source": "easy", "lang": f"{group['lang']}-{chosen['lang']}"}


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=existing)
    parser.add_argument("work", type=Path)
    arguments = parser.parse_args()
    values = settings()
    out = arguments.work / values["folders"]["groups"]
    groups = all_groups()
    trained = write_rows(out / "judgements.jsonl.gz", (g for g in groups if not held_back(g["query"])))
    kept = write_rows(out / "judgements-held-out.jsonl.gz", (g for g in groups if held_back(g["query"])))
    easy = write_rows(
        out / "easy.jsonl.gz", easy_lists([g for g in groups if not held_back(g["query"])], random.Random(values["mix"]["seed"]))
    )
    pairs = list(read_rows(arguments.data / "paraphrase-pairs.jsonl.gz"))
    listed = write_rows(out / "paraphrases.jsonl.gz", paraphrase_lists(pairs, random.Random(values["mix"]["seed"])))
    print(f"{trained} judgement groups to train on, {kept} held back, {easy} easy lists, {listed} paraphrase lists")


if __name__ == "__main__":
    main()
