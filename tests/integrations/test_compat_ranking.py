"""AutoModelForRanking: what is its own. Scores and shapes are held to open-retrievals' in test_compat_golden.py."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from adjudge.errors import ConfigError, InputError
from adjudge.integrations.compat import AutoModelForRanking, CompatWarning
from tests.integrations.conftest import CompatFolders

cuts_are_expected = pytest.mark.filterwarnings("ignore:cut at")
QUERY = "what do pandas eat"
DOCUMENTS = ["coffee keeps you awake", "bamboo", "熊猫吃竹子", "a phone"]
LONG = "a phone camera titanium " * 150 + "pandas eat bamboo " * 60


@pytest.fixture(scope="module")
def ranker(compat_folder: CompatFolders) -> Iterator[AutoModelForRanking]:
    with AutoModelForRanking.from_pretrained(str(compat_folder("xlm-roberta")), device="cpu") as model:
        yield model


def test_rerank_sorts_what_compute_score_scores(ranker: AutoModelForRanking) -> None:
    scores = ranker.compute_score([(QUERY, text) for text in DOCUMENTS])
    assert isinstance(scores, list)
    ranked = ranker.rerank(QUERY, DOCUMENTS)
    assert ranked["rerank_ids"] == sorted(range(4), key=lambda i: -scores[i])
    assert ranked["rerank_document"] == [DOCUMENTS[i] for i in ranked["rerank_ids"]]
    assert ranked["rerank_scores"] == pytest.approx([scores[i] for i in ranked["rerank_ids"]])
    assert ranker.rerank(QUERY, DOCUMENTS, return_dict=False) == ranked["rerank_document"]


@pytest.mark.parametrize("split", [False, True])
def test_one_document_is_ranked(split: bool, ranker: AutoModelForRanking) -> None:
    """The original raises TypeError: its compute_score gives a float for one pair."""
    ranked = ranker.rerank(QUERY, ["bamboo"], long_documents_split=split)
    assert (ranked["rerank_document"], ranked["rerank_ids"]) == (["bamboo"], [0])
    assert ranked["rerank_scores"] == pytest.approx([ranker.compute_score((QUERY, "bamboo"))], abs=1e-5)


@pytest.mark.parametrize(("query", "documents"), [(QUERY, []), ("", DOCUMENTS), (None, DOCUMENTS), ("", [])])
@pytest.mark.parametrize("split", [False, True])
def test_nothing_gives_the_same_keys(query: Any, documents: list[str], split: bool, ranker: AutoModelForRanking) -> None:
    """The original's empty answer has a key 'rerank_documents' and lacks 'rerank_ids'."""
    empty = {"rerank_document": [], "rerank_scores": [], "rerank_ids": []}
    assert ranker.rerank(query, documents, long_documents_split=split) == empty
    assert ranker.rerank(query, documents, return_dict=False) == []


def test_no_pairs_give_no_scores(ranker: AutoModelForRanking) -> None:
    assert ranker.compute_score([]) == []


def test_equals_keep_their_order(ranker: AutoModelForRanking) -> None:
    """The original turns them round."""
    assert ranker.rerank(QUERY, ["bamboo"] * 5)["rerank_ids"] == [0, 1, 2, 3, 4]


@cuts_are_expected
def test_a_long_document_is_judged_in_windows(ranker: AutoModelForRanking) -> None:
    """The original raises for every document. One window is the document's beginning; more can only raise the maximum."""
    shape = {"long_documents_split": True, "chunk_max_length": 64, "chunk_overlap": 8}
    first = ranker.compute_score((QUERY, LONG), max_length=64)
    one, several, every = (ranker.rerank(QUERY, [LONG], **shape, **more)["rerank_scores"][0] for more in ONE_TO_ALL)
    assert one == pytest.approx(first, abs=1e-5)
    assert one < several < every
    exact = ranker.reranker.engine.judge([(QUERY, LONG)], max_length=64)
    assert exact.verdicts[0].windows > 4


ONE_TO_ALL: list[dict[str, Any]] = [{"max_chunks_per_doc": 1}, {"max_chunks_per_doc": 4}, {}]


