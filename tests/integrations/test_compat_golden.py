"""adjudge's shapes answer as the originals do: same types, same shapes, same numbers within 1e-4, call by call.

What the originals said is in tests/golden/compat-*.json, written by record_originals.py. Their environments are not needed, but where
one is at hand (ADJUDGE_PEER_FLAGEMBEDDING and so on: the path of its python) the `peers` tests ask again.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from adjudge.integrations import compat
from tests.integrations.compat_cases import CASES, FLAG, RETRIEVALS, SENTENCE, Case, ask, inputs_digest, load
from tests.integrations.compat_models import MODELS, digest
from tests.integrations.conftest import CompatFolders
from tests.source import ROOT

TOLERANCE = 1e-4
ORIGINALS = (FLAG, RETRIEVALS, SENTENCE)
SHAPES = {FLAG: compat.FlagReranker, RETRIEVALS: compat.AutoModelForRanking, SENTENCE: compat.CrossEncoder}


def golden(original: str) -> dict[str, Any]:
    """What was recorded of one original."""
    recorded: dict[str, Any] = json.loads((ROOT / "tests" / "golden" / f"compat-{original}.json").read_text(encoding="utf-8"))
    return recorded


def unlike(ours: Any, theirs: Any, where: str = "answer") -> list[str]:
    """Where two described answers differ by more than the tolerance."""
    if isinstance(ours, float) and isinstance(theirs, float):
        return [] if abs(ours - theirs) <= TOLERANCE else [f"{where}: {ours} and {theirs}"]
    if isinstance(ours, dict) and isinstance(theirs, dict) and ours.keys() == theirs.keys():
        return [d for key in ours for d in unlike(ours[key], theirs[key], f"{where}.{key}")]
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        return [d for i, (one, other) in enumerate(zip(ours, theirs, strict=True)) for d in unlike(one, other, f"{where}[{i}]")]
    return [] if ours == theirs else [f"{where}: {ours!r} and {theirs!r}"]


@pytest.fixture(scope="module")
def loaded(compat_folder: CompatFolders) -> Iterator[Callable[[Case], Any]]:
    """adjudge's shape for a case; cases that load it alike share it."""
    shapes: dict[str, Any] = {}

    def for_case(case: Case) -> Any:
        key = f"{case.original} {case.model} {case.make}"
        if key not in shapes:
            shapes[key] = load(SHAPES[case.original], case, compat_folder(case.model))
        return shapes[key]

    yield for_case
    for shape in shapes.values():
        shape.close()


@pytest.mark.filterwarnings("ignore::adjudge.integrations.compat.CompatWarning")  # that cuts are reported is tested elsewhere
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_answers_as_the_original_does(case: Case, loaded: Callable[[Case], Any]) -> None:
    differences = unlike(ask(loaded(case), case), golden(case.original)["answers"][case.name])
    if case.differs:
        assert differences, f"no difference any more, though: {case.differs}"
    else:
        assert differences == []


@pytest.mark.parametrize("original", ORIGINALS)
def test_models_and_texts_are_those_that_were_recorded(original: str) -> None:
    """Else the goldens mean nothing: record them again (the commands are in record_originals.py)."""
    recorded = golden(original)
    assert recorded["inputs"] == inputs_digest()
    assert recorded["models"] == {name: digest(name) for name in MODELS}
    assert set(recorded["answers"]) == {case.name for case in CASES if case.original == original}


def test_a_difference_is_seen() -> None:
    assert unlike({"a": [1.0, 2.0]}, {"a": [1.0, 2.001]})
    assert unlike({"kind": "list of float", "values": [1.0]}, {"kind": "float", "value": 1.0})
    assert unlike([1.0], [1.0, 1.0])
    assert not unlike({"a": [1.0, 2.0]}, {"a": [1.0, 2.00005]})


def test_scores_are_spread_widely_enough_to_tell_models_apart() -> None:
    """Were all logits alike, agreement would prove nothing."""
    scores = golden(FLAG)["answers"][next(c.name for c in CASES if c.original == FLAG and c.inputs == "pairs")]["values"]
    assert max(scores) - min(scores) > 2


@pytest.mark.peers
@pytest.mark.slow
@pytest.mark.parametrize("original", ORIGINALS)
def test_the_original_still_says_so(original: str, tmp_path: Path) -> None:
    """Run the original itself, in its own environment."""
    variable = f"ADJUDGE_PEER_{original.upper().replace('-', '_')}"
    python = os.environ.get(variable)
    if python is None:
        pytest.skip(f"{variable} does not name a python that has {original}")
    path = tmp_path / "answers.json"
    script = ROOT / "tests" / "integrations" / "record_originals.py"
    done = subprocess.run([python, str(script), original, str(path)], capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr
    fresh = json.loads(path.read_text(encoding="utf-8"))
    assert unlike(fresh["answers"], golden(original)["answers"]) == []
