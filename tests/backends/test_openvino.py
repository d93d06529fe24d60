"""What is openvino's own: choices, memory, closing. The laws that all backends share are in tests/contracts."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from adjudge.backends.base import DOCUMENT, QUERY, SPECIAL, Batch
from adjudge.backends.openvino import OpenVinoBackend, open_openvino
from adjudge.config import BackendConfig
from adjudge.errors import BackendUnavailableError, ClosedError
from adjudge.models.load import load_model
from adjudge.models.weights import Weights, release_pages

IDS = np.array([[0, 900, 901, 2, 2, 1000, 1001, 1002, 2]], np.int32)
SEGMENTS = np.array([[SPECIAL, QUERY, QUERY, SPECIAL, SPECIAL, DOCUMENT, DOCUMENT, DOCUMENT, SPECIAL]], np.int32)
BATCH = Batch(input_ids=IDS, lengths=np.array([9], np.int32), token_type_ids=np.zeros_like(IDS), segments=SEGMENTS)


@pytest.fixture(scope="module")
def judge() -> OpenVinoBackend:
    return open_openvino(load_model("embedded"), BackendConfig(threads=1))


def test_weights_that_left_memory_are_still_there(judge: OpenVinoBackend) -> None:
    first = judge.forward(BATCH)  # after this one the pages of the file are released
    assert np.array_equal(judge.forward(BATCH), first)


def test_released_pages_come_back_from_the_file(tmp_path: Path) -> None:
    values = np.arange(100_000, dtype=np.float32).reshape(100, 1000)
    save_file({"w": values}, tmp_path / "w.safetensors")
    mapped = Weights([tmp_path / "w.safetensors"]).array("w")
    release_pages(mapped)
    assert np.array_equal(mapped, values)


def test_an_array_of_no_file_keeps_its_values() -> None:
    values = np.arange(5000, dtype=np.float32)
    release_pages(values[10:])
    assert values[11] == 11


def test_a_call_that_waits_for_a_stream_while_the_model_closes_is_answered() -> None:
    backend = open_openvino(load_model("embedded"), BackendConfig(threads=1))
    stream = backend._idle.get()  # somebody computes
    answers: list[BaseException] = []

    def ask() -> None:
        try:
            backend.forward(BATCH)
        except ClosedError as exc:
            answers.append(exc)

    waiting = [threading.Thread(target=ask) for _ in range(3)]
    for thread in waiting:
        thread.start()
    closing = threading.Thread(target=backend.close)
    closing.start()
    backend._idle.put(stream)
    for thread in [*waiting, closing]:
        thread.join(timeout=30)
        assert not thread.is_alive()
    with pytest.raises(ClosedError):
        backend.forward(BATCH)


@pytest.mark.parametrize(("options", "word"), [({"device": "cuda"}, "torch"), ({"precision": "f16"}, "bf16")])
def test_what_it_cannot_do_is_refused(options: dict[str, str], word: str) -> None:
    with pytest.raises(BackendUnavailableError, match=word):
        open_openvino(load_model("embedded"), BackendConfig(**options))  # type: ignore[arg-type]


def test_int8_says_how_it_is_multiplied(judge: OpenVinoBackend) -> None:
    assert judge.traits.precision == "int8"
    assert any("int8 weights are multiplied" in note for note in judge.traits.notes)
