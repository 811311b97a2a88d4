"""Runs of pipelines: what feeds what, what runs when, what the caller is told."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from gateway.core.candidate import AttemptStatus
from gateway.core.constraint import Constraint, Regex, UnitTests, VerdictStatus
from gateway.core.deadline import Deadline
from gateway.core.endpoint import Capability, Endpoint
from gateway.core.events import Delta, Judged, Started
from gateway.core.exchange import Exchange
from gateway.core.faults import Fault, Kind, Reason
from gateway.core.hole import Budget, Hole, HoleSpec
from gateway.core.pipeline import PipelineStarted, StepEnded, StepStatus
from gateway.core.snapshot import Snapshot
from gateway.ensemble.account import UNLIMITED
from gateway.ensemble.pipeline.work import Work
from gateway.routing.router import ModelRouter
from gateway.validation.finding import LARGE_TEXT
from gateway.validation.late import Tools
from tests.fakes.ensemble import fails, hangs, says
from tests.fakes.executors import passing_where
from tests.fakes.pipelines import (
    BUILT_IN,
    Bench,
    by_operation,
    nodes_of,
    pipeline,
    text_of,
)
from tests.fakes.values import make_request
from tests.fakes.virtual import run_virtual

DIGITS = Hole("x = ", constraints=(Constraint("digits", Regex("[0-9]+")),))
MEND = """
output = "mended"
[[step]]
id = "draft"
do = "draft"
[[step]]
id = "look"
do = "critique"
text = "$draft.text"
[[step]]
id = "mended"
do = "repair"
text = "$draft.text"
issues = "$look.issues"
"""


def test_the_answer_is_the_text_of_the_output_step() -> None:
    """Y-05 ✗: the primary result was the first step, for draft and repair the unrepaired text."""
    bench = Bench({"a": by_operation(says("draft"), says("too short"), says("mended"))})
    answer = bench.run(pipeline(MEND))
    assert text_of(answer) == "mended"
    assert bench.operations == ["generate", "critique", "repair"]
    assert answer.report.pipeline == "own"
    assert answer.report.completed == 3
    last = nodes_of(answer)[-1]
    assert (last.step, last.text, last.endpoint) == ("mended", "mended", "a")


def test_a_step_takes_its_inputs_from_the_fields_that_it_names() -> None:
    """Y-04 ✗: the third step read a field that the second never gave."""
    bench = Bench({"a": by_operation(says("draft"), says("- one\n- two"), says("mended"))})
    nodes = nodes_of(bench.run(pipeline(MEND)))
    draft, look, mend = (invocation.task for invocation in bench.fakes.asked)
    assert draft.draft is None
    assert (look.draft.text, look.draft.issues) == ("draft", ())
    assert (mend.draft.text, mend.draft.issues) == ("draft", ("one", "two"))
    assert [node.inputs for node in nodes] == [
        (),
        ("draft.text",),
        ("draft.text", "look.issues"),
    ]
    assert nodes[1].issues == ("one", "two")


def test_two_steps_of_one_kind_do_not_collide() -> None:
    """Y-03 ✗: results were kept by type, so that the second of a type replaced the first."""
    twice = """
    output = "both"
    [[step]]
    id = "one"
    do = "draft"
    [[step]]
    id = "two"
    do = "draft"
    without = "$one.endpoint"
    [[step]]
    id = "both"
    do = "select"
    by = "checks"
    texts = ["$two.text", "$one.text"]
    """
    bench = Bench({"a": says("first"), "b": says("second")})
    answer = bench.run(pipeline(twice))
    assert {node.step: node.text for node in nodes_of(answer)} == {
        "one": "first",
        "two": "second",
        "both": "second",
    }
    assert [candidate.index for candidate in answer.candidates] == [0, 1]
    assert [(one.part, one.candidate) for one in answer.attempts] == [("one", 0), ("two", 1)]
    assert answer.chosen.index == 1


def test_runs_at_the_same_time_never_see_each_other() -> None:
    """Y-03 ✗: results were kept on an object of the module, so that runs leaked into each other."""
    definition = pipeline(MEND)

    async def echo(invocation):
        await asyncio.sleep(1)
        task = invocation.task
        words = task.request.hole.prompt if task.draft is None else f"{task.draft.text}+"
        return await says(words)(invocation)

    bench = Bench({"a": echo})

    async def both():
        exchanges = [bench.begin(make_request(prompt)) for prompt in ("one", "two")]
        return await asyncio.gather(*(bench.answer(definition, one) for one in exchanges))

    one, two = run_virtual(bench.clock, both())
    for answer, prompt in ((one, "one"), (two, "two")):
        assert [node.text for node in nodes_of(answer)] == [prompt, "", f"{prompt}+"]
        assert nodes_of(answer)[1].issues == (f"{prompt}+",)
        assert len(answer.attempts) == 3


def test_steps_without_references_to_each_other_run_at_the_same_time() -> None:
    fan = """
    output = "best"
    [[step]]
    id = "one"
    do = "draft"
    [[step]]
    id = "two"
    do = "draft"
    [[step]]
    id = "three"
    do = "draft"
    [[step]]
    id = "best"
    do = "select"
    texts = ["$one.text", "$two.text", "$three.text"]
    """
    times = {}
    for most in (4, 2):
        running = peak = 0

        async def slowly(invocation):
            nonlocal running, peak
            running += 1
            peak = max(peak, running)
            await asyncio.sleep(3)
            running -= 1
            return await says("x")(invocation)

        bench = Bench({"a": slowly}, in_flight=most)
        before = bench.clock()
        nodes_of(bench.run(pipeline(fan)))
        times[most] = (bench.clock() - before, peak)
    assert times == {4: (3.0, 3), 2: (6.0, 2)}


def test_a_step_that_fails_ends_the_others_before_the_pipeline_ends() -> None:
    fan = """
    output = "best"
    [[step]]
    id = "one"
    do = "draft"
    capability = "long_context"
    [[step]]
    id = "two"
    do = "draft"
    capability = "fast_inference"
    [[step]]
    id = "best"
    do = "select"
    texts = ["$one.text", "$two.text"]
    """
    cancelled: list[str] = []
    bench = Bench(
        {"a": hangs(cancelled=cancelled), "b": fails()},
        capabilities={
            "a": frozenset({Capability.LONG_CONTEXT}),
            "b": frozenset({Capability.FAST_INFERENCE}),
        },
    )
    fault = bench.run(pipeline(fan), stream=True)
    assert fault.reason is Reason.ALL_ENDPOINTS_FAILED
    assert fault.message.startswith("step 'two': no endpoint answered")
    assert cancelled == ["a"]
    by_part = {attempt.part: attempt.status for attempt in bench.exchange.attempts}
    assert by_part == {"one": AttemptStatus.CANCELLED, "two": AttemptStatus.FAILED}
    (ended,) = [event for event in bench.events if isinstance(event, StepEnded)]
    assert (ended.node.step, ended.node.status) == ("two", StepStatus.FAILED)
    assert ended.node.error.startswith("ALL_ENDPOINTS_FAILED: no endpoint answered")


def test_a_caller_who_leaves_cancels_the_step_that_runs() -> None:
    started, cancelled = asyncio.Event(), []
    bench = Bench({"a": hangs(started, cancelled)})

    async def leave():
        exchange = bench.begin()
        task = asyncio.create_task(bench.answer(BUILT_IN["draft_only"], exchange))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run_virtual(bench.clock, leave())
    assert cancelled == ["a"]
    assert [attempt.part for attempt in bench.exchange.attempts] == ["draft"]


def test_one_deadline_covers_all_steps() -> None:
    async def slowly(invocation):
        await asyncio.sleep(4)
        return await says("x")(invocation)

    bench = Bench({"a": by_operation(slowly, slowly, slowly)})
    before = bench.clock()
    fault = bench.run(pipeline(MEND), seconds=6.0)
    assert (fault.kind, fault.reason) == (Kind.DEADLINE, Reason.DEADLINE_EXCEEDED)
    assert bench.clock() - before <= 6.0
    assert bench.operations == ["generate", "critique"]


def test_a_step_is_not_begun_when_the_time_is_over() -> None:
    async def late(invocation):
        bench.clock.now += 30.0
        return await says("x")(invocation)

    bench = Bench({"a": late})
    with pytest.raises(Fault) as caught:
        bench.unguarded(pipeline(MEND), seconds=20.0)
    assert caught.value.reason is Reason.DEADLINE_EXCEEDED
    assert caught.value.message == "step 'look': no time was left to begin it"
    assert bench.operations == ["generate"]


def test_one_budget_covers_all_steps_and_its_end_is_final() -> None:
    skipping = MEND.replace('do = "critique"', 'do = "critique"\non_error = "skip"').replace(
        '"$look.issues"', '{ source = "$look.issues", default = [] }'
    )
    bench = Bench({"a": by_operation(says("x"), says("bad"), says("y"))})
    request = make_request(budget=Budget(max_attempts=1))
    fault = bench.run(pipeline(skipping), request, stream=True)
    assert (fault.kind, fault.reason) == (Kind.EXHAUSTED, Reason.BUDGET_EXHAUSTED)
    assert bench.operations == ["generate"]
    assert [event.node.status for event in bench.events if isinstance(event, StepEnded)] == [
        StepStatus.OK,
        StepStatus.FAILED,
    ]


def test_the_events_tell_the_plan_each_step_the_text_and_its_verdicts() -> None:
    bench = Bench({"a": says("12")})
    answer = bench.run("draft_validate", make_request(hole=DIGITS), stream=True)
    assert [type(event) for event in bench.events] == [
        Started,
        PipelineStarted,
        StepEnded,
        StepEnded,
        Delta,
        Judged,
        Judged,
    ]
    assert bench.events[1].steps == ("draft", "check")
    assert bench.events[4] == Delta("12", 0, "a")
    assert tuple(event.node for event in bench.events[2:4]) == nodes_of(answer)
    assert [event.verdict for event in bench.events[5:]] == list(answer.chosen.verdicts)


def test_an_output_that_a_required_check_refuses_is_unverified_and_never_sent() -> None:
    bench = Bench({"a": says("no"), "b": says("none")})
    fault = bench.run("draft_only", make_request(hole=DIGITS), stream=True)
    assert (fault.kind, fault.reason) == (Kind.UNVERIFIED, Reason.ALL_CANDIDATES_REJECTED)
    assert [candidate.completion.text for candidate in bench.exchange.candidates] == ["no", "none"]
    assert not any(isinstance(event, Delta) for event in bench.events)


def test_the_answer_is_held_against_the_checks_although_no_step_validates() -> None:
    """X-20 ✗: steps that verify were dropped where the route was uncertain."""
    bench = Bench({"a": says("((")})
    answer = bench.run(
        "draft_only", make_request(hole=Hole("x = ", spec=HoleSpec(language="python")))
    )
    verdicts = {verdict.constraint: verdict.status for verdict in answer.chosen.verdicts}
    assert verdicts["syntax"] is VerdictStatus.FAILED


def test_what_cannot_be_met_is_refused_before_any_call() -> None:
    bench = Bench({"a": says("x")})
    broken = make_request(hole=Hole("x = ", constraints=(Constraint("r", Regex("(")),)))
    assert bench.run("draft_only", broken).reason is Reason.BROKEN_CONSTRAINT
    wants = pipeline(
        """
        output = "draft"
        [[step]]
        id = "draft"
        do = "draft"
        tags = ["gpu"]
        """
    )
    fault = bench.run(wants)
    assert fault.reason is Reason.NO_ELIGIBLE_ENDPOINT
    assert fault.message.startswith("step 'draft': ")
    assert bench.asked == []


def test_no_text_of_the_run_is_in_an_error() -> None:
    bench = Bench({"a": by_operation(says("secret"), fails())})
    fault = bench.run(pipeline(MEND))
    assert "secret" not in fault.message
    assert all("secret" not in attempt.detail for attempt in bench.exchange.attempts)


def test_the_group_of_a_replica_is_left_out_for_it() -> None:
    router = ModelRouter(
        Snapshot.of((Endpoint("a-1", group="a"), Endpoint("a-2", group="a"), Endpoint("b")))
    )
    filler = replace(Bench({"a": says("x")}).fakes.client.filler(UNLIMITED), router=router)
    work = Work(filler, asyncio.run(filler.run(Exchange(make_request(), Deadline(1e9)))), {})
    assert work._targets(frozenset({"a-2", "b"})) == {"a", "b"}
    assert work._targets(frozenset()) == frozenset()


def test_a_constant_is_checked_like_what_an_endpoint_wrote() -> None:
    stand_in = f"'{'y' * (LARGE_TEXT - 2)}'"
    definition = pipeline(
        f"""
        output = "draft"
        [[step]]
        id = "draft"
        do = "draft"
        on_error = "fallback"
        fallback = {{ text = "{stand_in}" }}
        """,
    )
    hole = Hole(
        "x = ",
        spec=HoleSpec(language="python"),
        constraints=(Constraint("tests", UnitTests("assert x")),),
    )
    executor = passing_where(lambda source, _: source.startswith("x = 'yy"))
    bench = Bench({"a": fails()}, tools=Tools(executor))
    answer = bench.unguarded(definition, make_request(hole=hole))
    assert text_of(answer) == stand_in
    assert {verdict.constraint: verdict.status.value for verdict in answer.chosen.verdicts} == {
        "non_empty": "passed",
        "syntax": "passed",
        "tests": "passed",
    }
    assert answer.chosen.confidence > 0.9
    assert answer.candidates == (answer.chosen,)
