"""A server that speaks one of adjudge's dialects. The model is its address; options: "dialect", "model_name", "api_key"."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

__all__ = ["LOCAL", "PACKAGES", "load"]

PACKAGES = ()
LOCAL = False

_PATHS = {"native": "/rerank", "tei": "/rerank", "cohere": "/v2/rerank", "jina": "/v1/rerank", "vllm": "/v1/rerank", "infinity": "/rerank"}
_TIMEOUT_S = 600.0


class _Server:
    """One POST for each query; what is timed includes the way there and back."""

    def __init__(self, address: str, options: dict[str, Any]) -> None:
        self._dialect = options["dialect"]
        path = address.split("://", 1)[-1].partition("/")[2]
        self._url = address if path else address.rstrip("/") + _PATHS[self._dialect]
        self._name = options.get("model_name")
        self._key = options.get("api_key")
        self.facts = {"model": self._name or "", "runtime": f"http {self._dialect}", "score_type": "as served", "local": False}

    def score(self, query: str, documents: list[str]) -> tuple[list[Any], Any]:
        rows = self._results(self._ask(self._body(query, documents)))
        scores: list[Any] = [None] * len(documents)
        logits: list[Any] = [None] * len(documents)
        for row in rows:
            score = row["score"] if "score" in row else row["relevance_score"]
            scores[row["index"]], logits[row["index"]] = score, row.get("logit", score)
        return scores, logits

    def _body(self, query: str, documents: list[str]) -> dict[str, Any]:
        named = {"model": self._name} if self._name is not None else {}
        if self._dialect == "tei":
            return {"query": query, "texts": documents}
        if self._dialect == "native":
            return {"query": query, "documents": documents, "return_documents": False, **named}
        return {"query": query, "documents": documents, "top_n": len(documents), **named}

    def _results(self, answer: Any) -> list[dict[str, Any]]:
        if isinstance(answer, list):
            return answer
        found: list[dict[str, Any]] = answer["ranked_results"] if "ranked_results" in answer else answer["results"]
        return found

    def _ask(self, body: dict[str, Any]) -> Any:
        headers = {"content-type": "application/json", **({"authorization": f"Bearer {self._key}"} if self._key else {})}
        request = urllib.request.Request(self._url, json.dumps(body).encode(), headers, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as exc:
            said = exc.read()[:300].decode("utf-8", "replace")
            raise RuntimeError(f"{self._url} answered {exc.code}: {said}") from exc
        except (urllib.error.URLError, OSError) as exc:
            raise RuntimeError(f"{self._url} cannot be reached: {exc}") from exc


def load(model: str, options: dict[str, Any]) -> Any:
    """The server; it is not asked anything yet."""
    return _Server(model, options)
