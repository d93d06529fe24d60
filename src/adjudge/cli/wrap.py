"""Lines of a given width in terminal cells, for scripts with spaces between words and for those without."""

from __future__ import annotations

from collections.abc import Iterator

__all__ = ["wrap"]

CLOSING = frozenset("，。、；：？！）》」』】〉”’…,.;:?!)]}»")
"""May not begin a line (kinsoku, as in JLREQ and CLREQ)."""
OPENING = frozenset("（《「『【〈“‘([{«¿¡")
"""May not end one."""


def wrap(text: str, cells: int) -> list[str]:
    """The text in lines of at most `cells` terminal cells, broken at spaces and between wide characters.

    A word longer than a line is cut. Only white space at the breaks is lost; at least one line comes back.
    """
    from rich.cells import cell_len

    lines, line = [], ""
    for piece in _pieces(text):
        if line and cell_len((line + piece).rstrip()) > cells:
            lines.append(line.rstrip())
            line = ""
            piece = piece.lstrip()
        line += piece
        while cell_len(line.rstrip()) > cells:
            head = _head(line, cells)
            lines.append(head.rstrip())
            line = line[len(head) :]
    return [*lines, line.rstrip()] if line.strip() or not lines else lines


def _pieces(text: str) -> Iterator[str]:
    """What must stay together, spaces at its end included."""
    start = 0
    for i in range(1, len(text)):
        if _may_break(text[i - 1], text[i]):
            yield text[start:i]
            start = i
    if text:
        yield text[start:]


def _may_break(before: str, after: str) -> bool:
    if after.isspace():
        return False
    if before.isspace():
        return True
    return (_wide(before) or _wide(after)) and after not in CLOSING and before not in OPENING


def _wide(character: str) -> bool:
    from rich.cells import get_character_cell_size

    return get_character_cell_size(character) == 2


def _head(line: str, cells: int) -> str:
    """As many characters as fit, one at least."""
    from rich.cells import cell_len

    end = 1
    while end < len(line) and cell_len(line[: end + 1]) <= cells:
        end += 1
    return line[:end]
