"""GET /tei/info and /tei/health: what clients of text-embeddings-inference look at before they send anything.

Dify's plugin reads `model_type` to see that this is a reranker, and both limits; LangChain's and LlamaIndex's do not ask.
"""

from __future__ import annotations

from typing import Any

from .._version import __version__
from .protocols.dialect import Reply
from .registry import Loaded
from .service import Service

__all__ = ["TeiStatus"]

PRECISIONS = {"f32": "float32", "f16": "float16", "bf16": "bfloat16"}
"""As TEI spells them; others go by their own names."""


class TeiStatus:
    """Answers for the default model, because TEI serves one."""

    def __init__(self, service: Service) -> None:
        """`service`: whose registry and limits are told."""
        self._service = service

    def health(self) -> Reply:
        """200 when the model can be asked, else 503: TEI is healthy when its model is."""
        ready = self._model().ready
        body = {} if ready else {"error": "the model is not loaded", "error_type": "Unhealthy"}
        return Reply(status=200 if ready else 503, body=body)

    def info(self) -> Reply:
        """TEI's Info (router/src/lib.rs of 1.9), as far as it means something here; 503 before the model is loaded."""
        model = self._model()
        if model.reranker is None:
            return self.health()
        return Reply(body=_info(model, self._service))

    def _model(self) -> Loaded:
        return next(iter(self._service.registry))


def _info(model: Loaded, service: Service) -> dict[str, Any]:
    reranker, limits = model.reranker, service.limits
    assert reranker is not None, "asked of loaded models only"
    loaded, traits = reranker.model, reranker.traits
    return {
        "model_id": loaded.name,
        "served_model_name": model.name,
        "model_sha": loaded.revision,
        "model_dtype": PRECISIONS.get(traits.precision, traits.precision),
        "model_type": {"reranker": {"id2label": {"0": "LABEL_0"}, "label2id": {"LABEL_0": 0}}},
        "max_concurrent_requests": limits.pairs,
        "max_input_length": reranker.max_length,
        "max_batch_tokens": reranker.engine.max_batch_tokens,
        "max_batch_requests": None,
        "max_client_batch_size": limits.documents_of_one,
        "auto_truncate": False,  # nothing is cut: long texts are read in windows
        "tokenization_workers": limits.threads,
        "version": __version__,
        "sha": None,
        "docker_label": None,
    }
