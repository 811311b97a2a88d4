from __future__ import annotations

import pickle

import pytest
from ensemble_loadtest.flights import Flight
from ensemble_loadtest.slo import Objective
from ensemble_loadtest.tally import MAX_REASONS, OTHER_REASONS, Tally
from hypothesis import given
from hypothesis import strategies as st


def flight(intended_s: float, sent_s: float, *pieces_s: float) -> Flight:
    made = Flight(0, intended_s)
    made.sent_s = sent_s
    made.pieces = len(pieces_s)
    if pieces_s:
        made.first_s, made.last_s = pieces_s[0], pieces_s[-1]
    return made


def test_latency_runs_from_the_intended_send_and_service_from_the_actual_one() -> None:
    tally = Tally()
    tally.answered(flight(10.0, 10.5), 0.0, 11.5, Objective())
    assert tally.latency.quantile(0.5) == pytest.approx(1.5, rel=0.01)
    assert tally.service.quantile(0.5) == pytest.approx(1.0, rel=0.01)


def test_the_first_token_is_counted_from_the_intended_send_too() -> None:
    tally = Tally()
    tally.answered(flight(10.0, 10.5, 11.0, 11.2, 11.6), 0.0, 12.0, Objective())
    assert tally.ttft.most == pytest.approx(1.0)
    assert tally.tpot.most == pytest.approx(0.3)


def test_goodput_counts_what_was_answered_in_time_of_all_that_was_asked() -> None:
    tally = Tally()
    slo = Objective(latency_s=1.0)
    tally.answered(flight(0.0, 0.0), 0.0, 0.9, slo)
    tally.answered(flight(0.0, 0.0), 0.0, 1.1, slo)
    tally.refused(flight(0.0, 0.0), "UNAVAILABLE", 0.0, 0.1)
    tally.dropped = 1
    assert (tally.good, tally.met, tally.failed, tally.asked) == (2, 1, 1, 4)


def test_a_request_belongs_to_the_second_in_which_it_was_to_be_sent() -> None:
    tally = Tally(cell_s=2.0)
    tally.answered(flight(103.0, 103.0), 3.0, 109.0, Objective())
    tally.refused(flight(100.0, 100.0), "X", 0.0, 101.0)
    assert {number: (cell.good, cell.failed) for number, cell in tally.cells.items()} == {
        0: (0, 1),
        1: (1, 0),
    }


def test_tokens_cost_and_endpoints_add_up() -> None:
    tally = Tally()
    one = flight(0.0, 0.0)
    one.prompt_tokens, one.completion_tokens, one.cost_micros = 5, 7, 11
    one.endpoint, one.cached = "fast", True
    for _ in range(3):
        tally.answered(one, 0.0, 1.0, Objective())
    spent = (tally.prompt_tokens, tally.completion_tokens, tally.cost_micros, tally.cached)
    assert spent == (15, 21, 33, 3)
    assert tally.endpoints == {"fast": 3}


def test_a_server_cannot_make_the_tally_grow() -> None:
    tally = Tally()
    for number in range(MAX_REASONS + 40):
        tally.refused(flight(0.0, 0.0), f"REASON_{number}", 0.0, 1.0)
    assert len(tally.reasons) == MAX_REASONS + 1
    assert tally.reasons[OTHER_REASONS] == 40


EVENTS = st.lists(
    st.tuples(st.floats(0, 20), st.floats(0.001, 5), st.sampled_from(["", "", "A", "B"])),
    max_size=40,
)


def counted(events: list[tuple[float, float, str]]) -> Tally:
    tally = Tally()
    for offset_s, took_s, reason in events:
        one = flight(offset_s, offset_s, offset_s + took_s / 2)
        one.cost_micros, one.endpoint = 3, "fast"
        tally.sent += 1
        tally.cell(offset_s).sent += 1
        tally.finished_s = max(tally.finished_s, offset_s + took_s)
        if reason:
            tally.refused(one, reason, offset_s, offset_s + took_s)
        else:
            tally.answered(one, offset_s, offset_s + took_s, Objective(latency_s=1.0))
    return tally


@given(EVENTS, EVENTS)
def test_the_tallies_of_two_processes_are_that_of_one_that_saw_all(
    first: list[tuple[float, float, str]], second: list[tuple[float, float, str]]
) -> None:
    merged = Tally()
    for part in (counted(first), counted(second)):
        merged.merge(pickle.loads(pickle.dumps(part)))
    whole = counted(first + second)
    for name in ("sent", "good", "met", "failed", "asked", "cost_micros", "reasons", "endpoints"):
        assert getattr(merged, name) == getattr(whole, name)
    assert merged.finished_s == whole.finished_s
    assert merged.latency.buckets() == whole.latency.buckets()
    assert merged.ttft.buckets() == whole.ttft.buckets()
    assert sorted(merged.cells) == sorted(whole.cells)
    for number, cell in merged.cells.items():
        other = whole.cells[number]
        assert (cell.sent, cell.good, cell.failed, cell.met) == (
            other.sent, other.good, other.failed, other.met,
        )  # fmt: skip
        assert cell.latency.buckets() == other.latency.buckets()
