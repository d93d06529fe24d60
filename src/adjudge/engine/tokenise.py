"""Text to ids: the last place that sees strings. Queries and documents are encoded apart, then joined by the template."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..backends.base import DOCUMENT, QUERY, SPECIAL, Batch, Ints
from ..errors import ModelFilesError, TokenizerMismatchError
from ..models.checks import check_types, check_vocabulary
from ..models.model import Model
from ..models.tokenizer_files import tokenizer_json

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer

__all__ = ["EncodedText", "PairIds", "Tokeniser", "clean"]


@dataclass(frozen=True, slots=True)
class EncodedText:
    """One text as ids, special tokens left out."""

    ids: Ints  # (tokens,)
    offsets: NDArray[np.int64] | None  # (tokens, 2) start and end characters; None for texts that need no windows


@dataclass(frozen=True, slots=True)
class _Run:
    """Special tokens that stand together in the template, with their type ids."""

    ids: Ints  # (tokens,)
    types: Ints  # (tokens,)


@dataclass(frozen=True, slots=True)
class PairIds:
    """One pair, ready to be put into a batch."""

    ids: Ints  # (tokens,)
    types: Ints  # (tokens,)
    segments: Ints  # (tokens,)


_PARTS = np.array([SPECIAL, QUERY, SPECIAL, DOCUMENT, SPECIAL], np.int32)
"""What a pair is made of, in its order."""

_STRANGE = "\ua66e \U00010380"
"""Letters that hardly any vocabulary has: a tokenizer that lacks its token for the unknown fails on them."""

_LONG = 4
"""Texts of more than this many characters a token of room are taken for long: about what English has."""


class Tokeniser:
    """tokenizer.json of one model. Truncation and padding are off, so the shared object is only ever read: threads are safe."""

    def __init__(self, model: Model) -> None:
        """Load the file, read its pair template, and check both against the model's vocabulary and token types."""
        self._file = model.tokenizer_file
        self._tokenizer = _load(model)
        check_vocabulary(model, largest_id=max(self._tokenizer.get_vocab(with_added_tokens=True).values(), default=0))
        self._pad = model.spec.pad_token_id
        # transformers feeds type ids only where the tokenizer's config lists them; a table of one row knows one type.
        self._typed = model.token_types and not (model.spec.native and model.spec.type_vocab_size <= 1)
        runs, types = _pair_template(self._tokenizer, model, typed=self._typed)
        self._before, self._between, self._after = runs
        self._query_type, self._document_type = types
        self.specials = sum(len(run.ids) for run in runs)
        check_types(model, largest_type=max(*types, *(int(kind) for run in runs for kind in run.types), *self._types_of_single()))

    @property
    def special_ids(self) -> frozenset[int]:
        """Ids that stand for no text: those of the template, padding, mask, and "unknown" where the file calls it special."""
        return frozenset(index for index, token in self._tokenizer.get_added_tokens_decoder().items() if token.special)

    def encode(self, texts: Sequence[str], *, short: int) -> list[EncodedText]:
        """Ids of each text. Texts of more than `short` tokens also get character offsets, for their windows.

        Raises ModelFilesError where the tokenizer turns out to be broken.
        """
        with _typed_errors(self._file):
            return self._encode(texts, short)

    def _encode(self, texts: Sequence[str], short: int) -> list[EncodedText]:
        cleaned = [clean(t) for t in texts]
        long = [i for i, t in enumerate(cleaned) if len(t) > _LONG * short]
        encoded = dict(zip(long, self._with_offsets([cleaned[i] for i in long]), strict=True))
        rest = [i for i in range(len(cleaned)) if i not in encoded]  # offsets cost time, so only those who need them pay
        found = self._tokenizer.encode_batch_fast([cleaned[i] for i in rest], add_special_tokens=False)
        encoded |= {i: EncodedText(np.array(e.ids, np.int32), None) for i, e in zip(rest, found, strict=True)}
        missed = [i for i in rest if len(encoded[i].ids) > short]
        encoded |= dict(zip(missed, self._with_offsets([cleaned[i] for i in missed]), strict=True))
        return [encoded[i] for i in range(len(cleaned))]

    def single(self, text: str, *, max_length: int) -> PairIds:
        """One text alone with its special tokens, for the bi-encoder; cut at `max_length`."""
        with _typed_errors(self._file):
            encoding: Encoding = self._tokenizer.encode(clean(text), add_special_tokens=True)
        ids, types = list(encoding.ids), list(encoding.type_ids) if self._typed else [0] * len(encoding.ids)
        if len(ids) > max_length:
            ids, types = ids[: max_length - 1] + ids[-1:], types[: max_length - 1] + types[-1:]
        return PairIds(np.array(ids, np.int32), np.array(types, np.int32), np.full(len(ids), DOCUMENT, np.int32))

    def join(self, query: Ints, document: Ints) -> PairIds:
        """[CLS] query [SEP] document [SEP], or whatever this tokenizer's own template says."""
        before, between, after = self._before, self._between, self._after
        ids = (before.ids, query, between.ids, document, after.ids)
        query_types = np.full(len(query), self._query_type, np.int32)
        document_types = np.full(len(document), self._document_type, np.int32)
        types = (before.types, query_types, between.types, document_types, after.types)
        return PairIds(np.concatenate(ids), np.concatenate(types), np.repeat(_PARTS, [len(part) for part in ids]))

    def batch(self, pairs: Sequence[PairIds], *, length: int = 0) -> Batch:
        """Pad pairs on the right to `length`, or to the longest of them where that is more."""
        lengths = np.array([len(p.ids) for p in pairs], np.int32)
        shape = (len(pairs), max(int(lengths.max()), length))
        ids, types, segments = np.full(shape, self._pad, np.int32), np.zeros(shape, np.int32), np.full(shape, SPECIAL, np.int32)
        for row, pair in enumerate(pairs):
            end = lengths[row]
            ids[row, :end], types[row, :end], segments[row, :end] = pair.ids, pair.types, pair.segments
        return Batch(input_ids=ids, lengths=lengths, token_type_ids=types, segments=segments)

    def _types_of_single(self) -> list[int]:
        return [int(kind) for kind in self.single("1", max_length=len(_PARTS) + self.specials).types]

    def _with_offsets(self, texts: Sequence[str]) -> list[EncodedText]:
        found = self._tokenizer.encode_batch(texts, add_special_tokens=False)
        return [EncodedText(np.array(e.ids, np.int32), np.array(e.offsets, np.int64).reshape(-1, 2)) for e in found]


