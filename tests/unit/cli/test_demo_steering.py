"""What the demonstration says to a running batch, what it prints of that, and what it misses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from typing import Any, cast

import grpc
import pytest
from ensemble.v1 import job_service_pb2 as pb
from ensemble.v1.gateway_service_pb2 import FailureDetail, GenerateRequest, GenerateResponse
from ensemble.v1.result_pb2 import Attempt
from ensemble_client import AsyncClient, EnsembleError
from ensemble_client.batches import BatchResult
from ensemble_client.errors import error_for

from gateway.cli.demonstration import steering
from gateway.cli.demonstration.holes import Cut, CutHole
from gateway.cli.demonstration.lessons import Lesson, Task
from gateway.cli.demonstration.showing_steering import show_steered
from gateway.cli.demonstration.steering import NEXT, PAUSE, RESUME, STOP, Steered, perform_steering

SOURCE = "def f(x):\n    return x.y\n"
LESSONS = [Lesson(Task.NAME, CutHole("m", "f", Cut.SPAN, SOURCE, 23, 24, 0, 25, (2,)))] * 3
COMMANDS = {
    PAUSE: pb.COMMAND_PAUSE, RESUME: pb.COMMAND_RESUME, NEXT: pb.COMMAND_NEXT, STOP: pb.COMMAND_STOP
}  # fmt: skip
GIVEN_UP = Attempt(endpoint="fast", reason="NOT_NEEDED")
FAILURE = FailureDetail(reason="JOB_STOPPED", attempts=[GIVEN_UP])
LEFT = error_for(grpc.StatusCode.CANCELLED, "the job was stopped", FAILURE)
RESULTS: list[BatchResult] = [
    GenerateResponse(text="y"),
    GenerateResponse(text="y", attempts=[GIVEN_UP, Attempt(endpoint="quality")]),
    LEFT,
]


class FakeBatch:
    """A client, its session and one batch, which follows every command but those of `deaf`."""

    def __init__(self, deaf: str = "", *, restless: bool = False) -> None:
        self.job_now = pb.Job(
            id="job-1",
            kind=pb.JOB_KIND_BATCH,
            state=pb.JOB_STATE_RUNNING,
            progress={"done": 1, "total": 3, "running": ["fast"]},
        )
        self.sent: list[GenerateRequest] = []
        self._deaf = deaf
        self._restless = restless
        self._news = asyncio.Event()
        self._over = asyncio.Event()

    def session(self, session_id: str) -> FakeBatch:
        assert session_id == steering.SESSION
        return self

    async def jobs(self, wanted: dict[str, bool], **_: float) -> list[pb.Job]:
        assert wanted == {"live": True}
        return [self.job_now]

    async def job(self, job_id: str, **_: float) -> pb.GetJobResponse:
        """Work that runs goes on after each look at it."""
        assert job_id == self.job_now.id
        looked_at = pb.GetJobResponse(job=self.job_now)
        if self._restless or self.job_now.state == pb.JOB_STATE_RUNNING:
            self.job_now.progress.attempts += 1
            self._tell()
        return looked_at

    async def watch_job(self, job_id: str, **_: float) -> AsyncGenerator[pb.Job]:
        assert job_id == self.job_now.id
        while True:
            self._news.clear()
            yield pb.GetJobResponse(job=self.job_now).job
            if self.job_now.state in steering.ENDED:
                return
            await self._news.wait()

    async def batch(
        self, requests: Sequence[GenerateRequest], **_: float
    ) -> AsyncGenerator[BatchResult]:
        self.sent += requests
        yield RESULTS[0]
        await self._over.wait()
        for result in RESULTS[1:]:
            yield result

    async def control(self, text: str, **_: float) -> pb.ControlResponse:
        heard = text != self._deaf
        self._follow(text, heard=heard)
        self._tell()
        effect = pb.ControlEffect(job_id=self.job_now.id, kind=pb.JOB_KIND_BATCH)
        return pb.ControlResponse(
            outcome=pb.CONTROL_OUTCOME_DONE if heard else pb.CONTROL_OUTCOME_UNCHANGED,
            affected=[effect] if heard else [],
            skipped=[] if heard else [effect],
            reason="" if heard else "it does not listen",
            resolution=pb.ControlResolution(
                command=COMMANDS[text], method=pb.RESOLUTION_METHOD_SINGLE, recognised_by="exact"
            ),
        )

    def _tell(self) -> None:
        self.job_now.revision += 1
        self._news.set()

    def _follow(self, text: str, *, heard: bool) -> None:
        job = self.job_now
        if text == STOP:
            job.state = pb.JOB_STATE_STOPPED if heard else pb.JOB_STATE_SUCCEEDED
            job.progress.done = 3
            self._over.set()
        elif text == PAUSE and heard:
            job.state = pb.JOB_STATE_PAUSED
            del job.progress.running[:]
        else:
            job.state = pb.JOB_STATE_RUNNING
            job.progress.running[:] = ["fast"]
            job.progress.done += 1


class Broken(FakeBatch):
    async def batch(
        self, requests: Sequence[GenerateRequest], **_: float
    ) -> AsyncGenerator[BatchResult]:
        raise LEFT
        yield


class Over(FakeBatch):
    async def jobs(self, wanted: dict[str, bool], **_: float) -> list[pb.Job]:
        self._over.set()
        return []


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What does nothing is believed after one look."""
    monkeypatch.setattr(steering, "QUIET_S", 0.0)


