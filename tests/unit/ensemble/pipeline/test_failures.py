"""What follows when a step fails, is not needed, or lacks what it refers to."""

from __future__ import annotations

import pytest

from gateway.core.faults import Kind, Reason
from gateway.core.hole import Budget
from gateway.core.pipeline import StepEnded, StepStatus
from tests.fakes.ensemble import fails, says
from tests.fakes.pipelines import Bench, by_operation, nodes_of, pipeline, statuses, text_of
from tests.fakes.values import make_request

LOOK = """
output = "mended"
[[step]]
id = "draft"
do = "draft"
[[step]]
id = "look"
do = "critique"
text = "$draft.text"
{look}
[[step]]
id = "mended"
do = "repair"
text = "$draft.text"
issues = {issues}
{mended}
{more}
"""


def looking(look="", issues='"$look.issues"', mended="", more="", **fields):
    return pipeline(LOOK.format(look=look, issues=issues, mended=mended, more=more), **fields)


def bench(**operations) -> Bench:
    steps = {"generate": says("draft"), "critique": says("short"), "repair": says("mended")}
    return Bench({"a": by_operation(**{**steps, **operations})})


def test_fail_fast_ends_the_pipeline() -> None:
    trial = bench(critique=fails())
    fault = trial.run(looking())
    assert (fault.kind, fault.reason) == (Kind.UNAVAILABLE, Reason.ALL_ENDPOINTS_FAILED)
    assert fault.message.startswith("step 'look': ")
    assert fault.retry_after_s == 1.0
    assert trial.operations == ["generate", "critique"]


def test_skip_goes_on_and_the_node_says_why() -> None:
    """Y-09: errors are listed for each step, and skipped steps too."""
    look = 'on_error = "skip"'
    issues = '{ source = "$look.issues", default = ["look again"] }'
    trial = bench(critique=fails())
    answer = trial.run(looking(look, issues))
    assert statuses(answer) == {"draft": "ok", "look": "skipped", "mended": "ok"}
    node = nodes_of(answer)[1]
    assert node.error.startswith("ALL_ENDPOINTS_FAILED: ")
    assert len(node.attempts) == 1
    assert answer.report.completed == 2
    assert nodes_of(answer)[2].inputs == ("draft.text", "default")
    assert trial.fakes.asked[-1].task.draft.issues == ("look again",)


def test_without_a_default_what_refers_to_a_skipped_step_is_skipped_too() -> None:
    """Y-04 ✗: after a skip the next step took the older result without a word."""
    best = """
    [[step]]
    id = "best"
    do = "select"
    texts = { source = "$mended.text", default = "$draft.text" }
    """
    trial = bench(critique=fails())
    answer = trial.run(looking('on_error = "skip"', more=best, output="best"))
    assert statuses(answer) == {
        "draft": "ok",
        "look": "skipped",
        "mended": "skipped",
        "best": "ok",
    }
    words = nodes_of(answer)[2].error
    assert words.startswith("ALL_ENDPOINTS_FAILED: $look.issues is missing: step 'look': ")
    assert text_of(answer) == "draft"
    assert nodes_of(answer)[3].inputs == ("draft.text",)
    assert trial.operations == ["generate", "critique"]


def test_an_output_that_was_skipped_ends_with_the_reason_of_the_first_failure() -> None:
    fault = bench(critique=fails()).run(looking('on_error = "skip"'))
    assert (fault.kind, fault.reason) == (Kind.UNAVAILABLE, Reason.ALL_ENDPOINTS_FAILED)
    assert fault.message.startswith("step 'look': ")


OTHER = """
[[step]]
id = "other"
do = "critique"
text = "$draft.text"
{more}
"""


def test_a_fallback_is_another_step_that_is_run_only_then() -> None:
    """Y-02 ✗: fallback only logged the failure, the same as skip."""
    look = 'on_error = "fallback"\nfallback = "other"'
    issues_by = iter((fails(), says("too long")))

    async def critique(invocation):
        return await next(issues_by)(invocation)

    trial = bench(critique=critique)
    answer = trial.run(looking(look, more=OTHER.format(more="")))
    assert [(node.step, node.status.value) for node in nodes_of(answer)] == [
        ("draft", "ok"),
        ("other", "ok"),
        ("look", "fell_back"),
        ("mended", "ok"),
    ]
    assert trial.fakes.asked[-1].task.draft.issues == ("too long",)
    fell_back = nodes_of(answer)[2]
    assert fell_back.error.startswith("ALL_ENDPOINTS_FAILED")
    assert fell_back.issues == ("too long",)
    assert fell_back.endpoint == ""
    assert [len(node.attempts) for node in nodes_of(answer)] == [1, 1, 1, 1]
    unneeded = bench()
    assert "other" not in statuses(unneeded.run(looking(look, more=OTHER.format(more=""))))


