"""Step 7: fit temperature and bias on held-out lists, so that a score of 0.8 means right eight times in ten there.

    python -m recipes.embedded.calibrate WORK FOLDER

Scores the held-out lists and judgement groups (none of them trained on) with the judge of FOLDER, fits on one half (by the query's
hash), measures the expected calibration error on the other half before and after, and writes FOLDER/calibration.json, with the cut-offs
behind precision:0.9 and recall:0.9 where one separates. A passage counts as right from two thirds of the best grade up.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from adjudge import Reranker
from adjudge.engine.scores import to_scores
from adjudge.evaluate.calibration import first_half, fit, rounded
from adjudge.evaluate.calibration_error import expected_error
from adjudge.evaluate.calibration_file import write_calibration
from adjudge.evaluate.separation import best_cutoff, cutoff_table, why_not
from adjudge.models.calibration import Calibration, CutOff
from adjudge.train.rows import read_groups
from recipes.embedded.common import settings

Floats = NDArray[np.float64]


def scored(work: Path, folder: str) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Logits, labels, and which of them are fitted on."""
    groups = work / settings()["folders"]["groups"]
    lists = [g for name in ("held-out", "judgements-held-out") for g in read_groups(groups / f"{name}.jsonl.gz").groups]
    pairs = [(g.query, item.text) for g in lists for item in g.items]
    right = [float((item.grade or 0.0) >= 0.6) for g in lists for item in g.items]
    first = first_half([g.query for g in lists for _ in g.items])
    with Reranker(folder) as judge:
        logits = judge.score(pairs, normalize=False)
    return np.array(logits, np.float64), np.array(right), first


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    (arguments.folder / "calibration.json").unlink(missing_ok=True)
    logits, right, first = scored(arguments.work, str(arguments.folder))
    temperature, bias = fit(logits[first], right[first])
    plain = Calibration(temperature=rounded(temperature), bias=rounded(bias), fitted=True)
    before, after = (to_scores(logits.astype(np.float32), c, normalize=True) for c in (Calibration(), plain))
    facts = {
        "pairs": int(first.sum()),
        "expected_calibration_error_before": round(expected_error(before[~first], right[~first]), 4),
        "expected_calibration_error_after": round(expected_error(after[~first], right[~first]), 4),
    }
    calibration = Calibration(temperature=plain.temperature, bias=plain.bias, fitted=True, cutoffs=cutoffs(after, right, first))
    write_calibration(arguments.folder / "calibration.json", calibration, facts)
    print({"temperature": plain.temperature, "bias": plain.bias, **facts, "cutoffs": len(calibration.cutoffs)})


def cutoffs(scores: Floats, right: Floats, first: NDArray[np.bool_]) -> tuple[CutOff, ...]:
    """The table of the first half, or none where on the other half no cut-off separates."""
    table = cutoff_table(scores[first], right[first])
    rest, labels = scores[~first], right[~first]
    if not table or not labels.any() or labels.all():
        return ()
    return () if why_not(rest, labels, cutoff=best_cutoff(scores[first], right[first])) else table


if __name__ == "__main__":
    main()
