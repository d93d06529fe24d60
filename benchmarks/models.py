"""Build the measured models: real shapes, random weights (fixed seed), in folders that every library here can load.

The weights say nothing about quality. They cost what trained ones cost, and as every system gets the same ones, their answers
can be compared. Run as `python -m benchmarks.models --data DIR`; speed.py builds what lacks by itself.
"""

from __future__ import annotations

import json
import math
import shutil
import zlib
from argparse import ArgumentParser
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .passages import add_data_argument, read_texts
from .shapes import SHAPES, Shape

__all__ = ["DEFAULT_MODELS", "add_models_argument", "build_model", "embedded_tokenizer"]

DEFAULT_MODELS = Path("build/benchmark-models")
SEED = 20
VOCABULARY_SETS = ("mlqa-dev-en", "tydi-en-dev", "mediqa-qa-en", "xquad-en")
"""The WordPiece vocabulary of the MiniLM shape is trained on these English sets, once."""

_SPREAD = 1.6
"""Weights have the standard deviation 1.6 / sqrt(hidden). With transformers' usual 0.02 a random encoder answers nearly the same
for every pair, and rounding would hide the rest; with this one the answers differ by far more than bfloat16 rounds away."""

_HEAD_SPREAD = 12.0
"""The last matrix is larger, so that logits differ by a few units between pairs, as those of trained rerankers do."""


def build_model(shape: Shape, models: Path, *, data: Path, tokenizer: Path | None = None) -> Path:
    """Return the folder of `shape` under `models`, made now unless it is already whole."""
    folder = models / shape.key
    if (folder / "model.safetensors").is_file():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    if shape.family == "bert":
        _train_wordpiece(folder, shape, data)
    else:
        shutil.copyfile(embedded_tokenizer() if tokenizer is None else tokenizer, folder / "tokenizer.json")
    _write_json(folder / "tokenizer_config.json", _tokenizer_config(shape))
    _write_json(folder / "special_tokens_map.json", _special_tokens(shape))
    _write_json(folder / "config.json", shape.config())
    _write_weights(folder, shape)
    return folder


def embedded_tokenizer() -> Path:
    """The real XLM-R pieces, pruned, that the shipped model carries."""
    import adjudge

    path = Path(adjudge.__file__).parent / "models" / "embedded" / "tokenizer.json"
    if not path.is_file():
        raise SystemExit(f"{path} does not exist; name a tokenizer.json with XLM-R pieces by --tokenizer")
    return path


def add_models_argument(parser: ArgumentParser) -> None:
    """Add --models and --tokenizer."""
    what = "where the built models are kept (default: %(default)s)"
    parser.add_argument("--models", type=Path, default=DEFAULT_MODELS, metavar="DIR", help=what)
    parser.add_argument("--tokenizer", type=Path, metavar="FILE", help="XLM-R tokenizer.json (default: the embedded model's)")


def _train_wordpiece(folder: Path, shape: Shape, data: Path) -> None:
    from tokenizers import Tokenizer, decoders, normalizers, pre_tokenizers, processors, trainers
    from tokenizers.models import WordPiece

    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer = Tokenizer(WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    trainer = trainers.WordPieceTrainer(vocab_size=shape.vocabulary, special_tokens=special, show_progress=False)
    tokenizer.train_from_iterator((text for name in VOCABULARY_SETS for text in read_texts(data / name)), trainer)
    if tokenizer.get_vocab_size() > shape.vocabulary:
        raise SystemExit(f"the vocabulary has {tokenizer.get_vocab_size()} pieces, more than the {shape.vocabulary} of the model")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(token, tokenizer.token_to_id(token)) for token in ("[CLS]", "[SEP]")],
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    pieces = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
    (folder / "vocab.txt").write_text("".join(f"{piece}\n" for piece, _ in pieces), encoding="utf-8")


def _tokenizer_config(shape: Shape) -> dict[str, object]:
    # The model's own tokenizer class, not the generic one: FlagEmbedding joins query and passage by a method of the class.
    name = "BertTokenizer" if shape.family == "bert" else "XLMRobertaTokenizer"
    lower = {"do_lower_case": True} if shape.family == "bert" else {}
    return {"tokenizer_class": name, "model_max_length": shape.max_length, **lower, **_special_tokens(shape)}


def _special_tokens(shape: Shape) -> dict[str, str]:
    if shape.family == "bert":
        return {"cls_token": "[CLS]", "sep_token": "[SEP]", "pad_token": "[PAD]", "unk_token": "[UNK]", "mask_token": "[MASK]"}
    tokens = {"cls_token": "<s>", "sep_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>", "mask_token": "<mask>"}
    return {"bos_token": "<s>", "eos_token": "</s>", **tokens}


def _write_weights(folder: Path, shape: Shape) -> None:
    from safetensors.numpy import save_file

    unfinished = folder / "model.safetensors.part"
    save_file({name: _tensor(name, size, shape.hidden) for name, size in shape.tensors()}, unfinished, metadata={"format": "pt"})
    unfinished.rename(folder / "model.safetensors")


def _tensor(name: str, size: tuple[int, ...], hidden: int) -> NDArray[np.float32]:
    if "LayerNorm" in name:
        return np.full(size, 1.0 if name.endswith("weight") else 0.0, np.float32)
    if name.endswith("bias"):
        return np.zeros(size, np.float32)
    spread = (_HEAD_SPREAD if size[0] == 1 and name.startswith("classifier") else _SPREAD) / math.sqrt(hidden)
    chance = np.random.default_rng([SEED, zlib.crc32(name.encode())])  # by name, so that no tensor depends on the order of writing
    return chance.standard_normal(size, np.float32) * np.float32(spread)


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")


def main() -> None:
    """Build one or all shapes."""
    parser = ArgumentParser(description=__doc__)
    add_data_argument(parser)
    add_models_argument(parser)
    parser.add_argument("--shape", choices=[*SHAPES, "all"], default="all")
    arguments = parser.parse_args()
    for key, shape in SHAPES.items():
        if arguments.shape in (key, "all"):
            folder = build_model(shape, arguments.models, data=arguments.data, tokenizer=arguments.tokenizer)
            print(f"{folder}: {shape.like}, {shape.parameters:,} parameters")


if __name__ == "__main__":
    main()
