"""Sequences of frames, right and wrong, judged by our engine and by the `h2` library.

Where one ends the connection and the other does not, the difference stands in `KNOWN`, with the
words of RFC 9113 by which ours is right.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytest.importorskip("h2")

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.exceptions import ProtocolError

from gateway.h2.codes import ErrorCode
from gateway.h2.connection import Connection
from gateway.h2.settings import DEFAULT_WINDOW, Settings
from gateway.h2.writing import block
from tests.unit.h2 import wire
from tests.unit.h2.oracle import UNLIMITED

METHOD, SCHEME, PATH, AUTHORITY = wire.REQUEST
FIELDS = (
    wire.REQUEST,
    (METHOD, SCHEME, AUTHORITY, PATH, (b"content-length", b"4")),
    (METHOD, SCHEME, AUTHORITY),
    (METHOD, METHOD, SCHEME, AUTHORITY, PATH),
    (*wire.REQUEST, (b"X", b"y")),
    (*wire.REQUEST, (b"connection", b"close")),
    (*wire.REQUEST, (b"te", b"gzip")),
    (*wire.REQUEST, (b":late", b"y")),
    ((b"x", b"y"), *wire.REQUEST),
    (*wire.REQUEST, (b"x", b"a\rb")),
    (*wire.REQUEST, (b"x", b"a\nb")),
    (*wire.REQUEST, (b"x:y", b"b")),
    wire.RESPONSE,
    (*wire.RESPONSE, (b"content-length", b"4")),
    ((b":status", b"100"),),
    wire.TRAILERS,
    (),
)
STREAM = st.sampled_from([0, 1, 1, 1, 3, 3, 5, 2, 7, 9])
FLAGS = st.sampled_from([0, 1, 4, 4, 4, 5, 5, 5, 8, 0x20, 0x2D]) | st.integers(0, 255)
WORD = st.sampled_from([0, 1, 4, 100, 2**31 - 1, 2**31, 2**31 - DEFAULT_WINDOW]).map(
    lambda value: value.to_bytes(4, "big")
)
ANY = st.binary(max_size=12)
BLOCK = st.sampled_from(FIELDS).map(wire.block) | st.sampled_from(
    [b"\x82", b"\x80", b"\x3f\xe1\x1f"]
)
SETTING = st.tuples(st.integers(0, 8), st.sampled_from([0, 1, 2, 100, 2**14, 2**31 - 1, 2**31]))
SETTINGS = st.lists(SETTING, max_size=2).map(lambda pairs: wire.settings(*pairs)[9:])
PAYLOADS: tuple[st.SearchStrategy[bytes], ...] = (
    st.sampled_from([b"", b"data", b"\1data\0", bytes(16_384)]) | ANY,
    BLOCK | ANY,
    st.just(bytes(5)) | ANY,
    WORD | ANY,
    SETTINGS | ANY,
    BLOCK.map(lambda block: b"\0\0\0\2" + block) | ANY,
    st.just(b"12345678") | ANY,
    st.tuples(WORD, WORD).map(b"".join) | ANY,
    WORD | ANY,
    BLOCK | ANY,
    ANY,
)
LIKELY = st.sampled_from([0, 0, 0, 1, 1, 1, 1, 2, 3, 4, 5, 6, 7, 8, 8, 9, 0x42])


@st.composite
def wrong(draw: st.DrawFn) -> wire.Frame:
    """A frame that may break any rule."""
    kind = draw(LIKELY)
    usual = {4: st.just(0), 6: st.just(0), 7: st.just(0)}.get(kind, STREAM)
    flags = draw(st.sampled_from([0, 1]) if kind in {4, 6} else FLAGS)
    return wire.Frame(kind, flags, draw(usual | STREAM), draw(PAYLOADS[min(kind, 10)]))


@st.composite
def right(draw: st.DrawFn, *, client: bool) -> wire.Frame:
    """A frame without fault of its own, though it may come at the wrong time."""
    stream = draw(st.sampled_from([1, 1, 3, 5, 7]))
    body = draw(st.sampled_from([b"data", b"", bytes(5000)]))
    end = draw(st.sampled_from([0, 0, 1]))
    first = wire.RESPONSE if client else wire.REQUEST
    one = draw(st.integers(1, 70_000)).to_bytes(4, "big")
    written = draw(
        st.sampled_from(
            [
                wire.headers(stream, first, end=bool(end)),
                wire.headers(stream, first, end=bool(end)),
                wire.headers(stream, wire.TRAILERS if draw(st.booleans()) else first, end=True),
                wire.data(stream, body, end=bool(end)),
                wire.data(stream, b"data", end=True),
                wire.frame(wire.WINDOW_UPDATE, 0, stream, one),
                wire.frame(wire.WINDOW_UPDATE, 0, 0, one),
                wire.reset(stream),
                wire.settings((4, int.from_bytes(one, "big"))),
                wire.ping(),
                wire.frame(wire.PRIORITY, 0, stream, bytes(5)),
                wire.frame(0x42, end, stream, body),
                wire.frame(wire.HEADERS, end, stream, wire.block(first)),
                wire.frame(wire.CONTINUATION, 4, stream),
            ]
        )
    )
    return wire.frames(written)[0]


@st.composite
def sequences(draw: st.DrawFn) -> tuple[bool, list[wire.Frame]]:
    """A side, and frames for it; most are right, or the connection would end at once."""
    client = draw(st.booleans())
    fine = right(client=client)
    return client, draw(st.lists(st.one_of(fine, fine, fine, fine, fine, wrong()), max_size=20))


@dataclass(slots=True)
class Judged:
    """One frame and what both made of it; `before`: what ours knew of its stream."""

    frame: wire.Frame
    ours: Connection
    ended: bool
    error: Exception | None
    answers: list[wire.Frame]
    known: bool

    @property
    def why(self) -> str:
        """What the library says, by the type of its error and its words."""
        return f"{type(self.error).__name__}: {self.error}"

    @property
    def reset(self) -> bool:
        """Whether ours reset the frame's stream for it."""
        return any(answer.kind == wire.RST_STREAM for answer in self.answers)


