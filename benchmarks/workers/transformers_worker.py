"""The reference: transformers in float32, each pair alone, so without padding. Not timed; every other answer is held against it."""

from __future__ import annotations

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from .protocol import Job, serve, versions


class Reference:
    """One forward a pair."""

    def prepare(self, job: Job) -> None:
        """Nothing."""

    def load(self, job: Job) -> dict[str, str]:
        """Load and say what runs."""
        torch.set_num_threads(job["threads"])
        self.tokenizer = AutoTokenizer.from_pretrained(job["model"])
        self.model = AutoModelForSequenceClassification.from_pretrained(job["model"]).to(job["device"]).eval()
        self.max_length = job["max_length"]
        return {**versions("torch", "transformers"), "precision": str(next(self.model.parameters()).dtype)}

    @torch.inference_mode()
    def score(self, pairs: list[tuple[str, str]]) -> list[float]:
        """Logits."""
        return [self._logit(query, passage) for query, passage in pairs]

    def _logit(self, query: str, passage: str) -> float:
        encoded = self.tokenizer(query, passage, truncation="only_second", max_length=self.max_length, return_tensors="pt")
        return float(self.model(**encoded.to(self.model.device)).logits.item())


if __name__ == "__main__":
    serve(Reference)
