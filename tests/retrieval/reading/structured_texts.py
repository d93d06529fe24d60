"""Texts with structure, in five languages, and strategies that mix them with what nobody writes on purpose."""

from __future__ import annotations

from hypothesis import strategies as st

from adjudge.retrieval.reading.plain import plain_blocks
from adjudge.retrieval.reading.source import Source

__all__ = ["CHINESE", "CODE", "GUIDE", "PARAGRAPHS", "TABLE", "TEXTS", "source_of", "uncovered"]

PARAGRAPHS = {
    "en": "The heat pump takes warmth from the air outside. It needs 1.5 kW at most, e.g. on a cold morning. Is it loud? No: 42 dB.",
    "zh": "热泵从室外空气中吸收热量。最冷的早晨它最多需要1.5千瓦！声音大吗？不大：四十二分贝；夜里更小。",
    "es": "La bomba de calor toma calor del aire exterior. Necesita como máximo 1,5 kW. ¿Hace ruido? No: 42 dB, según el Dr. Ruiz.",
    "fr": "La pompe à chaleur puise la chaleur dans l’air extérieur. Elle consomme 1,5 kW au plus. Fait-elle du bruit ? Non : 42 dB.",
    "ru": "Тепловой насос берёт тепло из наружного воздуха. Ему нужно не более 1,5 кВт, т.е. немного. Шумит ли он? Нет: 42 дБ.",
}

CHINESE = "".join(
    f"第{number}台机器于二零二{number}年投入使用，它安装在地下室里，由两名技术员负责维护。" + ("它坏了吗？没有！" if at % 3 else "")
    for at, number in enumerate("一二三四五六七八九")
)
"""A paragraph without a space or a line break."""

CODE = "def warm(room):\n    for radiator in room:\n\n        radiator.open()\n    return room.temperature"

TABLE = "| model | kW | dB |\n|---|---|---|\n" + "\n".join(f"| HP-{n} | {n / 2} | {40 + n} |" for n in range(1, 13))

GUIDE = f"""# Heat pumps

{PARAGRAPHS["en"]}

## Installation

{PARAGRAPHS["fr"]}

- First the outdoor unit.
- Then the pipes:

  They must be insulated.
- Then power.

```python
{CODE}
```

### Models

{TABLE}

## 常见问题

{CHINESE}

## Noise

{PARAGRAPHS["ru"]}
"""

_SNIPPETS = [
    *PARAGRAPHS.values(),
    CHINESE[:60],
    TABLE[:90],
    CODE,
    f"```\n{CODE}\n```",
    "~~~~",
    "```",
    "# Title",
    "## Part #",
    "第三章 安装",
]
_SNIPPETS += [
    "Title\n=====",
    "Sub\n---",
    "- one",
    "  - two",
    "1. first",
    "> quoted",
    "> # no heading",
    "    indented\n\tcode",
    "a\tb\nc\td",
    "|",
    "***",
]
_SNIPPETS += [
    "[ref]: http://example.org",
    "<div>\n<p>hi",
    "---\ntitle: X\n---",
    "CAPITALS",
    "2.1 Method",
    "x" * 70,
    "好" * 50,
    "👩‍👩‍👧 e\u0301",
    "\x00",
    "。",
    "- - - a",
]

TEXTS = st.text() | st.lists(st.sampled_from(_SNIPPETS) | st.text(max_size=12), min_size=1, max_size=12).flatmap(
    lambda parts: st.lists(st.sampled_from(["\n\n", "\n", " ", "\r\n", "\n\n\n", "\f", ""]), min_size=len(parts), max_size=len(parts)).map(
        lambda gaps: "".join(part + gap for part, gap in zip(parts, gaps, strict=True))
    )
)
"""Anything; mostly pieces of documents, well or badly put together."""


def source_of(text: str, name: str = "a.txt") -> Source:
    """As read_source gives it for plain text."""
    return Source(name=name, format="text", text=text, blocks=plain_blocks(text))


def uncovered(text: str, ranges: list[tuple[int, int]]) -> str:
    """What of the text is in no range, white space left out. Ranges must be in order, apart, not empty and within the text."""
    at, rest = 0, []
    for start, end in ranges:
        assert at <= start < end <= len(text)
        rest.append(text[at:start])
        at = end
    return "".join("".join([*rest, text[at:]]).split())
