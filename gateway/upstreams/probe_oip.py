"""Health of a server of the Open Inference Protocol: ServerReady, then ModelReady."""

from __future__ import annotations

import asyncio
from functools import partial

import grpc

from gateway.core.endpoint import Endpoint
from gateway.upstreams.channels import open_channel, target_of
from gateway.upstreams.oip import SERVICE
from gateway.upstreams.options import UpstreamOptions
from gateway.upstreams.probe import ProbeSettings, Sleep, Tell, ask_again
from gateway.wire.oip.inference import (
    ModelReadyRequest,
    ModelReadyResponse,
    ServerReadyRequest,
    ServerReadyResponse,
)

MAX_BYTES = 4096


class ReadyProbe:
    """Asks whether the server and the model are ready at fixed intervals, the first time at once.

    Such servers have no `grpc.health.v1`. Any error but a missing RPC means not ready: what a
    server answers for a model that it does not have differs from one to the next. Raises ValueError
    for a URL that is not gRPC's.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        settings: ProbeSettings,
        options: UpstreamOptions,
        *,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        target_of(endpoint.url)
        self._endpoint = endpoint
        self._settings = settings
        self._version = options.oip.version
        self._metadata = (
            (("authorization", options.authorization),) if options.authorization else ()
        )
        self._sleep = sleep

    async def watch(self, tell: Tell) -> None:
        """Tell each result that is to be believed, until cancelled."""
        async with open_channel(self._endpoint.url, MAX_BYTES) as channel:
            await ask_again(partial(self._check, channel), self._settings, self._sleep, tell)

    async def _check(self, channel: grpc.aio.Channel) -> tuple[bool, str]:
        server = channel.unary_unary(
            f"/{SERVICE}/ServerReady",
            ServerReadyRequest.SerializeToString,
            ServerReadyResponse.FromString,
        )
        model = channel.unary_unary(
            f"/{SERVICE}/ModelReady",
            ModelReadyRequest.SerializeToString,
            ModelReadyResponse.FromString,
        )
        which = ModelReadyRequest(name=self._endpoint.model, version=self._version)
        try:
            async with asyncio.timeout(self._settings.timeout_s):
                if not (await server(ServerReadyRequest(), metadata=self._metadata)).ready:
                    return False, "the server is not ready"
                if not (await model(which, metadata=self._metadata)).ready:
                    return False, "the model is not ready"
        except TimeoutError:
            return False, "no answer in time"
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.UNIMPLEMENTED:
                return True, "it does not say whether it is ready"
            return False, f"asking ended with {error.code().name}"
        return True, "ready"
