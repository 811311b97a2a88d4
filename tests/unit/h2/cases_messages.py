"""RFC 9113, section 8: what is no message, and is refused as malformed."""

from __future__ import annotations

from gateway.h2.codes import ErrorCode
from tests.unit.h2 import wire
from tests.unit.h2.cases import Case, Reaction, Resets, at_client, tells
from tests.unit.h2.ends import ANSWERED, HALF_LOCAL, IDLE, OPEN

MALFORMED = Resets(IDLE, ErrorCode.PROTOCOL_ERROR)
MALFORMED_RESPONSE = Resets(OPEN, ErrorCode.PROTOCOL_ERROR)
GOOD = tells("HeadersReceived")
METHOD, SCHEME, PATH, AUTHORITY = wire.REQUEST


def request(section: str, what: str, *fields: tuple[bytes, bytes], then: Reaction) -> Case:
    """Write a case of the fields of a request."""
    return Case(section, what, wire.headers(IDLE, fields), then)


def beside(section: str, what: str, *fields: tuple[bytes, bytes], then: Reaction) -> Case:
    """Write a case of fields beside those that a request must have."""
    return request(section, what, *wire.REQUEST, *fields, then=then)


def response(section: str, what: str, *fields: tuple[bytes, bytes], then: Reaction) -> Case:
    """Write a case of the fields of a response."""
    return at_client(section, what, wire.headers(OPEN, fields), then)


def _sized(size: bytes, *, end: bool = False) -> bytes:
    return wire.headers(IDLE, (*wire.REQUEST, (b"content-length", size)), end=end)


def _answer(status: bytes, size: bytes, *, end: bool = False) -> bytes:
    return wire.headers(OPEN, ((b":status", status), (b"content-length", size)), end=end)


_TRAILERS = wire.headers(IDLE, wire.TRAILERS, end=True)

FRAMING = (
    Case(
        "8.1",
        "headers, content, trailers",
        wire.headers(IDLE) + wire.data(IDLE) + _TRAILERS,
        tells("HeadersReceived", "DataReceived", "TrailersReceived"),
    ),
    Case(
        "8.1",
        "headers and trailers",
        wire.headers(IDLE) + _TRAILERS,
        tells("HeadersReceived", "TrailersReceived"),
    ),
    Case("8.1", "trailers that do not end", wire.headers(OPEN, wire.TRAILERS), MALFORMED_RESPONSE),
    Case(
        "8.1",
        "trailers with a pseudo-field",
        wire.headers(OPEN, (METHOD,), end=True),
        MALFORMED_RESPONSE,
    ),
    Case(
        "8.1",
        "a second request on a stream",
        wire.headers(OPEN, end=True),
        MALFORMED_RESPONSE,
    ),
    Case(
        "8.1",
        "trailers without fields",
        wire.headers(OPEN, (), end=True),
        tells("TrailersReceived"),
    ),
    at_client(
        "8.1",
        "interim responses before the one that counts",
        wire.headers(OPEN, ((b":status", b"100"),))
        + wire.headers(OPEN, ((b":status", b"103"), (b"link", b"x")))
        + wire.headers(OPEN, wire.RESPONSE)
        + wire.headers(OPEN, wire.TRAILERS, end=True),
        tells("InformationReceived", "InformationReceived", "HeadersReceived", "TrailersReceived"),
    ),
    at_client(
        "8.1",
        "an interim response that ends",
        wire.headers(OPEN, ((b":status", b"100"),), end=True),
        MALFORMED_RESPONSE,
    ),
    at_client(
        "8.1",
        "DATA behind an interim response",
        wire.headers(OPEN, ((b":status", b"100"),)) + wire.data(OPEN),
        MALFORMED_RESPONSE,
    ),
    at_client(
        "8.1",
        "an interim response behind the one that counts",
        wire.headers(ANSWERED, ((b":status", b"100"),)),
        Resets(ANSWERED, ErrorCode.PROTOCOL_ERROR),
    ),
    at_client(
        "8.1",
        "a response of trailers only",
        wire.headers(HALF_LOCAL, (*wire.RESPONSE, *wire.TRAILERS), end=True),
        GOOD,
    ),
    at_client(
        "8.1",
        "a whole response and then NO_ERROR, before the request has ended",
        wire.headers(OPEN, wire.RESPONSE, end=True) + wire.reset(OPEN, 0),
        tells("HeadersReceived", "StreamReset"),
    ),
)

