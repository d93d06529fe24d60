"""Files into an index: only what changed is read again, what vanished is taken out, and a build that was killed goes on."""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from ...errors import ConfigError, InputError
from ..dense import Embedder
from ..reading import Chunk, FoundFile, Skipped, Source, read_source, split, walk
from .base import IndexedSource, Writer
from .config import BuildProgress, BuildReport, FileNote, IndexConfig, OnProgress
from .model_facts import BiEncoder, facts_of, require_same_model, require_same_splitting
from .open import create_index
from .passages import digest, indexed_text

__all__ = ["build_index"]

PART_PASSAGES = 2048
"""A file of rows is committed in parts of about this many: what a crash can cost."""

SLICE_PASSAGES = 512
"""Embedded at once: full batches, and a sign of life every few seconds."""

COMMIT_SECONDS = 30.0

KEEP_FROM, KEEP_SHARE = 20, 0.5
"""A build that would take out more than this share of an index with this many files was probably given the wrong folder."""

SKIPPED_SHOWN = 1000
"""So many of what was passed over, and of the notes, are kept; all are counted."""


def build_index(
    paths: Sequence[str | Path],
    index: str | Path,
    config: IndexConfig | None = None,
    *,
    encoder: BiEncoder | None = None,
    on_progress: OnProgress | None = None,
    stop: Callable[[], bool] | None = None,
) -> BuildReport:
    """Make the index hold the passages of `paths`, and nothing else; one that is there is brought up to date.

    Safe to kill at any moment, and to run again: readers see what was committed, and the next build goes on from there. `index`: a
    folder, milvus://host:19530/collection, or a file that ends in .db. `encoder`: None loads the shipped bi-encoder. `stop`, asked
    between passages, ends the build early with what it has. Raises InputError where there is nothing to index, IndexLockedError while
    somebody else writes, IndexMismatchError for another model or other settings, IndexDamagedError, and ConfigError for a build that
    would take out most of the index.
    """
    settings = IndexConfig() if config is None else config
    found, skipped = _found(paths, index, settings)
    with _loaded(encoder) as model:
        facts = facts_of(model, settings.reading, settings.splitting)
        opened = create_index(index, facts, rebuild=settings.rebuild)
        try:
            require_same_model(opened.facts, model)
            require_same_splitting(opened.facts, facts)
            with opened.writer() as writer:
                build = _Build(writer, model, settings, skipped)
                build.watch(on_progress, stop)
                return build.run(found)
        finally:
            opened.close()


def _found(paths: Sequence[str | Path], index: str | Path, settings: IndexConfig) -> tuple[list[FoundFile], list[Skipped]]:
    """The files, and what is passed over; an index that lies among them is neither."""
    files: list[FoundFile] = []
    skipped: list[Skipped] = []
    inner: list[str] = []
    own = Path(os.path.abspath(index))
    for item in walk(paths, settings.walking):
        if isinstance(item, Skipped):
            skipped.append(item)
        elif item.path.is_relative_to(own):
            inner.append(item.path.name)
        else:
            files.append(item)
    if files and own.is_relative_to(files[0].root):
        inside = own.relative_to(files[0].root).as_posix()
        skipped = [item for item in skipped if item.source != inside and not item.source.startswith(f"{inside}/")]
    if not files and inner:
        raise ConfigError(
            f"the index would stand in {own} with the files that it is made of ({', '.join(inner[:3])}); name a new or empty folder for it"
        )
    if not files:
        raise InputError(f"there is nothing to index in {', '.join(map(str, paths))}: {_passed_over(skipped)}")
    return files, skipped


def _passed_over(skipped: Sequence[Skipped]) -> str:
    if not skipped:
        return "no file there"
    return f"nothing there can be read (the first of {len(skipped)}: {skipped[0].source} {skipped[0].message})"


@contextmanager
def _loaded(encoder: BiEncoder | None) -> Iterator[BiEncoder]:
    if encoder is not None:
        yield encoder
        return
    with Embedder() as embedder:
        yield embedder


