"""A small training run as files: what the tests of `adjudge train` start from."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

__all__ = ["QUESTIONS", "pairs", "write_rows", "write_run"]

QUESTIONS = (
    ("en", "What do pandas eat?", "Giant pandas eat bamboo.", "Bread is baked from flour."),
    ("en", "Which phones did Apple announce?", "Apple introduced a phone.", "The apple is sweet."),
    ("zh", "熊猫吃什么？", "大熊猫的食物几乎全是竹子。", "红富士苹果口感脆甜。"),
    ("es", "¿Qué comen los pandas?", "Los pandas comen bambú.", "El pan se hace con harina."),
    ("ru", "Что едят панды?", "Панда питается бамбуком.", "Хлеб пекут из муки."),
    ("fr", "Que mangent les pandas ?", "Le panda mange du bambou.", "Le pain est fait de farine."),
)


def pairs() -> list[dict[str, Any]]:
    """A triple for each question."""
    return [{"lang": lang, "query": query, "positive": good, "negative": poor} for lang, query, good, poor in QUESTIONS]


def write_rows(path: Path, rows: Iterable[Mapping[str, Any] | str]) -> Path:
    """One line each; a string stands as it is."""
    lines = [row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def write_run(folder: Path, *, base: str | Path = "embedded", rows: Iterable[Mapping[str, Any] | str] | None = None, **tables: str) -> Path:
    """FOLDER/run.toml, its train.jsonl and dev.jsonl. `tables`: lines that are put into the table of that name, after ours."""
    write_rows(folder / "train.jsonl", pairs() if rows is None else rows)
    write_rows(folder / "dev.jsonl", [{**row, "query": f"{row['query']} ?"} for row in pairs()[:3]])
    own = {
        "model": f"base = {json.dumps(str(base))}\nmax_length = 64",
        "data": 'train = "train.jsonl"' + ("" if "dev" in tables.get("data", "") else '\ndev = "dev.jsonl"'),
        "run": 'output = "out"\ngroups_per_step = 2\nevaluate_every = 2\nsave_every = 2\nprecision = "f32"\nthreads = 1',
    }
    names = dict.fromkeys((*own, *tables))
    text = "\n".join(f"[{name}]\n{own.get(name, '')}\n{tables.get(name, '')}" for name in names)
    path = folder / "run.toml"
    path.write_text(text, encoding="utf-8")
    return path
