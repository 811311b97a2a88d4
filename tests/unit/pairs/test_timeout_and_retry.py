"""The pair timeout + retry: all tries share one time, and a stall is left, not tried again."""

from __future__ import annotations

import pytest

from gateway.core.events import AttemptFailed, Failover
from gateway.core.faults import Kind, Reason
from tests.fakes.scripted import HANG, cut
from tests.fakes.stacks import Stacks
from tests.fakes.values import unavailable

AT_ONCE = {"hold": "none"}
STALLS = {"between_texts_s": 1.0, "first_text_s": 3.0}
FIVE = {"max_tries": 5, "budget_tokens": 100}
RESERVED_S = 0.008
"""What the deadline of a request keeps back for its answer."""


def test_the_tries_of_a_lone_endpoint_share_one_deadline() -> None:
    stacks = Stacks({"a": [(1.5, unavailable())]}, retry=FIVE, each={"timeout_s": 10})
    ended = stacks.one(seconds=5.0)
    ends = [asked.until - ended.began for asked in stacks.asked]
    assert ends == pytest.approx([5.0 - RESERVED_S] * 3)
    assert ended.took <= 5.0


def test_no_try_gets_more_than_its_endpoints_timeout_nor_more_than_is_left() -> None:
    stacks = Stacks({"a": [(1.0, unavailable())]}, retry=FIVE, each={"timeout_s": 2})
    stacks.one(seconds=4.0)
    given = [asked.until - asked.at for asked in stacks.asked]
    assert given[:2] == pytest.approx([2.0, 2.0])
    assert given[2] == pytest.approx(4.0 - RESERVED_S - (stacks.asked[2].at - 1000.0))


def test_the_tries_of_a_first_endpoint_share_its_part_and_leave_the_next_its_own() -> None:
    stacks = Stacks({"a": [(1.0, unavailable())], "b": [(2.5, "b")]}, retry=FIVE)
    ended = stacks.one(seconds=6.0)
    assert ended.text == "b"
    parts = {asked.until - ended.began for asked in stacks.asked if asked.endpoint == "a"}
    assert max(parts) == pytest.approx((6.0 - RESERVED_S) / 2)


def test_a_wait_that_outlasts_the_part_of_an_endpoint_is_not_begun() -> None:
    script = [(1.0, unavailable(retry_after_s=1.9)), ("late",)]
    stacks = Stacks({"a": script, "b": [("b",)]}, retry=FIVE)
    ended = stacks.one(seconds=4.0)
    assert (ended.text, ended.took, stacks.calls()) == ("b", 1.0, ["a", "b"])
    ended = Stacks({"a": script, "b": [("b",)]}, retry=FIVE).one(seconds=8.0)
    assert (ended.text, ended.took) == ("late", pytest.approx(2.9))


def test_a_call_that_took_all_its_time_is_not_tried_again() -> None:
    stacks = Stacks({"a": [(HANG,)], "b": [("b",)]}, retry=FIVE, each={"timeout_s": 2})
    ended = stacks.one()
    assert (ended.text, ended.took, stacks.calls()) == ("b", 2.0, ["a", "b"])
    assert ended.tries[0] == ("a", "timeout")


def test_a_stream_that_stalls_after_its_text_fails_over_and_is_not_tried_again() -> None:
    scripts = {"a": [("one\n", 0.5, "two\n", HANG)], "b": [(0.5, "three")]}
    stacks = Stacks(scripts, timeouts=STALLS, stream=AT_ONCE, retry=FIVE)
    ended = stacks.one(stream=True)
    assert (ended.text, ended.heard) == ("one\ntwo\nthree", ["one\n", "two\n", "three"])
    assert [(asked.endpoint, asked.task.partial) for asked in stacks.asked] == [
        ("a", ""),
        ("b", "one\ntwo\n"),
    ]
    assert ended.took == pytest.approx(0.5 + 1.0 + 0.5)
    assert [event for event in ended.events if isinstance(event, Failover)] == [
        Failover("a", "b", 8)
    ]
    assert ended.attempts[0].reason == Reason.UPSTREAM_TIMEOUT


def test_a_stall_within_the_first_line_is_left_without_a_trace_in_the_text() -> None:
    scripts = {"a": [("half a li", HANG)], "b": [("whole\n", "line")]}
    stacks = Stacks(scripts, timeouts=STALLS, retry=FIVE)
    ended = stacks.one(stream=True)
    assert "".join(ended.heard) == ended.text == "whole\nline"
    assert [asked.task.partial for asked in stacks.asked] == ["", ""]
    assert ended.took == 1.0


