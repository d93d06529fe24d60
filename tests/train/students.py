"""Students, what they say about a few pairs, and what a Reranker says about the same."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from adjudge import Reranker
from adjudge.engine.cut import CutDocument
from adjudge.engine.encode import Encoder
from adjudge.engine.tokenise import Tokeniser
from adjudge.train.student import Student, trainable
from tests.texts import PAIRS
from tests.tiny_models import quiet

__all__ = ["SHORT", "headless", "learn", "said", "scored", "states"]

SHORT = tuple(pair for pair in PAIRS if sum(map(len, pair)) < 100)[::4]
"""Pairs that every tiny model sees whole."""


def said(student: Student, pairs: Sequence[tuple[str, str]] = SHORT, *, alone: bool = False) -> np.ndarray:
    """(pairs,) logits as training computes them, all in one batch or each in its own."""
    import torch

    with torch.no_grad():
        batches = [[pair] for pair in pairs] if alone else [list(pairs)]
        return np.concatenate([_forward(student, batch).logits.numpy() for batch in batches])


def scored(folder: Path, pairs: Sequence[tuple[str, str]] = SHORT) -> np.ndarray:
    """(pairs,) logits of a Reranker on torch in float32."""
    with Reranker(folder, backend="torch", precision="f32", device="cpu") as judge:
        return np.array(judge.score(pairs, normalize=False), np.float32)


def learn(student: Student, *, steps: int = 3, rate: float = 1e-2) -> None:
    """A few plain steps towards 3 for even pairs and -3 for odd ones, aspects included."""
    import torch

    optimiser = torch.optim.SGD([parameter for _, parameter in trainable(student)], lr=rate)
    wanted = torch.tensor([3.0 if i % 2 else -3.0 for i in range(len(SHORT))])
    for _ in range(steps):
        found = _forward(student, SHORT)
        loss = (found.logits - wanted).square().mean() + (found.aspects - 1).square().mean()
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_([parameter for _, parameter in trainable(student)], 1.0)
        optimiser.step()


def states(student: Student) -> dict[str, np.ndarray]:
    """Every parameter of body and head, as a copy."""
    parts: tuple[tuple[str, Any], ...] = (("network", student.network), ("head", student.head))
    return {f"{part}.{name}": p.detach().numpy().copy() for part, module in parts for name, p in module.named_parameters()}


def headless(folder: Path, target: Path) -> Path:
    """The body of a classifier alone, with its tokenizer: what a pretrained encoder looks like. Gives `target` back."""
    from transformers import AutoModel

    with quiet():
        AutoModel.from_pretrained(folder).save_pretrained(target)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (target / name).write_bytes((folder / name).read_bytes())
    return target


def _forward(student: Student, pairs: Sequence[tuple[str, str]]) -> Any:
    import torch

    tokeniser = Tokeniser(student.model)
    length = student.model.max_length
    items = Encoder(tokeniser, length).encode_cut(list(pairs), CutDocument(max_length=length, max_query=length // 2))
    assert not any(item.tokens_unseen for item in items)
    return student.forward(tokeniser.batch([item.pairs[0] for item in items]), torch.device("cpu"))
