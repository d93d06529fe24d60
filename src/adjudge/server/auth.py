"""API keys: where they come from, and whether a request carries one."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from pathlib import Path

from ..errors import ConfigError
from .asgi import Headers

__all__ = ["Keys", "read_keys"]


class Keys:
    """Keys that open the door; none: it stands open. Only their digests are kept, so that no log and no core dump shows one."""

    def __init__(self, keys: Iterable[str] = ()) -> None:
        """Raises ConfigError for a key that no header can carry."""
        self._digests = tuple(dict.fromkeys(_digest(_checked(key).encode()) for key in keys))

    def __len__(self) -> int:
        return len(self._digests)

    def __repr__(self) -> str:
        return f"<{len(self)} API keys>"

    def accept(self, headers: Headers) -> bool:
        """Whether a request with these headers may pass: `Authorization: Bearer KEY` or `X-API-Key: KEY`.

        Every key is compared with every one presented, each in constant time, so that the time taken tells nothing.
        """
        if not self._digests:
            return True
        found = False
        for presented in _presented(headers):
            digest = _digest(presented)
            for known in self._digests:
                found |= hmac.compare_digest(digest, known)
        return found


def read_keys(file: Path | None, listed: str | None) -> Keys:
    """Keys of a file (one a line; blank lines and those that begin with # are left out), and of a list with commas between.

    Raises ConfigError where either was given and holds no key: a server that was meant to be closed must not stand open.
    """
    keys: list[str] = []
    if file is not None:
        try:
            lines = file.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as exc:
            raise ConfigError(f"the file of API keys, {file}, cannot be read: {exc}") from exc
        keys = [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
        if not keys:
            raise ConfigError(f"the file of API keys, {file}, holds none; write one a line")
    if listed:
        more = [key.strip() for key in listed.split(",") if key.strip()]
        if not more:
            raise ConfigError("ADJUDGE_API_KEYS is set and holds no key; write keys with commas between, or unset it")
        keys += more
    return Keys(keys)


def _presented(headers: Headers) -> Iterable[bytes]:
    for name, value in headers:
        if name == b"x-api-key":
            yield value.strip()
        elif name == b"authorization":
            scheme, _, key = value.strip().partition(b" ")
            if scheme.lower() == b"bearer":
                yield key.strip()


def _digest(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()


def _checked(key: str) -> str:
    if not key or not all("!" <= c <= "~" for c in key):
        raise ConfigError("an API key is made of visible ASCII characters, without spaces; one of those given is not")
    return key
