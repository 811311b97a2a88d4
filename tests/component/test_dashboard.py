"""What dashboards show of a running gateway: by RPC, by both clients and in the terminal."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from ensemble.v1 import telemetry_service_pb2 as pb
from ensemble.v1.hole_pb2 import Sampling
from ensemble_client import AsyncClient, Client, InvalidArgument, InvalidRequest, Unimplemented
from google.protobuf.duration_pb2 import Duration
from typer.testing import CliRunner, Result

from gateway.cli.exits import Exit
from gateway.cli.main import app
from tests.fakes.gateways import failure
from tests.fakes.model_server import FakeModelServer
from tests.fakes.processes import start
from tests.fakes.script import Failure, Script
from tests.fakes.served import TIMEOUT_S, Hold
from tests.fakes.taught import Taught

REQUESTS = 4
DOWN = Script(failure=Failure.UNAVAILABLE)
PLAIN = Sampling(temperature=0.0)


@pytest.fixture
async def served() -> AsyncIterator[Taught]:
    """A gateway whose first endpoint fails, and which was asked a few times."""
    async with Taught(DOWN, Script()) as gateway:
        await traffic(gateway)
        yield gateway


async def traffic(gateway: Taught) -> None:
    for number in range(REQUESTS):
        answer = await gateway.generate(f"x{number} = ")
        await gateway.record(answer.decision_id, quality=0.75)


async def looked(gateway: Taught, window_s: int | None = None) -> pb.GetDashboardResponse:
    asked = pb.GetDashboardRequest(window=None if window_s is None else Duration(seconds=window_s))
    return await gateway.door.telemetry.GetDashboard(asked, timeout=TIMEOUT_S)


async def shown(gateway: Taught, *arguments: str) -> Result:
    asked = [*arguments, "--target", gateway.door.target]
    return await asyncio.to_thread(CliRunner().invoke, app, asked)


async def test_the_numbers_are_those_of_the_traffic(served: Taught) -> None:
    found = await looked(served)
    assert (found.requests, found.succeeded, found.failed) == (REQUESTS, REQUESTS, 0)
    assert found.fallback_used == found.decisions == REQUESTS
    assert (found.window.seconds, found.refresh.seconds, len(found.traffic)) == (3600, 5, 60)
    assert sum(one.requests for one in found.traffic) == REQUESTS
    first, second = found.endpoints
    assert (first.name, first.attempts, first.failures) == ("a", REQUESTS, REQUESTS)
    assert (second.name, second.success_rate, second.HasField("p50")) == ("b", 1.0, True)
    assert [(one.source, one.target, one.count) for one in found.handovers] == [("a", "b", 4)]
    (rules,) = [one for one in found.layers if one.name == "rules"]
    assert (rules.captured, rules.share, rules.accuracy, rules.judged) == (4, 1.0, 0.75, 4)
    assert [one.endpoint for one in found.recent] == ["a"] * REQUESTS
    targets = {one.name: one for one in found.targets}
    assert targets["accuracy of decisions"].text == "100.0% of 4"
    assert {one.name: one.value for one in found.guards if one.value} == {}


async def test_the_counters_agree_with_those_of_get_metrics(served: Taught) -> None:
    counters, found = await served.counters(), await looked(served, 86_400)
    assert (found.requests, found.fallback_used) == (counters.requests, counters.fallback_used)


async def test_what_is_in_flight_goes_up_and_down() -> None:
    """G-07: a gauge that only rose."""
    hold = Hold()
    server = FakeModelServer(Script())
    server.hold = hold
    async with Taught(server, Script()) as gateway:
        arrived = asyncio.ensure_future(gateway.generate())
        while not (during := await looked(gateway)).endpoints[0].in_flight:
            pass
        hold.release()
        await arrived
        after = await looked(gateway)
    for name in ("requests in flight", "jobs in flight"):
        assert {one.name: one.value for one in during.guards}[name] == 1
        assert {one.name: one.value for one in after.guards}[name] == 0
    assert after.endpoints[0].in_flight == 0


async def test_what_the_cache_spared_is_shown() -> None:
    async with Taught(Script()) as gateway:
        for _ in range(3):
            await gateway.generate("x = ", sampling=PLAIN)
        found = {one.name: one.value for one in (await looked(gateway)).guards}
    assert found["answers in the cache"] == 1
    assert found["answered from the cache"] == 2
    assert found["requests merged"] == 0


@pytest.mark.parametrize("window_s", [0, 59, 86_401])
async def test_a_window_that_cannot_be_is_refused(served: Taught, window_s: int) -> None:
    refused = await failure(looked(served, window_s))
    assert (refused.code, refused.fields) == (grpc.StatusCode.INVALID_ARGUMENT, ["window"])


async def test_where_it_is_off_no_request_is_counted() -> None:
    """The cost on a request's path is none: nothing stands in the stack."""
    async with Taught(Script(), Script(), dashboard={"enabled": False}) as off:
        assert off.door.gateway is not None
        assert off.door.gateway.parts.meter is off.door.gateway.overview is None
        await off.generate()
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await looked(off)
        assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
        asked = await shown(off, "dashboard")
    assert asked.exit_code == Exit.FAILED
    assert "dashboard.enabled" in asked.stderr


