"""Which part of the router has a say in a request, and what is recorded of the decision."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from uuid import UUID

import numpy as np
import pytest

from gateway.core.candidate import Candidate, Completion
from gateway.core.decision import RoutingReason
from gateway.core.endpoint import Endpoint
from gateway.core.faults import Fault, Kind, Origin, Reason
from gateway.core.hole import EndpointFilter, Objective, Priority, RoutingMode
from gateway.core.matching import LayerName, ThresholdSet
from gateway.core.scoring import LiveInput
from gateway.core.topics import Topic
from gateway.ensemble.choosing.chooser import KEPT_COSTS, Allowance
from tests.fakes.choosing import Choosing, Says, asked, layer, lessons, prompt_about

EASY = asked(prompt_about("easy", 3), task="easy")
HARD = asked(prompt_about("hard", 4), task="hard")
OUTCOMES = lessons("easy", cheap=1.0, dear=0.3) + lessons("hard", cheap=0.1, dear=0.9)
LEARNED = {"routing_mode": RoutingMode.LEARNED}
ACCURATE = {"objective": Objective.ACCURATE}


async def test_what_was_learned_decides_by_kind_of_task() -> None:
    choosing = Choosing()
    choosing.experienced(OUTCOMES)
    for request, endpoint in ((EASY, "cheap"), (HARD, "dear")):
        found = await choosing.choose(request)
        assert found.decision.primary == endpoint
        learned = found.decision.learned
        assert learned is not None
        assert learned.decided_by == "knn"
        assert found.decision.reason is RoutingReason.LEARNED
        assert learned.confidence >= layer(learned, LayerName.KNN).threshold
        assert learned.observations == len(OUTCOMES)
        assert 0 < learned.support <= 1
        assert learned.propensities == ((endpoint, 1.0),)
        assert any(one.startswith("knn: ") for one in learned.predictions)


async def test_the_objective_ranks_by_what_was_learned() -> None:
    choosing = Choosing()
    choosing.experienced(OUTCOMES)
    for request, endpoint in ((EASY, "cheap"), (HARD, "dear")):
        found = await choosing.choose(replace(request, **ACCURATE))
        assert found.decision.primary == endpoint
        assert found.decision.reason is RoutingReason.OBJECTIVE
        assert "by the rules" in found.decision.detail
    (_, event) = choosing.events
    assert dict(event.estimates)["dear"] > dict(event.estimates)["cheap"]
    assert event.objective == "accurate"
    assert event.experience_version == 1


@pytest.mark.parametrize("objective", [one for one in Objective if one is not Objective.BALANCED])
async def test_an_objective_has_a_say_even_without_outcomes_and_without_learning(
    objective: Objective,
) -> None:
    def live(name: str) -> LiveInput:
        return LiveInput(success_rate=1.0, attempts=100, quality=1.0, judged=100, p50_s=0.1)

    choosing = Choosing(enabled=False, live=live)
    found = await choosing.choose(asked(objective=objective))
    learned = found.decision.learned
    assert learned is not None
    assert learned.decided_by == "objective"
    assert learned.confidence == learned.scores[0].utility
    assert {record.reason for record in learned.layers if record.layer is LayerName.KNN} == {
        "it is not configured"
    }


async def test_under_rules_nothing_else_is_asked() -> None:
    keyword = Says(LayerName.KEYWORD, "dear", 1.0)
    choosing = Choosing(layers=[keyword], topics=(Topic("t", endpoint="dear"),))
    choosing.experienced(OUTCOMES)
    request = asked(routing_mode=RoutingMode.RULES)
    found = await choosing.choose(request)
    assert found.decision is choosing.router.route(request)
    assert keyword.calls == 0
    assert choosing.events[0].decided_by == "rules"


async def test_priorities_stand_in_for_objectives_where_that_is_set() -> None:
    def live(name: str) -> LiveInput:
        return LiveInput(p50_s=0.1 if name == "dear" else 50.0)

    for by_priority in (False, True):
        choosing = Choosing(by_priority=by_priority, live=live)
        for priority, objective in (
            (Priority.INTERACTIVE, Objective.FASTEST),
            (Priority.STANDARD, Objective.BALANCED),
            (Priority.BATCH, Objective.CHEAPEST),
        ):
            await choosing.choose(asked(priority=priority))
            wanted = objective if by_priority else Objective.BALANCED
            assert choosing.events[-1].objective == wanted
        await choosing.choose(asked(priority=Priority.BATCH, objective=Objective.FASTEST))
        assert choosing.events[-1].objective == "fastest"
        assert choosing.events[-1].chosen == "dear"


async def test_the_learned_layers_can_be_demanded_only_where_they_are_on() -> None:
    choosing = Choosing(enabled=False)
    with pytest.raises(Fault) as caught:
        await choosing.choose(asked(**LEARNED))
    fault = caught.value
    assert (fault.kind, fault.origin) == (Kind.INFEASIBLE, Origin.CALLER)
    assert fault.reason is Reason.NO_LEARNED_LAYER
    assert [one.field for one in fault.violations] == ["routing_mode"]
    assert choosing.events == []


@pytest.mark.parametrize("objective", [Objective.BALANCED, Objective.ACCURATE])
async def test_whoever_demands_what_nobody_learned_is_asked(objective: Objective) -> None:
    """L-09: that is no success and no confidence, and the rules' decision is only shown."""
    choosing = Choosing()
    request = asked(objective=objective, **LEARNED)
    found = await choosing.choose(request)
    learned = found.decision.learned
    assert learned is not None
    assert learned.clarification is not None
    assert (learned.decided_by, learned.confidence) == ("rules", 0.0)
    assert found.decision.chain == choosing.router.route(request).chain
    (event,) = choosing.events
    assert (event.clarification, event.confidence, event.decided_by) == (True, 0.0, "rules")
    with pytest.raises(Fault) as caught:
        found.refuse_unclear()
    fault = caught.value
    assert (fault.kind, fault.reason) == (Kind.INFEASIBLE, Reason.CLARIFICATION_NEEDED)
    assert [one.description for one in fault.violations] == list(learned.clarification.questions)


