"""An ensemble over scripted endpoints whose requests are jobs, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest

from gateway.config.jobs import JobsConfig, jobs_of
from gateway.core.answer import Answer
from gateway.core.control import Command, ControlResult, Dial, Direction, Wanted
from gateway.core.exchange import Exchange, Handle
from gateway.core.faults import Fault
from gateway.core.jobs import JobView
from gateway.ensemble.hold import Boundary, HoldSettings
from gateway.ensemble.jobs.desk import JobFilter
from gateway.policies.deadline import DeadlineSettings, deadline
from gateway.policies.job import job
from tests.fakes.ensemble import Ensemble, Step
from tests.fakes.values import make_request
from tests.fakes.virtual import VirtualClock, run_virtual

Result = TypeVar("Result")


class Steered:
    """Requests go through the deadline and the job, as in the request stack."""

    def __init__(self, steps: dict[str, Step], jobs: JobsConfig | None = None, **more: Any) -> None:
        self.clock = VirtualClock()
        self.jobs = jobs_of(jobs or JobsConfig(), self.clock)
        hold = HoldSettings(Boundary.NONE)
        self.ensemble = Ensemble(self.clock, steps, hold=hold, **more)
        fill: Handle = self.ensemble.client._fill
        self.handle = deadline(DeadlineSettings(), self.clock)(job(self.jobs.keeper)(fill))

    def exchange(self, *, stream: bool = False, seconds: float = 60.0, **fields: Any) -> Exchange:
        detached = fields.pop("detached", False)
        request = make_request(**fields)
        exchange = self.ensemble.exchange(request, stream=stream, seconds=seconds)
        exchange.detached = detached
        return exchange

    def start(self, **fields: Any) -> asyncio.Task[Answer]:
        return asyncio.ensure_future(self.handle(self.exchange(**fields)))

    def give(self, command: Command, *, job_id: str = "", **fields: Any) -> ControlResult:
        return self.jobs.desk.control("", "", Wanted(command, job=job_id, **fields))

    def turn(self, dial: Dial, direction: Direction = Direction.UP) -> ControlResult:
        return self.give(Command.VOLUME, dial=dial, direction=direction)

    @property
    def asked(self) -> list[str]:
        return [invocation.task.endpoint.name for invocation in self.ensemble.asked]

    @property
    def job(self) -> JobView:
        """The newest one."""
        return self.jobs.desk.jobs("", JobFilter())[0]

    def run(self, main: Callable[[], Awaitable[Result]]) -> Result:
        async def inner() -> Result:
            return await main()

        return run_virtual(self.clock, inner())


def waits(seconds: float, then: Step) -> Step:
    """Take some time before a step."""

    async def step(invocation: Any) -> Any:
        await asyncio.sleep(seconds)
        return await then(invocation)

    return step


async def fault_of(task: asyncio.Task[Any]) -> Fault:
    """Await work that must fail."""
    with pytest.raises(Fault) as caught:
        await task
    return caught.value