LENGTHS = (
    Case(
        "8.1.1",
        "content of the length told",
        _sized(b"4") + wire.data(IDLE, end=True),
        tells("HeadersReceived", "DataReceived"),
    ),
    Case(
        "8.1.1",
        "content of the length told, in parts",
        _sized(b"8") + wire.data(IDLE) * 2 + _TRAILERS,
        tells("HeadersReceived", "DataReceived", "DataReceived", "TrailersReceived"),
    ),
    Case(
        "8.1.1",
        "padding is no content",
        _sized(b"1") + wire.frame(wire.DATA, wire.PADDED | wire.END, IDLE, b"\2x\0\0"),
        tells("HeadersReceived", "DataReceived"),
    ),
    Case("8.1.1", "less content than told", _sized(b"5") + wire.data(IDLE, end=True), MALFORMED),
    Case("8.1.1", "more content than told", _sized(b"3") + wire.data(IDLE), MALFORMED),
    Case(
        "8.1.1",
        "less than told, and trailers",
        _sized(b"5") + wire.data(IDLE) + _TRAILERS,
        MALFORMED,
    ),
    Case("8.1.1", "a length and no content", _sized(b"5", end=True), MALFORMED),
    Case("8.1.1", "a length of 0 and no content", _sized(b"0", end=True), GOOD),
    Case("8.1.1", "a length of 0 and content", _sized(b"0") + wire.data(IDLE), MALFORMED),
    Case("8.1.1", "a length that is no number", _sized(b"x"), MALFORMED),
    Case("8.1.1", "a length below 0", _sized(b"-1"), MALFORMED),
    Case("8.1.1", "a length with a sign", _sized(b"+1"), MALFORMED),
    Case("8.1.1", "a length of no digits", _sized(b""), MALFORMED),
    Case("8.1.1", "a length beyond all measure", _sized(b"9" * 99), MALFORMED),
    beside(
        "8.1.1", "two lengths", (b"content-length", b"1"), (b"content-length", b"2"), then=MALFORMED
    ),
    beside(
        "8.1.1", "one length twice", (b"content-length", b"1"), (b"content-length", b"1"), then=GOOD
    ),
    at_client(
        "8.1.1",
        "a response without its content",
        _answer(b"200", b"5", end=True),
        MALFORMED_RESPONSE,
    ),
    at_client("8.1.1", "304 has a length and no content", _answer(b"304", b"5", end=True), GOOD),
    at_client("8.1.1", "204 has a length and no content", _answer(b"204", b"5", end=True), GOOD),
    at_client(
        "8.1.1",
        "a response of more content than told",
        _answer(b"200", b"3") + wire.data(OPEN),
        Resets(OPEN, ErrorCode.PROTOCOL_ERROR),
    ),
)

_BAD_NAMES = (0x00, 0x0A, 0x0D, 0x20, 0x41, 0x5A, 0x7F, 0x80, 0xFF)

VALIDITY = (
    *(
        beside(
            "8.2.1",
            f"byte {bad:#04x} in a name",
            (b"x" + bytes((bad,)) + b"y", b"v"),
            then=MALFORMED,
        )
        for bad in _BAD_NAMES
    ),
    *(
        beside("8.2.1", f"byte {good:#04x} in a name", (b"x" + bytes((good,)), b"v"), then=GOOD)
        for good in b"!#$%&'*+-.^_`|~09az"
    ),
    beside("8.2.1", "a colon in a name", (b"x:y", b"v"), then=MALFORMED),
    beside("8.2.1", "a name without bytes", (b"", b"v"), then=MALFORMED),
    *(
        beside(
            "8.2.1",
            f"byte {bad:#04x} in a value",
            (b"x", b"a" + bytes((bad,)) + b"b"),
            then=MALFORMED,
        )
        for bad in (0x00, 0x0A, 0x0D)
    ),
    *(
        # Malformed by the text: see "known differences to other implementations" in docs/h2.md.
        beside("8.2.1", f"value {value!r}", (b"x", value), then=GOOD)
        for value in (b" v", b"\tv", b"v ", b"v\t", b" ", b"\t")
    ),
    *(
        beside("8.2.1", f"value {value!r}", (b"x", value), then=GOOD)
        for value in (b"", b"a b", b"a\tb", b"\x01", b"\xff", b"\x7f")
    ),
    Case(
        "8.2.1",
        "a name in upper case within trailers",
        wire.headers(OPEN, ((b"Grpc-Status", b"0"),), end=True),
        MALFORMED_RESPONSE,
    ),
    response(
        "8.2.1",
        "a name in upper case in a response",
        *wire.RESPONSE,
        (b"X", b"v"),
        then=MALFORMED_RESPONSE,
    ),
)

_OF_CONNECTION = (
    b"connection",
    b"proxy-connection",
    b"keep-alive",
    b"transfer-encoding",
    b"upgrade",
)

CONNECTION_FIELDS = (
    *(
        beside("8.2.2", f"a field {name.decode()}", (name, b"x"), then=MALFORMED)
        for name in _OF_CONNECTION
    ),
    *(
        response(
            "8.2.2",
            f"a response with {name.decode()}",
            *wire.RESPONSE,
            (name, b"x"),
            then=MALFORMED_RESPONSE,
        )
        for name in _OF_CONNECTION
    ),
    beside("8.2.2", "te: trailers", (b"te", b"trailers"), then=GOOD),
    beside("8.2.2", "te: gzip", (b"te", b"gzip"), then=MALFORMED),
    beside("8.2.2", "te: trailers, deflate", (b"te", b"trailers, deflate"), then=MALFORMED),
    beside("8.2.3", "cookies in parts", (b"cookie", b"a=b"), (b"cookie", b"c=d"), then=GOOD),
)

