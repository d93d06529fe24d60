"""Writes the tables of docs/protocols.md from the code that reads the requests: python docs/theme/field_tables.py docs/protocols.md."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

from adjudge.server.protocols.choose import ROUTES, Documented
from adjudge.server.protocols.fields import Field

DIALECTS: dict[str, Documented] = {dialect.name: dialect for route in ROUTES for dialect in route.dialects}

_MARKED = re.compile(r"(?P<open><!-- (?P<what>request|answer|status) of (?P<name>[\w-]+) -->\n).*?(?P<close><!-- end -->)", re.DOTALL)


def filled(page: str) -> str:
    """The page with everything between its marks written anew."""
    return _MARKED.sub(lambda mark: f"{mark['open']}\n{_written(mark['what'], DIALECTS[mark['name']])}\n{mark['close']}", page)


def _written(what: str, dialect: Documented) -> str:
    if what == "answer":
        return f"`{_shape(dialect.answer_schema())}`\n"
    if what == "status":
        return ", ".join(f"{status} {kind.replace('_', ' ')}" for kind, status in dialect.statuses.items() if kind != "client_gone") + "\n"
    rows = [_row(field) for field in dialect.fields]
    return "\n".join(["| field | it is | default | meaning |", "|---|---|---|---|", *rows, ""])


def _row(field: Field) -> str:
    default = "needed" if field.required else "" if field.default is None else f"`{json.dumps(field.default)}`"
    meaning = field.about if field.idle is None else f"{field.about} No effect here, and a warning says so: {field.idle}."
    return f"| `{field.name}` | {field.kind.wanted} | {default} | {meaning.replace('|', chr(92) + '|')} |"


def _shape(schema: dict[str, object]) -> str:
    """{name, name?, list: [{...}]} of a JSON schema."""
    properties, items = schema.get("properties"), schema.get("items")
    if isinstance(items, dict):
        return f"[{_shape(items)}]"
    if not isinstance(properties, dict):
        return ""
    needed = schema.get("required", ())
    assert isinstance(needed, list | tuple)
    return "{" + ", ".join(_named(name, inner, optional=name not in needed) for name, inner in properties.items()) + "}"


def _named(name: str, schema: dict[str, object], *, optional: bool) -> str:
    inner = _shape(schema)
    return f"{name}{'?' if optional else ''}" + (f": {inner}" if inner not in ("", "[]") else "")


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        path = Path(argument)
        path.write_text(filled(path.read_text(encoding="utf-8")), encoding="utf-8")
