"""adjudge with long documents judged in windows, as it comes. options: {"backend", "precision", ...}, as Reranker() takes them."""

from __future__ import annotations

from adjudge import Reranker

from .adjudge_worker import Adjudge
from .protocol import Job, serve


class Windows(Adjudge):
    """`Reranker.score` without the sigmoid; nothing is cut off."""

    def load(self, job: Job) -> dict[str, str]:
        """Load and say what runs. The windows are those of the model's full length."""
        self.reranker = Reranker(job["model"], threads=job["threads"], device=job["device"], **job["options"])
        traits = self.reranker.traits
        return {"backend": traits.backend, "precision": traits.precision}


if __name__ == "__main__":
    serve(Windows)
