"""Under which name an answer is remembered: what the model's answers depend on, and the pair as the model sees it."""

from __future__ import annotations

import json
from hashlib import blake2b
from pathlib import Path

import numpy as np

from .._version import __version__
from ..backends.base import Traits
from ..errors import ModelFilesError
from ..models.exported import exported_files
from ..models.fingerprint import file_samples
from ..models.model import Model
from .tokenise import PairIds

__all__ = ["KEY_BYTES", "identity", "pair_key"]

KEY_BYTES = 16
"""Among n different pairs two share a key with a chance of n**2 / 2**129: a billion pairs, 10**-21."""


def identity(model: Model, traits: Traits) -> bytes:
    """32 bytes for all that the numbers depend on: the model, its files, the backend, the precision, and adjudge's own version.

    Files are told apart as models/fingerprint.py does: reading gigabytes in full would double the time to load. A plain folder has no
    revision that would change with it, so there the files' times count as well: a folder that was written again never meets its old
    answers. Raises ModelFilesError where a file cannot be read any more.
    """
    digest = blake2b(digest_size=32)
    device = traits.device.partition(":")[0]  # cuda:0 and cuda:1 compute alike
    named = (model.name, model.revision, traits.backend, device, traits.precision, str(traits.outputs), __version__)
    config = json.dumps(dict(model.config), sort_keys=True, default=repr)
    for text in (*named, config):
        _add(digest, text.encode("utf-8", "surrogatepass"))
    for path in _files(model, traits):
        try:
            for part in file_samples(path, timed=not model.revision):
                _add(digest, part)
        except (OSError, ValueError, LookupError, TypeError) as exc:
            raise ModelFilesError(f"{path} cannot be read any more ({exc}); did it change meanwhile? Load the model again") from exc
    return digest.digest()


def pair_key(identity: bytes, row: PairIds) -> bytes:
    """16 bytes for one pair of one model: token ids, type ids and whose token each is, so texts that tokenise alike share an entry."""
    seen = np.stack([row.ids, row.types, row.segments]).astype("<i4", copy=False)
    return blake2b(identity + seen.tobytes(), digest_size=KEY_BYTES).digest()


def _add(digest: blake2b, part: bytes) -> None:
    """With its length, so that parts cannot flow into one another."""
    digest.update(len(part).to_bytes(8, "little"))
    digest.update(part)


def _files(model: Model, traits: Traits) -> list[Path]:
    """The files that the numbers come from."""
    files = list(model.weights.files())
    if traits.backend == "onnx":
        exported = sorted(set(exported_files(model.folder).values()))
        beside = [path.with_name(path.name + "_data") for path in exported]  # where a large export keeps its tensors
        files = [*exported, *(path for path in beside if path.is_file())]
    if model.trust_remote_code:
        files += sorted(model.folder.glob("*.py"))
    return files
