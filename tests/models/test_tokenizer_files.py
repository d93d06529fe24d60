"""Tokenizers of older models, put together from a vocabulary: the same ids as transformers makes from the same files."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer

from adjudge.engine.tokenise import Tokeniser
from adjudge.errors import ModelFilesError
from adjudge.models.load import load_model
from adjudge.models.spec import Family
from adjudge.models.tokenizer_files import find_tokenizer, tokenizer_json
from tests.conftest import Folders
from tests.texts import PAIRS
from tests.tiny_models import Tiny

ODD = [
    ("", "no query"),
    ("  spaces\tand\nlines  ", "Ünïcödé ÀÉÎ naïve café"),
    ("熊猫吃什么？", "大熊猫主要以竹子为食。"),
    ("emoji 🐼🎋", "control \x00\x07 characters\u200b\ufeff"),
    ("x" * 150, "don't, U.S.A.; 3.14% (a/b) [UNK] <unk>"),
]


def old_style(source: Path, target: Path, **settings: Any) -> Path:
    """The folder as it would have been saved years ago: a vocabulary instead of tokenizer.json."""
    shutil.copytree(source, target)
    tokenizer = json.loads((target / "tokenizer.json").read_text(encoding="utf-8"))["model"]
    (target / "tokenizer.json").unlink()
    words = sorted(tokenizer["vocab"], key=lambda word: tokenizer["vocab"][word])
    if tokenizer["type"] == "WordPiece":
        (target / "vocab.txt").write_text("\n".join(words) + "\n", encoding="utf-8")
    else:
        (target / "vocab.json").write_text(json.dumps(tokenizer["vocab"]), encoding="utf-8")
        merges = [merge if isinstance(merge, str) else " ".join(merge) for merge in tokenizer["merges"]]
        (target / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges) + "\n", encoding="utf-8")
    (target / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    return target


@pytest.mark.parametrize(
    ("family", "settings"),
    [
        ("bert", {"do_lower_case": True, "tokenizer_class": "BertTokenizer"}),
        ("bert", {"do_lower_case": False, "tokenizer_class": "BertTokenizer"}),
        ("bert", {"strip_accents": False, "tokenize_chinese_chars": False, "tokenizer_class": "BertTokenizerFast"}),
        ("bert", {}),
        ("electra", {"tokenizer_class": "ElectraTokenizer"}),
        ("distilbert", {"tokenizer_class": "DistilBertTokenizer"}),
        ("roberta", {"tokenizer_class": "RobertaTokenizer"}),
        ("roberta", {"add_prefix_space": True}),
    ],
    ids=str,
)
def test_same_ids_as_transformers(tiny_folder: Folders, tmp_path: Path, family: str, settings: dict[str, Any]) -> None:
    from transformers import AutoTokenizer

    folder = old_style(tiny_folder(Tiny(family=family)), tmp_path / "old", **settings)
    model = load_model(folder)
    ours = Tokenizer.from_str(tokenizer_json(model.tokenizer_file))
    reference = AutoTokenizer.from_pretrained(folder)
    for query, document in [*PAIRS, *ODD]:
        expected = reference(query, document, return_token_type_ids=True)
        encoding = ours.encode(query, document)
        assert encoding.ids == expected["input_ids"], (query, document)
        if family != "roberta":
            assert encoding.type_ids == expected["token_type_ids"]


def test_the_engine_reads_an_old_model(tiny_folder: Folders, tmp_path: Path) -> None:
    """A pair of an old model has the very ids, type ids and segments that it has with tokenizer.json."""
    new = tiny_folder(Tiny(family="bert"))
    old = old_style(new, tmp_path / "old")
    made, expected = (Tokeniser(load_model(folder)) for folder in (old, new))
    for query, document in PAIRS:
        pairs = [t.join(*(e.ids for e in t.encode([query, document], short=1000))) for t in (made, expected)]
        assert pairs[0].ids.tolist() == pairs[1].ids.tolist()
        assert pairs[0].types.tolist() == pairs[1].types.tolist()


def test_tokenizer_json_is_preferred_and_read_as_it_is(tiny_model: Path) -> None:
    path = find_tokenizer(tiny_model, Family.XLM_ROBERTA)
    assert path.name == "tokenizer.json"
    assert tokenizer_json(path) == path.read_text(encoding="utf-8")


def test_vocabularies_of_other_kinds_are_not_guessed_at(tiny_folder: Folders, tmp_path: Path) -> None:
    folder = old_style(tiny_folder(Tiny(family="bert")), tmp_path / "old", tokenizer_class="BertJapaneseTokenizer")
    for family in (Family.BERT, Family.XLM_ROBERTA, Family.MODERNBERT, Family.DEBERTA_V2, Family.OTHER):
        with pytest.raises(ModelFilesError, match=r"has no tokenizer\.json.*save_pretrained"):
            find_tokenizer(folder, family)


def test_added_tokens_need_a_conversion(tiny_folder: Folders, tmp_path: Path) -> None:
    folder = old_style(tiny_folder(Tiny(family="bert")), tmp_path / "old")
    assert find_tokenizer(folder, Family.BERT).name == "vocab.txt"
    (folder / "added_tokens.json").write_text('{"[NEW]": 500}', encoding="utf-8")
    with pytest.raises(ModelFilesError, match=r"has no tokenizer\.json"):
        find_tokenizer(folder, Family.BERT)


@pytest.mark.parametrize("content", [b"", b"just\nsome\nlines\n", b"\xff\xfe\xe9"])
def test_a_vocabulary_that_is_none(tiny_folder: Folders, tmp_path: Path, content: bytes) -> None:
    folder = old_style(tiny_folder(Tiny(family="bert")), tmp_path / "old")
    (folder / "vocab.txt").write_bytes(content)
    with pytest.raises(ModelFilesError, match=r"vocab\.txt"):
        tokenizer_json(folder / "vocab.txt")


def test_merges_that_are_none(tiny_folder: Folders, tmp_path: Path) -> None:
    folder = old_style(tiny_folder(Tiny(family="roberta")), tmp_path / "old")
    (folder / "merges.txt").write_text("a b c\n", encoding="utf-8")
    with pytest.raises(ModelFilesError, match="list of pairs"):
        tokenizer_json(folder / "vocab.json")
