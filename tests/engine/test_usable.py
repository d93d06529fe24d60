"""Whether an encoder goes on: not for a caller who has left, not after the deadline, and not in a forked child."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from adjudge.backends.base import Batch, Floats
from adjudge.engine.calls import Call, calling
from adjudge.errors import AbandonedError, DeadlineError
from adjudge.retrieval.dense import Embedder
from adjudge.retrieval.token_encoder import TokenEncoder
from tests.texts import DOCUMENTS

MANY = DOCUMENTS * 20


@pytest.fixture(scope="module", params=[Embedder, TokenEncoder])
def encoder(request: pytest.FixtureRequest) -> Iterator[Embedder | TokenEncoder]:
    with request.param(max_batch_pairs=1, threads=1) as opened:
        yield opened


class Watched:
    """A backend's forward, which tells how often it ran, and may do something each time."""

    def __init__(self, encoder: Embedder | TokenEncoder, monkeypatch: pytest.MonkeyPatch, *, also: object = None) -> None:
        self.passes = 0
        self._forward, self._also = encoder._backend.forward, also
        monkeypatch.setattr(encoder._backend, "forward", self)

    def __call__(self, batch: Batch) -> Floats:
        self.passes += 1
        if callable(self._also):
            self._also()
        return self._forward(batch)


def test_a_caller_who_leaves_is_worked_for_no_longer(encoder: Embedder | TokenEncoder, monkeypatch: pytest.MonkeyPatch) -> None:
    call = Call()
    watched = Watched(encoder, monkeypatch, also=call.leave)
    with calling(call), pytest.raises(AbandonedError):
        encoder.embed_detailed(MANY, kind="document")
    assert watched.passes <= len(MANY) // 4, "what runs already ends, what waits is dropped"
    assert len(encoder.embed_detailed(DOCUMENTS, kind="document").vectors) == len(DOCUMENTS), "and the next one is served"


def test_after_the_deadline_nothing_is_computed(encoder: Embedder | TokenEncoder, monkeypatch: pytest.MonkeyPatch) -> None:
    watched = Watched(encoder, monkeypatch)
    with calling(Call(deadline=time.monotonic() - 1)), pytest.raises(DeadlineError):
        encoder.embed_detailed(MANY, kind="document")
    assert watched.passes == 0


FORKS = """
import os, signal, sys
from adjudge.errors import BackendError
from adjudge.retrieval.dense import Embedder
from adjudge.retrieval.token_encoder import TokenEncoder

encoder = {"Embedder": Embedder, "TokenEncoder": TokenEncoder}[sys.argv[1]](threads=1)
encoder.embed_detailed(["a", "b"], kind="document")
child = os.fork()
if child == 0:
    signal.alarm(20)
    try:
        encoder.embed_detailed(["a", "b"], kind="document")
    except BackendError as exc:
        print(exc, flush=True)
    encoder.close()
    sys.exit(0)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), len(encoder.embed_detailed(["a", "b"], kind="document").vectors))
encoder.close()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.parametrize("name", ["Embedder", "TokenEncoder"])
def test_a_forked_child_is_told_so(name: str) -> None:
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", FORKS, name], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    said, end = done.stdout.splitlines()
    assert "before the process forked" in said
    assert end == "0 2"