@dataclass(frozen=True, slots=True)
class Difference:
    """`words` of the RFC say why ours is right where both differ as `holds` tells."""

    name: str
    words: str
    holds: Callable[[Judged], bool]


def _ended_by(code: ErrorCode, *kinds: int) -> Callable[[Judged], bool]:
    """Say whether ours ended for a frame of a type, and the library did not."""
    return lambda last: (
        last.frame.kind in kinds
        and last.error is None
        and last.ours.ended is not None
        and last.ours.ended.code is code
    )


KNOWN: tuple[Difference, ...] = (
    Difference(
        "a stream error that the library makes one of the connection",
        "§8.1.1: malformed requests or responses that are detected MUST be treated as a stream "
        "error. §6.3 and §6.9 say the same of PRIORITY and WINDOW_UPDATE. (§5.4.1 allows more.)",
        lambda last: last.error is not None and not last.ended and last.reset,
    ),
    Difference(
        "a GOAWAY after which the library takes nothing",
        "§6.8: activity on streams numbered lower than or equal to the last stream identifier "
        "might still complete successfully.",
        lambda last: not last.ended and "ConnectionState.CLOSED" in last.why,
    ),
    Difference(
        "a PUSH_PROMISE without fault that ends at once",
        "§8.4: servers MUST treat the receipt of a PUSH_PROMISE frame as a connection error; "
        "§6.6: so must an endpoint that has set ENABLE_PUSH to 0. The library waits for the rest "
        "of its block, and passes over one on a stream that was reset.",
        _ended_by(ErrorCode.PROTOCOL_ERROR, wire.PUSH_PROMISE),
    ),
    Difference(
        "a RST_STREAM on an idle stream",
        "§6.4: the recipient MUST treat this as a connection error of type PROTOCOL_ERROR.",
        _ended_by(ErrorCode.PROTOCOL_ERROR, wire.RST_STREAM),
    ),
    Difference(
        "DATA on a stream that was left out, or has ended on both sides",
        "§5.1, closed: an endpoint MAY treat receipt of any other type of frame on a closed stream "
        "as a connection error of type STREAM_CLOSED. The library resets the stream once more.",
        _ended_by(ErrorCode.STREAM_CLOSED, wire.DATA),
    ),
    Difference(
        "HEADERS on a stream that only a server could have promised",
        "§5.1, idle: if this stream is initiated by the server, then receiving a HEADERS frame "
        "MUST also be treated as a connection error of type PROTOCOL_ERROR.",
        _ended_by(ErrorCode.PROTOCOL_ERROR, wire.HEADERS, wire.CONTINUATION),
    ),
    Difference(
        "a change of the table's size to more than the 0 that we announced",
        "RFC 7541 §6.3: the new maximum size MUST be lower than or equal to the limit; a value "
        "that exceeds it MUST be treated as a decoding error. The library announces 4,096.",
        _ended_by(ErrorCode.COMPRESSION_ERROR, wire.HEADERS, wire.CONTINUATION),
    ),
    Difference(
        "a priority that lies in the padding of its HEADERS",
        "§4.2: an endpoint MUST send FRAME_SIZE_ERROR if a frame is too small to contain mandatory "
        "frame data.",
        _ended_by(ErrorCode.FRAME_SIZE_ERROR, wire.HEADERS),
    ),
    Difference(
        "WINDOW_UPDATE of nothing on a closed stream",
        "§6.9: a receiver MUST NOT treat a WINDOW_UPDATE frame on a closed stream as an error.",
        lambda last: last.frame.kind == wire.WINDOW_UPDATE and not last.known and not last.ended,
    ),
    Difference(
        "a WINDOW_UPDATE whose reserved bit is set",
        "§6.9: one reserved bit plus an unsigned 31-bit integer; §4.1: it MUST be ignored.",
        lambda last: (
            last.frame.kind == wire.WINDOW_UPDATE and last.frame.payload[0] > 127 and not last.ended
        ),
    ),
    Difference(
        "a value of ENABLE_CONNECT_PROTOCOL other than 0 and 1",
        "§6.5.2: an endpoint MUST ignore a setting that it does not support.",
        lambda last: not last.ended and "Setting 8 has invalid value" in last.why,
    ),
)


