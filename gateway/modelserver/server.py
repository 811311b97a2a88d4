"""A model server as a process: one listener, served until a signal, then drained."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gateway.ingress.listener import Listener, ListenerSettings
from gateway.ingress.standard import stop_on_signals
from gateway.modelserver.engine import Engine
from gateway.modelserver.service import LONGEST_S, SERVICE, ModelService

MAX_MESSAGE_BYTES = 8 * 1024 * 1024
SIDE_CALLS = 256
"""RPCs beside the completions: health watches, reflection, refusals on their way out."""


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Where to listen, and how much at once. `drain_s`: time for callers to notice the end."""

    host: str = "127.0.0.1"
    port: int = 0
    max_in_flight: int = 64
    drain_s: float = 0.0
    grace_s: float = LONGEST_S


async def serve(
    engines: Mapping[str, Engine], settings: ServerSettings, ready: Callable[[int], None]
) -> list[signal.Signals]:
    """Serve until SIGTERM or SIGINT, then drain; `ready` is told the port.

    Returns the signals received. Raises ListenError when the address is taken.
    """
    stop = asyncio.Event()
    received = stop_on_signals(stop)
    listener = Listener(
        ListenerSettings(
            settings.host,
            settings.port,
            MAX_MESSAGE_BYTES,
            settings.max_in_flight + SIDE_CALLS,
        ),
        (ModelService(engines, settings.max_in_flight).handlers(),),
        names=(SERVICE,),
        reflection=True,
    )
    port = await listener.start()
    ready(port)
    try:
        await stop.wait()
    finally:
        await listener.drain(settings.drain_s, settings.grace_s)
    return received