def clean(text: str) -> str:
    """The text with lone surrogates (halves of broken UTF-16) replaced one for one, so that offsets stay true."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in text)
    return text


def _load(model: Model) -> Tokenizer:
    from tokenizers import Tokenizer

    content = tokenizer_json(model.tokenizer_file)
    with _typed_errors(model.tokenizer_file):
        tokenizer = Tokenizer.from_str(content)
        tokenizer.no_truncation()
        tokenizer.no_padding()
        tokenizer.encode(_STRANGE)
    return tokenizer


@contextmanager
def _typed_errors(file: Path) -> Iterator[None]:
    """The library raises bare Exceptions, and where its Rust code panics something that is none, only a BaseException."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit, GeneratorExit, MemoryError):
        raise
    except BaseException as exc:
        raise ModelFilesError(f"{file} is not a readable tokenizer ({exc}); download it again") from exc


def _pair_template(tokenizer: Tokenizer, model: Model, *, typed: bool) -> tuple[tuple[_Run, _Run, _Run], tuple[int, int]]:
    """Read the template off a probe pair: which special tokens stand before, between and after, and the type ids (0 where not `typed`)."""
    with _typed_errors(model.tokenizer_file):
        probe = tokenizer.encode("1", "2")
    owners = probe.sequence_ids
    if 0 not in owners or 1 not in owners or None not in owners:
        raise TokenizerMismatchError(
            f"{model.name}: tokenizer.json has no template for pairs (no special tokens around '1', '2'). "
            "Save it again with transformers: AutoTokenizer.from_pretrained(FOLDER).save_pretrained(FOLDER)"
        )
    first, second = owners.index(0), owners.index(1)
    runs: list[list[int]] = [[], [], []]
    for position, owner in enumerate(owners):
        if owner is None:
            runs[0 if position < first else 1 if position < second else 2].append(position)
    ids, types = np.array(probe.ids, np.int32), np.array(probe.type_ids, np.int32) * int(typed)
    before, between, after = (_Run(ids[run], types[run]) for run in runs)
    return (before, between, after), (int(types[first]), int(types[second]))
