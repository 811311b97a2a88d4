"""The composed stacks of the product, whole: what is streamed is complete, or ends in a fault."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.app import ATTEMPT_STACK, REQUEST_STACK, TARGET_STACK
from gateway.core.candidate import AttemptStatus
from gateway.core.events import Delta, Failover, Started
from gateway.core.faults import Reason
from gateway.core.hole import Budget
from gateway.state.breaker import BreakerState
from tests.fakes.drawn import NAMES, STEPS, is_explained
from tests.fakes.scripted import HANG, Asked, cut
from tests.fakes.stacks import Ended, Stacks
from tests.fakes.values import unavailable

SETTINGS = st.fixed_dictionaries(
    {
        "stream": st.fixed_dictionaries(
            {"hold": st.sampled_from(["line", "none"]), "hold_chars": st.sampled_from([1024, 6])}
        ),
        "retry": st.fixed_dictionaries({"max_tries": st.sampled_from([3, 1, 5])}),
        "timeouts": st.fixed_dictionaries(
            {
                "first_text_s": st.sampled_from([0.7, 0.0]),
                "between_texts_s": st.sampled_from([0.4, 30.0]),
            }
        ),
        "hedge": st.fixed_dictionaries({"enabled": st.booleans(), "budget": st.just(1.0)}),
    }
)


@st.composite
def streaming(draw: Any) -> Stacks:
    """Up to three endpoints or replicas, each of which may cut, fail, stall or end its streams."""
    names = NAMES[: draw(st.sampled_from([3, 2, 3, 1]))]
    scripts = {name: draw(st.lists(STEPS, min_size=1, max_size=3)) for name in names}
    members = draw(st.sampled_from([(), (), (), names[:2], names[1:]]))
    # Replicas are alike in this; only a lone endpoint may differ from the others.
    continues = bool(members) or draw(st.sampled_from([True, True, True, False]))
    made = Stacks(
        scripts,
        groups={"g": members} if members else {},
        endpoint={names[-1]: {"continues": continues}},
        signed=True,
        **draw(SETTINGS),
    )
    return made.warm(*names, seconds=0.15) if draw(st.booleans()) else made


def follows(deltas: list[str], calls: list[Asked], *, whole: bool) -> None:
    """Each piece that was heard is what one call sent, in order, none twice and none left out."""
    heard = "".join(deltas)
    assert is_explained(heard, calls, whole=whole)
    for asked in calls:
        for piece in asked.sent:
            assert heard.count(piece) <= 1


@settings(max_examples=500, deadline=None)
@given(made=streaming(), seconds=st.sampled_from([20.0, 5.0, 1.0]), reads_s=st.sampled_from([0, 1]))
def test_a_stream_is_heard_whole_or_ends_in_a_fault(
    made: Stacks, seconds: float, reads_s: float
) -> None:
    ended = made.one(stream=True, seconds=seconds, reads_s=reads_s)
    assert isinstance(ended.events[0], Started)
    if ended.answer is not None:
        follows(ended.heard, made.asked, whole=True)
        assert "".join(ended.heard) == ended.text
        assert ended.attempts[-1].status is not AttemptStatus.SKIPPED
    else:
        assert ended.fault is not None
        if ended.heard:
            follows(ended.heard, made.asked, whole=False)
            assert ended.fault.reason in {Reason.STREAM_TRUNCATED, Reason.DEADLINE_EXCEEDED}
    resumes_where_it_stopped(ended)
    assert ended.took <= seconds


def resumes_where_it_stopped(ended: Ended) -> None:
    said = 0
    for event in ended.events:
        if isinstance(event, Delta):
            said += len(event.text)
        elif isinstance(event, Failover):
            assert event.resumed_at == said > 0


@pytest.mark.parametrize("hold", ["line", "none"])
def test_a_stream_goes_on_over_three_endpoints_without_a_gap_or_a_repetition(hold) -> None:
    scripts = {
        "a": [("1\n", 0.1, "2", cut())],
        "b": [("3", HANG)],
        "c": [("4", 0.1, "5\n", 0.1, "6")],
    }
    stacks = Stacks(scripts, stream={"hold": hold}, timeouts={"between_texts_s": 1.0})
    ended = stacks.one(stream=True)
    assert "".join(ended.heard) == ended.text == "1\n2345\n6"
    assert [asked.task.partial for asked in stacks.asked] == ["", "1\n2", "1\n23"]
    assert ended.answer is not None
    assert ended.answer.chosen.endpoint == "c"


def test_a_request_in_good_health_passes_all_layers_and_leaves_each_at_rest() -> None:
    stacks = Stacks(
        {"one": [(0.5, "ok")], "two": [(0.5, "ok")], "spare": [("never",)]},
        groups={"pair": ("one", "two")},
        hedge={"enabled": True},
        tenant_budget={"max_attempts": 100},
    ).warm("one", "two", seconds=1.0)

    async def main() -> None:
        for number in range(20):
            ended = await stacks.ask(
                stream=bool(number % 2), name=f"r{number}", budget=Budget(max_attempts=1)
            )
            assert (ended.text, ended.took) == ("ok", 0.5)
            assert len(ended.attempts) == 1

    stacks.run(main)
    counters = stacks.parts.fleet.read().ensemble
    assert (counters.requests, counters.succeeded, counters.attempts) == (20, 20, 20)
    assert (counters.fallback_used, counters.fallback_exhausted) == (0, 0)
    guards = stacks.parts.counters()
    assert (guards.retries, guards.hedges, guards.shed, guards.replayed) == (0, 0, 0, 0)


def test_a_fleet_that_fails_and_comes_back_is_found_again_by_itself() -> None:
    """All breakers open; requests are refused at once; after `open_s` trial calls close them."""
    down = [(unavailable(),)] * 4
    stacks = Stacks(
        {name: [*down, ("ok",)] for name in "ab"},
        retry={"max_tries": 1},
        breaker={"minimum_calls": 4, "window_size": 4, "permits": 2},
    )

    async def main() -> None:
        for _ in range(4):
            assert (await stacks.ask()).fault is not None
        refused = await stacks.ask()
        assert refused.took == 0
        assert refused.tries == [("a", "skipped"), ("b", "skipped")]
        assert refused.fault is not None
        assert refused.fault.retry_after_s == pytest.approx(5.0)
        await asyncio.sleep(refused.fault.retry_after_s)
        assert [(await stacks.ask()).text for _ in range(3)] == ["ok"] * 3
        assert stacks.breaker("a").state is BreakerState.CLOSED

    stacks.run(main)


def test_the_stacks_of_these_tests_are_those_of_the_product(monkeypatch) -> None:
    """A policy that is left out of a tuple of `gateway.app` is left out here too."""
    passed: list[str] = []

    def noting(name: str, build: Any) -> Any:
        def built(*arguments: Any) -> Any:
            policy = build(*arguments)

            def wrap(inner: Any) -> Any:
                call = inner if policy is None else policy(inner)

                def noted(thing: Any) -> Any:
                    passed.append(name)
                    return call(thing)

                return noted

            return wrap

        return built

    order: list[str] = []
    for word, stack in (
        ("REQUEST_STACK", REQUEST_STACK),
        ("TARGET_STACK", TARGET_STACK),
        ("ATTEMPT_STACK", ATTEMPT_STACK),
    ):
        order += [name for name, _ in stack]
        noted = tuple((name, noting(name, build)) for name, build in stack)
        monkeypatch.setattr(f"gateway.app.{word}", noted)
    assert Stacks({"a": [("ok",)]}, groups={"g": ("a",)}).one(name="named").text == "ok"
    assert passed == order
