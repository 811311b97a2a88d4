"""Batches, pipelines, refinements and detached work as jobs, over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import grpc
from ensemble.v1 import gateway_service_pb2 as gw
from ensemble.v1 import job_service_pb2 as pb
from ensemble.v1.gateway_service_pb2_grpc import GatewayServiceStub

from tests.fakes.gateways import failure, request
from tests.fakes.jobs import Desk
from tests.fakes.script import Script

HANGS = Script(hang=True)


async def test_a_detached_job_survives_its_caller_and_keeps_its_text() -> None:
    async with Desk(Script()) as desk:
        gate = asyncio.Event()
        desk.models[0].hold = lambda _: gate.wait()
        call = desk.door.generate(request(detached=True), timeout=20)
        await desk.models[0].witness.called(1)
        [job] = await desk.jobs()
        assert job.detached
        call.cancel()
        gate.set()
        assert (await desk.ended(job.id)).state == pb.JOB_STATE_SUCCEEDED
        kept = await desk.job(job.id)
        assert [one.text for one in kept.candidates] == [Script().text]


async def test_a_detached_stream_survives_its_caller() -> None:
    async with Desk(Script(pieces=("one ", "two"))) as desk:
        gate = asyncio.Event()
        desk.models[0].hold = lambda _: gate.wait()
        wanted = gw.GenerateStreamRequest(request=request(detached=True))
        call = desk.door.stream(wanted, timeout=20)
        await desk.models[0].witness.called(1)
        [job] = await desk.jobs()
        call.cancel()
        gate.set()
        assert (await desk.ended(job.id)).state == pb.JOB_STATE_SUCCEEDED
        assert (await desk.job(job.id)).candidates[0].text == "one two"


async def test_too_many_detached_jobs_are_refused_and_the_others_end_with_the_gateway() -> None:
    async with Desk(HANGS, jobs={"max_detached": 1}) as desk:
        call = desk.door.generate(request(detached=True), timeout=20)
        await desk.models[0].witness.called(1)
        refused = await failure(desk.door.generate(request(detached=True), timeout=20))
        assert (refused.code, refused.reason) == (
            grpc.StatusCode.RESOURCE_EXHAUSTED,
            "GATEWAY_OVERLOADED",
        )
        call.cancel()
    await asyncio.wait_for(desk.models[0].witness.left.wait(), 10)


async def test_a_batch_is_one_job_whose_holes_are_its_progress() -> None:
    async with Desk(Script(), server={"batch_in_flight": 2}) as desk:
        gate = asyncio.Event()
        desk.models[0].hold = lambda _: gate.wait()
        sent = [
            gw.BatchGenerateRequest(index=place, request=request(f"n {place}", session_id="s"))
            for place in range(4)
        ]
        call = desk.door.batch(iter(sent), timeout=20)
        await desk.models[0].witness.called(2)
        [job] = await desk.jobs(session_id="s")
        assert (job.kind, job.progress.done, job.progress.total) == (pb.JOB_KIND_BATCH, 0, 2)
        await desk.control("pause the batch")
        gate.set()
        rest = call.__aiter__()
        assert (await anext(rest)).response.job_id == job.id
        stopped = await desk.control("стоп")
        assert stopped.affected[0].job_id == job.id
        answers = [answer async for answer in rest]
        assert [answer.index for answer in answers] == [1, 2, 3]
        reasons = {
            one.failure.detail.reason for one in answers if one.WhichOneof("result") == "failure"
        }
        assert reasons == {"JOB_STOPPED"}
        last = await desk.ended(job.id)
        assert (last.state, last.progress.done) == (pb.JOB_STATE_STOPPED, 4)


async def test_cancelling_a_batch_ends_its_stream() -> None:
    async with Desk(HANGS) as desk:
        sent = [gw.BatchGenerateRequest(index=place, request=request()) for place in range(3)]
        call = desk.door.batch(iter(sent), timeout=20)
        await desk.models[0].witness.called(3)
        await desk.control("cancel the batch")
        ended = await failure(call)
        assert (ended.code, ended.reason) == (grpc.StatusCode.CANCELLED, "JOB_CANCELLED")
        [job] = await desk.jobs()
        assert job.state == pb.JOB_STATE_CANCELLED


async def test_a_stopped_pipeline_gives_the_best_text_so_far() -> None:
    async with Desk(Script()) as desk:
        model = desk.models[0]
        second = asyncio.Event()

        async def hold(_: object) -> None:
            if len(model.witness.asked) > 1:
                second.set()
                await asyncio.Event().wait()

        model.hold = hold
        wanted = request(strategy=gw.STRATEGY_PIPELINE, pipeline="draft_critique_repair")
        call = desk.door.generate(wanted, timeout=20)
        await second.wait()
        [job] = await desk.jobs()
        assert job.kind == pb.JOB_KIND_PIPELINE
        assert 1 <= job.progress.done < job.progress.total
        await desk.control("stop the pipeline")
        answer = await call
        assert (answer.partial, answer.text, answer.job_id) == (True, Script().text, job.id)
        assert (await desk.ended(job.id)).state == pb.JOB_STATE_STOPPED


async def test_a_stopped_refinement_keeps_what_is_filled_and_leaves_the_rest_open() -> None:
    async with Desk(Script(pieces=("1",))) as desk:
        gate = asyncio.Event()
        model = desk.models[0]

        async def hold(_: object) -> None:
            if len(model.witness.asked) > 1:
                gate.set()
                await asyncio.Event().wait()

        model.hold = hold
        stub = GatewayServiceStub(desk.door.channel)
        holes = [gw.RefineHole(id=name, marker=f"<<{name}>>") for name in ("one", "two")]
        source = request("a = <<one>>\nb = <<two>>\n")
        wanted = gw.RefineRequest(
            request=source,
            holes=holes,
            options=gw.RefineOptions(parallel=False, min_confidence=0.01),
        )
        call = stub.Refine(wanted, timeout=20)
        events = asyncio.create_task(_all(call))
        await gate.wait()
        [job] = await desk.jobs()
        assert (job.progress.done, job.progress.total) == (1, 2)
        await desk.control("stop")
        result = (await events)[-1].done
        assert (result.complete, result.filled) == (False, 1)
        assert "a = 1" in result.text
        assert "stopped" in result.holes[1].reason
        assert (await desk.ended(job.id)).state == pb.JOB_STATE_STOPPED


async def _all(call: AsyncIterator[gw.RefineResponse]) -> list[gw.RefineResponse]:
    return [event async for event in call]
