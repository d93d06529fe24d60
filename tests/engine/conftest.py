"""Models whose tokenizers are real and whose weights nobody reads: enough for all of the engine but the forward pass."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from adjudge.models.model import Model
from tests.engine.stand_ins import model_of

Models: TypeAlias = Callable[[str], Model]


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Models:
    """The model with the tokenizer of a family, made when first asked for: bert, roberta, xlm-roberta, modernbert, deberta-v2."""
    root = tmp_path_factory.mktemp("tokenizers")
    made: dict[str, Model] = {}

    def model_for(family: str) -> Model:
        if family not in made:
            made[family] = model_of(family, root / family)
        return made[family]

    return model_for


@pytest.fixture(scope="session")
def words(models: Models) -> Model:
    """For tests that need any model: XLM-RoBERTa's kind of tokenizer, 128 tokens a pair, one label."""
    return models("xlm-roberta")


@pytest.fixture(scope="session")
def word_folder(words: Model) -> Path:
    """Where its tokenizer.json is."""
    return words.folder
