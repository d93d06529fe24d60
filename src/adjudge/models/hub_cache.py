"""The hub's cache on this machine, in the layout that huggingface-hub documents and other programs share:

CACHE/models--OWNER--NAME/refs/main (a commit hash), snapshots/COMMIT/config.json (a link), blobs/ETAG (the content)

The environment is read when it is asked for; huggingface-hub itself reads it once, when it is imported.
"""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from ..config import SourceConfig
from ..errors import ModelError
from .files import CONFIG, MANIFEST, read_json, weight_files
from .reader import Reader

__all__ = [
    "MAIN",
    "CachedRepo",
    "cache_folder",
    "cached_models",
    "cached_repo",
    "is_cached",
    "is_commit",
    "is_complete",
    "manifest_weights",
]

MAIN = "main"

_TOKENIZERS = ("tokenizer.json", "vocab.txt", "vocab.json")


@dataclass(frozen=True, slots=True)
class CachedRepo:
    """One model's folder in the cache; nothing says that it exists."""

    folder: Path

    @property
    def locks(self) -> Path:
        """Where huggingface-hub too keeps the locks of this model's downloads."""
        return self.folder.parent / ".locks" / self.folder.name

    def blob(self, etag: str) -> Path:
        """The content of a file, named by its etag."""
        return self.folder / "blobs" / etag

    def snapshot(self, commit: str) -> Path:
        """The files of one commit under their own names."""
        return self.folder / "snapshots" / commit

    def commit(self, revision: str) -> str | None:
        """The commit that a branch or tag meant when it was last fetched; a commit means itself."""
        if is_commit(revision):
            return revision
        path = self.folder / "refs" / revision
        try:
            commit = path.read_text(encoding="utf-8").strip()
        except (OSError, ValueError):
            return None
        return commit if is_commit(commit) else None

    def remember(self, revision: str, commit: str) -> None:
        """Note that a branch or tag means `commit`."""
        if is_commit(revision):
            return
        path = self.folder / "refs" / revision
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f"{path.name}.{os.getpid()}.tmp")
        fresh.write_text(commit, encoding="utf-8")
        fresh.replace(path)

    def link(self, blob: Path, *, commit: str, name: str) -> Path:
        """Show a blob under its own name in a snapshot, as a relative link or, where there are none, as a copy."""
        path = self.snapshot(commit) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and path.samefile(blob):
            return path
        path.unlink(missing_ok=True)
        try:
            path.symlink_to(os.path.relpath(blob, path.parent))
        except OSError:
            shutil.copyfile(blob, path)
        return path


def cache_folder(source: SourceConfig) -> Path:
    """The folder of all cached models: cache_dir, else HF_HUB_CACHE, HF_HOME/hub, or ~/.cache/huggingface/hub."""
    if source.cache_dir is not None:
        return Path(source.cache_dir).expanduser()
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        if os.environ.get(name):
            return _expanded(os.environ[name])
    home = os.environ.get("HF_HOME") or os.path.join(os.environ.get("XDG_CACHE_HOME") or "~/.cache", "huggingface")
    return _expanded(home) / "hub"


def cached_repo(repo_id: str, source: SourceConfig) -> CachedRepo:
    """Where a model is, or will be, in the cache."""
    return CachedRepo(cache_folder(source) / f"models--{repo_id.replace('/', '--')}")


def is_commit(revision: str) -> bool:
    """Whether it is a full commit hash, which never means anything else later."""
    return re.fullmatch(r"[0-9a-f]{40}", revision) is not None


def is_complete(folder: Path) -> bool:
    """Whether everything that a reranker is loaded from is in the folder. Looks at names only."""
    if not (folder / CONFIG).is_file() or not any((folder / name).is_file() for name in _TOKENIZERS):
        return False
    try:
        if (folder / MANIFEST).is_file():
            return all((folder / name).is_file() for name in manifest_weights(folder / MANIFEST))
        weight_files(folder)
    except ModelError:
        return False
    return True


def manifest_weights(manifest: Path) -> list[str]:
    """The weight files that an adjudge.json names, of judge and bi-encoder."""
    parts = Reader(read_json(manifest), file=str(manifest))
    found = [name for role in ("judge", "encoder") for name in Reader(parts.mapping(role), file=str(manifest)).strings("weights")]
    return list(dict.fromkeys(found))


def is_cached(repo_id: str, source: SourceConfig | None = None) -> bool:
    """Whether a hub model can be loaded from this machine, without a network."""
    source = SourceConfig() if source is None else source
    repo = cached_repo(repo_id, source)
    commit = repo.commit(MAIN if source.revision is None else source.revision)
    return commit is not None and is_complete(repo.snapshot(commit))


def cached_models(source: SourceConfig | None = None) -> list[str]:
    """Ids of all rerankers in the cache that can be loaded without a network, whoever put them there."""
    source = SourceConfig() if source is None else source
    folder = cache_folder(source)
    if not folder.is_dir():
        return []
    ids = [path.name.removeprefix("models--").replace("--", "/") for path in sorted(folder.glob("models--*")) if path.is_dir()]
    return [repo_id for repo_id in ids if is_cached(repo_id, source) and _is_classifier(repo_id, source)]


def _is_classifier(repo_id: str, source: SourceConfig) -> bool:
    """Whether config.json calls it a sequence classifier, or it is in adjudge's own form; caches are full of other models."""
    repo = cached_repo(repo_id, source)
    folder = repo.snapshot(repo.commit(MAIN) or "")
    if (folder / MANIFEST).is_file():
        return True
    try:
        kinds = Reader(read_json(folder / CONFIG)).strings("architectures")
    except ModelError:
        return False
    return any(kind.endswith("ForSequenceClassification") for kind in kinds)


def _expanded(path: str) -> Path:
    return Path(os.path.expandvars(os.path.expanduser(path)))
