"""`adjudge doctor`: it says what is here, and it notices when scores are wrong."""

from __future__ import annotations

import io
import json
import math
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

from adjudge.backends.base import Traits
from adjudge.cli import doctor_report
from adjudge.cli.doctor_report import Report, examine
from adjudge.cli.doctor_view import show_report
from adjudge.cli.installed import Extra, Package, installed, look_at_hub, read_requirements
from adjudge.cli.machine import look_at_machine, read_cpu_info
from adjudge.cli.self_test import LOGIT_TOLERANCE, Check, compare, read_golden, self_test
from adjudge.config import Precision, SourceConfig
from adjudge.errors import ModelFilesError
from adjudge.models.files import EMBEDDED, find_model
from tests.cli.conftest import Run
from tests.source import ROOT
from tests.tiny_models import Tiny

Folders = Callable[[Tiny], Path]

PARAMS = {"model": EMBEDDED, "backend": "auto", "device": "auto", "precision": "auto", "threads": None}
TRAITS = Traits(backend="fake", device="cpu", precision="f32", outputs=1, padding_free=True, parallel=1)


@pytest.fixture(scope="module")
def report() -> Report:
    """One real examination of this machine."""
    return examine(PARAMS, progress=False)


def with_check(report: Report, difference: float) -> Report:
    return replace(report, checks=(replace(report.checks[0], largest_difference=difference, ok=difference <= 1e-3),))


def picture(report: Report, width: int) -> str:
    console = Console(file=io.StringIO(), width=width)
    show_report(console, report)
    return console.file.getvalue()


def test_this_machine_is_fit_and_says_why(report: Report) -> None:
    assert (report.exit_code, report.verdict) == (0, "ok"), picture(report, 120)
    assert report.chosen is not None
    assert (report.chosen.model, report.chosen.backend) == (EMBEDDED, "openvino")
    assert report.chosen.notes
    assert {(check.what, check.precision) for check in report.checks} >= {("judge", "f32"), ("bi-encoder", "f32")}
    assert ("judge", report.chosen.precision) in {(check.what, check.precision) for check in report.checks}
    assert all(check.pairs >= 10 for check in report.checks)


def test_golden_scores_spread_over_both_sides() -> None:
    """Pairs that all say the same would let a broken model pass."""
    golden = read_golden(find_model(EMBEDDED, SourceConfig()).folder / "golden.json")
    logits = [g.logit for g in golden]
    assert min(logits) < -2 < 2 < max(logits)
    assert max(logits) - min(logits) > 8 * LOGIT_TOLERANCE["int8"]


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["f32", "int8"])
def test_a_named_precision_is_the_one_that_is_tested(precision: Precision) -> None:
    assert {check.precision for check in self_test({"precision": precision})} == {"f32", precision}


@pytest.mark.parametrize("width", [40, 80, 120])
def test_the_report_fits_and_names_its_parts(report: Report, width: int) -> None:
    text = picture(report, width)
    assert max(map(cell_len, text.splitlines())) <= width
    for part in ("adjudge ", "installed", "hub", "model", "self-test", "verdict: ok"):
        assert part in text


def test_json(adjudge: Run, report: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_report, "examine", lambda params, progress: report)
    ended = adjudge("doctor", "--json")
    shown = json.loads(ended.out)
    assert (ended.code, ended.err) == (0, "")
    assert (shown["ok"], shown["verdict"]) == (True, "ok")
    assert shown["model"]["precision"] == report.chosen.precision  # type: ignore[union-attr]
    assert shown["machine"]["usable_cores"] >= 1
    assert [check["ok"] for check in shown["self_test"]] == [True] * len(report.checks)
    assert {package["name"] for extra in shown["installed"] for package in extra["packages"]} >= {"openvino", "numpy", "typer"}


