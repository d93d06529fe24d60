"""Experiments with real processes: what they compute, how they go on after a kill, what they refuse."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from adjudge import Reranker
from adjudge.errors import BackendError, BackendUnavailableError, ConfigError, ModelNotFoundError
from adjudge.evaluate.assemble import MeasureConfig
from adjudge.evaluate.dataset import Dataset, DatasetConfig, read_dataset
from adjudge.evaluate.evaluation import evaluate
from adjudge.evaluate.experiment import ExperimentConfig, run_experiment
from adjudge.evaluate.first_stage import find_candidates
from adjudge.evaluate.peers import RerankerSpec, Worker
from adjudge.evaluate.problems import ProblemList
from adjudge.evaluate.result import Evaluation, load_evaluation
from tests.evaluate.beir_folder import write_beir
from tests.evaluate.small_data import quick_spec, write_run
from tests.tiny_models import Tiny

Folders = Callable[[Tiny], Path]

MEASURES = MeasureConfig(resamples=200)


@pytest.fixture(scope="session")
def quick(tiny_folder: Folders) -> Path:
    return tiny_folder(Tiny(family="roberta"))


@pytest.fixture
def rivers(tmp_path: Path) -> Dataset:
    return read_dataset(write_beir(tmp_path / "rivers", rivers=8))


def values(found: Evaluation) -> dict[str, object]:
    """All that does not depend on the clock."""
    return {system.name: (system.per_query, system.scores, system.means) for system in found.systems}


def test_scores_are_those_of_the_reranker_itself(rivers: Dataset, quick: Path) -> None:
    spec = quick_spec(quick)
    raw, journal = run_experiment(rivers, ExperimentConfig(rerankers=(spec,), candidates=5))
    journal.close()
    with Reranker(quick, backend="fake") as judge:
        for query, timed in raw.judged["quick"].items():
            texts = [rivers.documents[document] for document in raw.first.found[query].documents]
            ranking = judge.rank(rivers.queries[query].text, texts)
            assert timed.logits is not None
            assert {r.index: r.logit for r in ranking} == dict(enumerate(timed.logits))
            assert {r.index: r.score for r in ranking} == dict(enumerate(timed.scores))
    assert {len(timed.scores) for timed in raw.judged["quick"].values()} == {5}
    (session,) = raw.sessions["quick"]
    assert session["load_ms"] > 0
    assert session["runtime"] == "fake cpu f32"


def test_turns_or_one_after_the_other_make_no_difference_to_scores(rivers: Dataset, quick: Path, tmp_path: Path) -> None:
    specs = (quick_spec(quick, "one"), quick_spec(quick, "two", windows={"mode": "truncate", "aggregation": "max"}))
    orders = {}
    found = {}
    for interleave in (True, False):
        path = tmp_path / f"journal-{interleave}"
        config = ExperimentConfig(rerankers=specs, candidates=4, interleave=interleave, journal=path)
        raw, journal = run_experiment(rivers, config)
        journal.close()
        orders[interleave] = [r["system"] for r in map(json.loads, path.read_text().splitlines()) if r["kind"] == "judged"]
        found[interleave] = {name: {q: (t.scores, t.logits) for q, t in by.items()} for name, by in raw.judged.items()}
    assert found[True] == found[False]
    halves = {frozenset(orders[False][: len(rivers.queries)]), frozenset(orders[False][len(rivers.queries) :])}
    assert halves == {frozenset({"one"}), frozenset({"two"})}
    assert all(set(orders[True][at : at + 2]) == {"one", "two"} for at in range(0, len(orders[True]), 2))
    assert len({tuple(orders[True][at : at + 2]) for at in range(0, len(orders[True]), 2)}) == 2, "who comes first is drawn by lot"


def test_a_killed_run_goes_on(quick: Path, tmp_path: Path) -> None:
    """kill -9 at several moments; what comes out in the end is what one quiet run says."""
    folder = write_beir(tmp_path / "rivers", rivers=30)
    out, journal = tmp_path / "out.json", tmp_path / "out.json.journal"
    command = [sys.executable, "-m", "adjudge", "evaluate", str(folder), "--rerank", str(quick), "--backend", "fake"]
    command += ["--candidates", "6", "--resamples", "200", "--json", str(out), "--no-progress"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    lines = 0
    for least in (3, 14):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment)
        _wait_for_lines(process, journal, least)
        process.send_signal(signal.SIGKILL)  # its worker ends by itself, since nobody asks it any more
        process.wait()
        assert process.stderr is not None
        process.stderr.close()
        now = journal.read_bytes().count(b"\n")
        assert now >= max(lines, least)
        assert not out.exists()
        lines = now
    with journal.open("ab") as file:
        file.write(b'{"kind":"judged","system":"x","query":"q0","sco')  # as a kill in the middle of a line leaves it
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert not journal.exists()
    found = load_evaluation(out)
    spec = quick_spec(quick, str(quick))
    quiet = evaluate(read_dataset(folder), ExperimentConfig(rerankers=(spec,), candidates=6), MeasureConfig(resamples=200))
    assert values(found) == values(quiet)
    cost = found.system(str(quick)).cost
    assert cost is not None
    assert (cost.query_ms.count, cost.runs) == (30, 3)
    assert any("ran in 3 parts" in warning for warning in found.warnings)


def _wait_for_lines(process: subprocess.Popen[bytes], journal: Path, least: int) -> None:
    deadline = time.monotonic() + 120
    while not journal.exists() or journal.read_bytes().count(b"\n") < least:
        assert process.poll() is None, process.stderr.read() if process.stderr is not None else ""
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_nothing_is_computed_twice_and_other_settings_are_refused(rivers: Dataset, quick: Path, tmp_path: Path) -> None:
    config = ExperimentConfig(rerankers=(quick_spec(quick),), candidates=4, journal=tmp_path / "j")
    first, journal = run_experiment(rivers, config)
    journal.close()
    again, journal = run_experiment(rivers, config)
    journal.close()
    assert (again.judged, again.first) == (first.judged, first.first), "timings and all: read, not computed"
    with pytest.raises(ConfigError, match="other data or with other settings"):
        run_experiment(rivers, replace(config, candidates=5))
    with pytest.raises(ConfigError, match="other data or with other settings"):
        run_experiment(replace(rivers, digest="other"), config)


def test_a_result_is_safe_before_the_journal_goes(rivers: Dataset, quick: Path, tmp_path: Path) -> None:
    config = ExperimentConfig(rerankers=(quick_spec(quick),), candidates=4, journal=tmp_path / "j")
    (tmp_path / "out.json").mkdir()
    with pytest.raises(Exception, match="cannot be written"):
        evaluate(rivers, config, MEASURES, out=tmp_path / "out.json")
    assert (tmp_path / "j").exists()
    found = evaluate(rivers, config, MEASURES, out=tmp_path / "r.json")
    assert load_evaluation(tmp_path / "r.json") == found
    assert not (tmp_path / "j").exists()


def test_a_run_as_the_first_stage(tmp_path: Path, quick: Path) -> None:
    data = read_dataset(write_beir(tmp_path / "rivers", rivers=3))
    run = write_run(tmp_path / "mine.trec", {"q0": ["rise0", "end0", "gone"], "q1": ["end1", "end1", "rise2"], "extra": ["end0"]})
    found = evaluate(data, ExperimentConfig(retriever=str(run), rerankers=(quick_spec(quick),), candidates=3), MEASURES)
    assert found.settings.retriever == "mine.trec"
    assert found.first_stage.per_query["RR@10"] == (0.5, 1.0, 0.0)
    assert found.first_stage.cost is None
    problems = {problem.kind: problem.examples for problem in found.data.problems}
    assert problems == {
        "run_duplicate": ("q1 end1",),
        "run_query_unjudged": ("extra",),
        "run_document_missing": ("gone",),
        "run_query_missing": ("q2",),
        "no_candidates": ("q2",),
    }
    assert len(found.system("quick").per_query["RR@10"]) == 3


def test_candidates_that_a_file_brings_are_put_in_order_without_a_look_at_who_stands_first(tmp_path: Path) -> None:
    """No word of the query is in any passage, so BM25 knows nothing: the right ones stand first in the file, and must not profit."""
    rows = [{"query": f"query{n}", "positive": [f"a{n}"], "negative": [f"b{n}", f"c{n}", f"d{n}"]} for n in range(80)]
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    found = evaluate(read_dataset(path), ExperimentConfig(candidates=4), MEASURES)
    assert 0.1 < found.first_stage.means["Success@1"].mean < 0.45
    assert found.data.recall_of_candidates == 1.0


@pytest.mark.slow
@pytest.mark.parametrize("retriever", ["dense", "hybrid"])
def test_other_first_stages(tmp_path: Path, retriever: str) -> None:
    data = read_dataset(write_beir(tmp_path / "rivers", rivers=4), DatasetConfig(queries=3))
    stage = find_candidates(data, retriever, candidates=3, problems=ProblemList())
    assert stage.load_ms is not None
    assert {len(found.documents) for found in stage.found.values()} == {3}
    assert all(list(found.scores) == sorted(found.scores, reverse=True) for found in stage.found.values())


def test_memory_is_the_workers_own_and_not_that_of_who_started_it(quick: Path) -> None:
    ballast = b"x" * (600 * 2**20)
    with Worker(quick_spec(quick)) as worker:
        judged = worker.judge("red", ["red apples", "bread"])
        assert worker.facts.memory_before_mib is not None
        assert worker.facts.memory_before_mib < 200
    assert judged.memory_mib is None or judged.memory_mib < 500
    assert len(ballast) > 0


def test_a_document_without_text_is_not_judged_and_the_others_are(quick: Path) -> None:
    with Worker(quick_spec(quick)) as worker:
        judged = worker.judge("red", ["red apples", " ", "a lone \ud800 half"])
    assert judged.scores[0] is not None
    assert judged.scores[1] is None


def test_a_worker_that_dies_is_told_with_what_it_said_last(quick: Path) -> None:
    worker = Worker(quick_spec(quick))
    worker._process.send_signal(signal.SIGKILL)
    with pytest.raises(BackendError, match=r"quick: its process ended with code -9 while it was asked to score\. It said"):
        worker.judge("q", ["d"])
    worker.close()
    worker.close()


def test_errors_of_adjudge_arrive_as_they_are(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError, match="nowhere"):
        Worker(RerankerSpec(name="m", adapter="adjudge", model=str(tmp_path / "nowhere"), options={}))
    with pytest.raises(ConfigError, match="backend must be"):
        Worker(RerankerSpec(name="m", adapter="adjudge", model="embedded", options={"backend": "magic"}))


def test_an_interpreter_that_is_none(tmp_path: Path) -> None:
    spec = RerankerSpec(name="flagembedding:m", adapter="flagembedding", model="m", python=str(tmp_path / "python"))
    with pytest.raises(BackendUnavailableError, match="the interpreter .*python cannot be started"):
        Worker(spec)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"candidates": 0}, "candidates must be a whole number"),
        ({"retriever": "google"}, "'google' is no first stage"),
        ({"rerankers": (quick_spec(Path("a"), "m"), quick_spec(Path("b"), "m"))}, "'m' is named twice"),
        ({"rerankers": (quick_spec(Path("a"), "bm25"),)}, "'bm25' is the first stage here"),
    ],
)
def test_settings_are_checked(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        ExperimentConfig(**settings)  # type: ignore[arg-type]
