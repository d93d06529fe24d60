"""One run: a student, its data, and where it is. A step is a function of seed and step number, so a killed run resumes to the same end."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..engine.batches import plan_batches
from ..engine.cut import CutDocument
from ..engine.encode import QUERY_SHARE, Encoder
from ..engine.tokenise import Tokeniser
from ..errors import TrainingError
from .checkpoint import History, load_state, save_state
from .device import autocast, choose_device, grad_scaler
from .feed import Chunk, Feed, batches_of, chunks_of
from .identity import DEV, check_identity, identity
from .losses import Lists
from .measure import evaluate, usable
from .optimiser import build_optimiser, learning_rate, set_learning_rate
from .outcome import Evaluation, StepRecord
from .rows import Group
from .settings import TrainConfig
from .student import Scored, Student, load_student, trainable
from .weighing import Counts, count, total, weigh

__all__ = ["Trainer"]

logger = logging.getLogger("adjudge")

CPU_FORWARD_TOKENS = 2048
"""Padded tokens of a forward pass within a chunk, on a CPU: pairs of like length together, so little is padding. A GPU takes it whole."""


class Trainer:
    """A run: its student, its data, and where it is."""

    def __init__(self, config: TrainConfig, feed: Feed, dev: Sequence[Group]) -> None:
        """Load the model and, where the output folder holds a checkpoint, go on from it."""
        import torch

        self.config, self.feed, self.dev = config, feed, usable(dev)
        run = config.run
        if run.threads is not None:
            torch.set_num_threads(run.threads)
        torch.manual_seed(run.seed)
        self.device = choose_device(run.device)
        self.forward_tokens = CPU_FORWARD_TOKENS if self.device.type == "cpu" else run.batch_tokens
        self.student: Student = load_student(config.model, plain_attention=self.device.type == "cpu")
        self.student.network.to(self.device).train()
        self.student.head.to(self.device).train()
        self.tokeniser = Tokeniser(self.student.model)
        self.max_length = min(config.model.max_length, self.student.model.max_length)
        self.encoder = Encoder(self.tokeniser, self.max_length)
        self.optimiser = build_optimiser(self.student, config.optimiser)
        self.scaler = grad_scaler(run.precision, self.device)
        self.steps = run.planned_steps(feed.epoch_steps)
        self.step, self.tokens, self.seconds = 0, 0, 0.0
        self.saved = 0  # the step of the checkpoint on disk; 0: there is none
        self.best: Evaluation | None = None
        run.output.mkdir(parents=True, exist_ok=True)
        self.identity = identity(config, feed, self.dev, self.student.model)
        state = load_state(run.output)
        changed = frozenset[str]() if state is None else self._restore(state)
        self.history = History(run.output, keep_until=-1 if state is None else self.step, measured=DEV not in changed)

    def run_step(self) -> StepRecord:
        """One optimiser step over `groups_per_step` groups."""
        import torch

        began = time.perf_counter()
        run, config = self.config.run, self.config
        rate = learning_rate(self.step, self.steps, config.optimiser)
        set_learning_rate(self.optimiser, rate)
        groups = self.feed.step(self.step)
        chunks = list(chunks_of(groups, self.encoder, max_length=self.max_length, budget=run.batch_tokens, shaping=config.data.shaping))
        counted = [count(chunk) for chunk in chunks]
        summed, tokens = 0.0, 0
        for chunk, counts in zip(chunks, counted, strict=True):
            loss = self._loss(chunk, (counts, total(counted)))
            self.scaler.scale(loss).backward()
            summed += float(loss.detach())
            tokens += chunk.tokens
        self.scaler.unscale_(self.optimiser)
        norm = torch.nn.utils.clip_grad_norm_([p for _, p in trainable(self.student)], config.optimiser.clip)
        if not np.isfinite(summed) or (not torch.isfinite(norm) and run.precision != "f16"):
            raise TrainingError(
                f"the loss of step {self.step} is {summed} and its gradient's norm {float(norm)}: training cannot go on. "
                "Lower optimiser.learning_rate, or set run.precision to f32"
            )
        self.scaler.step(self.optimiser)
        self.scaler.update()
        self.optimiser.zero_grad(set_to_none=True)
        self.step += 1
        seconds = time.perf_counter() - began
        self.tokens += tokens
        self.seconds += seconds
        return StepRecord(step=self.step, loss=summed, learning_rate=rate, gradient_norm=float(norm), tokens=tokens, seconds=seconds)

    def score(self, groups: Sequence[Group]) -> list[np.ndarray]:
        """Logits of each group's passages, without gradients."""
        import torch

        found: list[np.ndarray] = [np.zeros(len(group.items), np.float32) for group in groups]
        with torch.no_grad():
            self.student.network.eval()
            for first in range(0, len(groups), 256):
                block = groups[first : first + 256]
                encoded = [(first + g, at, group.query, item.text) for g, group in enumerate(block) for at, item in enumerate(group.items)]
                for chunk_rows, logits in self._score_pairs([(q, d) for _, _, q, d in encoded]):
                    for row, logit in zip(chunk_rows, logits, strict=True):
                        found[encoded[row][0]][encoded[row][1]] = logit
            self.student.network.train()
        return found

    def _score_pairs(self, pairs: list[tuple[str, str]]) -> list[tuple[list[int], list[float]]]:
        cut = CutDocument(max_length=self.max_length, max_query=int(self.max_length * QUERY_SHARE))
        ids = [item.pairs[0] for item in self.encoder.encode_cut(pairs, cut)]
        found = []
        for rows in plan_batches([len(p.ids) for p in ids], max_tokens=self.forward_tokens):
            with autocast(self.config.run.precision, self.device):
                scored = self.student.forward(self.tokeniser.batch([ids[i] for i in rows]), self.device)
            found.append((list(rows), scored.logits.float().cpu().tolist()))
        return found

    def evaluate(self) -> Evaluation:
        """Measure the dev groups."""
        return evaluate(self.dev, self.score, step=self.step)

    def save(self) -> None:
        """Write the checkpoint."""
        import torch

        save_state(
            self.config.run.output,
            {
                "identity": self.identity,
                "step": self.step,
                "steps": self.steps,
                "tokens": self.tokens,
                "seconds": self.seconds,
                "parameters": {name: parameter.detach().cpu() for name, parameter in trainable(self.student)},
                "optimiser": self.optimiser.state_dict(),
                "scaler": self.scaler.state_dict(),
                "random": torch.get_rng_state(),
                "best": None if self.best is None else self.best.to_json(),
            },
        )
        self.saved = self.step

    def _restore(self, state: dict[str, Any]) -> frozenset[str]:
        """Be where the checkpoint was; the names of settings that have changed since."""
        import torch

        changed = check_identity(state.get("identity"), self.identity, self.config.run.output)
        own, saved = dict(trainable(self.student)), state["parameters"]
        if {name: parameter.shape for name, parameter in own.items()} != {name: tensor.shape for name, tensor in saved.items()}:
            raise TrainingError(
                f"the checkpoint in {self.config.run.output} belongs to another model or other frozen layers; "
                "give this run another output folder"
            )
        with torch.no_grad():
            for name, parameter in own.items():
                parameter.copy_(saved[name])
        self.optimiser.load_state_dict(state["optimiser"])
        self.scaler.load_state_dict(state["scaler"])
        torch.set_rng_state(state["random"])
        self.step, self.tokens, self.seconds = state["step"], state["tokens"], state["seconds"]
        self.saved = self.step
        known = state["best"] is not None and DEV not in changed  # what was best on other dev groups need not be on these
        self.best = Evaluation(**state["best"]) if known else None
        logger.info("resumed %s at step %d of %d", self.config.run.output, self.step, self.steps)
        return changed

    def _loss(self, chunk: Chunk, counts: tuple[Counts, Counts]) -> Any:
        """The chunk's part of the step's loss: forward in small batches of like length, one backward for all."""
        import torch

        logits: Any = torch.zeros(len(chunk.pairs), device=self.device)
        aspects: Any = torch.zeros(chunk.aspects.shape, device=self.device)
        parts: list[tuple[list[int], Scored]] = []
        with autocast(self.config.run.precision, self.device):  # one context, so that weights are cast once for all batches
            for rows, batch in batches_of(chunk, self.tokeniser, max_tokens=self.forward_tokens):
                parts.append((rows, self.student.forward(batch, self.device)))
        order = torch.tensor([row for rows, _ in parts for row in rows], device=self.device)
        logits = logits.index_put((order,), torch.cat([scored.logits.float() for _, scored in parts]))
        aspects = aspects.index_put((order,), torch.cat([scored.aspects.float() for _, scored in parts]))
        where = torch.from_numpy(chunk.rows).to(self.device)
        table = torch.zeros(chunk.mask.shape, device=self.device).index_put((where[:, 0], where[:, 1]), logits)
        lists = Lists(logits=table, gains=self._tensor(chunk.gains), teacher=self._tensor(chunk.teacher), mask=self._tensor(chunk.mask))
        return weigh(lists, aspects, self._tensor(chunk.aspects), self.config.loss, counts)

    def _tensor(self, array: np.ndarray) -> Any:
        import torch

        return torch.from_numpy(array).to(self.device)
