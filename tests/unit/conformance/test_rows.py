"""The suite can fail: each bar that is not kept makes a row a miss, and a miss the exit code."""

from __future__ import annotations

import sys

import pytest

from tests.conformance import __main__ as command
from tests.conformance.calls import Ask, Fate, Got, Try
from tests.conformance.rows import Row, quantile, table
from tests.conformance.servers.book import Call
from tests.conformance.texts import Text

TEXT = Text("one", 3)


def got(said: str = TEXT.whole, code: str = "OK", **more: object) -> Got:
    return Got(Ask(TEXT, deadline_s=1.0), sent=10.0, ended=10.5, code=code, said=said, **more)


def row_of(*gots: Got, must: Fate | None = Fate.ANSWERED) -> Row:
    row = Row("a row", "a purpose")
    row.take(gots, must=must)
    row.close()
    return row


@pytest.mark.parametrize(
    ("one", "fate"),
    [
        (got(), Fate.ANSWERED),
        (got(TEXT.whole[:-5]), Fate.TRUNCATED),
        (got(TEXT.whole + TEXT.pieces[2]), Fate.REPEATED),
        (got("", ""), Fate.LOST),
        (got("", "UNAVAILABLE"), Fate.ERROR),
        (got(TEXT.pieces[0], "UNAVAILABLE"), Fate.ERROR),
        (got(TEXT.pieces[0] * 2, "UNAVAILABLE"), Fate.REPEATED),
        (got("", "INTERNAL"), Fate.UNTYPED),
        (got("", "UNKNOWN"), Fate.UNTYPED),
    ],
)
def test_the_fate_of_a_request(one: Got, fate: Fate) -> None:
    assert one.fate is fate


@pytest.mark.parametrize(
    "bad",
    [
        got(TEXT.whole[:-5]),
        got(TEXT.whole + TEXT.pieces[2]),
        got("", ""),
        got("", "INTERNAL"),
        got(faults=["an event after the last one"]),
    ],
)
@pytest.mark.parametrize("must", [Fate.ANSWERED, None])
def test_a_lost_repeated_cut_or_untyped_answer_is_a_miss_whatever_is_expected(
    bad: Got, must: Fate | None
) -> None:
    row = row_of(got(), bad, must=must)
    assert row.verdict == "MISS"
    assert "1 of 2 not" in row.misses[0]


def test_an_error_is_a_miss_where_an_answer_is_due_and_an_answer_where_an_error_is() -> None:
    assert row_of(got("", "UNAVAILABLE")).verdict == "MISS"
    assert row_of(got("", "UNAVAILABLE"), must=Fate.ERROR).verdict == "ok"
    assert row_of(got(), must=Fate.ERROR).verdict == "MISS"


def test_a_deadline_that_is_overshot_is_a_miss() -> None:
    late = got("", "DEADLINE_EXCEEDED")
    late.ended = late.sent + late.ask.deadline_s + 0.021
    row = row_of(late, must=Fate.ERROR)
    assert row.misses == ["deadline overshoot p99 21 ms, at most 20 ms"]
    late.ended -= 0.002
    assert row_of(late, must=Fate.ERROR).verdict == "ok"


def test_a_cancellation_that_arrives_late_is_a_miss() -> None:
    row = Row("a row", "a purpose", cancel_ms=[1.0, 51.0])
    row.close()
    assert row.verdict == "MISS"


def test_a_failover_past_an_open_breaker_that_takes_long_is_a_miss() -> None:
    row = Row("a row", "a purpose")
    row.passed_over([got()], [Call("fallback", "one", 10.2)])
    row.close()
    assert row.open_ms == [pytest.approx(200)]
    assert row.verdict == "MISS"


def test_the_time_to_failover_counts_from_the_first_call_seen() -> None:
    failed = Try("primary", "FAILED", "UPSTREAM_ERROR", 0.1)
    calls = [Call("fallback", "one", 10.25), Call("primary", "one", 10.05)]
    row = Row("a row", "a purpose")
    row.failed_over([got(tries=(failed,))], calls)
    row.failed_over([got(tries=(failed,))], calls[:1])
    row.failed_over([got()], calls[:1])
    assert row.failover_ms == [pytest.approx(200), pytest.approx(250)]


def test_a_number_that_could_not_be_measured_keeps_no_bar() -> None:
    row = Row("a row", "a purpose")
    row.at_most("the time", quantile([], 0.99), 10)
    assert row.verdict == "MISS"


def test_attempts_that_were_never_made_are_not_wasted() -> None:
    tries = (
        Try("a", "SKIPPED", "BREAKER_OPEN", 0),
        Try("b", "FAILED", "X", 0),
        Try("c", "OK", "", 0),
    )
    assert got(tries=tries).wasted == 1


def test_the_table_names_what_was_missed_and_what_was_skipped() -> None:
    missed = row_of(got(TEXT.whole[:-5]))
    missed.note("something to know")
    skipped = Row("another row", "a purpose", skipped="no data")
    lines = table([missed, skipped]).splitlines()
    assert [line.split("|")[-2].strip() for line in lines[2:4]] == ["MISS", "skipped"]
    assert "- a row: something to know" in lines
    assert "- skipped another row: no data" in lines
    assert lines[-1].startswith("- MISS a row: 1 of 1 not answered (one: truncated / OK)")


@pytest.mark.parametrize(("good", "code"), [(True, 0), (False, 1)])
def test_the_command_fails_on_a_miss(
    good: bool, code: int, monkeypatch: pytest.MonkeyPatch, tmp_path: object, capsys: object
) -> None:
    async def run(scenarios: object, say: object) -> list[Row]:
        return [row_of(got() if good else got(TEXT.whole[:-5]))]

    monkeypatch.setattr(command, "run", run)
    monkeypatch.setattr(sys, "argv", ["conformance", "--json", f"{tmp_path}/deep/result.json"])
    assert command.main() == code
