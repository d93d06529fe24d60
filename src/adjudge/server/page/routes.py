"""The page's routes, to be mounted by the service (or by any Starlette application)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from ...errors import MissingExtraError
from .assets import INDEX, Asset, load_assets

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

__all__ = ["HEADERS", "page_routes"]

POLICY = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",  # no text is ever read as markup: innerHTML and its kin throw
    "trusted-types 'none'",
)

HEADERS = {
    "content-security-policy": "; ".join(POLICY),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-cache",  # kept, and asked about each time: a 304 costs next to nothing, a stale page does not
}
"""Sent with every file of the page."""


def page_routes() -> list[BaseRoute]:
    """One route for each file: `/` for the page itself, `/page/NAME` for what it loads. GET and HEAD, with 304 for a known version.

    Raises MissingExtraError without starlette.
    """
    try:
        from starlette.routing import Route
    except ImportError as exc:
        raise MissingExtraError(package="starlette", extra="server", what="the page") from exc
    return [Route("/" if asset.name == INDEX else f"/page/{asset.name}", _sender(asset), name=asset.name) for asset in load_assets()]


def _sender(asset: Asset) -> Callable[[Request], Awaitable[Response]]:
    from starlette.responses import Response

    headers = {**HEADERS, "etag": asset.etag}

    async def send(request: Request) -> Response:
        if _knows(request.headers.get("if-none-match", ""), asset.etag):
            return Response(status_code=304, headers=headers)
        return Response(asset.body, media_type=asset.media_type, headers=headers)

    return send


def _knows(given: str, etag: str) -> bool:
    """Whether If-None-Match names this version: any of several, marked weak by a proxy that packed it, or `*`."""
    return any(tag.strip().removeprefix("W/") in (etag, "*") for tag in given.split(","))
