"""The report: an Evaluation as one HTML file that a colleague can read, keep and print."""

from __future__ import annotations

from .page import render_report
from .write import write_report

__all__ = ["render_report", "write_report"]