PSEUDO = (
    beside("8.3", "an unknown pseudo-field", (b":what", b"x"), then=MALFORMED),
    request(
        "8.3",
        "an unknown one at its place",
        *wire.REQUEST,
        (b":protocol", b"websocket"),
        then=MALFORMED,
    ),
    request(
        "8.3",
        "a pseudo-field behind a regular one",
        METHOD,
        SCHEME,
        (b"x", b"y"),
        PATH,
        then=MALFORMED,
    ),
    *(
        request("8.3", f"{twice[0].decode()} twice", twice, *wire.REQUEST, then=MALFORMED)
        for twice in wire.REQUEST
    ),
    request("8.3", ":status in a request", *wire.REQUEST, (b":status", b"200"), then=MALFORMED),
    *(
        response(
            "8.3",
            f"{extra[0].decode()} in a response",
            *wire.RESPONSE,
            extra,
            then=MALFORMED_RESPONSE,
        )
        for extra in wire.REQUEST
    ),
    request("8.3.1", "any order", PATH, AUTHORITY, SCHEME, METHOD, then=GOOD),
    request("8.3.1", "no :method", SCHEME, PATH, AUTHORITY, then=MALFORMED),
    request("8.3.1", "no :scheme", METHOD, PATH, AUTHORITY, then=MALFORMED),
    request("8.3.1", "no :path", METHOD, SCHEME, AUTHORITY, then=MALFORMED),
    request("8.3.1", "no :authority", METHOD, SCHEME, PATH, then=GOOD),
    request("8.3.1", "no field at all", then=MALFORMED),
    request("8.3.1", "an empty :path", METHOD, SCHEME, (b":path", b""), then=MALFORMED),
    request("8.3.1", "a :path of no slash", METHOD, SCHEME, (b":path", b"a"), then=MALFORMED),
    request(
        "8.3.1", "a :path with a space", METHOD, SCHEME, (b":path", b"/ HTTP/1.1"), then=MALFORMED
    ),
    request("8.3.1", "OPTIONS *", (b":method", b"OPTIONS"), SCHEME, (b":path", b"*"), then=GOOD),
    request("8.3.1", "an empty :method", (b":method", b""), SCHEME, PATH, then=MALFORMED),
    request(
        "8.3.1", "a :method that is no token", (b":method", b"GET /"), SCHEME, PATH, then=MALFORMED
    ),
    request("8.3.1", "a :method of nobody", (b":method", b"MAKE"), SCHEME, PATH, then=GOOD),
    request("8.3.1", "an empty :scheme", METHOD, (b":scheme", b""), PATH, then=MALFORMED),
    request(
        "8.3.1", "a :scheme of two words", METHOD, (b":scheme", b"http x"), PATH, then=MALFORMED
    ),
    request("8.3.1", "another :scheme", METHOD, (b":scheme", b"coap+tcp"), PATH, then=GOOD),
    request(
        "8.3.1",
        "userinfo in :authority",
        METHOD,
        SCHEME,
        PATH,
        (b":authority", b"u@h"),
        then=MALFORMED,
    ),
    beside("8.3.1", "the same host", (b"host", b"LOCALHOST:80"), then=GOOD),
    beside("8.3.1", "another host", (b"host", b"elsewhere"), then=MALFORMED),
    request("8.3.1", "a host alone", METHOD, SCHEME, PATH, (b"host", b"elsewhere"), then=GOOD),
    response("8.3.2", "a response", *wire.RESPONSE, then=GOOD),
    response("8.3.2", "no :status", (b"x", b"y"), then=MALFORMED_RESPONSE),
    response("8.3.2", "no field at all", then=MALFORMED_RESPONSE),
    *(
        response("8.3.2", f":status {status!r}", (b":status", status), then=MALFORMED_RESPONSE)
        for status in (b"", b"20", b"2000", b"2x0", b"+20", b"099")
    ),
    response("8.3.2", ":status twice", *wire.RESPONSE, *wire.RESPONSE, then=MALFORMED_RESPONSE),
    response(
        "8.3.2", ":status behind a field", (b"x", b"y"), *wire.RESPONSE, then=MALFORMED_RESPONSE
    ),
)

_CONNECT = (b":method", b"CONNECT")

METHODS = (
    request("8.5", "CONNECT", _CONNECT, AUTHORITY, then=GOOD),
    request("8.5", "CONNECT, its method last", AUTHORITY, _CONNECT, then=GOOD),
    request("8.5", "CONNECT without :authority", _CONNECT, then=MALFORMED),
    request("8.5", "CONNECT with :scheme", _CONNECT, AUTHORITY, SCHEME, then=MALFORMED),
    request("8.5", "CONNECT with :path", _CONNECT, AUTHORITY, PATH, then=MALFORMED),
    response("8.6", "101", (b":status", b"101"), then=MALFORMED_RESPONSE),
)

CASES = (*FRAMING, *LENGTHS, *VALIDITY, *CONNECTION_FIELDS, *PSEUDO, *METHODS)
