"""Experiments with real processes: what they compute, how they go on after a kill, what they refuse."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from adjudge import Document, Reranker
from adjudge.errors import BackendError, BackendUnavailableError, ConfigError, ModelNotFoundError
from adjudge.evaluate.assemble import MeasureConfig
from adjudge.evaluate.dataset import Dataset, DatasetConfig, read_dataset
from adjudge.evaluate.evaluation import evaluate
from adjudge.evaluate.experiment import ExperimentConfig, run_experiment
from adjudge.evaluate.first_stage import find_candidates, pool_order
from adjudge.evaluate.peers import RerankerSpec, Worker
from adjudge.evaluate.problems import ProblemList
from adjudge.evaluate.result import Evaluation, load_evaluation
from adjudge.retrieval.bm25 import BM25Retriever
from adjudge.retrieval.dense_retriever import DenseRetriever
from adjudge.retrieval.hybrid import HybridRetriever
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


def stopped(data: Dataset, config: ExperimentConfig) -> None:
    """A run that ends half-way, as by Ctrl-C."""

    def stop(stage: str, done: int, total: int) -> None:
        if stage == "judging" and done == total // 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_experiment(data, config, progress=stop)


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "tokenizer.json", "calibration.json"])
def test_a_run_does_not_go_on_with_another_model_in_the_same_folder(rivers: Dataset, quick: Path, tmp_path: Path, name: str) -> None:
    shutil.copytree(quick, tmp_path / "model")
    config = ExperimentConfig(rerankers=(quick_spec(tmp_path / "model"),), candidates=4, journal=tmp_path / "j")
    stopped(rivers, config)
    shutil.copytree(quick, tmp_path / "model", dirs_exist_ok=True, copy_function=shutil.copyfile)  # the same again, only later
    stopped(rivers, config)
    with (tmp_path / "model" / name).open("ab") as file:
        file.seek(0, os.SEEK_END)
        file.write(b" ")
    if name == "model.safetensors":
        _change_last_byte(quick / name, tmp_path / "model" / name)
    with pytest.raises(ConfigError, match="other data or with other settings"):
        run_experiment(rivers, config)


def test_a_run_goes_on_though_its_results_are_beside_the_model(rivers: Dataset, quick: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(quick, tmp_path / "model"))
    config = ExperimentConfig(rerankers=(quick_spec(folder),), candidates=4, journal=folder / "eval.json.journal")
    stopped(rivers, config)
    (folder / "other.json").write_text("{}", encoding="utf-8")
    (folder / "report").mkdir()
    (folder / "report" / "index.html").write_text("<p>", encoding="utf-8")
    raw, journal = run_experiment(rivers, config)
    journal.close()
    assert len(raw.sessions[str(config.rerankers[0].name)]) == 2
    assert len(raw.judged[config.rerankers[0].name]) == len(rivers.queries)


def _change_last_byte(source: Path, target: Path) -> None:
    data = bytearray(source.read_bytes())
    data[-1] ^= 1
    target.write_bytes(data)


@pytest.mark.parametrize("fact", ["model", "revision"])
def test_a_run_does_not_go_on_with_another_revision(rivers: Dataset, quick: Path, tmp_path: Path, fact: str) -> None:
    """As where a hub's branch moved on meanwhile, or a server was given another model."""
    config = ExperimentConfig(rerankers=(quick_spec(quick),), candidates=4, journal=tmp_path / "j")
    stopped(rivers, config)
    lines = [json.loads(line) for line in (tmp_path / "j").read_text().splitlines()]
    lines = [{**line, fact: "an earlier one"} if line["kind"] == "session" else line for line in lines]
    (tmp_path / "j").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    with pytest.raises(ConfigError, match=rf"quick: its {fact} was 'an earlier one' when .* and is '.*' now; --restart"):
        run_experiment(rivers, config)


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


def rows(path: Path, *, queries: int, each: int) -> Dataset:
    """Queries and passages of words drawn by lot, so that all match a little and some score alike; the first query matches nothing."""
    draw = random.Random(3)

    def text() -> str:
        return " ".join(["the", *draw.choices([f"word{n}" for n in range(200)], k=draw.randint(1, 8))])

    made = [{"query": text() if n else "?", "positive": [text()], "negative": [text() for _ in range(each - 1)]} for n in range(queries)]
    path.write_text("".join(f"{json.dumps(row)}\n" for row in made), encoding="utf-8")
    return read_dataset(path)


@pytest.mark.parametrize("retriever", ["bm25", "dense", "hybrid"])
def test_a_query_with_candidates_of_its_own_gets_the_scores_of_a_search_in_all_texts(tmp_path: Path, retriever: str) -> None:
    data = rows(tmp_path / "rows.jsonl", queries=8, each=5)
    documents = [Document(data.documents[one], id=one) for one in pool_order("", data.documents)]
    words, meaning = BM25Retriever.from_documents(documents), DenseRetriever.from_documents(documents)
    with closing({"bm25": words, "dense": meaning, "hybrid": HybridRetriever([words, meaning])}[retriever]) as plain, closing(meaning):
        found = find_candidates(data, retriever, candidates=4, problems=ProblemList()).found
        assert data.pools is not None
        for query, asked in data.queries.items():
            everything = [(one.document.id, one.score) for one in plain.retrieve(asked.text, len(documents)).candidates]
            inside = [(document, score) for document, score in everything if document in data.pools[query]]
            matching = {document for document, _ in inside}
            rest = [(document, 0.0) for document in pool_order(query, data.pools[query]) if document not in matching]
            assert list(zip(found[query].documents, found[query].scores, strict=True)) == [*inside, *rest][:4]


def test_candidates_of_other_queries_cost_a_query_next_to_nothing(tmp_path: Path) -> None:
    stage = find_candidates(rows(tmp_path / "rows.jsonl", queries=400, each=30), "bm25", candidates=30, problems=ProblemList())
    assert statistics.median(found.milliseconds or 0.0 for found in stage.found.values()) < 8


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
