"""The asyncio client's methods about jobs, and the handle of a session."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Unpack

from ensemble.v1.job_service_pb2 import ControlResponse, GetJobResponse, Job

from ensemble_client.async_calls import Running, ask, closed_as_error
from ensemble_client.call import CallOptions, CallSettings
from ensemble_client.jobs import (
    CommandOptions,
    JobFilter,
    confirmation_of,
    control_of,
    job_of,
    listing_of,
    watching_of,
)
from ensemble_client.status import typed_errors

if TYPE_CHECKING:
    from ensemble.v1.job_service_pb2_grpc import JobServiceAsyncStub


class AsyncJobCalls:
    """Part of `AsyncClient`, which sets the attributes."""

    _settings: CallSettings
    _running: Running
    _jobs: JobServiceAsyncStub

    def session(self, session_id: str) -> AsyncSession:
        """Name a session, to see and steer its jobs; its requests carry it as `session_id`."""
        return AsyncSession(self, session_id)

    async def jobs(
        self, wanted: JobFilter | None = None, **options: Unpack[CallOptions]
    ) -> list[Job]:
        """List the jobs of the client's tenant, the newest first; `timeout` covers each page."""
        jobs: list[Job] = []
        token = ""
        while True:
            call = self._settings.call(**options)
            page = await ask(self._jobs.ListJobs, listing_of(wanted or {}, token), call)
            jobs += page.jobs
            token = page.next_page_token
            if not token:
                return jobs

    async def job(self, job_id: str, **options: Unpack[CallOptions]) -> GetJobResponse:
        """Return one job with the candidates that are kept of it; raises NotFound."""
        return await ask(self._jobs.GetJob, job_of(job_id), self._settings.call(**options))

    async def watch_job(self, job_id: str, **options: Unpack[CallOptions]) -> AsyncGenerator[Job]:
        """Hand out a job as it is, and again whenever it changes, to its end.

        A reader that is slow gets the newest state. Leaving early cancels the call.
        """
        call = self._settings.call(**options)
        rpc = self._jobs.WatchJob(watching_of(job_id), **call.arguments)
        self._running.add(rpc)
        try:
            with typed_errors(call.request_id), closed_as_error(call.request_id):
                async for change in rpc:
                    yield change.job
        finally:
            rpc.cancel()
            self._running.discard(rpc)

    async def control(
        self,
        text: str = "",
        *,
        session_id: str = "",
        **command: Unpack[CommandOptions],
    ) -> ControlResponse:
        """Give a command, in words or by its fields, to the job that is named or meant.

        Nothing to do is no error: look at `outcome`. With CONFIRMATION_REQUIRED answer by
        `confirm_control`. Raises NotFound for a job that is not known, FailedPrecondition for one
        that cannot follow. It is never sent twice.
        """
        message, call = control_of(self._settings, text, session_id, command)
        return await ask(self._jobs.Control, message, call)

    async def confirm_control(
        self, token: str, choice: str, **options: Unpack[CallOptions]
    ) -> ControlResponse:
        """Answer the question of a command: `choice` is a job or a kind that it offered, or `all`.

        Raises NotFound for a token that was used or is too old.
        """
        call = self._settings.call(**options)
        return (await ask(self._jobs.ConfirmControl, confirmation_of(token, choice), call)).result


class AsyncSession:
    """The jobs of one session; requests belong to it by `session_id=session.id`."""

    def __init__(self, client: AsyncJobCalls, session_id: str) -> None:
        self.id = session_id
        self._client = client

    async def jobs(
        self, wanted: JobFilter | None = None, **options: Unpack[CallOptions]
    ) -> list[Job]:
        """List the jobs of the session, the newest first."""
        own: JobFilter = {**(wanted or {}), "session_id": self.id}
        return await self._client.jobs(own, **options)

    async def control(self, text: str = "", **command: Unpack[CommandOptions]) -> ControlResponse:
        """Give a command to a job of the session; see `AsyncClient.control`."""
        return await self._client.control(text, session_id=self.id, **command)
