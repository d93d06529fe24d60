"""The project's own source, parsed: what the tests of its shape look at."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["PACKAGE", "ROOT", "Import", "imports", "module_name", "parse", "python_files", "room"]

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "adjudge"


@dataclass(frozen=True, slots=True)
class Import:
    """One import: `target` is absolute, `top` says that it runs when the module is imported."""

    line: int
    target: str
    top: bool


def python_files(*folders: str) -> list[Path]:
    """Every .py file below `folders` of the project."""
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def parse(path: Path) -> ast.Module:
    """The syntax tree of one file."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def module_name(path: Path) -> str:
    """The dotted name of a file of the package: adjudge.engine.batches, or adjudge.engine for its __init__."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room(module: str) -> str:
    """The part of the package that a module belongs to: "engine" for adjudge.engine.batches, "" for adjudge itself."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else ""


def imports(tree: ast.Module, module: str, *, package: bool = False) -> Iterator[Import]:
    """Every import of `module`, relative ones made absolute; `package` says that the file is an __init__.py."""
    for node, top in _walk(tree, top=True):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(node.lineno, alias.name, top)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(node, module, package=package)
            for alias in node.names:  # the name may be a module too, as in `from . import cli`
                yield Import(node.lineno, f"{base}.{alias.name}", top)


def _walk(node: ast.AST, *, top: bool) -> Iterator[tuple[ast.AST, bool]]:
    for child in ast.iter_child_nodes(node):
        inside = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) or _type_checking(child)
        yield child, top
        yield from _walk(child, top=top and not inside)


def _type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}


def _absolute(node: ast.ImportFrom, module: str, *, package: bool) -> str:
    if node.level == 0:
        return node.module or ""
    parts = module.split(".")
    kept = parts[: len(parts) - node.level + package]
    return ".".join([*kept, node.module] if node.module else kept)
