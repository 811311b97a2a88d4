"""Building snapshots: R-04, R-08, R-15."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

import pytest

from gateway.core.endpoint import DEFAULT_CAPABILITIES, Capability, Endpoint, Protocol
from gateway.core.snapshot import RouterSettings, Snapshot

A = Endpoint("a", priority=2)
B = Endpoint("b", priority=1)
NORTH = Endpoint("north", url="grpc://n:1", group="coder", weight=3.0, priority=0)
SOUTH = Endpoint("south", url="http://s:1", group="coder", protocol=Protocol.OPENAI)


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


def names(endpoints: tuple[Endpoint, ...]) -> list[str]:
    return [endpoint.name for endpoint in endpoints]


def test_the_router_sees_one_endpoint_for_each_group() -> None:
    snapshot = Snapshot.of((A, SOUTH, B, NORTH))
    assert names(snapshot.endpoints) == ["coder", "b", "a"]
    assert set(snapshot.by_name) == {"coder", "a", "b"}
    assert snapshot.by_name["coder"] == replace(SOUTH, name="coder", url="", weight=4.0)
    assert snapshot.replicas == {"coder": (SOUTH, NORTH)}
    assert names(snapshot.callable) == ["north", "south", "b", "a"]


def test_without_groups_what_is_seen_is_what_is_called() -> None:
    snapshot = Snapshot.of((A, B))
    assert snapshot.callable == snapshot.endpoints
    assert snapshot.replicas == {}


def test_the_group_of_the_first_listed_endpoint_is_the_default() -> None:
    assert Snapshot.of((SOUTH, A, NORTH)).default_endpoint == "coder"
    assert Snapshot.of((A, SOUTH), default_endpoint="coder").default_endpoint == "coder"


def test_a_default_that_is_a_replica_is_refused_and_its_group_named() -> None:
    with pytest.raises(ValueError, match="'south' is one replica of a group; name it: 'coder'"):
        Snapshot.of((A, SOUTH, NORTH), default_endpoint="south")


@pytest.mark.parametrize(
    ("field", "setting", "shown"),
    [
        ("capabilities", frozenset({Capability.LONG_CONTEXT}), "long_context"),
        ("priority", 2, "2"),
        ("cost_micros_per_1k", 5, "5"),
        ("timeout_s", 2.5, "2.5"),
        ("max_context", 8000, "8000"),
        ("tags", frozenset({"us", "eu"}), "eu, us"),
        ("continues", False, "False"),
        ("model", "m-2", "'m-2'"),
        ("idempotent", False, "False"),
    ],
)
def test_replicas_that_differ_are_refused_with_field_and_names(
    field: str, setting: object, shown: str
) -> None:
    other = replace(SOUTH, **{field: setting})
    with pytest.raises(ValueError, match=f"group 'coder' must have the same {field}") as caught:
        Snapshot.of((NORTH, other))
    assert f"'south' has {shown}" in str(caught.value)
    assert "'north' has" in str(caught.value)


def test_an_empty_set_is_shown_as_none() -> None:
    with pytest.raises(ValueError, match="'north' has none and 'south' has eu"):
        Snapshot.of((NORTH, replace(SOUTH, tags=frozenset({"eu"}))))


def test_a_group_named_like_an_endpoint_is_refused() -> None:
    for clash in (Endpoint("coder"), replace(NORTH, name="coder")):
        with pytest.raises(ValueError, match="group 'coder' has the name of an endpoint; rename"):
            Snapshot.of((clash, SOUTH))


@pytest.mark.parametrize("weight", [0.0, -1.0, float("inf"), float("nan")])
def test_a_weight_must_be_a_positive_number(weight: float) -> None:
    with pytest.raises(ValueError, match="weight of endpoint 'south' must be a number above 0"):
        Snapshot.of((NORTH, replace(SOUTH, weight=weight)))


def test_a_group_is_drained_when_all_its_replicas_are() -> None:
    snapshot = Snapshot.of((A, SOUTH, NORTH)).with_drained("south", drained=True)
    assert [one.drained for one in snapshot.replicas["coder"]] == [True, False]
    assert not snapshot.by_name["coder"].drained
    snapshot = snapshot.with_drained("north", drained=True)
    assert snapshot.by_name["coder"].drained
    assert snapshot.version == 3


def test_a_group_is_drained_and_undrained_by_its_name() -> None:
    settings = RouterSettings(constraint_limit=3)
    before = Snapshot.of((A, SOUTH, B, NORTH), router=settings, default_endpoint="b", version=7)
    drained = before.with_drained("coder", drained=True)
    assert all(one.drained for one in drained.named("coder"))
    assert not drained.by_name["a"].drained
    assert (drained.version, drained.router, drained.default_endpoint) == (8, settings, "b")
    assert names(drained.replicas["coder"]) == ["south", "north"]
    assert replace(drained.with_drained("coder", drained=False), version=7) == before


def test_a_lone_endpoint_is_drained_by_its_name_and_the_default_stays() -> None:
    snapshot = Snapshot.of((A, B)).with_drained("a", drained=True)
    assert snapshot.by_name["a"].drained
    assert snapshot.default_endpoint == "a"


def test_a_name_stands_for_an_endpoint_a_replica_or_all_replicas() -> None:
    snapshot = Snapshot.of((A, SOUTH, NORTH))
    assert snapshot.named("a") == (A,)
    assert snapshot.named("north") == (NORTH,)
    assert snapshot.named("coder") == (SOUTH, NORTH)
    with pytest.raises(KeyError, match="nobody"):
        snapshot.with_drained("nobody", drained=True)
