"""One file from the hub into the cache, in parts if it must be: what was received stays on disk, and the next try goes on from there.

huggingface-hub 1.19 and later throws a broken download away, which costs gigabytes on a bad line; hence this.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from .._version import __version__
from ..errors import HubError, ModelFilesError
from .hub_cache import CachedRepo
from .hub_errors import line_errors

__all__ = ["Hub", "HubFile", "fetch"]

_log = logging.getLogger("adjudge")

_TRIES = 5  # in a row without a single new byte
_PAUSE_S = 1.0
_WORTH_A_BAR = 2**20  # bytes
_PASSING = frozenset({408, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True, kw_only=True)
class Hub:
    """A hub and how to speak to it."""

    endpoint: str
    token: str | bool | None  # False: send none; None: the one that huggingface-hub finds
    progress: bool

    def headers(self) -> dict[str, str]:
        """Headers of a request: who we are, and the token."""
        from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]  # public, only not marked so

        return build_hf_headers(token=self.token, library_name="adjudge", library_version=__version__)


@dataclass(frozen=True, slots=True, kw_only=True)
class HubFile:
    """One file of one commit of a repository; `size` in bytes, None where the hub did not list it."""

    repo_id: str
    commit: str
    name: str
    size: int | None


@dataclass(frozen=True, slots=True)
class _Source:
    """Where the content of a file is right now; links to a CDN expire within the hour."""

    url: str
    headers: Mapping[str, str]
    etag: str
    size: int

    @property
    def checkable(self) -> bool:
        """Whether the etag is the sha256 of the content, so that parts of several tries can be put together and checked."""
        return re.fullmatch(r"[0-9a-f]{64}", self.etag) is not None


def fetch(file: HubFile, repo: CachedRepo, hub: Hub) -> Path:
    """Have the file in the cache and give back its path in the snapshot. A file that is there in full costs no request."""
    from huggingface_hub.utils import WeakFileLock  # type: ignore[attr-defined]  # public, only not marked so

    path = repo.snapshot(file.commit) / file.name
    if path.is_file() and (file.size is None or path.stat().st_size == file.size):
        return path
    source = _locate(file, hub)
    blob = repo.blob(source.etag)
    blob.parent.mkdir(parents=True, exist_ok=True)
    repo.locks.mkdir(parents=True, exist_ok=True)
    with WeakFileLock(repo.locks / f"{source.etag}.lock"):
        if not blob.is_file() or blob.stat().st_size != source.size:
            _download(file, hub, source, blob)
        return repo.link(blob, commit=file.commit, name=file.name)


def _locate(file: HubFile, hub: Hub) -> _Source:
    """Ask the hub where a file is. Its etag names the content: sha256 of large files, git's hash of small ones."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_url

    url = hf_hub_url(file.repo_id, file.name, revision=file.commit, endpoint=hub.endpoint)
    metadata = get_hf_file_metadata(url, token=hub.token, endpoint=hub.endpoint, library_name="adjudge", library_version=__version__)
    size = metadata.size if file.size is None else file.size
    if metadata.etag is None or not re.fullmatch(r"[\w.-]{1,128}", metadata.etag) or size is None:
        raise HubError(f"{hub.endpoint} does not say what {file.name} of {file.repo_id} is (etag, size); is HF_ENDPOINT a model hub?")
    headers = hub.headers() | {"Accept-Encoding": "identity"}  # compressed parts could not be counted
    if urlsplit(metadata.location)[:2] != urlsplit(url)[:2]:
        headers.pop("authorization", None)  # the token is for the hub, not for the storage it points to
    return _Source(metadata.location, headers, metadata.etag, size)


def _download(file: HubFile, hub: Hub, source: _Source, blob: Path) -> None:
    """Fill a partial file beside the blob until it is whole and right, then give it the blob's name."""
    partial = blob.with_name(f"{blob.name}.adjudge.incomplete")
    if not source.checkable:
        partial.unlink(missing_ok=True)  # an old part that nothing can vouch for
    partial.touch()
    _need_space(partial, source.size)
    failures, broken = 0, False
    with _bar(file, hub, total=source.size, initial=_size(partial)) as bar:
        while (before := _size(partial)) < source.size:
            try:
                _receive(_locate(file, hub) if broken else source, partial, bar)
            except line_errors() as exc:
                failures = 0 if _size(partial) > before else failures + 1
                if failures >= _TRIES or not _is_passing(exc, hub):
                    raise
                broken = True
                _log.info("%s of %s broke off at %d of %d bytes (%s)", file.name, file.repo_id, _size(partial), source.size, exc)
                time.sleep(_PAUSE_S * 2**failures)
    _check(partial, file, source)
    partial.replace(blob)


def _receive(source: _Source, partial: Path, bar: Any) -> None:
    """One request for what is still missing, appended as it comes."""
    from huggingface_hub import constants, get_session
    from huggingface_hub.utils import hf_raise_for_status  # type: ignore[attr-defined]  # public, only not marked so

    done = _size(partial)
    headers = dict(source.headers) | ({"Range": f"bytes={done}-"} if done and source.checkable else {})
    timeout = constants.HF_HUB_DOWNLOAD_TIMEOUT
    with get_session().stream("GET", source.url, headers=headers, timeout=timeout, follow_redirects=True) as response:
        hf_raise_for_status(response)
        continued = response.status_code == 206
        if done and not continued:
            bar.update(-done)  # the whole file comes again
        with partial.open("ab" if continued else "wb") as out:
            for chunk in response.iter_bytes():  # as it comes: parts of a fixed size would be lost when the line breaks
                out.write(chunk)
                bar.update(len(chunk))


def _check(partial: Path, file: HubFile, source: _Source) -> None:
    """The content must be what the etag says; a wrong part would otherwise be trusted for ever."""
    if _size(partial) == source.size and (not source.checkable or _sha256(partial) == source.etag):
        return
    received = _size(partial)
    partial.unlink()
    raise ModelFilesError(
        f"{file.name} of {file.repo_id} came broken ({received:,} of {source.size:,} bytes, or another content than announced). "
        "What was received is thrown away; try again"
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _need_space(partial: Path, size: int) -> None:
    missing, free = size - _size(partial), shutil.disk_usage(partial.parent).free
    if missing > free:
        raise HubError(
            f"{missing:,} bytes are to be fetched and {partial.parent} has room for {free:,}; "
            "free some, or choose another disk with cache_dir or HF_HOME"
        )


def _is_passing(exc: BaseException, hub: Hub) -> bool:
    """Whether another try may help: the line broke, the hub is busy, or a link to the storage has expired (403)."""
    response = getattr(exc, "response", None)
    if response is None:
        return True
    storage = urlsplit(str(response.url)).netloc != urlsplit(hub.endpoint).netloc
    return response.status_code in _PASSING or (storage and response.status_code == 403)


@contextmanager
def _bar(file: HubFile, hub: Hub, *, total: int, initial: int) -> Iterator[Any]:
    """A progress bar, drawn only where it was asked for and the file is worth one."""
    from huggingface_hub.utils import tqdm  # type: ignore[attr-defined]  # public, only not marked so

    hidden = not hub.progress or total < _WORTH_A_BAR
    with tqdm(total=total, initial=initial, unit="B", unit_scale=True, desc=os.path.basename(file.name), disable=hidden) as bar:
        yield bar
