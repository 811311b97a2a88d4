from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from gateway.core.candidate import Attempt, AttemptStatus, Usage
from gateway.core.deadline import Deadline
from gateway.core.decision import ChainPolicy, Learned, RoutingDecision, RoutingReason
from gateway.core.exchange import Exchange
from gateway.core.faults import Kind, Reason, invalid
from gateway.core.hole import Strategy
from gateway.state.tally import OTHER
from gateway.telemetry.meter import STATUSES, RequestMeter, status_of
from gateway.wire.failure import CODES
from tests.fakes.values import make_request, unavailable

DECISION = RoutingDecision(
    "a", ("b",), RoutingReason.FAST_MATCH, "", None, 0.1, "v2", ChainPolicy.PREFER
)
TARGETS = {"a": "a", "b": "b", "r1": "group", "r2": "group", "group": "group"}
FAILED, OK, SKIPPED = AttemptStatus.FAILED, AttemptStatus.OK, AttemptStatus.SKIPPED


class Times:
    def __init__(self) -> None:
        self.seen: list[tuple[float, dict[str, str]]] = []
        self.traces: list[str] = []

    def record(self, amount: float, attributes: dict[str, str], trace_id: str = "") -> None:
        self.seen.append((amount, attributes))
        self.traces.append(trace_id)


class Rig:
    def __init__(self, best_of: int = 1) -> None:
        self.requests, self.attempts, self.decisions = Times(), Times(), Times()
        self.meter = RequestMeter(
            self.requests, self.attempts, self.decisions, targets=TARGETS, best_of=best_of
        )

    def ended(self, *attempts: Attempt, error: BaseException | None = None, **fields) -> Rig:
        request = make_request(**fields.pop("request", {}))
        exchange = Exchange(request, Deadline(9.0), decision=DECISION, attempts=list(attempts))
        for name, what in fields.items():
            setattr(exchange, name, what)
        self.meter.ended(exchange, error, 1.5)
        return self

    @property
    def fallbacks(self) -> dict[tuple[str, ...], int]:
        return dict(self.meter.fallbacks.read())


def attempt(name: str, status: AttemptStatus = OK, reason: str = "", **fields) -> Attempt:
    return Attempt(name, 1, status, reason, "words of a secret", 0.25, **fields)


LEFT = attempt("a", FAILED, Reason.UPSTREAM_TIMEOUT)


def test_times_of_a_sampled_request_lead_to_its_trace():
    learned = replace(DECISION, learned=Learned("head", elapsed_s=0.004))
    rig = Rig().ended(attempt("a"), sampled_as="t1", decision=learned).ended(attempt("a"))
    assert rig.requests.traces == rig.attempts.traces == ["t1", ""]
    assert rig.decisions.traces == ["t1"]


def test_a_request_is_counted_with_its_status_its_attempts_and_its_decision():
    answered = attempt("b", usage=Usage(7, 5), cost_micros=12)
    rig = Rig().ended(LEFT, answered)
    meter = rig.meter
    assert rig.requests.seen == [(1.5, {"status_code": "OK"})]
    assert [labels for _, labels in rig.attempts.seen] == [
        {"endpoint": "a", "outcome": "failed"},
        {"endpoint": "b", "outcome": "ok"},
    ]
    assert dict(meter.attempts.read()) == {
        ("a", "failed", "UPSTREAM_TIMEOUT"): 1,
        ("b", "ok", ""): 1,
    }
    assert dict(meter.tokens.read()) == {("b", "input"): 7, ("b", "output"): 5}
    assert dict(meter.cost_micros.read()) == {("b",): 12}
    assert dict(meter.decisions.read()) == {("fast_match", "rules"): 1}
    assert rig.decisions.seen == []
    assert meter.failures.read() == ()


def test_what_was_learned_counts_under_its_layer_with_the_time_of_the_decision():
    learned = Learned("head", elapsed_s=0.004)
    rig = Rig().ended(decision=replace(DECISION, learned=learned, reason=RoutingReason.LEARNED))
    assert dict(rig.meter.decisions.read()) == {("learned", "head"): 1}
    assert rig.decisions.seen == [(0.004, {"layer": "head"})]


