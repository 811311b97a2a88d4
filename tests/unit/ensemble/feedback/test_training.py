"""A head is trained in a process of its own."""

from __future__ import annotations

import asyncio
import sys

import pytest

from gateway.core.faults import Fault, Kind, Origin
from gateway.core.head import Head
from gateway.ensemble.feedback import training
from gateway.ensemble.feedback.training import trained
from gateway.learning.settings import LearningSettings
from tests.fakes.choosing import lessons
from tests.fakes.desks import office

LESSONS = lessons("hard", weak=0.1, strong=0.9)


async def test_a_head_comes_back_from_the_process() -> None:
    head = await trained(LESSONS, LearningSettings())
    assert isinstance(head, Head)
    assert (head.observations, head.endpoints) == (len(LESSONS), ("strong", "weak"))


async def test_too_few_observations_are_said_to_be_too_few() -> None:
    assert await trained(LESSONS[:40], LearningSettings()) == (
        "no head was trained: 60 more labelled decisions are needed"
    )


async def test_a_process_that_fails_is_a_bug_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(Fault) as caught:
        await trained(LESSONS, LearningSettings())
    assert (caught.value.kind, caught.value.origin) == (Kind.INTERNAL, Origin.US)
    assert "status 1" in caught.value.message


async def test_whoever_leaves_ends_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[asyncio.subprocess.Process] = []
    has_begun = asyncio.Event()
    begin = asyncio.create_subprocess_exec

    async def noted(*_: str, **pipes: int) -> asyncio.subprocess.Process:
        begun.append(await begin(sys.executable, "-c", "import time; time.sleep(600)", **pipes))
        has_begun.set()
        return begun[-1]

    monkeypatch.setattr(training.asyncio, "create_subprocess_exec", noted)
    task = asyncio.ensure_future(trained(LESSONS, LearningSettings()))
    await has_begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert begun[0].returncode is not None


async def test_a_proposal_with_a_head_is_a_new_version_though_no_threshold_moves() -> None:
    async with office() as desk:
        for at in range(120):
            await desk.reported(desk.decided(), quality=float(at % 2))
        found = await desk.desk.propose(window_s=None, step=None, train_head=True, actor="me")
        assert found.changed
        assert found.head == "a head was trained on 120 observations"
        assert (found.version.head_version, found.version.head_observations) == (1, 120)
        assert desk.state.experience.head is None
        await desk.desk.apply(found.version.thresholds.version, validate_only=False, actor="me")
        assert desk.state.experience.head is not None


async def test_a_proposal_says_why_there_is_no_head() -> None:
    async with office() as desk:
        found = await desk.desk.propose(window_s=None, step=None, train_head=True, actor="me")
        assert (found.changed, found.version.head_version) == (False, 0)
        assert found.head.startswith("no head was trained: 100 more")
