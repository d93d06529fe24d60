"""The bi-encoder: the cosines of the reference, unit vectors, input order, honest cuts, typed errors."""

from __future__ import annotations

import json
import logging
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from adjudge.backends.base import Batch, Floats
from adjudge.errors import BackendMemoryError, ClosedError, ConfigError, InputError, ModelFilesError
from adjudge.retrieval import dense
from adjudge.retrieval.dense import Embedder, Kind
from tests.source import PACKAGE
from tests.texts import DOCUMENTS, QUERIES

GOLDEN = PACKAGE / "models" / "embedded" / "golden.json"
INT8_STEP = 0.01
"""Vectors of one text computed in different company: activations are quantised per token, so a padded batch rounds alike up to this."""


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    with Embedder() as opened:
        yield opened


@pytest.fixture(scope="module")
def exact() -> Embedder:
    with Embedder(precision="f32") as opened:
        yield opened


def golden_cosines() -> tuple[list[dict[str, str]], np.ndarray]:
    rows = json.loads(GOLDEN.read_text(encoding="utf-8"))
    return rows, np.array([row["cosine"] for row in rows])


@pytest.mark.parametrize(("precision", "tolerance"), [("f32", 1e-4), ("int8", 0.005)])
def test_cosines_are_those_of_the_reference(precision: str, tolerance: float) -> None:
    rows, expected = golden_cosines()
    with Embedder(precision=precision) as embedder:
        queries = embedder.embed([row["query"] for row in rows], kind="query")
        passages = embedder.embed([row["passage"] for row in rows], kind="document")
    difference = np.abs((queries * passages).sum(axis=1) - expected)
    print(f"{precision}: largest difference {difference.max():.5f}, mean {difference.mean():.5f}")
    assert difference.max() <= tolerance


def test_vectors_are_float32_of_length_one_in_input_order(exact: Embedder) -> None:
    vectors = exact.embed(DOCUMENTS, kind="document")
    assert vectors.dtype == np.float32
    assert vectors.shape == (len(DOCUMENTS), exact.size)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)
    alone = np.concatenate([exact.embed([text], kind="document") for text in DOCUMENTS])
    np.testing.assert_allclose(vectors, alone, atol=1e-5)


def test_int8_vectors_hardly_depend_on_their_batch(embedder: Embedder) -> None:
    together = embedder.embed(DOCUMENTS, kind="document")
    alone = np.concatenate([embedder.embed([text], kind="document") for text in DOCUMENTS])
    assert np.abs(together - alone).max() <= INT8_STEP
    assert (together * alone).sum(axis=1).min() > 0.999


def test_many_texts_cross_blocks_in_order(embedder: Embedder, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(dense, "BLOCK_TEXTS", 6)
    texts = [*DOCUMENTS, "bamboo " * 600]
    result = embedder.embed_detailed(texts, kind="document")
    alone = np.concatenate([embedder.embed([text], kind="document") for text in texts])
    assert np.abs(result.vectors - alone).max() <= INT8_STEP
    assert result.truncated == (len(DOCUMENTS),)
    assert f"the first: text {len(DOCUMENTS)})" in caplog.text


@pytest.mark.parametrize("kind", ["query", "document"])
def test_no_texts_give_no_rows(embedder: Embedder, kind: Kind) -> None:
    assert embedder.embed([], kind=kind).shape == (0, 384)
    assert embedder.embed(iter(()), kind=kind).dtype == np.float32


def test_kinds_are_read_with_different_prefixes(exact: Embedder) -> None:
    query, document = (exact.embed(["bamboo"], kind=kind)[0] for kind in ("query", "document"))
    assert 0.5 < float(query @ document) < 0.999


@pytest.mark.parametrize("text", ["", "   ", "\x00", "🐼" * 40, "half a pair \ud83d of UTF-16"])
def test_odd_texts_have_vectors_too(embedder: Embedder, text: str) -> None:
    assert np.linalg.norm(embedder.embed([text], kind="document")) == pytest.approx(1.0, abs=1e-5)


def test_a_long_text_is_cut_and_said_to_be(embedder: Embedder, caplog: pytest.LogCaptureFixture) -> None:
    before = embedder.truncated
    with caplog.at_level(logging.WARNING, logger="adjudge"):
        result = embedder.embed_detailed(["short", "bamboo " * 900, "also short"], kind="document")
    assert result.truncated == (1,)
    assert embedder.truncated == before + 1
    assert "1 of 3 texts have more than 512 tokens" in caplog.text
    assert result.tokens < embedder.max_length + 20
    same = embedder.embed(["bamboo " * 1200], kind="document")
    assert float(result.vectors[1] @ same[0]) > 0.999


def test_a_text_that_just_fits_is_not_cut(exact: Embedder, caplog: pytest.LogCaptureFixture) -> None:
    one, two = (exact.embed_detailed(["bamboo " * n], kind="document").tokens for n in (1, 2))
    per_word, rest = two - one, one - (two - one)
    fits = (exact.max_length - rest) // per_word
    with caplog.at_level(logging.WARNING, logger="adjudge"):
        assert exact.embed_detailed(["bamboo " * fits], kind="document").truncated == ()
        assert caplog.text == ""
        assert exact.embed_detailed(["bamboo " * (fits + 1)], kind="document").truncated == (0,)


def test_max_length_is_honoured() -> None:
    with Embedder(max_length=16) as embedder:
        assert embedder.embed_detailed(["one two three four five six seven eight nine ten eleven twelve"], kind="query").tokens == 16
    with pytest.raises(ConfigError, match="max_length=600 is more than the 512 tokens"):
        Embedder(max_length=600)


def test_detailed_results_count_tokens_and_time(embedder: Embedder) -> None:
    result = embedder.embed_detailed(QUERIES, kind="query")
    assert result.tokens > 4 * len(QUERIES)
    assert 0 < result.timings.tokenise_ms + result.timings.forward_ms <= result.timings.total_ms * 1.001


def test_threads_share_one_embedder(exact: Embedder) -> None:
    expected = exact.embed(DOCUMENTS, kind="document")
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: exact.embed(DOCUMENTS, kind="document"), range(8)))
    assert max(float(np.abs(r - expected).max()) for r in results) <= 1e-5


