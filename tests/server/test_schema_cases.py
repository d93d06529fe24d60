"""Requests made up from the OpenAPI document, right and wrong ones: answers are as promised, and no fault is the server's."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import positive_data_acceptance

from tests.server.serving import Live
from tests.server.test_app import PATHS

pytestmark = pytest.mark.slow

OPERATIONS = [(path, "POST") for path in PATHS] + [(path, "GET") for path in ("/health", "/ready", "/info", "/monitor", "/tei/info")]


@pytest.fixture(scope="module")
def described(live_server: Live) -> Any:
    return schemathesis.openapi.from_url(f"{live_server.url}/openapi.json")


def impatient(body: Any) -> bool:
    """Whether the request itself allows so little time that 504 is the right answer."""
    return isinstance(body, dict) and isinstance(body.get("timeout_ms"), int | float) and body["timeout_ms"] < 10_000


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_whatever_is_sent(described: Any, path: str, method: str) -> None:
    @given(case=described[path][method].as_strategy())
    @settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    def ask(case: schemathesis.Case) -> None:
        response = case.call()
        if response.status_code == 504 and impatient(case.body):
            return
        assert response.status_code < 500, response.text
        case.validate_response(response, excluded_checks=[positive_data_acceptance])  # no schema knows which models there are

    ask()
