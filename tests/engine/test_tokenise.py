"""Text to ids: the same as the tokenizer's own pairs, whatever the text, from any thread."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from adjudge.backends.base import DOCUMENT, QUERY, SPECIAL
from adjudge.engine.tokenise import Tokeniser, clean
from adjudge.errors import ModelFilesError, TokenizerMismatchError
from adjudge.models.load import load_model
from adjudge.models.model import Model
from tests.engine.conftest import Models
from tests.engine.stand_ins import FAMILIES
from tests.texts import PAIRS

SEGMENTS = {None: SPECIAL, 0: QUERY, 1: DOCUMENT}
REAL = (
    ("熊猫吃什么？", "大熊猫的食物几乎全是竹子，每天要吃十二到三十八公斤。"),
    ("What do pandas eat?", "Giant pandas eat bamboo: leaves,  shoots\tand stems.\n\nUp to 38 kg a day — “almost” nothing else!"),
    ("¿Qué comen los pandas?", "Se alimentan casi exclusivamente de bambú; a veces, peces o roedores… ¡y huevos!"),
    ("Que mange le panda géant ?", "L'œuf, c'est « rare » : le panda mange surtout du bambou."),
    ("Что едят панды?", "Большая панда питается почти исключительно бамбуком (до 38 кг в день)."),
    ("", ""),
    ("a", ""),
    ("", "b"),
    ("</s> <s> [SEP]", "[CLS] <mask> </s>"),
    ("ﬁ ﷺ ㍿ Å", "e\u0301 \u200b\ufeff\u00ad \x00 \x07 \U0001f468\u200d\U0001f469\u200d\U0001f467 שלום العربية"),
)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
ANY_TEXT = st.text(st.characters(), max_size=40)


@pytest.fixture(scope="module", params=["embedded", *FAMILIES])
def model(request: pytest.FixtureRequest, models: Models) -> Model:
    return load_model("embedded") if request.param == "embedded" else models(request.param)


@pytest.fixture(scope="module")
def tokeniser(model: Model) -> Tokeniser:
    return Tokeniser(model)


@pytest.fixture(scope="module")
def own(model: Model) -> Tokenizer:
    tokenizer = Tokenizer.from_file(str(model.tokenizer_file))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def assert_same(tokeniser: Tokeniser, own: Tokenizer, query: str, document: str) -> None:
    first, second = tokeniser.encode([query, document], short=10**6)
    pair, expected = tokeniser.join(first.ids, second.ids), own.encode(query, document)
    assert pair.ids.tolist() == expected.ids, (query, document)
    assert pair.types.tolist() == expected.type_ids, (query, document)
    assert pair.segments.tolist() == [SEGMENTS[owner] for owner in expected.sequence_ids], (query, document)
    assert {pair.ids.dtype, pair.types.dtype, pair.segments.dtype} == {np.dtype(np.int32)}


def test_pairs_are_joined_as_the_tokenizer_joins_them(tokeniser: Tokeniser, own: Tokenizer) -> None:
    for query, document in (*REAL, *PAIRS):
        assert_same(tokeniser, own, query, document)


@settings(max_examples=30)
@given(TEXT, TEXT)
def test_any_two_texts_are_joined_as_the_tokenizer_joins_them(tokeniser: Tokeniser, own: Tokenizer, query: str, document: str) -> None:
    assert_same(tokeniser, own, query, document)


@settings(max_examples=30)
@given(st.lists(ANY_TEXT, max_size=6), st.integers(0, 30))
def test_long_and_short_texts_have_the_same_ids(tokeniser: Tokeniser, texts: list[str], short: int) -> None:
    plain = tokeniser.encode(texts, short=10**6)
    with_offsets = tokeniser.encode(texts, short=short)
    for text, one, other in zip(texts, plain, with_offsets, strict=True):
        assert one.ids.tolist() == other.ids.tolist()
        assert len(one.ids) <= short or other.offsets is not None
        if other.offsets is not None:
            assert other.offsets.shape == (len(other.ids), 2)
            assert ((other.offsets >= 0) & (other.offsets <= len(text))).all()
            assert (other.offsets[:, 0] <= other.offsets[:, 1]).all()


def test_many_threads_at_once(tokeniser: Tokeniser) -> None:
    texts = [document * size for size in (1, 9) for _, document in PAIRS[:14]]
    expected = [e.ids.tolist() for e in tokeniser.encode(texts, short=20)]

    def again(_: int) -> bool:
        return [e.ids.tolist() for e in tokeniser.encode(texts, short=20)] == expected

    with ThreadPoolExecutor(12) as pool:
        assert all(pool.map(again, range(12)))


def test_one_text_alone_as_the_tokenizer_does_it(tokeniser: Tokeniser, own: Tokenizer) -> None:
    text = PAIRS[0][1]
    expected = own.encode(text).ids
    assert tokeniser.single(text, max_length=512).ids.tolist() == expected
    assert tokeniser.single(text, max_length=7).ids.tolist() == [*expected[:6], expected[-1]]


def test_batch_pads_on_the_right(tokeniser: Tokeniser, model: Model) -> None:
    texts = tokeniser.encode(["giant pandas", "eat", "bamboo and nothing else"], short=10**6)
    pairs = [tokeniser.join(texts[0].ids, e.ids) for e in texts]
    batch = tokeniser.batch(pairs)
    assert batch.lengths.tolist() == [len(p.ids) for p in pairs]
    for row, pair in enumerate(pairs):
        end = len(pair.ids)
        assert batch.input_ids[row].tolist() == pair.ids.tolist() + [model.spec.pad_token_id] * (batch.input_ids.shape[1] - end)
        assert batch.token_type_ids[row, :end].tolist() == pair.types.tolist()
        assert batch.segments[row, :end].tolist() == pair.segments.tolist()
        assert not batch.token_type_ids[row, end:].any()
        assert (batch.segments[row, end:] == SPECIAL).all()


@given(ANY_TEXT)
def test_clean_keeps_every_place_and_all_but_lone_surrogates(text: str) -> None:
    cleaned = clean(text)
    assert len(cleaned) == len(text)
    assert all(a == b or ("\ud800" <= a <= "\udfff" and b == "\ufffd") for a, b in zip(text, cleaned, strict=True))
    cleaned.encode("utf-8")


def test_clean_knows_surrogates() -> None:
    assert clean("a\ud800b\udfffc\udfff\ud800") == "a\ufffdb\ufffdc\ufffd\ufffd"
    whole = "plain 熊猫 🐼"
    assert clean(whole) is whole


def test_older_vocabulary(models: Models, tmp_path: Path) -> None:
    """Models of before tokenizer.json, of which the ms-marco cross-encoders are the best known."""
    bert = models("bert")
    vocabulary = json.loads(bert.tokenizer_file.read_text(encoding="utf-8"))["model"]["vocab"]
    path = tmp_path / "vocab.txt"
    path.write_text("\n".join(sorted(vocabulary, key=vocabulary.__getitem__)), encoding="utf-8")
    old, new = Tokeniser(replace(bert, tokenizer_file=path)), Tokeniser(bert)
    for query, document in PAIRS:
        pairs = [t.join(*(e.ids for e in t.encode([query, document], short=99))) for t in (old, new)]
        assert pairs[0].ids.tolist() == pairs[1].ids.tolist()
        assert pairs[0].types.tolist() == pairs[1].types.tolist()


def test_truncation_and_padding_of_the_file_are_ignored(words: Model, tmp_path: Path) -> None:
    tokenizer = Tokenizer.from_file(str(words.tokenizer_file))
    tokenizer.enable_truncation(8)
    tokenizer.enable_padding(length=20)
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    text = PAIRS[0][1]
    found = Tokeniser(replace(words, tokenizer_file=tmp_path / "tokenizer.json")).encode([text], short=99)[0]
    assert found.ids.tolist() == Tokeniser(words).encode([text], short=99)[0].ids.tolist()


def test_no_template_for_pairs(words: Model, tmp_path: Path) -> None:
    content = json.loads(words.tokenizer_file.read_text(encoding="utf-8"))
    (tmp_path / "tokenizer.json").write_text(json.dumps(content | {"post_processor": None}), encoding="utf-8")
    with pytest.raises(TokenizerMismatchError, match="no template for pairs"):
        Tokeniser(replace(words, tokenizer_file=tmp_path / "tokenizer.json"))


def test_vocabulary_of_another_model(words: Model) -> None:
    with pytest.raises(TokenizerMismatchError, match="embeddings"):
        Tokeniser(replace(words, spec=replace(words.spec, vocab_size=5)))


@pytest.mark.parametrize("content", ["", "{}", "no json", '{"version": "1.0"}'])
def test_unreadable_file(words: Model, tmp_path: Path, content: str) -> None:
    (tmp_path / "tokenizer.json").write_text(content, encoding="utf-8")
    with pytest.raises(ModelFilesError, match="not a readable tokenizer"):
        Tokeniser(replace(words, tokenizer_file=tmp_path / "tokenizer.json"))


CHARSMAPS = [{"type": "Precompiled", "precompiled_charsmap": text} for text in ("", "AAA=", "ALQCAACEAAAAAACA")]


def changed(words: Model, folder: Path, **parts: Any) -> Model:
    """The model with a tokenizer.json of which some parts are others."""
    content = json.loads(words.tokenizer_file.read_text(encoding="utf-8"))
    (folder / "tokenizer.json").write_text(json.dumps(content | parts), encoding="utf-8")
    return replace(words, tokenizer_file=folder / "tokenizer.json")


@pytest.mark.parametrize("charsmap", CHARSMAPS, ids=str)
def test_a_file_that_the_library_panics_on(words: Model, tmp_path: Path, charsmap: dict[str, str]) -> None:
    with pytest.raises(ModelFilesError, match="not a readable tokenizer"):
        Tokeniser(changed(words, tmp_path, normalizer=charsmap))


@pytest.mark.parametrize("kind", ["WordPiece", "WordLevel"])
@pytest.mark.parametrize("known", [{}, {"1": 0, "2": 1}], ids=["nothing", "the probe's words"])
def test_no_token_for_the_unknown_is_told_at_load(words: Model, tmp_path: Path, kind: str, known: dict[str, int]) -> None:
    more = {"continuing_subword_prefix": "##", "max_input_chars_per_word": 100} if kind == "WordPiece" else {}
    model = {"type": kind, "vocab": known | {"<s>": 2, "</s>": 3}, "unk_token": "[UNK]", **more}
    with pytest.raises(ModelFilesError, match=r"not a readable tokenizer .*\[UNK\]"):
        Tokeniser(changed(words, tmp_path, model=model, added_tokens=[], pre_tokenizer={"type": "Whitespace"}))


class Panic(BaseException):
    """As the library's own: no Exception."""


class Breaks:
    """A tokenizer that loads, and raises on every text."""

    def __init__(self, error: type[BaseException]) -> None:
        self.encode = self.encode_batch = self.encode_batch_fast = self.fail
        self._error = error

    def fail(self, *_: object, **__: object) -> None:
        raise self._error("somewhere in Rust")


@pytest.mark.parametrize(("raised", "expected"), [(Panic, ModelFilesError), (Exception, ModelFilesError), (MemoryError, MemoryError)])
def test_a_text_that_the_library_fails_on(words: Model, raised: type[BaseException], expected: type[Exception]) -> None:
    tokeniser = Tokeniser(words)
    tokeniser._tokenizer = Breaks(raised)  # type: ignore[assignment]
    with pytest.raises(expected, match="somewhere in Rust"):
        tokeniser.encode(["a"], short=9)
    with pytest.raises(expected, match="somewhere in Rust"):
        tokeniser.single("a", max_length=9)
