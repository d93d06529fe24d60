"""The tree on the page is the tree in the code."""

from __future__ import annotations

import re

import pytest

from adjudge import errors
from adjudge.cli.exit_codes import BY_ERROR, MEANINGS, OK, exit_code
from adjudge.errors import AdjudgeError, MissingExtraError

ENTRY = re.compile(r"^(?P<indent>[│ ]*)[├└]── (?P<name>\w+)(?P<rest>.*)$")
ALSO = re.compile(r"\(also (\w+)\)")

CLASSES = {name: getattr(errors, name) for name in errors.__all__}


def drawn() -> dict[str, tuple[str, str]]:
    """{class: (parent, builtin it also is, or "")} as the docstring of errors.py draws it."""
    branch = ["AdjudgeError"]
    found = {}
    for line in (errors.__doc__ or "").splitlines():
        match = ENTRY.match(line)
        if match is None:
            continue
        depth = len(match["indent"]) // 4 + 1
        branch = [*branch[:depth], match["name"]]
        also = ALSO.search(match["rest"])
        found[match["name"]] = (branch[depth - 1], also[1] if also else "")
    return found


def coded() -> dict[str, tuple[str, str]]:
    """The same, from the classes."""
    return {
        name: (cls.__bases__[0].__name__, cls.__bases__[1].__name__ if len(cls.__bases__) > 1 else "")
        for name, cls in CLASSES.items()
        if cls is not AdjudgeError
    }


def test_the_docstring_draws_the_classes() -> None:
    assert drawn() == coded()


def test_every_class_of_the_module_is_exported() -> None:
    defined = {name for name, value in vars(errors).items() if isinstance(value, type) and value.__module__ == errors.__name__}
    assert defined == set(errors.__all__)


@pytest.mark.parametrize("name", errors.__all__)
def test_each_error_is_an_adjudge_error_and_says_when(name: str) -> None:
    assert issubclass(CLASSES[name], AdjudgeError)
    assert CLASSES[name].__doc__


@pytest.mark.parametrize("name", errors.__all__)
def test_each_error_has_an_exit_code_that_is_explained(name: str) -> None:
    assert CLASSES[name] in BY_ERROR
    assert BY_ERROR[CLASSES[name]] not in (OK, None)
    assert BY_ERROR[CLASSES[name]] in MEANINGS


def test_an_error_of_a_plugin_takes_the_code_of_its_parent() -> None:
    class Mine(errors.HubError):
        pass

    assert exit_code(Mine("x")) == BY_ERROR[errors.HubError]


def test_a_missing_extra_names_the_pip_line() -> None:
    error = MissingExtraError(package="torch", extra="torch", what='backend="torch"')
    assert str(error).startswith("backend=\"torch\" needs the package 'torch', which is not installed.")
    assert str(error).endswith('pip install "adjudge[torch]"')
    assert (error.package, error.extra) == ("torch", "torch")
