"""Rerankers of others: how they are named, a server that is asked for real, and libraries where they are installed."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from adjudge import Reranker
from adjudge.errors import BackendError, BackendUnavailableError, ConfigError
from adjudge.evaluate.peers import ADAPTERS, RerankerSpec, Worker, parse_reranker
from adjudge.evaluate.peers import client as client_module
from tests.references import export_onnx
from tests.server.serving import Live, quick_settings, serving
from tests.tiny_models import Tiny

Folders = Callable[[Tiny], Path]

PEERS = Path(os.environ["ADJUDGE_PEERS"]) if "ADJUDGE_PEERS" in os.environ else None
"""A folder of environments, one for each library: FOLDER/flagembedding/bin/python."""

OPTIONS = {"backend": "fake", "device": "auto", "threads": 2, "max_length": None}


def parsed(text: str, **pythons: str) -> RerankerSpec:
    return parse_reranker(text, options=OPTIONS, pythons={name.replace("_", "-"): python for name, python in pythons.items()})


@pytest.fixture(scope="module")
def quick(tiny_folder: Folders) -> Path:
    return tiny_folder(Tiny(family="roberta"))


@pytest.fixture(scope="module")
def live(quick: Path) -> Iterator[Live]:
    with serving(quick_settings(quick)) as server:
        yield server


def test_names_without_a_library_are_models_of_our_own() -> None:
    for name in ("embedded", "BAAI/bge-reranker-base", "./folder", "C:/models/mine", "unknown:thing"):
        spec = parsed(name)
        assert (spec.name, spec.adapter, spec.model, spec.peer, dict(spec.options)) == (name, "adjudge", name, False, OPTIONS)
    assert parsed("adjudge:bm25").model == "bm25"


def test_a_peer_gets_what_it_can_use_of_the_options() -> None:
    spec = parsed("sentence-transformers-onnx:BAAI/x", sentence_transformers="st/python")
    assert (spec.adapter, spec.model, spec.peer, spec.python) == ("sentence-transformers-onnx", "BAAI/x", True, "st/python")
    assert dict(spec.options) == {"threads": 2, "backend": "onnx"}
    own = parsed("sentence-transformers-onnx:BAAI/x", sentence_transformers="st/python", sentence_transformers_onnx="other/python")
    assert own.python == "other/python"
    assert parsed("flagembedding:m").python is None


def test_a_server_may_want_a_models_name() -> None:
    assert dict(parsed("http-tei:http://localhost:1/x").options) == {"dialect": "tei"}
    named = parsed("http-jina:jina-reranker-v2@https://api.example/v1/rerank")
    assert (named.model, dict(named.options)) == ("https://api.example/v1/rerank", {"dialect": "jina", "model_name": "jina-reranker-v2"})
    keyed = parse_reranker("http-tei:http://h", options={**OPTIONS, "api_key": "k"}, pythons={})
    assert keyed.options["api_key"] == "k"
    for name in ("embedded", "adjudge:embedded", "flagembedding:m"):
        assert "api_key" not in parse_reranker(name, options={**OPTIONS, "api_key": "k"}, pythons={}).options


@pytest.mark.parametrize(
    ("text", "message"), [(" ", "is empty"), ("flagembedding:", "names no model"), ("http-tei:localhost:8080", "needs an address")]
)
def test_names_that_are_none(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parsed(text)


def test_every_adapter_is_a_file_that_needs_no_library_to_be_read() -> None:
    """Each is loaded by an interpreter that sees nothing but the standard library, as in a peer's environment."""
    folder = Path(client_module.__file__).parent
    files = sorted({f"adapter_{adapter.worker}" for adapter in ADAPTERS.values()})
    assert files == sorted(path.stem for path in folder.glob("adapter_*.py"))
    code = f"import runpy\nfor name in {files!r}:\n    found = runpy.run_path({str(folder)!r} + f'/{{name}}.py')\n    assert found['load']"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_library_that_is_not_installed_says_how_to_get_it() -> None:
    for name in ("fastembed", "rerankers", "flashrank", "flagembedding", "sentence-transformers"):
        hint = rf'pip install "{ADAPTERS[name].package}"\), or name the environment that has it: --peer-python {name}='.replace("[", r"\[")
        if _installed(name):
            continue
        with pytest.raises(BackendUnavailableError, match=hint):
            Worker(RerankerSpec(name=f"{name}:m", adapter=name, model="m"))


