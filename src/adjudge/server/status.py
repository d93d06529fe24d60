"""What the server says of itself: alive, ready, what it runs, how it is doing."""

from __future__ import annotations

import platform
import time
from importlib import metadata
from typing import Any

from .._version import __version__
from .protocols.dialect import Reply
from .registry import Loaded
from .service import Recorder, Service

__all__ = ["Status"]

_PACKAGES = ("fastapi", "starlette", "uvicorn", "pydantic", "prometheus-client", "openvino", "torch", "onnxruntime", "tokenizers")


class Status:
    """Answers GET /health, /ready, /info and /monitor."""

    def __init__(self, service: Service, recorder: Recorder, paths: tuple[str, ...]) -> None:
        """`paths`: where one can ask for judgement."""
        self._service = service
        self._recorder = recorder
        self._paths = paths
        self._began = time.monotonic()

    def health(self) -> Reply:
        """200 as long as the process answers at all."""
        return Reply(body={"status": "ok"})

    def ready(self) -> Reply:
        """200 when all models are warm, else 503, with the state of each. Says of a failure no more than its kind: this needs no key."""
        registry = self._service.registry
        models = [{"name": model.name, "state": model.state, "error": _kind(model.error)} for model in registry]
        ready = registry.ready
        return Reply(status=200 if ready else 503, body={"ready": ready, "models": models})

    def info(self) -> Reply:
        """Models, limits and versions."""
        registry, limits = self._service.registry, self._service.limits
        body = {
            "name": "adjudge",
            "version": __version__,
            "default_model": registry.names[0],
            "models": [_model(model) for model in registry],
            "limits": {
                "max_body_bytes": limits.body_bytes,
                "max_documents": limits.documents_of_one,
                "max_pairs_queued": limits.pairs,
                "timeout_s": limits.timeout_s,
            },
            "paths": list(self._paths),
            "versions": {"adjudge": __version__, "python": platform.python_version()} | _versions(),
        }
        return Reply(body=body)

    def monitor(self) -> Reply:
        """What the metrics have seen, whether each model is ready, the queue as it is, and since when."""
        places = self._service.places
        queue = {"pairs": places.pairs, "requests": places.requests, "max_pairs": self._service.limits.pairs}
        states = {model.name: model.state for model in self._service.registry}
        return Reply(body=self._recorder.snapshot() | {"states": states, "queue": queue, "uptime_s": time.monotonic() - self._began})


def _model(model: Loaded) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": model.name,
        "aliases": list(model.names[1:]),
        "state": model.state,
        "error": None if model.error is None else str(model.error),
        "fallback": model.fallback or None,
        "load_ms": round(model.load_ms, 1),
        "warm_up_ms": round(model.warm_ms, 1),
    }
    if model.reranker is None:
        return found
    loaded, traits, cascade = model.reranker.model, model.reranker.traits, model.reranker.cascade
    return found | {
        "model": loaded.name,
        "revision": loaded.revision,
        "backend": traits.backend,
        "device": traits.device,
        "precision": traits.precision,
        "max_length": model.reranker.max_length,
        "calibrated": loaded.calibration.fitted,
        "first": None if cascade is None else cascade.first.model.name,
        "notes": list(traits.notes),
    }


def _kind(error: Exception | None) -> str | None:
    return None if error is None else type(error).__name__


def _versions() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