def judge(sent: list[wire.Frame], *, client: bool) -> list[Judged]:
    """Hand frames to both, one by one, until one of them ends or all are used."""
    one = Settings(DEFAULT_WINDOW, DEFAULT_WINDOW)
    ours = Connection(client=client, settings=one, limits=UNLIMITED)
    ours.start()
    theirs = H2Connection(H2Configuration(client_side=client, header_encoding=None))
    theirs.local_settings.enable_push = 0
    theirs.initiate_connection()
    if client:
        for end in (False, True, False, False):
            stream = ours.request(block(wire.REQUEST), end=end)
            theirs.send_headers(stream, wire.REQUEST, end_stream=end)
    greeting = (b"" if client else wire.PREFACE) + wire.settings() + wire.SETTINGS_ACK
    ours.receive(greeting, 0.0)
    theirs.receive_data(greeting)
    if client:
        begun = wire.headers(1, wire.RESPONSE) + wire.headers(3, wire.RESPONSE)
        ours.receive(begun, 0.0)
        theirs.receive_data(begun)
    ours.to_send()
    found: list[Judged] = []
    for frame in sent:
        raw = wire.frame(*frame)
        known = ours.has(frame.stream)
        ours.receive(raw, 0.0)
        error = None
        try:
            theirs.receive_data(raw)
        except ProtocolError as raised:
            error = raised
        ended = ours.ended is not None
        answers = wire.frames(ours.to_send())
        found.append(Judged(frame, ours, ended, error, answers, known))
        if ended or error:
            break
    return found


@settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))
@given(sequences())
def test_both_end_a_connection_for_the_same_frames_but_for_what_is_known(
    told: tuple[bool, list[wire.Frame]],
) -> None:
    client, sent = told
    judged = judge(sent, client=client)
    if judged and judged[-1].ended != (judged[-1].error is not None):
        last = judged[-1]
        names = [difference.name for difference in KNOWN if difference.holds(last)]
        assert names, (last.frame, last.ours.ended, last.why)
