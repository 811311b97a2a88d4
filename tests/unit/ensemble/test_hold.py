from __future__ import annotations

import threading

import pytest

from gateway.core.candidate import AttemptStatus
from gateway.core.constraint import Constraint, ForbiddenText
from gateway.core.events import AttemptFailed, Delta, Failover
from gateway.core.faults import Fault, Kind, Reason
from gateway.core.hole import Hole, HoleSpec
from gateway.core.policy import Invocation
from gateway.ensemble.hold import Boundary, Hold, HoldSettings
from tests.fakes.ensemble import Ensemble, fails, says
from tests.fakes.values import make_request
from tests.fakes.virtual import VirtualClock, run_virtual


class Foresight:
    def __init__(self, *, hopeless: str = "\0", costly: bool = False) -> None:
        self.bad, self.is_costly = hopeless, costly
        self.threads: list[int] = []

    def hopeless(self, beginning: str) -> bool:
        self.threads.append(threading.get_ident())
        return self.bad in beginning

    def costly(self, text: str) -> bool:
        return self.is_costly


def taken(hold: Hold, *pieces: str) -> list[str]:
    async def main() -> list[str]:
        return [await hold.take(piece) for piece in pieces]

    return run_virtual(VirtualClock(), main())


def test_text_is_held_until_its_first_line_is_whole() -> None:
    hold = Hold(1024, Foresight())
    assert taken(hold, "retu", "rn 1", "\nx") == ["", "", "return 1\nx"]
    assert hold.state == "released"


def test_blank_lines_are_no_boundary() -> None:
    hold = Hold(1024, Foresight())
    assert taken(hold, "\n", "  \n", "x", "\n") == ["", "", "", "\n  \nx\n"]


def test_a_line_without_an_end_is_released_at_the_bound() -> None:
    foresight = Foresight(hopeless="")
    hold = Hold(4, foresight)
    assert taken(hold, "abc", "d") == ["", "abcd"]
    assert foresight.threads == []


def test_a_hopeless_beginning_is_never_released_and_asked_about_once() -> None:
    foresight = Foresight(hopeless="bad")
    hold = Hold(8, foresight)
    assert taken(hold, "bad\n", "good\n", "x" * 100) == ["", "", ""]
    assert len(foresight.threads) == 1
    assert hold.state == "hopeless"


def test_another_try_starts_afresh() -> None:
    hold = Hold(1024, Foresight(hopeless="bad"))
    assert taken(hold, "bad\n") == [""]
    hold.drop()
    assert taken(hold, "good\n") == ["good\n"]


def test_a_costly_look_is_done_by_a_worker_thread() -> None:
    foresight = Foresight(costly=True)
    assert taken(Hold(1024, foresight), "x\n") == ["x\n"]
    assert foresight.threads[0] != threading.get_ident()


def streamed(steps, request=None, **settings):
    clock = VirtualClock()
    ensemble = Ensemble(clock, steps, **settings)
    exchange = ensemble.exchange(request or make_request(), stream=True)
    try:
        result = run_virtual(clock, ensemble.client.handle(exchange))
    except Fault as fault:
        result = fault
    return result, ensemble.events, exchange


def texts(events) -> list[str]:
    return [event.text for event in events if isinstance(event, Delta)]


def test_a_stream_that_breaks_in_its_first_line_falls_back_without_a_trace_in_the_text() -> None:
    """Bifrost #5395, LiteLLM #40404: a stream cut early gave the healthy fallback no request."""
    result, events, _ = streamed(
        {"a": fails(Kind.TRUNCATED, after="retur"), "b": says("whole\nanswer")}
    )
    assert texts(events) == ["whole\nanswer"]
    assert not any(isinstance(event, Failover) for event in events)
    assert result.chosen.endpoint == "b"


def test_without_holding_the_same_break_is_gone_on_from() -> None:
    _, events, _ = streamed(
        {"a": fails(Kind.TRUNCATED, after="retur"), "b": says("n 1\n")},
        hold=HoldSettings(Boundary.NONE),
    )
    assert texts(events) == ["retur", "n 1\n"]
    assert any(isinstance(event, Failover) for event in events)


def test_after_the_boundary_the_next_endpoint_goes_on_at_once() -> None:
    result, events, _ = streamed({"a": fails(Kind.TRUNCATED, after="one\n"), "b": says("tw")})
    assert texts(events) == ["one\n", "tw"]
    assert result.chosen.completion.text == "one\ntw"


def test_a_first_line_that_no_continuation_can_mend_is_left_for_the_next_endpoint() -> None:
    hole = Hole("def f():\n", spec=HoleSpec(language="python"))
    result, events, exchange = streamed(
        {"a": says("    return )\n    pass\n", pieces=4), "b": says("    return 1\n", pieces=2)},
        make_request(hole=hole),
    )
    assert texts(events) == ["    return 1\n"]
    assert result.chosen.endpoint == "b"
    assert [a.status for a in exchange.attempts] == [AttemptStatus.REJECTED, AttemptStatus.OK]


def test_forbidden_text_in_the_first_line_is_not_shown() -> None:
    banned = Constraint("no_eval", ForbiddenText(("eval(",)), required=True)
    request = make_request(hole=Hole("x = ", constraints=(banned,)))
    result, events, _ = streamed({"a": says("eval(1)\nmore", pieces=3)}, request)
    assert isinstance(result, Fault)
    assert result.reason is Reason.ALL_CANDIDATES_REJECTED
    assert texts(events) == []
    assert any(isinstance(event, AttemptFailed) for event in events)


def test_a_retry_does_not_repeat_what_the_first_try_had_written() -> None:
    tries: list[int] = []

    async def step(invocation: Invocation):
        tries.append(invocation.try_number)
        assert invocation.send is not None
        if len(tries) == 1:
            await invocation.send("half a li")
            invocation.try_number = 2
            return await step(invocation)
        await invocation.send("whole\n")
        return await says("whole\n")(
            Invocation(invocation.task, invocation.deadline, [], invocation.account)
        )

    _, events, _ = streamed({"a": step})
    assert texts(events) == ["whole\n"]


@pytest.mark.parametrize("text", ["x", "", "no newline at the end"])
def test_an_answer_within_its_first_line_comes_whole_at_the_end(text: str) -> None:
    _, events, _ = streamed({"a": says(text, pieces=3)})
    assert texts(events) == ([text] if text else [])
