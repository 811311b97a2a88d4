"""RFC 7541 as blocks and what they mean, before and after our table size 0 is acknowledged.

Before, a peer may use a table of 4,096 bytes; after, every field has to stand for itself.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.unit.h2.wire import number

Fields = tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True, slots=True)
class Blocks:
    """Blocks of one connection, in hex, and the fields of each; None is a decoding error.

    `after` is what they mean after the acknowledgement, where that differs.
    """

    section: str
    what: str
    sent: tuple[str, ...]
    before: tuple[Fields | None, ...]
    after: tuple[Fields | None, ...] | None = None


def one(section: str, what: str, sent: str, *fields: tuple[bytes, bytes]) -> Blocks:
    """Write a case of one block that means the same at all times."""
    return Blocks(section, what, (sent,), (fields,))


def wrong(section: str, what: str, sent: str) -> Blocks:
    """Write a case of one block that may never be."""
    return Blocks(section, what, (sent,), (None,))


GET, POST, PATH = (b":method", b"GET"), (b":method", b"POST"), (b":path", b"/")
HTTP, HTTPS, WWW = (
    (b":scheme", b"http"),
    (b":scheme", b"https"),
    (b":authority", b"www.example.com"),
)
CUSTOM, NO_CACHE = (b"custom-key", b"custom-value"), (b"cache-control", b"no-cache")
REQUESTS: tuple[Fields, ...] = (
    (GET, HTTP, PATH, WWW),
    (GET, HTTP, PATH, WWW, NO_CACHE),
    (GET, HTTPS, (b":path", b"/index.html"), WWW, CUSTOM),
)
_DATE, _LATER = b"Mon, 21 Oct 2013 20:13:21 GMT", b"Mon, 21 Oct 2013 20:13:22 GMT"
_PRIVATE, _PLACE = (b"cache-control", b"private"), (b"location", b"https://www.example.com")
_COOKIE = b"foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1"
RESPONSES: tuple[Fields, ...] = (
    ((b":status", b"302"), _PRIVATE, (b"date", _DATE), _PLACE),
    ((b":status", b"307"), _PRIVATE, (b"date", _DATE), _PLACE),
    (
        (b":status", b"200"),
        _PRIVATE,
        (b"date", _LATER),
        _PLACE,
        (b"content-encoding", b"gzip"),
        (b"set-cookie", _COOKIE),
    ),
)
_TO_256 = "3fe101"
"""The examples of responses use a table of 256 bytes."""

EXAMPLES = (
    one(
        "C.2.1",
        "a literal that is indexed",
        "400a637573746f6d2d6b65790d637573746f6d2d686561646572",
        (b"custom-key", b"custom-header"),
    ),
    one(
        "C.2.2",
        "a literal that is not",
        "040c2f73616d706c652f70617468",
        (b":path", b"/sample/path"),
    ),
    one(
        "C.2.3", "one that never is", "100870617373776f726406736563726574", (b"password", b"secret")
    ),
    one("C.2.4", "an index", "82", GET),
    Blocks(
        "C.3",
        "requests",
        (
            "828684410f7777772e6578616d706c652e636f6d",
            "828684be58086e6f2d6361636865",
            "828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565",
        ),
        REQUESTS,
        (REQUESTS[0], None, None),
    ),
    Blocks(
        "C.4",
        "requests, in Huffman code",
        (
            "828684418cf1e3c2e5f23a6ba0ab90f4ff",
            "828684be5886a8eb10649cbf",
            "828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf",
        ),
        REQUESTS,
        (REQUESTS[0], None, None),
    ),
    Blocks(
        "C.5",
        "responses that push each other out",
        (
            _TO_256 + "4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a3133"
            "3a323120474d546e1768747470733a2f2f7777772e6578616d706c652e636f6d",
            "4803333037c1c0bf",
            (
                "88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a69707738"
                "666f6f3d4153444a4b48514b425a584f5157454f50495541585157454f49553b206d61782d6167653d33"
                "3630303b2076657273696f6e3d31"
            ),
        ),
        RESPONSES,
        (None, None, None),
    ),
    Blocks(
        "C.6",
        "responses, in Huffman code",
        (
            _TO_256 + "488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d"
            "29ad171863c78f0b97c8e9ae82ae43d3",
            "4883640effc1c0bf",
            (
                "88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b3"
                "35dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007"
            ),
        ),
        RESPONSES,
        (None, None, None),
    ),
)

_A_B = (b"a", b"b")
_ADD = "4001610162"
"""a: b, put into the table."""

TABLES = (
    one("2.3.1", "the first of the static table", "81", (b":authority", b"")),
    one("2.3.1", "the last of the static table", "bd", (b"www-authenticate", b"")),
    wrong("2.3.3", "an index beyond both tables", "be"),
    wrong("2.3.3", "a name beyond both tables", "7e0162"),
    wrong("2.3.3", "a name far beyond both tables", "0fff7f0162"),
    Blocks(
        "2.3.2",
        "the newest is the first",
        (_ADD + "4001630164", "bebf"),
        ((_A_B, (b"c", b"d")), ((b"c", b"d"), _A_B)),
        ((_A_B, (b"c", b"d")), None),
    ),
    Blocks(
        "2.3.2",
        "a name of the table",
        (_ADD, "7e0163"),
        ((_A_B,), ((b"a", b"c"),)),
        ((_A_B,), None),
    ),
    one("3.2", "a field twice is two fields", "8282", GET, GET),
    one("3.2", "nothing is no field", ""),
    Blocks(
        "4.1",
        "a field larger than the table empties it",
        (_ADD, "20" + _ADD, "be"),
        ((_A_B,), (_A_B,), None),
    ),
)

SIZES = (
    one("4.2", "to 0", "2082", GET),
    one("4.2", "to 0 twice", "202082", GET),
    one("4.2", "to 0 and nothing else", "20"),
    Blocks("4.2", "to 4096 and back to 0", ("3fe11f2082",), ((GET,),), (None,)),
    Blocks("4.2", "to 0 and back to 4096", ("203fe11f82",), ((GET,),), (None,)),
    Blocks("4.2", "to 1", ("2182",), ((GET,),), (None,)),
    wrong("4.2", "to 4097", "3fe21f82"),
    wrong("4.2", "behind a field", "8220"),
    wrong("4.2", "behind a literal", _ADD + "20"),
    wrong("4.2", "of any size behind a field", "823fe11f"),
    Blocks("4.2", "one that looks like a literal, behind a field", ("822001610162",), (None,)),
    Blocks(
        "4.2",
        "a smaller table drops the oldest",
        (_ADD + "4001630164", "3f0382", "be", "bf"),
        ((_A_B, (b"c", b"d")), (GET,), ((b"c", b"d"),), None),
        ((_A_B, (b"c", b"d")), None, None, None),
    ),
)

_LONG = b"x" * 1337
_ZEROS = b"y" * 127

INTEGERS = (
    one("5.1", "a number that fills its prefix", "0001617f00" + _ZEROS.hex(), (b"a", _ZEROS)),
    one(
        "5.1",
        "a number of two bytes",
        "0001617f" + number(1337 - 127).hex() + _LONG.hex(),
        (b"a", _LONG),
    ),
    one("5.1", "one with a needless 0", "0001617f8000" + _ZEROS.hex(), (b"a", _ZEROS)),
    wrong("5.1", "one of too many zeros", "0001617f808080808000" + _ZEROS.hex()),
    wrong("5.1", "one that never ends", "0001617f" + "ff" * 20),
    wrong("5.1", "one that ends with the block", "0001617f"),
    wrong("5.1", "one that ends with the block, in the middle", "0001617f80"),
    wrong("5.1", "an index that never ends", "ff" + "80" * 20),
    wrong("5.1", "a size that never ends", "3f" + "80" * 20),
    wrong("5.1", "a length of 2^28", "0001617f" + number(2**28).hex()),
    wrong("5.1", "a length of 2^62", "0001617f" + number(2**62).hex()),
    wrong("5.1", "a name's index of 2^62", "0f" + number(2**62).hex()),
    one("5.1", "an index of a name in two bytes", "0f000162", (b"accept-charset", b"b")),
)

STRINGS = (
    one("5.2", "an empty value", "00016100", (b"a", b"")),
    one("5.2", "an empty value in Huffman code", "00016180", (b"a", b"")),
    one("5.2", "a name in Huffman code", "00811f0162", (b"a", b"b")),
    one("5.2", "a code that fills its bytes", "0001618500" + "00" * 4, (b"a", b"0" * 8)),
    wrong("5.2", "a string longer than the block", "0001610562"),
    wrong("5.2", "a name longer than the block", "000561"),
    wrong("5.2", "a name and no value", "000161"),
    wrong("5.2", "a literal and nothing more", "00"),
    wrong("5.2", "padding of zeros", "00016181" + "18"),
    wrong("5.2", "padding of 8 bits", "00016182" + "1fff"),
    wrong("5.2", "padding of 16 bits", "00016183" + "1fffff"),
    wrong("5.2", "nothing but padding of 8 bits", "00016181" + "ff"),
    wrong("5.2", "EOS", "00016184" + "ffffffff"),
    wrong("5.2", "EOS behind a letter", "00016185" + "1fffffffff"),
    wrong("5.2", "a code that ends in the middle", "00016182" + "fffe"),
)

REPRESENTATIONS = (
    wrong("6.1", "index 0", "80"),
    wrong("6.1", "index 0 behind a field", "8280"),
    one("6.2.1", "a name of the static table", "410161", (b":authority", b"a")),
    one("6.2.1", "a new name", _ADD, _A_B),
    one("6.2.2", "a name of the static table", "010161", (b":authority", b"a")),
    one("6.2.2", "a new name", "0001610162", _A_B),
    one("6.2.2", "the largest index of one byte", "0e0161", (b":status", b"a")),
    one("6.2.3", "a name of the static table", "110161", (b":authority", b"a")),
    one("6.2.3", "a new name", "1001610162", _A_B),
    one("6.2.3", "an index of two bytes", "1f2e0161", (b"www-authenticate", b"a")),
    Blocks(
        "6.2.2", "what is not indexed is not in the table", ("0001610162", "be"), ((_A_B,), None)
    ),
    Blocks("6.2.3", "nor what never is", ("1001610162", "be"), ((_A_B,), None)),
    one("6.3", "a size of 0", "2082", GET),
    wrong("6.3", "a size above the limit", "3fffff0382"),
)

CASES = (*EXAMPLES, *TABLES, *SIZES, *INTEGERS, *STRINGS, *REPRESENTATIONS)
