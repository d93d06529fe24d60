"""`__all__` is honest: every module has one, every name in it exists, and nothing public is missing from it."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import pytest

import adjudge
from tests.source import PACKAGE, module_name, parse

FILES = [path for path in sorted(PACKAGE.rglob("*.py")) if path.name != "__main__.py"]


def public_definitions(tree: ast.Module) -> set[str]:
    """Classes and functions at the top of a module whose names do not start with an underscore."""
    kinds = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in tree.body if isinstance(node, kinds) and not node.name.startswith("_")}


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_all_is_honest(path: Path) -> None:
    module = importlib.import_module(module_name(path))
    tree = parse(path)
    defined = public_definitions(tree)
    names = getattr(module, "__all__", None)
    if names is None:
        assert defined == set(), "the module defines public names and has no __all__"
        return
    assert sorted(set(names)) == sorted(names), "a name stands in __all__ twice"
    assert [name for name in names if not hasattr(module, name)] == []
    assert defined - set(names) == set()


def test_dir_of_the_package_lists_its_face() -> None:
    assert set(adjudge.__all__) <= set(dir(adjudge))


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        adjudge.no_such_name  # noqa: B018
