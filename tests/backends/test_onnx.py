"""Exported files: found under their names, fed what they ask for, refused when they are something else."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from adjudge.backends.loader import open_backend
from adjudge.backends.onnx import open_onnx
from adjudge.config import BackendConfig, Precision
from adjudge.errors import (
    BackendError,
    BackendUnavailableError,
    MissingExtraError,
    ModelFilesError,
    NotARerankerError,
    UnsafeModelError,
    UnsupportedModelError,
)
from adjudge.models.exported import exported_files
from adjudge.models.load import load_model
from tests.conftest import Folders
from tests.pair_batches import batch_of
from tests.references import export_onnx, transformers_logits
from tests.texts import PAIRS
from tests.tiny_models import Tiny, edit_config

CONFIG = BackendConfig(backend="onnx")
KNOWN_INPUTS = ["input_ids", "attention_mask", "token_type_ids", "position_ids"]


@pytest.fixture(scope="session")
def exported(tiny_folder: Folders, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder without safetensors. Copy it before you change it."""
    return export_onnx(tiny_folder(Tiny(family="roberta")), tmp_path_factory.mktemp("onnx") / "roberta")


@pytest.fixture
def folder(exported: Path, tmp_path: Path) -> Path:
    return shutil.copytree(exported, tmp_path / "model")


def write_graph(path: Path, inputs: dict[str, int], *, columns: int = 1) -> None:
    """logits = sum of all inputs over the row, repeated in `columns` columns: enough to see what is fed."""
    declared = [helper.make_tensor_value_info(name, kind, ["rows", "length"]) for name, kind in inputs.items()]
    nodes = [helper.make_node("Cast", [name], [f"{name}_f"], to=TensorProto.FLOAT) for name in inputs]
    nodes += [helper.make_node("ReduceSum", [f"{name}_f", "last"], [f"{name}_s"], keepdims=1) for name in inputs]
    nodes += [helper.make_node("Sum", [f"{name}_s" for name in inputs], ["total"])]
    nodes += [helper.make_node("Concat", ["total"] * columns, ["logits"], axis=1)]
    last = numpy_helper.from_array(np.array([1], np.int64), "last")
    output = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["rows", columns])
    graph = helper.make_graph(nodes, "sums", declared, [output], [last])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), path)


def test_a_folder_without_safetensors_loads_and_runs(exported: Path, tiny_folder: Folders) -> None:
    model = load_model(exported)
    assert model.exported_only
    batch = batch_of(model, PAIRS)
    backend = open_backend(model, BackendConfig())
    assert backend.traits.backend == "onnx"
    assert any("no safetensors" in note for note in backend.traits.notes)
    reference = transformers_logits(tiny_folder(Tiny(family="roberta")), batch)
    assert np.abs(backend.forward(batch) - reference).max() <= 1e-4


@pytest.mark.parametrize("backend", ["torch", "openvino"])
def test_other_backends_refuse_an_exported_file(exported: Path, backend: str) -> None:
    with pytest.raises(ModelFilesError, match="backend='onnx'"):
        open_backend(load_model(exported), BackendConfig(backend=backend))  # type: ignore[arg-type]


def test_safetensors_come_first_where_both_are(folder: Path, tiny_folder: Folders) -> None:
    shutil.copy(tiny_folder(Tiny(family="roberta")) / "model.safetensors", folder)
    model = load_model(folder)
    assert not model.exported_only
    assert open_backend(model, CONFIG).traits.backend == "onnx"


def test_files_are_known_by_the_names_of_exporters(tmp_path: Path) -> None:
    (tmp_path / "onnx").mkdir()
    for name in ("onnx/model_quantized.onnx", "onnx/model.onnx", "model_fp16.onnx"):
        (tmp_path / name).write_bytes(b"")
    assert {precision: path.name for precision, path in exported_files(tmp_path).items()} == {
        "f32": "model.onnx",
        "int8": "model_quantized.onnx",
        "f16": "model_fp16.onnx",
    }


def test_a_precision_is_a_file(folder: Path) -> None:
    (folder / "onnx").mkdir()
    shutil.move(folder / "model.onnx", folder / "onnx" / "model_quantized.onnx")
    model = load_model(folder)
    assert open_onnx(model, CONFIG).traits.precision == "int8"
    assert open_onnx(model, BackendConfig(backend="onnx", precision="int8")).traits.precision == "int8"
    for precision in ("f32", "bf16", "f16"):
        with pytest.raises(BackendUnavailableError, match="int8"):
            open_onnx(model, BackendConfig(backend="onnx", precision=_precision(precision)))


def _precision(name: str) -> Precision:
    return name  # type: ignore[return-value]


@pytest.mark.parametrize("names", [KNOWN_INPUTS[:1], KNOWN_INPUTS[:2], KNOWN_INPUTS], ids=len)
@pytest.mark.parametrize("kind", [TensorProto.INT64, TensorProto.INT32])
def test_exactly_the_declared_inputs_are_fed(folder: Path, names: list[str], kind: int) -> None:
    write_graph(folder / "model.onnx", dict.fromkeys(names, kind))
    model = load_model(folder)
    batch = batch_of(model, PAIRS[:5])
    batch.token_type_ids[:, 1] = 1
    parts: dict[str, Callable[[], np.ndarray]] = {
        "input_ids": lambda: batch.input_ids.sum(1),
        "attention_mask": lambda: batch.lengths,
        "token_type_ids": lambda: batch.token_type_ids.sum(1),
        "position_ids": lambda: np.array([sum(range(2, n + 2)) + (batch.input_ids.shape[1] - n) for n in batch.lengths]),
    }
    expected = sum(parts[name]() for name in names)
    assert open_onnx(model, CONFIG).forward(batch)[:, 0].tolist() == expected.tolist()