@cuts_are_expected
def test_windows_read_everything_and_cuts_are_counted(compat_folder: CompatFolders) -> None:
    with AutoModelForRanking.from_pretrained(str(compat_folder("xlm-roberta"))) as model:
        model.rerank(QUERY, [LONG, "bamboo"], long_documents_split=True)
        assert model.truncated.pairs == 0
        model.rerank(QUERY, [LONG, "bamboo"], long_documents_split=True, max_chunks_per_doc=1)
        assert model.truncated.pairs == 1
        assert model.truncated.passage_tokens > 100


def test_an_overlap_that_would_never_end_is_refused(ranker: AutoModelForRanking) -> None:
    """The original loops for ever."""
    with pytest.raises(ConfigError, match="overlap"):
        ranker.rerank(QUERY, [LONG], long_documents_split=True, chunk_max_length=32, chunk_overlap=32)


def test_a_query_as_long_as_the_window(compat_folder: CompatFolders) -> None:
    """The original computes a negative room and loops for ever."""
    model = AutoModelForRanking.from_pretrained(str(compat_folder("xlm-roberta")))
    with model, pytest.warns(CompatWarning, match=r"by [1-9]\d* tokens of queries"):
        assert len(model.rerank("tea " * 400, [LONG], long_documents_split=True, chunk_overlap=8)["rerank_ids"]) == 1


@pytest.mark.parametrize("documents", ["bamboo", None, 3, [None], [b"x"], [["a"]]])
def test_what_is_no_list_of_texts_is_refused(documents: Any, ranker: AutoModelForRanking) -> None:
    with pytest.raises(InputError):
        ranker.rerank(QUERY, documents)


@cuts_are_expected
def test_rerank_obeys_a_length(ranker: AutoModelForRanking) -> None:
    """The original's rerank() cannot be told one."""
    longer = ranker.rerank(QUERY, [LONG], max_length=400)["rerank_scores"]
    assert longer == pytest.approx([ranker.compute_score((QUERY, LONG), max_length=400)], abs=1e-5)
    assert longer != pytest.approx(ranker.rerank(QUERY, [LONG], max_length=64)["rerank_scores"], abs=1e-3)


def test_several_labels_give_one_score_a_document(compat_folder: CompatFolders) -> None:
    """The original flattens all labels into one list."""
    with AutoModelForRanking.from_pretrained(str(compat_folder("bert-3-labels"))) as model:
        ranked = model.rerank(QUERY, DOCUMENTS, normalize=True)
        assert ranked["rerank_ids"] == [r.index for r in model.reranker.rank(QUERY, DOCUMENTS)]
        assert ranked["rerank_scores"] == pytest.approx([r.score for r in model.reranker.rank(QUERY, DOCUMENTS)])


@pytest.mark.parametrize(
    ("given", "advice"),
    [
        ({"pooling_method": "mean"}, "own head"),
        ({"loss_fn": object()}, "training"),
        ({"loss_type": "regression"}, "training"),
        ({"causal_lm": True}, "own head"),
        ({"generative_llm_reranking": True}, "own head"),
        ({"use_lora": True}, "training"),
        ({"use_qlora": True}, "training"),
        ({"lora_config": {"r": 8}}, "training"),
        ({"lora_path": "adapter"}, "merge_and_unload"),
        ({"quantization_config": {"bits": 4}}, "precision='int8'"),
        ({"task_prompt": "judge"}, "query_instruction"),
        ({"num_labels": 3}, "has 1 labels"),
        ({"torch_dtype": "float8"}, "float8"),
    ],
)
def test_options_of_another_job_say_what_to_do(given: dict[str, Any], advice: str, compat_folder: CompatFolders) -> None:
    with pytest.raises(ConfigError, match=advice):
        AutoModelForRanking.from_pretrained(str(compat_folder("xlm-roberta")), **given)


