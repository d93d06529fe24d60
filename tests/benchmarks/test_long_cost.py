"""The cost benchmark: its texts, its limits, and one case in a process of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.long_cost import BASE, CASES, LIMITS, check, long_text, measure_case
from benchmarks.long_report import block
from benchmarks.passages import Passages
from benchmarks.workers.protocol import Job
from tests.tiny_models import Tiny

PASSAGES = Passages("made-up", {"q": "Where does the river end?"}, {f"d{i}": f"River {i} ends in lake {i * 7}." for i in range(40)}, {})


def test_texts_have_just_so_many_characters() -> None:
    for characters in (1, 17, 500, 5_000):
        assert len(long_text(PASSAGES, characters, seed=1)) == characters
    text = long_text(PASSAGES, 5_000, seed=1)
    assert text == long_text(PASSAGES, 5_000, seed=1)
    assert text[:200] != long_text(PASSAGES, 5_000, seed=2)[:200]
    assert "\n\n" in text
    assert text.count("River 3 ends") > 1, "begun anew where the set does not suffice"


def case(documents: int, characters: int, cpu: float, growth: float) -> dict[str, Any]:
    return {
        "documents": documents,
        "characters": characters,
        "seconds": {"median": 1.0},
        "cpu_us_per_character": {"median": cpu},
        "growth_mib": growth,
    }


def test_limits_are_checked() -> None:
    assert BASE in CASES
    good = [case(1, 1_000, 90.0, 1.0), case(*BASE, 20.0, 5.0), case(1, 400_000, 20.0 * LIMITS["cpu_ratio"], LIMITS["growth_mib"])]
    assert check(good) == [], "a short text may cost more a character: its one window is not full"
    slow, fat = case(1, 100_000, 60.0, 1.0), case(100, 20_000, 20.0, LIMITS["growth_mib"] + 1)
    assert [line.split(":")[0] for line in check([*good, slow, fat])] == ["1 x 100,000 characters", "100 x 20,000 characters"]
    assert "3.00 times the CPU" in check([*good, slow])[0]


def test_the_table_shows_every_case() -> None:
    results = {
        "model": "embedded",
        "runs_in": "openvino int8",
        "measured": "2026-01-02T03:04:05Z",
        "machine": {"cores": 2, "cpu": "some CPU"},
        "cases": [case(1, 1_000, 90.04, 1.4), case(100, 20_000, 20.0, 300.6)],
    }
    text = block("long-cost", results)
    assert text.startswith("2 cores (some CPU), embedded in openvino int8, measured 2026-01-02.\n\n")
    assert "| 1 | 1,000 | 1.00 | 90.0 | 1 |" in text
    assert text.endswith("| 100 | 20,000 | 1.00 | 20.0 | 301 |")


@pytest.mark.slow
def test_a_case_is_measured_in_its_own_process(tiny_folder: Callable[[Tiny], Path], tmp_path: Path) -> None:
    job = Job(
        model=str(tiny_folder(Tiny(family="xlm-roberta"))),
        exports="",
        calibration="",
        max_length=0,
        threads=1,
        device="cpu",
        options={"backend": "openvino", "precision": "f32"},
    )
    found = measure_case((2, 3_000), PASSAGES, job, 2, tmp_path / "log")
    assert found["notes"]["backend"] == "openvino"
    assert found["seconds"]["min"] > 0
    assert found["cpu_us_per_character"]["median"] > 0
    assert found["before_mib"] > 50
    assert found["growth_mib"] >= found["kept_mib"]
