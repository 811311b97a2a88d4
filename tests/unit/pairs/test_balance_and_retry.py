"""The pair balance + retry: a replica that fails is left for its siblings, not waited for."""

from __future__ import annotations

import asyncio

import pytest

from gateway.core.faults import Fault
from gateway.core.outcome import Outcome
from gateway.state.standing import Health
from tests.fakes.scripted import HANG, Part, cut, overloaded, unreachable
from tests.fakes.stacks import Ended, Stacks
from tests.fakes.values import unavailable

FIVE = {"max_tries": 5, "budget_tokens": 1000}
TRIO = {"trio": ("one", "two", "three")}
NEW = {"two": {"warmup": True}}
SMALL = {"minimum_calls": 2, "window_size": 4}


def trio(*steps: tuple[Part, ...], fallback: bool = True, **settings) -> Stacks:
    """Replicas `one`, `two` and `three` with a step each, and a `spare` endpoint after them."""
    scripts = {name: [step] for name, step in zip(TRIO["trio"], steps, strict=True)}
    if fallback:
        scripts["spare"] = [("spare",)]
    return Stacks(scripts, groups=TRIO, **{"ejection": {"enabled": False}, **settings})


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("dead", [unreachable(), unavailable()], ids=["unreachable", "503"])
def test_a_dead_replica_costs_no_request_more_than_one_attempt_and_no_wait(dead, stream) -> None:
    stacks = trio((dead,), (0.1, "ok"), (0.1, "ok"), retry=FIVE, breaker={"failure_share": 1})

    async def main() -> None:
        for _ in range(60):
            ended = await stacks.ask(stream=stream)
            assert ended.text == "ok"
            assert len(ended.attempts) <= 2
            assert ended.took == pytest.approx(0.1)

    stacks.run(main)
    assert "spare" not in stacks.calls()
    assert 0 < stacks.calls().count("one") < 30


def test_a_dead_replica_is_left_soon_by_many_at_once_and_nobody_fails() -> None:
    stacks = trio((0.1, unavailable()), (0.3, "ok"), (0.3, "ok"))

    async def one(number: int) -> str:
        await asyncio.sleep(number / 20)
        return (await stacks.ask()).text

    async def main() -> list[str]:
        return await asyncio.gather(*(one(number) for number in range(100)))

    assert set(stacks.run(main)) == {"ok"}


def test_when_all_replicas_are_dead_the_next_endpoint_is_reached_without_a_wait() -> None:
    stacks = trio(*[(unreachable(),)] * 3, retry=FIVE)
    ended = stacks.one()
    assert (ended.text, ended.took) == ("spare", 0.0)
    assert sorted(stacks.calls()) == ["one", "spare", "three", "two"]
    assert stacks.calls()[-1] == "spare"


def test_when_all_replicas_fail_each_is_tried_before_any_is_tried_again() -> None:
    stacks = trio(*[(unavailable(),)] * 3, fallback=False, retry=FIVE)
    ended = stacks.one()
    assert ended.fault is not None
    called = stacks.calls()
    assert len(called) == 5
    assert (len(set(called[:3])), len(set(called[3:]))) == (3, 2)
    # The waits begin with the second round.
    times = [asked.at - ended.began for asked in stacks.asked]
    assert times[:3] == [0.0, 0.0, 0.0]
    assert 0.08 <= times[3] <= 0.12


def test_a_group_that_failed_is_one_endpoint_to_the_walk_and_one_fallback_to_the_counters() -> None:
    stacks = trio(*[(unreachable(),)] * 3, retry=FIVE)
    stacks.one()
    counters = stacks.parts.fleet.read().ensemble
    assert (counters.attempts, counters.fallback_used, counters.fallback_exhausted) == (4, 1, 0)


def test_replicas_whose_breakers_are_open_are_passed_over_without_a_wait_or_a_record() -> None:
    stacks = trio(("one",), ("two",), (0.1, "three"), breaker=SMALL, retry=FIVE)
    for name in ("one", "two"):
        for _ in range(2):
            breaker = stacks.breaker(name)
            breaker.record(breaker.acquire(1000), Outcome.FAILURE, 0, 1000)

    async def main() -> None:
        for _ in range(10):
            ended = await stacks.ask()
            assert (ended.tries, ended.took) == ([("three", "ok")], pytest.approx(0.1))

    stacks.run(main)


def test_a_group_without_a_replica_that_may_be_called_is_passed_over_and_says_why() -> None:
    stacks = trio(("one",), ("two",), ("three",), retry=FIVE, each={"breaker": "forced_open"})
    stacks.parts.endpoints["spare"].breaker.reset()
    ended = stacks.one()
    assert (ended.text, ended.took, stacks.calls()) == ("spare", 0.0, ["spare"])
    assert sorted(ended.tries) == sorted(
        [("one", "skipped"), ("two", "skipped"), ("three", "skipped"), ("spare", "ok")]
    )


def test_a_replica_whose_breaker_opens_amid_the_tries_is_not_tried_again() -> None:
    stacks = trio(
        *[(unavailable(),)] * 3,
        retry=FIVE,
        breaker={"minimum_calls": 1, "window_size": 1, "failure_share": 1},
    )
    ended = stacks.one()
    assert ended.text == "spare"
    assert sorted(stacks.calls()) == ["one", "spare", "three", "two"]


PAIR = {"pair": ("one", "two")}


