"""Pruning: what is kept is cut as before, and the pruned model says the same; what it costs is measured rightly."""

from __future__ import annotations

import gzip
import json
import shutil
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from adjudge import Reranker
from adjudge.config import SourceConfig
from adjudge.errors import InputError, MissingExtraError, ModelFilesError, TokenizerMismatchError, UnsupportedModelError
from adjudge.models.load import load_encoder, load_model
from adjudge.retrieval.dense import Embedder
from recipes.embedded import prune
from recipes.embedded.base import plain_copy
from recipes.embedded.prune import read_tokenizer, seen_in, texts_of, write_base
from recipes.embedded.prune_cost import language_of, measure
from recipes.embedded.vocabulary import (
    Unigram,
    always_kept,
    capitalised,
    frequent_words,
    kept_like,
    kept_pieces,
    pieces_seen,
    pruned,
    read_unigram,
)
from tests.recipes.held import BEFORE, hold
from tests.recipes.tiny_base import TinyBase, build_hub_folder
from tests.source import PACKAGE
from tests.texts import DOCUMENTS, QUERIES

TEXTS = (*QUERIES, *DOCUMENTS)
SHIPPED = PACKAGE / "models" / "embedded" / "tokenizer.json"
KEPT_TEXTS = tuple(text for text in TEXTS if "pand" not in text.lower())


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> TinyBase:
    """A tiny original."""
    return build_hub_folder(tmp_path_factory.mktemp("hub") / "model")


@pytest.fixture(scope="module")
def vocabulary(tiny: TinyBase) -> Unigram:
    """Its vocabulary: pieces of all TEXTS."""
    return read_tokenizer(tiny.folder / "tokenizer.json")


@pytest.fixture(scope="module")
def pruned_base(tiny: TinyBase, vocabulary: Unigram, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny original, pruned to KEPT_TEXTS, in adjudge's own form."""
    work = tmp_path_factory.mktemp("work")
    plain_copy(tiny.folder, work / "e5")
    kept = kept_pieces(vocabulary, pieces_seen(tokenizer_of(vocabulary.content), (*KEPT_TEXTS, *prune.PROMPTS)))
    assert len(kept) < len(vocabulary.pieces) - 50, "the tiny vocabulary would not show pruning"
    write_base(work / "e5", work / "base", vocabulary, kept)
    return work / "base"


def tokenizer_of(content: dict[str, Any]) -> Tokenizer:
    """From a parsed tokenizer.json."""
    return Tokenizer.from_str(json.dumps(content))


# -- which pieces ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "piece",
    ["<0x0A>", "a", "▁a", "▁", "ж", "ภ", "熊", "熊猫", "2024年", "▁—", "...", "３", "１２", "人々", "%)", "▁1.", "🐼🐼", "𠮷野", "豈更"],
)
def test_pieces_that_stay(piece: str) -> None:
    assert always_kept(piece)


@pytest.mark.parametrize("piece", ["ab", "▁ab", "жи", "ภา", "ので", "の人", "A股", "스트", "5G", "▁2nd", "<unk>"])
def test_pieces_that_must_be_seen(piece: str) -> None:
    assert not always_kept(piece)


def test_words_are_seen_as_listed_and_capitalised() -> None:
    assert [capitalised(word) for word in ("été", "熊猫", "iPhone", "", "ёж", "l'eau")] == ["Été", "熊猫", "IPhone", "", "Ёж", "L'eau"]


@pytest.mark.parametrize("language", ["zh", "en", "es", "fr", "ru"])
def test_frequent_words_come_most_frequent_first(language: str) -> None:
    pytest.importorskip("wordfreq")
    from wordfreq import zipf_frequency

    words = list(frequent_words(language, 3000))
    assert len(words) == len(set(words)) == 3000
    if language != "zh":  # looking a Chinese word up needs another package
        found = [zipf_frequency(word, language, wordlist="large") for word in words[::100]]
        assert found == sorted(found, reverse=True)


