"""The page at `/`: plain files, sent as they are, under a policy that lets nothing else in."""

from __future__ import annotations

from .routes import page_routes

__all__ = ["page_routes"]