def _installed(name: str) -> bool:
    from importlib.util import find_spec

    modules = {"flagembedding": "FlagEmbedding", "sentence-transformers": "sentence_transformers"}
    return find_spec(modules.get(name, name)) is not None


DOCUMENTS = ["red apples are sweet", "bread", "what are red apples"]


@pytest.mark.parametrize("dialect", ["native", "tei", "cohere", "jina", "vllm", "infinity"])
def test_a_server_in_each_dialect_gives_the_scores_of_its_model(live: Live, quick: Path, dialect: str) -> None:
    paths = {"cohere": "/cohere/v2/rerank", "jina": "/jina/v1/rerank", "vllm": "/vllm/v1/rerank", "infinity": "/infinity/rerank"}
    name = "quick@" if dialect != "tei" else ""
    spec = parsed(f"http-{dialect}:{name}{live.url}{paths.get(dialect, '')}")
    with Worker(spec) as worker, Reranker(quick, backend="fake") as judge:
        judged = worker.judge("red apples", DOCUMENTS)
        expected = {r.index: r.score for r in judge.rank("red apples", DOCUMENTS)}
        assert worker.facts.load_ms is None, "it is not ours to load"
    assert judged.memory_mib is None
    assert judged.milliseconds > 0
    for index, score in expected.items():
        assert judged.scores[index] == pytest.approx(score, abs=1e-6)


def test_a_server_that_is_not_there_or_says_no(live: Live) -> None:
    with Worker(parsed("http-tei:http://127.0.0.1:9")) as worker, pytest.raises(BackendError, match="could not score: .*cannot be reached"):
        worker.judge("q", ["d"])
    with Worker(parsed(f"http-cohere:nobody@{live.url}")) as worker, pytest.raises(BackendError, match="answered 404"):
        worker.judge("q", ["d"])


LOGITS = ("fastembed", "rerankers")
"""Libraries whose scores are logits; the others' are sigmoids of them."""


def as_it_wants_it(name: str, folder: Path, target: Path) -> Path:
    """The tiny model in the form that a library reads."""
    if name not in ("fastembed", "flashrank"):
        return folder
    known = "ms-marco-TinyBERT-L-2-v2"  # the smallest name on FlashRank's list
    exported = export_onnx(folder, target / (known if name == "flashrank" else "tiny"))
    settings = json.loads((exported / "tokenizer_config.json").read_text(encoding="utf-8")) | {"model_max_length": 64, "pad_token": "[PAD]"}
    (exported / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    (exported / "special_tokens_map.json").write_text(json.dumps({"pad_token": "[PAD]", "unk_token": "[UNK]"}), encoding="utf-8")
    if name == "flashrank":
        (exported / "model.onnx").rename(exported / "flashrank-TinyBERT-L-2-v2.onnx")
    return exported


@pytest.mark.peers
@pytest.mark.slow
@pytest.mark.skipif(PEERS is None, reason="ADJUDGE_PEERS names no folder of environments")
@pytest.mark.parametrize("name", ["flagembedding", "sentence-transformers", "fastembed", "rerankers", "flashrank"])
def test_libraries_run_in_their_own_environment(tiny_folder: Folders, tmp_path: Path, name: str) -> None:
    assert PEERS is not None
    homes = [PEERS / home / "bin" / "python" for home in (name, "onnx-peers")]
    python = next((path for path in homes if path.exists()), None)
    if python is None or (python == homes[1] and name not in ("fastembed", "flashrank")):
        pytest.skip(f"{homes[0]} is not there")
    folder = tiny_folder(Tiny(family="xlm-roberta" if name in ("flagembedding", "sentence-transformers") else "bert"))
    spec = RerankerSpec(
        name=name, adapter=name, model=str(as_it_wants_it(name, folder, tmp_path)), options=ADAPTERS[name].options, python=str(python)
    )
    with Worker(spec) as worker, Reranker(folder, backend="torch", precision="f32") as judge:
        judged = worker.judge("red apples", DOCUMENTS)
        alone = [worker.judge("red apples", [document]).scores[0] for document in DOCUMENTS]
        expected = {r.index: r.logit for r in judge.rank("red apples", DOCUMENTS)}
        assert name in {package.lower() for package in worker.facts.versions}
    assert judged.scores == pytest.approx(alone, abs=1e-4), "scores come back in the order of the documents"
    if name == "flagembedding":  # it puts the tiny model's pairs together in its own way
        return
    for index, logit in expected.items():
        wanted = logit if name in LOGITS else 1 / (1 + math.exp(-logit))
        assert judged.scores[index] == pytest.approx(wanted, abs=1e-3)
