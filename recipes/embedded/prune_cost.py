"""Measure what pruning the vocabulary costs: tokens a text and the share of <unk>, before and after, in kept languages and in others.

    python -m recipes.embedded.prune_cost EVAL --before TOKENIZER --after NAME=TOKENIZER [NAME=TOKENIZER ...] [--out FILE]

EVAL holds sets in BEIR layout, one folder a set with its language in its name, and .jsonl.gz files whose rows have a `lang`. A few
sentences in other scripts stand in this file. Writes benchmarks/results/embedded-vocabulary.json; figures mean:

    tokens_per_text   without special tokens
    unknown           share of <unk> among the tokens
    more_tokens       tokens after / tokens before - 1
    changed           share of texts that are cut in another way than before

Run time: half a minute of one core a vocabulary.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from adjudge.errors import AdjudgeError, InputError
from benchmarks.passages import read_passages
from benchmarks.results import RESULTS, write_results
from recipes.embedded.common import existing, read_rows, settings
from recipes.embedded.prune import read_tokenizer
from recipes.embedded.vocabulary import kept_like

if TYPE_CHECKING:
    from tokenizers import Tokenizer

__all__ = ["Cut", "Pruned", "agreement", "compare", "language_of", "read_sets"]

SENTENCES: Mapping[str, tuple[str, ...]] = {
    "el": (
        "Το γιγάντιο πάντα τρώει σχεδόν αποκλειστικά μπαμπού και ζει στα βουνά της κεντρικής Κίνας.",
        "Ποια έγγραφα χρειάζονται για την ανανέωση του διαβατηρίου;",
        "Ο καφές αργά το απόγευμα μπορεί να σας κρατήσει ξύπνιους ως τα μεσάνυχτα.",
        "Η βιβλιοθήκη μένει κλειστή τις Κυριακές και τις επίσημες αργίες.",
    ),
    "ja": (
        "ジャイアントパンダは主に竹を食べ、中国中部の山地に生息しています。",
        "パスポートを更新するにはどのような書類が必要ですか。",
        "夕方遅くにコーヒーを飲むと、夜中まで眠れなくなることがあります。",
        "図書館は日曜日と祝日は休館です。",
    ),
    "th": (
        "แพนด้ายักษ์กินไผ่เป็นอาหารหลักและอาศัยอยู่บนภูเขาทางตอนกลางของจีน",
        "ต้องใช้เอกสารอะไรบ้างในการต่ออายุหนังสือเดินทาง",
        "การดื่มกาแฟตอนเย็นอาจทำให้นอนไม่หลับจนถึงเที่ยงคืน",
        "ห้องสมุดปิดทุกวันอาทิตย์และวันหยุดนักขัตฤกษ์",
    ),
}
"""Written for this measurement; the same four sentences in each language."""

LANGUAGES = frozenset({"zh", "en", "es", "fr", "ru", "ar", "de", "tr", "vi", "el", "ja", "th"})
BATCH_TEXTS = 1000
_TEXT_FIELDS = ("a", "b", "premise", "hypothesis")


@dataclass(frozen=True, slots=True)
class Cut:
    """What a tokenizer made of some texts."""

    ids: NDArray[np.int64]  # (tokens,) of all texts, one after the other
    lengths: NDArray[np.int64]  # (texts,)
    unknown: int  # the id of <unk>

    @classmethod
    def of(cls, tokenizer: Tokenizer, texts: Sequence[str]) -> Cut:
        """Cut all `texts`, in batches, without special tokens."""
        unknown = tokenizer.token_to_id("<unk>")
        assert unknown is not None, "read_unigram accepts no vocabulary without it"
        ids, lengths, waiting = [], [], iter(texts)
        while batch := list(itertools.islice(waiting, BATCH_TEXTS)):
            for encoding in tokenizer.encode_batch_fast(batch, add_special_tokens=False):
                ids.append(np.array(encoding.ids, np.int64))
                lengths.append(len(encoding))
        return cls(np.concatenate(ids), np.array(lengths, np.int64), unknown)

    def figures(self) -> dict[str, float]:
        """Tokens a text, share of <unk>."""
        return {"tokens_per_text": float(self.lengths.mean()), "unknown": float((self.ids == self.unknown).sum() / max(len(self.ids), 1))}


@dataclass(frozen=True, slots=True)
class Pruned:
    """A tokenizer after pruning, and which old id each of its ids was."""

    tokenizer: Tokenizer
    old: NDArray[np.int64]  # (pieces,)

    def figures(self, before: Cut, texts: Sequence[str]) -> dict[str, float]:
        """What it makes of `texts`, against `before`."""
        after = Cut.of(self.tokenizer, texts)
        return {
            **after.figures(),
            "more_tokens": len(after.ids) / max(len(before.ids), 1) - 1,
            "changed": self._changed(before, after) / len(texts),
        }

    def _changed(self, before: Cut, after: Cut) -> int:
        starts = [np.concatenate([[0], np.cumsum(cut.lengths)]) for cut in (before, after)]
        translated = self.old[after.ids]
        spans = zip(starts[0][:-1], starts[0][1:], starts[1][:-1], starts[1][1:], strict=True)
        return sum(not np.array_equal(before.ids[a:b], translated[c:d]) for a, b, c, d in spans)


def language_of(name: str) -> str:
    """The language in a set's name: zh for drcd-test-zh_hant. Raises InputError where there is none."""
    found = [part for part in re.split(r"[-_]", name) if part in LANGUAGES]
    if not found:
        raise InputError(f"the set {name!r} does not name its language; known are {', '.join(sorted(LANGUAGES))}")
    return found[0]


