"""The OpenAPI document, put together from what the routes say of themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .._version import __version__
from .endpoint import Route

__all__ = ["document"]

_TEXT = """A semantic judge for retrieval: it reads each document together with the query and says which of them answer it.

The same models are reached in several dialects, so that clients of other services get through unchanged; `/rerank` is adjudge's own.
Every response carries `X-Request-Id` (the request's own, where it sends a sane one) and `X-Total-Time` in milliseconds; those of a
judgement also `X-Queue-Time`, `X-Tokenization-Time`, `X-Inference-Time`, `X-Compute-Tokens`, `Server-Timing`, and `X-Adjudge-Warnings`
where there is something to say, such as that documents were cut."""

_ANY: dict[str, Any] = {"type": "object"}


def document(routes: Sequence[Route], *, model: str, closed: bool) -> dict[str, Any]:
    """OpenAPI 3.1. `model`: the default one's name, which the examples use; `closed`: the server wants a key."""
    paths: dict[str, Any] = {route.path: {"post": _judging(route, model, closed=closed)} for route in routes}
    paths |= {path: {"get": operation} for path, operation in _watching(closed=closed).items()}
    whole: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {
            "title": "adjudge",
            "version": __version__,
            "description": _TEXT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "tags": [
            {"name": "judging", "description": "Which documents answer the query."},
            {"name": "watching", "description": "How the server is doing."},
        ],
        "paths": paths,
        "components": {"headers": _HEADERS},
    }
    if closed:
        whole["components"]["securitySchemes"] = {
            "bearer": {"type": "http", "scheme": "bearer"},
            "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
        }
        whole["security"] = [{"bearer": []}, {"key": []}]
    return whole


_HEADERS: dict[str, Any] = {
    "X-Request-Id": {"description": "The request's own id, where it sends a sane one, or a new one.", "schema": {"type": "string"}},
    "X-Total-Time": {"description": "Milliseconds.", "schema": {"type": "string"}},
}


_BODY_FAULTS = {"408": "The body did not come, or not in time.", "415": "The body has a Content-Encoding."}


def _judging(route: Route, model: str, *, closed: bool) -> dict[str, Any]:
    described = dict(route.schema(model))
    responses = dict(described.pop("responses", {}))
    content = responses.get("413", _response("")).get("content")  # what goes wrong with a body has one shape at each path
    responses |= {status: {"description": text, "content": content} for status, text in _BODY_FAULTS.items()}
    if not closed:
        responses.pop("401", None)
    operation = {
        "tags": ["judging"],
        "operationId": "post" + "".join(part.capitalize() for part in route.path.replace("_", "/").split("/")),
        "summary": f"Judge documents ({route.default.name})",
        **described,
        "responses": {status: _signed(response) for status, response in responses.items()},
    }
    if not closed:
        return operation
    return {"security": [{"bearer": []}, {"key": []}], **operation}


_TEI_READY: Mapping[str, Any] = {
    "200": {"description": "It is.", "content": {"application/json": {"schema": _ANY}}},
    "503": {"description": "It is not loaded yet.", "content": {"application/json": {"schema": _ANY}}},
}


def _watching(*, closed: bool) -> Mapping[str, dict[str, Any]]:
    """{path: its GET}."""
    said = {
        "/health": ("Whether the process is alive", {"200": _response("It is.", "application/json")}, True),
        "/ready": (
            "Whether all models are loaded and warm",
            {"200": _response("They are.", "application/json"), "503": _response("Some are not; the body says which.", "application/json")},
            True,
        ),
        "/info": ("Models, limits and versions", {"200": _response("What runs here.", "application/json")}, False),
        "/tei/health": ("Whether the default model is ready, as TEI says it", dict(_TEI_READY), True),
        "/tei/info": ("The default model, as TEI describes its own", dict(_TEI_READY), False),
        "/monitor": ("Scores, latency and drift", {"200": _response("How it is doing.", "application/json")}, False),
        "/metrics": ("Metrics for Prometheus", {"200": _response("In Prometheus' text format.", "text/plain")}, False),
    }
    found: dict[str, dict[str, Any]] = {}
    for path, (summary, responses, is_open) in said.items():
        if closed and not is_open:
            responses = responses | {"401": _response("No API key, or one that is not known.")}
        found[path] = {
            "tags": ["watching"],
            "operationId": "get" + "".join(part.capitalize() for part in path.split("/")),
            "summary": summary,
            **({"security": []} if is_open else {}),
            "responses": {status: _signed(response) for status, response in responses.items()},
        }
    return found


def _response(text: str, media_type: str = "application/json") -> dict[str, Any]:
    return {"description": text, "content": {media_type: {"schema": _ANY if media_type == "application/json" else {"type": "string"}}}}


def _signed(response: Mapping[str, Any]) -> dict[str, Any]:
    headers = {name: {"$ref": f"#/components/headers/{name}"} for name in _HEADERS}
    return {**response, "headers": headers | dict(response.get("headers", {}))}
