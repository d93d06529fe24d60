"""Backends read every form that weights are stored in, compute adjudge's own heads, and never hide a NaN."""

from __future__ import annotations

import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from adjudge.backends.loader import open_backend
from adjudge.backends.torch_plain import plain_logits
from adjudge.config import BackendConfig, BackendName, Precision
from adjudge.engine.scores import relevance
from adjudge.errors import InvalidLogitsError
from adjudge.models.load import load_encoder, load_model
from adjudge.models.model import Model
from tests.conftest import Folders
from tests.pair_batches import batch_of, take
from tests.references import export_onnx, transformers_logits
from tests.texts import LONG, PAIRS, QUERIES
from tests.tiny_models import NATIVE, Tiny, hidden_size
from tests.tiny_own import build_own

SOME_PAIRS = (*PAIRS[::6], (QUERIES[1], LONG), (QUERIES[0], ""), (QUERIES[0], "a text that spells <pad> and [PAD] itself"))
NATIVE_BACKENDS: tuple[BackendName, ...] = ("torch", "openvino")


@pytest.fixture(scope="session")
def own_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_own(tmp_path_factory.mktemp("own") / "tiny")


def run(model: Model, backend: BackendName, precision: Precision = "f32") -> np.ndarray:
    """Logits of SOME_PAIRS."""
    opened = open_backend(model, BackendConfig(backend=backend, device="cpu", precision=precision))
    logits = opened.forward(batch_of(model, SOME_PAIRS))
    opened.close()
    return logits


@pytest.mark.parametrize("backend", NATIVE_BACKENDS)
@pytest.mark.parametrize(
    "tiny", [Tiny(family="bert", shards=True), Tiny(family="bert", dtype="float16"), Tiny(family="modernbert", dtype="bfloat16")]
)
def test_shards_and_half_precision_files(tiny: Tiny, backend: BackendName, tiny_folder: Folders) -> None:
    model = load_model(tiny_folder(tiny))
    reference = transformers_logits(tiny_folder(tiny), batch_of(model, SOME_PAIRS))
    assert np.abs(run(model, backend) - reference).max() <= 1e-4


@pytest.mark.parametrize("backend", NATIVE_BACKENDS)
@pytest.mark.parametrize("family", ["bert", "electra"])
def test_norms_under_the_names_of_old_checkpoints(family: str, backend: BackendName, tiny_folder: Folders, tmp_path: Path) -> None:
    """TensorFlow's BERT called them gamma and beta, and so do checkpoints that were converted early."""
    folder = shutil.copytree(tiny_folder(Tiny(family=family)), tmp_path / "old")
    old = {"LayerNorm.weight": "LayerNorm.gamma", "LayerNorm.bias": "LayerNorm.beta"}
    tensors = load_file(folder / "model.safetensors")
    renamed = {f"{name.removesuffix(end)}{old[end]}": name for name in tensors for end in old if name.endswith(end)}
    assert len(renamed) >= 2
    kept = {name: value for name, value in tensors.items() if name not in renamed.values()}
    save_file(kept | {new: tensors[name] for new, name in renamed.items()}, folder / "model.safetensors", metadata={"format": "pt"})
    model = load_model(folder)
    reference = transformers_logits(folder, batch_of(model, SOME_PAIRS))
    assert np.abs(reference - transformers_logits(tiny_folder(Tiny(family=family)), batch_of(model, SOME_PAIRS))).max() <= 1e-5
    assert np.abs(run(model, backend) - reference).max() <= 1e-4


@pytest.mark.parametrize("family", NATIVE)
def test_fast_equals_plain(family: str, tiny_folder: Folders) -> None:
    """The plain padded way agrees with transformers and with what is fast."""
    model = load_model(tiny_folder(Tiny(family=family)))
    batch = batch_of(model, SOME_PAIRS)
    plain = plain_logits(model, batch)
    to_fast, to_reference = np.abs(plain - run(model, "torch")).max(), np.abs(plain - transformers_logits(model.folder, batch)).max()
    print(f"{family}: packed against plain {to_fast:.1e}, plain against transformers {to_reference:.1e}")
    assert max(to_fast, to_reference) <= 1e-4


@pytest.mark.parametrize("options", [{"classifier_pooling": "mean"}, {"norm_bias": True}, {"attention_bias": True}], ids=str)
@pytest.mark.parametrize("backend", NATIVE_BACKENDS)
def test_variants_of_modernbert(options: dict[str, object], backend: BackendName, tiny_folder: Folders) -> None:
    folder = tiny_folder(Tiny(family="modernbert", config=options))
    model = load_model(folder)
    assert np.abs(run(model, backend) - transformers_logits(folder, batch_of(model, SOME_PAIRS))).max() <= 1e-4


