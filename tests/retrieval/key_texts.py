"""What the tests of key passages read, and the law that all of them check."""

from __future__ import annotations

from adjudge.retrieval.key_passages import Selection

__all__ = ["ANSWER", "FILLER", "QUERY", "account", "long_text"]

QUERY = "What do giant pandas eat?"
ANSWER = "Giant pandas eat almost nothing but bamboo."
FILLER = "The harbour was quiet, and nobody came to see the boats number {i} that lay there all winter."


def long_text(answer: str = ANSWER, *, place: int = 30, sentences: int = 60) -> str:
    """Paragraphs of five sentences, one of which answers."""
    lines = [FILLER.format(i=i) for i in range(sentences)]
    lines[place] = answer
    return "\n\n".join(" ".join(lines[i : i + 5]) for i in range(0, sentences, 5))


def account(text: str, selection: Selection) -> None:
    """Passages and dropped ranges are the whole text, each character once."""
    ranges = sorted([(p.start, p.end) for p in selection.passages] + list(selection.dropped))
    ends = [0, *(end for _, end in ranges)]
    assert [start for start, _ in ranges] == ends[:-1]
    assert ends[-1] == len(text)
    assert all(p.text == text[p.start : p.end] for p in selection.passages)
    assert [p.start for p in selection.passages] == sorted(p.start for p in selection.passages)
