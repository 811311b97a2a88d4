"""Building snapshots: R-04, R-08, R-15."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from gateway.core.endpoint import DEFAULT_CAPABILITIES, Endpoint
from gateway.core.snapshot import RouterSettings, Snapshot

A = Endpoint("a", priority=2)
B = Endpoint("b", priority=1)


def test_endpoints_are_ranked_by_priority_cost_and_name() -> None:
    listed = (
        Endpoint("d", priority=1, cost_micros_per_1k=2),
        Endpoint("c", priority=1, cost_micros_per_1k=1),
        Endpoint("b", priority=1, cost_micros_per_1k=2),
        Endpoint("z", priority=0, cost_micros_per_1k=9),
    )
    assert [endpoint.name for endpoint in Snapshot.of(listed).endpoints] == ["z", "c", "b", "d"]


def test_the_default_is_the_first_as_listed_unless_named() -> None:
    assert Snapshot.of((A, B)).default_endpoint == "a"
    assert Snapshot.of((A, B), default_endpoint="b").default_endpoint == "b"


def test_names_lead_to_endpoints() -> None:
    assert Snapshot.of((A, B)).by_name == {"a": A, "b": B}


def test_no_endpoints_is_refused() -> None:
    """Regression of R-04: an empty list gave an endpoint without a name."""

    def defective(endpoints: list[Endpoint]) -> str:
        return endpoints[0].name if endpoints else ""

    assert not defective([])
    with pytest.raises(ValueError, match="no endpoints are configured"):
        Snapshot.of(())


def test_duplicate_names_are_refused() -> None:
    """Regression of R-08: the later endpoint silently replaced the earlier one."""
    twin = Endpoint("a", priority=9)

    def defective(endpoints: tuple[Endpoint, ...]) -> dict[str, Endpoint]:
        return {endpoint.name: endpoint for endpoint in endpoints}

    assert defective((A, B, twin)) == {"a": twin, "b": B}
    with pytest.raises(ValueError, match="endpoint names are used twice: a"):
        Snapshot.of((A, B, twin))


def test_an_unknown_default_is_refused() -> None:
    with pytest.raises(ValueError, match="'x' is not among the endpoints"):
        Snapshot.of((A, B), default_endpoint="x")


def test_settings_have_defaults_and_may_be_given() -> None:
    assert Snapshot.of((A,)).router == RouterSettings()
    settings = RouterSettings(constraint_limit=3)
    assert Snapshot.of((A,), router=settings, version=4).router is settings
    assert Snapshot.of((A,), version=4).version == 4


def test_a_snapshot_never_changes() -> None:
    snapshot = Snapshot.of((A, B))
    with pytest.raises(FrozenInstanceError):
        snapshot.default_endpoint = "b"
    with pytest.raises(TypeError):
        snapshot.by_name["c"] = A


def test_an_endpoint_completes_code_unless_it_says_otherwise() -> None:
    assert A.capabilities == DEFAULT_CAPABILITIES
    assert A.rank == (2, 0, "a")
