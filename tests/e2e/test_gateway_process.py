"""The gateway as operators run it: a process that is started, asked, disturbed and stopped."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import grpc
import pytest
from ensemble.v1 import gateway_service_pb2 as pb
from ensemble_client import AsyncClient

from tests.fakes.gateways import Door, door_to, failure, gateway_on_loopback, request, settings_of
from tests.fakes.model_server import FakeModelServer
from tests.fakes.processes import Running, run, start
from tests.fakes.script import Failure, Script

MARK = "marked-by-the-caller"
SECRET = "sk-of-the-endpoint"
ENVIRONMENT = {name: text for name, text in os.environ.items() if not name.startswith("ENSEMBLE_")}


def write_config(folder: Path, *urls: str, **tables: dict[str, Any]) -> Path:
    lines = ["retry.max_tries = 1"]
    lines += [f"{name} = {inline(table)}" for name, table in tables.items()]
    for place, url in enumerate(urls):
        lines += ["[[endpoint]]", f'name = "{"abc"[place]}"', f'url = "{url}"']
        lines += [f"priority = {place}"]
    path = folder / "gateway.toml"
    path.write_text("\n".join(lines))
    return path


def inline(table: dict[str, Any]) -> str:
    return "{ " + ", ".join(f"{key} = {json.dumps(value)}" for key, value in table.items()) + " }"


@pytest.fixture
async def model() -> AsyncIterator[FakeModelServer]:
    async with FakeModelServer(Script()) as server:
        yield server


async def test_a_sigterm_lets_the_running_request_end(
    model: FakeModelServer, tmp_path: Path
) -> None:
    release = asyncio.Event()
    model.hold = lambda _: release.wait()
    config = write_config(tmp_path, model.url)
    async with start("serve", "--config", str(config), env=ENVIRONMENT) as gateway:
        async with door_to(gateway.port) as door, asyncio.timeout(20):
            running = asyncio.ensure_future(door.generate(request(), timeout=20))
            await model.witness.started.wait()
            gateway.process.send_signal(signal.SIGTERM)
            await refusing(gateway)
            assert gateway.process.returncode is None
            release.set()
            assert (await running).text == model.script.text
        async with asyncio.timeout(10):
            assert await gateway.process.wait() == 0


async def refusing(gateway: Running) -> None:
    """Return once nobody listens any more."""
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        except ConnectionError:
            return
        writer.close()


async def test_an_interrupt_ends_an_idle_gateway_well(
    model: FakeModelServer, tmp_path: Path
) -> None:
    config = write_config(tmp_path, model.url)
    async with start("serve", "--config", str(config), env=ENVIRONMENT) as gateway:
        assert await gateway.stop(signal.SIGINT) == 0


async def test_a_taken_port_ends_with_a_clear_error(model: FakeModelServer, tmp_path: Path) -> None:
    async with gateway_on_loopback(settings_of(model.url)) as door:
        config = write_config(tmp_path, model.url)
        port = str(door.port)
        ended = await run("serve", "--config", str(config), "--port", port, env=ENVIRONMENT)
    assert ended.code == 1
    assert ended.out == ""
    assert f"cannot listen on 127.0.0.1:{port}" in ended.err
    assert "--port" in ended.err
    assert "Traceback" not in ended.err


async def test_the_environment_wins_over_the_file(model: FakeModelServer, tmp_path: Path) -> None:
    config = write_config(tmp_path, model.url, ensemble={"max_attempts": 2})
    env = {**ENVIRONMENT, "ENSEMBLE_ENSEMBLE__MAX_ATTEMPTS": "7", "ENSEMBLE_LOG__LEVEL": "debug"}
    async with (
        start("serve", "--config", str(config), env=env) as gateway,
        AsyncClient(f"127.0.0.1:{gateway.port}") as client,
    ):
        told = await client.describe_config(timeout=10)
    effective = json.loads(told.config_json)
    assert effective["ensemble"]["max_attempts"] == 7
    assert effective["log"]["level"] == "debug"
    assert list(told.sources) == [str(config)]


async def test_a_wrong_variable_is_named(model: FakeModelServer, tmp_path: Path) -> None:
    config = write_config(tmp_path, model.url)
    env = {**ENVIRONMENT, "ENSEMBLE_ENSEMBEL__MAX_ATTEMPTS": "7", "ENSEMBLE_RETRY__FACTOR": "many"}
    ended = await run("serve", "--config", str(config), env=env)
    assert ended.code == 3
    assert "ENSEMBLE_ENSEMBEL__MAX_ATTEMPTS: no such section" in ended.err
    assert "retry.factor" in ended.err


# Privacy: nothing of a prompt, a suffix, a completion or a secret, at the lowest log level.

LOUD = {"log": {"level": "debug", "format": "json"}}


@pytest.mark.parametrize("form", ["json", "text"])
async def test_no_log_line_shows_what_callers_and_models_write(
    model: FakeModelServer, tmp_path: Path, form: str
) -> None:
    model.script.pieces = (f"completed {MARK}", "\n")
    model.script.words = f"the endpoint repeats {MARK}"
    config = write_config(tmp_path, model.url, log={"level": "debug", "format": form})
    secret_file = tmp_path / "key"
    secret_file.write_text(SECRET)
    with config.open("a") as file:
        file.write(f'\nsecret_ref = "file:{secret_file}"\nbreaker = "metrics_only"\n')
    log = tmp_path / "stderr"
    with log.open("wb") as stderr:
        arguments = ("serve", "--config", str(config))
        async with (
            start(*arguments, env=ENVIRONMENT, stderr=stderr) as gateway,
            door_to(gateway.port) as door,
        ):
            await good_bad_and_cut(door, model)
    shown = log.read_text()
    assert MARK not in shown
    assert SECRET not in shown
    assert "request failed" in shown


async def good_bad_and_cut(door: Door, model: FakeModelServer) -> None:
    script, witness = model.script, model.witness
    metadata = (("authorization", f"Bearer {MARK}"), ("x-anything", MARK))
    marked = request(f"prompt {MARK}", suffix=f"suffix {MARK}", hole={"language": "python"})
    stream = pb.GenerateStreamRequest(request=marked)
    answer = await door.generate(marked, timeout=10, metadata=metadata)
    assert MARK in answer.text
    assert witness.asked[-1].headers["authorization"] == f"Bearer {SECRET}"
    _ = [event async for event in door.stream(stream, timeout=10, metadata=metadata)]
    batch = [pb.BatchGenerateRequest(request=marked) for _ in range(3)]
    _ = [one async for one in door.batch(iter(batch), timeout=10)]
    refused = request(f"{MARK}" * 200_000, request_id="too-long")
    assert (await failure(door.generate(refused, timeout=10))).fields == ["prompt"]
    rejecting = [{"name": "c", "regex": {"pattern": "never"}}]
    rejected = request(f"prompt {MARK}", constraints=rejecting)
    assert (await failure(door.generate(rejected, timeout=10))).code is grpc.StatusCode.ABORTED
    for failing in Failure:
        script.failure = failing
        for call in (door.generate(marked, timeout=10), door.stream(stream, timeout=10)):
            assert MARK not in (await failure(call)).message
    script.failure, script.cut = None, True
    await failure(door.stream(stream, timeout=10))
    script.cut, script.malformed = False, True
    await failure(door.generate(marked, timeout=10))
    script.malformed, script.hang = False, True
    await failure(door.generate(marked, timeout=0.2))
    witness.started.clear()
    left = door.generate(marked, timeout=10)
    following = asyncio.ensure_future(left)
    await witness.started.wait()
    left.cancel()
    await asyncio.wait([following])


async def test_a_bug_shows_its_place_and_nothing_of_the_request(
    model: FakeModelServer, tmp_path: Path
) -> None:
    config = write_config(tmp_path, model.url, **LOUD)
    log = tmp_path / "stderr"
    with log.open("wb") as stderr:
        async with AsyncExitStack() as stack:
            gateway = await stack.enter_async_context(
                start(
                    "serve",
                    "--config",
                    str(config),
                    env=ENVIRONMENT,
                    stderr=stderr,
                    module="tests.fakes.buggy_gateway",
                )
            )
            door = await stack.enter_async_context(door_to(gateway.port))
            marked = request(f"prompt {MARK}", request_id="the-request")
            for _ in range(3):
                failed = await failure(door.generate(marked, timeout=10))
                assert (failed.code, failed.reason) == (grpc.StatusCode.INTERNAL, "INTERNAL_ERROR")
            batch = iter([pb.BatchGenerateRequest(request=marked)])
            _ = [one async for one in door.batch(batch, timeout=10)]
    shown = log.read_text()
    assert MARK not in shown
    assert "the-request" in shown
    assert "ValueError" in shown
    assert "buggy_gateway.py" in shown
    assert "Task exception was never retrieved" in shown


# The mix of model servers: one of them is killed.


async def test_a_killed_model_server_loses_no_request(tmp_path: Path) -> None:
    module = "tests.fakes.model_process"
    async with AsyncExitStack() as stack:
        models = [
            await stack.enter_async_context(start(module=module, env=ENVIRONMENT)) for _ in range(2)
        ]
        config = write_config(tmp_path, *(f"grpc://127.0.0.1:{model.port}" for model in models))
        gateway = await stack.enter_async_context(
            start("serve", "--config", str(config), env=ENVIRONMENT)
        )
        client = await stack.enter_async_context(AsyncClient(f"127.0.0.1:{gateway.port}"))
        answers: list[pb.GenerateResponse] = []

        async def work(mine: range) -> None:
            for place in mine:
                if place == 20:
                    models[0].process.kill()
                answers.append(await client.generate(f"x{place} = ", timeout=20))

        await asyncio.gather(*(work(range(first, 50, 5)) for first in range(5)))
        metrics = await client.metrics(timeout=10)
    assert len(answers) == 50
    assert {answer.endpoint for answer in answers} == {"a", "b"}
    assert {answer.text for answer in answers} == {Script().text}
    assert answers[-1].endpoint == "b"
    assert [attempt.endpoint for attempt in answers[-1].attempts] == ["a", "b"]
    assert metrics.ensemble.succeeded == 50
    assert metrics.ensemble.failed == 0
    assert metrics.ensemble.fallback_used > 0