async def steer(fake: FakeBatch) -> Steered:
    return await perform_steering(cast("AsyncClient", fake), LESSONS)


async def test_a_batch_is_paused_resumed_skipped_and_stopped_by_words() -> None:
    fake = FakeBatch()
    steered = await steer(fake)
    assert [one.text for one in steered.said] == [PAUSE, RESUME, NEXT, STOP]
    assert [pb.JobState.Name(one.job.state) for one in steered.said] == [
        "JOB_STATE_PAUSED", "JOB_STATE_RUNNING", "JOB_STATE_RUNNING", "JOB_STATE_STOPPED",
    ]  # fmt: skip
    assert steered.missing == ()
    assert (steered.filled, steered.stopped, steered.skipped) == (2, 1, 1)
    assert {one.session_id for one in fake.sent} == {steering.SESSION}
    assert fake.sent[0].sampling.temperature == 0


async def test_each_command_is_a_row_with_what_was_understood(
    capsys: pytest.CaptureFixture[str],
) -> None:
    show_steered(await steer(FakeBatch(deaf=NEXT)))
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    understood = "(words exact, target single)"
    for line in (
        "A batch of 3 small holes, steered in words while it ran:",
        f"pause the batch pause batch {understood} done paused 1 of 3",
        f"resume the batch resume batch {understood} done running 2 of 3",
        f"next next batch {understood} unchanged: it does not listen running 3 of 3",
        f"stop the batch stop batch {understood} done stopped 3 of 3",
        "Paused, it was looked at twice, 0.4 s apart: 1 holes done and 0 calls made, then 1 and 0.",
        (
            "Of 3 holes 2 were filled, 1 were left when it was stopped (they count as done), 0 "
            "ended in another error; 1 went on to the next endpoint by command."
        ),
    ):
        assert line in lines, line
    assert not any("FAILED" in line for line in lines)


@pytest.mark.parametrize(
    ("fake", "missing"),
    [
        (FakeBatch, ()),
        (lambda: FakeBatch(NEXT), ()),
        (lambda: FakeBatch(restless=True), ("the paused batch did not rest",)),
        (
            lambda: FakeBatch(PAUSE),
            (
                "'pause the batch' was not followed: it does not listen",
                "the paused batch did not rest",
            ),
        ),
        (
            lambda: FakeBatch(STOP),
            (
                "'stop the batch' was not followed: it does not listen",
                "the batch that was to stop is succeeded",
            ),
        ),
    ],
)
async def test_what_was_not_followed_is_told(fake: Any, missing: tuple[str, ...]) -> None:
    assert (await steer(fake())).missing == missing


async def test_a_batch_that_is_over_too_early_is_told() -> None:
    assert (await steer(Over())).missing == tuple(
        f"{text!r} was not said" for text in (PAUSE, RESUME, STOP)
    )


async def test_an_error_of_the_gateway_is_told_and_ends_nothing_else(
    capsys: pytest.CaptureFixture[str],
) -> None:
    steered = await steer(Broken())
    assert "the job was stopped" in steered.error
    assert "the batch answered 0 of 3 holes" in steered.missing
    show_steered(steered)
    assert "FAILED: steering the batch broke off: CANCELLED JOB_STOPPED" in capsys.readouterr().out


async def test_the_time_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steering, "LIMIT_S", 0.0)
    assert (await steer(FakeBatch())).error == "it was not over after 0 s"


async def test_an_answer_that_is_missing_is_told() -> None:
    steered = await steer(FakeBatch())
    short = replace(steered, results=steered.results[:2])
    assert short.missing == ("the batch answered 2 of 3 holes",)
    assert isinstance(steered.results[2], EnsembleError)
