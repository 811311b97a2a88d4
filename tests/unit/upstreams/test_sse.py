from __future__ import annotations

import pytest

from gateway.upstreams.sse import BrokenStreamError, ServerEvent, SseParser


def data_of(*chunks: bytes) -> list[str]:
    parser = SseParser()
    return [event.data for chunk in chunks for event in parser.feed(chunk)]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_every_event_of_a_chunk_comes_out(end: bytes) -> None:
    assert data_of(b"data: a" + end * 2 + b"data: b" + end * 2 + b"data: c" + end * 2) == [
        "a",
        "b",
        "c",
    ]


def test_lines_split_anywhere_are_joined() -> None:
    assert data_of(b"da", b"ta: hel", b"lo\n", b"\n") == ["hello"]


def test_a_character_split_over_chunks_is_whole() -> None:
    raw = "data: \N{SNOWMAN}\n\n".encode()
    assert data_of(raw[:7], raw[7:8], raw[8:]) == ["\N{SNOWMAN}"]


def test_a_line_end_split_over_chunks_is_one() -> None:
    assert data_of(b"data: a\r", b"\n", b"data: b\r", b"\n\r", b"\n") == ["a\nb"]


def test_an_event_ended_by_cr_does_not_wait_for_lf() -> None:
    assert data_of(b"data: a\r\r") == ["a"]


def test_data_lines_are_joined_by_line_feeds() -> None:
    assert data_of(b"data: a\ndata\ndata:b\ndata:  c\n\n") == ["a\n\nb\n c"]


def test_comments_and_unknown_fields_are_ignored() -> None:
    assert data_of(b": keep-alive\n\nid: 1\nretry: 2\nnonsense\ndata: a\n\n:\n\n") == ["a"]


def test_names_belong_to_their_event() -> None:
    events = SseParser().feed(b"event: error\ndata: a\n\ndata: b\n\nevent: lonely\n\ndata: c\n\n")
    assert events == [
        ServerEvent("error", "a"),
        ServerEvent("message", "b"),
        ServerEvent("message", "c"),
    ]


def test_a_byte_order_mark_is_dropped_once() -> None:
    assert data_of(b"\xef\xbb\xbfdata: a\n\n\xef\xbb\xbfdata: b\n\n") == ["a"]


def test_an_unfinished_event_is_dropped() -> None:
    assert data_of(b"data: a\n\ndata: b\n") == ["a"]


@pytest.mark.parametrize("raw", [b"data: \xff\n", b"data: \xe2\x98\n"])
def test_bytes_that_are_not_utf8_are_refused(raw: bytes) -> None:
    with pytest.raises(BrokenStreamError, match="UTF-8"):
        SseParser().feed(raw)


def test_a_line_beyond_the_limit_is_refused_before_it_ends() -> None:
    parser = SseParser(max_event_bytes=10)
    assert parser.feed(b"data: 1234") == []
    with pytest.raises(BrokenStreamError, match="larger than 10 bytes"):
        parser.feed(b"5")


def test_an_event_of_many_lines_beyond_the_limit_is_refused() -> None:
    parser = SseParser(max_event_bytes=20)
    parser.feed(b"data: 1\n")
    parser.feed(b"data: 2\n")
    with pytest.raises(BrokenStreamError):
        parser.feed(b"data: 3\n")


def test_the_limit_is_for_one_event_and_comments_are_free() -> None:
    parser = SseParser(max_event_bytes=10)
    for _ in range(100):
        assert parser.feed(b": alive\n") == []
        assert [event.data for event in parser.feed(b"data: 1\n\n")] == ["1"]
