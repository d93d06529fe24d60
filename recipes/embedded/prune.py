"""Step 2: prune the vocabulary to the five languages, and write the folder that everything else starts from.

    python -m recipes.embedded.prune WORK --texts FOLDER [FOLDER ...]     the pieces of [vocabulary] in settings.toml
    python -m recipes.embedded.prune WORK --keep-like TOKENIZER           exactly the pieces of that tokenizer.json

Reads WORK/e5 (see base.py) and writes WORK/base in adjudge's own form, float16: the table that judge and bi-encoder share, the
bi-encoder's body, and a judge that is this body under a match head at its start. `--texts` takes folders of JSON lines: the training data
and the recipe's own judgements. `--keep-like` with the shipped tokenizer.json makes the shipped table again. Run time: two minutes of one
core; `--keep-like`: seconds.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from adjudge.errors import AdjudgeError, ModelFilesError
from adjudge.models.files import CONFIG, MANIFEST, SINGLE, read_json
from adjudge.models.weights import Weights
from recipes.embedded.common import existing, read_rows, settings, write_json
from recipes.embedded.pack import MANIFEST as SHIPPED
from recipes.embedded.vocabulary import Unigram, capitalised, frequent_words, kept_like, kept_pieces, pieces_seen, pruned, read_unigram

__all__ = ["read_tokenizer", "texts_of", "write_base"]

TOKENIZER = "tokenizer.json"
TABLE = "embeddings.word_embeddings.weight"
TEXTS = frozenset({"query", "positive", "answer", "a", "b", "text", "intents"})
"""Fields of the data that hold text, in rows and in the passages inside them."""

SIZES = (
    "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "vocab_size", "max_position_embeddings",
    "type_vocab_size", "layer_norm_eps",
)  # fmt: skip
_ENCODER: Any = SHIPPED["encoder"]
PROMPTS = tuple(_ENCODER["prompts"].values())
"""What the bi-encoder reads before every text: its pieces are in no text by themselves."""

START = {"cosine": 30.0, "max_similarity": 30.0, "offset": -55.0}
"""The match head before training: the bi-encoder's own opinion. Its cosines lie between 0.75 and 0.95, which becomes logits around 0."""


def texts_of(folders: Iterable[Path]) -> Iterator[str]:
    """Every text of every .jsonl and .jsonl.gz file in `folders`. Raises ModelFilesError for a folder without any."""
    for folder in folders:
        files = sorted((*folder.glob("*.jsonl"), *folder.glob("*.jsonl.gz")))
        if not files:
            raise ModelFilesError(f"{folder} holds no .jsonl or .jsonl.gz file to take texts from")
        for file in files:
            for row in read_rows(file):
                yield from _strings(row, wanted=False)


def read_tokenizer(path: Path) -> Unigram:
    """The vocabulary of a tokenizer.json."""
    return read_unigram(read_json(path))


def write_base(source: Path, out: Path, vocabulary: Unigram, kept: list[int]) -> None:
    """Write `source` (a folder as base.py makes it) with the pieces `kept` into `out`, in adjudge's own form."""
    out.mkdir(parents=True, exist_ok=True)
    stored = Weights([source / SINGLE])
    table = stored.array(TABLE)
    if len(table) <= kept[-1]:
        raise ModelFilesError(f"{source}: a table of {len(table)} rows is too short for a tokenizer of {len(vocabulary.pieces)} pieces")
    body = {name: stored.array(name).astype(np.float16) for name in stored.names() if name != TABLE}
    _save({TABLE: table[kept].astype(np.float16)}, out / "embeddings.safetensors")
    _save(body, out / "encoder.safetensors")
    _save(body | start_head(table.shape[1]), out / "judge.safetensors")
    content = pruned(vocabulary, kept)
    write_json(out / TOKENIZER, content, indent=None)
    write_json(out / CONFIG, _config(read_json(source / CONFIG), content), indent=2)
    manifest = {**SHIPPED, "edition": "base", "licence": "MIT: see multilingual-e5-small and XLM-RoBERTa"}
    write_json(out / MANIFEST, manifest, indent=2)  # the last: the Makefile takes it for a step that is done


def start_head(size: int) -> dict[str, NDArray[np.float32]]:
    """The match head of models/heads.py before training, under its names in the file."""
    pooled = {"head.pooled.weight": np.zeros((1, size), np.float32), "head.pooled.bias": np.zeros(1, np.float32)}
    return pooled | {f"head.{name}": np.array([value], np.float32) for name, value in START.items()}


def _config(source: dict[str, Any], tokenizer: dict[str, Any]) -> dict[str, Any]:
    ids = {token["content"]: token["id"] for token in tokenizer["added_tokens"]}
    sizes = {name: source[name] for name in SIZES} | {"vocab_size": len(tokenizer["model"]["vocab"])}
    return {
        "model_type": "bert",
        "hidden_act": "gelu",
        "hidden_dropout_prob": 0.1,
        "attention_probs_dropout_prob": 0.1,
        "initializer_range": 0.02,
        "pad_token_id": ids["<pad>"],
        "tokenizer_class": "XLMRobertaTokenizer",
        **sizes,
        "bos_token_id": ids["<s>"],
        "eos_token_id": ids["</s>"],
    }


def _strings(value: Any, *, wanted: bool) -> Iterator[str]:
    if isinstance(value, str) and wanted:
        yield value
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _strings(item, wanted=name in TEXTS)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item, wanted=wanted)


def _save(tensors: dict[str, NDArray[Any]], path: Path) -> None:
    save_file(tensors, path, metadata={"format": "pt"})


def seen_in(path: Path, folders: Iterable[Path], table: dict[str, Any]) -> set[int]:
    """Ids of all pieces that the tokenizer of `path` finds in the texts of `folders` and in the words that [vocabulary] asks for."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_truncation()
    seen = pieces_seen(tokenizer, dict.fromkeys((*PROMPTS, *texts_of(folders))))
    print(f"{len(seen):,} pieces in the texts", flush=True)
    for language in table["languages"]:
        words = list(frequent_words(language, table["words"]))
        found = pieces_seen(tokenizer, dict.fromkeys((*words, *map(capitalised, words))))
        print(f"{language}: {len(words):,} words, {len(found):,} pieces, {len(found - seen):,} of them new", flush=True)
        seen |= found
    return seen


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=existing)
    chosen = parser.add_mutually_exclusive_group(required=True)
    chosen.add_argument("--texts", type=Path, nargs="+", metavar="FOLDER")
    chosen.add_argument("--keep-like", type=Path, metavar="TOKENIZER")
    arguments = parser.parse_args()
    every = settings()
    source, out = arguments.work / every["base"]["folder"], arguments.work / every["folders"]["base"]
    try:
        vocabulary = read_tokenizer(source / TOKENIZER)
        if arguments.keep_like is not None:
            kept = kept_like(vocabulary, read_tokenizer(arguments.keep_like))
        else:
            kept = kept_pieces(vocabulary, seen_in(source / TOKENIZER, arguments.texts, every["vocabulary"]))
        write_base(source, out, vocabulary, kept)
    except AdjudgeError as exc:
        raise SystemExit(str(exc)) from exc
    print(f"{out}: {len(kept):,} of {len(vocabulary.pieces):,} pieces")


if __name__ == "__main__":
    main()