def test_positions_that_are_fed_leave_out_the_padding_that_a_text_spells(folder: Path) -> None:
    write_graph(folder / "model.onnx", {"position_ids": TensorProto.INT64})
    model = load_model(folder)
    batch = batch_of(model, [("what is <pad>", "padding"), ("what", "rows <pad><pad> filled")])
    counted = (batch.input_ids != model.spec.pad_token_id).sum(1)
    assert (counted < batch.lengths).all()
    expected = [sum(range(2, n + 2)) + (batch.input_ids.shape[1] - n) for n in counted]
    assert open_onnx(model, CONFIG).forward(batch)[:, 0].tolist() == expected


def test_an_unknown_input_is_named(folder: Path) -> None:
    write_graph(folder / "model.onnx", {"input_ids": TensorProto.INT64, "pixel_values": TensorProto.INT64})
    with pytest.raises(UnsupportedModelError, match="pixel_values"):
        open_onnx(load_model(folder), CONFIG)


def test_another_number_of_labels_is_no_reranker(folder: Path) -> None:
    write_graph(folder / "model.onnx", {"input_ids": TensorProto.INT64}, columns=384)
    with pytest.raises(NotARerankerError, match="384"):
        open_onnx(load_model(folder), CONFIG)


def test_the_output_called_logits_is_the_answer_wherever_it_stands(folder: Path) -> None:
    model = load_model(folder)
    batch = batch_of(model, PAIRS[:3])
    expected = open_onnx(model, CONFIG).forward(batch)
    graph = onnx.load(str(folder / "model.onnx"))
    norm = [node for node in graph.graph.node if node.op_type == "LayerNormalization"][-1]
    graph.graph.output.insert(0, helper.make_tensor_value_info(norm.output[0], TensorProto.FLOAT, None))
    onnx.save(graph, folder / "model.onnx")
    assert np.array_equal(open_onnx(model, CONFIG).forward(batch), expected)


def test_an_output_of_another_name_is_taken_where_none_is_called_logits(folder: Path) -> None:
    model = load_model(folder)
    graph = onnx.load(str(folder / "model.onnx"))
    for node in graph.graph.node:
        node.output[:] = ["scores" if name == "logits" else name for name in node.output]
    graph.graph.output[0].name = "scores"
    onnx.save(graph, folder / "model.onnx")
    assert open_onnx(model, CONFIG).forward(batch_of(model, PAIRS[:3])).shape == (3, 1)


@pytest.mark.parametrize("damage", [b"", b"not a graph at all", None])
def test_a_broken_file_is_refused(folder: Path, damage: bytes | None) -> None:
    path = folder / "model.onnx"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] if damage is None else damage)
    with pytest.raises(ModelFilesError, match=r"model\.onnx"):
        open_onnx(load_model(folder), CONFIG)


def test_a_folder_without_a_file_says_what_is_missing(tiny_model: Path) -> None:
    with pytest.raises(ModelFilesError, match="export one"):
        open_backend(load_model(tiny_model), CONFIG)


def test_pickles_beside_an_exported_file_do_no_harm_and_alone_are_refused(folder: Path) -> None:
    (folder / "pytorch_model.bin").write_bytes(b"")
    assert load_model(folder).exported_only
    (folder / "model.onnx").unlink()
    with pytest.raises(UnsafeModelError):
        load_model(folder)


@pytest.mark.parametrize("device", ["mps", "cuda:3", "tpu"])
def test_a_device_that_is_not_there_is_refused(exported: Path, device: str) -> None:
    with pytest.raises(BackendUnavailableError, match=device.split(":")[0]):
        open_onnx(load_model(exported), BackendConfig(backend="onnx", device=device))


def test_threads_reach_the_session(exported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import onnxruntime

    seen = []
    session = onnxruntime.InferenceSession

    def spy(path: str, options: onnxruntime.SessionOptions, **more: object) -> onnxruntime.InferenceSession:
        seen.append(options.intra_op_num_threads)
        return session(path, options, **more)

    monkeypatch.setattr(onnxruntime, "InferenceSession", spy)
    open_onnx(load_model(exported), BackendConfig(backend="onnx", threads=1))
    open_onnx(load_model(exported), CONFIG)
    assert seen == [1, 0]  # 0: the runtime's own choice, a thread a core


def test_without_onnxruntime_the_error_names_the_extra(exported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = load_model(exported)
    monkeypatch.setattr("adjudge.backends.onnx.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"adjudge\[onnx\]"):
        open_onnx(model, CONFIG)


def test_a_failure_while_running_names_the_batch(folder: Path) -> None:
    """Ids beyond the exported embedding table: the runtime refuses, and says so in its own words."""
    model = load_model(folder)
    backend, batch = open_onnx(model, CONFIG), batch_of(model, PAIRS[:2])
    batch.input_ids[0, 1] = json.loads((folder / "config.json").read_text(encoding="utf-8"))["vocab_size"]
    with pytest.raises(BackendError, match="2 x "):
        backend.forward(batch)


def test_the_config_decides_the_labels(folder: Path) -> None:
    edit_config(folder, id2label={"0": "no", "1": "yes"}, label2id={"no": 0, "yes": 1})
    with pytest.raises(NotARerankerError, match="2 logits"):
        open_onnx(load_model(folder), CONFIG)
