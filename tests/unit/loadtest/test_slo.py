from __future__ import annotations

import pytest
from ensemble_loadtest.faults import PlanError
from ensemble_loadtest.slo import Objective, read_objective
from ensemble_loadtest.spans import rate_of, seconds_of, shown


def test_an_objective_is_read_with_its_units() -> None:
    assert read_objective("ttft=300ms, latency=2s,tpot=50") == Objective(0.3, 50.0, 2.0)
    assert read_objective("") == Objective()


@pytest.mark.parametrize("text", ["p99=1s", "latency", "latency=fast", "=1s"])
def test_what_is_no_objective_is_refused(text: str) -> None:
    with pytest.raises(PlanError, match="--slo"):
        read_objective(text)


@pytest.mark.parametrize(
    ("ttft_s", "tpot_s", "latency_s", "met"),
    [
        (0.3, 0.05, 2.0, True),
        (0.31, 0.05, 2.0, False),
        (0.3, 0.051, 2.0, False),
        (0.3, 0.05, 2.1, False),
        (None, None, 2.0, True),
    ],
)
def test_a_request_must_keep_every_bound(
    ttft_s: float | None, tpot_s: float | None, latency_s: float, met: bool
) -> None:
    objective = Objective(0.3, 0.05, 2.0)
    assert objective.met(ttft_s=ttft_s, tpot_s=tpot_s, latency_s=latency_s) is met
    assert Objective().met(ttft_s=ttft_s, tpot_s=tpot_s, latency_s=latency_s)


def test_an_objective_says_what_it_bounds() -> None:
    assert str(Objective(0.3, None, 2.0)) == "ttft ≤ 300 ms, latency ≤ 2 s"
    assert str(Objective()) == "any answer"
    assert Objective(ttft_s=1).of_streams
    assert not Objective(latency_s=1).of_streams


@pytest.mark.parametrize(
    ("text", "seconds"), [("300ms", 0.3), ("2", 2), ("1.5s", 1.5), ("5m", 300), ("40us", 4e-5)]
)
def test_spans_have_units(text: str, seconds: float) -> None:
    assert seconds_of("--x", text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, "-"),
        (0.0, "0"),
        (0.0000123, "12.3 µs"),
        (0.25, "250 ms"),
        (12.34, "12.3 s"),
        (300, "300 s"),
    ],
)
def test_spans_are_shown_with_three_digits(seconds: float | None, words: str) -> None:
    assert shown(seconds) == words


@pytest.mark.parametrize("text", ["x", "-1", "1e9", "nan"])
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(PlanError, match="--rate"):
        rate_of("--rate", text)
