"""What a team writes in an afternoon: CrossEncoder.predict behind FastAPI. MODEL PORT THREADS."""

from __future__ import annotations

import sys

import torch
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel
from sentence_transformers import CrossEncoder


class Body(BaseModel):
    """The body of POST /rerank."""

    query: str
    documents: list[str]
    return_documents: bool = False


def make(model: str, threads: int) -> FastAPI:
    """The application; the model is loaded before it answers anything."""
    torch.set_num_threads(threads)
    judge = CrossEncoder(model, max_length=512, device="cpu")
    app = FastAPI()

    @app.get("/ready")
    def ready() -> dict[str, bool]:
        return {"ready": True}

    @app.post("/rerank")
    def rerank(body: Body) -> dict[str, list[dict[str, float]]]:
        scores = judge.predict([(body.query, document) for document in body.documents], show_progress_bar=False)
        order = sorted(range(len(scores)), key=lambda i: -scores[i])
        return {"results": [{"index": i, "relevance_score": float(scores[i])} for i in order]}

    return app


if __name__ == "__main__":
    uvicorn.run(make(sys.argv[1], int(sys.argv[3])), host="127.0.0.1", port=int(sys.argv[2]), log_level="warning")
