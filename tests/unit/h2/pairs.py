"""Two of our connections that talk to each other."""

from __future__ import annotations

from gateway.h2.connection import Connection
from gateway.h2.events import Event
from gateway.h2.limits import Limits
from gateway.h2.settings import Settings


class Pair:
    """A client and a server; `to_server` and `to_client` carry what was written."""

    def __init__(
        self,
        limits: Limits | None = None,
        settings: Settings | None = None,
        *,
        greeted: bool = True,
    ) -> None:
        self.client = Connection(client=True, limits=limits, settings=settings)
        self.server = Connection(client=False, limits=limits, settings=settings)
        self.client.start()
        self.server.start()
        if greeted:
            self.to_server()
            self.to_client()
            self.to_server()

    def to_server(self) -> list[Event]:
        """Carry what the client wrote."""
        events = self.server.receive(self.client.to_send(), 0.0)
        assert self.server.ended is None, self.server.ended
        return events

    def to_client(self) -> list[Event]:
        """Carry what the server wrote."""
        events = self.client.receive(self.server.to_send(), 0.0)
        assert self.client.ended is None, self.client.ended
        return events
