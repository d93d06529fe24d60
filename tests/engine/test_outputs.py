"""Engine.outputs: every label's logit of pairs that are cut by a rule, beside judge(), which reads everything in windows."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from adjudge import Reranker, WindowConfig
from adjudge.engine.cut import CutDocument, CutLongest
from adjudge.engine.engine import BLOCK_PAIRS
from adjudge.engine.scores import relevance
from adjudge.errors import ClosedError, ConfigError
from tests.conftest import Folders
from tests.texts import LONG, PAIRS, QUERIES
from tests.tiny_models import Tiny

WHOLE = CutLongest(max_length=128)


@pytest.fixture(scope="module")
def judge(tiny_folder: Folders) -> Iterator[Reranker]:
    with Reranker(tiny_folder(Tiny(family="bert", labels=3)), backend="openvino", precision="f32", threads=1) as reranker:
        yield reranker


def test_agrees_with_judge_on_pairs_that_fit(judge: Reranker) -> None:
    pairs = [pair for pair in PAIRS if pair[1] != LONG]
    outputs = judge.engine.outputs(pairs, WHOLE)
    assert outputs.logits.shape == (len(pairs), 3)
    assert outputs.logits.dtype == np.float32
    assert not outputs.query_tokens_unseen.any()
    assert not outputs.document_tokens_unseen.any()
    logits = relevance(outputs.logits, judge.model.spec.head, judge.model.config)
    verdicts = judge.engine.judge(pairs).verdicts
    assert logits == pytest.approx([v.logit for v in verdicts], abs=1e-5)


def test_cutting_the_document_agrees_with_judge_told_to_truncate(judge: Reranker) -> None:
    pairs = [(query, LONG) for query in QUERIES]
    outputs = judge.engine.outputs(pairs, CutDocument(max_length=128, max_query=96))
    verdicts = judge.engine.judge(pairs, windows=WindowConfig(mode="truncate")).verdicts
    assert relevance(outputs.logits, judge.model.spec.head, judge.model.config) == pytest.approx([v.logit for v in verdicts], abs=1e-5)
    assert outputs.document_tokens_unseen.tolist() == [v.tokens_unseen for v in verdicts]


def test_a_length_for_one_call(judge: Reranker) -> None:
    """judge(max_length=) is a reranker loaded with that length."""
    pairs = [(query, LONG) for query in QUERIES]
    windows = WindowConfig(overlap_tokens=4)
    with Reranker(judge.model.folder, backend="openvino", precision="f32", threads=1, max_length=64, windows=windows) as short:
        expected = short.engine.judge(pairs).verdicts
    assert judge.engine.judge(pairs, windows=windows, max_length=64, max_rows=2).verdicts != judge.engine.judge(pairs).verdicts
    again = judge.engine.judge(pairs, windows=windows, max_length=64).verdicts
    assert [v.logit for v in again] == pytest.approx([v.logit for v in expected], abs=1e-5)
    assert [(v.start, v.end, v.windows) for v in again] == [(v.start, v.end, v.windows) for v in expected]


def test_rows_are_limited(judge: Reranker) -> None:
    assert judge.engine.judge(PAIRS[:10], max_rows=3).batches == 4
    assert judge.engine.judge(PAIRS[:10]).batches == 1
    one_by_one = judge.engine.outputs(PAIRS[:10], WHOLE, max_rows=1)
    assert one_by_one.logits == pytest.approx(judge.engine.outputs(PAIRS[:10], WHOLE).logits, abs=1e-5)


def test_more_pairs_than_a_block_keep_their_order(judge: Reranker) -> None:
    pairs = (PAIRS * (BLOCK_PAIRS // len(PAIRS) + 2))[: BLOCK_PAIRS + 100]
    done: list[tuple[int, int]] = []
    outputs = judge.engine.outputs(pairs, CutLongest(max_length=24), progress=lambda now, total: done.append((now, total)))
    first = outputs.logits[: len(PAIRS)]
    assert np.abs(outputs.logits[len(PAIRS) : 2 * len(PAIRS)] - first).max() < 1e-5
    assert len(outputs.logits) == len(pairs)
    assert done == sorted(done)
    assert done[-1] == (len(pairs), len(pairs))


def test_no_pairs(judge: Reranker) -> None:
    outputs = judge.engine.outputs([], WHOLE)
    assert (outputs.logits.shape, len(outputs.query_tokens_unseen)) == ((0, 3), 0)


def test_a_length_beyond_the_model_is_refused(judge: Reranker) -> None:
    with pytest.raises(ConfigError, match="129"):
        judge.engine.outputs(PAIRS[:1], CutLongest(max_length=129))
    with pytest.raises(ConfigError, match="129"):
        judge.engine.judge(PAIRS[:1], max_length=129)


def test_after_close(tiny_model: str) -> None:
    reranker = Reranker(tiny_model, threads=1)
    reranker.close()
    with pytest.raises(ClosedError):
        reranker.engine.outputs([], WHOLE)
