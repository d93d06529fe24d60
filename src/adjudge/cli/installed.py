"""Which packages are here, which extras are complete, and how the models' hub is set up."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from urllib.parse import urlsplit

from ..config import SourceConfig

__all__ = ["Extra", "Hub", "Package", "installed", "look_at_hub", "read_requirements"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_EXTRA = re.compile(r"""extra\s*==\s*['"]([^'"]+)['"]""")
_GROUPS = {"all", "dev"}  # made of others, or for work on adjudge itself


@dataclass(frozen=True, slots=True)
class Package:
    """A package that adjudge can use; `version` is None where it is not installed."""

    name: str
    version: str | None


@dataclass(frozen=True, slots=True)
class Extra:
    """Packages that come together; the base is the extra ""."""

    name: str
    packages: tuple[Package, ...]

    @property
    def missing(self) -> tuple[str, ...]:
        """Names of those that are not installed."""
        return tuple(p.name for p in self.packages if p.version is None)

    @property
    def pip(self) -> str:
        """What installs it."""
        return f'pip install "adjudge[{self.name}]"' if self.name else "pip install adjudge"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hub:
    """Where models come from and where they are kept."""

    endpoint: str
    offline: bool
    token: str  # where one was found, never the token
    cache: Path
    cached_models: int


def installed() -> tuple[Extra, ...]:
    """The base and every extra, as the installed adjudge declares them; () where it runs from a source tree without being installed."""
    try:
        declared = metadata.requires("adjudge") or ()
    except metadata.PackageNotFoundError:
        return ()
    return tuple(Extra(extra, tuple(Package(n, _version(n)) for n in names)) for extra, names in read_requirements(declared).items())


def read_requirements(declared: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
    """{extra: names of packages} from requirement lines; "" is the base."""
    found: dict[str, list[str]] = {"": []}
    for line in declared:
        name, extra = _NAME.match(line), _EXTRA.search(line)
        if name is not None and name[0] != "adjudge" and (extra is None or extra[1] not in _GROUPS):
            found.setdefault(extra[1] if extra else "", []).append(name[0])
    return {extra: tuple(sorted(names)) for extra, names in found.items()}


def look_at_hub(source: SourceConfig) -> Hub:
    """What the environment says, as huggingface-hub would read it."""
    from ..models.hub_cache import cache_folder

    cache = cache_folder(source)
    return Hub(
        endpoint=_without_password(os.environ.get("HF_ENDPOINT") or "https://huggingface.co"),
        offline=any(os.environ.get(name, "").upper() in ("1", "ON", "YES", "TRUE") for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")),
        token=_token_place(cache),
        cache=cache,
        cached_models=sum(1 for _ in cache.glob("models--*")),
    )


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _without_password(url: str) -> str:
    """A mirror's address may carry a name and a password, which do not belong on a screen."""
    parts = urlsplit(url)
    return url if "@" not in parts.netloc else parts._replace(netloc="***@" + parts.netloc.rpartition("@")[2]).geturl()


def _token_place(cache: Path) -> str:
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        if os.environ.get(name):
            return name
    path = os.environ.get("HF_TOKEN_PATH") or Path(os.environ.get("HF_HOME") or cache.parent) / "token"
    return str(path) if Path(path).expanduser().is_file() else "none"
