"""Where an index in Milvus is: what its URI says."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from ...errors import ConfigError

__all__ = ["COLLECTION", "MilvusAddress", "is_milvus", "parse_milvus"]

COLLECTION = "adjudge"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,200}")
_SCHEMES = {"milvus": "http", "milvus+http": "http", "milvus+https": "https"}


@dataclass(frozen=True, slots=True)
class MilvusAddress:
    """A server or a file, and the collection in it."""

    uri: str  # as pymilvus takes it
    collection: str = COLLECTION
    token: str = field(default="", repr=False)
    file: Path | None = None  # of Milvus Lite

    def __str__(self) -> str:
        return f"{self.uri} (collection {self.collection})"


def is_milvus(uri: str) -> bool:
    """Whether this names Milvus, and not a folder."""
    return _scheme(uri) in _SCHEMES or uri.endswith(".db")


def parse_milvus(uri: str) -> MilvusAddress:
    """ "milvus://host:19530/collection" (milvus+https:// with TLS), "milvus:///folder/file.db?collection=name", or "folder/file.db".

    The token is what stands before an @ ("user:password"), else the environment's MILVUS_TOKEN. Raises ConfigError.
    """
    if _scheme(uri) not in _SCHEMES:
        return _file(Path(uri), COLLECTION)
    parts = urlsplit(uri)
    path = unquote(parts.path)
    if not parts.netloc:
        return _file(Path(path), parse_qs(parts.query).get("collection", [COLLECTION])[0])
    name = _checked(path.strip("/") or COLLECTION, uri)
    login, _, host = parts.netloc.rpartition("@")
    return MilvusAddress(f"{_SCHEMES[parts.scheme]}://{host}", name, unquote(login) or os.environ.get("MILVUS_TOKEN", ""))


def _scheme(uri: str) -> str:
    """What stands before the first colon, if there is one: a folder may be called milvus."""
    before, colon, _ = uri.partition(":")
    return before if colon else ""


def _file(path: Path, collection: str) -> MilvusAddress:
    if path.suffix != ".db":
        raise ConfigError(f"{path} cannot be a file of Milvus Lite: its name must end in .db")
    absolute = path.absolute()
    return MilvusAddress(str(absolute), _checked(collection, str(path)), file=absolute)


def _checked(name: str, uri: str) -> str:
    if not _NAME.fullmatch(name):
        raise ConfigError(f"{name!r} in {uri!r} is no name of a collection; Milvus takes letters, digits and _, no digit first")
    return name
