"""Does this machine compute what the shipped model says? Its golden scores, computed in float32, against the scores made here."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..config import Options, SourceConfig
from ..errors import ModelFilesError

__all__ = ["GOLDEN", "Check", "Golden", "compare", "read_golden", "self_test"]

GOLDEN = "golden.json"

LOGIT_TOLERANCE: Mapping[str, float] = {"f32": 1e-3, "f16": 0.1, "bf16": 0.5, "int8": 0.5}
"""Largest difference of a logit that is still ok. 0.16 was measured for int8 on a Xeon with AMX; a defect is off by several."""

COSINE_TOLERANCE: Mapping[str, float] = {"f32": 1e-4, "f16": 1e-3, "bf16": 0.01, "int8": 0.01}
"""The same for the bi-encoder's cosine; 0.0006 was measured in int8."""


@dataclass(frozen=True, slots=True)
class Golden:
    """One pair with what the model must say."""

    query: str
    passage: str
    logit: float
    cosine: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One comparison."""

    what: str  # "judge" or "bi-encoder"
    backend: str
    precision: str
    pairs: int
    largest_difference: float
    tolerance: float
    ok: bool


def self_test(options: Options) -> list[Check]:
    """Judge and bi-encoder, in float32 and in the precision that `options` lead to. Raises ModelFilesError without golden scores."""
    from ..models.files import EMBEDDED, find_model

    golden = read_golden(find_model(EMBEDDED, SourceConfig()).folder / GOLDEN)
    checks: list[Check] = []
    for precision in dict.fromkeys(("f32", options.get("precision", "auto"))):
        asked = options.copy()
        asked["precision"] = precision
        for check in _check(golden, asked):
            if (check.what, check.precision) not in {(c.what, c.precision) for c in checks}:
                checks.append(check)
    return checks


def read_golden(path: Path) -> list[Golden]:
    """The pairs of a golden.json; other keys are left alone."""
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        golden = [Golden(str(one["query"]), str(one["passage"]), float(one["logit"]), float(one["cosine"])) for one in stored]
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise ModelFilesError(f"{path} cannot be read ({type(exc).__name__}: {exc}); install adjudge again") from exc
    if not golden:
        raise ModelFilesError(f"{path} holds no pairs; install adjudge again")
    return golden


def compare(what: str, found: Iterable[float], wanted: Iterable[float], *, traits: Any, tolerances: Mapping[str, float]) -> Check:
    """The largest difference. NaN is never ok."""
    differences = [abs(a - b) for a, b in zip(found, wanted, strict=True)]
    worst = max(differences, key=lambda d: float("inf") if d != d else d)
    tolerance = tolerances[traits.precision]
    return Check(
        what=what,
        backend=traits.backend,
        precision=traits.precision,
        pairs=len(differences),
        largest_difference=worst,
        tolerance=tolerance,
        ok=worst <= tolerance,
    )


def _check(golden: Sequence[Golden], options: Options) -> list[Check]:
    import numpy as np

    from ..reranker import Reranker
    from ..retrieval.dense import Embedder

    with Reranker(**options) as judge:
        logits = judge.score([(g.query, g.passage) for g in golden], normalize=False)
        judged = compare("judge", logits, [g.logit for g in golden], traits=judge.traits, tolerances=LOGIT_TOLERANCE)
    with Embedder(**options) as encoder:
        queries = encoder.embed([g.query for g in golden], kind="query")
        passages = encoder.embed([g.passage for g in golden], kind="document")
        cosines = np.sum(queries * passages, axis=1).tolist()
        embedded = compare("bi-encoder", cosines, [g.cosine for g in golden], traits=encoder.traits, tolerances=COSINE_TOLERANCE)
    return [judged, embedded]
