"""A gateway that learns from outcomes, over sockets: cold, taught, tuned, and started again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from ensemble.v1 import decision_pb2 as decision
from ensemble.v1 import feedback_service_pb2 as fb
from ensemble.v1 import gateway_service_pb2 as pb
from ensemble.v1.hole_pb2 import FillConstraint, HoleOrigin, HoleSpec
from google.protobuf.duration_pb2 import Duration

from tests.fakes.choosing import prompt_about
from tests.fakes.gateways import failure
from tests.fakes.served import TIMEOUT_S
from tests.fakes.taught import Taught

INVALID = grpc.StatusCode.INVALID_ARGUMENT
PRECONDITION = grpc.StatusCode.FAILED_PRECONDITION
NOT_FOUND = grpc.StatusCode.NOT_FOUND
LEARNED = {"routing_mode": decision.ROUTING_MODE_LEARNED}
ACCURATE = {"objective": decision.OBJECTIVE_ACCURATE}
MANY = 120
VAULT = {"name": "vault", "endpoint": "b", "keywords": [{"phrase": "vault", "weight": 0.9}]}


@pytest.fixture
async def cold() -> AsyncIterator[Taught]:
    async with Taught() as served:
        yield served


def about(task: str, **fields: Any) -> dict[str, Any]:
    return {"prompt": prompt_about(task, 3), "labels": {"task": task}, **fields}


def intent(words: str) -> HoleSpec:
    return HoleSpec(origin=HoleOrigin(intent=words))


# --- learning ---


async def test_a_cold_gateway_decides_by_the_rules_and_says_what_it_lacks(cold: Taught) -> None:
    routed = await cold.route()
    assert (routed.decision.primary, routed.decision.reason) == (
        "a",
        decision.ROUTING_REASON_FAST_MATCH,
    )
    layers = {one.layer: one for one in routed.decision.learned.layers}
    assert layers["knn"].status == decision.LAYER_STATUS_UNAVAILABLE
    answer = await cold.generate()
    assert not answer.decision.HasField("learned")
    assert answer.decision.primary == "a"


async def test_outcomes_decide_by_kind_of_task() -> None:
    async with Taught() as served:
        await served.teach("easy", MANY, a=1.0, b=0.3)
        await served.teach("hard", MANY, a=0.1, b=0.9)
        await served.observed(2 * MANY)
        for task, endpoint in (("easy", "a"), ("hard", "b")):
            routed = await served.route(**about(task, **ACCURATE))
            assert routed.decision.primary == endpoint
            assert routed.decision.reason == decision.ROUTING_REASON_OBJECTIVE
            plain = await served.route(**about(task))
            assert plain.decision.primary == endpoint
            assert plain.decision.learned.decided_by == "knn"
            assert plain.decision.learned.observations == 2 * MANY
        rules = await served.route(**about("hard", routing_mode=decision.ROUTING_MODE_RULES))
        assert rules.decision.primary == "a"
        answer = await served.generate(**about("hard"))
        assert (answer.endpoint, answer.decision.learned.decided_by) == ("b", "knn")
        secure = HoleSpec(fill_constraints=[FillConstraint(kind="security", value="no eval")])
        strict = await served.route(**about("easy", hole=secure, **ACCURATE))
        assert (strict.decision.primary, list(strict.decision.fallbacks)) == ("b", [])


async def versions(served: Taught) -> tuple[int, list[tuple[str, int]]]:
    found = await served.ask("GetThresholds")
    assert found.set.in_force
    return found.set.version, [(one.action, one.version) for one in found.changes]


async def decided_by(served: Taught) -> str:
    routed = await served.route(**about("hard"))
    return str(routed.decision.learned.decided_by)


async def test_a_head_is_trained_proposed_applied_and_taken_back(tmp_path: Path) -> None:
    only_head = {"learning": {"layers": ["head"]}}
    kept = {"outcomes": {"path": str(tmp_path / "store.sqlite")}, **only_head}
    async with Taught(**kept) as served:
        await served.teach("hard", MANY, a=0.0, b=1.0)
        await served.observed(MANY)
        assert await versions(served) == (1, [])
        assert await decided_by(served) == "rules"
        proposed = await served.ask("ProposeThresholds", train_head=True)
        assert proposed.changed
        assert (proposed.set.version, proposed.set.in_force) == (2, False)
        assert proposed.set.head_observations == MANY
        assert proposed.head == f"a head was trained on {MANY} observations"
        assert await decided_by(served) == "rules"
        tried = await served.ask("ApplyThresholds", version=2, validate_only=True)
        assert (tried.before.version, tried.before.in_force) == (1, True)
        assert (tried.after.version, tried.after.in_force) == (2, False)
        assert await decided_by(served) == "rules"
        applied = await served.ask("ApplyThresholds", version=2)
        assert (applied.before.in_force, applied.after.in_force) == (False, True)
        assert await decided_by(served) == "head"
        assert await versions(served) == (2, [("apply", 2), ("propose", 2)])
    async with Taught(**kept) as served:
        assert await decided_by(served) == "head", "nothing was taught since the restart"
        assert (await served.analysed()).threshold_version == 2
        tried = await served.ask("RollbackThresholds", validate_only=True)
        assert (tried.before.version, tried.after.version) == (2, 1)
        assert await decided_by(served) == "head"
        await served.ask("RollbackThresholds")
        assert await decided_by(served) == "rules"
        assert (await versions(served))[0] == 1
    async with Taught(**kept) as served:
        assert await decided_by(served) == "rules"
        number, changes = await versions(served)
        assert (number, changes[0]) == (1, ("rollback", 1))
        again = await served.ask("GetThresholds", version=2)
        assert (again.set.version, again.set.in_force) == (2, False)


@pytest.mark.parametrize("number", [2, (1 << 63) - 1, 1 << 63, (1 << 64) - 1])
async def test_a_version_that_is_not_kept_is_not_found(cold: Taught, number: int) -> None:
    for rpc in ("GetThresholds", "ApplyThresholds"):
        refused = await cold.refused(rpc, version=number)
        assert (refused.code, refused.reason) == (NOT_FOUND, "UNKNOWN_VERSION")


async def test_there_is_nothing_to_take_back_from_the_first_version(cold: Taught) -> None:
    refused = await cold.refused("RollbackThresholds")
    assert (refused.code, refused.reason) == (NOT_FOUND, "UNKNOWN_VERSION")
    assert (await cold.refused("ApplyThresholds")).fields == ["version"]
    found = await cold.ask("ProposeThresholds")
    assert (found.changed, found.set.version) == (False, 1)
    assert found.set.in_force


# --- clarification ---


async def test_whoever_demands_what_nobody_learned_is_asked(cold: Taught) -> None:
    routed = await cold.route(**LEARNED)
    assert routed.decision.primary == "a"
    assert len(routed.clarification.questions) == 4
    failed = await failure(cold.generate(**LEARNED))
    assert (failed.code, failed.reason) == (PRECONDITION, "CLARIFICATION_NEEDED")
    detail = failed.details["FailureDetail"]
    assert detail.clarification == routed.clarification
    assert detail.decision_id
    assert cold.asked() == [0, 0], "no endpoint was called"
    streamed = await failure(cold.stream(**LEARNED))
    assert streamed.reason == "CLARIFICATION_NEEDED"


async def test_a_question_is_no_success() -> None:
    """L-09: it is not counted as right, and is a share of its own."""
    async with Taught() as served:
        await served.route(**LEARNED)
        await failure(served.generate(**LEARNED))
        await served.record((await served.route()).decision_id, quality=1.0)
        analysed = await served.analysed()
        assert (analysed.decisions, analysed.labelled, analysed.accuracy) == (3, 1, 1.0)
        assert analysed.clarified == pytest.approx(2 / 3)


async def test_an_unsure_gateway_refuses_where_that_is_set() -> None:
    async with Taught(learning={"on_abstain": "clarify"}, topic=[VAULT]) as served:
        failed = await failure(served.generate(hole=intent("nothing of the kind")))
        assert failed.reason == "CLARIFICATION_NEEDED"
        answer = await served.generate(hole=intent("read the vault"))
        assert (answer.endpoint, answer.decision.learned.decided_by) == ("b", "keyword")
        ruled = await served.generate(routing_mode=decision.ROUTING_MODE_RULES)
        assert ruled.endpoint == "a"


async def test_nothing_learned_can_be_demanded_where_learning_is_off() -> None:
    async with Taught(learning={"enabled": False}, topic=[VAULT]) as served:
        for call in (served.generate(**LEARNED), served.route(**LEARNED)):
            failed = await failure(call)
            assert (failed.code, failed.reason) == (PRECONDITION, "NO_LEARNED_LAYER")
            assert failed.fields == ["routing_mode"]
        answer = await served.generate(hole=intent("read the vault"))
        assert answer.endpoint == "a"
        assert not answer.decision.HasField("learned")
        assert (await served.record(answer.decision_id, quality=1.0)).quality == 1.0


# --- topics ---


async def test_a_keyword_of_a_topic_decides_over_sockets() -> None:
    async with Taught(topic=[VAULT]) as served:
        routed = await served.route(hole=intent("read the vault"))
        learned = routed.decision.learned
        assert (routed.decision.primary, learned.decided_by) == ("b", "keyword")
        assert [one.layer for one in learned.layers][:4] == ["keyword", "similarity", "knn", "head"]
        assert [one.shadow for one in learned.layers[:4]] == [False, True, True, True]
        # The similarity layer, asked too, found nothing, which counts against the match as a whole.
        assert learned.level == "medium"


async def test_a_small_thing_gets_one_candidate_though_more_are_configured() -> None:
    async with Taught(topic=[VAULT], ensemble={"best_of_n": 3}) as served:
        await served.generate(hole=intent("read the vault"))
        assert sum(served.asked()) == 3
        answer = await served.generate(hole=intent("just a simple loop"))
        assert answer.decision.learned.lite
        assert sum(served.asked()) == 4


# --- evaluation ---


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        ("kind = ", "is not TOML"),
        ("endpoint = 'a'", "kind"),
        ("kind = 'magic'", "use one of"),
        ("kind = 'always'\nendpoint = 'z'", "'z' is not among the endpoints"),
        ("kind = 'task'\n[endpoints]\nhard = 'z'", "endpoints.hard"),
        ("kind = 'gain'\nmin_gain = 7", "min_gain"),
        ("", ""),
    ],
)
async def test_a_policy_that_cannot_be_read_is_refused(
    cold: Taught, policy: str, words: str
) -> None:
    refused = await cold.refused("EvaluatePolicy", policy=policy)
    assert (refused.code, refused.fields) == (INVALID, ["policy"])
    assert words in refused.message


async def test_a_log_that_never_tried_an_endpoint_says_so(cold: Taught) -> None:
    for _ in range(30):
        await cold.record((await cold.route()).decision_id, quality=0.5)
    found = await cold.ask("EvaluatePolicy", policy="kind = 'always'\nendpoint = 'b'")
    assert not found.supported
    assert found.verdict.startswith(
        "the log cannot support an answer: all of its 30 decisions were"
    )
    assert "deterministic" in found.verdict
    found = await cold.ask("EvaluatePolicy", policy="kind = 'always'\nendpoint = 'a'")
    assert found.decisions == 30
    assert found.logged_value == 0.5


async def test_the_analysis_counts_what_was_asked_of_the_window(cold: Taught) -> None:
    await cold.generate()
    assert (await cold.ask("AnalyzeRouting", window=Duration(seconds=60))).decisions == 1
    refused = await cold.refused("AnalyzeRouting", window=Duration())
    assert (refused.code, refused.fields) == (INVALID, ["window"])
    refused = await cold.refused("ProposeThresholds", step=0.0)
    assert refused.fields == ["step"]


async def test_the_service_is_served_like_the_others(cold: Taught) -> None:
    raw = cold.door.raw("FeedbackService/RecordOutcome")
    refused = await failure(raw(b"\xff\xff", timeout=TIMEOUT_S))
    assert (refused.code, refused.reason) == (INVALID, "UNREADABLE_MESSAGE")
    assert isinstance(await cold.ask("ListExperiments"), fb.ListExperimentsResponse)
    assert isinstance(await cold.generate(), pb.GenerateResponse)


# --- what operators may ask ---


async def test_the_layers_and_what_they_did_are_described() -> None:
    """X-24."""
    async with Taught(topic=[VAULT]) as served:
        await served.route(hole=intent("read the vault"))
        described = await served.described()
    layers = {one.layer: one for one in described.layers}
    assert list(layers) == ["keyword", "similarity", "shape", "knn", "head"]
    keyword = layers["keyword"]
    assert (keyword.weight, keyword.runs, keyword.threshold, keyword.calls) == (
        0.4,
        "inline",
        0.85,
        1,
    )
    assert layers["shape"].threshold == 0
    assert (described.threshold_version, described.observations) == (1, 0)


async def test_where_learning_is_off_there_are_no_layers() -> None:
    async with Taught(learning={"enabled": False}) as served:
        assert list((await served.described()).layers) == []
