"""What the demo asks is in no collection that the judge is trained on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from adjudge.cli.demo_run import load_cases
from recipes.embedded.common import read_folder
from tests.source import ROOT

FOLDERS = sorted({path.parent for path in (ROOT / "recipes" / "embedded").glob("*/*.jsonl")})


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from strings(part)


def plain(text: str) -> str:
    return "".join(letter for letter in text.lower() if letter.isalnum())


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_the_demo_is_not_trained_on(folder: Path) -> None:
    shown = {plain(text) for case in load_cases() for text in (*(q.text for q in case.questions), *(p.text for p in case.passages))}
    assert len(shown) > 30
    assert not [text for row in read_folder(folder) for text in strings(row) if plain(text) in shown]
