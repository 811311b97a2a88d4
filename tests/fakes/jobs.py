"""A gateway whose jobs are seen and steered, over loopback."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Any

from ensemble.v1 import job_service_pb2 as pb
from ensemble.v1.job_service_pb2_grpc import JobServiceStub

from tests.fakes.gateways import Door, gateway_on_loopback, request, settings_of
from tests.fakes.model_server import FakeModelServer
from tests.fakes.script import Script

RUNNING, PAUSED = pb.JOB_STATE_RUNNING, pb.JOB_STATE_PAUSED
LATE_S = 20


class Desk(AsyncExitStack):
    """A gateway over one fake model server for each script, and its JobService."""

    def __init__(self, *scripts: Script, **settings: Any) -> None:
        super().__init__()
        self.models = [FakeModelServer(script) for script in scripts]
        self._settings = settings

    async def __aenter__(self) -> Desk:
        await super().__aenter__()
        for model in self.models:
            await self.enter_async_context(model)
        settings = settings_of(*(model.url for model in self.models), **self._settings)
        self.door: Door = await self.enter_async_context(gateway_on_loopback(settings))
        self.stub: Any = JobServiceStub(self.door.channel)
        return self

    def ask(self, **fields: Any) -> Any:
        """Begin a request."""
        return self.door.generate(request(**fields), timeout=LATE_S)

    async def jobs(self, tenant: str = "", **wanted: Any) -> list[pb.Job]:
        answer = await self.stub.ListJobs(
            pb.ListJobsRequest(**wanted), timeout=LATE_S, metadata=as_tenant(tenant)
        )
        return list(answer.jobs)

    async def job(self, job_id: str) -> pb.GetJobResponse:
        return await self.stub.GetJob(pb.GetJobRequest(job_id=job_id), timeout=LATE_S)

    async def control(self, text: str = "", **fields: Any) -> pb.ControlResponse:
        return await self.stub.Control(pb.ControlRequest(text=text, **fields), timeout=LATE_S)

    async def until(self, job_id: str, *states: int) -> pb.Job:
        """Follow a job until it is in one of the states; return it as it was then."""
        watch = self.stub.WatchJob(pb.WatchJobRequest(job_id=job_id), timeout=LATE_S)
        async for change in watch:
            if change.job.state in states:
                watch.cancel()
                return change.job
        raise AssertionError("the job ended in another state")

    async def ended(self, job_id: str) -> pb.Job:
        """Follow a job to its end; return its last state."""
        last = pb.Job()
        async for change in self.stub.WatchJob(pb.WatchJobRequest(job_id=job_id), timeout=LATE_S):
            last = change.job
        return last


def as_tenant(tenant: str) -> tuple[tuple[str, str], ...]:
    return (("x-ensemble-tenant", tenant),) if tenant else ()
