"""Whether a model's folder still holds the same model."""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path

from ..models.fingerprint import file_samples

__all__ = ["folder_digest"]


def folder_digest(model: str) -> str:
    """A digest of every file in the folder, the large ones by samples; "" for a model that is no folder, as one of a hub or a server."""
    folder = Path(model).expanduser()
    if not folder.is_dir():
        return ""
    digest = blake2b(digest_size=16)
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if path.is_file() and not any(part.startswith(".") for part in inside.parts):
            for part in (str(inside).encode("utf-8", "surrogatepass"), *_samples(path)):
                digest.update(len(part).to_bytes(8, "little") + part)
    return digest.hexdigest()


def _samples(path: Path) -> list[bytes]:
    try:
        return list(file_samples(path, timed=False))
    except (OSError, ValueError, LookupError, TypeError):  # it cannot be read: whoever loads it says so
        return []
