"""Step 5b: average the judge with the one that a phase began with.

    python -m recipes.embedded.average BEFORE AFTER TARGET [--phase third] [--share 0.87]

Every number of TARGET's judge is `share` of AFTER's and the rest BEFORE's (Wortsman and others, "Robust fine-tuning of zero-shot models",
2022): it keeps nearly all of what a phase taught, and more of what it had begun to forget. The bi-encoder and the table are AFTER's.
Run time: a second.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

from recipes.embedded.common import existing, settings

JUDGE = "judge.safetensors"


def average(before: Path, after: Path, target: Path, share: float) -> None:
    """Write TARGET. Raises ValueError where the two are no relatives, or the share lies outside 0..1."""
    if not 0 <= share <= 1:
        raise ValueError(f"share={share} must lie between 0 (all of {before.name}) and 1 (all of {after.name})")
    old, new = load_file(before / JUDGE), load_file(after / JUDGE)
    apart = sorted(set(old) ^ set(new)) + [name for name in sorted(set(old) & set(new)) if old[name].shape != new[name].shape]
    if apart:
        raise ValueError(f"{before.name} and {after.name} are no two states of one judge; they differ in {', '.join(apart[:3])}")
    if any(tensor.dtype == np.int8 for tensor in new.values()):
        raise ValueError(f"{after.name} is packed; average the folders that training left, and pack what comes out")
    shutil.copytree(after, target, dirs_exist_ok=True)
    mixed = {name: ((1 - share) * old[name].astype(np.float32) + share * tensor.astype(np.float32)) for name, tensor in new.items()}
    save_file({name: tensor.astype(new[name].dtype) for name, tensor in mixed.items()}, target / JUDGE, metadata={"format": "pt"})


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", type=existing)
    parser.add_argument("after", type=existing)
    parser.add_argument("target", type=Path)
    shares = settings()["average"]
    parser.add_argument("--phase", choices=shares, default="third", help="whose share the settings give")
    parser.add_argument("--share", type=float, default=None, help="another one")
    arguments = parser.parse_args()
    share = shares[arguments.phase] if arguments.share is None else arguments.share
    average(arguments.before, arguments.after, arguments.target, share)
    print(f"{arguments.target}: {share:g} of {arguments.after}, the rest of {arguments.before}")


if __name__ == "__main__":
    main()
