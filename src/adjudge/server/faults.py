"""What the library raises, as what a client is told."""

from __future__ import annotations

from collections.abc import Mapping

from .. import errors
from .protocols.dialect import Fault, FaultKind

__all__ = ["KINDS", "ServiceFault", "fault_of"]

KINDS: Mapping[type[errors.AdjudgeError], FaultKind] = {
    errors.AdjudgeError: "backend",
    errors.ConfigError: "invalid",  # of a request: a threshold, a number of results that cannot be
    errors.InputError: "invalid",
    errors.ClosedError: "not_ready",  # the server goes down
    errors.DeadlineError: "timeout",
    errors.AbandonedError: "client_gone",
}
"""The kind of an error's class, or of the nearest class above it."""


class ServiceFault(Exception):
    """The service cannot answer; carries the fault that the dialect puts into words."""

    def __init__(self, fault: Fault) -> None:
        """`fault`: of any kind but those about reading the body."""
        super().__init__(fault.message)
        self.fault = fault


def fault_of(error: errors.AdjudgeError) -> Fault:
    """The fault for what the library raised while it worked on a request."""
    kind = next(KINDS[cls] for cls in type(error).__mro__ if cls in KINDS)
    return Fault(kind=kind, message=str(error))
