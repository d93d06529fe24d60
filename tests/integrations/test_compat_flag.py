"""FlagReranker: what is its own. Scores and shapes are held to FlagEmbedding's in test_compat_golden.py."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from adjudge.backends.torch_device import place
from adjudge.config import BackendConfig
from adjudge.errors import BackendUnavailableError, ClosedError, ConfigError
from adjudge.integrations.compat import CompatWarning, FlagAutoReranker, FlagReranker
from tests.integrations.compat_cases import LONG_QUERY
from tests.integrations.conftest import CompatFolders

cuts_are_expected = pytest.mark.filterwarnings("ignore:cut at")
PAIRS = [("what do pandas eat", "bamboo"), ("what do pandas eat", "coffee")]


@pytest.fixture(scope="module")
def reranker(compat_folder: CompatFolders) -> Iterator[FlagReranker]:
    with FlagReranker(str(compat_folder("bert")), devices="cpu") as model:
        yield model


def test_pairs_from_a_generator(reranker: FlagReranker) -> None:
    assert reranker.compute_score(pair for pair in PAIRS) == reranker.compute_score(PAIRS)  # type: ignore[arg-type]


def test_settings_may_be_changed_and_a_call_may_override_them(compat_folder: CompatFolders) -> None:
    with FlagReranker(str(compat_folder("bert")), normalize=True) as model:
        probabilities = model.compute_score(PAIRS)
        logits = model.compute_score(PAIRS, normalize=False)
        assert all(0 < p < 1 for p in probabilities)
        assert logits != probabilities
        model.normalize = False
        assert model.compute_score(PAIRS) == logits
        assert model.compute_score(PAIRS, normalize=True) == probabilities
        model.query_instruction_for_rerank = "tea: "
        assert model.compute_score(PAIRS) == pytest.approx(model.compute_score_single_gpu([("tea: " + q, p) for q, p in PAIRS]))
        model.max_length = 16
        with pytest.warns(CompatWarning, match="cut at 16 tokens"):
            model.compute_score(("a", "b " * 20))


@cuts_are_expected
def test_the_query_keeps_three_quarters_and_the_passage_the_rest(compat_folder: CompatFolders) -> None:
    with FlagReranker(str(compat_folder("bert")), max_length=40) as model:
        model.compute_score([("a " * 100, "b " * 100)])
        assert (model.truncated.query_tokens, model.truncated.passage_tokens) == (100 - 30, 100 - (40 - 3 - 30))


@cuts_are_expected
def test_a_query_that_may_fill_everything_leaves_the_passage_a_token(compat_folder: CompatFolders) -> None:
    with FlagReranker(str(compat_folder("bert"))) as model:
        scores = model.compute_score([(LONG_QUERY[1], "tea"), (LONG_QUERY[1], "coffee")], max_length=32, query_max_length=32)
        assert scores[0] != scores[1]


@pytest.mark.parametrize("devices", [["cuda:0", "cuda:1"], [0, 1], [], True, 1.5, {"cpu"}])
def test_more_or_less_than_one_device_is_refused(devices: Any, compat_folder: CompatFolders) -> None:
    with pytest.raises(ConfigError, match="one device"):
        FlagReranker(str(compat_folder("bert")), devices=devices)


@pytest.mark.parametrize("devices", [0, [0], "cuda:0", ["cuda:0"]])
@pytest.mark.parametrize("use_fp16", [False, True])
def test_a_named_gpu_is_used_or_refused(devices: Any, use_fp16: bool, compat_folder: CompatFolders) -> None:
    """Never replaced by the CPU in silence."""
    folder = str(compat_folder("bert"))
    try:
        place(BackendConfig(device="cuda:0"))
    except BackendUnavailableError:
        with pytest.raises(BackendUnavailableError, match="cuda:0"):
            FlagReranker(folder, use_fp16=use_fp16, devices=devices)
        return
    with FlagReranker(folder, use_fp16=use_fp16, devices=devices) as model:
        assert (model.target_devices, model.reranker.traits.precision) == (["cuda:0"], "f16" if use_fp16 else "f32")
        assert len(model.compute_score(PAIRS)) == 2


def test_one_device_in_a_list(compat_folder: CompatFolders) -> None:
    with FlagReranker(str(compat_folder("bert")), devices=["cpu"]) as model:
        assert model.target_devices == ["cpu"]


def test_a_call_cannot_move_the_model(reranker: FlagReranker) -> None:
    assert reranker.compute_score_single_gpu(PAIRS, device="cpu") == reranker.compute_score(PAIRS)
    with pytest.raises(ConfigError, match="create another"):
        reranker.compute_score_single_gpu(PAIRS, device="cuda:3")


def test_a_call_names_what_it_does_not_know(reranker: FlagReranker) -> None:
    with pytest.warns(CompatWarning, match="compute_score does not know cutoff_layers, padding: no effect") as told:
        reranker.compute_score(PAIRS, cutoff_layers=[8], padding=True)
    assert told[0].filename == __file__


@pytest.mark.parametrize("wrong", [{"max_length": 4}, {"max_length": "512"}, {"query_max_length": 0}, {"max_length": True}])
def test_senseless_lengths_are_refused(wrong: dict[str, Any], reranker: FlagReranker) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        reranker.compute_score(PAIRS, **wrong)


@pytest.mark.parametrize("side", ["query", "passage"])
@pytest.mark.parametrize("template", ["{}", "{0}: ", "{1}", "{}: {} {}", "{0} {1} {1}", "{instruction}{query}", "{", "", None])
def test_a_format_that_loses_a_text_is_refused(side: str, template: Any, compat_folder: CompatFolders) -> None:
    """The original scores what is left, or raises at the first pair."""
    given: dict[str, Any] = {f"{side}_instruction_for_rerank": "tea: ", f"{side}_instruction_format": template}
    with pytest.raises(ConfigError, match=rf"{side}_instruction_format=.* exactly once"):
        FlagReranker(str(compat_folder("bert")), **given)


def test_a_format_is_looked_at_when_there_is_an_instruction(compat_folder: CompatFolders) -> None:
    with FlagReranker(str(compat_folder("bert")), query_instruction_format="{}", devices="cpu") as model:
        assert len(model.compute_score(PAIRS)) == 2
        model.query_instruction_for_rerank = "tea: "
        with pytest.raises(ConfigError, match="query_instruction_format='{}'"):
            model.compute_score(PAIRS)


def test_several_labels_give_one_score_a_pair(compat_folder: CompatFolders) -> None:
    """FlagEmbedding flattens all labels into one list, three numbers a pair."""
    with FlagReranker(str(compat_folder("bert-3-labels"))) as model:
        probabilities = model.compute_score(PAIRS, normalize=True)
        assert probabilities == pytest.approx(model.reranker.score(PAIRS))
        assert len(probabilities) == 2


def test_the_shipped_model_by_its_name() -> None:
    with FlagReranker("embedded", devices="cpu", precision="int8") as model:
        good, bad = model.compute_score([(PAIRS[0][0], "Pandas eat bamboo."), (PAIRS[0][0], "Bread is baked from flour.")])
        assert good > bad


def test_stop_self_pool_frees_the_model(compat_folder: CompatFolders) -> None:
    model = FlagReranker(str(compat_folder("bert")))
    model.stop_self_pool()
    model.stop_self_pool()
    with pytest.raises(ClosedError):
        model.compute_score(PAIRS)


class ModelClass(enum.Enum):
    """As FlagEmbedding has it."""

    ENCODER_ONLY_BASE = "encoder-only-base"


@pytest.mark.parametrize("model_class", [None, "encoder-only-base", ModelClass.ENCODER_ONLY_BASE])
def test_from_finetuned_takes_a_model_of_any_name(model_class: Any, compat_folder: CompatFolders, reranker: FlagReranker) -> None:
    """FlagEmbedding knows ten names and refuses the others."""
    folder: Path = compat_folder("bert")
    with FlagAutoReranker.from_finetuned(str(folder), model_class=model_class, devices="cpu", max_length=128) as model:
        assert isinstance(model, FlagReranker)
        assert model.max_length == 128
        assert model.compute_score(PAIRS) == pytest.approx(reranker.compute_score(PAIRS))


def test_from_finetuned_refuses_what_it_cannot_run(compat_folder: CompatFolders) -> None:
    with pytest.raises(ConfigError, match="decoder-only-layerwise"):
        FlagAutoReranker.from_finetuned(str(compat_folder("bert")), model_class="decoder-only-layerwise")


def test_the_auto_class_has_no_instances() -> None:
    with pytest.raises(ConfigError, match="from_finetuned"):
        FlagAutoReranker()