def test_a_fallback_may_be_a_constant() -> None:
    """Y-02 ✗: there was no alternative to fall back to."""
    look = 'on_error = "fallback"\nfallback = { issues = ["too long"] }'
    mended = 'on_error = "fallback"\nfallback = { text = "pass" }'
    trial = bench(critique=fails(), repair=fails())
    answer = trial.run(looking(look, mended=mended))
    assert statuses(answer) == {"draft": "ok", "look": "fell_back", "mended": "fell_back"}
    assert text_of(answer) == "pass"
    assert answer.chosen.verdicts
    assert answer.chosen.endpoint == ""
    assert answer.chosen in answer.candidates
    assert answer.chosen.index == 3
    assert trial.fakes.asked[-1].task.draft.issues == ("too long",)


@pytest.mark.parametrize(
    ("more", "status"), [("", StepStatus.FAILED), ('on_error = "skip"', StepStatus.SKIPPED)]
)
def test_a_fallback_that_fails_too_decides_what_follows(more: str, status: StepStatus) -> None:
    look = 'on_error = "fallback"\nfallback = "other"'
    trial = bench(critique=fails())
    trial.run(looking(look, more=OTHER.format(more=more)), stream=True)
    nodes = [event.node for event in trial.events if isinstance(event, StepEnded)]
    assert [(node.step, node.status) for node in nodes][1:3] == [
        ("other", status),
        ("look", status),
    ]


def test_no_fallback_is_tried_when_the_budget_is_over() -> None:
    trial = bench()
    look = 'on_error = "fallback"\nfallback = "other"'
    request = make_request(budget=Budget(max_attempts=1))
    fault = trial.run(looking(look, more=OTHER.format(more="")), request)
    assert fault.reason is Reason.BUDGET_EXHAUSTED
    assert trial.operations == ["generate"]
    assert [attempt.part for attempt in trial.exchange.attempts] == ["draft", "look"]


def on(condition: str):
    """The repair under a condition, after a critique that may be skipped."""
    issues = '{ source = "$look.issues", default = ["x"] }'
    return looking('on_error = "skip"', issues, f'when = "{condition}"')


@pytest.mark.parametrize(
    ("condition", "critique", "text"),
    [
        ("!$look.passed", "OK", "draft"),
        ("!$look.passed", "bad", "mended"),
        ("$look.passed", "bad", "draft"),
    ],
)
def test_a_step_is_done_only_when_its_condition_holds(
    condition: str, critique: str, text: str
) -> None:
    answer = bench(critique=says(critique)).run(on(condition))
    assert text_of(answer) == text
    node = nodes_of(answer)[-1]
    if text == "draft":
        assert node.status is StepStatus.NOT_NEEDED
        assert node.error == f"NOT_NEEDED: {condition} does not hold"
        assert (node.text, node.inputs) == ("draft", ("draft.text",))


def test_a_condition_that_nobody_can_tell_skips_its_step() -> None:
    fault = bench(critique=fails()).run(on("!$look.passed"))
    assert fault.reason is Reason.ALL_ENDPOINTS_FAILED


def test_a_text_without_issues_needs_no_repair() -> None:
    trial = bench(critique=says("OK"))
    answer = trial.run(looking())
    assert statuses(answer)["mended"] == "not_needed"
    assert text_of(answer) == "draft"
    assert trial.operations == ["generate", "critique"]


def test_a_draft_that_is_not_needed_gives_nothing() -> None:
    definition = pipeline(
        """
        output = "best"
        [[step]]
        id = "one"
        do = "draft"
        [[step]]
        id = "check"
        do = "validate"
        text = "$one.text"
        [[step]]
        id = "two"
        do = "draft"
        when = "!$check.passed"
        [[step]]
        id = "best"
        do = "select"
        texts = [{ source = "$two.text", default = "$one.text" }]
        """
    )
    answer = Bench({"a": says("one")}).run(definition)
    assert statuses(answer) == {"one": "ok", "check": "ok", "two": "not_needed", "best": "ok"}
    assert text_of(answer) == "one"
