"""Models from a hub (huggingface.co, or whatever HF_ENDPOINT names), through the cache that all of its programs share.

Built on huggingface-hub, versions 1 and 2. Honoured: revision, token, cache_dir and local_files_only of SourceConfig, and the
environment: HF_ENDPOINT, HF_HUB_OFFLINE, HF_HOME, HF_HUB_CACHE, HF_TOKEN, HF_HUB_DISABLE_PROGRESS_BARS and the rest.
"""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from .._version import __version__
from ..config import SourceConfig
from ..errors import ConfigError, HubError, ModelNotFoundError
from .checks import refuse_headless, refuse_remote_code
from .files import CONFIG, INDEX, MANIFEST, SINGLE, Found, read_json, shard_names
from .hub_cache import MAIN, CachedRepo, cached_repo, is_cached, is_commit, is_complete, manifest_weights
from .hub_errors import Wanted, meant, need_client, not_found_message, translated
from .hub_fetch import Hub, HubFile, fetch
from .hub_files import check_listing, exported_weights, small_files

if TYPE_CHECKING:
    from huggingface_hub.hf_api import ModelInfo

__all__ = ["download", "is_cached"]

_log = logging.getLogger("adjudge")

_LOOKS_LIKE = "it should look like hf_ and letters and digits"


def download(repo_id: str, source: SourceConfig) -> Found:
    """Have a hub model on this machine, complete, and say where. `Found.revision` is the commit.

    With a complete copy in the cache nothing but the branch's commit is asked for; with a commit as revision, or offline,
    nothing at all. A hub that cannot be reached or refuses is no error then, but a warning in the log.

    Raises ModelNotFoundError for a model or revision that does not exist, HubError where the hub cannot be reached or refuses or
    the disk is full, UnsafeModelError, NotARerankerError or ModelFilesError for a model that could not be loaded anyway,
    before its weights are fetched.
    """
    revision = MAIN if source.revision is None else source.revision
    _check_names(repo_id, revision)
    repo = cached_repo(repo_id, source)
    commit = repo.commit(revision)
    kept = Found(repo_id, repo.snapshot(commit), commit) if commit is not None and is_complete(repo.snapshot(commit)) else None
    offline = _offline(source)
    if offline:
        return _from_cache(repo_id, repo, commit, offline)
    if kept is not None and is_commit(revision):
        return kept
    try:
        return _Download(repo_id, revision, source, repo).run()
    except (HubError, ModelNotFoundError) as exc:
        if kept is None:
            raise
        _log.warning("Using the copy of %s in the cache (commit %s), because: %s", repo_id, kept.revision[:8], exc)
        return kept


@dataclass(frozen=True, slots=True)
class _Download:
    repo_id: str
    revision: str
    source: SourceConfig
    repo: CachedRepo

    def run(self) -> Found:
        """Ask what the repository holds, refuse what cannot be used, fetch the small files and then the weights."""
        need_client()
        hub = Hub(endpoint=_endpoint(), token=_token(self.source), progress=self.source.progress)
        wanted = Wanted(self.repo_id, self.revision, hub.endpoint, self.repo.folder.parent, "authorization" in hub.headers())
        with translated(wanted):
            info = self._ask(hub)
            sizes = {file.rfilename: file.size for file in info.siblings or []}
            check_listing(sizes, self.repo_id)
            commit = str(info.sha)
            for name in small_files(sizes, code=self.source.trust_remote_code):
                self._fetch(name, commit, sizes, hub)
                if name == CONFIG:
                    self._refuse(self.repo.snapshot(commit), own=MANIFEST in sizes)
            for name in self._weights(self.repo.snapshot(commit), set(sizes)):
                self._fetch(name, commit, sizes, hub)
            self.repo.remember(self.revision, commit)
        return Found(self.repo_id, self.repo.snapshot(commit), commit)

    def _ask(self, hub: Hub) -> ModelInfo:
        from huggingface_hub import HfApi, constants

        api = HfApi(endpoint=hub.endpoint, token=hub.token, library_name="adjudge", library_version=__version__)
        try:
            info = api.model_info(self.repo_id, revision=self.revision, files_metadata=True, timeout=constants.HF_HUB_ETAG_TIMEOUT)
        except (ValueError, TypeError, KeyError) as exc:
            if isinstance(exc, OSError):  # an answer that says no; hub_errors knows what it means
                raise
            raise HubError(f"{hub.endpoint} does not answer as a model hub does; is HF_ENDPOINT right?") from exc
        if info.sha is None or not is_commit(info.sha):
            raise HubError(f"{hub.endpoint} names no commit for {self.repo_id}; is HF_ENDPOINT a model hub?")
        return info

    def _fetch(self, name: str, commit: str, sizes: dict[str, int | None], hub: Hub) -> None:
        fetch(HubFile(repo_id=self.repo_id, commit=commit, name=name, size=sizes.get(name)), self.repo, hub)

    def _refuse(self, folder: Path, *, own: bool) -> None:
        config = read_json(folder / CONFIG)
        refuse_remote_code(config, self.repo_id, trusted=self.source.trust_remote_code)
        if not own:
            refuse_headless(config, self.repo_id)

    def _weights(self, folder: Path, names: set[str]) -> list[str]:
        if MANIFEST in names:
            return manifest_weights(folder / MANIFEST)
        if SINGLE in names:
            return [SINGLE]
        return shard_names(folder / INDEX) if INDEX in names else exported_weights(names)


