"""Where `adjudge evaluate` writes: refused beforehand where it would only fail after hours of work, or destroy what is read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ..errors import ConfigError
from .writable import check_writable, refuse_read

__all__ = ["check_targets", "journal_of"]


def journal_of(result: Path) -> Path:
    """Where an interrupted run is continued from."""
    return result.with_name(f"{result.name}.journal")


def check_targets(result: Path | None, report: Path | None, *, data: Path, qrels: Path | None, retriever: str) -> None:
    """Raises ConfigError for a target that is a folder, twice the same, or read as well, and where no report can be written."""
    targets = {option: path for option, path in (("--json", result), ("--report", report)) if path is not None}
    for option, path in targets.items():
        if path.is_dir():
            raise ConfigError(f"{option} {path} is a folder; name a file in it")
    if result is not None and report is not None and result.resolve() == report.resolve():
        raise ConfigError(f"--json and --report name the same file, {result}")
    written = targets if result is None else {**targets, "the journal of --json,": journal_of(result)}
    for option, path in written.items():
        refuse_read(option, path, _read(data, qrels, retriever))
    if report is not None:
        check_writable(report)


def _read(data: Path, qrels: Path | None, retriever: str) -> Iterator[Path]:
    """All files that may be read: the data's own, judgements beside it, a run."""
    if data.is_dir():
        for pattern in ("corpus.jsonl*", "queries.jsonl*", "qrels.tsv*", "qrels/*"):
            yield from data.glob(pattern)
    else:
        yield data
    if qrels is not None:
        yield qrels
    yield Path(retriever)  # "bm25" is no file, and where it is one it is not read: no harm in keeping it
