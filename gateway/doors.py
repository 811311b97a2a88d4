"""The listeners beside the gRPC one: other protocols into the same core."""

from __future__ import annotations

import asyncio
import logging
import time

from gateway.config.schema import Settings
from gateway.ensemble.door import Door
from gateway.ingress.http_listener import HttpListener, HttpSettings, require_extra
from gateway.ingress.measured import Told
from gateway.ingress.openai.application import OpenAiApplication
from gateway.parts import Parts

log = logging.getLogger(__name__)

OPENAI = "openai"


class Doors:
    """Owns what is configured of them: `start`, and `drain` however it ends.

    `openai_port` is None where nobody listens there. Raises ValueError naming an extra that is
    missing.
    """

    def __init__(self, settings: Settings, parts: Parts) -> None:
        self._settings = settings
        self._parts = parts
        if settings.openai.port is not None:
            require_extra(OPENAI)
        self._openai: HttpListener | None = None
        self.openai_port: int | None = None

    async def start(self, door: Door, told: Told | None) -> None:
        """Listen. `told` takes how each request ended; None where nobody reads that.

        Raises ListenError when an address is taken.
        """
        config, server = self._settings.openai, self._settings.server
        if config.port is None or self._openai is not None:
            return
        app = OpenAiApplication(
            door,
            max_bytes=server.max_message_bytes,
            limit=self._settings.admission.max_running,
            running=self._running,
            told=told,
            wall=time.time,
        )
        self._openai = HttpListener(
            app, HttpSettings(OPENAI, config.host, config.port, server.max_in_flight)
        )
        self.openai_port = await self._openai.start()
        log.info("OpenAI listener", extra={"host": config.host, "port": self.openai_port})

    async def drain(self, delay_s: float, grace_s: float) -> None:
        """Wait `delay_s`, then stop listening and give running requests `grace_s` to end."""
        if self._openai is None:
            return
        await asyncio.sleep(delay_s)
        await self._openai.drain(grace_s)
        self._openai = self.openai_port = None

    def _running(self) -> int:
        return self._parts.admission.read().running
