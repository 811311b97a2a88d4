"""`ensemble jobs --watch` as a process of its own over a gateway on loopback."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from ensemble.v1 import job_service_pb2 as pb

from gateway.cli.exits import Exit
from tests.fakes.jobs import Desk
from tests.fakes.script import Script

LATE_S = 60
HANGS = Script(hang=True)


@asynccontextmanager
async def watching(desk: Desk, *arguments: str) -> AsyncGenerator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway", "jobs", "--watch", "--every", "0.1", *arguments),
        *("--target", desk.door.target),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(LATE_S):
            yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def lines_until(
    process: asyncio.subprocess.Process, *seen: tuple[str, str]
) -> list[list[str]]:
    """Read lines until there is one for each of these jobs in its state; return their cells."""
    assert process.stdout is not None
    lines: list[list[str]] = []
    while not {(job, state) for job, _, state, *_ in lines} >= set(seen):
        line = await process.stdout.readline()
        assert line, "the watch ended"
        lines.append(line.decode().split())
    return lines


async def test_a_watch_shows_jobs_of_its_session_that_begin_later_until_it_is_interrupted() -> None:
    async with Desk(HANGS) as desk:
        calls = [desk.ask(session_id="mine")]
        await desk.models[0].witness.called(1)
        [old] = await desk.jobs()
        async with watching(desk, "--session", "mine") as process:
            lines = await lines_until(process, (old.id, "running"))
            calls += [desk.ask(session_id=name) for name in ("other", "mine")]
            await desk.models[0].witness.called(3)
            [new, _] = await desk.jobs(session_id="mine")
            lines += await lines_until(process, (new.id, "running"))
            await desk.control(command=pb.COMMAND_CANCEL, all=True)
            lines += await lines_until(process, (old.id, "cancelled"), (new.id, "cancelled"))
            process.send_signal(signal.SIGINT)
            out, err = await process.communicate()
        assert (process.returncode, out) == (Exit.INTERRUPTED, b"")
        assert err == b"ensemble: interrupted\n"
        assert {job for job, *_ in lines} == {old.id, new.id}
        await asyncio.gather(*calls, return_exceptions=True)


async def test_a_watch_of_one_job_is_interrupted_too() -> None:
    async with Desk(HANGS) as desk:
        call = desk.ask()
        await desk.models[0].witness.called(1)
        [job] = await desk.jobs()
        async with watching(desk, job.id) as process:
            await lines_until(process, (job.id, "running"))
            process.send_signal(signal.SIGINT)
            await process.communicate()
        assert process.returncode == Exit.INTERRUPTED
        call.cancel()


async def test_a_watch_ends_when_its_time_is_over() -> None:
    async with Desk(HANGS) as desk, watching(desk, "--timeout", "0.2") as process:
        out, _ = await process.communicate()
        assert (process.returncode, out) == (Exit.DEADLINE, b"")