class _Build:
    """One run over the files."""

    def __init__(self, writer: Writer, model: BiEncoder, settings: IndexConfig, skipped: Sequence[Skipped]) -> None:
        self.writer, self.model, self.settings = writer, model, settings
        self.known = _by_file(writer.sources())
        self.skipped, self.skipped_count = list(skipped[:SKIPPED_SHOWN]), len(skipped)
        self.notes: list[FileNote] = []
        self.notes_count = 0
        self.denied = tuple(item.source for item in skipped if item.reason == "denied")
        self.counts = dict.fromkeys(("added", "changed", "unchanged", "removed", "embedded", "kept", "truncated"), 0)
        self.began, self.embedding = time.perf_counter(), 0.0
        self.committed, self.pending = time.monotonic(), 0
        self.files, self.done, self.stopped = 0, 0, False
        self.on_progress: OnProgress | None = None
        self.stop: Callable[[], bool] | None = None

    def watch(self, on_progress: OnProgress | None, stop: Callable[[], bool] | None) -> None:
        """Who is told, and who may end it."""
        self.on_progress, self.stop = on_progress, stop

    def run(self, files: Sequence[FoundFile]) -> BuildReport:
        """Read what changed, take out what vanished, commit."""
        self.files = len(files)
        self._remove_vanished({file.name for file in files})
        for self.done, file in enumerate(files):
            if self._stopping():
                break
            self._tell(file.name)
            self._bring_up_to_date(file)
        else:
            self.done = len(files)
        self._tell("")
        self.writer.commit()
        if not self.stopped and any(self.counts[name] for name in ("embedded", "removed", "changed")):
            self.writer.optimise(ann_from=self.settings.ann_from)
        return self._report()

    def _remove_vanished(self, names: set[str]) -> None:
        gone = [name for name in self.known if name not in names and not self._hidden(name)]
        if len(self.known) >= KEEP_FROM and len(gone) > KEEP_SHARE * len(self.known) and not self.settings.prune:
            message = f"{len(gone):,} of the {len(self.known):,} files in the index are not in what was named, and would be taken out"
            raise ConfigError(f"{message}; name all that the index shall hold, or allow it (prune=True, --prune)")
        for name in gone:
            self._remove(self.known.pop(name))
        self.counts["removed"] += len(gone)

    def _hidden(self, name: str) -> bool:
        """Whether it lies where we were not let in: what cannot be looked at has not vanished."""
        return any(name == denied or name.startswith(f"{denied}/") for denied in self.denied)

    def _bring_up_to_date(self, file: FoundFile) -> None:
        parts = self.known.get(file.name, [])
        if _unchanged(file, parts):
            self.counts["unchanged"] += 1
            return
        number, embedded = 0, self.counts["embedded"]
        reading = _Reading(file, self.settings)
        for chunks, last in reading.parts():
            source = IndexedSource(
                source=file.name, part=number, last=last, size=file.size, modified_ns=file.modified_ns, digest="", chunks=len(chunks)
            )
            self._put(source, chunks, parts[number] if number < len(parts) else None)
            number += 1
            if self._stopping():
                break
        self._keep_account(reading)
        if reading.denied or self.stopped:
            return
        self._remove(parts[number:])
        self._count(number, parts, touched=self.counts["embedded"] > embedded)

    def _count(self, parts: int, before: Sequence[IndexedSource], *, touched: bool) -> None:
        if parts and not before:
            self.counts["added"] += 1
        elif before and not parts:
            self.counts["removed"] += 1
        elif parts:  # one that was only written anew, with the same text, is as good as unchanged
            self.counts["changed" if touched or parts < len(before) else "unchanged"] += 1

    def _put(self, source: IndexedSource, chunks: Sequence[Chunk], before: IndexedSource | None) -> None:
        """One part of a file; its passages are embedded only where they differ from those that are there."""
        source = replace(source, digest=digest(chunks))
        if before is not None and before.digest == source.digest:
            self.counts["kept"] += len(chunks)
        else:
            if before is not None:
                self.writer.remove([before.key])
            self._embed(source, chunks)
        self.writer.record(source)
        if self.pending >= PART_PASSAGES or time.monotonic() - self.committed > COMMIT_SECONDS:
            self._commit()

    def _embed(self, source: IndexedSource, chunks: Sequence[Chunk]) -> None:
        for first in range(0, len(chunks), SLICE_PASSAGES):
            some = chunks[first : first + SLICE_PASSAGES]
            began = time.perf_counter()
            made = self.model.embed_detailed([indexed_text(chunk) for chunk in some], kind="document")
            self.embedding += time.perf_counter() - began
            self.writer.add(source.key, some, made.vectors)
            self.counts["embedded"] += len(some)
            self.counts["truncated"] += len(made.truncated)
            self._tell(source.source)
        self.pending += len(chunks)

    def _remove(self, parts: Sequence[IndexedSource]) -> None:
        self.writer.remove([part.key for part in parts])

    def _commit(self) -> None:
        self.writer.commit()
        self.committed, self.pending = time.monotonic(), 0

    def _stopping(self) -> bool:
        self.stopped = self.stopped or (self.stop is not None and self.stop())
        return self.stopped

    def _keep_account(self, reading: _Reading) -> None:
        self.skipped.extend(reading.skipped[: SKIPPED_SHOWN - len(self.skipped)])
        self.skipped_count += reading.skipped_count
        self.notes.extend(reading.notes[: SKIPPED_SHOWN - len(self.notes)])
        self.notes_count += reading.notes_count

    def _tell(self, name: str) -> None:
        if self.on_progress is not None:
            self.on_progress(BuildProgress(files=self.done, files_total=self.files, passages=self.counts["embedded"], name=name))

    def _report(self) -> BuildReport:
        passages = sum(source.chunks for source in self.writer.sources().values())
        return BuildReport(
            passages=passages,
            skipped=tuple(self.skipped),
            skipped_count=self.skipped_count,
            notes=tuple(self.notes),
            notes_count=self.notes_count,
            stopped=self.stopped,
            seconds=time.perf_counter() - self.began,
            embedding_seconds=self.embedding,
            **self.counts,
        )