async def test_a_clear_decision_is_not_refused() -> None:
    choosing = Choosing()
    (await choosing.choose(asked())).refuse_unclear()
    choosing.experienced(OUTCOMES)
    (await choosing.choose(EASY)).refuse_unclear()


async def test_an_unsure_router_asks_everybody_only_where_that_is_set() -> None:
    strange = asked("zzz", task="other")
    for clarify in (False, True):
        choosing = Choosing(clarify=clarify, layers=[Says(LayerName.KNN, "dear", 0.4)])
        first = await choosing.choose(strange)
        assert first.decision is choosing.router.route(strange), "a cold start never asks"
        choosing.experienced(OUTCOMES)
        learned = (await choosing.choose(strange)).decision.learned
        assert learned is not None
        assert (learned.clarification is not None) is clarify
        if learned.clarification is not None:
            assert learned.clarification.candidates == ("dear",)


async def test_what_is_not_kept_has_no_id() -> None:
    choosing = Choosing(recorded=False)
    assert (await choosing.choose(asked())).decision_id == ""
    assert (await choosing.choose(asked(**ACCURATE))).decision_id == ""


async def test_what_a_request_is_about_is_kept_without_a_word_of_it() -> None:
    choosing = Choosing()
    found = await choosing.choose(asked("the secret word", task="easy", request_id="r-7"))
    (event,) = choosing.events
    assert event.decision_id == found.decision_id
    assert (event.request_id, event.task, event.at) == ("r-7", "easy", 1_700_000_000.0)
    assert event.costs == (("cheap", 100), ("dear", 1000))
    assert event.threshold_version == 1
    assert event.features is not None
    assert len(event.features.buckets) > 0
    assert "secret" not in repr(event)


async def test_features_for_the_record_alone_are_computed_for_so_many_a_second() -> None:
    choosing = Choosing(features_per_s=2)
    choosing.clock.move(10)

    async def n_grams() -> int:
        await choosing.choose(asked("some words", task="easy"))
        features = choosing.events[-1].features
        assert features is not None
        assert (features.task, features.length) == ("easy", 10)
        return len(features.buckets)

    assert [bool(await n_grams()) for _ in range(4)] == [True, True, False, False]
    choosing.clock.move(0.5)
    assert [bool(await n_grams()) for _ in range(2)] == [True, False]