@pytest.mark.parametrize("hold", ["none", "line"])
def test_a_stream_whose_first_text_does_not_come_in_time_falls_back(hold) -> None:
    scripts = {"a": [(HANG,)], "b": [(0.5, "b")]}
    stacks = Stacks(scripts, timeouts=STALLS, stream={"hold": hold}, retry=FIVE)
    ended = stacks.one(stream=True)
    assert (ended.heard, ended.took, stacks.calls()) == (["b"], 3.5, ["a", "b"])
    assert ended.tries == [("a", "timeout"), ("b", "ok")]
    assert not any(isinstance(event, Failover) for event in ended.events)


def test_the_limit_to_the_first_text_is_each_trys_own() -> None:
    """A try that failed early leaves the next as long for its first text as it had."""
    script = [(2.0, unavailable()), (2.0, "a\n", "b")]
    stacks = Stacks({"a": script}, timeouts=STALLS, retry=FIVE)
    ended = stacks.one(stream=True)
    assert ended.text == "a\nb"
    assert ended.tries == [("a", "failed"), ("a", "ok")]


def test_a_silence_while_the_reader_is_slow_is_no_stall_and_costs_no_try() -> None:
    """Each text is read for 5 s, five times the longest silence of an endpoint."""
    stacks = Stacks({"a": [("1\n", "2\n", 0.9, "3")]}, timeouts=STALLS, stream=AT_ONCE)
    ended = stacks.one(stream=True, reads_s=5.0)
    assert (ended.heard, ended.tries) == (["1\n", "2\n", "3"], [("a", "ok")])
    assert ended.took == pytest.approx(15.9)


def test_a_stall_after_a_slow_reader_is_one_all_the_same() -> None:
    stacks = Stacks({"a": [("1\n", HANG)], "b": [("2",)]}, timeouts=STALLS, stream=AT_ONCE)
    ended = stacks.one(stream=True, reads_s=5.0)
    assert ended.heard == ["1\n", "2"]
    assert ended.took == pytest.approx(5.0 + 1.0 + 5.0)


def test_text_of_a_failed_try_that_nobody_saw_is_not_mixed_with_the_next_tries() -> None:
    script = [("half", unavailable()), ("other ", "half", unavailable()), ("who", "le\n", "end")]
    stacks = Stacks({"a": script}, retry=FIVE, timeouts=STALLS)
    ended = stacks.one(stream=True)
    assert "".join(ended.heard) == ended.text == "whole\nend"
    assert [asked.task.tries_before for asked in stacks.asked] == [0, 1, 2]


def test_once_text_was_seen_a_transient_fault_is_not_tried_again_at_the_same_endpoint() -> None:
    scripts = {"a": [("one\n", unavailable()), ("never",)], "b": [("two",)]}
    stacks = Stacks(scripts, retry=FIVE)
    ended = stacks.one(stream=True)
    assert (ended.text, stacks.calls()) == ("one\ntwo", ["a", "b"])


@pytest.mark.parametrize("how", [(HANG,), (cut(),), (unavailable(),)])
def test_a_stream_that_nobody_can_go_on_with_ends_as_broken_off_and_never_as_complete(how) -> None:
    scripts = {"a": [("one\n", *how)], "b": [("two",)]}
    stacks = Stacks(scripts, each={"continues": False}, timeouts=STALLS, retry=FIVE)
    ended = stacks.one(stream=True)
    assert ended.heard == ["one\n"]
    assert ended.fault is not None
    assert ended.fault.reason is Reason.STREAM_TRUNCATED
    assert ended.fault.kind is (Kind.DEADLINE if how == (HANG,) else Kind.TRUNCATED)
    assert stacks.calls() == ["a"]


def test_the_listener_is_told_of_each_try_that_was_left() -> None:
    scripts = {"a": [(HANG,)], "b": [(unavailable(),)], "c": [("c",)]}
    stacks = Stacks(scripts, timeouts=STALLS, retry={"max_tries": 1})
    ended = stacks.one(stream=True)
    left = [event.attempt for event in ended.events if isinstance(event, AttemptFailed)]
    assert [(attempt.endpoint, attempt.reason) for attempt in left] == [
        ("a", Reason.UPSTREAM_TIMEOUT),
        ("b", Reason.UPSTREAM_UNAVAILABLE),
    ]
