"""The wheel as a stranger gets it: built, installed in a clean environment with nothing but the base packages, and used."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

import adjudge
from tests.source import PACKAGE, ROOT

pytestmark = pytest.mark.slow

PANDA = [
    "Apples are rich in fibre and vitamin C.",
    "The giant panda eats bamboo for up to fourteen hours a day.",
    "The stock market closed higher on Friday.",
]
LIMIT_MB = 100  # the package index takes no larger file


def run(*command: str | Path, cwd: Path) -> str:
    """What a command prints; its error output is shown when it fails."""
    environment = {k: v for k, v in os.environ.items() if k not in {"PYTHONPATH", "PYTHONHOME"}}
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=environment, capture_output=True, encoding="utf-8", timeout=280, check=False
    )
    assert done.returncode == 0, f"{command}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this tree."""
    out = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, ROOT, cwd=out)
    return next(out.glob("*.whl"))


@pytest.fixture(scope="module")
def clean(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new environment with the wheel and its base dependencies; returns the folder of its commands."""
    folder = tmp_path_factory.mktemp("clean")
    run(sys.executable, "-m", "venv", folder / "venv", cwd=folder)
    commands = folder / "venv" / ("Scripts" if os.name == "nt" else "bin")
    run(commands / "python", "-m", "pip", "install", "--quiet", "--no-compile", "--constraint", ROOT / "constraints.txt", wheel, cwd=folder)
    return commands


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    assert wheel.name == f"adjudge-{adjudge.__version__}-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    info = f"adjudge-{adjudge.__version__}.dist-info"
    assert {name.split("/")[0] for name in names} == {"adjudge", info}
    assert {f"{info}/licenses/LICENSE", f"{info}/licenses/NOTICE", "adjudge/py.typed"} <= names
    source = {f"adjudge/{p.relative_to(PACKAGE).as_posix()}" for p in PACKAGE.rglob("*") if p.is_file() and "__pycache__" not in p.parts}
    assert {name for name in names if name.startswith("adjudge/")} == source


def test_the_wheel_can_be_published(wheel: Path) -> None:
    assert 20 < wheel.stat().st_size / 1e6 < LIMIT_MB  # below 20 MB the model would be missing


def test_the_source_archive_builds_from_what_it_holds(tmp_path: Path) -> None:
    run(sys.executable, "-m", "build", "--sdist", "--no-isolation", "--outdir", tmp_path, ROOT, cwd=tmp_path)
    with tarfile.open(next(tmp_path.glob("*.tar.gz"))) as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames()}
    assert {"pyproject.toml", "LICENSE", "NOTICE", "README.md", "CHANGELOG.md", "constraints.txt", "src/adjudge/py.typed"} <= names
    assert {p.relative_to(ROOT).as_posix() for p in (PACKAGE / "models" / "embedded").iterdir()} <= names
    assert not [name for name in names if name.startswith((".venv", ".git/", "benchmarks/results/")) or "__pycache__" in name]


def test_base_install_brings_no_torch(clean: Path) -> None:
    code = "import importlib.util as u; print([m for m in ('torch', 'transformers', 'onnxruntime', 'onnx') if u.find_spec(m)])"
    assert run(clean / "python", "-c", code, cwd=clean).strip() == "[]"


def test_every_module_imports_without_extras(wheel: Path, clean: Path) -> None:
    code = """
import importlib, json, pkgutil, adjudge
names = [m.name for m in pkgutil.walk_packages(adjudge.__path__, "adjudge.") if not m.name.endswith("__main__")]
for name in names:
    importlib.import_module(name)
print(json.dumps(names))
"""
    names = json.loads(run(clean / "python", "-W", "error", "-c", code, cwd=clean))
    with zipfile.ZipFile(wheel) as archive:
        shipped = {name for name in archive.namelist() if name.endswith(".py")} - {"adjudge/__init__.py", "adjudge/__main__.py"}
    assert set(names) == {name.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for name in shipped}


def test_the_installed_command_ranks_with_the_model_inside(clean: Path) -> None:
    printed = run(clean / "adjudge", "rank", "What do giant pandas eat?", *PANDA, "--json", cwd=clean)
    results = json.loads(printed)["results"]
    assert [r["index"] for r in results][0] == 1
    assert sorted(r["index"] for r in results) == [0, 1, 2]
    assert all(0 <= r["score"] <= 1 for r in results)


def test_the_installed_module_says_its_version(clean: Path) -> None:
    assert adjudge.__version__ in run(clean / "python", "-m", "adjudge", "--version", cwd=clean)
