"""Routing that learns: outcomes are reported, thresholds proposed, judged and applied."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ensemble.v1.feedback_service_pb2 import (
    AnalyzeRoutingResponse,
    ApplyThresholdsResponse,
    EvaluatePolicyResponse,
    ProposeThresholdsResponse,
    ThresholdSet,
)
from ensemble.v1.gateway_service_pb2 import RouteResponse
from ensemble_client import AsyncClient

from gateway.cli.demonstration.endpoints import QUICK_TAG
from gateway.cli.demonstration.lessons import Lesson, Task
from gateway.cli.demonstration.trying import MAX_TOKENS, Fills

FIRST = 20
"""Holes whose outcomes are learned first, so that the layers have a say in the rest."""

REST = 140
LOOKS, LOOK_S = 200, 0.1
"""How often it is looked whether outcomes were learned, and the seconds in between."""

Tally = Mapping[tuple[Task, str], tuple[int, int]]
"""By kind of task and endpoint: fills that were accepted, of how many."""


@dataclass(frozen=True, slots=True)
class Move:
    """Where one hole went before anything was learned, and where it goes at the end."""

    lesson: Lesson
    before: RouteResponse
    after: RouteResponse


@dataclass(frozen=True, slots=True)
class Learned:
    """What came of it. `taught` decisions were reported on.

    `applied` is None when there was nothing to apply, or the log said that it would do harm.
    """

    taught: int
    tally: Tally
    analysis: AnalyzeRoutingResponse
    proposal: ProposeThresholdsResponse
    evaluation: EvaluatePolicyResponse
    applied: ApplyThresholdsResponse | None
    moves: tuple[Move, ...]

    @property
    def missing(self) -> tuple[str, ...]:
        """What was promised and not kept, in words. What the log says is no promise."""
        learned = self.analysis.observations
        if learned >= self.taught:
            return ()
        return (f"routing learned from {learned} of {self.taught} reported decisions",)


async def perform_learning(client: AsyncClient, lessons: Sequence[Lesson], fills: Fills) -> Learned:
    """Report the outcome of each fill, and let the gateway learn from them.

    The last hole of each kind is left out and only routed, before and after. Raises EnsembleError
    as the client does.
    """
    kept = {lesson.task: lesson for lesson in lessons[-len(Task) :]}
    before = {task: await _route(client, lesson) for task, lesson in kept.items()}
    taught = len(lessons) - len(kept)
    for begin, end in ((0, FIRST), (FIRST, taught)):
        await _teach(client, lessons, fills, range(min(begin, taught), min(end, taught)))
    analysis = await client.analyze_routing()
    proposal = await client.propose_thresholds(train_head=True)
    evaluation = await client.evaluate_policy(policy_of(proposal.set))
    applied = None
    if proposal.changed and not does_harm(evaluation):
        applied = await client.apply_thresholds(proposal.set.version)
    moves = [
        Move(lesson, before[task], await _route(client, lesson)) for task, lesson in kept.items()
    ]
    tally = tally_of(lessons[:taught], fills)
    return Learned(taught, tally, analysis, proposal, evaluation, applied, tuple(moves))


def does_harm(evaluation: EvaluatePolicyResponse) -> bool:
    """Say whether the log supports an answer, and that is that the policy is surely worse."""
    return evaluation.supported and evaluation.gain.high < 0


def policy_of(thresholds: ThresholdSet) -> str:
    """Write thresholds as a policy that can be judged before it decides anything."""
    lines = (f"{one.layer} = {one.threshold:.4f}" for one in thresholds.thresholds)
    return "\n".join(('kind = "thresholds"', "[thresholds]", *lines, ""))


def tally_of(lessons: Sequence[Lesson], fills: Fills) -> Tally:
    """Count what was accepted."""
    tally: dict[tuple[Task, str], tuple[int, int]] = {}
    for endpoint, texts in fills.items():
        for lesson, text in zip(lessons, texts, strict=False):
            if text is not None:
                good, count = tally.get((lesson.task, endpoint), (0, 0))
                tally[lesson.task, endpoint] = good + lesson.accepts(text), count + 1
    return tally


async def _teach(
    client: AsyncClient, lessons: Sequence[Lesson], fills: Fills, places: range
) -> None:
    """Route some holes, report what became of each fill, and wait until that is learned.

    All are routed before the first report, so that all are decided by the same knowledge.
    """
    known = (await client.analyze_routing()).observations
    ids = [(await _route(client, lessons[place])).decision_id for place in places]
    for place, decision_id in zip(places, ids, strict=True):
        for endpoint, texts in fills.items():
            text = texts[place]
            if text is not None:
                good = lessons[place].accepts(text)
                await client.record_outcome(
                    decision_id, endpoint=endpoint, compiled=good, accepted=good
                )
    for _ in range(LOOKS):
        if (await client.analyze_routing()).observations >= known + len(ids):
            return
        await asyncio.sleep(LOOK_S)


async def _route(client: AsyncClient, lesson: Lesson) -> RouteResponse:
    return await client.route(
        lesson.hole.prompt,
        suffix=lesson.hole.suffix,
        language="python",
        kind="expression",
        task=lesson.task.value,
        max_tokens=MAX_TOKENS,
        required_tags=[QUICK_TAG],
    )
