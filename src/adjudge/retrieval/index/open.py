"""An index by its name: a folder is LanceDB's, milvus://… and *.db are Milvus's."""

from __future__ import annotations

from pathlib import Path

from ...errors import ConfigError
from .base import Index, IndexFacts

__all__ = ["create_index", "open_index"]


def open_index(uri: str | Path) -> Index:
    """Open the index in a folder ("my-index"), in a Milvus server ("milvus://host:19530/collection") or a Milvus Lite file ("my.db").

    Raises IndexNotFoundError, IndexDamagedError, SearchIndexError where a server cannot be reached, MissingExtraError, ConfigError.
    """
    from .milvus_uri import is_milvus, parse_milvus

    if is_milvus(_named(uri)):
        from .milvus_index import MilvusIndex

        return MilvusIndex(parse_milvus(str(uri)))
    from .lance_index import LanceIndex

    return LanceIndex(uri)


def create_index(uri: str | Path, facts: IndexFacts, *, rebuild: bool = False) -> Index:
    """Open an index; where there is none, make an empty one. `rebuild`: throw away what is there first, also where it is damaged.

    Whether an index that is there was made with these `facts` is for the caller to compare.
    """
    from .milvus_uri import is_milvus, parse_milvus

    if is_milvus(_named(uri)):
        from .milvus_index import make_milvus

        make_milvus(parse_milvus(str(uri)), facts, rebuild=rebuild)
    else:
        from .lance_writer import create_lance

        create_lance(Path(uri), facts, rebuild=rebuild)
    return open_index(uri)


def _named(uri: str | Path) -> str:
    if not str(uri):
        raise ConfigError("the index has no name; give a folder, milvus://host:19530/collection, or a file that ends in .db")
    if "\0" in str(uri):
        raise ConfigError(f"the index is called {str(uri)!r}; no name of a file holds a zero character")
    return str(uri)
