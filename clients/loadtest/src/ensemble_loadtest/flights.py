"""One request on its way, and who is told about it."""

from __future__ import annotations

from typing import Protocol


class Flight:
    """A request from the moment it is due; times are of the monotonic clock, in seconds.

    `sent_s` is when its bytes were handed to the socket, 0 before; `first_s` and `last_s` are the
    times of the first and the last piece of text of a stream, 0 when there was none.
    """

    __slots__ = (
        "cached",
        "completion_tokens",
        "cost_micros",
        "endpoint",
        "first_s",
        "intended_s",
        "last_s",
        "number",
        "pieces",
        "prompt_tokens",
        "sent_s",
    )

    def __init__(self, number: int, intended_s: float) -> None:
        self.number = number
        self.intended_s = intended_s
        self.sent_s = 0.0
        self.first_s = 0.0
        self.last_s = 0.0
        self.pieces = 0
        self.prompt_tokens = 0
        self.completion_tokens = 0
        self.cost_micros = 0
        self.endpoint = ""
        self.cached = False


class Watcher(Protocol):
    """Told of each piece of a stream, and of the end of each request, once."""

    def piece(self, flight: Flight, now_s: float) -> None:
        """Some text has come."""
        ...

    def done(self, flight: Flight, reason: str, now_s: float) -> None:
        """It is over; the reason is empty when it was answered."""
        ...


class Target(Protocol):
    """What is measured; sends without waiting."""

    async def connect(self) -> None:
        """Open the connections; raises UnreachableError."""
        ...

    def send(self, flight: Flight) -> None:
        """Put a request on the wire, or into a queue of its own until the wire has room.

        Never tells the watcher before it returns.
        """
        ...

    def flush(self) -> None:
        """Hand what was sent since the last flush to the sockets."""
        ...

    async def close(self) -> None:
        """Close the connections; requests under way end as `HARNESS_STOPPED`."""
        ...