def test_an_allowance_is_never_more_than_that_of_a_second() -> None:
    allowance = Allowance(1)
    assert [allowance.take(now) for now in (100.0, 100.0, 100.9, 101.0)] == [
        True,
        False,
        False,
        True,
    ]
    assert [allowance.take(now) for now in (50.0, 50.5)] == [False, False], "time never runs back"
    assert not any(Allowance(0).take(now) for now in (1.0, 1000.0))


async def test_requests_at_the_same_time_never_get_each_others_id_or_record() -> None:
    """O-05: nothing of a request is kept on what all of them share."""
    all_here = asyncio.Barrier(50)
    keyword = Says(LayerName.KEYWORD, "dear", 1.0, first=all_here.wait)
    choosing = Choosing(layers=[keyword], topics=(Topic("t", endpoint="dear"),))
    requests = [asked(task=f"t{number}", request_id=f"r{number}") for number in range(50)]
    found = await asyncio.gather(*map(choosing.choose, requests))
    events = {event.decision_id: event for event in choosing.events}
    assert len(events) == 50
    for request, chosen in zip(requests, found, strict=True):
        event = events[chosen.decision_id]
        assert (event.request_id, event.task) == (request.request_id, request.labels[0][1])
        learned = chosen.decision.learned
        assert learned is not None
        assert dict(learned.features)["task"] == event.task


async def test_ids_are_uuids_of_version_7_in_the_order_of_their_time() -> None:
    choosing = Choosing()
    made = [(await choosing.choose(asked())).decision_id for _ in range(200)]
    assert len(set(made)) == 200
    assert {UUID(one).version for one in made} == {7}
    assert {UUID(one).int >> 80 for one in made} == {1_700_000_000_000}


async def test_a_request_keeps_the_state_that_it_began_with() -> None:
    """L-08: a decision is recorded under the version of the thresholds that made it."""
    choosing: Choosing

    async def applied() -> None:
        choosing.know(thresholds=ThresholdSet(9, ((LayerName.KEYWORD, 1.0),)))

    layers = [Says(LayerName.KEYWORD, "dear", 0.9, first=applied)]
    choosing = Choosing(layers=layers, topics=(Topic("t", endpoint="dear"),))
    learned = await choosing.learned(asked())
    assert learned.decided_by == "keyword"
    assert layer(learned, LayerName.KEYWORD).threshold == 0.85
    assert learned.threshold_version == 1
    assert choosing.events[0].threshold_version == 1
    assert (await choosing.learned(asked())).threshold_version == 9


async def test_a_bug_in_what_learns_leaves_the_rules(caplog: pytest.LogCaptureFixture) -> None:
    def live(name: str) -> LiveInput:
        raise KeyError("the secret word")

    choosing = Choosing(live=live)
    choosing.experienced(OUTCOMES)
    request = asked("the secret word", objective=Objective.FASTEST)
    with caplog.at_level(logging.ERROR):
        found = await choosing.choose(request)
    assert found.decision is choosing.router.route(request)
    (event,) = choosing.events
    assert event.decision_id == found.decision_id
    (record,) = caplog.records
    assert vars(record)["error"] == "KeyError"
    assert "live" in vars(record)["at"]
    assert "secret" not in caplog.text
    with pytest.raises(KeyError):
        await choosing.choose(asked(objective=Objective.FASTEST, **LEARNED))


async def test_how_endpoints_rank_is_worked_out_only_where_it_decides_or_is_read() -> None:
    """The rank of all endpoints takes longer than the rest of a decision by keywords."""
    reads: list[str] = []

    def live(name: str) -> LiveInput:
        reads.append(name)
        return LiveInput()

    choosing = Choosing(live=live)
    choosing.experienced(OUTCOMES)
    assert (await choosing.learned(EASY)).scores == ()
    assert reads == []
    (event,) = choosing.events
    assert {name for name, _ in event.estimates} == {"cheap", "dear"}
    decided = await choosing.learned(replace(EASY, objective=Objective.FASTEST))
    explained = (await choosing.choose(EASY, explain=True)).decision.learned
    assert explained is not None
    assert {one.endpoint for one in decided.scores} == {"cheap", "dear"}
    assert {one.endpoint for one in explained.scores} == {"cheap", "dear"}