async def test_a_new_start_counts_what_the_store_has_of_the_day(tmp_path: Path) -> None:
    """D-03: rebuilt from what is kept, beside the requests."""
    outcomes = {"path": str(tmp_path / "store.db")}
    async with Taught(Script(), Script(), outcomes=outcomes) as before:
        await traffic(before)
    async with Taught(Script(), Script(), outcomes=outcomes) as after:
        while (found := await looked(after)).decisions < REQUESTS:
            pass
        await traffic(after)
        while (found := await looked(after)).decisions < 2 * REQUESTS:
            pass
    assert found.requests == REQUESTS
    assert [one.judged for one in found.layers if one.name == "rules"] == [2 * REQUESTS]
    assert len(found.recent) == 2 * REQUESTS


async def test_both_clients_ask_for_it(served: Taught) -> None:
    async with AsyncClient(served.door.target) as client:
        found = await client.dashboard(120)
        with pytest.raises(InvalidArgument):
            await client.dashboard(1)

    def blocking() -> pb.GetDashboardResponse:
        with Client(served.door.target) as client:
            with pytest.raises(InvalidRequest):
                client.dashboard("soon")  # type: ignore[arg-type]
            return client.dashboard()

    assert len(found.traffic) == 2
    assert (await asyncio.to_thread(blocking)).requests == found.requests == REQUESTS


async def test_a_client_is_told_where_there_is_none() -> None:
    async with (
        Taught(Script(), Script(), dashboard={"enabled": False}) as off,
        AsyncClient(off.door.target) as client,
    ):
        with pytest.raises(Unimplemented):
            await client.dashboard()


async def test_the_terminal_shows_everything_of_d01(served: Taught) -> None:
    result = await shown(served, "dashboard", "--window", "15m")
    assert result.exit_code == Exit.OK, result.stderr
    page = result.stdout
    lines = page.splitlines()
    assert lines[0] == "ensemble gateway"
    assert lines[1].startswith("last 15 min, at 20")
    assert f"{REQUESTS} requests: {REQUESTS} answered, 0 failed; {REQUESTS} used" in lines[2]
    assert f"rules {'█' * 40} {REQUESTS} 100.0%" in re.sub(" +", " ", page)
    assert re.search(r"^ rules +4 +100\.0% +- +- +75\.0% +4$", page, re.MULTILINE)
    assert re.search(r"^ a +4 +4 +0\.0% ", page, re.MULTILINE)
    assert re.search(r"^ a +b +UPSTREAM_UNAVAILABLE +4$", page, re.MULTILINE)
    assert re.search(r"^ accuracy of decisions +100\.0% of 4 +at least 95%", page, re.MULTILINE)
    assert "N/A" not in next(line for line in lines if line.startswith(" rules"))
    assert len(re.findall(r"^ \d\d:\d\d:\d\d +\S+ +a +rules", page, re.MULTILINE)) == REQUESTS
    assert not any(line.endswith(" ") for line in lines)


async def test_without_a_terminal_live_prints_once_and_json_is_one_document(
    served: Taught,
) -> None:
    once = await shown(served, "dashboard", "--live")
    assert once.stdout.startswith("ensemble gateway\n")
    document = json.loads((await shown(served, "dashboard", "--json", "--live")).stdout)
    assert document["requests"] == str(REQUESTS)
    assert document["layers"]


@pytest.mark.parametrize("window", ["soon", "1w", "-1h", ""])
async def test_a_window_that_is_none_is_a_usage_error(served: Taught, window: str) -> None:
    assert (await shown(served, "dashboard", "--window", window)).exit_code == Exit.USAGE


