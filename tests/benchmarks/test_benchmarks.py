"""The benchmarks' own arithmetic, and one whole small run: a figure is only as good as the script behind it."""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.harness import Contestant, run_rounds
from benchmarks.models import VOCABULARY_SETS, build_model, embedded_tokenizer
from benchmarks.passages import PASSAGES_A_QUERY, draw_pairs, draw_request, read_passages
from benchmarks.results import agreement, peak_mib, ratios, summary
from benchmarks.shapes import SHAPES, Shape
from benchmarks.systems import CPU_SYSTEMS, System, choose
from benchmarks.workers.protocol import Job

TINY = {"layers": 2, "hidden": 32, "heads": 4, "intermediate": 64, "pairs": 6, "warm_up": 2}
TINY_SHAPES = {
    "bert": Shape(key="tiny-bert", like="none", family="bert", vocabulary=500, positions=512, **TINY),
    "xlm-roberta": Shape(key="tiny-xlmr", like="none", family="xlm-roberta", vocabulary=97_118, positions=514, **TINY),
}


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sets in BEIR layout, one packed, the others plain."""
    root = tmp_path_factory.mktemp("beir")
    for name in VOCABULARY_SETS:
        folder = root / name
        folder.mkdir()
        corpus = [{"_id": f"d{i}", "title": f"Chapter {i}", "text": _text(i)} for i in range(60)]
        queries = [{"_id": f"q{i}", "text": f"Where does river {i} end?"} for i in range(8)]
        grades = [f"q{i}\td{i}\t1\nq{i}\td{i + 20}\t0\n" for i in range(8)]
        (folder / "queries.jsonl").write_text("".join(json.dumps(row) + "\n" for row in queries))
        (folder / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\n" + "".join(grades))
        lines = "".join(json.dumps(row) + "\n" for row in corpus)
        if name == "mlqa-dev-en":
            with gzip.open(folder / "corpus.jsonl.gz", "wt", encoding="utf-8") as file:
                file.write(lines)
        else:
            (folder / "corpus.jsonl").write_text(lines)
    return root


def test_passages_are_read_packed_and_plain(data: Path) -> None:
    packed, plain = read_passages(data / "mlqa-dev-en"), read_passages(data / "xquad-en")
    assert packed.corpus == plain.corpus
    assert packed.relevant == {f"q{i}": (f"d{i}",) for i in range(8)}, "a grade of 0 and the header line are no answers"
    assert packed.corpus["d0"].startswith("Chapter 0 The river 0")


def test_pairs_are_drawn_by_seed_and_none_twice(data: Path) -> None:
    passages = read_passages(data / "mlqa-dev-en")
    pairs = draw_pairs(passages, 50, seed=3)
    assert pairs == draw_pairs(passages, 50, seed=3)
    assert pairs != draw_pairs(passages, 50, seed=4)
    assert len(set(pairs)) == 50
    assert len({query for query, _ in pairs[:PASSAGES_A_QUERY]}) == 1
    with pytest.raises(SystemExit, match="holds only 160 pairs"):
        draw_pairs(passages, 161, seed=3)


def test_a_request_holds_its_answer(data: Path) -> None:
    passages = read_passages(data / "mlqa-dev-en")
    query, documents = draw_request(passages, 10, seed=1)
    number = query.split()[3]
    assert len(set(documents)) == 10
    assert any(f"The river {number} rises" in document for document in documents)


@pytest.mark.parametrize(("key", "parameters"), [("minilm", 22_713_601), ("base", 278_044_417), ("v2m3", 567_755_777)])
def test_shapes_are_those_of_the_public_models(key: str, parameters: int) -> None:
    assert SHAPES[key].parameters == parameters  # as the model cards say


def test_flops_count_matrices_and_attention() -> None:
    shape = TINY_SHAPES["bert"]
    by_hand = 2 * 2 * (10 * (4 * 32 * 32 + 2 * 32 * 64) + 10 * 10 * 2 * 32)
    assert shape.flops([10]) == by_hand
    assert shape.flops([10, 10]) == 2 * by_hand


def test_agreement_sees_scale_and_order() -> None:
    same = agreement([1.0, 2.0, 3.0], [1.0, 2.0, 3.0])
    assert same["max_abs_difference"] == 0.0
    assert same["spearman"] == pytest.approx(1.0)
    scaled = agreement([64.0, 128.0, 192.0], [1.0, 2.0, 3.0])
    assert scaled["spearman"] == pytest.approx(1.0)
    assert scaled["max_abs_difference"] == 189.0, "the right order with wrong logits must show"
    assert agreement([3.0, 2.0, 1.0], [1.0, 2.0, 3.0])["spearman"] == pytest.approx(-1.0)
    # by hand: ranks 1.5 1.5 3 against 1 2 3
    assert agreement([5.0, 5.0, 6.0], [1.0, 2.0, 3.0])["spearman"] == pytest.approx(np.corrcoef([1.5, 1.5, 3], [1, 2, 3])[0, 1])


def test_ratios_know_the_best_backend_and_the_best_that_agrees() -> None:
    rates = {"adjudge": 100.0, "st-torch-f32": 10.0, "st-onnx-int8": 25.0, "st-openvino-int8": 50.0, "flagembedding": 4.0}
    systems: dict[str, dict[str, object]] = {
        name: {"pairs_per_s": {"median": rate}, "agreement": {"spearman": 0.5 if name == "st-openvino-int8" else 1.0}}
        for name, rate in rates.items()
    }
    systems["st-openvino"] = {"failure": "x"}
    assert ratios(systems) == {
        "adjudge": {
            "st-torch-f32": 10.0,
            "st-onnx-int8": 4.0,
            "st-openvino-int8": 2.0,
            "flagembedding": 25.0,
            "st-best": 2.0,
            "st-best-agreeing": 4.0,
        }
    }


def test_the_peak_is_the_accelerators_where_there_is_one() -> None:
    resident = {"load_rss_mib": 5.0, "load_peak_rss_mib": 9.0, "score_peak_rss_mib": 7.0}
    assert peak_mib(resident) == 9.0
    assert peak_mib({**resident, "score_device_peak_mib": 3.0}) == 3.0


def test_systems_are_chosen_by_name_and_pattern() -> None:
    assert [s.name for s in choose(CPU_SYSTEMS, "adjudge,st-torch-*")] == ["adjudge", "st-torch-f32", "st-torch-bf16"]
    assert choose(CPU_SYSTEMS, None) == list(CPU_SYSTEMS)
    with pytest.raises(SystemExit, match="no system is called nobody"):
        choose(CPU_SYSTEMS, "adjudge,nobody")


@pytest.mark.slow
@pytest.mark.parametrize("family", TINY_SHAPES)
def test_a_whole_run_agrees_with_transformers(family: str, data: Path, tmp_path: Path) -> None:
    """Build a model, start both workers, score in rounds: adjudge in float32 gives the reference's logits."""
    shape = TINY_SHAPES[family]
    model = build_model(shape, tmp_path, data=data, tokenizer=embedded_tokenizer())
    assert build_model(shape, tmp_path, data=Path("nowhere")) == model, "what is built is kept"
    passages = read_passages(data / "mlqa-dev-en")
    pairs, warm_up = draw_pairs(passages, shape.pairs, seed=1), draw_pairs(passages, shape.warm_up, seed=2)
    systems = [
        System("reference", "", "transformers_worker", None),
        System("adjudge", "", "adjudge_worker", None, {"backend": "openvino", "precision": "f32"}),
    ]
    found = [_contestant(system, model, tmp_path) for system in systems]
    run_rounds(found, pairs, warm_up, rounds=2, max_seconds=60.0)
    assert [contestant.failure for contestant in found] == [None, None]
    described = summary(found[1], len(pairs), found[0].logits)
    assert len(described["seconds"]) == 2
    assert described["memory"]["score_peak_rss_mib"] > 50
    assert described["agreement"]["max_abs_difference"] < 1e-4
    assert described["agreement"]["reference_standard_deviation"] > 0.05, "a random model that answers the same for all proves nothing"


def test_a_worker_that_dies_is_reported(tmp_path: Path) -> None:
    contestant = _contestant(System("adjudge", "", "adjudge_worker", None), tmp_path / "no-such-model", tmp_path)
    run_rounds([contestant], [("a", "b")], [("a", "b")], rounds=2, max_seconds=1.0)
    assert contestant.failure is not None
    assert "ModelNotFoundError" in contestant.failure
    assert contestant.seconds == []


def _text(number: int) -> str:
    return f"The river {number} rises in valley {number * 7} and ends in lake {number * 3}."


def _contestant(system: System, model: Path, folder: Path) -> Contestant:
    job = Job(
        model=str(model),
        exports=str(folder / "exports"),
        calibration=str(folder),
        max_length=128,
        threads=1,
        device="cpu",
        options=dict(system.options),
    )
    return Contestant(system=system, python=Path(sys.executable), job=job, log=folder / f"{system.name}.log", resident=True)
