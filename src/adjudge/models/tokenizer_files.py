"""The tokenizer's file. Most models have a tokenizer.json; older ones (the ms-marco cross-encoders among them) only a vocabulary.

What is written here is data in the format of the `tokenizers` library, which itself is only used in engine/tokenise.py.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import ModelFilesError
from .files import read_json
from .reader import Reader
from .spec import Family

__all__ = ["feeds_types", "find_tokenizer", "tokenizer_json"]

CURRENT, WORDPIECE, BYTE_PAIRS, MERGES = "tokenizer.json", "vocab.txt", "vocab.json", "merges.txt"

_WORDPIECE_FAMILIES = frozenset({Family.BERT, Family.ELECTRA, Family.DISTILBERT})
_WORDPIECE_CLASSES = {"BertTokenizer", "ElectraTokenizer", "DistilBertTokenizer"}
_BYTE_PAIR_CLASSES = {"RobertaTokenizer"}


def find_tokenizer(folder: Path, family: Family) -> Path:
    """The file that `tokenizer_json` reads: tokenizer.json, else the vocabulary of an older BERT-like or RoBERTa model."""
    if (folder / CURRENT).is_file():
        return folder / CURRENT
    settings = _settings(folder)
    kind = settings.text("tokenizer_class").removesuffix("Fast")
    plain = not (folder / "added_tokens.json").is_file()
    if plain and family in _WORDPIECE_FAMILIES and kind in _WORDPIECE_CLASSES | {""} and (folder / WORDPIECE).is_file():
        return folder / WORDPIECE
    pairs = (folder / BYTE_PAIRS).is_file() and (folder / MERGES).is_file()
    if plain and family is Family.ROBERTA and kind in _BYTE_PAIR_CLASSES | {""} and pairs:
        return folder / BYTE_PAIRS
    raise ModelFilesError(
        f"{folder} has no {CURRENT}. Make one where transformers is installed: "
        "transformers.AutoTokenizer.from_pretrained(FOLDER).save_pretrained(FOLDER)"
    )


def feeds_types(folder: Path) -> bool:
    """Whether the model was trained with the tokenizer's type ids: no where model_input_names of its config leave them out."""
    settings = _settings(folder)
    return not settings.has("model_input_names") or "token_type_ids" in settings.strings("model_input_names")


def tokenizer_json(path: Path) -> str:
    """The content of tokenizer.json, for `tokenizers.Tokenizer.from_str`; put together where the model has only a vocabulary."""
    try:
        if path.name == CURRENT:
            return path.read_text(encoding="utf-8")
        made = _wordpiece(path) if path.name == WORDPIECE else _byte_pairs(path)
    except (OSError, UnicodeDecodeError) as exc:
        raise ModelFilesError(f"{path} cannot be read ({exc}); download it again") from exc
    return json.dumps(made, ensure_ascii=False)


def _settings(folder: Path) -> Reader:
    path = folder / "tokenizer_config.json"
    return Reader(read_json(path) if path.is_file() else {}, file=str(path))


def _wordpiece(path: Path) -> dict[str, Any]:
    """BERT's tokenizer (Devlin et al., 2018) from the lines of vocab.txt; a line's number is its id."""
    vocabulary = {word: index for index, word in enumerate(path.read_text(encoding="utf-8").rstrip("\n").split("\n"))}
    settings = _settings(path.parent)
    special = {name: _id(vocabulary, name, path) for name in ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")}
    first, separator = ({"SpecialToken": {"id": name, "type_id": 0}} for name in ("[CLS]", "[SEP]"))
    single = [first, {"Sequence": {"id": "A", "type_id": 0}}, separator]
    pair = [*single, {"Sequence": {"id": "B", "type_id": 1}}, {"SpecialToken": {"id": "[SEP]", "type_id": 1}}]
    used = {name: {"id": name, "ids": [special[name]], "tokens": [name]} for name in ("[CLS]", "[SEP]")}
    return {
        "version": "1.0",
        "added_tokens": _added(special),
        "normalizer": {
            "type": "BertNormalizer",
            "clean_text": True,
            "handle_chinese_chars": settings.flag("tokenize_chinese_chars", default=True),
            "strip_accents": settings.flag("strip_accents") if settings.has("strip_accents") else None,
            "lowercase": settings.flag("do_lower_case", default=True),
        },
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {"type": "TemplateProcessing", "single": single, "pair": pair, "special_tokens": used},
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
        "model": {
            "type": "WordPiece",
            "unk_token": "[UNK]",
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100,
            "vocab": vocabulary,
        },
    }


def _byte_pairs(path: Path) -> dict[str, Any]:
    """RoBERTa's tokenizer (byte-level pairs, Radford et al., 2019) from vocab.json and merges.txt."""
    vocabulary = read_json(path)
    merges_file = path.parent / MERGES
    lines = merges_file.read_text(encoding="utf-8").split("\n")
    merges = [line.split(" ") for line in lines if line.strip() and not line.startswith("#version")]
    if any(len(merge) != 2 for merge in merges):
        raise ModelFilesError(f"{merges_file} is not a list of pairs; download it again")
    prefix = _settings(path.parent).flag("add_prefix_space")
    special = {name: _id(vocabulary, name, path) for name in ("<s>", "<pad>", "</s>", "<unk>", "<mask>")}
    ends = {"sep": ["</s>", special["</s>"]], "cls": ["<s>", special["<s>"]]}
    return {
        "version": "1.0",
        "added_tokens": _added(special),
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": prefix, "trim_offsets": True, "use_regex": True},
        "post_processor": {"type": "RobertaProcessing", **ends, "trim_offsets": True, "add_prefix_space": prefix},
        "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
        "model": {
            "type": "BPE",
            "continuing_subword_prefix": "",
            "end_of_word_suffix": "",
            "fuse_unk": False,
            "vocab": vocabulary,
            "merges": merges,
        },
    }


def _added(special: Mapping[str, int]) -> list[dict[str, Any]]:
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    ordered = sorted(special.items(), key=lambda item: item[1])
    return [{"id": index, "content": name, **flags} for name, index in ordered]


def _id(vocabulary: Mapping[str, Any], name: str, path: Path) -> int:
    index = vocabulary.get(name)
    if not isinstance(index, int):
        raise ModelFilesError(f"{path} lacks the token {name}, so it is not the vocabulary of such a model; download it again")
    return index