def test_without_the_word_lists_the_command_to_get_them_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "wordfreq", None)
    with pytest.raises(MissingExtraError, match=r"'wordfreq'.*adjudge\[dev\]"):
        frequent_words("en", 5)


def test_texts_are_found_in_rows_and_inside_them(tmp_path: Path) -> None:
    passages = [{"text": "one", "lang": "en", "kind": "trap", "covered": [0]}]
    rows = [{"query": "q", "positive": "p", "source": "s", "licence": "l"}, {"query": "w", "intents": ["i", "j"], "passages": passages}]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    with gzip.open(tmp_path / "b.jsonl.gz", "wt", encoding="utf-8") as file:
        file.write(json.dumps({"a": "x", "b": "y", "label": 1}) + "\n")
    assert list(texts_of([tmp_path])) == ["q", "p", "w", "i", "j", "one", "x", "y"]
    with pytest.raises(ModelFilesError, match="nowhere holds no"):
        list(texts_of([tmp_path / "nowhere"]))


def test_seen_are_pieces_of_texts_and_of_frequent_words(tmp_path: Path) -> None:
    pytest.importorskip("wordfreq")
    (tmp_path / "a.jsonl").write_text(json.dumps({"text": "Przepraszam"}), encoding="utf-8")
    seen = seen_in(SHIPPED, [tmp_path], {"languages": ["es"], "words": 200})
    tokenizer = Tokenizer.from_file(str(SHIPPED))
    for word in ("Przepraszam", "porque", "Porque", "query: ", "passage: "):
        assert seen >= set(tokenizer.encode(word, add_special_tokens=False).ids)
    assert tokenizer.token_to_id("▁photosynthesis") not in seen
    assert len(seen) < 600


# -- the tokenizer that is left ----------------------------------------------------------------------------------------


@cache
def whole() -> tuple[Unigram, Tokenizer]:
    """The shipped vocabulary: real pieces and real scores."""
    vocabulary = read_tokenizer(SHIPPED)
    return vocabulary, Tokenizer.from_file(str(SHIPPED))


@given(texts=st.sets(st.sampled_from(TEXTS), max_size=6), drawn=st.lists(st.text(max_size=30), max_size=3))
def test_a_text_whose_pieces_are_kept_is_cut_as_before(tiny: TinyBase, vocabulary: Unigram, texts: set[str], drawn: list[str]) -> None:
    """Also with signs the vocabulary does not have, and lone pieces of other texts between."""
    before = tokenizer_of(vocabulary.content)
    kept = kept_pieces(vocabulary, pieces_seen(before, [*texts, *drawn]))
    after = tokenizer_of(pruned(vocabulary, kept))
    for text in (*texts, *drawn):
        ids = after.encode(text).ids
        assert [kept[i] for i in ids] == before.encode(text).ids, text


def test_real_texts_are_cut_as_before_by_the_real_vocabulary() -> None:
    vocabulary, before = whole()
    kept = kept_pieces(vocabulary, pieces_seen(before, TEXTS))
    assert len(kept) < 0.3 * len(vocabulary.pieces)
    after = tokenizer_of(pruned(vocabulary, kept))
    for query in QUERIES:
        for document in DOCUMENTS:
            one, other = before.encode(query, document), after.encode(query, document)
            assert other.tokens == one.tokens
            assert (other.offsets, other.sequence_ids, other.special_tokens_mask) == (
                one.offsets,
                one.sequence_ids,
                one.special_tokens_mask,
            )
    strange = "Фотосинтез, photosynthèse, Fotosíntesis"
    assert len(after.encode(strange).ids) > len(before.encode(strange).ids), "a text that was not seen falls into smaller pieces"
    assert after.decode(after.encode(strange).ids) == strange


