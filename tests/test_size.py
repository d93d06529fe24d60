"""Files and functions stay small enough to be read: the hard stops of the house style."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

import pytest

from tests.source import PACKAGE, ROOT, parse, python_files

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef

FILE_LINES = 400
FUNCTION_LINES = 60
POSITIONAL = 6  # parameters that a caller may give by position; self and cls are not counted
PARAMETERS = 10  # in all

EXCEPTIONS = {
    "src/adjudge/integrations/compat_cross_encoder.py::__init__": "sentence-transformers' signature",
    "src/adjudge/integrations/compat_cross_encoder.py::predict": "sentence-transformers' signature",
    "src/adjudge/integrations/compat_cross_encoder.py::rank": "sentence-transformers' signature",
    "src/adjudge/integrations/compat_flag.py::__init__": "FlagEmbedding's signature",
    "src/adjudge/integrations/compat_ranking.py::rerank": "open-retrievals' signature",
}
"""{"path::function": why it may take more parameters}. Keep it short."""

FILES = python_files("src", "tests", "benchmarks", "examples", "recipes")


def name(path: Path) -> str:
    """The path from the project's root."""
    return str(path.relative_to(ROOT))


def functions(tree: ast.AST) -> Iterator[Function]:
    """Every function of a file, methods and inner ones too."""
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def counts(function: Function) -> tuple[int, int]:
    """(parameters that may be positional, parameters in all), without self and cls."""
    given = function.args
    positional = [a.arg for a in (*given.posonlyargs, *given.args)]
    if positional[:1] in (["self"], ["cls"]):
        positional = positional[1:]
    return len(positional), len(positional) + len(given.kwonlyargs)


def is_command(function: Function) -> bool:
    """Whether a decorator makes it a command, whose parameters are the command's options."""
    return any(".command(" in ast.unparse(d) or ".callback(" in ast.unparse(d) for d in function.decorator_list)


def too_many(function: Function) -> bool:
    """Whether it takes more parameters than a reader can hold."""
    positional, every = counts(function)
    return not is_command(function) and (positional > POSITIONAL or every > PARAMETERS)


@pytest.mark.parametrize("path", FILES, ids=name)
def test_file_is_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= FILE_LINES


@pytest.mark.parametrize("path", FILES, ids=name)
def test_functions_are_short(path: Path) -> None:
    lengths = {f.name: (f.end_lineno or f.lineno) - f.lineno + 1 for f in functions(parse(path))}
    assert {k: v for k, v in lengths.items() if v > FUNCTION_LINES} == {}


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=name)
def test_functions_take_few_parameters(path: Path) -> None:
    over = [f.name for f in functions(parse(path)) if too_many(f) and f"{name(path)}::{f.name}" not in EXCEPTIONS]
    assert over == []


def test_exceptions_are_still_needed() -> None:
    for entry in EXCEPTIONS:
        path, function = entry.split("::")
        assert any(f.name == function and too_many(f) for f in functions(parse(ROOT / path))), entry


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("def f(self, a, b, *, c): ...", (2, 3)),
        ("def f(a, /, b=1, *rest, c=2, **more): ...", (2, 3)),
        ("async def f(): ...", (0, 0)),
    ],
)
def test_parameters_are_counted(source: str, expected: tuple[int, int]) -> None:
    assert counts(next(functions(ast.parse(source)))) == expected


def test_seven_by_position_are_too_many() -> None:
    assert too_many(next(functions(ast.parse("def f(a, b, c, d, e, f, g): ..."))))
    assert not too_many(next(functions(ast.parse("@app.command()\ndef f(a, b, c, d, e, f, g): ..."))))
