"""build_index(): what changed is read again, what vanished is gone, what went wrong is told, and a crash costs little."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from adjudge.errors import ConfigError, IndexLockedError, IndexMismatchError, InputError
from adjudge.retrieval.dense import Embedder
from adjudge.retrieval.index import BuildProgress, BuildReport, IndexConfig, build, build_index, open_index
from adjudge.retrieval.index.model_facts import facts_of, require_same_model
from adjudge.retrieval.reading import ReadConfig, SplitConfig, WalkConfig
from tests.retrieval.index.hashing import Hashing

Build = Callable[..., BuildReport]

TEXTS = {
    "guide/install.md": "# Install\n\nRun the installer, then restart the machine.\n\n# Remove\n\nRun the remover as administrator.\n",
    "guide/熊猫.txt": "大熊猫主要以竹子为食。",
    "notes.txt": "La paella lleva arroz y azafrán.",
    "page.html": "<html><title>Musée</title><body><p>Le musée d'Orsay se trouve à Paris.</p></body></html>",
}


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    """A folder of texts."""
    for name, text in TEXTS.items():
        path = tmp_path / "docs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path / "docs"


@pytest.fixture
def run(docs: Path, tmp_path: Path) -> Build:
    """Build the index of that folder, with a new encoder unless one is given."""

    def build_again(*, encoder: Hashing | None = None, config: IndexConfig | None = None, **options: object) -> BuildReport:
        given = Hashing() if encoder is None else encoder
        return build_index([docs], tmp_path / "index", config, encoder=given, **options)  # type: ignore[arg-type]

    return build_again


def names(folder: Path) -> set[str]:
    index = open_index(folder / "index")
    found = {source.source for source in index.sources().values()}
    index.check()
    index.close()
    return found


def found(folder: Path, query: str) -> list[str]:
    index = open_index(folder / "index")
    texts = [one.document.text for one in index.by_words(query, 10)]
    index.close()
    return texts


def rows(path: Path, count: int, word: str = "row") -> None:
    path.write_text("".join(json.dumps({"text": f"{word} number{i}", "i": i}) + "\n" for i in range(count)), encoding="utf-8")


def test_a_folder_is_indexed(run: Build, tmp_path: Path) -> None:
    encoder = Hashing()
    report = run(encoder=encoder)
    assert (report.added, report.changed, report.unchanged, report.removed, report.skipped_count) == (4, 0, 0, 0, 0)
    assert report.embedded == report.passages == len(encoder.texts)
    assert not report.stopped
    assert names(tmp_path) == set(TEXTS)
    assert found(tmp_path, "熊猫 竹子") == ["大熊猫主要以竹子为食。"]


def test_nothing_is_embedded_twice(run: Build, docs: Path) -> None:
    run()
    encoder = Hashing()
    (docs / "notes.txt").touch()
    report = run(encoder=encoder)
    assert (report.unchanged, report.embedded, encoder.texts) == (4, 0, [])
    assert run().kept == 0  # its new time is known now, so it was not even read


def test_only_what_changed_is_read_again(run: Build, docs: Path, tmp_path: Path) -> None:
    run()
    encoder = Hashing()
    (docs / "notes.txt").write_text("El gazpacho se toma frío.", encoding="utf-8")
    (docs / "new.md").write_text("Something else.", encoding="utf-8")
    (docs / "page.html").unlink()
    report = run(encoder=encoder)
    assert (report.added, report.changed, report.unchanged, report.removed) == (1, 1, 2, 1)
    assert sorted(encoder.texts) == ["El gazpacho se toma frío.", "Something else."]
    assert names(tmp_path) == {*TEXTS, "new.md"} - {"page.html"}
    assert (found(tmp_path, "arroz musée"), found(tmp_path, "gazpacho")) == ([], ["El gazpacho se toma frío."])


def test_a_renamed_file_is_found_under_its_new_name(run: Build, docs: Path, tmp_path: Path) -> None:
    run()
    (docs / "notes.txt").rename(docs / "cocina.txt")
    report = run()
    assert (report.added, report.removed) == (1, 1)
    assert names(tmp_path) == {*TEXTS, "cocina.txt"} - {"notes.txt"}


def test_other_metadata_of_the_same_text_is_stored(run: Build, docs: Path, tmp_path: Path) -> None:
    path = docs / "rows.jsonl"
    path.write_text('{"text": "a b c", "year": 2020}\n', encoding="utf-8")
    run()
    path.write_text('{"text": "a b c", "year": 2021}\n', encoding="utf-8")
    assert run().changed == 1
    index = open_index(tmp_path / "index")
    assert (index.count(where={"year": 2021}), index.count(where={"year": 2020})) == (1, 0)
    index.close()


def test_a_file_that_has_become_unreadable_is_taken_out_and_told(run: Build, docs: Path, tmp_path: Path) -> None:
    run()
    (docs / "notes.txt").write_bytes(bytes(range(256)) * 20)
    report = run()
    assert (report.removed, report.skipped_count, report.skipped[0].source) == (1, 1, "notes.txt")
    assert names(tmp_path) == set(TEXTS) - {"notes.txt"}


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read_has_not_vanished(run: Build, docs: Path, tmp_path: Path) -> None:
    run()
    (docs / "guide").chmod(0)
    try:
        report = run()
    finally:
        (docs / "guide").chmod(0o755)
    assert (report.removed, names(tmp_path)) == (0, set(TEXTS))


@pytest.mark.parametrize("content", [None, {"picture.xyz": b"\x00\x01"}], ids=["empty", "nothing readable"])
def test_nothing_to_index_is_an_error_and_harms_nothing(run: Build, docs: Path, tmp_path: Path, content: dict[str, bytes] | None) -> None:
    run()
    other = tmp_path / "other"
    other.mkdir()
    for name, data in ({} if content is None else content).items():
        (other / name).write_bytes(data)
    with pytest.raises(InputError, match="nothing to index"):
        build_index([other], tmp_path / "index", encoder=Hashing())
    assert names(tmp_path) == set(TEXTS)


def test_an_index_among_its_own_files_is_not_read(docs: Path) -> None:
    for _ in range(2):
        report = build_index([docs], docs / "index", encoder=Hashing())
    assert (report.unchanged, report.added, report.skipped_count) == (4, 0, 0)


@pytest.mark.parametrize("below", [".", "guide"])
def test_an_index_in_the_folder_that_it_is_made_of_is_refused(docs: Path, below: str) -> None:
    index = docs / below
    with pytest.raises(ConfigError, match=r"would stand in .* with the files that it is made of .*name a new or empty folder"):
        build_index([index], index, encoder=Hashing())
    assert not [path for path in docs.rglob("*") if path.is_file() and path.relative_to(docs).as_posix() not in TEXTS]


def test_a_build_that_would_empty_the_index_asks_first(docs: Path, tmp_path: Path) -> None:
    many, few = docs / "many", tmp_path / "few"
    many.mkdir()
    few.mkdir()
    for number in range(25):
        (many / f"{number}.txt").write_text(f"text number{number}", encoding="utf-8")
    (few / "other.txt").write_text("other", encoding="utf-8")
    build_index([many], tmp_path / "index", encoder=Hashing())
    with pytest.raises(ConfigError, match="25 of the 25 files .* --prune"):
        build_index([few], tmp_path / "index", encoder=Hashing())
    assert len(names(tmp_path)) == 25
    report = build_index([few], tmp_path / "index", IndexConfig(prune=True), encoder=Hashing())
    assert (report.removed, names(tmp_path)) == (25, {"other.txt"})


@pytest.mark.parametrize(
    ("encoder", "config", "message"),
    [
        (Hashing(revision="2"), IndexConfig(), "made with hashing .1., and this is hashing .2."),
        (Hashing(), IndexConfig(splitting=SplitConfig(max_tokens=100)), "max_tokens was 256, now 100"),
        (Hashing(), IndexConfig(reading=ReadConfig(text_field="answer")), "text_field was not set, now answer"),
    ],
)
def test_another_model_or_other_settings_are_refused(
    run: Build, tmp_path: Path, encoder: Hashing, config: IndexConfig, message: str
) -> None:
    run()
    with pytest.raises(IndexMismatchError, match=f"{message}.*--rebuild"):
        run(encoder=encoder, config=config)
    assert names(tmp_path) == set(TEXTS)
    report = run(encoder=encoder, config=IndexConfig(splitting=config.splitting, reading=config.reading, rebuild=True))
    assert (report.added, report.unchanged) == (4, 0)


def test_a_model_in_a_folder_is_known_by_its_weights(run: Build, tmp_path: Path) -> None:
    for folder, data in (("first", b"1"), ("moved", b"1"), ("other", b"2")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "encoder.safetensors").write_bytes(data)
        (tmp_path / folder / "judge.safetensors").write_bytes(folder.encode())  # makes no vectors
        (tmp_path / folder / "tokenizer.json").write_text("{}")
    run(encoder=Hashing(revision="", folder=tmp_path / "first"))
    assert run(encoder=Hashing(revision="", folder=tmp_path / "moved", name="moved")).unchanged == 4
    with pytest.raises(IndexMismatchError):
        run(encoder=Hashing(revision="", folder=tmp_path / "other"))


def test_a_new_edition_of_the_embedded_judge_leaves_indexes_as_they_are(tmp_path: Path) -> None:
    with Embedder(backend="torch") as encoder:
        now = facts_of(encoder, ReadConfig(), SplitConfig())
        for facts in (replace(now, revision="4"), replace(now, revision="4", fingerprint="")):
            require_same_model(facts, encoder)
        other = SimpleNamespace(model=replace(encoder.model, tokenizer_file=tmp_path / "tokenizer.json"), size=encoder.size)
        (tmp_path / "tokenizer.json").write_text("{}")
        for facts in (now, replace(now, fingerprint="")):
            with pytest.raises(IndexMismatchError, match="made with embedded"):
                require_same_model(facts, other)


def test_settings_reach_the_reader_and_the_walk(docs: Path, tmp_path: Path) -> None:
    (docs / ".hidden.txt").write_text("hidden words", encoding="utf-8")
    (docs / "rows.jsonl").write_text('{"text": "no", "answer": "the answer"}\n', encoding="utf-8")
    settings = IndexConfig(walking=WalkConfig(hidden=True), reading=ReadConfig(text_field="answer"))
    build_index([docs], tmp_path / "index", settings, encoder=Hashing())
    assert (found(tmp_path, "hidden"), found(tmp_path, "answer")) == (["hidden words"], ["the answer"])


def test_long_passages_are_counted(run: Build) -> None:
    assert run(encoder=Hashing(longest=20)).truncated > 0


def test_progress_is_told(run: Build) -> None:
    told: list[BuildProgress] = []
    report = run(on_progress=told.append)
    assert [one.files for one in told] == sorted(one.files for one in told)
    assert (told[0].files, told[-1].files, told[-1].files_total, told[-1].passages) == (0, 4, 4, report.embedded)
    assert {one.name for one in told} == {*TEXTS, ""}


def test_a_large_file_of_rows_is_committed_in_parts(run: Build, docs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "PART_PASSAGES", 10)
    rows(docs / "rows.jsonl", 35)
    with pytest.raises(RuntimeError, match="told to fail"):
        run(encoder=Hashing(fails_at=35))
    index = open_index(tmp_path / "index")
    parts = [source for source in index.sources().values() if source.source == "rows.jsonl"]
    index.close()
    assert parts
    assert not any(part.last for part in parts)
    encoder = Hashing()
    report = run(encoder=encoder)
    assert report.kept == 10 * len(parts)
    assert len([text for text in encoder.texts if text.startswith("row")]) == 35 - report.kept
    assert names(tmp_path) == {*TEXTS, "rows.jsonl"}
    assert len(found(tmp_path, "number34")) == 1


def test_rows_that_were_appended_cost_only_themselves(run: Build, docs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "PART_PASSAGES", 10)
    rows(docs / "rows.jsonl", 30)
    run()
    rows(docs / "rows.jsonl", 33)
    encoder = Hashing()
    report = run(encoder=encoder)
    assert (report.changed, report.kept, len(encoder.texts)) == (1, 30, 3)


def test_rows_that_were_taken_away_are_gone(run: Build, docs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "PART_PASSAGES", 10)
    rows(docs / "rows.jsonl", 35)
    run()
    rows(docs / "rows.jsonl", 12)
    report = run()
    assert report.changed == 1
    assert (found(tmp_path, "number34"), len(found(tmp_path, "number11"))) == ([], 1)
    assert names(tmp_path) == {*TEXTS, "rows.jsonl"}


def test_a_build_may_be_stopped_and_goes_on(run: Build, docs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "PART_PASSAGES", 10)
    rows(docs / "rows.jsonl", 35)
    encoder = Hashing()
    report = run(encoder=encoder, stop=lambda: len(encoder.texts) >= 15)
    assert report.stopped
    assert 0 < report.passages < 35
    assert not run().stopped
    assert names(tmp_path) == {*TEXTS, "rows.jsonl"}
    assert len(found(tmp_path, "number34")) == 1


def test_a_second_build_is_refused_while_one_runs(run: Build) -> None:
    def meddle(now: BuildProgress) -> None:
        if now.files == 2:
            with pytest.raises(IndexLockedError, match=f"process {os.getpid()} "):
                run()

    assert run(on_progress=meddle).added == 4


def test_readers_see_the_old_index_until_the_new_one_is_whole(run: Build, docs: Path, tmp_path: Path) -> None:
    run()
    index = open_index(tmp_path / "index")
    (docs / "notes.txt").write_text("El gazpacho se toma frío.", encoding="utf-8")
    seen: list[int] = []

    def look(now: BuildProgress) -> None:
        if now.name:
            seen.append(len(index.by_words("arroz", 5)))

    run(on_progress=look)
    assert seen
    assert set(seen) == {1}
    assert (index.by_words("arroz", 5), len(index.by_words("gazpacho", 5))) == ([], 1)
    index.close()


@pytest.mark.parametrize("wrong", [{"rebuild": "yes"}, {"prune": 1}, {"ann_from": 0}, {"splitting": None}])
def test_settings_are_checked(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        IndexConfig(**wrong)  # type: ignore[arg-type]


def test_what_was_not_as_it_should_be_is_told(run: Build, docs: Path) -> None:
    (docs / "notes.txt").write_bytes("La paella lleva arroz y azafr\xe1n.".encode("latin-1"))
    report = run()
    assert report.notes_count == len(report.notes) == 1
    assert report.notes[0].source == "notes.txt"
    assert "UTF-8" in report.notes[0].message
    assert run().notes_count == 0  # not read again
