"""What the recipe's steps share: settings, JSON lines, the cutting of long passages."""

from __future__ import annotations

import argparse
import gzip
import json
import math
import os
import random
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

__all__ = [
    "LANGUAGES",
    "SETTINGS",
    "excerpt",
    "existing",
    "is_han",
    "kept_rows",
    "read_folder",
    "read_rows",
    "settings",
    "telling_excerpt",
    "thin",
    "write_json",
    "write_rows",
    "write_split",
]

LANGUAGES = ("zh", "en", "es", "fr", "ru")
SETTINGS = Path(__file__).with_name("settings.toml")
Row = TypeVar("Row")
_HAN = re.compile(r"[\u3400-\u9fff]")
_TERM = re.compile(r"[\u3400-\u9fff]|[^\W_]{3,}")
_END = re.compile(r"(?<=[.!?])\s+|(?<=[。！？；])|\n+")


def settings(path: Path = SETTINGS) -> dict[str, Any]:
    """The whole file."""
    with path.open("rb") as file:
        return tomllib.load(file)


def existing(text: str) -> Path:
    """The type of an argument that names a folder to read: the wrong one is told of before any work, and before anything is written."""
    if not Path(text).is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder {text}")
    return Path(text)


def read_rows(path: Path) -> Iterator[dict[str, Any]]:
    """Rows of a .jsonl or .jsonl.gz file."""
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as file:
        for line in file:
            if line.strip():
                yield json.loads(line)


def kept_rows(path: Path) -> list[dict[str, Any]]:
    """Rows that an earlier run appended to a .jsonl file, none where there is no file. What a kill left of a line is cut off."""
    if not path.exists():
        return []
    data = path.read_bytes()
    whole = data[: data.rfind(b"\n") + 1]
    if len(whole) < len(data):
        with path.open("r+b") as file:
            file.truncate(len(whole))
    return list(read_rows(path))


def read_folder(folder: Path) -> list[dict[str, Any]]:
    """Rows of all its .jsonl files, in the order of their names."""
    return [row for path in sorted(folder.glob("*.jsonl")) for row in read_rows(path)]


def write_rows(path: Path, rows: Iterable[dict[str, Any]]) -> int:
    """Write JSON lines, all or none (gzipped if the name says so, without a date, so that equal rows make equal files); their number."""
    count = 0
    with _whole(path) as raw:
        out = gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) if path.suffix == ".gz" else raw
        for row in rows:
            out.write((json.dumps(row, ensure_ascii=False) + "\n").encode())
            count += 1
        if out is not raw:
            out.close()
    return count


def write_split(
    work: Path,
    name: str,
    things: Sequence[Row],
    *,
    kept_back: Callable[[Row], bool],
    lists: Callable[[list[Row]], Iterable[dict[str, Any]]],
    of: str,
) -> None:
    """Lists of what is trained on into WORK/groups/NAME.jsonl.gz, and of what is held back into NAME-held-out.jsonl.gz; says how many."""
    for ending, kept in (("", False), ("-held-out", True)):
        chosen = [thing for thing in things if kept_back(thing) == kept]
        path = work / settings()["folders"]["groups"] / f"{name}{ending}.jsonl.gz"
        print(f"{name}{ending}: {write_rows(path, lists(chosen))} lists of {len(chosen)} {of}")


def write_json(path: Path, found: Any, *, indent: int | None = 1) -> None:
    """Write what a step found, all or nothing. A figure that does not exist, of an empty share, say, is null: JSON has no NaN.

    `indent` None: everything on one line, without a line break at its end.
    """
    text = json.dumps(_finite(found), indent=indent, ensure_ascii=False, allow_nan=False)
    with _whole(path) as file:
        file.write((text if indent is None else text + "\n").encode())


@contextmanager
def _whole(path: Path) -> Iterator[BinaryIO]:
    """A file to write that takes the place of `path` at the end: whoever looks, or is killed, finds all of it or what was there before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        with fresh.open("wb") as file:
            yield file
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, list | tuple) else value


def thin(rows: Sequence[Row], count: int) -> list[Row]:
    """About `count` rows, evenly out of all (files are sorted by language); 0: all."""
    return list(rows[:: max(1, len(rows) // count)] if count else rows)


def is_han(text: str) -> bool:
    """Whether a text is mainly Chinese."""
    return len(_HAN.findall(text)) * 3 > len(text)


def excerpt(text: str, draw: random.Random, *, latin: int, han: int, answer: str = "", anywhere: bool = False) -> str:
    """At most `latin` (or `han`) characters of whole sentences: around `answer` where given, from anywhere if asked, else the beginning."""
    room = han if is_han(text) else latin
    if len(text) <= room:
        return text
    starts = [0] + [m.end() for m in _END.finditer(text) if m.end() < len(text) - 20]
    at = text.find(answer) if answer else -1
    if at >= 0:
        starts = [s for s in starts if s <= at and at + len(answer) <= s + room] or [max(0, at - room // 3)]
    elif anywhere:
        starts = [s for s in starts if len(text) - s >= room // 2] or [0]
    else:
        starts = [0]
    first = draw.choice(starts)
    piece = text[first : first + room]
    ends = [m.end() for m in _END.finditer(piece) if m.end() > room // 2 and (at < 0 or first + m.end() >= at + len(answer))]
    return (piece[: ends[-1]] if ends and first + room < len(text) else piece).strip()


def telling_excerpt(text: str, query: str, draw: random.Random, *, latin: int, han: int) -> str:
    """At most `latin` (or `han`) characters from where the text shares most words (Chinese: characters) with the query; of equals a draw.

    A wrong passage of one sentence should be the sentence that looks right.
    """
    room = han if is_han(text) else latin
    if len(text) <= room:
        return text
    starts = [0] + [m.end() for m in _END.finditer(text) if m.end() < len(text) - 20]
    terms = {term.casefold() for term in _TERM.findall(query)}
    pieces = [excerpt(text[start:], draw, latin=latin, han=han) for start in starts]
    shared = [len(terms & {term.casefold() for term in _TERM.findall(piece)}) for piece in pieces]
    return draw.choice([piece for piece, count in zip(pieces, shared, strict=True) if count == max(shared)])
