from __future__ import annotations

import pytest

from gateway.core.feedback import OutcomeReport
from gateway.core.stores import StoreError, is_label, merge


def test_a_later_report_is_believed_where_it_says_something() -> None:
    earlier = OutcomeReport("d", "a", 5.0, accepted=True, tests_passed=1, tests_total=4)
    later = OutcomeReport("d", "a", 9.0, tests_passed=4, compiled=True)
    assert merge(earlier, later) == OutcomeReport(
        "d", "a", 9.0, accepted=True, tests_passed=4, tests_total=4, compiled=True
    )


def test_what_is_unknown_never_takes_back_what_is_known() -> None:
    """O-06: unknown stays unknown, and known stays known."""
    known = OutcomeReport(
        "d", "a", 5.0, compiled=False, tests_passed=0, tests_total=3, accepted=False,
        edit_distance=0.0, reverted=False, quality=0.0, corrected_endpoint="b", latency_s=0.0,
        cost_micros=0, source="caller",
    )  # fmt: skip
    nothing = OutcomeReport("d", "a", 7.0)
    assert merge(known, nothing).at == 7.0
    assert merge(known, nothing) == merge(nothing, known)
    assert merge(nothing, nothing) == nothing


def test_a_false_that_is_said_is_not_taken_for_unknown() -> None:
    earlier = OutcomeReport("d", "a", accepted=True, quality=1.0)
    merged = merge(earlier, OutcomeReport("d", "a", accepted=False, quality=0.0))
    assert (merged.accepted, merged.quality) == (False, 0.0)


def test_a_report_that_comes_later_keeps_the_latest_time_and_its_own_source() -> None:
    merged = merge(OutcomeReport("d", "a", 9.0), OutcomeReport("d", "a", 2.0, source="gateway"))
    assert (merged.at, merged.source) == (9.0, "gateway")


@pytest.mark.parametrize(
    ("report", "label"),
    [
        (OutcomeReport("d"), False),
        (OutcomeReport("d", compiled=True, latency_s=1.0), False),
        (OutcomeReport("d", accepted=False), True),
        (OutcomeReport("d", corrected_endpoint="b"), True),
    ],
)
def test_a_label_tells_a_quality_or_the_right_endpoint(report, label) -> None:
    assert is_label(report) is label


def test_an_error_says_whether_to_try_again() -> None:
    assert not StoreError("broken").retryable
    assert StoreError("busy", retryable=True).retryable