def test_scores_order_and_specials_stay(vocabulary: Unigram) -> None:
    kept = kept_pieces(vocabulary, {20, 12})
    content = pruned(vocabulary, kept)
    left = read_unigram(content)
    score = dict(zip(vocabulary.pieces, vocabulary.scores, strict=True))
    assert list(left.pieces) == [piece for piece in vocabulary.pieces if piece in set(left.pieces)]
    assert all(score[piece] == value for piece, value in zip(left.pieces, left.scores, strict=True))
    assert left.pieces[:4] == ("<s>", "<pad>", "</s>", "<unk>")
    tokenizer = tokenizer_of(content)
    assert [tokenizer.token_to_id(piece) for piece in ("<s>", "<pad>", "</s>", "<unk>")] == [0, 1, 2, 3]
    assert tokenizer.encode("<mask>", add_special_tokens=False).ids == [left.pieces.index("<mask>")]
    assert content.keys() == vocabulary.content.keys()
    assert len(vocabulary.content["model"]["vocab"]) == len(vocabulary.pieces), "the original is left alone"


def test_the_least_likely_piece_stays(vocabulary: Unigram) -> None:
    """What <unk> costs is reckoned from it."""
    content = json.loads(json.dumps(vocabulary.content))
    content["model"]["vocab"].append(["zzzz", -99.0])
    assert kept_pieces(read_unigram(content), set())[-1] == len(vocabulary.pieces)


def test_keeping_like_an_earlier_edition_keeps_just_that(vocabulary: Unigram) -> None:
    kept = sorted({*vocabulary.specials, *range(7, len(vocabulary.pieces), 3)})
    example = read_unigram(pruned(vocabulary, kept))
    assert kept_like(vocabulary, example) == kept
    assert pruned(vocabulary, kept_like(vocabulary, example)) == example.content


def test_an_example_of_another_vocabulary_is_refused(vocabulary: Unigram) -> None:
    with pytest.raises(TokenizerMismatchError, match="pieces to keep are not in the vocabulary"):
        kept_like(vocabulary, whole()[0])
    content = json.loads(json.dumps(vocabulary.content))
    content["model"]["vocab"][-1], content["model"]["vocab"][-2] = content["model"]["vocab"][-2], content["model"]["vocab"][-1]
    with pytest.raises(TokenizerMismatchError, match="another order"):
        kept_like(vocabulary, read_unigram(content))
    content = json.loads(json.dumps(vocabulary.content))
    content["model"]["vocab"][-1][1] -= 0.5
    with pytest.raises(TokenizerMismatchError, match="other scores"):
        kept_like(vocabulary, read_unigram(content))


def test_a_special_token_cannot_be_lost(vocabulary: Unigram) -> None:
    with pytest.raises(TokenizerMismatchError, match="<pad> would be lost"):
        pruned(vocabulary, [0, 2, 3, 4, 5, 6])


@pytest.mark.parametrize("change", [{"model": {"type": "BPE"}}, {"post_processor": {"type": "RobertaProcessing"}}])
def test_other_tokenizers_are_refused(vocabulary: Unigram, change: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedModelError, match="only Unigram vocabularies"):
        read_unigram({**vocabulary.content, **change})


# -- the folder --------------------------------------------------------------------------------------------------------


def hidden(tiny: TinyBase, ids: list[int]) -> np.ndarray:
    """Last hidden states of the unpruned original, (tokens, size), by transformers; weights rounded to float16 as in the folder."""
    import torch
    from transformers import BertConfig, BertModel

    settings = json.loads((tiny.folder / "config.json").read_text(encoding="utf-8"))
    network = BertModel(BertConfig(**settings), add_pooling_layer=False).eval()
    network.load_state_dict({name: torch.from_numpy(tensor.astype(np.float16).astype(np.float32)) for name, tensor in tiny.tensors.items()})
    with torch.inference_mode():
        return np.asarray(network(input_ids=torch.tensor([ids])).last_hidden_state[0].numpy())


