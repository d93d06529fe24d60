"""Step 8b: what ordinary sets do not ask. Judgement groups nobody trained on, questions across languages, near copies, auxiliary heads.

    python -m recipes.embedded.probes WORK EVAL OUT.json --model FOLDER [--queries 60] [--float FOLDER]

- judgement groups: top-1 (a passage of relevance 3 first), by language, and which kind was put first where it went wrong;
- subjects: top-1 among passages about one subject in five languages, for whole passages and for answers of a sentence;
- faq: top-1 among the eight answers of a page; crossings, plain, facts: top-1 of their lists;
- across: top-1 among an answer and the passages of its language that are hardest by a question in that language, asked in it and in others;
  beside: with passages of the question's own language among them;
- XQuAD, question in one language, paragraphs in another: hit@1 among the answer, the 20 hardest others of its language and the
  10 hardest of the question's own (the answer's translation left out), hard as the bi-encoder sees it;
- near copies (paraphrase-pairs): AUC of the score as "says the same";
- auxiliary heads (needs torch, and `--float`, the folder that training left): AUC of coverage, contradiction and terminology
  on the held-back groups, and of contradiction on XNLI (contradiction against the rest).
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adjudge import Reranker
from adjudge.backends.base import Floats
from adjudge.retrieval.dense import Embedder
from recipes.embedded.candidates import EvaluationSet, read_set, sample
from recipes.embedded.common import LANGUAGES, existing, read_rows, settings, thin, write_json

XQUAD = ("en", "es", "ru", "zh")
FAR, OWN = 20, 10


def auc(scores: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    """Area under the ROC curve: the share of (right, wrong) pairs in the right order, ties as half."""
    order = np.argsort(scores, kind="stable")
    _, inverse, counts = np.unique(scores[order], return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    ranks = np.empty(len(scores))
    ranks[order] = (ends - (counts - 1) / 2)[inverse]
    positive, negative = int(right.sum()), int((~right).sum())
    if not positive or not negative:
        return float("nan")
    return float((ranks[right].sum() - positive * (positive + 1) / 2) / (positive * negative))


def judgement_groups(judge: Reranker, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Top-1 in all and by language, and the kinds that won wrongly."""
    pairs = [(row["query"], p["text"]) for row in rows for p in row["passages"]]
    logits = iter(judge.score(pairs, normalize=False))
    right: dict[str, list[bool]] = {}
    winners: Counter[str] = Counter()
    for row in rows:
        said = [next(logits) for _ in row["passages"]]
        first = row["passages"][int(np.argmax(said))]
        hit = first["relevance"] == 3
        right.setdefault(row["lang"], []).append(hit)
        if not hit:
            winners[first["kind"]] += 1
    every = [hit for hits in right.values() for hit in hits]
    return {
        "groups": len(rows),
        "top1": round(float(np.mean(every)), 4),
        "by_language": {lang: round(float(np.mean(right[lang])), 3) for lang in LANGUAGES if lang in right},
        "wrong_winners": dict(winners.most_common()),
    }