def test_wrong_scores_are_suspicious_and_end_with_code_9(adjudge: Run, report: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = with_check(report, 3.0)
    monkeypatch.setattr(doctor_report, "examine", lambda params, progress: wrong)
    ended = adjudge("doctor")
    assert ended.code == 9
    assert "largest difference 3, 0.001 allowed: suspicious" in " ".join(ended.out.split())
    assert "verdict: suspicious" in ended.out


def test_scores_of_other_weights_are_noticed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The golden file with one number changed: the real computation must miss it."""
    shipped = find_model(EMBEDDED, SourceConfig())
    golden = json.loads((shipped.folder / "golden.json").read_text(encoding="utf-8"))
    golden[3]["logit"] += 0.002
    golden[5]["cosine"] -= 0.001
    (tmp_path / "golden.json").write_text(json.dumps(golden), encoding="utf-8")
    monkeypatch.setattr("adjudge.cli.self_test.read_golden", lambda path: read_golden(tmp_path / path.name))
    assert [check.ok for check in self_test({"precision": "f32"})] == [False, False]


@pytest.mark.parametrize(
    ("found", "ok"), [([1.0, 2.0], True), ([1.0, 2.0009], True), ([1.0, 2.002], False), ([math.nan, 2.0], False), ([1.0, math.inf], False)]
)
def test_compare(found: list[float], ok: bool) -> None:
    check = compare("judge", found, [1.0, 2.0], traits=TRAITS, tolerances=LOGIT_TOLERANCE)
    assert (check.ok, check.pairs, check.tolerance) == (ok, 2, 1e-3)


@pytest.mark.parametrize(
    "content", [None, "", "[]", "{}", '[{"query": "a"}]', '[{"query": "a", "passage": "b", "logit": null, "cosine": 1}]']
)
def test_golden_scores_that_cannot_be_read(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "golden.json"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(ModelFilesError, match="golden.json"):
        read_golden(path)


def test_a_model_that_cannot_be_used_does_not_hide_the_rest(adjudge: Run, report: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_report, "self_test", lambda options: list(report.checks))
    ended = adjudge("doctor", "--model", "./no/such/folder")
    assert ended.code == 6
    text = " ".join(ended.out.split())
    for part in ("processor", "there is no folder", "0.001 allowed: ok", "verdict: not ready: see above"):
        assert part in text


def test_a_model_of_ones_own(adjudge: Run, report: Report, tiny_folder: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_report, "self_test", lambda options: list(report.checks))
    folder = tiny_folder(Tiny(family="roberta"))
    shown = json.loads(adjudge("doctor", "--model", folder, "--json", "--backend", "fake").out)["model"]
    assert (shown["folder"], shown["family"], shown["backend"], shown["stored_precision"]) == (str(folder), "roberta", "fake", "f32")


def test_a_wrong_option_is_no_finding(adjudge: Run) -> None:
    ended = adjudge("doctor", "--threads", "0")
    assert (ended.code, ended.out) == (4, "")


def test_a_missing_self_test_is_no_success(adjudge: Run, report: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(options: object) -> list[Check]:
        raise ModelFilesError("golden.json cannot be read")

    monkeypatch.setattr(doctor_report, "self_test", broken)
    ended = adjudge("doctor", "--json", "--backend", "fake")
    assert ended.code == 6
    assert json.loads(ended.out)["self_test_problem"] == {"kind": "ModelFilesError", "message": "golden.json cannot be read"}


def test_tokens_and_passwords_are_never_shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    monkeypatch.setenv("HF_ENDPOINT", "https://me:pa55@mirror.example:8443/hf")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    hub = look_at_hub(SourceConfig(cache_dir=tmp_path))
    assert (hub.endpoint, hub.offline, hub.token) == ("https://***@mirror.example:8443/hf", True, "HF_TOKEN")
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setenv("HF_TOKEN_PATH", str(tmp_path / "token"))
    assert look_at_hub(SourceConfig(cache_dir=tmp_path)).token == "none"
    (tmp_path / "token").write_text("hf_secret", encoding="utf-8")
    assert look_at_hub(SourceConfig(cache_dir=tmp_path)).token == str(tmp_path / "token")


def test_models_in_the_cache_are_counted(tmp_path: Path) -> None:
    for name in ("models--BAAI--bge", "models--x--y", "datasets--x--y"):
        (tmp_path / name).mkdir()
    assert look_at_hub(SourceConfig(cache_dir=tmp_path)).cached_models == 2


def test_requirements_are_those_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = {e.name: {p.name for p in e.packages} for e in installed()}
    wanted = {"": project["dependencies"], **project["optional-dependencies"]}
    for name in set(wanted) - {"all", "dev"}:
        assert extras[name] == plain_names(wanted, name), "pyproject.toml has changed since the package was installed here"
    assert set(extras) == set(wanted) - {"all", "dev"}


def plain_names(wanted: Mapping[str, list[str]], extra: str) -> set[str]:
    """The packages of an extra, and of the extras that it is made of."""
    names: set[str] = set()
    for line in wanted[extra]:
        if line.startswith("adjudge["):
            names.update(*(plain_names(wanted, inner) for inner in line[8:-1].split(",")))
        else:
            names.add(re.split(r"[\[>]", line)[0])  # what is asked for by an extra of a package is the package
    return names


def test_requirement_lines() -> None:
    declared = [
        "numpy>=1.26",
        'torch>=2.6; extra == "torch"',
        "adjudge[torch,onnx]; extra == 'all'",
        'ruff; extra == "dev"',
        'a.b-c ; extra=="x"',
    ]
    assert read_requirements(declared) == {"": ("numpy",), "torch": ("torch",), "x": ("a.b-c",)}


def test_a_missing_extra_names_the_pip_line(report: Report) -> None:
    extra = Extra("server", (Package("fastapi", None), Package("uvicorn", "1.0"), Package("prometheus-client", None)))
    assert extra.missing == ("fastapi", "prometheus-client")
    text = " ".join(picture(replace(report, installed=(extra,)), 200).split())
    assert 'server uvicorn 1.0; missing: fastapi, prometheus-client (pip install "adjudge[server]")' in text
    assert "not installed" in picture(replace(report, installed=()), 120)


X86 = """processor : 0
model name : Some Xeon
flags : fpu avx2 avx512f avx512_vnni amx_int8

processor : 1
model name : Some Xeon
flags : fpu
"""
ARM = """processor : 0
Features : fp asimd asimddp bf16 i8mm
CPU implementer : 0x41

Model : Some Board
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (X86, ("Some Xeon", ("AVX2", "AVX-512", "AVX-512 VNNI", "AMX INT8"))),
        (ARM, ("Some Board", ("NEON", "dot product", "I8MM", "BF16"))),
        ("", ("", ())),
    ],
)
def test_cpu_info(text: str, expected: tuple[str, tuple[str, ...]]) -> None:
    assert read_cpu_info(text) == expected


def test_this_machine() -> None:
    machine = look_at_machine()
    assert 1 <= machine.usable_cores <= machine.cores
    assert "FP32" in machine.openvino
    assert bool(machine.gpus) != bool(machine.gpu_note)
    assert machine.memory_gib is None or machine.memory_gib > 0.1