class _Reading:
    """A file as parts that are committed one by one, and what could not be read of it."""

    def __init__(self, file: FoundFile, settings: IndexConfig) -> None:
        self.file, self.settings = file, settings
        self.skipped: list[Skipped] = []
        self.skipped_count = 0
        self.notes: list[FileNote] = []
        self.notes_count = 0
        self.denied = False

    def parts(self) -> Iterator[tuple[list[Chunk], bool]]:
        """(passages, whether they are the last). No text is divided between two parts."""
        held: list[Chunk] = []
        for source in self._texts():
            if len(held) >= PART_PASSAGES:
                yield held, False
                held = []
            held.extend(split(source, self.settings.splitting))
        if held:
            yield held, True

    def _texts(self) -> Iterator[Source]:
        for item in read_source(self.file.path, self.file.root, self.settings.reading):
            if isinstance(item, Source):
                self._note(item)
                yield item
                continue
            self.skipped_count += 1
            self.denied = self.denied or (item.reason == "denied" and item.source == self.file.name)
            if len(self.skipped) < SKIPPED_SHOWN:
                self.skipped.append(item)

    def _note(self, source: Source) -> None:
        self.notes_count += len(source.notes)
        room = SKIPPED_SHOWN - len(self.notes)
        self.notes.extend(FileNote(source.name, message) for message in source.notes[:room])


def _by_file(sources: Mapping[str, IndexedSource]) -> dict[str, list[IndexedSource]]:
    found: dict[str, list[IndexedSource]] = defaultdict(list)
    for source in sorted(sources.values(), key=lambda source: source.part):
        found[source.source].append(source)
    return dict(found)


def _unchanged(file: FoundFile, parts: Sequence[IndexedSource]) -> bool:
    """Whether it was read to its end, and is as it was then."""
    whole = bool(parts) and parts[-1].last and len(parts) == parts[-1].part + 1
    return whole and all((part.size, part.modified_ns) == (file.size, file.modified_ns) for part in parts)
