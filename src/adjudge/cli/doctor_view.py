"""The doctor's report for a person."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.table import Table
from rich.text import Text

from .._version import __version__
from .console import visible
from .doctor_report import Chosen, Report
from .exit_codes import OK
from .installed import Extra, Hub
from .machine import Machine
from .self_test import Check

__all__ = ["show_report"]

Line = tuple[str, str, str]
"""A label, what was found, and its style."""


def show_report(console: Console, report: Report) -> None:
    """Print it, section by section."""
    _section(console, f"adjudge {__version__}", _machine(report.machine))
    _section(console, "installed", _installed(report.installed))
    _section(console, "hub", _hub(report.hub))
    if report.chosen is not None:
        _section(console, "model", _chosen(report.chosen))
    if report.model_problem is not None:
        _section(console, "model", [("problem", str(report.model_problem), "red")])
    if report.test_problem is not None:
        _section(console, "self-test", [("problem", str(report.test_problem), "red")])
    else:
        _section(console, "self-test", [_check(check) for check in report.checks])
    console.print(Text(f"verdict: {report.verdict}", style="bold green" if report.exit_code == OK else "bold red"))


def _section(console: Console, title: str, lines: list[Line] | Iterator[Line]) -> None:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="cyan", min_width=11, no_wrap=True)
    grid.add_column(overflow="fold")
    for label, found, style in lines:
        grid.add_row(f"  {label}", Text(visible(found), style=style))
    console.print(Text(title, style="bold"))
    console.print(grid)
    console.print()


def _machine(machine: Machine) -> Iterator[Line]:
    yield "system", f"{machine.system}, Python {machine.python}", ""
    yield "processor", machine.processor or "the system does not say", ""
    quota = "" if machine.cpu_quota is None else f", time of {machine.cpu_quota:g} (container)"
    yield "cores", f"{machine.usable_cores} usable of {machine.cores}{quota}", ""
    yield "has", ", ".join(machine.features) or "the system does not say", ""
    yield "openvino", ", ".join(machine.openvino) or "not installed", "" if machine.openvino else "yellow"
    yield "memory", _memory(machine), ""
    yield "gpu", "; ".join(machine.gpus) or machine.gpu_note, "" if machine.gpus else "dim"


def _memory(machine: Machine) -> str:
    if machine.memory_gib is None:
        return "the system does not say"
    available = "" if machine.memory_available_gib is None else f", {machine.memory_available_gib:.1f} GiB available"
    limit = "" if machine.memory_limit_gib is None else f", limit {machine.memory_limit_gib:.1f} GiB (container)"
    return f"{machine.memory_gib:.1f} GiB{available}{limit}"


def _installed(extras: tuple[Extra, ...]) -> Iterator[Line]:
    if not extras:
        yield "adjudge", "runs from a source tree and is not installed, so its requirements are not known", "yellow"
    for extra in extras:
        here = ", ".join(f"{p.name} {p.version}" for p in extra.packages if p.version is not None)
        if extra.missing:
            here += f"{'; ' if here else ''}missing: {', '.join(extra.missing)} ({extra.pip})"
        yield extra.name or "base", here, "yellow" if extra.missing else ""


def _hub(hub: Hub) -> Iterator[Line]:
    yield "endpoint", hub.endpoint + (" (offline: nothing is asked of it)" if hub.offline else ""), ""
    yield "token", hub.token, ""
    yield "cache", f"{hub.cache} ({hub.cached_models} models)", ""


def _chosen(chosen: Chosen) -> Iterator[Line]:
    yield "name", chosen.model + (f" ({chosen.revision[:12]})" if chosen.revision else ""), ""
    yield "folder", str(chosen.folder), ""
    calibrated = "calibrated" if chosen.calibrated else "not calibrated"
    shape = f"{chosen.family}, {chosen.layers} layers of {chosen.hidden_size}"
    yield "shape", f"{shape}, {chosen.max_length} tokens a pair, stored in {chosen.stored_precision}, {calibrated}", ""
    placed = f"{chosen.backend} {chosen.device} in {chosen.precision}, {chosen.parallel} at once"
    yield "runs on", f"{placed}; loaded in {chosen.load_ms:.0f} ms", ""
    for note in chosen.notes:
        yield "because", note, "dim"


def _check(check: Check) -> Line:
    found = f"{check.backend} {check.precision}, {check.pairs} pairs: largest difference {check.largest_difference:.2g}"
    verdict = "ok" if check.ok else "suspicious"
    return check.what, f"{found}, {check.tolerance:g} allowed: {verdict}", "green" if check.ok else "bold red"
