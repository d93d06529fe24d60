"""Token types are fed as transformers feeds them: by the tokenizer's model_input_names, not by its template alone."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from adjudge import Reranker
from adjudge.engine.tokenise import Tokeniser
from adjudge.errors import ModelFilesError, TokenizerMismatchError
from adjudge.models.load import load_model
from tests.conftest import Folders
from tests.texts import PAIRS
from tests.tiny_models import Tiny

BACKENDS = ["openvino", "torch"]


def with_inputs(source: Path, target: Path, names: Any) -> Path:
    """A copy whose tokenizer_config.json says these model_input_names; None: none, but BERT's class, which feeds types."""
    path = shutil.copytree(source, target) / "tokenizer_config.json"
    settings = json.loads(path.read_text(encoding="utf-8"))
    del settings["model_input_names"]
    said = {"tokenizer_class": "BertTokenizer"} if names is None else {"model_input_names": names}
    path.write_text(json.dumps(settings | said), encoding="utf-8")
    return target


def with_type_of_the_document(folder: Path, kind: int) -> Path:
    """The folder, its template for pairs giving the document's tokens this type."""
    path = folder / "tokenizer.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    ends = {"<s>": [0], "</s>": [2]}
    parts = [("S", "<s>", 0), ("T", "A", 0), ("S", "</s>", 0), ("S", "</s>", 0), ("T", "B", kind), ("S", "</s>", 0)]
    pair = [{"SpecialToken" if what == "S" else "Sequence": {"id": name, "type_id": number}} for what, name, number in parts]
    used = {name: {"id": name, "ids": ids, "tokens": [name]} for name, ids in ends.items()}
    content["post_processor"] = {"type": "TemplateProcessing", "single": pair[:3], "pair": pair, "special_tokens": used}
    path.write_text(json.dumps(content), encoding="utf-8")
    return folder


def logits_of_transformers(folder: Path) -> list[float]:
    """Of PAIRS, tokenised and judged by transformers alone."""
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    network = AutoModelForSequenceClassification.from_pretrained(folder, dtype="float32").eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    queries, documents = zip(*PAIRS, strict=True)
    inputs = tokenizer(list(queries), list(documents), padding=True, truncation=True, return_tensors="pt")
    with torch.inference_mode():
        found: list[float] = network(**inputs).logits[:, 0].tolist()
    return found


def logits_of_adjudge(folder: Path, backend: Any) -> list[float]:
    with Reranker(folder, backend=backend, device="cpu", precision="f32", threads=1) as judge:
        return judge.score(PAIRS, normalize=False)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("names", [["input_ids", "attention_mask"], ["input_ids", "token_type_ids", "attention_mask"], None], ids=str)
def test_bert_is_fed_types_where_transformers_feeds_them(tiny_folder: Folders, tmp_path: Path, backend: str, names: Any) -> None:
    folder = with_inputs(tiny_folder(Tiny(family="bert")), tmp_path / "model", names)
    assert logits_of_adjudge(folder, backend) == pytest.approx(logits_of_transformers(folder), abs=1e-3)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_template_with_more_types_than_a_model_of_one(tiny_folder: Folders, tmp_path: Path, backend: str) -> None:
    folder = with_type_of_the_document(shutil.copytree(tiny_folder(Tiny(family="roberta")), tmp_path / "model"), 1)
    assert logits_of_adjudge(folder, backend) == pytest.approx(logits_of_transformers(folder), abs=1e-3)


def test_one_text_alone_has_no_types_either(tiny_folder: Folders, tmp_path: Path) -> None:
    folder = with_inputs(tiny_folder(Tiny(family="bert")), tmp_path / "model", ["input_ids"])
    path = folder / "tokenizer.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    content["post_processor"]["single"][1]["Sequence"]["type_id"] = 1
    path.write_text(json.dumps(content), encoding="utf-8")
    assert not Tokeniser(load_model(folder)).single("pandas eat", max_length=20).types.any()


@pytest.mark.parametrize("backend", [*BACKENDS, "fake"])
def test_a_type_beyond_the_table_is_told_at_load(tiny_folder: Folders, tmp_path: Path, backend: Any) -> None:
    recipe = Tiny(family="roberta", config={"type_vocab_size": 2})
    folder = with_type_of_the_document(with_inputs(tiny_folder(recipe), tmp_path / "model", None), 2)
    with pytest.raises(TokenizerMismatchError, match="makes token type 2, the model has 2"):
        Reranker(folder, backend=backend, device="cpu")


def test_input_names_that_are_no_list(tiny_folder: Folders, tmp_path: Path) -> None:
    folder = with_inputs(tiny_folder(Tiny(family="bert")), tmp_path / "model", "input_ids")
    with pytest.raises(ModelFilesError, match="model_input_names must be a list of strings"):
        load_model(folder)