def test_a_skipped_attempt_is_counted_and_has_no_duration():
    rig = Rig().ended(attempt("a", SKIPPED, Reason.BREAKER_OPEN), attempt("b"))
    assert [labels["endpoint"] for _, labels in rig.attempts.seen] == ["b"]
    assert rig.fallbacks == {("a", "b", "BREAKER_OPEN"): 1}


def test_words_that_are_not_ours_are_counted_as_other():
    """G-03: labels come from closed sets, whatever comes along."""
    strange = attempt("secret endpoint", FAILED, 'secret\n"reason"')
    learned = replace(DECISION, learned=Learned("secret layer"))
    rig = Rig().ended(strange, attempt("b"), decision=learned)
    meter = rig.meter
    assert (OTHER, "failed", OTHER) in dict(meter.attempts.read())
    assert rig.fallbacks == {(OTHER, "b", OTHER): 1}
    assert dict(meter.decisions.read()) == {("fast_match", OTHER): 1}


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (unavailable(), "UNAVAILABLE", "UPSTREAM_UNAVAILABLE"),
        (invalid("n", "secret"), "INVALID_ARGUMENT", "INVALID_FIELD"),
        (asyncio.CancelledError(), "CANCELLED", "CALLER_CANCELLED"),
        (KeyError("secret"), "INTERNAL", "INTERNAL_ERROR"),
    ],
)
def test_a_failure_is_counted_by_status_and_reason(error, status: str, reason: str):
    rig = Rig().ended(error=error)
    assert rig.requests.seen == [(1.5, {"status_code": status})]
    assert dict(rig.meter.failures.read()) == {(reason,): 1}
    assert rig.meter.exhausted.read() == ()


def test_an_exhausted_chain_is_counted_apart():
    assert Rig().ended(error=unavailable(), exhausted=True).meter.exhausted.read() == (((), 1),)
    assert Rig().ended(exhausted=True).meter.exhausted.read() == ()


def test_every_kind_of_fault_has_a_known_status():
    assert {status_of(None)} <= STATUSES
    assert set(CODES) == set(Kind)


def test_the_attempts_of_a_replayed_request_are_those_of_another():
    rig = Rig().ended(LEFT, attempt("b"), replayed=True)
    assert rig.attempts.seen == []
    assert rig.meter.decisions.read() == ()
    assert len(rig.requests.seen) == 1


def test_replicas_of_one_group_do_not_take_over_from_each_other():
    tries = (attempt("r1", FAILED), attempt("r2", FAILED, Reason.UPSTREAM_ERROR), attempt("a"))
    assert Rig().ended(*tries).fallbacks == {("group", "a", "UPSTREAM_ERROR"): 1}


def test_a_cancelled_call_is_not_left_for_another():
    tries = (attempt("a", AttemptStatus.CANCELLED), attempt("b"))
    assert Rig().ended(*tries).fallbacks == {}


def test_parts_of_a_request_do_not_take_over_from_each_other():
    tries = (
        attempt("a", FAILED, part="one"),
        attempt("b", part="two"),
        attempt("b", part="one"),
    )
    assert Rig().ended(*tries).fallbacks == {("a", "b", OTHER): 1}


@pytest.mark.parametrize(
    ("request_", "best_of", "learned", "counted"),
    [
        ({}, 1, 0, True),
        ({"strategy": Strategy.SEQUENTIAL}, 3, 3, True),
        ({"n": 1}, 3, 3, True),
        ({"n": 2}, 1, 0, False),
        ({"strategy": Strategy.BEST_OF_N}, 1, 0, False),
        ({}, 3, 0, False),
        ({}, 1, 2, False),
    ],
)
def test_the_calls_of_a_race_do_not_take_over_from_each_other(
    request_, best_of: int, learned: int, counted: bool
):
    decision = replace(DECISION, learned=Learned("rules", candidates=learned))
    rig = Rig(best_of).ended(LEFT, attempt("b"), request=request_, decision=decision)
    assert bool(rig.fallbacks) is counted


def test_a_request_that_was_not_routed_has_no_decision():
    rig = Rig().ended(error=invalid("n", "x"), decision=None)
    assert rig.meter.decisions.read() == ()
