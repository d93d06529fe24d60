"""`import openvino`, without the message that it sends."""

from __future__ import annotations

import sys
from threading import Lock
from typing import Any

__all__ = ["openvino_module"]

_LOCK = Lock()


def openvino_module() -> Any:
    """The module, imported so that nothing leaves the machine. Raises ImportError where it cannot be imported.

    OpenVINO 2026.4 reports its import to Google Analytics from a forked process (openvino.tools.ovc; not where CI is set). A judge of
    private texts reports nothing, and a fork among threads may hang. Without the package openvino_telemetry OpenVINO takes the stub
    that it has for that, so the package is out of sight while openvino is imported. A program that imported openvino before has
    decided for itself.
    """
    with _LOCK:
        if "openvino" in sys.modules:
            return sys.modules["openvino"]
        held = {name: module for name, module in sys.modules.items() if name.split(".")[0] == "openvino_telemetry"}
        sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]  # how Python marks a module that must not be imported
        try:
            import openvino
        finally:
            del sys.modules["openvino_telemetry"]
            sys.modules |= held
        return openvino
