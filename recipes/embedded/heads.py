"""The auxiliary heads of a trained folder, by torch: the shipped backends answer relevance alone."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from adjudge.engine.batches import plan_batches
from adjudge.engine.cut import CutDocument
from adjudge.engine.encode import Encoder
from adjudge.engine.tokenise import Tokeniser
from adjudge.models.weights import Weights
from adjudge.train.device import autocast, choose_device
from adjudge.train.settings import ModelConfig
from adjudge.train.student import load_student

__all__ = ["aspect_logits"]

LENGTH = 256


def aspect_logits(folder: str, pairs: list[tuple[str, str]]) -> NDArray[np.float64]:
    """(pairs, aspects) logits."""
    import torch

    student = load_student(ModelConfig(base=folder, max_length=LENGTH))
    stored = Weights([student.model.folder / "judge.safetensors"])
    head: Any = student.head
    head["aspects"].load_state_dict({part: torch.tensor(stored.array(f"aspects.{part}")) for part in ("weight", "bias")})
    student.network.eval()
    device = choose_device("auto")
    student.network.to(device)
    student.head.to(device)
    tokeniser = Tokeniser(student.model)
    cut = CutDocument(max_length=LENGTH, max_query=LENGTH * 3 // 4)
    ids = [item.pairs[0] for item in Encoder(tokeniser, LENGTH).encode_cut(pairs, cut)]
    found = np.zeros((len(pairs), head["aspects"].out_features))
    with torch.no_grad(), autocast("auto", device):
        for rows in plan_batches([len(p.ids) for p in ids], max_tokens=2048):
            found[rows] = student.forward(tokeniser.batch([ids[i] for i in rows]), device).aspects.float().cpu().numpy()
    return found