@pytest.mark.parametrize("layers", [3, 4, 6], ids="last layer of {}".format)
def test_a_last_layer_that_sees_a_window(layers: int, tiny_folder: Folders) -> None:
    """Only the first token's last hidden state is computed where the last layer sees everything: not so in these."""
    folder = tiny_folder(Tiny(family="modernbert", config={"num_hidden_layers": layers}))
    model = load_model(folder)
    assert np.abs(run(model, "torch") - transformers_logits(folder, batch_of(model, SOME_PAIRS))).max() <= 1e-4


@pytest.mark.parametrize("backend", NATIVE_BACKENDS)
@pytest.mark.parametrize("activation", ["gelu_new", "relu", "silu"])
def test_other_activations(activation: str, backend: BackendName, tiny_folder: Folders) -> None:
    folder = tiny_folder(Tiny(family="bert", config={"hidden_act": activation}))
    model = load_model(folder)
    assert np.abs(run(model, backend) - transformers_logits(folder, batch_of(model, SOME_PAIRS))).max() <= 1e-4


@pytest.mark.parametrize("backend", NATIVE_BACKENDS)
@pytest.mark.parametrize(("precision", "tolerance"), [("f32", 1e-4), ("bf16", 0.2)])
def test_the_match_head(own_folder: Path, backend: BackendName, precision: Precision, tolerance: float) -> None:
    """Also for a document without tokens."""
    model = load_model(own_folder)
    plain = plain_logits(model, batch_of(model, SOME_PAIRS))
    difference = np.abs(run(model, backend, precision) - plain).max()
    print(f"{backend} {precision}: {difference:.1e}, logits {plain.min():.2f} to {plain.max():.2f}")
    assert plain.std() > 0.5
    assert difference <= tolerance


@pytest.mark.parametrize("backend", NATIVE_BACKENDS)
def test_a_query_without_tokens_is_still_a_number(own_folder: Path, backend: BackendName) -> None:
    model = load_model(own_folder)
    batch = batch_of(model, [("", "bamboo"), ("", "")])
    opened = open_backend(model, BackendConfig(backend=backend, device="cpu", precision="f32"))
    assert np.abs(opened.forward(batch) - plain_logits(model, batch)).max() <= 1e-4


@pytest.mark.parametrize("backend", NATIVE_BACKENDS)
def test_the_embedding_head(own_folder: Path, backend: BackendName) -> None:
    model = load_encoder(own_folder)
    vectors = run(model, backend)
    assert vectors.shape == (len(SOME_PAIRS), model.spec.hidden_size)
    assert np.abs(np.linalg.norm(vectors, axis=1) - 1).max() <= 1e-5
    assert np.abs(vectors - plain_logits(model, batch_of(model, SOME_PAIRS))).max() <= 1e-4


@pytest.mark.parametrize("backend", NATIVE_BACKENDS)
def test_the_shipped_judge_on_another_road(backend: BackendName) -> None:
    """The model inside the package, in float32, against the plain way."""
    model = load_model("embedded")
    batch = batch_of(model, [*PAIRS[::20], (QUERIES[1], LONG)])
    opened = open_backend(model, BackendConfig(backend=backend, device="cpu", precision="f32"))
    difference = np.abs(opened.forward(batch)[:, :1] - plain_logits(model, batch)).max()  # test_aspects.py looks at the rest
    opened.close()
    print(f"{backend}: {difference:.1e}")
    assert difference <= 1e-4


@pytest.mark.parametrize(
    ("backend", "precision"), [("torch", "f32"), ("torch", "bf16"), ("openvino", "f32"), ("openvino", "int8"), ("onnx", "f32")]
)
def test_a_nan_is_never_silent(backend: BackendName, precision: Precision, tiny_folder: Folders, tmp_path: Path) -> None:
    """One damaged weight: what comes out is refused by the first step after the backend, not turned into a score."""
    from safetensors.numpy import load_file, save_file

    config = hidden_size("xlm-roberta", 64)
    folder = shutil.copytree(tiny_folder(Tiny(family="xlm-roberta", config=config)), tmp_path / "damaged")
    tensors = load_file(folder / "model.safetensors")
    tensors["roberta.encoder.layer.1.output.dense.weight"][3, 5] = np.nan
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    if backend == "onnx":
        folder = export_onnx(folder, tmp_path / "damaged-onnx")
    model = load_model(folder)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # numpy says so too when it quantises
        opened = open_backend(model, BackendConfig(backend=backend, device="cpu", precision=precision))
    logits = opened.forward(take(batch_of(model, SOME_PAIRS), [0, 1]))
    with pytest.raises(InvalidLogitsError):
        relevance(logits, model.spec.head, model.config)


def test_int8_leaves_narrow_matrices_in_float(tiny_folder: Folders) -> None:
    """OpenVINO's int8 product of fewer than 64 columns is wrong by hundreds; such layers stay in float."""
    model = load_model(tiny_folder(Tiny(family="roberta")))
    assert model.spec.hidden_size < 64
    difference = np.abs(run(model, "openvino", "int8") - run(model, "openvino", "f32")).max()
    assert difference < 1
