"""SETTINGS (RFC 9113 §6.5): ours, and the peer's as they were last said."""

from __future__ import annotations

from dataclasses import dataclass
from struct import iter_unpack

from gateway.h2.codes import ErrorCode, PeerError
from gateway.h2.frames import LEAST_FRAME, MAX_WINDOW, MOST_FRAME

HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_CONCURRENT_STREAMS = 0x1, 0x2, 0x3
INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE, MAX_HEADER_LIST_SIZE = 0x4, 0x5, 0x6

DEFAULT_WINDOW = 65_535
SETTING_BYTES = 6


@dataclass(frozen=True, slots=True)
class Settings:
    """What we want. `stream_window` and `connection_window`: bytes on the way to us, unread.

    No window is smaller than the 65,535 that a peer assumes before it has heard of ours, so that
    none has to be taken back. `max_frame`: longest payload that we take. The table of compressed
    headers is always 0: then each field stands for itself, and needs no state of the connection.
    """

    stream_window: int = 256 * 1024
    connection_window: int = 4 * 1024 * 1024
    max_frame: int = LEAST_FRAME

    def __post_init__(self) -> None:
        if not (DEFAULT_WINDOW <= self.stream_window <= self.connection_window <= MAX_WINDOW):
            raise ValueError("windows must be 65535 <= stream_window <= connection_window < 2^31")
        if not LEAST_FRAME <= self.max_frame <= MOST_FRAME:
            raise ValueError("max_frame must be between 2^14 and 2^24 - 1")

    def pairs(self, *, max_concurrent: int, max_fields: int) -> tuple[tuple[int, int], ...]:
        """List what is announced. Nobody may push."""
        return (
            (HEADER_TABLE_SIZE, 0),
            (ENABLE_PUSH, 0),
            (MAX_CONCURRENT_STREAMS, max_concurrent),
            (INITIAL_WINDOW_SIZE, self.stream_window),
            (MAX_FRAME_SIZE, self.max_frame),
            (MAX_HEADER_LIST_SIZE, max_fields),
        )


@dataclass(slots=True)
class PeerSettings:
    """What the peer wants; None = it did not say. Until it does, the defaults of the protocol."""

    initial_window: int = DEFAULT_WINDOW
    max_frame: int = LEAST_FRAME
    max_concurrent: int | None = None
    max_fields: int | None = None

    def follow(self, payload: bytes, *, of_server: bool) -> None:
        """Take a SETTINGS payload in. Raises PeerError for a value that may not be."""
        if len(payload) % SETTING_BYTES:
            raise PeerError(ErrorCode.FRAME_SIZE_ERROR, "SETTINGS is no multiple of 6 bytes")
        for name, value in iter_unpack(">HL", payload):
            if name == INITIAL_WINDOW_SIZE:
                if value > MAX_WINDOW:
                    raise PeerError(ErrorCode.FLOW_CONTROL_ERROR, "INITIAL_WINDOW_SIZE is too big")
                self.initial_window = value
            elif name == MAX_FRAME_SIZE:
                if not LEAST_FRAME <= value <= MOST_FRAME:
                    raise PeerError(ErrorCode.PROTOCOL_ERROR, "MAX_FRAME_SIZE is out of range")
                self.max_frame = value
            elif name == MAX_CONCURRENT_STREAMS:
                self.max_concurrent = value
            elif name == MAX_HEADER_LIST_SIZE:
                self.max_fields = value
            elif name == ENABLE_PUSH and value > (0 if of_server else 1):
                raise PeerError(ErrorCode.PROTOCOL_ERROR, "ENABLE_PUSH is out of range")
