"""An extension of griffe, which reads the code for the reference pages.

Fields of adjudge's dataclasses are explained by a comment on their line, not by a string below it. This makes the comment their docstring.
"""

from __future__ import annotations

from typing import Any

from griffe import Attribute, Docstring, Extension


class FieldComments(Extension):
    """Comments at the ends of lines become the docstrings of the attributes that the lines define."""

    def on_attribute(self, *, attr: Attribute, **kwargs: Any) -> None:
        """Give an attribute without a docstring the comment of its last line."""
        if attr.docstring is not None or attr.endlineno is None or attr.parent is None or not attr.parent.is_class:
            return
        line = attr.lines_collection[attr.filepath][attr.endlineno - 1]
        _, mark, comment = line.partition("  # ")
        if mark and not comment.startswith(("type:", "noqa")):
            text = comment[0].upper() + comment[1:]
            attr.docstring = Docstring(text if text.endswith((".", "?")) else f"{text}.", lineno=attr.endlineno, parent=attr)
