"""JobService: what callers see and steer of their own work."""

from __future__ import annotations

import grpc
from ensemble.v1 import job_service_pb2 as pb

from gateway.core.faults import invalid
from gateway.ensemble.jobs.desk import ControlDesk
from gateway.ingress.context import Context, Rpc, answered
from gateway.ingress.messages import Reader
from gateway.wire.jobs import (
    candidates_to_wire,
    filter_from_wire,
    job_to_wire,
    result_to_wire,
    statistics_to_wire,
    wanted_from_wire,
)

JOBS = "ensemble.v1.JobService"
DEFAULT_PAGE = 100


class JobService:
    """The RPCs of `ensemble.v1.JobService`. A tenant sees its own jobs only."""

    def __init__(self, desk: ControlDesk) -> None:
        self._desk = desk
        self._read_list = Reader(pb.ListJobsRequest)
        self._read_get = Reader(pb.GetJobRequest)
        self._read_watch = Reader(pb.WatchJobRequest)
        self._read_control = Reader(pb.ControlRequest)
        self._read_confirm = Reader(pb.ConfirmControlRequest)

    def handlers(self) -> grpc.GenericRpcHandler:
        """Register the RPCs."""
        return grpc.method_handlers_generic_handler(
            JOBS,
            {
                "ListJobs": grpc.unary_unary_rpc_method_handler(self.list_jobs),
                "GetJob": grpc.unary_unary_rpc_method_handler(self.get_job),
                "WatchJob": grpc.unary_stream_rpc_method_handler(self.watch_job),
                "Control": grpc.unary_unary_rpc_method_handler(self.control),
                "ConfirmControl": grpc.unary_unary_rpc_method_handler(self.confirm_control),
            },
        )

    async def list_jobs(self, raw: bytes, context: Context) -> bytes:
        """List jobs, page by page: each goes on after the last id of the one before."""

        async def work(rpc: Rpc) -> bytes:
            message = self._read_list(raw)
            found = self._desk.jobs(rpc.tenant, filter_from_wire(message))
            after = message.page_token
            if after:
                if not after.startswith("job-"):
                    raise invalid("page_token", "must be the next_page_token of an answer")
                found = [one for one in found if one.id < after]
            size = message.page_size or DEFAULT_PAGE
            page = found[:size]
            return pb.ListJobsResponse(
                jobs=map(job_to_wire, page),
                next_page_token=page[-1].id if len(found) > size else "",
                control=statistics_to_wire(self._desk.statistics(rpc.tenant)),
            ).SerializeToString()

        return await answered(context, work)

    async def get_job(self, raw: bytes, context: Context) -> bytes:
        """Show one job with its candidates."""

        async def work(rpc: Rpc) -> bytes:
            job = self._desk.job(rpc.tenant, self._read_get(raw).job_id)
            return pb.GetJobResponse(
                job=job_to_wire(job), candidates=candidates_to_wire(job)
            ).SerializeToString()

        return await answered(context, work)

    async def watch_job(self, raw: bytes, context: Context) -> None:
        """Follow one job to its end. While the reader is slow, changes are passed over."""

        async def work(rpc: Rpc) -> None:
            watch = self._desk.watch(rpc.tenant, self._read_watch(raw).job_id)
            try:
                while (job := await watch.next()) is not None:
                    await rpc.write(pb.WatchJobResponse(job=job_to_wire(job)).SerializeToString())
            finally:
                watch.close()
            rpc.set_trailers()

        await answered(context, work)

    async def control(self, raw: bytes, context: Context) -> bytes:
        """Give a command."""

        async def work(rpc: Rpc) -> bytes:
            message = self._read_control(raw)
            wanted = message.text or wanted_from_wire(message)
            result = self._desk.control(
                rpc.tenant,
                message.session_id,
                wanted,
                job=message.job_id,
                pause_clock=message.pause_clock,
            )
            return result_to_wire(result, message.text).SerializeToString()

        return await answered(context, work)

    async def confirm_control(self, raw: bytes, context: Context) -> bytes:
        """Answer a question."""

        async def work(rpc: Rpc) -> bytes:
            message = self._read_confirm(raw)
            result = self._desk.confirm(rpc.tenant, message.token, message.choice)
            return pb.ConfirmControlResponse(result=result_to_wire(result)).SerializeToString()

        return await answered(context, work)
