"""What every backend must do, for every family and precision that it runs. One suite, real models, no network."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from adjudge.backends.base import Backend, Batch, Floats
from adjudge.backends.loader import open_backend
from adjudge.config import BackendConfig, BackendName, Precision
from adjudge.errors import BackendUnavailableError, ClosedError
from adjudge.models.load import load_model
from adjudge.models.model import Model
from tests.conftest import Folders
from tests.pair_batches import batch_of, shuffled, take, with_padding
from tests.references import export_onnx, transformers_logits
from tests.texts import DOCUMENTS, LONG, PAIRS, QUERIES
from tests.tiny_models import FAMILIES, NATIVE, Tiny, hidden_size

ALL_PAIRS = (*PAIRS, (QUERIES[0], LONG), (LONG, LONG), (QUERIES[0], ""))
"""Also a pair that fills the model's room, and one without a document."""

SPELLED_PADDING = "rows are filled with <pad> (in others: [PAD]) <pad><pad> up to the longest row of a batch [PAD]"
"""A document that spells the padding token itself, which tokenizers then give the padding's id."""

F32_TOLERANCE = 1e-4  # on the logit, against transformers
LABELS = 3


@dataclass(frozen=True, slots=True)
class Subject:
    """One way to run one family."""

    backend: BackendName
    precision: Precision
    family: str

    def __str__(self) -> str:
        return f"{self.backend}-{self.precision}-{self.family}"

    def tiny(self, labels: int = 1) -> Tiny:
        """int8 takes wider layers: below 64 columns the openvino backend leaves a matrix in float."""
        return Tiny(family=self.family, labels=labels, config=hidden_size(self.family, 64) if self.precision == "int8" else {})


@dataclass(frozen=True, slots=True)
class Opened:
    """A subject, its model in its backend, and a batch of ALL_PAIRS with the answers of transformers in float32."""

    subject: Subject
    folder: Path
    model: Model
    backend: Backend
    batch: Batch
    reference: Floats


@dataclass(frozen=True, slots=True)
class Closeness:
    """How near a precision must come to float32 on models whose logits have a standard deviation of 2."""

    largest: float
    average: float
    kendall_tau: float


CLOSENESS = {"bf16": Closeness(0.5, 0.1, 0.95), "int8": Closeness(1.6, 0.3, 0.88)}
"""int8: one pair of a random DistilBERT is 1.38 off on a CPU with AVX-512 BF16 and no AMX; with AMX 1.2 was enough."""
SAME_PAIR = {"f32": 5e-5, "bf16": 0.3, "int8": 0.3}
"""The same pair alone, in company, in another place, with more padding: not exact, because a matrix product of another height
may add up in another order; in bf16 one rounding that falls the other way moves a random model's logit by a tenth."""

F32 = [
    *(Subject("torch", "f32", family) for family in FAMILIES),
    *(Subject("openvino", "f32", family) for family in NATIVE),
    *(Subject("onnx", "f32", family) for family in FAMILIES),
]
COARSE = [
    *(Subject("torch", "bf16", family) for family in FAMILIES),
    *(Subject("openvino", "bf16", family) for family in NATIVE),
    *(Subject("openvino", "int8", family) for family in NATIVE),
]
FAKE = Subject("fake", "f32", "xlm-roberta")

Opener = Callable[[Subject], Opened]


@pytest.fixture(scope="session")
def folder_of(tiny_folder: Folders, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Subject, int], Path]:
    """The folder that a subject reads: for onnx one that holds nothing but the exported file."""
    root = tmp_path_factory.mktemp("exported")

    def find(subject: Subject, labels: int) -> Path:
        source = tiny_folder(subject.tiny(labels))
        if subject.backend != "onnx":
            return source
        target = root / source.name
        return target if target.is_dir() else export_onnx(source, target)

    return find


