"""The report as a file."""

from __future__ import annotations

import os
from pathlib import Path

from ...errors import InputError
from ..result import Evaluation
from .page import render_report

__all__ = ["write_report"]


def write_report(path: Path, evaluation: Evaluation) -> Path:
    """Write the page whole or not at all, and give back where it is. Its folder is made where it is missing.

    Raises InputError where that cannot be done.
    """
    page = render_report(evaluation)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f"{path.name}.{os.getpid()}.tmp")
        fresh.write_text(page, encoding="utf-8", newline="\n")
        fresh.replace(path)
    except OSError as exc:
        raise InputError(f"{path} cannot be written: {exc.strerror or exc}") from exc
    return path
