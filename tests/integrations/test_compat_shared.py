"""What holds for all three shapes: imports, arguments, cuts that are told, precision, threads, closing."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from adjudge.backends.capabilities import cpu_has_bfloat16
from adjudge.errors import BackendUnavailableError, ClosedError, ConfigError, InputError, NotARerankerError
from adjudge.integrations import compat, compat_base
from adjudge.integrations.compat import AutoModelForRanking, CompatWarning, CrossEncoder, FlagReranker, Truncated
from tests.integrations.compat_cases import PAIRS
from tests.integrations.conftest import CompatFolders
from tests.integrations.test_compat_golden import ORIGINALS, SHAPES, golden

Maker = Callable[..., Any]
MAKERS: dict[str, Maker] = {
    "FlagReranker": FlagReranker,
    "AutoModelForRanking": AutoModelForRanking.from_pretrained,
    "CrossEncoder": CrossEncoder,
}
HALF: dict[str, dict[str, Any]] = {
    "FlagReranker": {"use_fp16": True},
    "AutoModelForRanking": {"use_fp16": True},
    "CrossEncoder": {"model_kwargs": {"torch_dtype": "float16"}},
}
SHORT = [("what do pandas eat", "bamboo"), ("what do pandas eat", "coffee"), ("tea", "熊猫")]
every_shape = pytest.mark.parametrize("name", MAKERS)


def scores(model: Any, pairs: object, **arguments: Any) -> list[float]:
    """The shape's scores of several pairs, as a list."""
    method = model.predict if isinstance(model, CrossEncoder) else model.compute_score
    return [float(score) for score in method(pairs, **arguments)]


def test_importing_and_scoring_needs_no_torch(compat_folder: CompatFolders) -> None:
    code = f"""
import sys
from adjudge.integrations.compat import AutoModelForRanking, CrossEncoder, FlagReranker
heavy = [m for m in ("torch", "transformers", "openvino", "huggingface_hub") if m in sys.modules]
assert not heavy, heavy
folder = {str(compat_folder("bert"))!r}
pairs = [("a", "b"), ("c", "d")]
FlagReranker(folder, devices="cpu").compute_score(pairs)
AutoModelForRanking.from_pretrained(folder, device="cpu").compute_score(pairs)
CrossEncoder(folder, device="cpu").rank("a", ["b", "c"])
assert "torch" not in sys.modules
assert "transformers" not in sys.modules
"""
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, timeout=120)


@pytest.mark.parametrize("original", ORIGINALS)
def test_every_argument_of_the_original_is_taken_at_its_default(original: str, compat_folder: CompatFolders) -> None:
    """The signatures were recorded with the answers. Warnings are errors, so nothing is taken and ignored either."""
    shape = SHAPES[original]
    inputs = {"rerank": ("query", ["a", "b"]), "rank": ("query", ["a", "b"])}
    recorded = golden(original)["signatures"]
    make: Callable[..., Any] = AutoModelForRanking.from_pretrained if "from_pretrained" in recorded else shape
    with make(str(compat_folder("bert")), **recorded.pop("__init__", {}), **recorded.pop("from_pretrained", {})) as model:
        assert recorded, "what the original can be asked"
        for method, defaults in recorded.items():
            assert len(getattr(model, method)(*inputs.get(method, (SHORT,)), **defaults)) > 0


@every_shape
def test_a_cut_is_told_once_and_counted(name: str, compat_folder: CompatFolders) -> None:
    long = ("how long does it last " * 100, "tea calms and coffee keeps you awake " * 100)
    with MAKERS[name](str(compat_folder("xlm-roberta"))) as model:
        assert model.truncated == Truncated()
        with pytest.warns(CompatWarning, match=r"^cut at (512|256) tokens: 1 of the pairs") as told:
            scores(model, [SHORT[0], long, SHORT[1]])
        assert told[0].filename == __file__
        first = model.truncated
        scores(model, [long, long])  # warnings are errors here
        assert model.truncated == Truncated(pairs=3, query_tokens=first.query_tokens * 3, passage_tokens=first.passage_tokens * 3)
        assert first.query_tokens > 0 or name != "CrossEncoder"
        assert first.passage_tokens > 0
        assert scores(model, SHORT)
        assert model.truncated.pairs == 3


