from __future__ import annotations

import pytest
from ensemble.v1 import admin_service_pb2 as pb

from gateway.core.endpoint import Endpoint
from gateway.state.breaker import BreakerState
from gateway.state.reading import EndpointReading
from gateway.wire.endpoint import BREAKER, HEALTH, endpoint_to_wire, reading_to_wire


def test_every_word_of_a_reading_has_its_own_number() -> None:
    assert sorted(BREAKER.values()) == sorted(pb.BreakerState.values())
    assert sorted(HEALTH.values()) == sorted(pb.EndpointHealth.values())
    assert set(BREAKER) == {"", *BreakerState}


def test_a_reading_is_written_from_plain_words_too() -> None:
    wire = reading_to_wire(EndpointReading(breaker="forced_open", health="serving"))
    assert wire.breaker == pb.BREAKER_STATE_FORCED_OPEN
    assert wire.health == pb.ENDPOINT_HEALTH_SERVING


def test_a_word_that_the_contract_lacks_is_a_bug() -> None:
    with pytest.raises(KeyError):
        reading_to_wire(EndpointReading(breaker="ajar"))


@pytest.mark.parametrize(
    ("default", "endpoint", "expected"),
    [
        ("a", Endpoint("a"), True),
        ("b", Endpoint("a"), False),
        ("twin", Endpoint("a", group="twin"), True),
        ("a", Endpoint("b", group="twin"), False),
    ],
)
def test_a_replica_of_the_default_group_is_default(
    default: str, endpoint: Endpoint, *, expected: bool
) -> None:
    wire = endpoint_to_wire(endpoint, EndpointReading(), default=default, max_concurrency=4)
    assert wire.is_default is expected
    assert (wire.group, wire.weight, wire.max_concurrency) == (endpoint.group, 1.0, 4)