def _check_names(repo_id: str, revision: str) -> None:
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]  # public, only not marked so

    try:
        validate_repo_id(repo_id)
    except HFValidationError as exc:
        raise ModelNotFoundError(f"{not_found_message(repo_id[:200], 'this machine')} Nor can it be the id of a hub model: {exc}") from exc
    if not revision or ".." in revision or revision.startswith("/") or not revision.isprintable():
        raise ModelNotFoundError(f"{revision!r} cannot be a branch, tag or commit of {repo_id}")


def _endpoint() -> str:
    """HF_ENDPOINT as it is now; huggingface-hub keeps the one of its import."""
    from huggingface_hub import constants

    endpoint = (os.environ.get("HF_ENDPOINT") or constants.ENDPOINT).rstrip("/")
    try:
        parts = urlsplit(endpoint)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise HubError(f"HF_ENDPOINT is {endpoint!r}, which is no address; it must look like https://huggingface.co")
    return endpoint


def _token(source: SourceConfig) -> str | bool | None:
    """What to send: the given token, False (none at all) for an empty one, None for the one that huggingface-hub finds."""
    from huggingface_hub import get_token

    if source.token is None:
        if not _can_be_sent(get_token() or ""):
            where = "HF_TOKEN (or the file of `hf auth login`)"
            raise HubError(f"the token in {where} holds characters that no token has; {_LOOKS_LIKE}. Correct or unset it")
        return None
    token = source.token.strip()
    if not _can_be_sent(token):
        raise ConfigError(f"the token holds characters that no token has; {_LOOKS_LIKE}")
    return token if token else False


def _can_be_sent(token: str) -> bool:
    return all(32 < ord(sign) < 127 for sign in token)


def _offline(source: SourceConfig) -> str:
    """Why the hub may not be asked, or nothing where it may."""
    from huggingface_hub import constants

    if source.local_files_only:
        return "local_files_only=True"
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        if os.environ.get(name, "").upper() in constants.ENV_VARS_TRUE_VALUES:
            return f"{name}={os.environ[name]}"
    return "HF_HUB_OFFLINE" if constants.HF_HUB_OFFLINE else ""


def _from_cache(repo_id: str, repo: CachedRepo, commit: str | None, offline: str) -> Found:
    if commit is None or not (repo.snapshot(commit) / CONFIG).is_file():
        raise HubError(
            f"{repo_id} is not in the cache ({repo.folder.parent}), and {offline} forbids to ask the hub. "
            f"Fetch it once with a network (adjudge models pull {repo_id}), or give a folder that holds it.{meant(repo_id)}"
        )
    return Found(repo_id, repo.snapshot(commit), commit)
