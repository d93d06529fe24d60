"""Step 7: fit temperature and bias on held-out lists, so that 0.8 means right eight times in ten where one passage in five answers.

    python -m recipes.embedded.calibrate WORK FOLDER

Scores the held-out lists, judgement groups and subjects (none of them trained on) with the judge of FOLDER, fits on one half (by the
query's hash), measures the expected calibration error on the other half before and after, and writes
FOLDER/calibration.json, with the cut-offs behind precision:0.9 and recall:0.9 where one separates. A passage counts as right from two
thirds of the best grade up.

The lists are long and mined to be hard: about one passage in twelve is right. A probability that holds there is far too low for the few
passages that a person looks at, so the bias is moved to the prevalence that PREVALENCE names (Elkan, "The foundations of cost-sensitive
learning", 2001), and the error is measured with the pairs weighed as they would be met there. The order does not change, nor do the
cut-offs' precision and recall, which are those of the lists as they are.
"""

from __future__ import annotations

import argparse
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from adjudge import Reranker
from adjudge.engine.scores import to_scores
from adjudge.evaluate.calibration import first_half, fit, rounded
from adjudge.evaluate.calibration_error import BINS
from adjudge.evaluate.calibration_file import write_calibration
from adjudge.evaluate.separation import best_cutoff, cutoff_table, why_not
from adjudge.models.calibration import Calibration, CutOff
from adjudge.train.rows import read_groups
from recipes.embedded.common import existing, settings, thin

Floats = NDArray[np.float64]

PREVALENCE = 0.2
"""The share of right passages that scores are made for: about what the first ten of a first stage hold."""

HELD_OUT = {"held-out": 0, "judgements-held-out": 0, "subjects-held-out": 250, "short-held-out": 250}
"""From sentences to whole pages, so that one temperature has to serve them all. Of each file at most so many lists; 0: all."""


def scored(work: Path, folder: str) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Logits, labels, and which of them are fitted on."""
    groups = work / settings()["folders"]["groups"]
    lists = [g for name, most in HELD_OUT.items() for g in thin(read_groups(groups / f"{name}.jsonl.gz").groups, most)]
    pairs = [(g.query, item.text) for g in lists for item in g.items]
    right = [float((item.grade or 0.0) >= 0.6) for g in lists for item in g.items]
    first = first_half([g.query for g in lists for _ in g.items])
    with Reranker(folder) as judge:
        logits = judge.score(pairs, normalize=False)
    return np.array(logits, np.float64), np.array(right), first


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=existing)
    parser.add_argument("folder", type=existing)
    arguments = parser.parse_args()
    calibration, facts = fitted(*scored(arguments.work, str(arguments.folder)))
    (arguments.folder / "calibration.json").unlink(missing_ok=True)
    write_calibration(arguments.folder / "calibration.json", calibration, facts)
    print({"temperature": calibration.temperature, "bias": calibration.bias, **facts, "cutoffs": len(calibration.cutoffs)})


def fitted(logits: Floats, right: Floats, first: NDArray[np.bool_]) -> tuple[Calibration, dict[str, float]]:
    """The calibration for PREVALENCE, and what is told of it: fitted on the pairs that `first` marks, measured on the others."""
    temperature, bias = fit(logits[first], right[first])
    moved = bias + log_odds(PREVALENCE) - log_odds(float(right[first].mean()))
    plain = Calibration(temperature=rounded(temperature), bias=rounded(moved), fitted=True)
    before, after = (to_scores(logits.astype(np.float32), c, normalize=True) for c in (Calibration(), plain))
    facts = {
        "pairs": int(first.sum()),
        "relevant_share": round(float(right.mean()), 4),
        "prevalence": PREVALENCE,
        "expected_calibration_error_before": round(weighed_error(before[~first], right[~first]), 4),
        "expected_calibration_error_after": round(weighed_error(after[~first], right[~first]), 4),
    }
    return replace(plain, cutoffs=cutoffs(after, right, first)), facts


def log_odds(share: float) -> float:
    """ln(share / (1 - share))."""
    return math.log(share / (1 - share))


def weighed_error(scores: Floats, right: Floats) -> float:
    """Expected calibration error, 15 bins of equal width, as it would be were PREVALENCE of the pairs right."""
    share = float(right.mean())
    weights = np.where(right > 0.5, PREVALENCE / share, (1 - PREVALENCE) / (1 - share))
    places = np.minimum((scores * BINS).astype(np.intp), BINS - 1)
    return float(np.abs(np.bincount(places, weights * (scores - right))).sum() / weights.sum())


def cutoffs(scores: Floats, right: Floats, first: NDArray[np.bool_]) -> tuple[CutOff, ...]:
    """The table of the first half, or none where on the other half no cut-off separates."""
    table = cutoff_table(scores[first], right[first])
    rest, labels = scores[~first], right[~first]
    if not table or not labels.any() or labels.all():
        return ()
    return () if why_not(rest, labels, cutoff=best_cutoff(scores[first], right[first])) else table


if __name__ == "__main__":
    main()