@every_shape
def test_a_default_length_beyond_the_model_is_no_crash(name: str, compat_folder: CompatFolders, tmp_path: Path) -> None:
    """FlagEmbedding reads 512 tokens into a model that has fewer and dies of an index; here the cut says what the model has."""
    folder = Path(shutil.copytree(compat_folder("xlm-roberta"), tmp_path / "short"))
    settings = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    (folder / "tokenizer_config.json").write_text(json.dumps(settings | {"model_max_length": 128}), encoding="utf-8")
    with MAKERS[name](folder) as model:
        with pytest.warns(CompatWarning, match="cut at 128 tokens.*this is all the model has"):
            together = scores(model, [("panda", "bamboo " * 400), ("panda", "tea")])
        assert together[0] == pytest.approx(scores(model, [("panda", "bamboo " * 200)] * 2)[0], abs=1e-5)


@every_shape
@pytest.mark.parametrize("bfloat16", [True, False])
def test_fp16_on_a_cpu_means_what_the_cpu_is_fast_at(
    name: str, bfloat16: bool, compat_folder: CompatFolders, monkeypatch: pytest.MonkeyPatch
) -> None:
    if bfloat16 and not cpu_has_bfloat16():
        pytest.skip("this CPU has no bfloat16")
    monkeypatch.setattr(compat_base, "cpu_has_bfloat16", lambda: bfloat16)
    device = {"devices": "cpu"} if name == "FlagReranker" else {"device": "cpu"}
    folder = str(compat_folder("bert"))
    with MAKERS[name](folder, **device) as plain:
        exact = scores(plain, PAIRS[:4])
        assert plain.reranker.traits.precision == "f32"
    wanted = "bf16" if bfloat16 else "f32"
    with pytest.warns(CompatWarning, match=f"fp16 means {wanted} here") as told:
        half = MAKERS[name](folder, **device, **HALF[name])
    assert told[0].filename == __file__
    with half:
        assert half.reranker.traits.precision == wanted
        assert scores(half, PAIRS[:4]) == pytest.approx(exact, abs=0.1 if bfloat16 else 1e-6)


def test_bfloat16_is_offered_exactly_where_the_cpu_has_it(compat_folder: CompatFolders) -> None:
    folder = str(compat_folder("bert"))
    if cpu_has_bfloat16():
        FlagReranker(folder, backend="openvino", precision="bf16").close()
    else:
        with pytest.raises(BackendUnavailableError):
            FlagReranker(folder, backend="openvino", precision="bf16")


@every_shape
def test_fp16_and_a_precision_contradict(name: str, compat_folder: CompatFolders) -> None:
    with pytest.raises(ConfigError, match="give one of them"):
        MAKERS[name](str(compat_folder("bert")), precision="f32", **HALF[name])


@every_shape
def test_adjudges_own_options_are_taken(name: str, compat_folder: CompatFolders) -> None:
    with MAKERS[name](str(compat_folder("bert")), backend="torch", threads=1, max_batch_tokens=256) as model:
        assert model.reranker.traits.backend == "torch"
        assert model.reranker.engine.max_batch_tokens == 256
        assert len(scores(model, SHORT)) == 3


@every_shape
def test_unknown_keywords_are_named(name: str, compat_folder: CompatFolders) -> None:
    with pytest.warns(CompatWarning, match="does not know compile, use_flash: no effect") as told:
        MAKERS[name](str(compat_folder("bert")), use_flash=True, compile=1).close()
    assert told[0].filename == __file__


