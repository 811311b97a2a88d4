"""The sums of every minute of the last day."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from gateway.core.candidate import Attempt, AttemptStatus
from gateway.core.faults import Reason
from gateway.core.matching import LayerName, LayerRecord, LayerStatus
from gateway.state.minute import MOST_HANDOVERS, OTHERS, Judgement, Totals
from gateway.state.minutes import HOUR, MINUTES, MOST_JUDGED, RECENT, Minutes
from gateway.state.tally import OTHER
from tests.fakes.logged import event
from tests.fakes.ticks import Ticks

NOW = 1_000_000 * 60.0
OK, FAILED, SKIPPED = AttemptStatus.OK, AttemptStatus.FAILED, AttemptStatus.SKIPPED
MOVED = ("a", "b", str(Reason.UPSTREAM_TIMEOUT))


class Rig:
    """Minutes with a clock of their own; `at` is minutes from NOW."""

    def __init__(self) -> None:
        self.wall = Ticks(NOW)
        self.minutes = Minutes(["a", "b"], ["rules", "keyword"], self.wall)

    def at(self, minute: float) -> Minutes:
        self.wall.now = NOW + 60.0 * minute
        return self.minutes

    def totals(self, minutes: int = MINUTES) -> Totals:
        return self.minutes.read(self.wall.now, minutes)[0]

    def requests(self, minutes: int = MINUTES) -> int:
        return sum(one.requests for one in self.totals(minutes).traffic.values())


def attempt(name: str, status: AttemptStatus = OK, reason: str = "", cost: int = 0) -> Attempt:
    return Attempt(name, 1, status, reason, elapsed_s=0.25, cost_micros=cost)


def test_a_request_is_counted_in_its_minute_with_all_its_calls():
    rig = Rig()
    left = attempt("a", FAILED, Reason.UPSTREAM_TIMEOUT, 3)
    rig.minutes.ended(0.5, (left, attempt("b", cost=4)), (MOVED,), fell_back=True)
    rig.minutes.ended(0.1, (), failed=True)
    totals = rig.totals(1)
    (minute,) = totals.traffic.values()
    assert (minute.requests, minute.failed, minute.fallbacks) == (2, 1, 1)
    assert totals.handovers == {MOVED: 1}
    a, b = totals.endpoints["a"], totals.endpoints["b"]
    assert (a.attempts, a.answered, a.failures, a.cost_micros, a.times.sum()) == (1, 0, 1, 3, 0)
    assert (b.attempts, b.answered, b.failures, b.cost_micros, b.times.sum()) == (1, 1, 0, 4, 1)


@pytest.mark.parametrize(
    ("status", "reason", "answered", "failures"),
    [
        (OK, "", 1, 0),
        (AttemptStatus.REJECTED, Reason.CHECK_FAILED, 1, 0),
        (FAILED, Reason.UPSTREAM_UNREACHABLE, 0, 1),
        (AttemptStatus.TIMEOUT, Reason.UPSTREAM_TIMEOUT, 0, 1),
        (AttemptStatus.TIMEOUT, Reason.TOO_LITTLE_TIME, 0, 0),
        (FAILED, Reason.UPSTREAM_REFUSED_REQUEST, 0, 0),
        (AttemptStatus.CANCELLED, Reason.NOT_NEEDED, 0, 0),
    ],
)
def test_only_what_is_the_endpoints_fault_counts_against_it(status, reason, answered, failures):
    rig = Rig()
    rig.minutes.ended(0.5, (attempt("a", status, reason),))
    sums = rig.totals().endpoints["a"]
    assert (sums.attempts, sums.answered, sums.failures) == (1, answered, failures)


def test_a_call_that_was_never_made_is_none_and_an_unknown_name_is_other():
    """G-03: labels come from closed sets."""
    rig = Rig()
    rig.minutes.ended(0.5, (attempt("a", SKIPPED, Reason.BREAKER_OPEN), attempt("secret")))
    assert set(rig.totals().endpoints) == {OTHER}


def test_handovers_beyond_the_limit_are_counted_together():
    """Z-02 ✗: nothing may grow with what callers do."""
    rig = Rig()
    for number in range(MOST_HANDOVERS + 5):
        rig.minutes.ended(0.5, (), ((f"{number}", "b", "x"),))
    found = rig.totals().handovers
    assert (len(found), found[OTHERS]) == (MOST_HANDOVERS + 1, 5)


def test_a_window_holds_whole_minutes_and_the_running_one():
    """T-07 ✗: every number of a look is of the same window."""
    rig = Rig()
    for minute in (0, 1, 2):
        rig.at(minute).ended(0.5, (attempt("a"),))
    assert [rig.requests(minutes) for minutes in (1, 2, 3)] == [1, 2, 3]
    assert rig.totals(2).endpoints["a"].attempts == 2
    rig.at(2.99)
    assert rig.requests(1) == 1
    rig.at(3)
    assert rig.requests(1) == 0


def test_a_minute_is_forgotten_after_a_day_and_its_place_taken_again():
    rig = Rig()
    rig.minutes.ended(0.5, ())
    rig.at(MINUTES - 1)
    assert rig.requests() == 1
    rig.at(MINUTES)
    assert rig.requests() == 0
    rig.minutes.ended(0.5, ())
    assert rig.requests() == 1


def test_whole_hours_are_summed_once_and_again_when_they_change():
    """D-03: a look at a long window costs the same however much was counted."""
    rig = Rig()
    for minute in range(4 * HOUR):
        rig.at(minute).ended(0.5, (attempt("a"),))
    assert rig.requests() == rig.requests() == 4 * HOUR
    asked = event(at=NOW + 60.0 * HOUR, decision_id="late")
    rig.minutes.decided(asked)
    assert rig.totals().routing.decisions == 1
    rig.minutes.judged("late", Judgement(asked.at, "rules", 0.5))
    assert rig.totals().routing.layers["rules"].judged == 1
    assert rig.totals().endpoints["a"].attempts == 4 * HOUR
    rig.at(MINUTES + HOUR)
    assert rig.requests() == 4 * HOUR - HOUR - 1


def test_a_clock_that_is_set_back_shows_no_future():
    rig = Rig()
    rig.at(10).ended(0.5, ())
    rig.at(0)
    assert rig.requests() == 0
    rig.minutes.ended(0.5, ())
    assert rig.requests() == 1


def layer(name: LayerName, status: LayerStatus = LayerStatus.DECIDED, **fields) -> LayerRecord:
    return LayerRecord(name, status, 0.9, 0.85, "weak", elapsed_s=0.002, **fields)


def test_a_decision_is_counted_for_each_layer_that_was_asked():
    rig = Rig()
    declined = replace(layer(LayerName.SIMILARITY, LayerStatus.DECLINED), endpoint="")
    shadow, skipped = layer(LayerName.KNN, shadow=True), layer(LayerName.HEAD, LayerStatus.SKIPPED)
    layers = (layer(LayerName.KEYWORD), declined, shadow, skipped)
    asked = event(at=NOW, decided_by="keyword", layers=layers, elapsed_s=0.01)
    rig.minutes.decided(asked)
    routing = rig.totals().routing
    assert (routing.decisions, routing.elapsed_s) == (1, 0.01)
    assert set(routing.layers) == {"keyword", "similarity"}
    keyword, similarity = routing.layers["keyword"], routing.layers["similarity"]
    assert (keyword.asked, keyword.captured, keyword.proposals) == (1, 1, 1)
    assert (keyword.confidence, keyword.elapsed_s) == (0.9, 0.002)
    assert (similarity.asked, similarity.captured, similarity.proposals) == (1, 0, 0)


def test_what_is_no_layer_was_asked_where_it_decided():
    rig = Rig()
    rig.minutes.decided(event(at=NOW, decided_by="rules", confidence=0.0))
    rig.minutes.decided(event(at=NOW, decided_by="secret", confidence=0.5))
    rig.minutes.decided(event(at=NOW, decided_by="rules", clarification=True, chosen=""))
    routing = rig.totals().routing
    sums = {name: (one.asked, one.captured, one.proposals) for name, one in routing.layers.items()}
    assert sums == {"rules": (1, 1, 0), OTHER: (1, 1, 1), LayerName.CLARIFY: (1, 1, 1)}
    assert (routing.decisions, routing.clarified) == (3, 1)


def test_the_newest_decisions_are_kept_however_they_come():
    rig = Rig()
    rig.at(1)
    for number in [*range(5, RECENT + 10), *range(5)]:
        rig.minutes.decided(event(at=NOW + number, decision_id=f"d{number}"))
    _, recent = rig.minutes.read(rig.wall.now, 2)
    assert [one.decision_id for one in recent[:2]] == [f"d{RECENT + 9}", f"d{RECENT + 8}"]
    assert len(recent) == RECENT
    assert rig.minutes.read(NOW + 600, 1)[1] == ()


def test_a_later_judgement_takes_the_place_of_the_earlier_one():
    rig = Rig()
    bad = Judgement(NOW, "rules", 0.0, right=False, corrected=True, misrouted=True)
    rig.minutes.judged("d", bad)
    rig.minutes.judged("d", replace(bad, quality=0.75, right=True, misrouted=False))
    rig.minutes.judged("e", Judgement(NOW, "secret", None))
    routing = rig.totals().routing
    assert (routing.reported, routing.corrected) == (2, 1)
    assert (routing.known, routing.right, routing.misrouted) == (1, 1, 0)
    rules = routing.layers["rules"]
    assert (rules.judged, rules.quality) == (1, 750_000_000)


def test_judgements_of_the_oldest_decisions_are_forgotten_first():
    rig = Rig()
    rig.at(1)
    rig.minutes.judged("new", Judgement(NOW + 60, "rules", 1.0))
    for number in range(MOST_JUDGED):
        rig.minutes.judged(f"{number}", Judgement(NOW, "rules", 1.0))
    rig.minutes.judged("new", Judgement(NOW + 60, "rules", 0.0))
    assert rig.totals().routing.reported == MOST_JUDGED + 1


def test_what_is_older_than_a_day_or_yet_to_come_is_passed_over():
    rig = Rig()
    for at in (NOW - 60.0 * MINUTES, NOW + 60):
        rig.minutes.decided(event(at=at))
        rig.minutes.judged("d", Judgement(at, "rules", 1.0))
    routing = rig.totals().routing
    assert (routing.decisions, routing.reported) == (0, 0)


def test_sixteen_threads_lose_no_request_while_somebody_looks():
    """The bar of the work order: 16 threads x 10,000 records lose none."""
    rig = Rig()

    def add() -> None:
        for _ in range(10_000):
            rig.minutes.ended(0.5, (attempt("a"),), (MOVED,))

    with ThreadPoolExecutor(17) as threads:
        done = [threads.submit(add) for _ in range(16)]
        threads.submit(lambda: [rig.totals(60) for _ in range(20)]).result()
        for one in done:
            one.result()
    totals = rig.totals()
    assert rig.requests() == totals.endpoints["a"].attempts == totals.handovers[MOVED] == 160_000