def unit(rows: np.ndarray) -> np.ndarray:
    """Each row with length 1."""
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def test_the_pruned_bi_encoder_says_what_the_original_says(tiny: TinyBase, pruned_base: Path) -> None:
    before = Tokenizer.from_file(str(tiny.folder / "tokenizer.json"))
    with Embedder(pruned_base, backend="openvino", precision="f32") as embedder:
        found = embedder.embed(list(KEPT_TEXTS), kind="document")
    # the prefix is no text that was seen, and its pieces must be kept all the same
    wanted = [unit(hidden(tiny, before.encode(f"passage: {text}").ids).mean(0)) for text in KEPT_TEXTS]
    np.testing.assert_allclose(found, np.stack(wanted), atol=2e-4)


def test_the_judge_begins_with_the_bi_encoders_opinion(tiny: TinyBase, pruned_base: Path) -> None:
    before = Tokenizer.from_file(str(tiny.folder / "tokenizer.json"))
    query, document = "Which phones did Apple announce?", "Bread is baked from flour, water, salt and yeast."
    encoding = before.encode(query, document)
    states, part = hidden(tiny, encoding.ids), np.array([-1 if s is None else s for s in encoding.sequence_ids])
    asked, told = states[part == 0], states[part == 1]
    cosine = float(unit(asked.mean(0)) @ unit(told.mean(0)))
    best = float((unit(asked) @ unit(told).T).max(1).mean())
    with Reranker(pruned_base, backend="openvino", precision="f32") as judge:
        assert judge.score([(query, document)], normalize=False)[0] == pytest.approx(30 * cosine + 30 * best - 55, abs=5e-3)


def test_the_folder_is_in_adjudges_own_form(pruned_base: Path, vocabulary: Unigram) -> None:
    judge, encoder = load_model(pruned_base), load_encoder(pruned_base, SourceConfig())
    pieces = len(read_tokenizer(pruned_base / "tokenizer.json").pieces)
    assert judge.spec.vocab_size == encoder.spec.vocab_size == pieces < len(vocabulary.pieces)
    assert (judge.stored_precision, encoder.prompts["query"]) == ("f16", "query: ")
    table = load_file(pruned_base / "embeddings.safetensors")
    assert {name: (tensor.shape, tensor.dtype) for name, tensor in table.items()} == {prune.TABLE: ((pieces, 64), np.float16)}
    body, trained = load_file(pruned_base / "encoder.safetensors"), load_file(pruned_base / "judge.safetensors")
    assert all((trained[name] == tensor).all() for name, tensor in body.items())
    head = {name.removeprefix("head."): tensor for name, tensor in trained.items() if name not in body}
    assert {name: (tensor.dtype, float(np.abs(tensor).max())) for name, tensor in head.items()} == {
        "pooled.weight": (np.float32, 0.0), "pooled.bias": (np.float32, 0.0), "cosine": (np.float32, 30.0),
        "max_similarity": (np.float32, 30.0), "offset": (np.float32, 55.0),
    }  # fmt: skip


def test_files_of_an_earlier_run_are_replaced_as_a_whole(tiny: TinyBase, vocabulary: Unigram, tmp_path: Path) -> None:
    """The Makefile takes base/adjudge.json for a step that is done."""
    held = hold(tmp_path / "base", "tokenizer.json", "config.json", "adjudge.json")
    plain_copy(tiny.folder, tmp_path / "e5")
    write_base(tmp_path / "e5", tmp_path / "base", vocabulary, list(range(len(vocabulary.pieces))))
    assert [path.read_text(encoding="utf-8") for path in held] == [BEFORE] * 3
    assert (tmp_path / "base" / "config.json").read_text(encoding="utf-8").startswith('{\n  "model_type"')
    assert "\n" not in (tmp_path / "base" / "tokenizer.json").read_text(encoding="utf-8")


def test_a_table_of_another_model_is_refused(tiny: TinyBase, tmp_path: Path) -> None:
    shutil.copytree(tiny.folder, tmp_path / "e5")
    large = whole()[0]
    with pytest.raises(ModelFilesError, match=r"a table of \d+ rows is too short for a tokenizer of 97118 pieces"):
        write_base(tmp_path / "e5", tmp_path / "base", large, list(range(len(large.pieces))))


