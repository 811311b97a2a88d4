"""Health and warm-up of an endpoint."""

from __future__ import annotations

import pytest

from gateway.core.faults import Reason
from gateway.core.outcome import Outcome
from gateway.state.standing import (
    HEALTH_INITIAL,
    HEALTH_TRANSITIONS,
    WARMUP_INITIAL,
    WARMUP_TRANSITIONS,
    EndpointStanding,
    Health,
    Standing,
    WarmUp,
    WarmUpSettings,
)


def new(**settings: float) -> EndpointStanding:
    return Standing(["a"], WarmUpSettings(**settings), ["a"]).of("a")


def known() -> EndpointStanding:
    return Standing(["a"], WarmUpSettings()).of("a")


def taken(endpoint: EndpointStanding, calls: int) -> list[int]:
    """Numbers of the calls, from 1, that were not refused."""
    return [n for n in range(1, calls + 1) if endpoint.refusal(last=False) is None]


def feed(endpoint: EndpointStanding, successes: int, failures: int) -> None:
    for _ in range(failures):
        endpoint.ended(Outcome.FAILURE)
    for _ in range(successes):
        endpoint.ended(Outcome.SUCCESS)


# Health


def test_an_endpoint_of_which_nothing_is_known_gets_calls() -> None:
    endpoint = known()
    assert endpoint.read().health == HEALTH_INITIAL == Health.UNKNOWN
    assert endpoint.clear
    assert endpoint.ready()
    assert endpoint.refusal(last=False) is None


def test_an_endpoint_that_does_not_serve_is_refused_even_as_the_last() -> None:
    endpoint = known()
    endpoint.set_health("not_serving")
    assert not endpoint.clear
    assert not endpoint.ready()
    for last in (False, True):
        assert endpoint.refusal(last=last) == (
            Reason.ENDPOINT_UNHEALTHY,
            "endpoint 'a': its health check says that it does not serve",
        )


@pytest.mark.parametrize("before", list(Health))
@pytest.mark.parametrize("after", list(Health))
def test_a_check_may_change_its_mind_and_repeat_itself(before: Health, after: Health) -> None:
    endpoint = known()
    endpoint.set_health(before)
    endpoint.set_health(after)
    assert endpoint.read().health is after
    assert endpoint.clear == (after is not Health.NOT_SERVING)


def test_a_word_that_is_no_status_is_refused() -> None:
    with pytest.raises(ValueError, match="'service_unknown' is not a valid Health"):
        known().set_health("service_unknown")


# Warm-up


def test_l14_a_new_endpoint_takes_exactly_its_share() -> None:
    assert taken(new(), 100) == [20, 40, 60, 80, 100]
    assert taken(new(share=1.0), 3) == [1, 2, 3]
    assert len(taken(new(share=0.29), 1000)) == 290
    assert taken(new(share=0.29), 100)[-1] == 100


def test_l14_a_new_endpoint_is_refused_with_its_share_in_words() -> None:
    assert new().refusal(last=False) == (
        Reason.ENDPOINT_WARMING_UP,
        "endpoint 'a': it is warming up and takes 0.05 of its calls",
    )


def test_l14_a_new_endpoint_that_is_the_last_is_called_beyond_its_share() -> None:
    endpoint = new()
    assert [endpoint.refusal(last=True) for _ in range(3)] == [None] * 3


def test_l14_it_graduates_after_fifty_calls_of_which_eighty_percent_succeeded() -> None:
    endpoint = new()
    assert endpoint.read().warmup == WARMUP_INITIAL == WarmUp.WARMING_UP
    feed(endpoint, 39, 10)
    assert not endpoint.clear
    endpoint.ended(Outcome.SUCCESS)
    assert endpoint.read().warmup is WarmUp.WARM
    assert endpoint.clear
    assert endpoint.ready()


def test_l14_too_few_successes_keep_it_new_until_the_last_fifty_are_good_enough() -> None:
    endpoint = new()
    feed(endpoint, 39, 11)
    reading = endpoint.read()
    assert (reading.warmup, reading.queries, reading.succeeded) == (WarmUp.WARMING_UP, 50, 39)
    endpoint.ended(Outcome.SUCCESS)  # the oldest failure leaves
    assert endpoint.read().warmup is WarmUp.WARM


def test_l14_what_counts_neither_way_does_not_count_for_graduation() -> None:
    endpoint = new(queries=1)
    endpoint.ended(Outcome.NOT_COUNTED)
    assert endpoint.read().queries == 0
    assert not endpoint.clear


def test_l14_a_warm_endpoint_never_falls_back() -> None:
    endpoint = new(queries=1)
    endpoint.ended(Outcome.SUCCESS)
    feed(endpoint, 0, 100)
    assert endpoint.clear
    endpoint.set_health("not_serving")
    endpoint.set_health("serving")
    assert endpoint.clear


def test_a_new_endpoint_that_does_not_serve_is_unhealthy_first() -> None:
    endpoint = new(share=1.0)
    endpoint.set_health("not_serving")
    assert not endpoint.ready()
    refused = endpoint.refusal(last=True)
    assert refused is not None
    assert refused[0] is Reason.ENDPOINT_UNHEALTHY


def test_a_call_offered_and_then_made_is_counted_once() -> None:
    endpoint = new(share=0.5)
    made: list[int] = []
    for number in range(1, 11):
        if endpoint.ready():
            assert endpoint.refusal(last=False) is None
            made.append(number)
    assert made == [2, 4, 6, 8, 10]


def test_a_turn_waits_for_a_call_and_none_is_saved_up() -> None:
    endpoint = new(share=0.5)
    assert [endpoint.ready() for _ in range(9)] == [False] + [True] * 8
    assert endpoint.refusal(last=False) is None
    assert [endpoint.refusal(last=False) is None for _ in range(3)] == [True, False, True]


# All endpoints


def test_each_endpoint_stands_for_itself() -> None:
    standing = Standing(["a", "b"], WarmUpSettings(), ["b"])
    standing.set_health("a", "not_serving")
    assert not standing.ready("a")
    assert standing.read("a").health is Health.NOT_SERVING
    assert standing.read("b").warmup is WarmUp.WARMING_UP
    assert standing.read("a").warmup is WarmUp.WARM
    with pytest.raises(KeyError):
        standing.of("c")


def test_an_unknown_endpoint_cannot_warm_up() -> None:
    with pytest.raises(ValueError, match="endpoints to warm up are not configured: x, z"):
        Standing(["a"], WarmUpSettings(), ["z", "a", "x"])


@pytest.mark.parametrize(
    ("field", "setting"),
    [("share", 0.0), ("share", 1.1), ("queries", 0), ("success", -0.1), ("success", 1.1)],
)
def test_settings_that_make_no_sense_are_refused_by_name(field: str, setting: float) -> None:
    with pytest.raises(ValueError, match=f"{field} must be"):
        WarmUpSettings(**{field: setting})


def test_the_tables_say_where_each_state_leads() -> None:
    states = {HEALTH_INITIAL, *(line.target for line in HEALTH_TRANSITIONS)}
    assert states == set(Health)
    states = {WARMUP_INITIAL, *(line.target for line in WARMUP_TRANSITIONS)}
    assert states == set(WarmUp)
    assert all(line.source != WarmUp.WARM for line in WARMUP_TRANSITIONS)
