"""Labelled pairs from wherever they are: JSONL files of pairs or groups, folders in BEIR's layout, several together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..errors import InputError
from .beir import is_beir, read_beir
from .draw import draw
from .labelled import BadRow, Labelled, LabelledPairs, ReadConfig
from .rows import read_rows

__all__ = ["BadRow", "Labelled", "LabelledPairs", "ReadConfig", "read_labelled"]


def read_labelled(paths: Sequence[Path], config: ReadConfig | None = None) -> LabelledPairs:
    """All pairs of files (.jsonl, .jsonl.gz) and folders (BEIR), none twice. Rows of files that cannot be used are in `bad`.

    Raises InputError for what cannot be read or is no such file, ConfigError for a setting that does not fit the folder.
    """
    config = ReadConfig() if config is None else config
    pairs: list[Labelled] = []
    bad: list[BadRow] = []
    notes: list[str] = []
    for path in paths:
        if path.is_dir():
            found, said = _of_folder(path, config)
            notes.extend(said)
        else:
            found, wrong = read_rows(path, relevant_from=config.relevant_from)
            bad.extend(wrong)
            if not found and not wrong:
                raise InputError(f"{path} is empty")
            found = _drawn(found, config.queries)
        pairs.extend(found)
    different, said = _different(pairs)
    return LabelledPairs(pairs=tuple(different), bad=tuple(bad), notes=(*notes, *said))


def _of_folder(folder: Path, config: ReadConfig) -> tuple[list[Labelled], list[str]]:
    if not is_beir(folder):
        raise InputError(f"{folder} holds no corpus.jsonl: name a file of labelled pairs, or a folder in BEIR's layout")
    return read_beir(folder, config)


def _drawn(pairs: list[Labelled], count: int | None) -> list[Labelled]:
    if count is None:
        return pairs
    chosen = set(draw((pair.query for pair in pairs), count))
    return [pair for pair in pairs if pair.query in chosen]


def _different(pairs: list[Labelled]) -> tuple[list[Labelled], list[str]]:
    """Each pair once; those that carry both labels not at all."""
    labels: dict[tuple[str, str], set[bool]] = {}
    for pair in pairs:
        labels.setdefault((pair.query, pair.passage), set()).add(pair.relevant)
    both = sum(len(found) > 1 for found in labels.values())
    notes = [f"{_count(both)} with both labels, relevant and irrelevant, and {'is' if both == 1 else 'are'} left out"] if both else []
    return [Labelled(query, passage, found.pop()) for (query, passage), found in labels.items() if len(found) == 1], notes


def _count(number: int) -> str:
    return "1 pair stands there" if number == 1 else f"{number:,} pairs stand there"