def test_the_command_keeps_like_a_tokenizer(tiny: TinyBase, pruned_base: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    plain_copy(tiny.folder, tmp_path / "e5")
    monkeypatch.setattr(sys, "argv", ["prune", str(tmp_path), "--keep-like", str(pruned_base / "tokenizer.json")])
    prune.main()
    for name in ("tokenizer.json", "embeddings.safetensors", "judge.safetensors", "config.json", "adjudge.json"):
        assert (tmp_path / "base" / name).read_bytes() == (pruned_base / name).read_bytes(), name
    monkeypatch.setattr(sys, "argv", ["prune", str(tmp_path), "--keep-like", str(SHIPPED)])
    with pytest.raises(SystemExit, match="pieces to keep are not in the vocabulary"):
        prune.main()


# -- what it costs -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "language"), [("drcd-test-zh_hant", "zh"), ("xquad-ar", "ar"), ("mlqa-dev-es", "es"), ("tydi-en-dev", "en")]
)
def test_sets_name_their_language(name: str, language: str) -> None:
    assert language_of(name) == language
    with pytest.raises(InputError, match="'squad' does not name its language"):
        language_of("squad")


def write_set(folder: Path, texts: tuple[str, ...]) -> None:
    """A set in BEIR layout: the first text is the question."""
    folder.mkdir(parents=True)
    (folder / "queries.jsonl").write_text(json.dumps({"_id": "q", "text": texts[0]}), encoding="utf-8")
    rows = [json.dumps({"_id": str(i), "text": text}, ensure_ascii=False) for i, text in enumerate(texts[1:])]
    (folder / "corpus.jsonl").write_text("\n".join(rows), encoding="utf-8")
    (folder / "qrels.tsv").write_text("q\t0\t1\n", encoding="utf-8")


def test_cost_is_nothing_where_all_is_kept_and_counted_elsewhere(tiny: TinyBase, pruned_base: Path, tmp_path: Path) -> None:
    write_set(tmp_path / "kept-en", KEPT_TEXTS)
    lost = tuple(text for text in TEXTS if text not in KEPT_TEXTS)
    write_set(tmp_path / "lost-de", lost)
    pairs = [{"a": lost[0], "b": KEPT_TEXTS[0], "lang": "es", "label": 0}]
    (tmp_path / "pairs.jsonl").write_text(json.dumps(pairs[0]) + "\n", encoding="utf-8")
    original, after = tiny.folder / "tokenizer.json", pruned_base / "tokenizer.json"
    found = measure(tmp_path, original, {"small": after, "same": original})
    unchanged = found["kept languages"]["kept-en"]
    assert unchanged["small"] == {**unchanged["before"], "more_tokens": 0.0, "changed": 0.0}
    assert unchanged["texts"] == len(set(KEPT_TEXTS))
    dearer, half = found["other languages"]["lost-de"], found["kept languages"]["pairs-es"]
    counts = [[len(Tokenizer.from_file(str(path)).encode(text, add_special_tokens=False)) for text in lost] for path in (original, after)]
    assert dearer["before"]["tokens_per_text"] == pytest.approx(np.mean(counts[0]))
    assert dearer["small"]["tokens_per_text"] == pytest.approx(np.mean(counts[1]))
    assert dearer["small"]["more_tokens"] == pytest.approx(sum(counts[1]) / sum(counts[0]) - 1)
    assert dearer["small"]["changed"] == 1.0
    assert (half["texts"], half["small"]["changed"]) == (2, 0.5)
    greek = found["other languages"]["sentences-el"]
    assert greek["before"]["unknown"] > 0.4, "the tiny vocabulary has no Greek"
    assert found["vocabularies"]["small"]["pieces"] == found["pieces"]["small, same"]["both"] < found["vocabularies"]["before"]["pieces"]
    assert found["pieces"]["small, same"]["only the first"] == 0
    assert all(entry["same"]["changed"] == 0 for kind in ("kept languages", "other languages") for entry in found[kind].values())
    assert str(tmp_path) not in json.dumps(found)