async def test_a_live_terminal_obeys_its_keys(served: Taught) -> None:
    """D-01: + and - change the window, q ends, and the terminal is as it was."""
    ours, theirs = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway", "dashboard", "--live", "--target", served.door.target,
        stdin=theirs, stdout=theirs, stderr=theirs, env={**os.environ, "TERM": "xterm"},
    )  # fmt: skip
    os.close(theirs)
    screen = Screen(ours)
    try:
        await screen.until("last 1 h")
        screen.press("-")
        await screen.until("last 15 min")
        screen.press("q")
        await screen.ended()
        assert await asyncio.wait_for(process.wait(), TIMEOUT_S) == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        os.close(ours)


class Screen:
    """The other end of a terminal."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._seen = ""

    async def until(self, words: str) -> None:
        while words not in self._seen:
            self._seen += (await asyncio.to_thread(os.read, self._descriptor, 65_536)).decode()
        self._seen = self._seen.partition(words)[2]

    async def ended(self) -> None:
        """Read what is left: a process waits for its terminal to take it."""
        try:
            while await asyncio.to_thread(os.read, self._descriptor, 65_536):
                pass
        except OSError:
            return

    def press(self, key: str) -> None:
        os.write(self._descriptor, key.encode())


async def test_serve_says_where_its_admin_listener_is(tmp_path: Path) -> None:
    config = tmp_path / "gateway.toml"
    config.write_text(
        '[admin]\nport = 0\n[[endpoint]]\nname = "a"\nurl = "127.0.0.1:9"\nhealth = "none"\n',
        "utf-8",
    )
    async with start("serve", "--config", str(config)) as running:
        assert running.process.stdout is not None
        line = await asyncio.wait_for(running.process.stdout.readline(), 60)
    assert re.fullmatch(r"admin listener on 127\.0\.0\.1:\d+\n", line.decode())


def checks(result: Result) -> dict[str, Any]:
    return {one["check"]: one for one in json.loads(result.stdout)["checks"]}


async def test_the_doctor_looks_at_a_gateway(served: Taught, tmp_path: Path) -> None:
    """D-06: each check says what was found and what to do."""
    config = tmp_path / "gateway.toml"
    config.write_text('[[endpoint]]\nname = "a"\nurl = "127.0.0.1:9"\n', "utf-8")
    result = await shown(served, "doctor", "--config", str(config), "--json")
    assert result.exit_code == Exit.OK, result.output
    found = checks(result)
    assert found["health"]["state"] == found["endpoint b"]["state"] == "ok"
    assert found["window"]["found"] == "4 requests and 4 decisions in 60 minutes"
    assert found["thresholds"]["found"] == "version 1 is in force"
    assert found["outcomes store"]["state"] == "warn"
    assert all(one["do"] for one in found.values() if one["state"] != "ok")
    assert json.loads(result.stdout)["ok"] is True


async def test_the_doctor_finds_what_is_drained_and_what_was_never_asked() -> None:
    idle = {"dashboard": {"enabled": False}, "outcomes": {"enabled": False}}
    async with Taught(Script(), Script(), **idle) as gateway:
        assert gateway.door.gateway is not None
        for name in "ab":
            gateway.door.gateway.drain(name, drained=True)
        result = await shown(gateway, "doctor", "--config", "/nowhere/gateway.toml", "--json")
    found = checks(result)
    assert result.exit_code == Exit.FAILED
    assert found["configuration"]["state"] == found["endpoints"]["state"] == "fail"
    assert "ensemble endpoints undrain a" in found["endpoint a"]["do"]
    assert found["window"]["do"] == "set dashboard.enabled = true"
    assert found["tuner"]["state"] == "warn"


async def test_the_doctor_says_that_nothing_answers(tmp_path: Path) -> None:
    config = tmp_path / "gateway.toml"
    config.write_text(
        '[server]\nhost = "0.0.0.0"\nport = 1\n[[endpoint]]\nname = "a"\nurl = "127.0.0.1:9"\n',
        "utf-8",
    )
    asked = ["doctor", "--config", str(config)]
    result = await asyncio.to_thread(CliRunner().invoke, app, asked)
    assert result.exit_code == Exit.FAILED
    assert "nothing answers at 127.0.0.1:1" in result.stdout
    assert "1 fail" in result.stdout
    offline = await asyncio.to_thread(CliRunner().invoke, app, [*asked, "--offline"])
    assert offline.exit_code == Exit.OK
    assert "port" not in offline.stdout
