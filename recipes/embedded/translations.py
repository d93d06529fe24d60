"""Questions put into other languages, and the questions people ask where a source has only titles: more rows for `mine`.

The files in translations/ (the project's own open data, see the card there) name a row of DATA/positives.jsonl.gz by its key and hold what
was written for it: `queries`, {language: [question, ...]}, and for some rows `passage`, {language: text}, its passage in that language too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recipes.embedded.common import read_rows

__all__ = ["FOLDER", "SOURCE", "Translated", "key", "translated", "written_items"]

FOLDER = Path(__file__).with_name("translations")
SOURCE = "translated"
"""The name of these rows in the settings' [mix]."""


def key(row: dict[str, Any]) -> str:
    """Names a row of positives.jsonl.gz: the beginning of the SHA-256 of its query and passage."""
    return hashlib.sha256(f"{row['query']}\0{row['positive']}".encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class Translated:
    """Rows in the form of positives.jsonl.gz, and how many written ones had no row there to go with."""

    rows: tuple[dict[str, Any], ...]
    unknown: int


def written_items(folder: Path = FOLDER) -> list[dict[str, Any]]:
    """Every row of the files, in their order."""
    return [item for path in sorted(folder.glob("*.jsonl")) for item in read_rows(path)]


def translated(rows: Sequence[dict[str, Any]], folder: Path = FOLDER) -> Translated:
    """Each written question beside the passage of its row in `rows`, and beside that passage in another language."""
    known = {key(row): row for row in rows}
    items = written_items(folder)
    made = [row for item in items if item["of"] in known for row in _made(known[item["of"]], item)]
    return Translated(tuple(made), sum(item["of"] not in known for item in items))


def _made(row: dict[str, Any], item: dict[str, Any]) -> Iterator[dict[str, Any]]:
    row = row | {"origin": row["source"], "source": SOURCE}
    asked = [(lang, query) for lang, queries in item["queries"].items() for query in queries]
    for lang, query in asked:
        yield row | {"query": query, "query_lang": lang}
    for passage_lang, passage in item.get("passage", {}).items():
        other = {name: value for name, value in row.items() if name != "answer"}  # its words are those of the other language
        for lang, query in [(row["query_lang"], row["query"]), *asked]:
            yield other | {"query": query, "query_lang": lang, "positive": passage, "passage_lang": passage_lang}
