"""What holds of the tuner and its numbers whatever was recorded."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.feedback import Reviewed
from gateway.core.matching import LayerName, ThresholdSet
from gateway.learning.analysis import analyze
from gateway.learning.calibration import brier, expected_calibration_error
from gateway.learning.intervals import wilson
from gateway.learning.thresholds import DEFAULT_TUNER, TUNED, Move, propose
from tests.fakes.cascades import decision, ran

ENDPOINTS = st.sampled_from(["", "weak", "strong"])
CONFIDENCES = st.integers(0, 40).map(lambda number: number / 40)
OUTCOMES = st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=30)


@st.composite
def decisions(draw: st.DrawFn) -> Reviewed:
    layers = [
        ran(layer, draw(CONFIDENCES), draw(ENDPOINTS), shadow=draw(st.booleans()))
        for layer in draw(st.lists(st.sampled_from(TUNED), unique=True, max_size=4))
    ]
    return decision(
        *layers,
        chosen=draw(st.sampled_from(["weak", "strong"])),
        right=draw(ENDPOINTS),
        quality=draw(st.none() | st.floats(0, 1)),
        clarification=draw(st.booleans()),
    )


ROWS = st.lists(st.tuples(decisions(), st.integers(1, 60)), max_size=12).map(
    lambda drawn: [row for row, times in drawn for _ in range(times)]
)
PRESENT = st.lists(st.integers(10, 19).map(lambda number: number / 20), min_size=4, max_size=4).map(
    lambda drawn: ThresholdSet(2, (*zip(TUNED, drawn, strict=True), (LayerName.CLARIFY, 1.0)))
)


@settings(max_examples=60, deadline=None)
@given(rows=ROWS, present=PRESENT)
def test_a_proposal_keeps_to_its_bounds_and_says_what_it_does(rows, present) -> None:
    found = propose(rows, present)
    assert found.changed == (found.thresholds != present)
    assert found.thresholds.version == present.version + found.changed
    assert found.thresholds.of(LayerName.CLARIFY) == 1.0
    for one in found.layers:
        before, after = one.current.threshold, one.proposed.threshold
        assert abs(after - before) <= DEFAULT_TUNER.step + 1e-9
        assert 0.5 <= after <= 0.95
        assert (after > before) == (one.move is Move.RAISED)
        assert (after < before) == (one.move is Move.LOWERED)
        assert found.thresholds.of(one.layer) == after
        assert one.reason
        if after != before:
            assert one.labelled >= DEFAULT_TUNER.min_samples
            assert one.near >= DEFAULT_TUNER.min_near
        for point in (one.current, one.proposed):
            assert 0 <= point.bound <= point.ceiling <= 1
            assert 0 <= point.coverage <= 1


@settings(max_examples=30, deadline=None)
@given(rows=ROWS, present=PRESENT)
def test_the_order_of_decisions_does_not_matter(rows, present) -> None:
    assert propose(rows[::-1], present).thresholds == propose(rows, present).thresholds
    forth, back = (analyze(given, present, since=0.0, until=2e3) for given in (rows, rows[::-1]))
    assert forth.shares == back.shares
    assert forth.alerts == back.alerts


@settings(max_examples=30, deadline=None)
@given(rows=ROWS, present=PRESENT)
def test_shares_never_count_more_than_there_is(rows, present) -> None:
    found = analyze(rows, present, since=0.0, until=2e3)
    rates = [found.shares.accuracy, found.shares.corrected, found.shares.clarified]
    for one in found.layers:
        rates += [one.decided, one.accuracy, one.proposed]
        assert one.close <= one.false_positives <= one.decided.count
        assert one.attempts + one.shadows <= found.decisions
    for rate in rates:
        assert 0 <= rate.count <= rate.of <= found.decisions


@given(right=st.floats(0, 1), of=st.floats(0.1, 1e6))
def test_the_interval_holds_the_share_and_lies_within_0_and_1(right: float, of: float) -> None:
    found = wilson(right * of, of)
    assert 0 <= found.low <= right + 1e-9
    assert right - 1e-9 <= found.high <= 1


@given(outcomes=OUTCOMES)
def test_errors_of_confidences_lie_within_0_and_1(outcomes) -> None:
    for error in (brier(outcomes), expected_calibration_error(outcomes)):
        assert (error is None) == (not outcomes)
        assert error is None or 0 <= error <= 1
