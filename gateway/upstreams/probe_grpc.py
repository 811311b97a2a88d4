"""Health of a gRPC endpoint: Watch of `grpc.health.v1`, by the rules of gRFC A17."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import cast

import grpc
from grpc_health.v1 import health_pb2

from gateway.core.endpoint import Endpoint
from gateway.upstreams.channels import open_channel, target_of
from gateway.upstreams.options import UpstreamOptions
from gateway.upstreams.probe import Backoff, ProbeSettings, Sleep, Tell

WATCH = "/grpc.health.v1.Health/Watch"
MAX_BYTES = 4096
SERVING = health_pb2.HealthCheckResponse.SERVING

log = logging.getLogger(__name__)


class WatchProbe:
    """Follows the health that an endpoint tells of itself, on a connection of its own.

    Only SERVING is serving: SERVICE_UNKNOWN is not, nor a call that ends, however it ends, which is
    made again after a wait. An endpoint without the service is taken for healthy and not asked
    again. `draw` returns uniform numbers in [0, 1). Raises ValueError for a URL that is not gRPC's.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        settings: ProbeSettings,
        options: UpstreamOptions,
        draw: Callable[[], float],
        *,
        sleep: Sleep = asyncio.sleep,
        backoff: Backoff | None = None,
    ) -> None:
        target_of(endpoint.url)
        self._endpoint = endpoint
        self._timeout_s = settings.timeout_s
        self._service = settings.service
        self._authorization = options.authorization
        self._draw = draw
        self._sleep = sleep
        self._backoff = backoff or Backoff()

    async def watch(self, tell: Tell) -> None:
        """Tell each status until cancelled; return when the endpoint has no health service."""
        failures = 0
        async with open_channel(self._endpoint.url, MAX_BYTES) as channel:
            while True:
                answered, code = await self._follow(channel, tell)
                if code is grpc.StatusCode.UNIMPLEMENTED:
                    log.info(
                        "endpoint has no health service", extra={"endpoint": self._endpoint.name}
                    )
                    tell(serving=True, because="it has no health service")
                    return
                tell(serving=False, because=f"Watch ended with {code.name}")
                # A server that answers is no server to back off from.
                failures = 0 if answered else failures
                await self._sleep(self._backoff.wait_s(failures, self._draw()))
                failures += 1

    async def _follow(self, channel: grpc.aio.Channel, tell: Tell) -> tuple[bool, grpc.StatusCode]:
        """Follow one Watch to its end; return whether it told anything, and its status."""
        call = channel.unary_stream(
            WATCH,
            request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
            response_deserializer=health_pb2.HealthCheckResponse.FromString,
        )(
            health_pb2.HealthCheckRequest(service=self._service),
            metadata=(("authorization", self._authorization),) if self._authorization else (),
            wait_for_ready=False,
        )
        answered = False
        try:
            async with asyncio.timeout(self._timeout_s) as limit:
                while (read := await call.read()) is not grpc.aio.EOF:
                    # None, against its type, when the message could not be parsed.
                    answer = cast("health_pb2.HealthCheckResponse | None", read)
                    if answer is None:
                        return answered, grpc.StatusCode.INTERNAL
                    # Only the first answer has to come soon; the next ones tell of changes.
                    limit.reschedule(None)
                    answered = True
                    tell(serving=answer.status == SERVING, because=_name(answer.status))
        except grpc.aio.AioRpcError as error:
            return answered, error.code()
        except TimeoutError:
            return answered, grpc.StatusCode.DEADLINE_EXCEEDED
        else:
            return answered, grpc.StatusCode.OK
        finally:
            call.cancel()


def _name(status: int) -> str:
    statuses = health_pb2.HealthCheckResponse.ServingStatus
    return statuses.Name(status) if status in statuses.values() else f"status {status}"
