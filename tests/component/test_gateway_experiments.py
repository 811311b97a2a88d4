"""Experiments and the adaptive policy over sockets: who is in them, and when they are stopped."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from ensemble.v1 import decision_pb2 as decision
from ensemble.v1 import feedback_service_pb2 as fb
from ensemble.v1 import gateway_service_pb2 as pb

from tests.fakes.taught import Taught

CONTROL: dict[str, Any] = {"name": "control", "control": True}
TO_B: dict[str, Any] = {"name": "to-b", "endpoint": "b"}
DARK: dict[str, Any] = {"name": "dark", "shadow": True, "endpoint": "b"}


def trial(*arms: dict[str, Any], share: float = 1.0, **fields: Any) -> dict[str, Any]:
    return {"name": "trial", "share": share, "arm": list(arms), **fields}


async def routed(served: Taught, number: int, first: int = 0) -> list[pb.RouteResponse]:
    units = range(first, first + number)
    return await asyncio.gather(*(served.route(session_id=f"s{unit}") for unit in units))


def arm_of(response: pb.RouteResponse) -> str:
    return str(response.decision.learned.arms.get("trial", ""))


async def listed(served: Taught) -> fb.Experiment:
    (found,) = (await served.ask("ListExperiments")).experiments
    return found


async def test_a_session_stays_in_its_arm_and_the_answer_says_which() -> None:
    """B-01."""
    async with Taught(experiment=[trial(CONTROL, TO_B)]) as served:
        first, again = await routed(served, 40), await routed(served, 40)
        assert list(map(arm_of, first)) == list(map(arm_of, again))
        assert set(map(arm_of, first)) == {"control", "to-b"}
        for one in first:
            assert one.decision.primary == ("b" if arm_of(one) == "to-b" else "a")
            scores = {score.endpoint: score.propensity for score in one.decision.learned.scores}
            assert scores == {"a": 0.5, "b": 0.5}
        answer = await served.generate(session_id="s0")
        assert answer.decision.learned.arms == first[0].decision.learned.arms


async def test_the_arms_are_the_same_after_a_restart() -> None:
    found = []
    for _ in range(2):
        async with Taught(experiment=[trial(CONTROL, TO_B, share=0.5)]) as served:
            found.append(list(map(arm_of, await routed(served, 40))))
    assert found[0] == found[1]
    assert set(found[0]) == {"", "control", "to-b"}


async def test_exposures_are_counted_by_arm(tmp_path: Path) -> None:
    kept = {
        "outcomes": {"path": str(tmp_path / "store.sqlite")},
        "experiment": [trial(CONTROL, TO_B, share=0.5)],
    }

    async def counted(served: Taught, number: int) -> dict[str, int]:
        while sum(arm.exposures for arm in (await listed(served)).arms) < number:
            pass
        return {arm.arm: arm.exposures for arm in (await listed(served)).arms}

    async with Taught(**kept) as served:
        arms = Counter(map(arm_of, await routed(served, 60)))
        number = arms["control"] + arms["to-b"]
        assert 0 < number < 60
        exposures = await counted(served, number)
        assert exposures == {"control": arms["control"], "to-b": arms["to-b"]}
    async with Taught(**kept) as served:
        assert await counted(served, number) == exposures, "once each, after a restart too"


async def test_a_shadow_arm_is_recorded_and_changes_nothing() -> None:
    """B-02."""
    async with Taught(experiment=[trial(DARK, CONTROL)]) as served:
        found = await routed(served, 40)
        assert {one.decision.primary for one in found} == {"a"}
        assert set(map(arm_of, found)) == {"dark", "control"}
        while (dark := (await listed(served)).arms[0]).exposures < 1:
            pass
        assert (dark.shadow, dark.agreement) == (True, 0.0)
        assert dark.HasField("agreement")


async def test_who_names_a_part_of_the_router_is_in_no_arm() -> None:
    async with Taught(experiment=[trial(TO_B | {"control": True})]) as served:
        ruled = await served.route(session_id="s", routing_mode=decision.ROUTING_MODE_RULES)
        assert ruled.decision.primary == "a"
        assert arm_of(ruled) == ""


async def test_a_harmful_arm_is_stopped_and_stays_stopped_after_a_restart(
    tmp_path: Path,
) -> None:
    """B-01: the guard rail stops it on a tick, for good."""
    kept = {
        "outcomes": {"path": str(tmp_path / "store.sqlite")},
        "experiment": [trial(CONTROL, TO_B)],
    }
    async with Taught(**kept) as served:
        before = await listed(served)
        assert (before.status, before.reason, before.unit) == ("running", "", "session")

        async def harmed(one: pb.RouteResponse) -> None:
            quality = 0.0 if one.decision.primary == "b" else 1.0
            await served.record(one.decision_id, quality=quality)

        first = 0
        while (found := await listed(served)).status == "running":
            await asyncio.gather(*map(harmed, await routed(served, 20, first)))
            first += 20
        assert found.status == "stopped"
        assert found.reason.startswith("its quality is lower by more than 0.02")
        control, to_b = found.arms
        assert (control.mean_quality, to_b.mean_quality) == (1.0, 0.0)
        assert to_b.harm_evidence >= 20
        assert control.harm_evidence == 0
        after = await routed(served, 20)
        assert set(map(arm_of, after)) == {""}
        assert {one.decision.primary for one in after} == {"a"}
    async with Taught(**kept) as served:
        again = await listed(served)
        assert (again.status, again.reason) == ("stopped", found.reason)
        assert set(map(arm_of, await routed(served, 20))) == {""}


async def test_an_experiment_that_is_off_is_listed_as_such() -> None:
    async with Taught(experiment=[trial(CONTROL, TO_B, enabled=False)]) as served:
        assert (await listed(served)).status == "off"
        assert set(map(arm_of, await routed(served, 10))) == {""}


@pytest.mark.parametrize("on", [False, True])
async def test_the_adaptive_policy_draws_only_where_it_is_switched_on(on: bool) -> None:
    tables = {"adaptive": {"enabled": True, "min_evidence": 5}} if on else {}
    async with Taught(learning={"layers": []}, **tables) as served:
        await served.teach("hard", 40, a=0.0, b=1.0)
        await served.observed(40)
        found = [await served.route(labels={"task": "hard"}) for _ in range(20)]
        by = {one.decision.learned.decided_by for one in found}
        assert by == ({"adaptive"} if on else {"rules"})
        assert ("b" in {one.decision.primary for one in found}) is on
        for one in found:
            shares = {score.endpoint: score.propensity for score in one.decision.learned.scores}
            assert sum(shares.values()) == pytest.approx(1)
            assert shares["b"] == (pytest.approx(0.99, abs=0.02) if on else 0.0)


async def test_off_policy_evaluation_rests_on_what_the_experiment_tried() -> None:
    async with Taught(experiment=[trial(CONTROL, TO_B)]) as served:
        drawn = await routed(served, 320)
        qualities = {"a": 0.2, "b": 0.9}
        await asyncio.gather(
            *(
                served.record(one.decision_id, quality=qualities[one.decision.primary])
                for one in drawn
            )
        )
        found = await served.ask("EvaluatePolicy", policy="kind = 'always'\nendpoint = 'b'")
        assert found.supported
        (robust,) = [one for one in found.estimates if one.method == "doubly_robust"]
        assert robust.value == pytest.approx(0.9, abs=0.05)
        assert robust.low <= 0.9 <= robust.high + 1e-6
        assert found.gain.value > 0.2
