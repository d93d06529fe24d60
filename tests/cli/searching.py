"""An index of a few small files, for the commands that look into one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from adjudge.retrieval.dense import Embedder
from adjudge.retrieval.index import build_index

__all__ = ["FILES", "QUERY", "index_of"]

QUERY = "What do giant pandas eat?"
FILES: Mapping[str, str] = {
    "animals/panda.md": "# Giant panda\n\n## Food\n\nGiant pandas eat almost nothing but bamboo. A zoo may add some fruit.\n",
    "animals/cat.md": "# Cat\n\nCats sleep about fifteen hours a day.\n",
    "food/bread.txt": "Bread is baked from flour, water, salt and yeast.\n",
    "food/tea.txt": "Water for green tea must be about eighty degrees hot.\n",
    "zh/熊猫.txt": "大熊猫几乎只吃竹子，每天要吃十几公斤。\n",
    "trick.txt": "Pandas \x1b[31mred\x1b[0m and [bold]marked[/bold] text about eating.\n",
}


def index_of(folder: Path) -> Path:
    """Write the files below `folder` and index them. Returns the index."""
    for name, text in FILES.items():
        path = folder / "files" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    with Embedder() as embedder:
        build_index([folder / "files"], folder / "index", encoder=embedder)
    return folder / "index"
