from __future__ import annotations

from gateway.core.outcome import Outcome
from gateway.state.fleet import Fleet
from gateway.state.reading import GuardCounters
from gateway.wire.metrics import metrics_to_wire


def test_the_guards_counters_are_beside_the_fleets() -> None:
    fleet = Fleet(["a", "b"], lambda: 0.0)
    fleet.started("a")
    fleet.ended("a", Outcome.SUCCESS, 0.5)
    fleet.finished(ok=True, attempts=2, fallback_used=False, fallback_exhausted=False)
    guards = GuardCounters(retries=1, hedges=2, hedge_wins=3, shed=4, queued=5, replayed=6)
    wire = metrics_to_wire(fleet.read(), guards)
    total = wire.ensemble
    assert (total.requests, total.succeeded, total.attempts) == (1, 1, 2)
    assert (total.retries, total.hedges, total.hedge_wins) == (1, 2, 3)
    assert (total.shed, total.queued, total.replayed) == (4, 5, 6)
    assert [(one.endpoint, one.lifetime.successes) for one in wire.endpoints] == [
        ("a", 1),
        ("b", 0),
    ]


def test_one_endpoint_is_written_when_it_is_named() -> None:
    wire = metrics_to_wire(Fleet(["a", "b"], lambda: 0.0).read(), GuardCounters(), "b")
    assert [one.endpoint for one in wire.endpoints] == ["b"]
