"""FlagEmbedding's FlagReranker with its own defaults (batches of 128; float32 on a CPU). options: {"use_fp16", "batch_size"}."""

from __future__ import annotations

import torch
from FlagEmbedding import FlagReranker

from .protocol import Job, serve, versions


class Flag:
    """`FlagReranker.compute_score`."""

    reranker: FlagReranker

    def prepare(self, job: Job) -> None:
        """Nothing: it reads the model folder itself."""

    def load(self, job: Job) -> dict[str, str]:
        """Load and say what runs."""
        torch.set_num_threads(job["threads"])
        self.reranker = FlagReranker(job["model"], devices=[job["device"]], max_length=job["max_length"], **job["options"])
        return {**versions("FlagEmbedding", "torch", "transformers"), "batch_size": str(self.reranker.batch_size)}

    def score(self, pairs: list[tuple[str, str]]) -> list[float]:
        """Logits; a single pair comes back as a list too."""
        return [float(score) for score in self.reranker.compute_score(pairs)]


if __name__ == "__main__":
    serve(Flag)
