"""Step 5: train the judge by the package's own kit, with the settings of settings.toml.

    python -m recipes.embedded.train WORK [--dial 1.0] [--phase second] [--name run] [--set model.freeze_layers=6 ...]

Reads WORK/base and WORK/groups; leaves checkpoints, curves and the judge in WORK/run. Started again, it goes on where it was.
`--phase second` begins with the best judge of the first, reads passages of every length and leaves WORK/run-second; `--phase third` goes
on from there with the subjects in it. `--phase fourth` has lists across languages, `--phase fifth` those with the reader's own language
beside the answer and FAQ pages, `--phase sixth` the crossings; they begin with an average of the phase before and its beginning
(average.py), which the settings name. `--phase seventh` goes on from the end of the sixth with fewer crossings,
`--phase eighth` from there with plain answers, `--phase ninth` with simple facts too.
`--dial` scales the number of steps. `--set` changes one setting, for ablations. About 2,000 tokens a second on two cores with AVX-512 BF16.
"""

from __future__ import annotations

import argparse
import copy
import logging
import tomllib
from pathlib import Path
from typing import Any

from adjudge.train import TrainConfig, read_config, train
from recipes.embedded.common import existing, read_rows, settings, write_rows

DEV_LISTS = 18
"""Held-out lists a source that are watched while training: enough to see a fall, few enough to cost little."""


PHASES = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth")


def build_config(work: Path, values: dict[str, Any], *, dial: float, name: str, changes: list[str], phase: str = "first") -> TrainConfig:
    """The tables under [train] as the kit's configuration, written to WORK/NAME.toml so that a run shows what it was."""
    tables = copy.deepcopy(values["train"])
    folders = values["folders"]
    before = PHASES.index(phase) - 1
    tables["model"]["base"] = f"{folders[PHASES[before]]}/best" if before >= 0 else folders["base"]
    for later in PHASES[1 : before + 2]:  # each phase changes what the one before it left
        for table, changed in values[later].items():
            tables[table] |= changed
    groups = folders["groups"]
    tables["data"]["train"] = [f"{groups}/{file}" for file in tables["data"]["train"]]
    tables["data"]["dev"] = [f"{groups}/watched.jsonl.gz"]
    tables["run"]["output"] = name
    tables["run"]["steps"] = max(1, round(tables["run"]["steps"] * dial))
    for change in changes:
        key, _, value = change.partition("=")
        table, _, option = key.partition(".")
        tables[table] |= {option: tomllib.loads(f"x = {value}")["x"]}
    path = work / f"{name}.toml"
    path.write_text(_toml(tables), encoding="utf-8")
    return read_config(path)


def write_watched(groups: Path) -> int:
    """A few held-out lists of every source, of the judgement groups, the subjects and the lists across languages, cut to ten passages."""
    taken: dict[str, int] = {}
    chosen = []
    for file in (
        "held-out",
        "judgements-held-out",
        "subjects-held-out",
        "short-held-out",
        "faq-held-out",
        "crossings-held-out",
        "plain-held-out",
        "facts-held-out",
        "across-held-out",
        "beside-held-out",
    ):
        path = groups / f"{file}.jsonl.gz"
        for row in read_rows(path) if path.exists() else ():  # lists across languages are made behind the third phase
            limit = DEV_LISTS * (3 if row["source"] == "judgements" else 1)
            if taken.get(row["source"], 0) < limit:
                taken[row["source"]] = taken.get(row["source"], 0) + 1
                chosen.append({**row, "documents": row["documents"][:10]} if "documents" in row else row)
    return write_rows(groups / "watched.jsonl.gz", chosen)


def _toml(tables: dict[str, dict[str, Any]]) -> str:
    lines = []
    for name, table in tables.items():
        lines.append(f"[{name}]")
        lines += [f"{key} = {_literal(value)}" for key, value in table.items()]
    return "\n".join(lines) + "\n"


def _literal(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return "[" + ", ".join(map(_literal, value)) + "]"
    return f'"{value}"' if isinstance(value, str) else repr(value)


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=existing)
    parser.add_argument("--dial", type=float, default=1.0)
    parser.add_argument("--phase", choices=PHASES, default="first")
    parser.add_argument("--name", default=None)
    parser.add_argument("--set", action="append", default=[], metavar="TABLE.KEY=VALUE")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    values = settings()
    write_watched(arguments.work / values["folders"]["groups"])
    name = values["folders"][arguments.phase] if arguments.name is None else arguments.name
    config = build_config(arguments.work, values, dial=arguments.dial, name=name, changes=arguments.set, phase=arguments.phase)
    print(train(config, progress=True))


if __name__ == "__main__":
    main()
