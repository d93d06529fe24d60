"""What only the torch backend has: devices, precisions, threads, memory, families run by transformers."""

from __future__ import annotations

import json
import shutil
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import torch

from adjudge.backends import torch as backend_module
from adjudge.backends.torch import TorchBackend, open_torch
from adjudge.config import BackendConfig, Precision, SourceConfig
from adjudge.errors import (
    BackendError,
    BackendMemoryError,
    BackendUnavailableError,
    MissingExtraError,
    ModelFilesError,
    NotARerankerError,
    UnsupportedModelError,
)
from adjudge.models.load import load_model
from adjudge.models.model import Model
from tests.conftest import Folders
from tests.pair_batches import batch_of, take
from tests.references import transformers_logits
from tests.texts import PAIRS
from tests.tiny_models import Tiny, edit_config, quiet

gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
no_gpu = pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a GPU")


@pytest.fixture(scope="session")
def model(tiny_model: Path) -> Model:
    return load_model(tiny_model)


def opened(model: Model, **settings: object) -> TorchBackend:
    return open_torch(model, BackendConfig(backend="torch", **({"device": "cpu"} | settings)))  # type: ignore[arg-type]


# -- devices and precisions ---------------------------------------------------------------------------------------


@no_gpu
@pytest.mark.parametrize("device", ["cuda", "cuda:0", "cuda:7", "mps"])
def test_a_device_that_is_not_there_is_refused(model: Model, device: str) -> None:
    if device == "mps" and torch.backends.mps.is_available():
        pytest.skip("this machine has it")
    with pytest.raises(BackendUnavailableError, match=device.split(":")[0]):
        opened(model, device=device)


@pytest.mark.parametrize("device", ["gpu", "cuda:x", "cpu:1", "", "cuda:-1"])
def test_a_device_that_is_none_is_refused(model: Model, device: str) -> None:
    with pytest.raises(BackendUnavailableError, match="auto, cpu, cuda"):
        opened(model, device=device)


@no_gpu
def test_auto_takes_the_cpu_in_float32_and_says_why(model: Model) -> None:
    traits = opened(model, device="auto").traits
    assert (traits.device, traits.precision) in (("cpu", "f32"), ("mps", "f32"))
    assert any(note.startswith("device ") for note in traits.notes)
    assert any(note.startswith("precision f32") for note in traits.notes)


def test_what_was_asked_for_needs_no_note(model: Model) -> None:
    assert opened(model, precision="f32").traits.notes == ()


@pytest.mark.parametrize(("precision", "advice"), [("f16", "bf16"), ("int8", "openvino")])
def test_precisions_that_a_cpu_has_not_are_refused_with_advice(model: Model, precision: Precision, advice: str) -> None:
    with pytest.raises(BackendUnavailableError, match=advice):
        opened(model, precision=precision)


@gpu
def test_a_gpu_runs_half_precision_without_padding(model: Model) -> None:
    backend = opened(model, device="auto")
    assert (backend.traits.device, backend.traits.precision) == ("cuda:0", "f16")
    difference = np.abs(backend.forward(batch_of(model, PAIRS)) - transformers_logits(model.folder, batch_of(model, PAIRS)))
    print(f"f16 on {torch.cuda.get_device_name()}: largest {difference.max():.3f}")
    assert difference.max() < 0.1


@gpu
@pytest.mark.parametrize("family", ["bert", "modernbert", "deberta-v2"])
def test_float32_on_a_gpu_is_what_transformers_says(family: str, tiny_folder: Folders) -> None:
    model = load_model(tiny_folder(Tiny(family=family)))
    batch = batch_of(model, PAIRS)
    found = opened(model, device="cuda", precision="f32").forward(batch)
    assert np.abs(found - transformers_logits(model.folder, batch)).max() <= 1e-4


# -- threads and memory -------------------------------------------------------------------------------------------


