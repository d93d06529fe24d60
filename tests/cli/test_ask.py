"""`adjudge ask` over a real index, with a real server in the place of the language model, and without one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from adjudge.answer import NO_ANSWER
from adjudge.cli.exit_codes import BY_ERROR
from adjudge.errors import ConfigError, EndpointRefusedError, InputError
from tests.answer.server import MODEL, LanguageServer, Script, event, language_server, pieces_of
from tests.cli.conftest import Run
from tests.cli.searching import QUERY, index_of
from tests.source import ROOT

WORDS = ("--retriever", "bm25", "--backend", "fake", "--threshold", "0.1")
VARIABLES = [f"{whose}_{what}" for whose in ("ADJUDGE_LLM", "OPENAI") for what in ("BASE_URL", "MODEL", "API_KEY")]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("lancedb")
    return index_of(tmp_path_factory.mktemp("asked"))


@pytest.fixture(autouse=True)
def no_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the machine's own environment says."""
    for name in [*VARIABLES, "ADJUDGE_INDEX"]:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def server() -> Iterator[LanguageServer]:
    with language_server() as running:
        yield running


def given(server: LanguageServer) -> tuple[str, ...]:
    return ("--llm-url", server.url, "--llm-model", "m")


def test_a_written_answer_with_its_sources(adjudge: Run, index: Path, server: LanguageServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADJUDGE_LLM_BASE_URL", server.url)
    monkeypatch.setenv("ADJUDGE_LLM_MODEL", "m")
    monkeypatch.setenv("ADJUDGE_LLM_API_KEY", "sk-secret")
    ended = adjudge("ask", QUERY, "--index", index, *WORDS)
    assert ended.code == 0
    assert ended.lines[0].endswith("[1]")
    assert ended.lines[1] == ""
    assert ended.lines[2].startswith("[1] Giant panda")
    assert "  animals/panda.md  0." in ended.lines[2]
    assert (server.asked[0].authorization, server.asked[0].body["model"]) == ("Bearer sk-secret", "m")
    assert "A zoo may add some fruit." in server.asked[0].user
    assert MODEL in ended.err
    assert "sk-secret" not in ended.out + ended.err


def test_json_holds_all_of_the_answer(adjudge: Run, index: Path, server: LanguageServer) -> None:
    ended = adjudge("ask", QUERY, "--index", index, *WORDS, *given(server), "--json", "--instructions", "Be short.", "--max-tokens", "9")
    shown = json.loads(ended.out)
    assert (shown["kind"], shown["model"], shown["query"]) == ("generated", MODEL, QUERY)
    assert shown["citations"] == [{"number": 1, "start": len(shown["text"]) - 3, "end": len(shown["text"]), "known": True}]
    assert shown["sources"][0]["place"] == "animals/panda.md"
    assert {"first_piece", "total"} == set(shown["timings"])
    assert {"retrieve", "judge", "total"} <= set(shown["search"]["timings"])
    assert server.asked[0].body["max_tokens"] == 9
    assert server.asked[0].system.endswith("Be short.")


@pytest.mark.parametrize("asking", [True, False], ids=["endpoint", "no endpoint"])
def test_where_nothing_passes_nobody_is_asked(adjudge: Run, index: Path, server: LanguageServer, asking: bool) -> None:
    ended = adjudge("ask", QUERY, "--index", index, *WORDS, "--threshold", "0.999", *(given(server) if asking else ()))
    assert (ended.code, ended.lines) == (0, [NO_ANSWER])
    assert "does not pass" in ended.err or "passes absolute:0.999" in ended.err
    assert server.asked == []


def test_without_an_endpoint_the_answer_is_quoted(adjudge: Run, index: Path) -> None:
    """The shipped models, all of the way."""
    ended = adjudge("ask", QUERY, "--index", index)
    assert ended.code == 0
    assert "Giant pandas eat almost nothing but bamboo." in ended.lines[0]
    assert any(line.startswith("[1] ") for line in ended.lines[1:])
    assert "quoted word for word" in ended.err
    assert "--llm-model" in ended.err


def test_a_question_that_the_documents_do_not_answer(adjudge: Run, index: Path) -> None:
    shown = json.loads(adjudge("ask", "How high is the Eiffel Tower?", "--index", index, "--json").out)
    assert (shown["kind"], shown["text"], shown["sources"]) == ("none", NO_ANSWER, [])
    assert "passes dynamic" in shown["why"] or "not pass dynamic" in shown["why"]


def test_extractive_sends_nothing(adjudge: Run, index: Path, server: LanguageServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADJUDGE_LLM_BASE_URL", server.url)
    monkeypatch.setenv("ADJUDGE_LLM_MODEL", "m")
    assert json.loads(adjudge("ask", QUERY, "--index", index, *WORDS, "--extractive", "--json").out)["kind"] == "extractive"
    assert server.asked == []


def test_what_a_fusion_cuts_off_is_not_sent(adjudge: Run, index: Path, server: LanguageServer) -> None:
    query = "What do giant pandas eat, and is bread baked from flour, water, salt and yeast?"
    joined = (query, "--index", index, "--retriever", "bm25", "--backend", "fake", "--top-n", "2", "--fusion", "5")
    found = json.loads(adjudge("search", *joined, "--json").out)["results"]
    shown = json.loads(adjudge("ask", *joined, "--threshold", "0", *given(server), "--json").out)
    assert len(found) == 2 < shown["search"]["candidates"]
    assert [source["text"] for source in shown["sources"]] == [result["passage"]["text"] for result in found]
    assert shown["search"]["dropped"] == shown["search"]["candidates"] - 2
    assert server.asked[0].user.count("<source ") == 2


def test_a_key_alone_sends_nothing(adjudge: Run, index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    assert json.loads(adjudge("ask", QUERY, "--index", index, *WORDS, "--json").out)["kind"] == "extractive"


def test_wrong_citations_are_told(adjudge: Run, index: Path, server: LanguageServer) -> None:
    server.script = Script(chunks=pieces_of("Fish [9]. Bamboo."))
    ended = adjudge("ask", QUERY, "--index", index, *WORDS, *given(server))
    assert "the answer cites [9]" in ended.err
    assert "1 sentence names no source" in ended.err
    assert "the answer cites" not in adjudge("ask", QUERY, "--index", index, *WORDS, *given(server), "--quiet").err


def test_a_broken_stream(adjudge: Run, index: Path, server: LanguageServer) -> None:
    server.script = Script(chunks=[event("Bamboo "), event("is")], cut_after=1)
    ended = adjudge("ask", QUERY, "--index", index, *WORDS, *given(server))
    assert (ended.code, ended.out) == (BY_ERROR[EndpointRefusedError], "Bamboo \n")
    assert "broke off after 7 characters" in ended.err


def test_a_server_that_says_no(adjudge: Run, index: Path, server: LanguageServer) -> None:
    server.script = Script(status=401, body=b'{"error": {"message": "bad key"}}')
    ended = adjudge("ask", QUERY, "--index", index, *WORDS, *given(server))
    assert (ended.code, ended.out) == (BY_ERROR[EndpointRefusedError], "")
    assert "answered 401" in ended.err


def test_a_timeout(adjudge: Run, index: Path, server: LanguageServer) -> None:
    server.script = Script(chunks=[event("a")], silent_from=0)
    ended = adjudge("ask", QUERY, "--index", index, *WORDS, *given(server), "--timeout", "0.3")
    assert ended.code == BY_ERROR[EndpointRefusedError]
    assert "kept silent for 0.3 s" in " ".join(ended.err.split())


def test_an_answer_cannot_write_to_the_terminal(adjudge: Run, index: Path, server: LanguageServer) -> None:
    server.script = Script(chunks=pieces_of("Bamboo\x1b[31m [1].\n\n- \x07one\n\tcode"))
    ended = adjudge("ask", QUERY, "--index", index, *WORDS, *given(server))
    assert ended.out.startswith("Bamboo\ufffd[31m [1].\n\n- \ufffdone\n\tcode\n")


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        (("--llm-url", "http://127.0.0.1:1/v1"), ConfigError, "needs the name of a model"),
        (("--llm-url", "localhost", "--llm-model", "m"), ConfigError, "--llm-url must be like"),
        (("--llm-model", "m", "--extractive"), ConfigError, "--extractive asks no language model"),
        (("--llm-model", "m", "--max-tokens", "0"), ConfigError, "--max-tokens must be"),
        (("--llm-model", "m", "--timeout", "0"), ConfigError, "--timeout must be"),
        (("--threshold", "soso"), ConfigError, "'soso' is not known"),
        (("--where", "=3"), InputError, "filter"),
    ],
)
def test_what_is_refused_before_any_model_is_loaded(
    adjudge: Run, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], kind: type[Exception], message: str
) -> None:
    def loaded(*_: object, **__: object) -> None:
        raise RuntimeError("a model was loaded")

    monkeypatch.setattr("adjudge.cli.searching.open_reranker", loaded)
    monkeypatch.setattr("adjudge.retrieval.dense.Embedder", loaded)
    ended = adjudge("ask", QUERY, "--index", "no-such-folder", *arguments)
    assert (ended.code, ended.out) == (BY_ERROR[kind], "")  # type: ignore[index]
    assert message in " ".join(ended.err.split())


@pytest.mark.slow
def test_ctrl_c_in_the_middle_of_an_answer(index: Path, server: LanguageServer) -> None:
    server.script = Script(chunks=[event("Bamboo ")], endless=event("more "), pause_s=0.05)
    command = [sys.executable, "-m", "adjudge", "ask", QUERY, "--index", str(index), *WORDS, *given(server)]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}", "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.read(7) == "Bamboo "
        process.send_signal(signal.SIGINT)
        began = time.monotonic()
        _, error = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "Traceback" not in error
    assert time.monotonic() - began < 60
    assert server.left.wait(60), "the server writes on"
