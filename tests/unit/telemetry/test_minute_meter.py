"""Requests counted by the minute, from the same record as the metrics."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.answer import Answer
from gateway.core.candidate import Attempt, AttemptStatus
from gateway.core.deadline import Deadline
from gateway.core.decision import ChainPolicy, RoutingDecision, RoutingReason
from gateway.core.exchange import Exchange
from gateway.core.faults import Reason
from gateway.policies.count import count
from gateway.state.minute import Totals
from gateway.state.minutes import Minutes
from gateway.telemetry.meter import Meters, MinuteMeter, fell_back
from tests.fakes.ticks import Ticks
from tests.fakes.values import make_request, unavailable
from tests.fakes.virtual import VirtualClock, run_virtual

NOW = 1_000_000 * 60.0
DECISION = RoutingDecision(
    "a", ("b",), RoutingReason.FAST_MATCH, "", None, 0.1, "v2", ChainPolicy.PREFER
)
TARGETS = {"a": "a", "b": "b", "r1": "group", "r2": "group", "group": "group"}
FAILED, OK, SKIPPED = AttemptStatus.FAILED, AttemptStatus.OK, AttemptStatus.SKIPPED


def attempt(name: str, status: AttemptStatus = OK, reason: str = "", **fields: Any) -> Attempt:
    return Attempt(name, 1, status, reason, elapsed_s=0.25, **fields)


LEFT = attempt("a", FAILED, Reason.UPSTREAM_TIMEOUT)


def exchange(*attempts: Attempt, **fields: Any) -> Exchange:
    made = Exchange(make_request(), Deadline(9.0), decision=DECISION, attempts=list(attempts))
    for name, what in fields.items():
        setattr(made, name, what)
    return made


def ended(one: Exchange, error: BaseException | None = None) -> Totals:
    minutes = Minutes(TARGETS, ["rules"], Ticks(NOW))
    MinuteMeter(minutes, TARGETS, 1).ended(one, error, 1.5)
    return minutes.read(NOW, 1)[0]


def test_a_fallback_is_counted_with_both_calls_and_the_handover():
    totals = ended(exchange(LEFT, attempt("b")))
    (minute,) = totals.traffic.values()
    assert (minute.requests, minute.failed, minute.fallbacks) == (1, 0, 1)
    assert totals.handovers == {("a", "b", "UPSTREAM_TIMEOUT"): 1}
    assert [totals.endpoints[name].attempts for name in "ab"] == [1, 1]


def test_an_answer_of_the_primary_is_no_fallback():
    totals = ended(exchange(attempt("a")))
    (minute,) = totals.traffic.values()
    assert (minute.fallbacks, totals.handovers) == (0, {})


def test_a_failure_has_no_time_of_an_answer():
    totals = ended(exchange(LEFT), unavailable())
    (minute,) = totals.traffic.values()
    assert (minute.failed, any(minute.times)) == (1, False)


def test_a_repeated_request_has_no_calls_of_its_own():
    totals = ended(exchange(LEFT, attempt("b"), replayed=True))
    (minute,) = totals.traffic.values()
    assert (minute.requests, minute.fallbacks) == (1, 0)
    assert (totals.endpoints, totals.handovers) == ({}, {})


STATUSES = st.sampled_from([OK, FAILED, SKIPPED, AttemptStatus.CANCELLED])
ATTEMPTS = st.lists(
    st.builds(
        lambda name, status, part: attempt(name, status, part=part),
        st.sampled_from(["a", "b", "r1", "r2"]),
        STATUSES,
        st.sampled_from(["", "", "one", "two"]),
    ),
    max_size=5,
)


@given(ATTEMPTS, st.booleans())
def test_a_fallback_is_what_the_ensembles_own_counter_takes_for_one(
    attempts: list[Attempt], decided: bool
):
    """T-07: one word, one meaning; GetMetrics and the dashboard must not differ."""
    one = exchange(*attempts, **({} if decided else {"decision": None}))
    seen: list[bool] = []

    class Counter:
        def finished(self, *, fallback_used: bool, **_: object) -> None:
            seen.append(fallback_used)

    async def handle(_: Exchange) -> Answer:
        return None  # type: ignore[return-value]

    run_virtual(VirtualClock(), count(Counter(), TARGETS.__getitem__)(handle)(one))
    assert [fell_back(one, TARGETS)] == seen


def test_several_meters_are_told_the_same():
    seen: list[tuple[object, ...]] = []

    class Meter:
        def ended(self, *what: object) -> None:
            seen.append(what)

    one = exchange(attempt("a"))
    Meters(Meter(), Meter()).ended(one, None, 1.5)
    assert seen == [(one, None, 1.5)] * 2
