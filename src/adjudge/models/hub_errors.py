"""What huggingface-hub raises, in adjudge's words: what happened, where, and what to do."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from ..errors import AdjudgeError, HubError, ModelFilesError, ModelNotFoundError
from .catalogue import find_known, similar_names

__all__ = ["Wanted", "line_errors", "meant", "need_client", "not_found_message", "translated"]

_PROXIES = ("ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked of which hub, for messages; the token itself never appears in one."""

    repo_id: str
    revision: str
    endpoint: str
    cache: Path
    has_token: bool


def line_errors() -> tuple[type[BaseException], ...]:
    """What the HTTP client raises, an answer that says no included.

    The client changed from httpx (huggingface-hub 1) to httpx2 (2); its root error is a base of HfHubHTTPError in both.
    """
    from huggingface_hub.errors import HfHubHTTPError

    return tuple(base for base in HfHubHTTPError.__bases__ if base is not OSError)


def need_client() -> None:
    """Have huggingface-hub make its HTTP client. Raises HubError where the environment names a proxy that no client can use."""
    from huggingface_hub import get_session

    httpx = import_module(line_errors()[0].__module__.partition(".")[0])
    try:
        get_session()
    except ImportError as exc:
        raise HubError(_proxy_message("speaks SOCKS, for which a package is missing: pip install socksio, or unset it")) from exc
    except (ValueError, httpx.InvalidURL) as exc:  # the values stay out of the message: a proxy's address may hold a password
        raise HubError(_proxy_message("is no address of the form http://HOST:PORT or socks5://HOST:PORT; correct or unset it")) from exc


def _proxy_message(what: str) -> str:
    names = [name for name in _PROXIES if os.environ.get(name) or os.environ.get(name.lower())]
    shown = [name if os.environ.get(name) else name.lower() for name in names]
    return f"the proxy in {' or '.join(shown) or 'the settings of this system'} {what}"


@contextmanager
def translated(wanted: Wanted) -> Iterator[None]:
    """Turn every error of huggingface-hub, of its HTTP client and of the disk into one of adjudge's own."""
    try:
        yield
    except AdjudgeError:
        raise
    except line_errors() as exc:
        raise _translate(exc, wanted) from exc
    except OSError as exc:
        raise _disk_error(exc, wanted) from exc


def not_found_message(repo_id: str, where: str) -> str:
    """No such model, and which one was perhaps meant."""
    return f"{where} has no model {repo_id!r}.{meant(repo_id) or ' `adjudge models list` shows known ones.'}"


def meant(repo_id: str) -> str:
    """A question with names like this one, or nothing where the name itself is a known one."""
    close = [] if find_known(repo_id) is not None else similar_names(repo_id)
    return f" Did you mean {' or '.join(close)}?" if close else ""


def _translate(exc: BaseException, wanted: Wanted) -> AdjudgeError:
    from huggingface_hub.errors import EntryNotFoundError, GatedRepoError, HfHubHTTPError, RepositoryNotFoundError, RevisionNotFoundError

    name, hub = wanted.repo_id, wanted.endpoint
    if isinstance(exc, GatedRepoError):
        return HubError(
            f"{name} is gated. Accept its terms at {hub}/{name} with your account, then {_how_to_send_a_token(wanted)}; "
            f"{hub} refused with {_status(exc)}"
        )
    if isinstance(exc, RepositoryNotFoundError):
        hidden = "the token that was sent cannot see it" if wanted.has_token else "a token is needed (token=..., or HF_TOKEN)"
        return ModelNotFoundError(f"{not_found_message(name, hub)} If it is a private model, {hidden}")
    if isinstance(exc, RevisionNotFoundError):
        return ModelNotFoundError(
            f"{name} has no revision {wanted.revision!r} on {hub}; branches, tags and commits are listed at {hub}/{name}"
        )
    if isinstance(exc, EntryNotFoundError):
        return ModelFilesError(f"{hub} lists a file of {name} and then does not have it; try again, or pass a revision that is whole")
    if isinstance(exc, HfHubHTTPError):
        return _http_error(exc, wanted)
    return HubError(
        f"{hub} could not be reached for {name} ({type(exc).__name__}). Check the network; behind a firewall set HF_ENDPOINT to a mirror; "
        f"with the model in the cache set HF_HUB_OFFLINE=1, or give a folder that holds it.{meant(name)}"
    )


def _http_error(exc: BaseException, wanted: Wanted) -> HubError:
    status = _status(exc)
    if status in (401, 403):
        return HubError(
            f"{wanted.endpoint} refused {wanted.repo_id} with {status}: {_how_to_send_a_token(wanted)}, "
            f"or accept the model's terms at {wanted.endpoint}/{wanted.repo_id}"
        )
    if status == 429:
        return HubError(f"{wanted.endpoint} takes no more requests for now (429, too many); wait a few minutes, or send a token")
    return HubError(
        f"{wanted.endpoint} answered {status} for {wanted.repo_id}. Try again later, set HF_ENDPOINT to a mirror, "
        "or HF_HUB_OFFLINE=1 where the model is in the cache"
    )


def _disk_error(exc: OSError, wanted: Wanted) -> HubError:
    place = exc.filename if exc.filename is not None else wanted.cache
    if exc.errno in (errno.ENOSPC, errno.EDQUOT):
        return HubError(f"no space is left at {place} for {wanted.repo_id}; free some, or choose another disk with cache_dir or HF_HOME")
    if exc.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return HubError(f"{place} may not be written, so {wanted.repo_id} cannot be kept; choose another place with cache_dir or HF_HOME")
    return HubError(f"{wanted.repo_id} could not be fetched to {place}: {exc.strerror or type(exc).__name__}")


def _how_to_send_a_token(wanted: Wanted) -> str:
    if wanted.has_token:
        return "check that the token is right and may read this model"
    return "pass a token (token=..., HF_TOKEN, or `hf auth login`)"


def _status(exc: BaseException) -> int:
    return int(getattr(getattr(exc, "response", None), "status_code", 0))
