"""What the page is made of: the files of this folder that may be sent, and the demo cases in the page's form."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

__all__ = ["INDEX", "NAMES", "Asset", "cases", "load_assets"]

INDEX = "index.html"

NAMES = (
    INDEX,
    "icon.svg",
    "style.css",
    "bench.css",
    "ranking.css",
    "live.css",
    "theme.js",
    "app.js",
    "bench.js",
    "charts.js",
    "copy.js",
    "documents.js",
    "dom.js",
    "drift.js",
    "files.js",
    "live.js",
    "passage.js",
    "ranking.js",
    "row.js",
    "server.js",
    "slopes.js",
    "snippets.js",
    "spread.js",
    "summary.js",
    "words.js",
    "words_zh.js",
)
"""Every file that is sent. What is not listed is not there, whatever its path looks like."""

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".json": "application/json",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """One file, ready to be sent."""

    name: str
    media_type: str
    body: bytes
    etag: str  # of the body, in quotes, as the header has it


def load_assets() -> tuple[Asset, ...]:
    """Everything the page asks for, read once: the listed files and `cases.json`."""
    folder = files(__package__)
    read = [_asset(name, folder.joinpath(name).read_bytes()) for name in NAMES]
    return (*read, _asset("cases.json", json.dumps({"cases": cases()}, ensure_ascii=False).encode()))


def cases() -> list[dict[str, Any]]:
    """The demo cases, one for each question: what is asked, what tempts, and the documents with a person's judgement of each."""
    # The file is read where `adjudge demo` keeps it; importing that package would turn the layers round.
    source = files("adjudge").joinpath("cli", "demo_cases.json").read_text(encoding="utf-8")
    return [
        {
            "id": f"{case['id']}-{question['lang']}",
            "lang": question["lang"],
            "query": question["text"],
            "gloss": case["gloss"] if question["lang"] != "en" else "",
            "trap": case["trap"],
            "documents": [{key: passage[key] for key in ("text", "lang", "answers")} for passage in case["passages"]],
        }
        for case in json.loads(source)
        for question in case["questions"]
    ]


def _asset(name: str, body: bytes) -> Asset:
    return Asset(
        name=name,
        media_type=_TYPES["." + name.rpartition(".")[2]],
        body=body,
        etag=f'"{hashlib.sha256(body).hexdigest()[:32]}"',
    )
