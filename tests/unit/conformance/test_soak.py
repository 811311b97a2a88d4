"""The soak can fail: what grows, and what is lost, is a miss."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conformance.calls import Ask, Got
from tests.conformance.texts import Text
from tests.soak.readings import MIB, NONE_LEFT, Readings, slope
from tests.soak.run import Soak
from tests.soak.tally import Tally

TEXT = Text("one", 3)


def got(said: str = TEXT.whole, code: str = "OK", **more: Any) -> Got:
    return Got(Ask(TEXT), sent=10.0, ended=10.5, code=code, said=said, **more)


def numbers(**more: int) -> dict[str, Any]:
    return {"rss": 100 * MIB, "fds": 30, "tasks": 11, **dict.fromkeys(NONE_LEFT, 0), **more}


def readings(mib_in_ten_minutes: float, seconds: int = 600, **last: int) -> Readings:
    times = [float(second) for second in range(0, seconds, 10)]
    sizes = [round(100 * MIB + mib_in_ten_minutes * MIB * one / 600) for one in times]
    samples = [numbers(rss=size) for size in sizes]
    return Readings(times, samples, [numbers(), numbers(), numbers(**last)])


def test_the_slope_is_in_mib_for_ten_minutes_and_an_outlier_does_not_move_it() -> None:
    sizes = [100 * MIB + second * MIB // 300 for second in range(100)]
    sizes[50] += 500 * MIB
    found = slope([float(second) for second in range(100)], sizes)
    assert found.mib == pytest.approx(2.0, abs=0.01)
    assert found.low <= found.mib <= found.high + 0.01


def test_memory_that_grows_is_a_miss() -> None:
    assert readings(0.9).misses == []
    (missed,) = readings(1.5).misses
    assert missed == "memory grew by 1.50 MiB in ten minutes, below 1 MiB is allowed"


def test_memory_is_not_judged_over_a_short_time_and_a_miss_where_it_was_not_measured() -> None:
    assert readings(1.5, seconds=120).misses == []
    assert readings(0.0, seconds=20).misses == ["memory was not measured"]


@pytest.mark.parametrize("name", ["fds", "tasks"])
def test_more_files_or_tasks_than_after_the_warm_up_are_a_miss(name: str) -> None:
    before = numbers()[name]
    assert readings(0, **{name: before + 4}).misses == []
    (missed,) = readings(0, **{name: before + 5}).misses
    assert missed == f"{before + 5} {name} at quiescence 2, {before} after warm-up"


@pytest.mark.parametrize("name", NONE_LEFT)
def test_anything_that_runs_when_nothing_should_is_a_miss(name: str) -> None:
    assert readings(0, **{name: 1}).misses == [f"1 {name} at quiescence 2"]


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (got("", ""), "1 lost"),
        (got(TEXT.whole * 2), "1 duplicated or out of order"),
        (got(faults=["an event after the last one"]), "1 duplicated or out of order"),
        (got(TEXT.whole[:-5]), "1 cut without an error"),
        (got("", "INTERNAL"), "1 ended in an error that says nothing"),
    ],
)
def test_a_request_that_is_lost_doubled_cut_or_untyped_is_a_miss(bad: Got, words: str) -> None:
    tally = Tally()
    tally.take("unary", got())
    tally.take("unary", got("", "UNAVAILABLE"))
    assert tally.misses == []
    tally.take("unary", bad)
    assert tally.misses[0] == words
    assert tally.sent("unary") == 3


def test_a_status_other_than_the_only_right_one_is_a_miss() -> None:
    tally = Tally()
    tally.take("bad", got("", "INVALID_ARGUMENT"), code="INVALID_ARGUMENT")
    assert tally.misses == []
    tally.take("bad", got("", "UNAVAILABLE"), code="INVALID_ARGUMENT")
    assert tally.misses[0] == "1 were told something wrong"


def test_a_gateway_that_answers_less_than_half_or_ends_badly_is_a_miss() -> None:
    soak = Soak(600, readings=readings(0), exit_code=0)
    soak.tally.take("unary", got())
    assert soak.misses == []
    for _ in range(2):
        soak.tally.take("unary", got("", "UNAVAILABLE"))
    soak.exit_code = -9
    assert soak.misses == ["only 1 of 3 unary answered", "the gateway ended with -9"]


@pytest.mark.parametrize(
    ("seconds", "warm_up_s"), [(90, 30), (180, 60), (300, 60), (600, 120), (3600, 720)]
)
def test_the_warm_up_is_a_fifth_of_the_time_and_at_least_a_minute_where_there_is_one(
    seconds: float, warm_up_s: float
) -> None:
    assert Soak(seconds).warm_up_s == warm_up_s
