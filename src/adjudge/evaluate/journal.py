"""What was done so far, a JSON line after the other, so that a run that was killed goes on where it stopped."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from ..errors import ConfigError, InputError

__all__ = ["Journal", "Record"]

Record = dict[str, Any]


class Journal:
    """An append-only file. Its first line says which evaluation it belongs to; a line that was torn by a kill is cut off.

    Without a path nothing is kept. One process at a time holds it.
    """

    def __init__(self, path: Path | None, *, fingerprint: str, restart: bool = False) -> None:
        """Open it, or begin it. `restart`: throw away what is there.

        Raises ConfigError where it belongs to another evaluation or another process holds it, InputError where it cannot be written.
        """
        self.path = path
        self._kept: list[Record] = []
        self._file: IO[bytes] | None = None
        if path is not None:
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                self._file = path.open("a+b")
            except OSError as exc:
                raise InputError(f"{path} cannot be written: {exc.strerror or exc}") from exc
            with ExitStack() as undo:
                undo.enter_context(self._file)
                _hold(self._file, path)
                self._begin(self._file, path, fingerprint, restart=restart)
                undo.pop_all()

    @property
    def resumed(self) -> bool:
        """Whether something was there already."""
        return bool(self._kept)

    def kept(self, kind: str) -> Iterator[Record]:
        """Records of a kind that an earlier run wrote, in their order."""
        return (record for record in self._kept if record["kind"] == kind)

    def add(self, kind: str, record: Mapping[str, Any]) -> None:
        """Write one; once this returns, killing the process does not lose it."""
        if self._file is not None:
            self._file.write(_line({"kind": kind, **record}))
            self._file.flush()

    def finish(self) -> None:
        """Close it and take it away: the result is written."""
        self.close()
        if self.path is not None:
            self.path.unlink(missing_ok=True)

    def close(self) -> None:
        """Close it; what it holds stays. Safe to call twice."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _begin(self, file: IO[bytes], path: Path, fingerprint: str, *, restart: bool) -> None:
        if restart:
            file.truncate(0)
        file.seek(0)
        records, good = _read(file)
        if records and records[0].get("fingerprint") != fingerprint:
            raise ConfigError(
                f"{path} belongs to an evaluation of other data or with other settings; --restart throws it away, another --json keeps it"
            )
        file.truncate(good)
        file.seek(0, os.SEEK_END)
        self._kept = records[1:]
        if not records:
            file.write(_line({"kind": "begin", "fingerprint": fingerprint}))
            file.flush()


def _read(file: IO[bytes]) -> tuple[list[Record], int]:
    """Whole lines, and where the last of them ends."""
    records: list[Record] = []
    good = 0
    for line in file:
        try:
            record = json.loads(line)
        except ValueError:
            break
        if not line.endswith(b"\n") or not isinstance(record, dict) or "kind" not in record:
            break
        records.append(record)
        good += len(line)
    return records, good


def _line(record: Mapping[str, Any]) -> bytes:
    return json.dumps(record, allow_nan=False, separators=(",", ":")).encode("ascii") + b"\n"


def _hold(file: IO[bytes], path: Path) -> None:
    """The lock goes with the process, also when it is killed."""
    try:
        import fcntl
    except ImportError:  # Windows, which refuses to open the file twice for writing no more than this does
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as exc:
        raise ConfigError(f"another evaluation is writing {path}; wait for it, or give another --json") from exc
