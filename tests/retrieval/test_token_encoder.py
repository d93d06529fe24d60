"""Texts read token by token: the embedded encoder's vectors, what is masked, and bge-m3's heads against its formulas."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from adjudge.errors import (
    ClosedError,
    ConfigError,
    InputError,
    ModelFilesError,
    ModelNotFoundError,
    UnsafeModelError,
    UnsupportedModelError,
)
from adjudge.models.token_heads import load_token_model
from adjudge.retrieval.dense import Embedder
from adjudge.retrieval.token_encoder import TokenEncoder
from tests.conftest import Folders
from tests.retrieval.bge_m3 import build_m3, pickle_heads
from tests.source import ROOT
from tests.texts import DOCUMENTS, LONG, QUERIES
from tests.tiny_models import Tiny

TEXTS = [*DOCUMENTS, ""]


@pytest.fixture(scope="module")
def exact() -> Iterator[TokenEncoder]:
    with TokenEncoder(precision="f32") as encoder:
        yield encoder


@pytest.fixture(scope="module")
def m3_folder(tiny_folder: Folders, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_m3(tiny_folder(Tiny(family="xlm-roberta")), tmp_path_factory.mktemp("m3") / "tiny-m3")


def test_pooled_states_are_the_embedders_vectors(exact: TokenEncoder) -> None:
    with Embedder(precision="f32") as embedder:
        expected = embedder.embed(TEXTS, kind="document")
    np.testing.assert_allclose(exact.embed_detailed(TEXTS, kind="document").vectors, expected, atol=1e-5)


@pytest.mark.parametrize("kind", ["query", "document"])
def test_only_the_texts_own_tokens_have_vectors(kind: str, exact: TokenEncoder) -> None:
    for text, states in zip(TEXTS, exact.encode(TEXTS, kind=kind), strict=True):  # type: ignore[arg-type]
        bare = exact._tokeniser.encode([text], short=0)[0].ids
        assert len(states.ids) == len(states.states) == len(states.own)
        assert not states.own[0]
        assert not states.own[-1]
        own = states.ids[states.own].tolist()
        space = exact._tokeniser.encode(["▁"], short=0)[0].ids[:1].tolist()  # a lone space before Chinese is the prefix's, not the text's
        assert own in (bare.tolist(), bare.tolist()[1:] if bare[:1].tolist() == space else bare.tolist())
        assert exact.vectors(states).shape == (len(own), exact.size)


def test_token_vectors_have_length_one(exact: TokenEncoder) -> None:
    vectors = [exact.vectors(states) for states in exact.encode(DOCUMENTS, kind="document")]
    np.testing.assert_allclose(np.linalg.norm(np.concatenate(vectors), axis=1), 1.0, atol=1e-5)


@pytest.mark.parametrize(("precision", "tolerance"), [("f32", 1e-5), ("auto", 0.03)])
def test_vectors_do_not_depend_on_company(precision: str, tolerance: float) -> None:
    with TokenEncoder(precision=precision) as encoder:  # type: ignore[arg-type]
        together = [encoder.vectors(states) for states in encoder.encode([*TEXTS, LONG * 3], kind="document")]
        alone = [encoder.vectors(next(encoder.encode([text], kind="document"))) for text in TEXTS]
    worst = max(float(np.abs(1 - (a * b).sum(axis=1)).max()) for a, b in zip(together, alone, strict=False) if len(a))
    print(f"{precision} ({encoder.traits.precision}): 1 - cosine of a token alone and in company: {worst:.1e}")
    assert worst <= tolerance


def test_a_long_text_is_cut_and_says_so(exact: TokenEncoder) -> None:
    short, long = exact.encode(["short", "bamboo " * 900], kind="document")
    assert (short.truncated, long.truncated) == (False, True)
    assert len(long.ids) == exact.max_length
    assert exact.embed_detailed(["short", "bamboo " * 900], kind="document").truncated == (1,)


def test_mistakes_are_refused(exact: TokenEncoder) -> None:
    with pytest.raises(InputError, match="single str"):
        exact.encode("text", kind="query")
    with pytest.raises(InputError, match="text 1"):
        exact.encode(["a", None], kind="query")  # type: ignore[list-item]
    with pytest.raises(InputError, match="kind"):
        exact.encode(["a"], kind="passage")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="windows"):
        TokenEncoder(windows=None)  # type: ignore[arg-type]
    with pytest.raises(UnsupportedModelError, match="sparse_linear"):
        exact.weights(next(exact.encode(["a"], kind="query")))
    with pytest.raises(ModelNotFoundError, match=r"docs/recall\.md"):
        TokenEncoder("BAAI/bge-m3")


def test_after_close_there_is_nothing(m3_folder: Path) -> None:
    encoder = TokenEncoder(m3_folder)
    started = encoder.encode(["a"] * 3, kind="query")
    encoder.close()
    encoder.close()
    with pytest.raises(ClosedError):
        next(started)
    with pytest.raises(ClosedError):
        encoder.encode(["a"], kind="query")


def test_weights_are_the_largest_of_each_token(m3_folder: Path) -> None:
    with TokenEncoder(m3_folder, precision="f32") as encoder:
        once, twice = (encoder.weights(states) for states in encoder.encode([DOCUMENTS[0], "bamboo </s><pad> bamboo"], kind="document"))
        assert (once.weights > 0).all()
        assert len(set(twice.ids.tolist())) == len(twice.ids)
        assert not set(twice.ids.tolist()) & encoder._tokeniser.special_ids


@pytest.mark.parametrize("backend", ["openvino", "torch"])
def test_backends_agree_on_m3(backend: str, m3_folder: Path) -> None:
    with TokenEncoder(m3_folder, precision="f32", backend=backend) as one, TokenEncoder(m3_folder, precision="f32") as other:  # type: ignore[arg-type]
        for a, b in zip(one.encode(QUERIES, kind="query"), other.encode(QUERIES, kind="query"), strict=True):
            np.testing.assert_allclose(one.vectors(a), other.vectors(b), atol=1e-4)


def test_pickles_are_refused_with_the_way_out(m3_folder: Path, tmp_path: Path) -> None:
    """And the way out works: the lines of docs/recall.md, run as they stand."""
    folder = pickle_heads(shutil.copytree(m3_folder, tmp_path / "bge-m3"))
    with pytest.raises(UnsafeModelError, match="weights_only=True") as caught:
        load_token_model(folder)
    for name in ("sparse_linear.pt", "colbert_linear.pt", "pytorch_model.bin"):
        assert name in str(caught.value)
    text = (ROOT / "docs" / "recall.md").read_text(encoding="utf-8")
    (block,) = [code for code in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if "weights_only=True" in code]
    exec(block.replace('"bge-m3"', repr(str(folder))), {})
    with TokenEncoder(folder, precision="f32") as converted, TokenEncoder(m3_folder, precision="f32") as original:
        for a, b in zip(converted.encode(QUERIES, kind="query"), original.encode(QUERIES, kind="query"), strict=True):
            np.testing.assert_array_equal(converted.vectors(a), original.vectors(b))


def test_one_pickled_head_is_enough_to_refuse(m3_folder: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(m3_folder, tmp_path / "half")
    (folder / "sparse_linear.safetensors").rename(folder / "sparse_linear.pt")
    with pytest.raises(UnsafeModelError, match=r"sparse_linear\.pt"):
        TokenEncoder(folder)


def test_an_encoder_without_heads_is_refused(tiny_model: Path) -> None:
    with pytest.raises(UnsupportedModelError, match="nothing says what its token vectors mean"):
        TokenEncoder(tiny_model)


def test_a_head_alone_does_what_it_can(m3_folder: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(m3_folder, tmp_path / "sparse-only")
    (folder / "colbert_linear.safetensors").unlink()
    with TokenEncoder(folder) as encoder:
        states = next(encoder.encode([DOCUMENTS[0]], kind="document"))
        assert len(encoder.weights(states).ids)
        with pytest.raises(UnsupportedModelError, match="colbert_linear"):
            encoder.vectors(states)


@pytest.mark.parametrize("spoiled", ["missing bias", "other size", "two rows"])
def test_heads_that_do_not_fit_are_refused(spoiled: str, m3_folder: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(m3_folder, tmp_path / "spoiled")
    path = folder / "sparse_linear.safetensors"
    tensors = load_file(path)
    if spoiled == "missing bias":
        del tensors["bias"]
    elif spoiled == "other size":
        tensors["weight"] = tensors["weight"][:, :-1].copy()
    else:
        tensors = {name: np.concatenate([values, values]) for name, values in tensors.items()}
    save_file(tensors, path)
    with pytest.raises(ModelFilesError, match="sparse_linear"):
        TokenEncoder(folder)
