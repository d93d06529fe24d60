"""The load of the service benchmark, against a real server with a small model."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import service
from benchmarks.passages import Passages
from benchmarks.service_load import SIZES, Seen, added_latency, draw_asked, percentiles, press
from benchmarks.service_servers import Server
from tests.benchmarks.long_data import write_sets
from tests.server.serving import Live, quick_settings, serving
from tests.tiny_models import Tiny, build

PASSAGES = Passages("made-up", {"q": "red apples", "r": "bread"}, {str(i): f"passage {i} of apples and bread" for i in range(80)}, {})


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with serving(quick_settings(build(Tiny(family="roberta"), tmp_path_factory.mktemp("quick") / "model"))) as found:
        yield found


def test_requests_are_mixed_and_the_same_every_time() -> None:
    asked = draw_asked(PASSAGES, 200)
    assert asked == draw_asked(PASSAGES, 200)
    assert {len(request.documents) for request in asked} == set(SIZES)
    assert {request.query for request in asked} == {"red apples", "bread"}
    assert all(len(set(request.documents)) == len(request.documents) for request in asked)


def test_clients_press_and_everything_is_counted(live: Live) -> None:
    asked = draw_asked(PASSAGES, 40)
    seen = press(f"{live.url}/rerank", asked, clients=4, seconds=0.3)
    assert seen.failed == []
    assert len(seen.latencies) >= 4
    assert seen.pairs >= len(seen.latencies)
    found = seen.summary()
    assert found["requests"] == len(seen.latencies)
    assert found["pairs_per_s"] == pytest.approx(seen.pairs / seen.seconds)
    assert found["latency_ms"]["p50"] <= found["latency_ms"]["p99"]


def test_what_fails_is_told(live: Live) -> None:
    seen = press(f"{live.url}/nowhere", draw_asked(PASSAGES, 4), clients=1, seconds=0.05)
    assert not seen.latencies
    assert seen.failed[0].startswith("404")
    assert Seen(seconds=1.0, failed=["a", "a"]).summary()["failures"] == ["a"]


def test_a_level_is_the_median_of_its_rounds() -> None:
    level = service.Level()
    for pairs, bare in ((50, 10.0), (90, 10.0), (100, 20.0)):
        level.add(Seen(seconds=10.0, pairs=pairs, latencies=[0.1]), bare=bare, busy_s=1.0)
    found = level.summary()
    assert found["of_bare_by_round"] == pytest.approx([0.5, 0.9, 0.5])
    assert found["of_bare"] == pytest.approx(0.5)
    assert (found["pairs"], found["requests"], found["bare_pairs_per_s"]) == (240, 3, 10.0)
    assert found["clients_busy_cores"] == pytest.approx(0.1)


def test_added_latency_is_a_difference(live: Live) -> None:
    asked = draw_asked(PASSAGES, 5)
    none = added_latency(f"{live.url}/rerank", asked, [0.0] * 5)
    less = added_latency(f"{live.url}/rerank", asked, [10.0] * 5)
    assert none["p50"] > 0 > less["p50"]
    assert percentiles([]) == {}
    with pytest.raises(RuntimeError, match="the server answered 404"):
        added_latency(f"{live.url}/nowhere", asked, [0.0] * 5)


@pytest.mark.slow
def test_a_whole_small_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The shipped model behind a real process, for a moment, and a server that does not start."""
    broken = Server("adjudge", "broken", ("{python}", "-c", "raise SystemExit('no such model')"), "/ready")
    monkeypatch.setattr(service, "SERVERS", (broken, *service.SERVERS[:1]))
    write_sets(tmp_path / "data")
    name = next(path.name for path in sorted((tmp_path / "data").iterdir()))
    out = tmp_path / "out.json"
    arguments = ["--data", str(tmp_path / "data"), "--set", name, "--shape", "none", "--embedded", "--seconds", "1", "--clients", "2"]
    monkeypatch.setattr(sys, "argv", ["service", *arguments, "--probes", "2", "--soak", "1", "--out", str(out)])
    service.main()
    assert "adjudge: left out. http" in capsys.readouterr().err
    found = json.loads(out.read_text(encoding="utf-8"))["models"]["embedded"]["adjudge"]
    assert found["levels"]["2"]["failed"] == 0
    assert found["levels"]["2"]["requests"] > 0
    assert set(found["added_ms"]) == {"one_document", "mixed"}
    assert found["soak"]["growth_mib_per_minute"] is None, "too short to say"