@pytest.fixture(scope="session")
def opener(tiny_folder: Folders, folder_of: Callable[[Subject, int], Path]) -> Iterator[Opener]:
    cache: dict[Subject, Opened] = {}

    def get(subject: Subject) -> Opened:
        if subject not in cache:
            folder, source = folder_of(subject, 1), tiny_folder(subject.tiny())
            model = load_model(folder)
            backend = open_or_skip(model, subject)
            batch = batch_of(model, ALL_PAIRS)
            cache[subject] = Opened(subject, folder, model, backend, batch, transformers_logits(source, batch))
        return cache[subject]

    yield get
    for opened in cache.values():
        opened.backend.close()


@pytest.fixture
def opened(request: pytest.FixtureRequest, opener: Opener) -> Opened:
    return opener(request.param)


def open_or_skip(model: Model, subject: Subject) -> Backend:
    """bfloat16 is refused by the openvino backend on a CPU without it; everything else must open."""
    try:
        return open_backend(model, BackendConfig(backend=subject.backend, device="cpu", precision=subject.precision))
    except BackendUnavailableError as exc:
        if subject.precision == "bf16":
            pytest.skip(str(exc))
        raise


def every(subjects: list[Subject]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("opened", subjects, indirect=True, ids=str)


def kendall_tau(a: Floats, b: Floats) -> float:
    """Rank agreement over all pairs of entries (tau-a): 1 when both order them alike."""
    upper = np.triu_indices(len(a), 1)
    agree = np.sign(a[:, None] - a[None, :])[upper] * np.sign(b[:, None] - b[None, :])[upper]
    return float(agree.mean())


@every(F32)
def test_float32_is_what_transformers_says(opened: Opened) -> None:
    difference = np.abs(opened.backend.forward(opened.batch) - opened.reference)
    print(f"{opened.subject}: largest difference {difference.max():.1e}")
    assert difference.max() <= F32_TOLERANCE


@every(F32)
def test_padding_that_a_text_spells_is_read_as_transformers_reads_it(opened: Opened, tiny_folder: Folders) -> None:
    """RoBERTa and XLM-R do not count such a token when they number positions."""
    batch = batch_of(opened.model, [(QUERIES[0], SPELLED_PADDING), *PAIRS[:2], (SPELLED_PADDING, QUERIES[0])])
    assert (batch.input_ids[0, : batch.lengths[0]] == opened.model.spec.pad_token_id).sum() >= 2
    reference = transformers_logits(tiny_folder(opened.subject.tiny()), batch)
    difference = np.abs(opened.backend.forward(batch) - reference)
    print(f"{opened.subject}: largest difference {difference.max():.1e}")
    assert difference.max() <= F32_TOLERANCE


@every(COARSE)
def test_coarser_precisions_stay_near_and_rank_alike(opened: Opened) -> None:
    logits, limit = opened.backend.forward(opened.batch), CLOSENESS[opened.subject.precision]
    difference = np.abs(logits - opened.reference)
    tau = kendall_tau(logits[:, 0], opened.reference[:, 0])
    print(f"{opened.subject}: largest {difference.max():.3f}, average {difference.mean():.3f}, tau {tau:.3f}")
    assert difference.max() <= limit.largest
    assert difference.mean() <= limit.average
    assert tau >= limit.kendall_tau


@every(COARSE)
def test_the_best_document_stays_among_the_best(opened: Opened) -> None:
    """For each query: what a coarse precision ranks first lies no further below the true first than its tolerance."""
    logits = opened.backend.forward(opened.batch)[: len(PAIRS), 0].reshape(len(QUERIES), len(DOCUMENTS))
    truth = opened.reference[: len(PAIRS), 0].reshape(logits.shape)
    lost = truth.max(1) - truth[np.arange(len(QUERIES)), logits.argmax(1)]
    print(f"{opened.subject}: same first {np.mean(lost == 0):.2f}, most lost {lost.max():.3f}")
    assert lost.max() <= CLOSENESS[opened.subject.precision].largest


@every([*F32, *COARSE, FAKE])
def test_a_logit_belongs_to_its_pair(opened: Opened) -> None:
    """Alone = in a batch = in another order = with more padding."""
    batch = take(opened.batch, [*range(0, len(PAIRS), 12), *range(len(PAIRS), len(ALL_PAIRS))])
    whole = opened.backend.forward(batch)
    alone = np.concatenate([opened.backend.forward(take(batch, [row])) for row in range(batch.rows)])
    other, order = shuffled(batch, seed=7)
    moved = opened.backend.forward(other)
    short = np.flatnonzero(batch.lengths <= opened.model.max_length - 30)  # no batch is longer than the model has positions
    padded = opened.backend.forward(with_padding(take(batch, short.tolist()), 30, pad_id=opened.model.spec.pad_token_id))
    answers = ((alone, whole), (moved, whole[order]), (padded, whole[short]))
    differences = [float(np.abs(found - wanted).max()) for found, wanted in answers]
    print(f"{opened.subject}: alone {differences[0]:.1e}, shuffled {differences[1]:.1e}, padded {differences[2]:.1e}")
    assert max(differences) <= (0 if opened.subject.backend == "fake" else SAME_PAIR[opened.subject.precision])


@every([*F32, *COARSE, FAKE])
def test_many_threads_get_the_answers_of_one(opened: Opened) -> None:
    parts = [take(opened.batch, list(range(start, start + 4))) for start in range(0, 32, 4)]
    alone = [opened.backend.forward(part) for part in parts]
    gate = threading.Barrier(len(parts))

    def work(part: Batch) -> list[Floats]:
        gate.wait()
        return [opened.backend.forward(part) for _ in range(3)]

    with ThreadPoolExecutor(len(parts)) as pool:
        together = list(pool.map(work, parts))
    differences = [float(np.abs(found - wanted).max()) for answers, wanted in zip(together, alone, strict=True) for found in answers]
    # The same batch on another thread does the same arithmetic, so there is no tolerance for order here.
    assert max(differences) <= (1e-5 if opened.subject.precision == "f32" else 0.1)


@every([*F32, *COARSE, FAKE])
def test_the_answer_has_its_shape_and_is_the_callers_own(opened: Opened) -> None:
    first = opened.backend.forward(take(opened.batch, [0, 1, 2]))
    kept = first.copy()
    one = opened.backend.forward(take(opened.batch, [5]))
    assert (first.shape, first.dtype) == ((3, 1), np.float32)
    assert one.shape == (1, 1)
    assert np.array_equal(first, kept), "a later forward wrote into an earlier answer"


@every([*F32, *COARSE, FAKE])
def test_traits_say_what_runs(opened: Opened) -> None:
    traits = opened.backend.traits
    assert (traits.backend, traits.precision, traits.device) == (opened.subject.backend, opened.subject.precision, "cpu")
    assert traits.outputs == 1
    assert traits.parallel >= 1


@pytest.mark.parametrize("subject", [s for s in [*F32, FAKE] if s.backend != "onnx" or s.family in ("bert", "xlm-roberta")], ids=str)
def test_several_labels(subject: Subject, tiny_folder: Folders, folder_of: Callable[[Subject, int], Path]) -> None:
    model = load_model(folder_of(subject, LABELS))
    batch = batch_of(model, ALL_PAIRS[::7])
    backend = open_or_skip(model, subject)
    logits = backend.forward(batch)
    backend.close()
    assert logits.shape == (batch.rows, LABELS)
    assert backend.traits.outputs == LABELS
    if subject != FAKE:
        reference = transformers_logits(tiny_folder(subject.tiny(LABELS)), batch)
        assert np.abs(logits - reference).max() <= F32_TOLERANCE


@pytest.mark.parametrize("subject", [*(Subject(name, "f32", "bert") for name in ("torch", "openvino", "onnx")), FAKE], ids=str)
def test_closing_twice_is_fine_and_a_closed_backend_refuses(subject: Subject, folder_of: Callable[[Subject, int], Path]) -> None:
    model = load_model(folder_of(subject, 1))
    batch, backend = batch_of(model, PAIRS[:2]), open_or_skip(model, subject)
    backend.forward(batch)
    backend.close()
    backend.close()
    with pytest.raises(ClosedError):
        backend.forward(batch)
