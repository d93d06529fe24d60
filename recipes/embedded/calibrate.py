"""Step 7: fit temperature and bias on held-out lists, so that a score of 0.8 means right eight times in ten there.

    python -m recipes.embedded.calibrate WORK FOLDER

Scores the held-out lists and judgement groups (none of them trained on) with the judge of FOLDER, fits on one half (by the query's
hash), measures the expected calibration error on the other half before and after, and writes FOLDER/calibration.json. A passage counts
as right from two thirds of the best grade up.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from adjudge import Reranker
from adjudge.train.rows import read_groups
from recipes.embedded.common import settings

Floats = NDArray[np.float64]
BINS = 15


def fit(logits: Floats, right: Floats, steps: int = 200) -> tuple[float, float]:
    """(temperature, bias) of sigmoid(logit / temperature + bias), by Newton's method with halved steps on the log loss (Platt, 1999).

    A weak pull towards slope 1 and bias 0, worth one pair, keeps the answer finite where the labels are all alike or can be told apart
    without a mistake. A judge whose logits say nothing, or the opposite, gets the highest temperature, 100: all its scores are one number.
    """
    features = np.stack([logits, np.ones_like(logits)], 1)
    start = np.array([1.0, 0.0])
    weights = start.copy()
    for _ in range(steps):
        p = 1 / (1 + np.exp(-np.clip(features @ weights, -500, 500)))
        gradient = features.T @ (p - right) + (weights - start)
        curvature = (features * (p * (1 - p))[:, None]).T @ features + np.eye(2)
        change = np.linalg.solve(curvature, gradient)
        while _cost(features, right, weights - change, start) > _cost(features, right, weights, start) and np.abs(change).max() > 1e-12:
            change /= 2
        weights = weights - change
        if np.abs(change).max() < 1e-9:
            break
    slope = max(0.01, float(weights[0]))
    return 1 / slope, float(weights[1])


def _cost(features: Floats, right: Floats, weights: Floats, start: Floats) -> float:
    said = features @ weights
    return float((np.logaddexp(0, said) - right * said).sum() + 0.5 * ((weights - start) ** 2).sum())


def expected_error(probabilities: Floats, right: Floats) -> float:
    """ECE in 15 bins of equal width (Guo et al., 2017)."""
    places = np.minimum((probabilities * BINS).astype(int), BINS - 1)
    total = 0.0
    for b in range(BINS):
        chosen = places == b
        if chosen.any():
            total += chosen.mean() * abs(probabilities[chosen].mean() - right[chosen].mean())
    return float(total)


def scored(work: Path, folder: str) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Logits, labels, and which of them are fitted on."""
    groups = work / settings()["folders"]["groups"]
    lists = [g for name in ("held-out", "judgements-held-out") for g in read_groups(groups / f"{name}.jsonl.gz").groups]
    pairs = [(g.query, item.text) for g in lists for item in g.items]
    right = [float((item.grade or 0.0) >= 0.6) for g in lists for item in g.items]
    first = [hashlib.sha256(("half" + g.query).encode()).digest()[0] % 2 == 0 for g in lists for _ in g.items]
    with Reranker(folder) as judge:
        logits = judge.score(pairs, normalize=False)
    return np.array(logits, np.float64), np.array(right), np.array(first)


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    (arguments.folder / "calibration.json").unlink(missing_ok=True)
    logits, right, first = scored(arguments.work, str(arguments.folder))
    temperature, bias = fit(logits[first], right[first])
    rest, labels = logits[~first], right[~first]
    facts = {
        "temperature": round(float(temperature), 4),
        "bias": round(float(bias), 4),
        "pairs": int(first.sum()),
        "expected_calibration_error_before": round(expected_error(1 / (1 + np.exp(-rest)), labels), 4),
        "expected_calibration_error_after": round(expected_error(1 / (1 + np.exp(-(rest / temperature + bias))), labels), 4),
    }
    (arguments.folder / "calibration.json").write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    print(facts)


if __name__ == "__main__":
    main()
