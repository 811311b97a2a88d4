"""The blocking client's methods about jobs, and the handle of a session."""

from __future__ import annotations

from collections.abc import Generator
from typing import Unpack

from ensemble.v1.job_service_pb2 import ControlResponse, GetJobResponse, Job
from ensemble.v1.job_service_pb2_grpc import JobServiceStub

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
from ensemble_client.sync_calls import ask


class JobCalls:
    """Part of `Client`, which sets the attributes."""

    _settings: CallSettings
    _jobs: JobServiceStub

    def session(self, session_id: str) -> Session:
        """Name a session, to see and steer its jobs; its requests carry it as `session_id`."""
        return Session(self, session_id)

    def jobs(self, wanted: JobFilter | None = None, **options: Unpack[CallOptions]) -> list[Job]:
        """List the jobs of the client's tenant, the newest first; `timeout` covers each page."""
        jobs: list[Job] = []
        token = ""
        while True:
            call = self._settings.call(**options)
            page = ask(self._jobs.ListJobs, listing_of(wanted or {}, token), call)
            jobs += page.jobs
            token = page.next_page_token
            if not token:
                return jobs

    def job(self, job_id: str, **options: Unpack[CallOptions]) -> GetJobResponse:
        """Return one job with the candidates that are kept of it; raises NotFound."""
        return ask(self._jobs.GetJob, job_of(job_id), self._settings.call(**options))

    def watch_job(self, job_id: str, **options: Unpack[CallOptions]) -> Generator[Job]:
        """Hand out a job as it is, and again whenever it changes, to its end.

        A reader that is slow gets the newest state. Leaving early cancels the call.
        """
        call = self._settings.call(**options)
        rpc = self._jobs.WatchJob(watching_of(job_id), **call.arguments)
        try:
            with typed_errors(call.request_id):
                for change in rpc:
                    yield change.job
        finally:
            rpc.cancel()

    def control(
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
        return ask(self._jobs.Control, message, call)

    def confirm_control(
        self, token: str, choice: str, **options: Unpack[CallOptions]
    ) -> ControlResponse:
        """Answer the question of a command: `choice` is a job or a kind that it offered, or `all`.

        Raises NotFound for a token that was used or is too old.
        """
        call = self._settings.call(**options)
        return ask(self._jobs.ConfirmControl, confirmation_of(token, choice), call).result


class Session:
    """The jobs of one session; requests belong to it by `session_id=session.id`."""

    def __init__(self, client: JobCalls, session_id: str) -> None:
        self.id = session_id
        self._client = client

    def jobs(self, wanted: JobFilter | None = None, **options: Unpack[CallOptions]) -> list[Job]:
        """List the jobs of the session, the newest first."""
        own: JobFilter = {**(wanted or {}), "session_id": self.id}
        return self._client.jobs(own, **options)

    def control(self, text: str = "", **command: Unpack[CommandOptions]) -> ControlResponse:
        """Give a command to a job of the session; see `Client.control`."""
        return self._client.control(text, session_id=self.id, **command)
