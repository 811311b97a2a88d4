"""Jobs through both clients of the SDK and through the command line, over real sockets."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from ensemble.v1 import job_service_pb2 as pb
from ensemble_client import AsyncClient, Client, InvalidRequest, NotFound
from typer.testing import CliRunner

from gateway.cli.main import app
from tests.fakes.jobs import Desk
from tests.fakes.script import Script

HANGS = Script(hang=True)


async def test_a_session_sees_and_steers_its_own_jobs() -> None:
    async with Desk(HANGS) as desk, AsyncClient(desk.door.target) as client:
        mine, other = client.session("mine"), client.session("other")
        call = asyncio.create_task(client.generate("x = ", session_id=mine.id))
        await desk.models[0].witness.called(1)
        [job] = await mine.jobs({"live": True})
        assert await other.jobs() == []
        assert (await other.control("stop")).outcome == pb.CONTROL_OUTCOME_NO_ACTIVE_JOBS
        assert (await mine.control(command="pause")).affected[0].job_id == job.id
        states: list[int] = []
        async for change in client.watch_job(job.id):
            states.append(change.state)
            if change.state == pb.JOB_STATE_PAUSED:
                await mine.control("cancel")
        assert states[0] == pb.JOB_STATE_PAUSED
        assert states[-1] == pb.JOB_STATE_CANCELLED
        with pytest.raises(Exception, match="cancelled by a command"):
            await call
        assert (await client.job(job.id)).job.failure.reason == "JOB_CANCELLED"


async def test_a_question_is_answered_through_the_client() -> None:
    async with Desk(HANGS) as desk, AsyncClient(desk.door.target) as client:
        calls = [
            asyncio.create_task(client.generate("x", labels={"job_kind": kind}))
            for kind in ("maintenance", "other")
        ]
        await desk.models[0].witness.called(2)
        asked = await client.control("stop")
        done = await client.confirm_control(asked.token, "other")
        assert len(done.affected) == 1
        with pytest.raises(NotFound, match="no question waits"):
            await client.confirm_control(asked.token, "other")
        await client.control(command="cancel", all=True)
        await asyncio.gather(*calls, return_exceptions=True)


async def test_the_blocking_client_does_the_same() -> None:
    async with Desk(HANGS) as desk:
        call = desk.ask(session_id="s")
        await desk.models[0].witness.called(1)

        def steer() -> list[object]:
            with Client(desk.door.target) as client:
                session = client.session("s")
                [job] = session.jobs()
                paused = session.control("pause")
                found = client.job(job.id).job.state
                watched = client.watch_job(job.id)
                first = next(watched).state
                watched.close()
                client.control(command="cancel", job_id=job.id)
                with pytest.raises(NotFound):
                    client.confirm_control("none", "all")
                return [paused.affected[0].state, found, first]

        assert await asyncio.to_thread(steer) == [pb.JOB_STATE_PAUSED] * 3
        call.cancel()


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"command": "hush"}, "command"),
        ({"command": "volume", "direction": "left"}, "direction"),
        ({"command": "stop", "kind": "timers"}, "kind"),
    ],
)
def test_a_command_that_is_not_known_is_refused_before_anything_is_sent(
    fields: dict[str, Any], wrong: str
) -> None:
    with Client("127.0.0.1:1") as client, pytest.raises(InvalidRequest) as caught:
        client.control(**fields)
    assert [item.field for item in caught.value.violations] == [wrong]


def test_an_argument_that_is_not_known_is_refused() -> None:
    with Client("127.0.0.1:1") as client, pytest.raises(TypeError, match="loudness"):
        client.control(command="volume", loudness=3)


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, result.output


async def cli(desk: Desk, *arguments: str) -> tuple[int, str]:
    return await asyncio.to_thread(run, *arguments, "--target", desk.door.target)


async def test_the_command_line_lists_follows_and_steers() -> None:
    async with Desk(HANGS) as desk:
        call = desk.ask(session_id="s")
        await desk.models[0].witness.called(1)
        code, text = await cli(desk, "jobs", "--session", "s")
        assert code == 0
        assert "interactive" in text
        assert "running" in text
        code, text = await cli(desk, "jobs", "--json")
        [job] = json.loads(text)["jobs"]
        code, text = await cli(desk, "control", "pause", "--session", "s")
        assert (code, text.splitlines()[0]) == (0, "done")
        assert f"{job['id']} (interactive) is paused" in text
        assert (await cli(desk, "control", "pause"))[0] == 1
        code, text = await cli(desk, "control", "resume", "--job", job["id"], "--json")
        assert json.loads(text)["affected"][0]["state"] == "JOB_STATE_RUNNING"
        following = asyncio.create_task(cli(desk, "jobs", job["id"], "--watch"))
        await desk.control("cancel")
        code, text = await following
        assert code == 0
        assert text.splitlines()[-1].split()[:3] == [job["id"], "interactive", "cancelled"]
        code, text = await cli(desk, "jobs", job["id"])
        assert "JOB_CANCELLED" in text
        call.cancel()


async def test_the_command_line_shows_candidates_and_asks() -> None:
    async with Desk(Script(pieces=("one",)), Script(pieces=("two",))) as desk:
        answer = await desk.ask(strategy="STRATEGY_BEST_OF_N", n=2)
        code, text = await cli(desk, "jobs", answer.job_id)
        assert code == 0
        assert "* 0 a" in text
        code, text = await cli(desk, "jobs", answer.job_id, "--json")
        assert len(json.loads(text)["candidates"]) == 2
        for model in desk.models:
            model.script.hang = True
        for kind in ("maintenance", "other"):
            desk.ask(labels={"job_kind": kind})
        await desk.models[0].witness.called(3)
        code, text = await cli(desk, "control", "stop")
        assert (code, text.splitlines()[0].startswith("confirmation required")) == (1, True)
        token = text.split("--token ")[1].split()[0]
        code, text = await cli(desk, "control", "--token", token, "--choice", "other")
        assert code == 0
        assert "(other) is stopping" in text
        assert run("control")[0] == 2


@pytest.fixture(autouse=True)
def plain_output(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