@pytest.mark.parametrize("fallback", [False, True])
@pytest.mark.parametrize("state", ["forced_open", "drained", "unhealthy", "full", "new"])
def test_what_a_replica_asks_for_is_obeyed_while_its_sibling_may_not_be_called(
    state: str, fallback: bool
) -> None:
    """Regression: the retry went at once, to nobody else but the replica that asked to wait."""
    keys = {
        "forced_open": {"breaker": "forced_open"},
        "drained": {"drained": True},
        "full": {"max_concurrency": 1, "max_waiting": 0},
        "new": {"warmup": True},
    }
    scripts = {"one": [(overloaded(1.5),), ("ok",)], "two": [("ok",)]}
    if fallback:
        scripts["spare"] = [("spare",)]
    stacks = Stacks(scripts, groups=PAIR, endpoint={"two": keys.get(state, {})})
    if state == "unhealthy":
        stacks.parts.standing.set_health("two", Health.NOT_SERVING)
    if state == "full":
        stacks.parts.endpoints["two"].gate.try_acquire()
    stacks.parts.groups["pair"].load.ended("two", Outcome.SUCCESS, 9.0)

    async def main() -> Ended:
        ended = await stacks.ask()
        if state == "full":
            stacks.parts.endpoints["two"].gate.release()
        return ended

    ended = stacks.run(main)
    assert (ended.text, stacks.calls()[0]) == ("ok", "one")
    if state == "new" and not fallback:
        # Nothing else is left, so that a new one is called whatever its share is.
        assert (ended.took, stacks.calls()) == (0.0, ["one", "two"])
    else:
        assert (ended.took, stacks.calls()) == (1.5, ["one", "one"])


def test_to_ask_for_a_sibling_takes_no_turn_of_a_new_one() -> None:
    stacks = Stacks({"one": [("ok",)], "two": [("new",)]}, groups=PAIR, endpoint=NEW)
    for _ in range(100):
        assert not stacks.parts.able("two", last=False)
        assert stacks.parts.able("two", last=True)
    # Of the next twenty calls one is its own, as if nobody had asked.
    assert [stacks.parts.ready("two") for _ in range(20)] == [False] * 19 + [True]


def test_a_replica_that_does_not_serve_is_not_even_tried() -> None:
    stacks = trio(("one",), (unavailable(),), ("three",), retry=FIVE)
    stacks.parts.standing.set_health("one", Health.NOT_SERVING)

    async def main() -> None:
        for _ in range(20):
            assert (await stacks.ask()).text == "three"

    stacks.run(main)
    assert "one" not in stacks.calls()


def test_a_full_replica_is_left_for_a_free_one_and_only_a_full_group_is_waited_for() -> None:
    each = {"max_concurrency": 1, "max_waiting": 5}
    stacks = trio(*[(1.0, "ok")] * 3, fallback=False, each=each)

    async def main() -> list[float]:
        ended = await asyncio.gather(*(stacks.ask() for _ in range(6)))
        return [one.took for one in ended]

    took = stacks.run(main)
    assert took[:3] == [1.0] * 3
    assert {1.0} < set(took) <= {1.0, 2.0, 3.0}


@pytest.mark.parametrize("fault", [cut(), overloaded()], ids=["cut", "429 without a hint"])
def test_what_is_not_transient_is_left_to_the_next_endpoint_and_not_to_the_siblings(
    fault: Fault,
) -> None:
    stacks = trio(*[(fault,)] * 3, retry=FIVE)
    assert stacks.one().text == "spare"
    assert len(stacks.calls()) == 2


def test_text_that_was_seen_is_gone_on_with_by_the_next_endpoint_and_by_no_sibling() -> None:
    """The walk goes on from the text; the siblings would have to be asked by a retry."""
    stacks = trio(*[("one\n", cut())] * 3)
    ended = stacks.one(stream=True)
    assert ended.text == "one\nspare"
    assert [asked.task.partial for asked in stacks.asked] == ["", "one\n"]


def test_the_budget_of_tries_is_the_groups_and_not_each_replicas() -> None:
    """Ten tokens: with half of them gone, nobody of the group is asked again."""
    stacks = trio(*[(unavailable(),)] * 3, retry={"max_tries": 5, "budget_tokens": 10})

    async def main() -> None:
        for _ in range(3):
            await stacks.ask()

    stacks.run(main)
    assert len(stacks.calls()) - stacks.calls().count("spare") == 7
    assert stacks.parts.throttles["trio"].tokens == 3


def test_a_hung_replica_is_hedged_at_a_sibling_which_answers_and_is_named() -> None:
    """Regression: the answer, and the judgement of it, were put down to the call that lost."""
    stacks = trio((HANG,), (0.2, "ok"), (0.2, "ok"), hedge={"enabled": True, "budget": 1.0})
    stacks.warm(*TRIO["trio"])

    async def main() -> None:
        for _ in range(20):
            ended = await stacks.ask()
            assert ended.answer is not None
            assert ended.answer.chosen.endpoint in {"two", "three"}
            assert ended.took <= 0.5 + 0.2 + 1e-6

    stacks.run(main)
    judged = {one.endpoint: one.lifetime.judged for one in stacks.parts.fleet.read().endpoints}
    assert (judged["one"], judged["two"] + judged["three"]) == (0, 20)
    assert "one" in stacks.calls()


def test_a_replica_that_answers_in_no_time_by_the_clock_is_counted_like_others() -> None:
    """Regression: a group whose first answer took 0 s by the clock failed with a ValueError."""
    assert trio(("ok",), ("ok",), ("ok",)).one().text == "ok"
