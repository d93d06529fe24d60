"""docs/monitoring.md says what is: every metric, every threshold, every form of row, and code that runs."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from adjudge import Reranker
from adjudge.cli.monitor_rows import RowConfig, read_queries
from adjudge.monitor import DriftConfig, DriftMonitor, write_reference
from adjudge.monitor.divergence import BINS
from adjudge.monitor.null import ks_threshold, psi_threshold
from adjudge.monitor.reference import LEAST_QUERIES
from adjudge.monitor.scales import CELLS, RELATIVE_ERROR
from adjudge.server.metrics import Metrics
from adjudge.server.model_numbers import LATENCY_PART, LATENCY_PARTS
from adjudge.server.protocols.dialect import STATUS
from tests.monitor.drawn_scores import drawn, reference_of, tallied
from tests.source import ROOT

PAGE = (ROOT / "docs" / "monitoring.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def families(word_judge: Reranker) -> dict[str, set[str]]:
    """{metric: its labels} of a server that has done all it can."""
    reference = reference_of(drawn(60, seed=1))
    monitor = DriftMonitor(reference)
    monitor.observe_tally(tallied(drawn(50, seed=1)))
    for _ in range(4):
        monitor.observe_tally(tallied(drawn(50, seed=1)))
    metrics = Metrics(monitors={"judge": monitor})
    metrics.received("native", "judge")
    metrics.answered("native", "judge", 500, {"total": 1.0, "queue": 0.1})
    metrics.ranked("judge", word_judge.rank("query", ["a query", ""]))
    metrics.fallback("reason")
    metrics.batch(1, 1, 1)
    found: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(metrics.render()[0].decode()):
        name = family.name + {"counter": "_total", "info": "_info"}.get(family.type, "")
        if family.type == "unknown" or name.startswith("process_") or name.endswith("_created"):
            continue
        found.setdefault(name, set()).update(label for sample in family.samples for label in sample.labels if label != "le")
    return found


def test_every_metric_stands_there_with_its_labels(word_judge: Reranker) -> None:
    rows = PAGE.split("| metric | labels |")[1].split("\n\n")[0].splitlines()[2:]
    shown = {}
    for row in rows:
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        for name in re.findall(r"`([^`]+)`", cells[0]):
            shown[name] = {label.strip() for label in cells[1].split(",")} - {""}
    assert {name: labels for name, labels in shown.items() if not name.startswith("process_")} == families(word_judge)


def test_rules_and_panels_ask_for_metrics_that_are_there(word_judge: Reranker) -> None:
    known = set(families(word_judge)) | {"process_resident_memory_bytes"}
    asked = set(re.findall(r"\b(?:adjudge|process)_[a-z_]+", PAGE.split("### Rules")[1].split("## Traces")[0]))
    assert {re.sub(r"_(bucket|sum|count)$", "", name) for name in asked} <= known


def test_thresholds_are_those_of_the_defaults() -> None:
    config = DriftConfig()
    rows = re.findall(r"^\| ([\d,]+) queries \| (\S+) / (\S+) \| (\S+) / (\S+) \|$", PAGE, re.MULTILINE)
    assert [row[0] for row in rows] == ["100", "500", "2,000"]
    for size, *shown in rows:
        m = int(size.replace(",", ""))
        limits = config.limits
        pairs = [1 / n + 1 / m for n in (config.short_queries, config.long_queries)]
        psi = [max(config.least_psi, psi_threshold(limits.chance, [v] * (BINS - 1))) for v in pairs]
        ks = [max(config.least_ks, ks_threshold(limits.chance, v)) for v in pairs]
        assert [float(one) for one in shown] == pytest.approx([*psi, *ks], abs=0.006)


def test_limits_stand_there_as_they_are() -> None:
    config = DriftConfig()
    looks = config.horizon_queries // config.step_queries
    for said in (
        f"a histogram of {CELLS:,} fixed cells",
        f"within {RELATIVE_ERROR:.1%}".replace("%", " %"),
        "Fifty queries are needed",
        "over ten bins",
        f"the last {config.short_queries} and the last {config.long_queries:,} queries, are looked at after every {config.step_queries}",
        f"Over {config.horizon_queries:,} queries that makes {looks} looks at 2 windows, 3 quantities and 2 distances",
        f"{looks * 12:,} chances",
        f"kept below **{config.false_alarms:.0%}**".replace("%", " %"),
        f"at least {config.least_psi} for either",
        f"of the last {LATENCY_PARTS * LATENCY_PART:,} to {(LATENCY_PARTS + 1) * LATENCY_PART:,} good answers",
    ):
        assert " ".join(said.split()) in " ".join(PAGE.split()), said
    assert (LEAST_QUERIES, BINS) == (50, 10)
    assert (config.confirmations, config.short_queries // config.step_queries, config.least_ks) == (2, 4, config.least_psi)


def test_every_form_of_row_is_read(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(blocks("json")[0], encoding="utf-8")
    found = list(read_queries([path], RowConfig()))
    assert len(found) == len(blocks("json")[0].splitlines()) == 4
    assert [json.loads(line).keys() for line in blocks("json")[0].splitlines()][-1] == {"scores"}


def test_the_code_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, word_judge: Reranker) -> None:
    monkeypatch.chdir(tmp_path)
    write_reference(Path("reference.json"), reference_of(drawn(60, seed=1)))
    names: dict[str, Any] = {"ranking": word_judge.rank("query", ["a query", "none"])}
    for code in blocks("python"):
        exec(compile(code, "docs/monitoring.md", "exec"), names)
    assert names["monitor"].state().queries == 1


def test_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([\w./-]+?)(?:#[\w-]+)?\)", PAGE)
    assert [link for link in links if not (ROOT / "docs" / link).exists()] == []


def test_the_rule_about_the_cpu_stands_for_as_long_as_the_model_is_there() -> None:
    (rules,) = blocks("yaml")
    (rule,) = re.findall(r"alert: AdjudgeOnCpu\n +expr: (.+)", rules)
    assert rule == "adjudge_fallback_total > 0", "a model that left its GPU does not come back, so this is no matter of the last hour"


def test_every_kind_of_error_stands_there() -> None:
    (row,) = [line for line in PAGE.splitlines() if line.startswith("| `adjudge_errors_total`")]
    assert set(row.rpartition(": ")[2].strip("|. ").split(", ")) == {*STATUS, "other"}