async def test_nothing_is_waited_for_once_the_time_is_over() -> None:
    never = asyncio.Event()
    layers = [Says(LayerName.KEYWORD, "dear", 1.0, first=never.wait)]
    choosing = Choosing(layers=layers, topics=(Topic("t", endpoint="dear"),))
    found = await choosing.choose(asked(), seconds=0.0)
    learned = found.decision.learned
    assert learned is not None
    assert layer(learned, LayerName.KEYWORD).status == "late"
    assert found.decision.primary == "cheap"


async def test_endpoints_that_nothing_is_known_of_are_not_preferred() -> None:
    choosing = Choosing()
    choosing.experienced(lessons("easy", gone=1.0))
    learned = (await choosing.choose(EASY, explain=True)).decision.learned
    assert learned is not None
    assert learned.decided_by == "rules"
    assert np.ptp([one.quality for one in learned.scores]) == 0


async def test_an_explanation_shows_what_the_layers_lack_and_decides_as_ever() -> None:
    choosing = Choosing(clarify=True)
    found = await choosing.choose(asked(), explain=True)
    assert replace(found.decision, learned=None) == choosing.router.route(asked())
    learned = found.decision.learned
    assert learned is not None
    assert (learned.decided_by, learned.clarification) == ("rules", None)
    assert layer(learned, LayerName.KNN).reason == "no outcome is known yet"
    (event,) = choosing.events
    assert (event.decided_by, event.clarification) == ("rules", False)
    assert event.propensities == (("cheap", 1.0),)
    ruled = asked(routing_mode=RoutingMode.RULES)
    assert (await choosing.choose(ruled, explain=True)).decision.learned is None


async def test_prices_are_kept_for_requests_alike_and_never_for_too_many() -> None:
    choosing = Choosing()
    for number in range(KEPT_COSTS + 10):
        filters = EndpointFilter(forbidden_tags=frozenset({f"t{number}"}))
        await choosing.choose(asked(endpoint_filter=filters))
        assert choosing.events[-1].costs == (("cheap", 100), ("dear", 1000))
    assert len(choosing.chooser._costs) <= KEPT_COSTS


def candidate(endpoint: str, *behaviour: bool) -> Candidate:
    return Candidate(0, endpoint, Completion("a secret text"), behaviour=behaviour)


async def test_test_cases_that_ran_are_reported_for_each_endpoint_or_group() -> None:
    replicas = (
        Endpoint("g-1", group="g"),
        Endpoint("g-2", group="g"),
        Endpoint("lone", priority=1),
    )
    choosing = Choosing(replicas)
    snapshot = choosing.router.snapshot
    found = [
        candidate("g-1", True, False),
        candidate("g-2", True, True),
        candidate("lone", False),
        candidate("lone"),
    ]
    choosing.chooser.judged("d", found, snapshot)
    reports = {one.endpoint: one for one in choosing.knowledge.own}
    assert {name: (one.tests_passed, one.tests_total) for name, one in reports.items()} == {
        "g": (3, 4),
        "lone": (0, 1),
    }
    assert {(one.decision_id, one.source) for one in reports.values()} == {("d", "gateway")}


@pytest.mark.parametrize(
    ("decision_id", "from_checks", "behaviour"),
    [("", True, (True,)), ("d", False, (True,)), ("d", True, ())],
)
async def test_nothing_is_reported_of_what_is_not_kept_or_not_tested(
    decision_id: str, from_checks: bool, behaviour: tuple[bool, ...]
) -> None:
    choosing = Choosing(from_checks=from_checks)
    found = [candidate("cheap", *behaviour)]
    choosing.chooser.judged(decision_id, found, choosing.router.snapshot)
    assert not choosing.knowledge.own
