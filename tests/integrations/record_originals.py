"""Ask an original what it says and keep it in a file, which test_compat_golden.py holds adjudge to.

Run by hand in the original's own environment, from the project's root; nothing of adjudge is imported:

    VENV/bin/python tests/integrations/record_originals.py FlagEmbedding tests/golden/compat-FlagEmbedding.json
    VENV/bin/python tests/integrations/record_originals.py open-retrievals tests/golden/compat-open-retrievals.json
    VENV/bin/python tests/integrations/record_originals.py sentence-transformers tests/golden/compat-sentence-transformers.json

Environments: FlagEmbedding 1.4 and open-retrievals 0.0.14 with transformers 4, sentence-transformers 6 with transformers 5.
"""

from __future__ import annotations

import inspect
import json
import platform
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.integrations.compat_cases import CASES, FLAG, RETRIEVALS, SENTENCE, ask, inputs_digest, load
from tests.integrations.compat_models import MODELS, build, digest


def shape(original: str) -> Any:
    """The original's class."""
    if original == FLAG:
        from FlagEmbedding import FlagReranker

        return FlagReranker
    if original == RETRIEVALS:
        from retrievals import AutoModelForRanking

        return AutoModelForRanking
    from sentence_transformers import CrossEncoder

    return CrossEncoder


def signatures(original: str) -> dict[str, dict[str, Any]]:
    """{method: {argument: its default}} of everything that can be left out."""
    methods = {FLAG: ("__init__", "compute_score_single_gpu"), RETRIEVALS: ("from_pretrained", "compute_score", "rerank")}
    found = {}
    for method in methods.get(original, ("__init__", "predict", "rank")):
        parameters = inspect.signature(getattr(shape(original), method)).parameters.values()
        found[method] = {p.name: p.default for p in parameters if p.default is not p.empty and p.name != "model_name_or_path"}
    return found


def record(original: str) -> dict[str, Any]:
    """Versions, what was asked, and every answer."""
    answers = {}
    with tempfile.TemporaryDirectory() as scratch:
        for name in MODELS:
            build(name, Path(scratch) / name, generic_tokenizer=original == SENTENCE)
        for case in CASES:
            if case.original == original:
                answers[case.name] = ask(load(shape(original), case, Path(scratch) / case.model), case)
    packages = (original, "transformers", "tokenizers", "torch", "numpy")
    return {
        "versions": {"python": platform.python_version(), **{package: version(package) for package in packages}},
        "inputs": inputs_digest(),
        "models": {name: digest(name) for name in MODELS},
        "signatures": signatures(original),
        "answers": answers,
    }


def main() -> None:
    """Write the file that the command line names."""
    original, path = sys.argv[1], Path(sys.argv[2])
    recorded = record(original)
    lines = [f"{json.dumps(name)}: {json.dumps(answer, ensure_ascii=False)}" for name, answer in recorded.pop("answers").items()]
    head = json.dumps(recorded, indent=1).removesuffix("\n}")
    answers = ",\n".join(lines)
    path.write_text(f'{head},\n "answers": {{\n{answers}\n}}\n}}\n', encoding="utf-8")
    print(f"{len(lines)} answers of {original} written to {path}")


if __name__ == "__main__":
    main()