def test_threads_are_used_and_put_back(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    backend, before, seen = opened(model, threads=2), torch.get_num_threads(), []
    network = backend._network
    monkeypatch.setattr(backend, "_network", lambda batch: (seen.append(torch.get_num_threads()), network(batch))[1])
    backend.forward(batch_of(model, PAIRS[:2]))
    assert seen == [2]
    assert torch.get_num_threads() == before


def test_threads_are_put_back_after_a_failure(model: Model) -> None:
    backend, before = opened(model, threads=2), torch.get_num_threads()
    batch = batch_of(model, PAIRS[:2])
    batch.input_ids[0, 0] = model.spec.vocab_size
    with pytest.raises(BackendError, match="this is a bug"):
        backend.forward(batch)
    assert torch.get_num_threads() == before


def test_a_limit_on_threads_holds_on_every_thread(model: Model) -> None:
    backend = opened(model, threads=1)
    batch, before = batch_of(model, PAIRS[:8]), torch.get_num_threads()
    expected, answers = backend.forward(batch), []
    workers = [threading.Thread(target=lambda: answers.append(backend.forward(batch))) for _ in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(answers) == 6
    assert all(np.array_equal(answer, expected) for answer in answers)
    assert torch.get_num_threads() == before


@pytest.mark.parametrize(
    "failure",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory: you tried to allocate 99 bytes."),
        RuntimeError("MPS backend out of memory (MPS allocated: 9 GB)"),
        MemoryError(),
    ],
    ids=["cuda", "cpu", "mps", "python"],
)
def test_every_way_to_run_out_of_memory_has_one_name(model: Model, failure: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    backend = opened(model)

    def fail(batch: object) -> torch.Tensor:
        raise failure

    monkeypatch.setattr(backend, "_network", fail)
    with pytest.raises(BackendMemoryError, match="max_batch_tokens"):
        backend.forward(batch_of(model, PAIRS[:2]))


def test_a_real_failure_to_allocate_is_a_memory_error() -> None:
    with pytest.raises(BackendMemoryError), backend_module._memory_errors(None):
        torch.empty(2**60)


def test_other_failures_name_the_batch(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    backend = opened(model)

    def fail(batch: object) -> torch.Tensor:
        raise RuntimeError("a kernel broke")

    monkeypatch.setattr(backend, "_network", fail)
    with pytest.raises(BackendError, match="2 pairs.*a kernel broke"):
        backend.forward(batch_of(model, PAIRS[:2]))


def test_a_token_type_that_the_model_has_not_is_refused(tiny_folder: Folders) -> None:
    model = load_model(tiny_folder(Tiny(family="bert")))
    batch = batch_of(model, PAIRS[:2])
    batch.token_type_ids[0, 0] = 2
    with pytest.raises(BackendError, match="token type 2"):
        opened(model).forward(batch)


def test_without_torch_the_error_names_the_extra(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"adjudge\[torch\]"):
        opened(model)


# -- families run by transformers ---------------------------------------------------------------------------------


def test_a_foreign_model_that_lacks_its_head_is_refused(tiny_folder: Folders, tmp_path: Path) -> None:
    """The pooler is part of the head, and a checkpoint without it passes a look at tensor names."""
    folder = without(tiny_folder(Tiny(family="deberta-v2")), tmp_path / "headless", "pooler.")
    with pytest.raises(NotARerankerError, match="pooler"):
        opened(load_model(folder))


def test_a_foreign_model_that_lacks_a_layer_is_incomplete(tiny_folder: Folders, tmp_path: Path) -> None:
    folder = without(tiny_folder(Tiny(family="deberta-v2")), tmp_path / "torn", "deberta.encoder.layer.1.")
    with pytest.raises(ModelFilesError, match=r"deberta\.encoder\.layer\.1"):
        opened(load_model(folder))


def test_a_family_unknown_to_transformers_is_unsupported(tiny_folder: Folders, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_folder(Tiny(family="deberta-v2")), tmp_path / "odd")
    edit_config(folder, model_type="neverheardof")
    with pytest.raises(UnsupportedModelError, match="neverheardof"):
        opened(load_model(folder))


def test_loading_leaves_transformers_logging_as_it_was(tiny_folder: Folders, capfd: pytest.CaptureFixture[str]) -> None:
    from transformers.utils import logging

    before = logging.get_verbosity(), logging.is_progress_bar_enabled()
    opened(load_model(tiny_folder(Tiny(family="deberta-v2"))))
    assert (logging.get_verbosity(), logging.is_progress_bar_enabled()) == before
    assert capfd.readouterr().err == ""


def test_a_foreign_head_answers_finer_than_its_body(tiny_folder: Folders) -> None:
    """Half-precision logits would lie on a grid of 2^-6 between 2 and 4, and ties would follow."""
    model = load_model(tiny_folder(Tiny(family="deberta-v2")))
    logits = opened(model, precision="bf16").forward(batch_of(model, PAIRS))
    rounded = torch.from_numpy(logits).bfloat16().float().numpy()
    assert np.mean(rounded == logits) < 0.2


def test_a_decoder_reranker_without_padding_is_asked_row_by_row(tmp_path: Path, tiny_folder: Folders) -> None:
    """Such models read the score off the last token, which transformers finds by looking for padding."""
    from transformers import LlamaConfig, LlamaForSequenceClassification

    folder = tmp_path / "decoder"
    source = tiny_folder(Tiny(family="xlm-roberta"))
    vocabulary = json.loads((source / "config.json").read_text(encoding="utf-8"))["vocab_size"]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = LlamaConfig(
            vocab_size=vocabulary,
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_labels=1,
            initializer_range=0.3,
            max_position_embeddings=256,
        )
        network = LlamaForSequenceClassification(config).eval()
    with quiet():
        network.save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(source / name, folder)
    model = load_model(folder)
    batch = batch_of(model, PAIRS[:6])
    with torch.inference_mode():
        rows = [torch.from_numpy(batch.input_ids[row : row + 1, :length].astype(np.int64)) for row, length in enumerate(batch.lengths)]
        expected = torch.cat([network(input_ids=ids).logits for ids in rows]).numpy()
    backend = opened(model)
    assert np.abs(backend.forward(batch) - expected).max() <= 1e-5
    assert np.abs(backend.forward(take(batch, [3])) - expected[3]).max() <= 1e-5


REMOTE_CODE = """
import torch
from transformers import BertConfig, BertForSequenceClassification

class OddBert(BertForSequenceClassification):
    def forward(self, *args, **kwargs):
        answer = super().forward(*args, **kwargs)
        answer.logits = answer.logits + 100
        return answer
"""


def test_code_of_a_model_runs_only_when_it_is_trusted(tiny_folder: Folders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With trust, it is the model's own code that answers, not adjudge's graph of the family it claims to be."""
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "modules"))
    monkeypatch.setattr(sys, "path", [*sys.path])
    folder = shutil.copytree(tiny_folder(Tiny(family="bert")), tmp_path / "remote")
    (folder / "odd.py").write_text(REMOTE_CODE, encoding="utf-8")
    edit_config(folder, auto_map={"AutoModelForSequenceClassification": "odd.OddBert"})
    model = load_model(folder, SourceConfig(trust_remote_code=True))
    batch = batch_of(model, PAIRS[:3])
    expected = transformers_logits(tiny_folder(Tiny(family="bert")), batch) + 100
    assert np.abs(opened(model).forward(batch) - expected).max() <= 1e-3


def without(source: Path, target: Path, prefix: str) -> Path:
    """A copy of a folder whose weights lack every tensor under `prefix`."""
    from safetensors.numpy import load_file, save_file

    shutil.copytree(source, target)
    tensors = load_file(target / "model.safetensors")
    kept = {name: value for name, value in tensors.items() if not name.startswith(prefix)}
    assert len(kept) < len(tensors)
    save_file(kept, target / "model.safetensors", metadata={"format": "pt"})
    return target
