"""Small real tokenizers of the three kinds that rerankers use, each with its family's special tokens and pair template."""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path
from typing import Literal

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from tests.texts import DOCUMENTS, QUERIES

__all__ = ["byte_level", "unigram", "word_piece"]

MODEL_MAX_LENGTH = 128
_TEXTS = [*QUERIES, *DOCUMENTS]
_BERT_SPECIALS = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]", "mask_token": "[MASK]"}
_ROBERTA_SPECIALS = {
    "bos_token": "<s>",
    "pad_token": "<pad>",
    "eos_token": "</s>",
    "unk_token": "<unk>",
    "mask_token": "<mask>",
    "cls_token": "<s>",
    "sep_token": "</s>",
}
_ROBERTA_ORDER = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
_DEBERTA_ORDER = ["[PAD]", "[CLS]", "[SEP]", "[UNK]", "[MASK]"]


def word_piece(folder: Path, *, types: bool = True) -> Tokenizer:
    """BERT, ELECTRA, DistilBERT: lower-cased WordPiece, [CLS] a [SEP] b [SEP], the second text of type 1.

    `types`: whether transformers feeds the type ids to the model (not to DistilBERT, which has no table for them).
    """
    normalizer, splitter = normalizers.BertNormalizer(lowercase=True), pre_tokenizers.BertPreTokenizer()
    words = sorted({word for text in _TEXTS for word, _ in splitter.pre_tokenize_str(normalizer.normalize_str(text))})
    tokenizer = Tokenizer(models.WordPiece(_pieces(words), unk_token="[UNK]"))
    tokenizer.normalizer, tokenizer.pre_tokenizer, tokenizer.decoder = normalizer, splitter, decoders.WordPiece()
    tokenizer.add_special_tokens(list(_BERT_SPECIALS.values()))
    tokenizer.post_processor = _bert_template(tokenizer, second_type=1)
    return _save(tokenizer, folder, _BERT_SPECIALS, types=types)


def _pieces(words: list[str]) -> dict[str, int]:
    """Every second word whole, the others in pieces. Made here because the library's trainer gives another vocabulary each time."""
    starts = {word[:3] for word in words} | {word[0] for word in words}
    inner = {"##" + word[i : i + size] for word in words for size in (1, 2) for i in range(1, len(word) - size + 1)}
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *sorted(starts | inner | set(words[::2]))]
    return {piece: index for index, piece in enumerate(vocabulary)}


def byte_level(folder: Path, *, style: Literal["roberta", "modernbert"]) -> Tokenizer:
    """Byte-level BPE. RoBERTa: <s> a </s></s> b </s>; ModernBERT: [CLS] a [SEP] b [SEP]; one token type."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    order = _ROBERTA_ORDER if style == "roberta" else ["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"]
    trainer = trainers.BpeTrainer(
        vocab_size=600, special_tokens=order, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(_TEXTS, trainer)
    if style == "roberta":
        tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)
        return _save(tokenizer, folder, _ROBERTA_SPECIALS)
    tokenizer.post_processor = _bert_template(tokenizer, second_type=0)
    return _save(tokenizer, folder, _BERT_SPECIALS)


def unigram(folder: Path, *, style: Literal["xlm-roberta", "deberta-v2"]) -> Tokenizer:
    """SentencePiece Unigram. XLM-R: <s> a </s></s> b </s>; DeBERTa: [CLS] a [SEP] b [SEP], the second text of type 1."""
    roberta = style == "xlm-roberta"
    normalizer, splitter = normalizers.NFKC(), pre_tokenizers.Metaspace()
    words = [word for text in _TEXTS for word, _ in splitter.pre_tokenize_str(normalizer.normalize_str(text))]
    specials = _ROBERTA_SPECIALS if roberta else _BERT_SPECIALS
    order = _ROBERTA_ORDER if roberta else _DEBERTA_ORDER
    tokenizer = Tokenizer(models.Unigram([*((token, 0.0) for token in order), *_likely_pieces(words)], order.index(specials["unk_token"])))
    tokenizer.normalizer, tokenizer.pre_tokenizer, tokenizer.decoder = normalizer, splitter, decoders.Metaspace()
    tokenizer.add_special_tokens(order)
    if roberta:
        tokenizer.post_processor = processors.TemplateProcessing(
            single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
        )
        return _save(tokenizer, folder, _ROBERTA_SPECIALS)
    tokenizer.post_processor = _bert_template(tokenizer, second_type=1)
    return _save(tokenizer, folder, _BERT_SPECIALS, types=True)


def _likely_pieces(words: list[str], size: int = 500) -> list[tuple[str, float]]:
    """Every character, and the substrings that save most, with their log share. Made here for the same reason."""
    counts = Counter(word[i:j] for word in words for i in range(len(word)) for j in range(i + 1, min(i + 7, len(word) + 1)))
    single = sorted(piece for piece in counts if len(piece) == 1)
    longer = sorted((piece for piece, count in counts.items() if len(piece) > 1 and count > 1), key=lambda p: (-counts[p] * len(p), p))
    chosen = [*single, *longer[: size - len(single)]]
    total = sum(counts[piece] for piece in chosen)
    return [(piece, math.log(counts[piece] / total)) for piece in chosen]


def _bert_template(tokenizer: Tokenizer, *, second_type: int) -> processors.TemplateProcessing:
    return processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair=f"[CLS] $A [SEP] $B:{second_type} [SEP]:{second_type}",
        special_tokens=[(token, tokenizer.token_to_id(token)) for token in ("[CLS]", "[SEP]")],
    )


def _save(tokenizer: Tokenizer, folder: Path, specials: dict[str, str], *, types: bool = False) -> Tokenizer:
    tokenizer.save(str(folder / "tokenizer.json"))
    inputs = ["input_ids", *(["token_type_ids"] if types else []), "attention_mask"]
    about = {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": MODEL_MAX_LENGTH, "model_input_names": inputs, **specials}
    (folder / "tokenizer_config.json").write_text(json.dumps(about), encoding="utf-8")
    return tokenizer
