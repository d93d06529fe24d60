"""adjudge, any backend and precision. options: {"backend", "precision", ...}, as Reranker() takes them."""

from __future__ import annotations

from adjudge import Reranker
from adjudge.config import WindowConfig

from .protocol import Job, serve, versions


class Adjudge:
    """`Reranker.score` without the sigmoid, truncating as the others do instead of judging a long passage in windows."""

    reranker: Reranker

    def prepare(self, job: Job) -> None:
        """Nothing: adjudge reads the model folder itself."""

    def load(self, job: Job) -> dict[str, str]:
        """Load and say what runs."""
        truncate = WindowConfig(mode="truncate")
        room = {"max_length": job["max_length"], "threads": job["threads"], "device": job["device"]}
        self.reranker = Reranker(job["model"], **room, windows=truncate, **job["options"])  # type: ignore[arg-type]
        traits = self.reranker.traits
        packages = versions("adjudge", "openvino" if traits.backend == "openvino" else "torch", "tokenizers")
        return {**packages, "precision": traits.precision, "backend": traits.backend, "decisions": " ".join(traits.notes)}

    def score(self, pairs: list[tuple[str, str]]) -> list[float]:
        """Logits."""
        return self.reranker.score(pairs, normalize=False)


if __name__ == "__main__":
    serve(Adjudge)
