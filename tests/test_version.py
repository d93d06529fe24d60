"""One version everywhere."""

from __future__ import annotations

import re
from importlib.metadata import version

import adjudge
from tests.source import ROOT

HEADING = re.compile(r"^## \[?(\d+\.\d+\.\d+[\w.]*)\]? - \d{4}-\d{2}-\d{2}$", re.MULTILINE)


def test_the_changelog_starts_with_this_version() -> None:
    found = HEADING.search((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))
    assert found is not None
    assert found[1] == adjudge.__version__


def test_the_installed_metadata_say_this_version() -> None:
    assert version("adjudge") == adjudge.__version__
