"""One cell says whether an endpoint gets requests, and if not, all that keeps them from it."""

from __future__ import annotations

from typing import Any

import pytest
from ensemble.v1 import admin_service_pb2 as admin

from gateway.cli.endpoints import in_flight_words, state_words


@pytest.mark.parametrize(
    ("breaker", "words"),
    [
        (admin.BREAKER_STATE_UNSPECIFIED, "open"),
        (admin.BREAKER_STATE_CLOSED, "open"),
        (admin.BREAKER_STATE_DISABLED, "open"),
        (admin.BREAKER_STATE_METRICS_ONLY, "open"),
        (admin.BREAKER_STATE_OPEN, "breaker open"),
        (admin.BREAKER_STATE_HALF_OPEN, "breaker half open"),
        (admin.BREAKER_STATE_FORCED_OPEN, "breaker forced open"),
    ],
)
def test_a_breaker_that_lets_every_call_through_is_not_mentioned(
    breaker: admin.BreakerState, words: str
) -> None:
    assert state_words(admin.Endpoint(state=admin.EndpointState(breaker=breaker))) == words


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "open"),
        ({"health": admin.ENDPOINT_HEALTH_SERVING}, "open"),
        ({"health": admin.ENDPOINT_HEALTH_NOT_SERVING}, "not serving"),
        ({"ejected": True}, "ejected"),
        ({"warming_up": True}, "warming up"),
    ],
)
def test_health_rest_and_warm_up_are_named(fields: dict[str, Any], words: str) -> None:
    assert state_words(admin.Endpoint(state=admin.EndpointState(**fields))) == words


def test_everything_that_keeps_requests_away_is_named() -> None:
    state = admin.EndpointState(
        breaker=admin.BREAKER_STATE_OPEN,
        health=admin.ENDPOINT_HEALTH_NOT_SERVING,
        ejected=True,
    )
    endpoint = admin.Endpoint(drained=True, state=state)
    assert state_words(endpoint) == "drained, breaker open, not serving, ejected"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "0"),
        ({"in_flight": 3}, "3"),
        ({"in_flight": 3, "concurrency_limit": 8}, "3/8"),
        ({"in_flight": 8, "concurrency_limit": 8, "waiting": 2}, "8/8, 2 waiting"),
    ],
)
def test_running_calls_are_shown_with_their_limit(fields: dict[str, int], words: str) -> None:
    assert in_flight_words(admin.EndpointState(**fields)) == words
