"""What bytes of a peer mean. Each is told once, in the order in which it came.

Nobody changes one; they are not frozen, for that makes them three times as dear to make.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.h2.codes import ErrorCode

Fields = tuple[tuple[bytes, bytes], ...]
"""Names and values in the order in which they came; names are lower case, pseudo-fields first."""


@dataclass(slots=True)
class HeadersReceived:
    """A request or a response begins. `ended`: nothing follows on its stream."""

    stream_id: int
    fields: Fields
    ended: bool


@dataclass(slots=True)
class InformationReceived:
    """A response of status 1xx, before the one that counts."""

    stream_id: int
    fields: Fields


@dataclass(slots=True)
class TrailersReceived:
    """The end of a message."""

    stream_id: int
    fields: Fields


@dataclass(slots=True)
class DataReceived:
    """A part of a body. Give `credit` back with `Connection.consumed` once it was used.

    `credit` counts padding too, of which nothing is kept, and may be more than `data` has.
    """

    stream_id: int
    data: bytes
    credit: int
    ended: bool


@dataclass(slots=True)
class StreamReset:
    """A stream ended early: the peer said so, or (`local`) it broke a rule and was reset."""

    stream_id: int
    code: int
    local: bool = False
    text: str = ""


@dataclass(slots=True)
class StreamRefused:
    """The peer never looked at a request of ours, which may be sent again elsewhere."""

    stream_id: int


@dataclass(slots=True)
class Writable:
    """What waited on a stream for the peer's window has been sent.

    More may be given to it, unless that was its end.
    """

    stream_id: int


@dataclass(slots=True)
class SettingsChanged:
    """The peer said how it wants to be spoken to; it is followed from here on."""

    max_concurrent: int | None
    initial_window: int
    max_frame: int
    max_fields: int | None


@dataclass(slots=True)
class SettingsAcknowledged:
    """The peer follows our settings from here on."""


@dataclass(slots=True)
class PingReceived:
    """The peer asked for a sign of life; it has been answered."""

    payload: bytes


@dataclass(slots=True)
class PingAcknowledged:
    """The peer answered a ping of ours."""

    payload: bytes


@dataclass(slots=True)
class GoAwayReceived:
    """The peer takes no new requests; those above `last_id` are told as `StreamRefused`."""

    last_id: int
    code: int
    text: bytes


@dataclass(slots=True)
class ConnectionEnded:
    """The peer broke a rule, or a limit (`limit` names it): send what is left and close."""

    code: ErrorCode
    text: str
    limit: str = ""


Event = (
    HeadersReceived
    | InformationReceived
    | TrailersReceived
    | DataReceived
    | StreamReset
    | StreamRefused
    | Writable
    | SettingsChanged
    | SettingsAcknowledged
    | PingReceived
    | PingAcknowledged
    | GoAwayReceived
    | ConnectionEnded
)
