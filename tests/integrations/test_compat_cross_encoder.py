"""CrossEncoder: what is its own. Scores and shapes are held to sentence-transformers' in test_compat_golden.py."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from adjudge.errors import BackendUnavailableError, ConfigError, InputError, MissingExtraError, ModelFilesError
from adjudge.integrations import compat_tensors
from adjudge.integrations.compat import CompatWarning, CrossEncoder
from tests.integrations.conftest import CompatFolders
from tests.tiny_models import edit_config

QUERY = "what do pandas eat"
DOCUMENTS = ["coffee keeps you awake", "bamboo", "熊猫吃竹子", "a phone"]
PAIRS = [(QUERY, text) for text in DOCUMENTS]


@pytest.fixture(scope="module")
def encoder(compat_folder: CompatFolders) -> Iterator[CrossEncoder]:
    with CrossEncoder(str(compat_folder("bert")), device="cpu") as model:
        yield model


@pytest.fixture
def folder(compat_folder: CompatFolders, tmp_path: Path) -> Path:
    """A copy that may be changed."""
    return Path(shutil.copytree(compat_folder("bert"), tmp_path / "model"))


def test_equal_scores_are_ordered_by_their_logits(encoder: CrossEncoder) -> None:
    """A saturated sigmoid must not decide."""
    by_logit = [entry["corpus_id"] for entry in encoder.rank(QUERY, DOCUMENTS)]
    saturated = encoder.rank(QUERY, DOCUMENTS, activation_fn=torch.ones_like)
    assert [entry["score"] for entry in saturated] == [1.0] * 4
    assert [entry["corpus_id"] for entry in saturated] == by_logit
    assert [entry["corpus_id"] for entry in encoder.rank(QUERY, DOCUMENTS, activation_fn=torch.neg)] == by_logit[::-1]
    assert [entry["corpus_id"] for entry in encoder.rank(QUERY, ["tea"] * 4)] == [0, 1, 2, 3]


def test_rank_types(encoder: CrossEncoder) -> None:
    ranked = encoder.rank(QUERY, tuple(DOCUMENTS), return_documents=True, top_k=3)
    assert len(ranked) == 3
    for entry in ranked:
        assert (type(entry["corpus_id"]), type(entry["score"])) == (int, float)
        assert entry["text"] == DOCUMENTS[entry["corpus_id"]]


@pytest.mark.parametrize("documents", ["bamboo", b"bamboo", [None], [{"image": "x"}], None, 5, {"bamboo": 1}])
def test_what_is_no_list_of_texts_is_refused(documents: Any, encoder: CrossEncoder) -> None:
    with pytest.raises(InputError):
        encoder.rank(QUERY, documents)


def test_the_length_is_one_knob(compat_folder: CompatFolders) -> None:
    pair = ("tea calms " * 30, "bamboo " * 90)
    with CrossEncoder(str(compat_folder("bert")), max_length=20) as model:
        with pytest.warns(CompatWarning, match="cut at 20"):
            short = model.predict(pair)
        assert (model.max_length, model.max_seq_length) == (20, 20)
        model.max_length = 40
        assert model.max_seq_length == 40
        assert model.predict(pair) != pytest.approx(short, abs=1e-4)
        with CrossEncoder(str(compat_folder("bert")), processor_kwargs={"model_max_length": 40}) as same, pytest.warns(CompatWarning):
            by_tokenizer = same.predict(pair)
        assert model.predict(pair) == pytest.approx(by_tokenizer, abs=1e-6)
        with pytest.raises(ConfigError, match="max_length"):
            model.max_seq_length = 2


@pytest.mark.filterwarnings("ignore:cut at")
def test_both_texts_lose_alike(compat_folder: CompatFolders) -> None:
    with CrossEncoder(str(compat_folder("bert")), max_length=24) as model:
        model.predict(("a " * 100, "b " * 100))
        assert (model.truncated.query_tokens, model.truncated.passage_tokens) == (100 - 10, 100 - 11)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"automodel_args": {"torch_dtype": "float32"}}, "model_kwargs"),
        ({"tokenizer_args": {"model_max_length": 64}}, "processor_kwargs"),
        ({"tokenizer_kwargs": {"model_max_length": 64}}, "processor_kwargs"),
        ({"config_args": {"num_labels": 1}}, "config_kwargs"),
        ({"cache_dir": None}, "cache_folder"),
        ({"default_activation_function": torch.nn.Identity()}, "activation_fn"),
    ],
)
def test_old_names_of_the_constructor(old: dict[str, Any], new: str, compat_folder: CompatFolders) -> None:
    with pytest.warns(DeprecationWarning, match=f"{next(iter(old))} is deprecated; it is called {new} now") as told:
        CrossEncoder(str(compat_folder("bert")), **old).close()
    assert told[0].filename == __file__
    with pytest.raises(ConfigError, match="twice"), pytest.warns(DeprecationWarning, match=new):
        CrossEncoder(str(compat_folder("bert")), **old, **{new: None})


def test_the_oldest_names(compat_folder: CompatFolders, encoder: CrossEncoder) -> None:
    name = str(compat_folder("bert"))
    with pytest.warns(DeprecationWarning, match="model_name_or_path"), CrossEncoder(model_name=name) as model:  # type: ignore[call-arg]
        assert model.num_labels == 1
    with pytest.warns(DeprecationWarning, match="by position"):
        model = CrossEncoder(name, 1, 48, torch.nn.Identity(), "cpu")  # type: ignore[call-arg, misc]
    with model:
        assert (model.max_seq_length, type(model.activation_fn)) == (48, torch.nn.Identity)
        logits = model.predict(PAIRS)
    for old in ({"sentences": PAIRS}, {"sentences": PAIRS, "activation_fct": torch.nn.Sigmoid(), "num_workers": 4}):
        with pytest.warns(DeprecationWarning, match="is deprecated") as told:
            assert encoder.predict(**old) == pytest.approx(1 / (1 + np.exp(-logits)), abs=1e-6)  # type: ignore[call-arg, arg-type]
        assert {str(w.message).split()[0] for w in told} == set(old)
        assert {w.filename for w in told} == {__file__}
    with pytest.warns(DeprecationWarning, match="no effect"):
        assert encoder.rank(QUERY, DOCUMENTS, convert_to_tensor=True) == encoder.rank(QUERY, DOCUMENTS)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("given", "advice"),
    [
        ({"modules": [1]}, "by its name"),
        ({"model_card_data": {"x": 1}}, "does not save"),
        ({"keep_in_fp32_modules": ["0.linear"]}, "float32"),
        ({"num_labels": 2}, "has 1 labels"),
        ({"config_kwargs": {"num_labels": 2}}, "has 1 labels"),
        ({"config_kwargs": {"classifier_dropout": 0.1}}, "classifier_dropout"),
        ({"model_kwargs": {"device_map": "auto"}}, "device_map"),
        ({"processor_kwargs": {"truncation_side": "left"}}, "truncation_side"),
        ({"model_kwargs": {"dtype": "int4"}}, "int4"),
        ({"default_prompt_name": "q"}, "none of the prompts"),
        ({"max_length": 3}, "max_length"),
        ({"activation_fn": "sigmoid"}, "activation_fn"),
        ({"backend": "tensorrt"}, "backend"),
    ],
)
def test_what_cannot_be_had_says_what_to_do(given: dict[str, Any], advice: str, compat_folder: CompatFolders) -> None:
    with pytest.raises(ConfigError, match=advice), CrossEncoder(str(compat_folder("bert")), **given) as model:
        model.predict(PAIRS)


@pytest.mark.parametrize(
    ("given", "advice"),
    [
        ({"pool": {"input": 1}}, "one device"),
        ({"device": ["cuda:0", "cuda:1"]}, "one device"),
        ({"device": "cuda:7"}, "create another"),
        ({"prompt_name": "q"}, "no prompt 'q'"),
        ({"prompt": 3}, "must be a string"),
        ({"processing_kwargs": {"text": {}}}, "processing_kwargs"),
        ({"activation_fn": "sigmoid"}, "must be a function"),
        ({"activation_fn": lambda logits: logits[:2]}, "one row a pair"),
        ({"activation_fn": lambda logits: logits.numpy()}, "tensor"),
    ],
)
def test_calls_that_cannot_be_answered(given: dict[str, Any], advice: str, encoder: CrossEncoder) -> None:
    with pytest.raises(ConfigError, match=advice):
        encoder.predict(PAIRS, **given)


def test_the_device_it_is_on_may_be_named(encoder: CrossEncoder) -> None:
    assert encoder.predict(PAIRS, device="cpu") == pytest.approx(encoder.predict(PAIRS, device=torch.device("cpu")))


def test_a_named_backend_is_used(compat_folder: CompatFolders, encoder: CrossEncoder) -> None:
    with CrossEncoder(str(compat_folder("bert")), backend="torch", device="cpu") as model:
        assert model.reranker.traits.backend == "torch"
        assert model.predict(PAIRS) == pytest.approx(encoder.predict(PAIRS), abs=1e-5)
    with pytest.raises(BackendUnavailableError):
        CrossEncoder(str(compat_folder("bert")), backend="openvino", device="cuda")


def test_attention_kernels_are_adjudges_choice(compat_folder: CompatFolders) -> None:
    with pytest.warns(CompatWarning, match="attn_implementation has no effect"):
        CrossEncoder(str(compat_folder("bert")), model_kwargs={"attn_implementation": "sdpa"}).close()


@pytest.mark.parametrize("place", ["sentence_transformers", "sbert_ce_default_activation_function", "config_sentence_transformers.json"])
@pytest.mark.parametrize("named", ["torch.nn.modules.activation.Tanh", "antigravity.fly", "torch.hub.load", 7, ["torch.nn.Sigmoid"]])
def test_a_file_chooses_no_code(place: str, named: Any, folder: Path, encoder: CrossEncoder) -> None:
    """The original imports whatever begins with torch, and everything where remote code is trusted."""
    name_activation(folder, place, named)
    with pytest.warns(CompatWarning, match="sigmoid is used"), CrossEncoder(str(folder)) as model:
        assert model.predict(PAIRS) == pytest.approx(encoder.predict(PAIRS))
    assert "antigravity" not in sys.modules


@pytest.mark.parametrize("place", ["sentence_transformers", "sbert_ce_default_activation_function", "config_sentence_transformers.json"])
def test_a_file_may_name_identity(place: str, folder: Path, encoder: CrossEncoder) -> None:
    name_activation(folder, place, "torch.nn.modules.linear.Identity")
    with CrossEncoder(str(folder)) as model:
        assert model.predict(PAIRS) == pytest.approx(encoder.predict(PAIRS, activation_fn=torch.nn.Identity()))


def name_activation(folder: Path, place: str, named: Any) -> None:
    """Write `named` where one version of sentence-transformers or another keeps it."""
    if place.endswith(".json"):
        (folder / "modules.json").write_text("{}", encoding="utf-8")
        (folder / place).write_text(json.dumps({"activation_fn": named}), encoding="utf-8")
    else:
        edit_config(folder, **{place: {"activation_fn": named} if place == "sentence_transformers" else named})


def test_stored_prompts(folder: Path, encoder: CrossEncoder) -> None:
    stored = {"prompts": {"q": "coffee ", "t": "tea "}, "default_prompt_name": "q"}
    (folder / "config_sentence_transformers.json").write_text(json.dumps(stored), encoding="utf-8")
    with CrossEncoder(str(folder)) as model:  # no modules.json: the original does not read it either
        assert model.prompts == {}
    (folder / "modules.json").write_text("[]", encoding="utf-8")
    with CrossEncoder(str(folder), prompts={"t": "bamboo "}) as model:
        assert model.predict(PAIRS) == pytest.approx(encoder.predict(PAIRS, prompt="coffee "))
        assert model.predict(PAIRS, prompt_name="t") == pytest.approx(encoder.predict(PAIRS, prompt="bamboo "))
        assert model.predict(PAIRS, prompt="") == pytest.approx(encoder.predict(PAIRS))
        with pytest.warns(CompatWarning, match="prompt counts"):
            model.predict(PAIRS, prompt="", prompt_name="t")


def test_damaged_settings_are_named(folder: Path) -> None:
    (folder / "modules.json").write_text("[]", encoding="utf-8")
    (folder / "config_sentence_transformers.json").write_text('{"prompts": 3}', encoding="utf-8")
    with pytest.raises(ModelFilesError, match="prompts"):
        CrossEncoder(str(folder))


@pytest.mark.parametrize("given", [{"convert_to_tensor": True}, {"convert_to_numpy": False}, {"activation_fn": abs}])
def test_without_torch_tensors_are_a_typed_error(given: dict[str, Any], encoder: CrossEncoder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compat_tensors, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"adjudge\[torch\]"):
        encoder.predict(PAIRS, **given)
    assert encoder.predict(PAIRS, activation_fn=torch.nn.Identity()).shape == (4,)


def test_tensors_may_be_written_to(encoder: CrossEncoder) -> None:
    tensor = encoder.predict(PAIRS, convert_to_tensor=True)
    before = tensor.clone()
    tensor += 1
    assert torch.equal(tensor, before + 1)


def test_softmax_over_large_logits(compat_folder: CompatFolders) -> None:
    with CrossEncoder(str(compat_folder("bert-3-labels"))) as model:
        made = model.predict(PAIRS, apply_softmax=True, activation_fn=lambda logits: logits * 100)
        assert np.isfinite(made).all()
        assert made.sum(1) == pytest.approx(np.ones(4), abs=1e-6)


def test_a_progress_bar_is_shown_to_those_who_ask(encoder: CrossEncoder, capsys: pytest.CaptureFixture[str]) -> None:
    plain = encoder.predict(PAIRS)
    assert capsys.readouterr() == ("", "")
    assert encoder.predict(PAIRS, show_progress_bar=True) == pytest.approx(plain)