def read_sets(folder: Path) -> Iterator[tuple[str, str, list[str]]]:
    """(name, language, different texts) of every set: questions and passages, or both sides of sentence pairs; the sentences above last."""
    for path in sorted(path for path in folder.iterdir() if path.is_dir()):
        found = read_passages(path)
        yield path.name, language_of(path.name), list(dict.fromkeys((*found.queries.values(), *found.corpus.values())))
    for path in sorted((*folder.glob("*.jsonl.gz"), *folder.glob("*.jsonl"))):
        by_language: dict[str, dict[str, None]] = defaultdict(dict)
        for row in read_rows(path):
            by_language[row["lang"]] |= dict.fromkeys(row[field] for field in _TEXT_FIELDS if field in row)
        for language, texts in sorted(by_language.items()):
            yield f"{path.name.split('.')[0]}-{language}", language, list(texts)
    for language, sentences in SENTENCES.items():
        yield f"sentences-{language}", language, list(sentences)


def compare(before: Tokenizer, after: Mapping[str, Pruned], texts: Sequence[str]) -> dict[str, Any]:
    """Figures of one set."""
    original = Cut.of(before, texts)
    return {"texts": len(texts), "before": original.figures(), **{name: pruned.figures(original, texts) for name, pruned in after.items()}}


def agreement(after: Mapping[str, Pruned]) -> dict[str, dict[str, int]]:
    """How many pieces two vocabularies share, and how many only one of them has."""
    sets = {name: set(pruned.old.tolist()) for name, pruned in after.items()}
    shared = {}
    for (one, first), (other, second) in itertools.combinations(sets.items(), 2):
        counts = {"both": len(first & second), "only the first": len(first - second), "only the second": len(second - first)}
        shared[f"{one}, {other}"] = counts
    return shared


def read_pruned(before: Path, path: Path) -> Pruned:
    """A pruned tokenizer.json; raises TokenizerMismatchError unless it is `before` with fewer pieces."""
    from tokenizers import Tokenizer

    return Pruned(Tokenizer.from_file(str(path)), np.array(kept_like(read_tokenizer(before), read_tokenizer(path)), np.int64))


def _named(text: str) -> tuple[str, Path]:
    name, _, path = text.partition("=")
    if not path:
        raise argparse.ArgumentTypeError(f"{text!r} must be NAME=TOKENIZER")
    return name, Path(path)


def _described(path: Path, pieces: int) -> dict[str, Any]:
    return {"pieces": pieces, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}


def measure(folder: Path, before: Path, after: Mapping[str, Path]) -> dict[str, Any]:
    """Everything, ready for JSON."""
    from tokenizers import Tokenizer

    kept = set(settings()["vocabulary"]["languages"])
    original, vocabularies = Tokenizer.from_file(str(before)), {name: read_pruned(before, path) for name, path in after.items()}
    sets: dict[str, dict[str, Any]] = {"kept languages": {}, "other languages": {}}
    for name, language, texts in read_sets(folder):
        found = compare(original, vocabularies, texts)
        sets["kept languages" if language in kept else "other languages"][name] = found
        print(name, {vocabulary: f"{found[vocabulary]['more_tokens']:+.3%}" for vocabulary in vocabularies}, flush=True)
    described = {name: _described(after[name], len(pruned.old)) for name, pruned in vocabularies.items()}
    return {
        "versions": {"tokenizers": version("tokenizers")},
        "vocabularies": {"before": _described(before, original.get_vocab_size()), **described},
        "pieces": agreement(vocabularies),
        **sets,
    }


def main() -> None:
    """Read the arguments, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=existing, metavar="EVAL")
    parser.add_argument("--before", type=Path, required=True, metavar="TOKENIZER")
    parser.add_argument("--after", type=_named, nargs="+", required=True, metavar="NAME=TOKENIZER")
    parser.add_argument("--out", type=Path, default=RESULTS / "embedded-vocabulary.json")
    arguments = parser.parse_args()
    try:
        found = measure(arguments.folder, arguments.before, dict(arguments.after))
    except AdjudgeError as exc:
        raise SystemExit(str(exc)) from exc
    print(write_results("embedded-vocabulary", found, out=arguments.out))


if __name__ == "__main__":
    main()
