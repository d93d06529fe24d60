"""Where the command `adjudge` begins: a Ctrl-C that comes while it is still importing ends it as one that comes later does."""

from __future__ import annotations

__all__ = ["main"]

_INTERRUPTED = 130  # exit_codes.INTERRUPTED, written out because its import, too, may be what was interrupted


def main() -> int:
    """Import the command line, run it, and return its exit code."""
    try:
        from .main import main as run

        return run()
    except KeyboardInterrupt:
        return _INTERRUPTED
