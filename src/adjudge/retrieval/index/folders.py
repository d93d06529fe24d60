"""Places where no index can be."""

from __future__ import annotations

import os
from pathlib import Path

from ...errors import ConfigError

__all__ = ["no_place"]


def no_place(folder: Path, error: OSError) -> ConfigError:
    """Why `folder` could not be made or looked into, for the caller to raise."""
    for path in (folder, *folder.parents):
        if os.path.isfile(path):  # Path.is_file() raises for names that are too long
            return ConfigError(f"{path} is a file; name a new or empty folder for the index")
    reason = error.strerror or str(error)
    return ConfigError(f"there can be no index in {folder} ({reason}); name a new or empty folder for the index")
