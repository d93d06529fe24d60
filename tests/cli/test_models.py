"""`adjudge models`: the list, the facts of one model, and the way from a hub to this machine."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from adjudge.cli.models import app
from adjudge.cli.models_table import fact_lines, known_row, local_row, show_facts, show_list, tab_line
from adjudge.errors import ConfigError, ModelFilesError, ModelNotFoundError, NotARerankerError, TokenizerMismatchError
from adjudge.models.catalogue import catalogue, find_known
from adjudge.models.facts import describe
from adjudge.models.load import load_model
from tests.conftest import Folders
from tests.models.hub_server import HubServer, loopback_hub
from tests.tiny_models import FAMILIES, Tiny

ID = "someone/tiny-reranker"
Run = Callable[..., str]


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[HubServer]:
    """A running hub without models, and an empty cache."""
    with loopback_hub(monkeypatch, tmp_path) as server:
        yield server


@pytest.fixture
def run(hub: HubServer) -> Run:
    """Run a command with a hub on loopback and an empty cache; gives back standard output, raises what the command raises."""

    def invoke(*arguments: str) -> str:
        result = CliRunner().invoke(app, arguments, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.stdout

    return invoke


def tables(console_output: Callable[[Console], None], width: int = 120) -> str:
    """What a terminal of this width shows."""
    console = Console(file=io.StringIO(), width=width, highlight=False)
    console_output(console)
    return console.file.getvalue()  # type: ignore[attr-defined]  # the StringIO of the line above


# -- list -----------------------------------------------------------------------------------------------------------


def test_list_in_a_pipe(run: Run) -> None:
    lines = [line.split("\t") for line in run("list").splitlines()]
    assert {len(line) for line in lines} == {8}
    assert [line[0] for line in lines] == ["embedded", *(model.id for model in catalogue())]
    assert lines[0][1] == "bert"
    assert [line[7] for line in lines] == ["shipped"] + ["-"] * len(catalogue())


def test_list_asks_nothing_over_the_network(run: Run, hub: HubServer) -> None:
    run("list")
    assert hub.asked == []


def test_list_as_json(run: Run) -> None:
    rows = {row["id"]: row for row in json.loads(run("list", "--json"))}
    assert rows["embedded"]["where"] == "shipped"
    assert rows["embedded"]["languages"] == ["zh", "en", "es", "fr", "ru"]
    row = rows["BAAI/bge-reranker-v2-m3"]
    assert (row["max_length"], row["licence"], row["backends"], row["where"]) == (8192, "Apache-2.0", ["openvino", "torch"], "")
    assert rows["jinaai/jina-reranker-v2-base-multilingual"]["backends"] == []


def test_list_of_what_is_here(run: Run, hub: HubServer, tiny_folder: Folders, tmp_path: Path) -> None:
    known = "cross-encoder/ms-marco-MiniLM-L6-v2"
    hub.add(known, tiny_folder(Tiny(family="bert")))
    hub.add(ID, tiny_folder(Tiny(family="electra")))
    assert [line.split("\t")[0] for line in run("list", "--cached").splitlines()] == ["embedded"]
    run("pull", known)
    run("pull", ID)
    rows = json.loads(run("list", "--cached", "--json"))
    assert [(row["id"], row["where"]) for row in rows] == [("embedded", "shipped"), (known, "cached"), (ID, "cached")]
    assert rows[2]["family"] == "electra"
    assert [row["id"] for row in json.loads(run("list", "--cached", "--json", "--cache-dir", str(tmp_path)))] == ["embedded"]


def test_list_leaves_out_what_is_no_reranker(run: Run, hub: HubServer, tiny_model: Path) -> None:
    hub.add(ID, tiny_model)
    config = Path(run("pull", ID).strip()) / "config.json"
    content = json.loads(config.read_text(encoding="utf-8")) | {"architectures": ["XLMRobertaForMaskedLM"]}
    config.unlink()
    config.write_text(json.dumps(content), encoding="utf-8")
    assert [row["id"] for row in json.loads(run("list", "--cached", "--json"))] == ["embedded"]


@pytest.mark.parametrize("width", [40, 50, 60, 70, 80, 90, 100, 120, 160])
def test_list_at_every_width(width: int) -> None:
    rows = [local_row(describe(load_model("embedded"))), *(known_row(model, where="cached") for model in catalogue())]
    shown = tables(lambda console: show_list(console, rows), width)
    ids = {row.id for row in rows}
    assert {line.split()[0] for line in shown.splitlines() if line and line[0] != " "} >= ids, "none is cut, so each can be copied"
    assert all(len(line) <= width for line in shown.splitlines() if line not in ids)
    assert len(shown.splitlines()) <= 4 * len(rows) + 6
    for row in rows:
        assert shown.count(f" {row.max_length}") >= sum(other.max_length == row.max_length for other in rows)
        assert f"{row.parameters_m:,.0f} M" in shown
    assert shown.count("shipped") == 1
    assert shown.count("cached") == len(catalogue())
    assert " ".join(shown.split()).count("cannot run") == sum(not model.runs for model in catalogue()) + 1, "once in the line below"


def test_a_list_without_room_says_the_rest_below_the_id() -> None:
    row = known_row(catalogue()[0], where="cached")
    lines = tables(lambda console: show_list(console, [row]), 40).splitlines()
    assert lines[:3] == [row.id, "  multilingual · 8192 tokens · 568 M", "  Apache-2.0 · openvino, torch · cached"]


def test_text_of_strangers_cannot_change_the_terminal() -> None:
    facts = describe(load_model("embedded"))
    assert "\x1b" not in tab_line(local_row(facts)).replace("\t", "")
    known = find_known("BAAI/bge-reranker-v2-m3")
    assert all("\n" not in text for _, text in fact_lines(known, facts))


# -- show -------------------------------------------------------------------------------------------------------------


def facts_of(output: str) -> dict[str, str]:
    return dict(line.split("\t", 1) for line in output.splitlines())


def test_show_the_shipped_one(run: Run) -> None:
    facts = facts_of(run("show", "embedded"))
    assert facts["family"] == "bert"
    assert facts["head"].startswith("match")
    assert facts["runs on"] == "openvino, torch"
    assert "stored as int8" in facts["parameters"]


@pytest.mark.parametrize("family", FAMILIES)
def test_show_a_folder(run: Run, tiny_folder: Folders, family: str) -> None:
    folder = tiny_folder(Tiny(family=family))
    found = json.loads(run("show", str(folder), "--json"))
    assert found["known"] is None
    local = found["local"]
    assert (local["family"], local["max_length"], local["precision"], local["hidden_size"]) == (family, 128, "f32", 32)
    assert local["head"] == "classification, one label"
    assert local["backends"] == (["torch"] if family == "deberta-v2" else ["openvino", "torch"])
    assert local["bytes"] == 4 * local["parameters"]


def test_show_several_labels(run: Run, tiny_folder: Folders) -> None:
    facts = facts_of(run("show", str(tiny_folder(Tiny(family="bert", labels=3)))))
    assert facts["head"] == "classification, 3 labels, of which 'LABEL_2' means relevant"


def test_show_a_known_model_that_is_not_here(run: Run, hub: HubServer) -> None:
    facts = facts_of(run("show", "BAAI/bge-reranker-v2-m3"))
    assert (facts["licence"], facts["tokens of a pair"]) == ("Apache-2.0", "8192")
    assert "adjudge models pull" in facts["on this machine"]
    assert hub.asked == []


def test_show_a_cached_model(run: Run, hub: HubServer, tiny_model: Path) -> None:
    commit = hub.add(ID, tiny_model)
    run("pull", ID)
    hub.asked.clear()
    assert facts_of(run("show", ID))["commit"] == commit
    assert hub.asked == []


def test_show_why_a_model_cannot_run(run: Run) -> None:
    facts = facts_of(run("show", "jinaai/jina-reranker-v2-base-multilingual"))
    assert facts["runs on"] == "nothing"
    assert "its own model code" in facts["note"]


def test_show_an_unknown_model(run: Run) -> None:
    with pytest.raises(ModelNotFoundError, match=f"neither on the list nor on this machine.*adjudge models pull {ID}"):
        run("show", ID)


def test_show_a_misspelt_model(run: Run) -> None:
    with pytest.raises(ModelNotFoundError, match="Did you mean BAAI/bge-reranker-v2-m3"):
        run("show", "bge-reranker-v2-m3")


def test_show_an_old_id(run: Run) -> None:
    assert facts_of(run("show", "cross-encoder/ms-marco-MiniLM-L-6-v2"))["model"] == "cross-encoder/ms-marco-MiniLM-L6-v2"


def test_licence_out_of_the_model_card(tiny_model: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_model, tmp_path / "model")
    cards = {
        "---\nlanguage: en\nlicense: apache-2.0\n---\n# Model": "apache-2.0",
        '---\nlicense: "mit"\n---\n': "mit",
        "# license: none\n": "",
        "---\ntags: [a]\n---\nlicense: no\n": "",
    }
    for card, licence in cards.items():
        (folder / "README.md").write_text(card, encoding="utf-8")
        assert describe(load_model(folder)).licence == licence


def test_facts_of_an_exported_file_are_those_of_the_file(run: Run, tiny_model: Path, tmp_path: Path) -> None:
    """Its parameters cannot be counted without reading the graph, so nothing is said of them."""
    folder = shutil.copytree(tiny_model, tmp_path / "model")
    (folder / "model.safetensors").unlink()
    (folder / "model_quantized.onnx").write_bytes(b"g" * 1_500_000)
    (folder / "model_quantized.onnx_data").write_bytes(b"d" * 1_000_000)
    facts = describe(load_model(folder))
    assert (facts.precision, facts.bytes, facts.parameters) == ("int8", 2_500_000, None)
    assert load_model(folder).stored_precision == "int8"
    shown = facts_of(run("show", str(folder)))
    assert shown["weights"] == "an ONNX file in int8 (2.5 MB)"
    assert "parameters" not in shown
    assert json.loads(run("show", str(folder), "--json"))["local"]["parameters"] is None
    assert tab_line(local_row(facts)).split("\t")[5] == "-"
    assert " ? " in tables(lambda console: show_list(console, [local_row(facts)]))


def test_facts_as_a_table(tiny_model: Path) -> None:
    facts = describe(load_model(tiny_model))
    shown = tables(lambda console: show_facts(console, find_known("BAAI/bge-reranker-v2-m3"), facts))
    assert "xlm-roberta" in shown
    assert "[red]" in tables(lambda console: show_facts(console, None, replaced(facts, licence="[red]markup[/red]")))


def replaced(facts: Any, **changes: Any) -> Any:
    from dataclasses import replace

    return replace(facts, **changes)


# -- pull -------------------------------------------------------------------------------------------------------------


def test_pull(run: Run, hub: HubServer, tiny_model: Path, tmp_path: Path) -> None:
    commit = hub.add(ID, tiny_model)
    folder = Path(run("pull", ID).rstrip("\n"))
    assert folder.name == commit
    assert load_model(folder).spec.family == "xlm-roberta"
    elsewhere = Path(run("pull", ID, "--cache-dir", str(tmp_path / "x")).rstrip("\n"))
    assert elsewhere.is_relative_to(tmp_path / "x")


def test_pull_a_revision(run: Run, hub: HubServer, tiny_model: Path) -> None:
    first = hub.add(ID, tiny_model)
    hub.add(ID, tiny_model, calibration__json=b'{"temperature": 2.0, "bias": 0.0}')
    found = json.loads(run("pull", ID, "--revision", first, "--json"))
    assert (found["revision"], found["calibrated"]) == (first, False)
    assert json.loads(run("pull", ID, "--json"))["calibrated"] is True


def test_pull_what_is_here_already(run: Run, tiny_model: Path, hub: HubServer) -> None:
    assert Path(run("pull", "embedded").strip()).name == "embedded"
    assert Path(run("pull", str(tiny_model)).strip()) == tiny_model
    assert hub.asked == []


def test_pull_what_is_no_reranker(run: Run, hub: HubServer, tiny_model: Path) -> None:
    config = json.loads((tiny_model / "config.json").read_text(encoding="utf-8"))
    hub.add(ID, tiny_model, config__json=json.dumps(config | {"architectures": ["XLMRobertaModel"]}).encode())
    with pytest.raises(NotARerankerError):
        run("pull", ID)


def test_pull_checks_the_tokenizer(run: Run, hub: HubServer, tiny_folder: Folders) -> None:
    tokenizer = json.loads((tiny_folder(Tiny(family="xlm-roberta")) / "tokenizer.json").read_text(encoding="utf-8"))
    tokenizer["model"]["vocab"] += [[f"word{i}", -20.0] for i in range(2000)]
    hub.add(ID, tiny_folder(Tiny(family="bert")), tokenizer__json=json.dumps(tokenizer).encode())
    with pytest.raises(TokenizerMismatchError):
        run("pull", ID)
    hub.add(ID, tiny_folder(Tiny(family="bert")), tokenizer__json=b"no tokenizer")
    with pytest.raises(ModelFilesError):
        run("pull", ID)


def test_pull_a_revision_of_a_folder(run: Run, tiny_model: Path) -> None:
    with pytest.raises(ConfigError):
        run("pull", str(tiny_model), "--revision", "main")


@pytest.mark.parametrize("command", ["list", "show", "pull"])
def test_help(run: Run, command: str) -> None:
    shown = run(command, "--help")
    assert f"adjudge models {command}" in shown