def subject_lists(judge: Reranker, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Top-1 of lists whose first document is the answer: question and answer in one language, in two, and by the question's language."""
    logits = iter(judge.score([(row["query"], d["text"]) for row in rows for d in row["documents"]], normalize=False))
    parts: dict[str, list[bool]] = {"all": [], "one language": [], "two languages": []}
    for row in rows:
        hit = int(np.argmax([next(logits) for _ in row["documents"]])) == 0
        asked, told = row["lang"].split("-")
        for part in ("all", "one language" if asked == told else "two languages", f"asked in {asked}"):
            parts.setdefault(part, []).append(hit)
    return {"lists": len(rows), "top1": {part: round(float(np.mean(hits)), 4) for part, hits in sorted(parts.items()) if hits}}


def across_languages(judge: Reranker, embedder: Embedder, folder: Path, count: int) -> dict[str, Any]:
    """hit@1 of judge and bi-encoder for every direction of XQuAD."""
    sets = {lang: read_set(folder / f"xquad-{lang}") for lang in XQUAD}
    vectors = {lang: embedder.embed(list(data.documents.values()), kind="document") for lang, data in sets.items()}
    found: dict[str, Any] = {}
    for asked in XQUAD:
        queries = sample(list(sets[asked].queries), count)
        asking = embedder.embed([sets[asked].queries[q] for q in queries], kind="query")
        for told in XQUAD:
            if told == asked:
                continue
            hits = [_hits(judge, sets, vectors, (query, vector), (asked, told)) for query, vector in zip(queries, asking, strict=True)]
            ours, theirs = np.mean(hits, axis=0)
            found[f"{asked}-{told}"] = {"judge": round(float(ours), 3), "bi-encoder": round(float(theirs), 3)}
            print(f"{asked}-{told}: {found[f'{asked}-{told}']}", flush=True)
    return {"queries": count, "hit@1": found}


def _hits(
    judge: Reranker, sets: dict[str, EvaluationSet], vectors: dict[str, Floats], question: tuple[str, Floats], languages: tuple[str, str]
) -> tuple[bool, bool]:
    """Whether judge and bi-encoder put the answer first."""
    (query, vector), (asked, told) = question, languages
    answers = {d for lang in (told, asked) for d, grade in sets[lang].grades[query].items() if grade > 0}
    chosen, similarity = [], []
    for lang, many in ((told, FAR), (asked, OWN)):
        near = vectors[lang] @ vector
        ids = list(sets[lang].documents)
        ordered = [i for i in np.argsort(-near, kind="stable") if ids[i] not in answers][:many]
        own = [i for i, document in enumerate(ids) if lang == told and document in answers][:1]
        chosen += [sets[lang].documents[ids[i]] for i in (*own, *ordered)]
        similarity += [float(near[i]) for i in (*own, *ordered)]
    logits = judge.score([(sets[asked].queries[query], text) for text in chosen], normalize=False)
    return int(np.argmax(logits)) == 0, int(np.argmax(similarity)) == 0


def near_copies(judge: Reranker, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """AUC of the score as "says the same"."""
    logits = np.array(judge.score([(row["a"], row["b"]) for row in rows], normalize=False))
    right = np.array([bool(row["label"]) for row in rows])
    return {"pairs": len(rows), "auc": round(auc(logits, right), 4)}


def auxiliary(folder: str, groups: Path, xnli: list[dict[str, Any]]) -> dict[str, Any]:
    """AUC of each head on held-back groups, and of contradiction on XNLI."""
    from adjudge.train.rows import read_groups
    from adjudge.train.supervision import ASPECTS
    from recipes.embedded.heads import aspect_logits

    lists = read_groups(groups / "judgements-held-out.jsonl.gz").groups
    items = [(g.query, item) for g in lists for item in g.items]
    pairs = [(q, item.text) for q, item in items] + [(row["premise"], row["hypothesis"]) for row in xnli]
    said = aspect_logits(folder, pairs)
    labels = np.array([item.aspects.values() for _, item in items])
    found: dict[str, Any] = {}
    for column, name in enumerate(ASPECTS):
        known = ~np.isnan(labels[:, column])
        found[name] = {"passages": int(known.sum()), "auc": round(auc(said[: len(items)][known, column], labels[known, column] > 0.5), 4)}
    right = np.array([row["label"] in ("contradiction", 2) for row in xnli])
    found["contradiction on XNLI"] = {"pairs": len(xnli), "auc": round(auc(said[len(items) :, ASPECTS.index("contradiction")], right), 4)}
    return found


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=existing)
    parser.add_argument("eval", type=existing)
    parser.add_argument("out", type=Path)
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--float", default="")
    parser.add_argument("--queries", type=int, default=60, help="questions a direction of XQuAD")
    parser.add_argument("--pairs", type=int, default=1000, help="XNLI pairs and near copies")
    arguments = parser.parse_args()
    groups = arguments.work / settings()["folders"]["groups"]
    found: dict[str, Any] = {"model": Path(arguments.model).name}
    with Reranker(arguments.model) as judge, Embedder("embedded") as embedder:
        found["judgement groups"] = judgement_groups(judge, list(read_rows(groups / "judgements-held-out.jsonl.gz")))
        print(found["judgement groups"], flush=True)
        for name in ("subjects", "short", "faq", "crossings", "plain", "facts", "across", "beside"):
            path = groups / f"{name}-held-out.jsonl.gz"
            if not path.exists():  # a run that stopped after the third phase has no lists across languages
                continue
            found[name] = subject_lists(judge, thin(list(read_rows(path)), arguments.pairs))
            print(name, found[name], flush=True)
        found["near copies"] = near_copies(judge, thin(list(read_rows(arguments.eval / "paraphrase-pairs.jsonl.gz")), arguments.pairs))
        print(found["near copies"], flush=True)
        if arguments.float:
            xnli = thin(list(read_rows(arguments.eval / "xnli-dev.jsonl.gz")), arguments.pairs)
            found["auxiliary heads"] = auxiliary(arguments.float, groups, xnli)
            print(found["auxiliary heads"], flush=True)
        found["across languages"] = across_languages(judge, embedder, arguments.eval, arguments.queries)
    write_json(arguments.out, found)


if __name__ == "__main__":
    main()