def test_small_batches_give_the_same_vectors(exact: Embedder) -> None:
    with Embedder(precision="f32", max_batch_tokens=64, max_batch_pairs=2) as small:
        np.testing.assert_allclose(small.embed(DOCUMENTS, kind="document"), exact.embed(DOCUMENTS, kind="document"), atol=1e-5)


def test_out_of_memory_halves_the_batch(exact: Embedder, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = exact.embed(DOCUMENTS, kind="document")
    forward, rows = exact._backend.forward, []

    def short_of_memory(batch: Batch) -> Floats:
        rows.append(batch.rows)
        if batch.rows > 4:
            raise BackendMemoryError("no more than four")
        return forward(batch)

    monkeypatch.setattr(exact._backend, "forward", short_of_memory)
    np.testing.assert_allclose(exact.embed(DOCUMENTS, kind="document"), expected, atol=1e-5)
    assert max(rows) == len(DOCUMENTS)


@pytest.mark.parametrize("texts", ["one text", b"bytes", 7, None, {"text": "x"}, ["good", None], [["nested"]]])
def test_what_is_no_list_of_texts_is_refused(embedder: Embedder, texts: object) -> None:
    with pytest.raises(InputError):
        embedder.embed(texts, kind="query")


@pytest.mark.parametrize("kind", ["passage", "", None, 0])
def test_an_unknown_kind_is_refused(embedder: Embedder, kind: object) -> None:
    with pytest.raises(InputError, match="'query' or 'document'"):
        embedder.embed(["x"], kind=kind)


@pytest.mark.parametrize("option", ["windows", "normalise"])
def test_unknown_options_are_refused(option: str) -> None:
    with pytest.raises(ConfigError, match=f"no option {option}"):
        Embedder(**{option: None})


def test_a_folder_without_a_bi_encoder_is_refused(tiny_model: Path) -> None:
    with pytest.raises(ModelFilesError, match=r"adjudge\.json"):
        Embedder(tiny_model)


def test_a_manifest_without_an_encoder_is_refused(tmp_path: Path) -> None:
    for name in ("adjudge.json", "config.json"):
        shutil.copy(PACKAGE / "models" / "embedded" / name, tmp_path / name)
    manifest = json.loads((tmp_path / "adjudge.json").read_text(encoding="utf-8"))
    del manifest["encoder"]
    (tmp_path / "adjudge.json").write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(ModelFilesError, match="describes no encoder"):
        Embedder(tmp_path)


def test_after_close_it_says_so() -> None:
    embedder = Embedder()
    assert "Embedder('embedded'" in repr(embedder)
    embedder.close()
    embedder.close()
    with pytest.raises(ClosedError):
        embedder.embed(["x"], kind="query")
