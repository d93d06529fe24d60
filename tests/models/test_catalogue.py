"""The list of known models."""

from __future__ import annotations

import re

import pytest

from adjudge.models.catalogue import KnownModel, catalogue, find_known, similar_names
from adjudge.models.spec import Family

NATIVE = {str(family) for family in Family} - {"deberta-v2", "other"}


@pytest.mark.parametrize("model", catalogue(), ids=lambda model: model.id)
def test_entries_are_well_formed(model: KnownModel) -> None:
    assert re.fullmatch(r"[\w.-]+/[\w.-]+", model.id)
    assert re.fullmatch(r"[A-Za-z0-9.-]+", model.licence), "an SPDX identifier"
    assert model.languages == ("multilingual",) or all(re.fullmatch("[a-z]{2}", language) for language in model.languages)
    assert model.languages
    assert 128 <= model.max_length <= 2**17
    assert 1 <= model.parameters_m <= 10_000
    assert model.note.endswith(".")
    assert model.runs != model.note.startswith("Cannot run"), "a model that cannot run says why"


@pytest.mark.parametrize("model", [model for model in catalogue() if model.runs], ids=lambda model: model.id)
def test_backends_fit_the_family(model: KnownModel) -> None:
    assert model.backends == (("openvino", "torch") if model.family in NATIVE else ("torch",))


def test_the_catalogue_as_a_whole() -> None:
    models = catalogue()
    assert 20 <= len(models) <= 60
    names = [name.lower() for model in models for name in (model.id, *model.aliases)]
    assert len(set(names)) == len(names)
    assert {str(family) for family in Family} - {"distilbert", "other"} <= {model.family for model in models}


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("BAAI/bge-reranker-v2-m3", "BAAI/bge-reranker-v2-m3"),
        ("baai/BGE-reranker-v2-m3", "BAAI/bge-reranker-v2-m3"),
        ("cross-encoder/ms-marco-MiniLM-L-6-v2", "cross-encoder/ms-marco-MiniLM-L6-v2"),
        ("bge-reranker-v2-m3", None),
        ("", None),
    ],
)
def test_find(name: str, found: str | None) -> None:
    model = find_known(name)
    assert (model.id if model is not None else None) == found


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("bge-reranker-v2-m3", "BAAI/bge-reranker-v2-m3"),
        ("BAAI/bge-reranker-v2m3", "BAAI/bge-reranker-v2-m3"),
        ("baai/bge-rerankr-large", "BAAI/bge-reranker-large"),
        ("cross-encoder/ms-marco-MiniLM-L12", "cross-encoder/ms-marco-MiniLM-L12-v2"),
        ("Alibaba/gte-reranker-modernbert-base", "Alibaba-NLP/gte-reranker-modernbert-base"),
    ],
)
def test_similar_names(name: str, meant: str) -> None:
    assert similar_names(name)[0] == meant
    assert len(similar_names(name)) <= 3


@pytest.mark.parametrize("name", ["", "/", "some/unheard-of-thing", "\0", "熊猫"])
def test_nothing_similar(name: str) -> None:
    assert similar_names(name) == []


def test_a_known_name_is_not_offered_again() -> None:
    assert "BAAI/bge-reranker-v2-m3" not in similar_names("BAAI/bge-reranker-v2-m3")
