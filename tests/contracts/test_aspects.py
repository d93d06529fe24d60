"""Auxiliary heads: every backend gives the numbers that training saw, and relevance is what it is without them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from adjudge import Reranker
from adjudge.backends.loader import open_backend
from adjudge.config import BackendConfig, BackendName
from adjudge.engine.scores import sigmoid
from adjudge.errors import NotARerankerError
from adjudge.integrations.compat import CrossEncoder, FlagReranker
from adjudge.models.load import load_model
from adjudge.train.supervision import ASPECTS
from tests.pair_batches import batch_of
from tests.texts import DOCUMENTS, PAIRS, QUERIES
from tests.tiny_own import build_own


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_own(tmp_path_factory.mktemp("own") / "plain")


@pytest.fixture(scope="module")
def telling(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_own(tmp_path_factory.mktemp("own") / "telling", aspects=ASPECTS)


def forward(folder: Path, backend: BackendName, *, precision: str = "f32") -> np.ndarray:
    model = load_model(folder)
    opened = open_backend(model, BackendConfig(backend=backend, precision=precision))  # type: ignore[arg-type]
    assert opened.traits.outputs == model.spec.head.outputs
    outputs = opened.forward(batch_of(model, PAIRS))
    opened.close()
    return outputs


@pytest.mark.parametrize("backend", ["openvino", "torch"])
def test_they_are_what_training_saw(telling: Path, backend: BackendName) -> None:
    import torch

    from adjudge.train.settings import ModelConfig
    from adjudge.train.student import load_student

    student = load_student(ModelConfig(base=str(telling)))
    student.network.eval()
    with torch.no_grad():
        scored = student.forward(batch_of(student.model, PAIRS), torch.device("cpu"))
    outputs = forward(telling, backend)
    assert outputs.shape == (len(PAIRS), 1 + len(ASPECTS))
    np.testing.assert_allclose(outputs[:, 0], scored.logits.numpy(), atol=1e-4)
    np.testing.assert_allclose(outputs[:, 1:], scored.aspects.numpy(), atol=1e-4)


@pytest.mark.parametrize("backend", ["openvino", "torch"])
def test_relevance_does_not_change(plain: Path, telling: Path, backend: BackendName) -> None:
    np.testing.assert_allclose(forward(telling, backend)[:, :1], forward(plain, backend), atol=1e-5)


def test_int8_answers_them_too(telling: Path) -> None:
    exact, coarse = forward(telling, "openvino"), forward(telling, "openvino", precision="int8")
    assert np.abs(exact - coarse)[:, 1:].mean() < 0.3


def test_a_ranking_tells_them(plain: Path, telling: Path) -> None:
    with Reranker(telling, precision="f32") as judge:
        ranking = judge.rank(QUERIES[0], DOCUMENTS)
        outputs = forward(telling, "openvino")
    for result in ranking:
        assert tuple(result.aspects) == ASPECTS
        row = PAIRS.index((QUERIES[0], result.document.text))
        np.testing.assert_allclose(list(result.aspects.values()), sigmoid(outputs[row, 1:]), atol=1e-4)
    with Reranker(plain) as judge:
        assert all(not result.aspects for result in judge.rank(QUERIES[0], DOCUMENTS))


def test_other_libraries_shapes_see_one_score(telling: Path) -> None:
    assert np.asarray(CrossEncoder(str(telling)).predict(list(PAIRS))).shape == (len(PAIRS),)
    scores = FlagReranker(str(telling)).compute_score([list(pair) for pair in PAIRS])
    assert len(scores) == len(PAIRS)


def test_heads_that_are_announced_and_missing_are_refused(plain: Path, tmp_path: Path) -> None:
    import json
    import shutil

    broken = tmp_path / "broken"
    shutil.copytree(plain, broken)
    manifest = json.loads((broken / "adjudge.json").read_text(encoding="utf-8"))
    manifest["judge"]["head"]["aspects"] = ["coverage"]
    (broken / "adjudge.json").write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(NotARerankerError, match=r"aspects\.weight"):
        load_model(broken)