@pytest.mark.parametrize("name", ["query_instruction", "document_instruction"])
@pytest.mark.parametrize("template", ["query: ", "{{}}", "{} {}", "{0} {0}", "Query: {query}", "{", "{0.none}", "{:.5}", "{0[0]}", b"", 0])
def test_an_instruction_that_loses_the_text_is_refused(name: str, template: Any, compat_folder: CompatFolders) -> None:
    """The original scores every pair with the same text, or raises at the first."""
    with pytest.raises(ConfigError, match=rf"{name}=.* exactly once"):
        AutoModelForRanking.from_pretrained(str(compat_folder("xlm-roberta")), **{name: template})


@pytest.mark.parametrize("none", [None, "", "{}"])
def test_no_instruction_leaves_the_texts(none: str | None, compat_folder: CompatFolders, ranker: AutoModelForRanking) -> None:
    folder = str(compat_folder("xlm-roberta"))
    with AutoModelForRanking.from_pretrained(folder, query_instruction=none, document_instruction=none, device="cpu") as model:
        assert model.rerank(QUERY, DOCUMENTS) == ranker.rerank(QUERY, DOCUMENTS)


def test_braces_of_a_text_are_text(compat_folder: CompatFolders, ranker: AutoModelForRanking) -> None:
    with AutoModelForRanking.from_pretrained(str(compat_folder("xlm-roberta")), query_instruction="{{tea}} {0}", device="cpu") as model:
        assert model.compute_score(("{} {x}", "bamboo")) == pytest.approx(ranker.compute_score(("{tea} {} {x}", "bamboo")), abs=1e-5)


@pytest.mark.parametrize("temperature", [0, 0.0, -1, float("nan"), float("inf"), True, "2"])
def test_a_senseless_temperature_is_refused(temperature: Any, compat_folder: CompatFolders) -> None:
    """The original divides by it: infinities, NaN, or the order turned round."""
    with pytest.raises(ConfigError, match="temperature must be a finite number above 0"):
        AutoModelForRanking.from_pretrained(str(compat_folder("xlm-roberta")), temperature=temperature)


@pytest.mark.parametrize(("name", "value"), [("query_instruction", "query: "), ("temperature", 0.0)])
def test_a_senseless_setting_is_refused_later_too(name: str, value: object, compat_folder: CompatFolders) -> None:
    with AutoModelForRanking.from_pretrained(str(compat_folder("xlm-roberta")), device="cpu") as model:
        setattr(model, name, value)
        with pytest.raises(ConfigError, match=name):
            model.rerank(QUERY, DOCUMENTS)


def test_a_collator_is_refused_and_what_is_unknown_is_named(ranker: AutoModelForRanking) -> None:
    with pytest.raises(ConfigError, match="data_collator"):
        ranker.rerank(QUERY, DOCUMENTS, data_collator=object())
    with pytest.warns(CompatWarning, match="rerank does not know top_k"):
        ranker.rerank(QUERY, DOCUMENTS, top_k=3)
    with pytest.warns(CompatWarning, match="compute_score does not know data_collator"):
        ranker.compute_score([(QUERY, "bamboo")], data_collator=None)


def test_dtype_chooses_the_precision(compat_folder: CompatFolders) -> None:
    with AutoModelForRanking.from_pretrained(str(compat_folder("bert")), torch_dtype="float32", device="cpu") as model:
        assert model.reranker.traits.precision == "f32"
    with pytest.raises(ConfigError, match="give one"):
        AutoModelForRanking.from_pretrained(str(compat_folder("bert")), torch_dtype="float32", precision="f32")
    with pytest.warns(CompatWarning, match="fp16 means"):
        AutoModelForRanking.from_pretrained(str(compat_folder("bert")), torch_dtype="float16", device="cpu").close()


def test_a_progress_bar_is_shown_to_those_who_ask(ranker: AutoModelForRanking) -> None:
    plain = ranker.rerank(QUERY, DOCUMENTS)
    assert ranker.rerank(QUERY, DOCUMENTS, show_progress_bar=True) == plain
    assert ranker.rerank(QUERY, DOCUMENTS, show_progress_bar=True, long_documents_split=True)["rerank_ids"] == plain["rerank_ids"]
