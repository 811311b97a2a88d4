"""What the demonstration reports of fills, and what it does with what comes of that."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from ensemble.v1 import feedback_service_pb2 as pb
from ensemble.v1.decision_pb2 import RoutingDecision
from ensemble.v1.gateway_service_pb2 import RouteResponse
from ensemble_client import AsyncClient

from gateway.cli.demonstration import learning
from gateway.cli.demonstration.holes import Cut, CutHole
from gateway.cli.demonstration.learning import does_harm, perform_learning, policy_of, tally_of
from gateway.cli.demonstration.lessons import Lesson, Task
from gateway.config.policy_file import read_policy
from gateway.core.matching import DEFAULT_THRESHOLDS
from gateway.learning.policies import ThresholdPolicy

SOURCE = "def f(x):\n    if x:\n        return x.y\n"
LESSONS = [
    Lesson(task, CutHole("m", f"f{place}", Cut.SPAN, SOURCE, 17, 18, 0, len(SOURCE), (2,)))
    for place in range(3)
    for task in Task
]
FILLS = {
    "fast": ["x", "x >", "", "x", "x", "x"],
    "constrained": ["x", None, "x", "x", "x", "x"],
}
PROPOSED = pb.ThresholdSet(
    version=2,
    thresholds=[
        pb.LayerThreshold(layer="knn", threshold=0.55),
        pb.LayerThreshold(layer="head", threshold=0.9),
    ],
)
WORSE = pb.EvaluatePolicyResponse(supported=True, gain=pb.PolicyEstimate(low=-0.3, high=-0.1))
DOUBTFUL = pb.EvaluatePolicyResponse(supported=False, gain=pb.PolicyEstimate(low=-0.3, high=-0.1))


@dataclass
class FakeClient:
    """A gateway that learns `learns` decisions of each that is reported on."""

    evaluation: pb.EvaluatePolicyResponse = field(default_factory=pb.EvaluatePolicyResponse)
    changed: bool = True
    learns: bool = True
    said: list[tuple[Any, ...]] = field(default_factory=list[tuple[Any, ...]])

    def ids(self) -> set[str]:
        return {words[1] for words in self.said if words[0] == "report"}

    async def route(self, prompt: str, **fields: Any) -> RouteResponse:
        self.said.append(("route", fields["task"], fields["required_tags"]))
        primary = "constrained" if ("apply", 2) in self.said else "fast"
        return RouteResponse(
            decision=RoutingDecision(primary=primary), decision_id=str(len(self.said))
        )

    async def record_outcome(self, decision_id: str, **fields: Any) -> None:
        self.said.append(("report", decision_id, *fields.values()))

    async def analyze_routing(self) -> pb.AnalyzeRoutingResponse:
        return pb.AnalyzeRoutingResponse(observations=len(self.ids()) if self.learns else 0)

    async def propose_thresholds(self, *, train_head: bool) -> pb.ProposeThresholdsResponse:
        assert train_head
        return pb.ProposeThresholdsResponse(set=PROPOSED, changed=self.changed)

    async def evaluate_policy(self, policy: str) -> pb.EvaluatePolicyResponse:
        self.said.append(("evaluate", policy))
        return self.evaluation

    async def apply_thresholds(self, version: int) -> pb.ApplyThresholdsResponse:
        self.said.append(("apply", version))
        return pb.ApplyThresholdsResponse(after=pb.ThresholdSet(version=version))


async def learn(fake: FakeClient) -> learning.Learned:
    return await perform_learning(cast("AsyncClient", fake), LESSONS, FILLS)


async def test_each_fill_is_reported_as_its_parsing_says_and_no_answer_is_no_report() -> None:
    fake = FakeClient()
    learned = await learn(fake)
    reports = [words for words in fake.said if words[0] == "report"]
    assert [(words[2], words[3], words[4]) for words in reports] == [
        ("fast", True, True),
        ("constrained", True, True),
        ("fast", False, False),
        ("fast", False, False),
        ("constrained", True, True),
        ("fast", True, True),
        ("constrained", True, True),
    ]
    assert learned.taught == len(fake.ids()) == 4
    assert learned.missing == ()
    assert learned.tally == {
        (Task.NAME, "fast"): (1, 2),
        (Task.CONDITION, "fast"): (1, 2),
        (Task.NAME, "constrained"): (2, 2),
        (Task.CONDITION, "constrained"): (1, 1),
    }


async def test_a_hole_of_each_kind_is_only_routed_before_and_after() -> None:
    learned = await learn(FakeClient())
    assert [move.lesson for move in learned.moves] == LESSONS[-2:]
    assert {move.before.decision.primary for move in learned.moves} == {"fast"}
    assert {move.after.decision.primary for move in learned.moves} == {"constrained"}


async def test_the_proposal_is_judged_before_it_is_applied() -> None:
    fake = FakeClient()
    learned = await learn(fake)
    assert learned.applied is not None
    judged, applied = (
        next(place for place, words in enumerate(fake.said) if words[0] == word)
        for word in ("evaluate", "apply")
    )
    assert judged < applied
    assert fake.said[judged][1] == policy_of(PROPOSED)


@pytest.mark.parametrize("fake", [FakeClient(evaluation=WORSE), FakeClient(changed=False)])
async def test_what_does_harm_or_changes_nothing_is_not_applied(fake: FakeClient) -> None:
    learned = await learn(fake)
    assert learned.applied is None
    assert {move.after.decision.primary for move in learned.moves} == {"fast"}


async def test_outcomes_that_are_not_learned_are_a_miss(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learning, "LOOK_S", 0.0)
    learned = await learn(FakeClient(learns=False))
    assert learned.missing == ("routing learned from 0 of 4 reported decisions",)


def test_only_what_the_log_supports_is_called_harm() -> None:
    assert does_harm(WORSE)
    assert not does_harm(DOUBTFUL)


def test_thresholds_are_written_as_a_policy_that_the_gateway_reads() -> None:
    text = policy_of(PROPOSED)
    assert tomllib.loads(text)["thresholds"] == {"knn": 0.55, "head": 0.9}
    policy = read_policy(text, "test", endpoints=(), thresholds=DEFAULT_THRESHOLDS)
    assert isinstance(policy, ThresholdPolicy)


def test_a_tally_without_holes_is_empty() -> None:
    assert tally_of([], FILLS) == {}