@every_shape
@pytest.mark.parametrize(
    "pairs", ["ab", b"ab", None, 3, {"a": "b"}, ["ab"], [("a",)], [("a", "b", "c")], ["a", "b", "c"], [("a", None)], [(1, "b")], [None]]
)
def test_what_is_no_pair_is_refused(name: str, pairs: object, compat_folder: CompatFolders, cache: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        scores(loaded(name, compat_folder, cache), pairs)


@every_shape
@pytest.mark.parametrize("batch_size", [0, -1, 2.5, True, "8"])
def test_a_senseless_batch_size_is_refused(name: str, batch_size: Any, compat_folder: CompatFolders, cache: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="batch_size"):
        scores(loaded(name, compat_folder, cache), SHORT, batch_size=batch_size)


@every_shape
def test_a_batch_size_is_never_exceeded(
    name: str, compat_folder: CompatFolders, cache: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = loaded(name, compat_folder, cache)
    forward, rows = model.reranker.backend.forward, []
    monkeypatch.setattr(model.reranker.backend, "forward", lambda batch: rows.append(batch.rows) or forward(batch))
    scores(model, [(query, f"{passage} {n}") for n in range(4) for query, passage in SHORT], batch_size=5)
    assert sorted(rows) == [2, 5, 5]
    if name == "AutoModelForRanking":
        rows.clear()
        model.rerank("tea", ["a", "b", "c"], batch_size=2, long_documents_split=True)
        assert sorted(rows) == [1, 2]


@every_shape
def test_a_score_belongs_to_its_pair(name: str, compat_folder: CompatFolders, cache: dict[str, Any]) -> None:
    model = loaded(name, compat_folder, cache)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CompatWarning)
        together = np.array(scores(model, PAIRS))
        for pairs, where in ((PAIRS[::-1], slice(None, None, -1)), (PAIRS[5:8], slice(5, 8))):
            assert np.abs(np.array(scores(model, pairs)) - together[where]).max() < 1e-5
        assert np.abs(np.array(scores(model, PAIRS, batch_size=1)) - together).max() < 1e-5


@every_shape
def test_threads_may_share_one(name: str, compat_folder: CompatFolders, cache: dict[str, Any]) -> None:
    """FlagEmbedding's and sentence-transformers' shared tokenizers raise "Already borrowed"."""
    model = loaded(name, compat_folder, cache)
    with warnings.catch_warnings(), ThreadPoolExecutor(8) as pool:
        warnings.simplefilter("ignore", CompatWarning)
        expected = scores(model, PAIRS)
        results = list(pool.map(lambda shift: scores(model, PAIRS[shift:] + PAIRS[:shift]), range(16)))
    for shift, result in enumerate(results):
        assert np.abs(np.roll(result, shift) - np.array(expected)).max() < 1e-5


@every_shape
def test_after_close_it_says_so(name: str, compat_folder: CompatFolders) -> None:
    with MAKERS[name](str(compat_folder("bert"))) as model:
        pass
    model.close()
    with pytest.raises(ClosedError):
        scores(model, SHORT)


@every_shape
def test_an_embedder_is_refused(name: str, compat_folder: CompatFolders, tmp_path: Path) -> None:
    """The originals give it a random head and score with it."""
    from safetensors.numpy import load_file, save_file

    for source in compat_folder("bert").iterdir():
        (tmp_path / source.name).write_bytes(source.read_bytes())
    weights = load_file(tmp_path / "model.safetensors")
    save_file({key: value for key, value in weights.items() if not key.startswith("classifier")}, tmp_path / "model.safetensors")
    with pytest.raises(NotARerankerError):
        MAKERS[name](str(tmp_path))


@pytest.mark.parametrize("model", [None, 3, ["a"]])
@every_shape
def test_a_model_must_be_named(name: str, model: Any) -> None:
    with pytest.raises(ConfigError, match="name or the folder"):
        MAKERS[name](model)


def test_the_face_is_complete() -> None:
    assert set(compat.__all__) >= {"FlagReranker", "FlagAutoReranker", "AutoModelForRanking", "CrossEncoder"}


@pytest.fixture(scope="module")
def cache() -> Any:
    """Shapes that tests only ask."""
    made: dict[str, Any] = {}
    yield made
    for model in made.values():
        model.close()


def loaded(name: str, compat_folder: CompatFolders, cache: dict[str, Any]) -> Any:
    """One shape of each name, on the one-label BERT."""
    if name not in cache:
        cache[name] = MAKERS[name](str(compat_folder("bert")))
    return cache[name]
