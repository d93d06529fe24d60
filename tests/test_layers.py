"""Arrows point down only: text stops at engine/tokenise.py, tensors stop at backends/, print stops at cli/."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.source import PACKAGE, Import, imports, module_name, parse, room

LEVELS = {
    "_version": 0,
    "errors": 0,
    "types": 1,
    "config": 1,
    "progress": 1,
    "measures": 1,
    "csv_rows": 1,
    "models": 2,
    "backends": 3,
    "engine": 4,
    "reranker": 5,
    "retrieval": 6,  # from here on: what uses the column, and is unknown to it
    "pipeline": 7,
    "answer": 7,
    "monitor": 7,
    "evaluate": 8,
    "train": 9,
    "export": 9,
    "integrations": 9,
    "": 10,  # adjudge/__init__.py, the face: it may show anything but the surfaces
    "server": 11,
    "cli": 12,
    "__main__": 13,
}
"""A room may import from its own and from every lower level."""

ROOMS: dict[str, tuple[str, ...]] = {
    "tokenizers": ("adjudge.engine.tokenise",),
    "openvino": ("adjudge.backends",),
    "onnxruntime": ("adjudge.backends",),
    "torch": ("adjudge.backends", "adjudge.train", "adjudge.export", "adjudge.integrations.compat_tensors"),
    "transformers": ("adjudge.backends", "adjudge.train", "adjudge.export"),
    "huggingface_hub": ("adjudge.models",),
    "safetensors": ("adjudge.models", "adjudge.train", "adjudge.export"),
    "fastapi": ("adjudge.server",),
    "starlette": ("adjudge.server",),
    "uvicorn": ("adjudge.server",),
    "prometheus_client": ("adjudge.server",),
    "opentelemetry": ("adjudge.server.tracing",),
    "typer": ("adjudge.cli",),
    "click": ("adjudge.cli",),
    "rich": ("adjudge.cli", "adjudge.progress"),
    "ir_measures": ("adjudge.measures",),
}
"""Where a library may be imported; elsewhere its values would leak through the layers."""

HEAVY = {"torch", "transformers", "openvino", "onnxruntime", "huggingface_hub"}

FILES = sorted(PACKAGE.rglob("*.py"))


def _imports(path: Path) -> list[Import]:
    return list(imports(parse(path), module_name(path), package=path.name == "__init__.py"))


def wrong_arrow(module: str, target: str) -> str | None:
    """What is wrong with `module` importing `target`, if anything."""
    if target.split(".")[0] != "adjudge":
        return None
    here, there = room(module), room(target)
    if there not in LEVELS:  # a name of the face itself, as in `from adjudge import Reranker`
        there = ""
    if here == there or LEVELS[there] < LEVELS[here]:
        return None
    return f"{module} (level {LEVELS[here]}) imports {target} (level {LEVELS[there]})"


def foreign_room(module: str, target: str) -> str | None:
    """What is wrong with `module` importing the library `target`, if anything."""
    library = target.split(".")[0]
    allowed = ROOMS.get(library)
    if allowed is None or any(module == place or module.startswith(place + ".") for place in allowed):
        return None
    return f"{module} imports {library}, which belongs in {', '.join(allowed)}"


def test_every_room_has_a_level() -> None:
    assert {room(module_name(path)) for path in FILES} <= set(LEVELS)


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_arrows_point_down(path: Path) -> None:
    module = module_name(path)
    assert not [wrong for i in _imports(path) if (wrong := wrong_arrow(module, i.target))]


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_libraries_stay_in_their_rooms(path: Path) -> None:
    module = module_name(path)
    assert not [wrong for i in _imports(path) if (wrong := foreign_room(module, i.target))]


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_heavy_libraries_are_imported_inside_functions(path: Path) -> None:
    assert not [i for i in _imports(path) if i.top and i.target.split(".")[0] in HEAVY]


@pytest.mark.parametrize("path", [p for p in FILES if room(module_name(p)) != "cli"], ids=module_name)
def test_print_stays_in_cli(path: Path) -> None:
    calls = (node for node in ast.walk(parse(path)) if isinstance(node, ast.Call))
    assert not [call.lineno for call in calls if isinstance(call.func, ast.Name) and call.func.id == "print"]


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("adjudge.engine.batches", "from ..cli import main"),
        ("adjudge.engine.batches", "from .. import cli"),
        ("adjudge.engine.batches", "def f():\n    from adjudge.reranker import Reranker"),
        ("adjudge.engine.batches", "from adjudge import Reranker"),
        ("adjudge.backends.torch", "from ..engine.windows import split"),
        ("adjudge.reranker", "from .retrieval.dense import Embedder"),
        ("adjudge.errors", "import adjudge.types"),
    ],
)
def test_a_wrong_arrow_is_seen(module: str, source: str) -> None:
    found = [wrong_arrow(module, i.target) for i in imports(ast.parse(source), module)]
    assert any(found)


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("adjudge.engine.batches", "from tokenizers import Tokenizer"),
        ("adjudge.engine.tokenise", "import torch.nn"),
        ("adjudge.models.load", "def f():\n    import openvino"),
        ("adjudge.reranker", "def f():\n    from rich.progress import track"),
    ],
)
def test_a_library_outside_its_room_is_seen(module: str, source: str) -> None:
    found = [foreign_room(module, i.target) for i in imports(ast.parse(source), module)]
    assert any(found)


def test_what_runs_at_import_is_told_from_what_does_not() -> None:
    source = "import a\nif TYPE_CHECKING:\n    import b\ndef f():\n    import c\nclass D:\n    import e\nwith x:\n    import g"
    found = {i.target: i.top for i in imports(ast.parse(source), "adjudge.x")}
    assert found == {"a": True, "b": False, "c": False, "e": True, "g": True}
