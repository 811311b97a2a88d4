"""Lines of standard input: whole, bounded, and ended from here when nothing comes."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator

import pytest

from gateway.cli.mcp_server.streams import Lines


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reading, writing = os.pipe()
    yield reading, writing
    os.close(reading)


async def all_of(lines: Lines) -> list[str]:
    return [line async for line in lines]


async def test_lines_come_whole_and_the_last_one_needs_no_end(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    os.write(writing, "one\ntwo \N{SNOWMAN}\n\nno end".encode())
    os.close(writing)
    assert await all_of(Lines(reading)) == ["one\n", "two \N{SNOWMAN}\n", "\n", "no end"]


async def test_a_line_may_come_in_pieces(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    lines = aiter(Lines(reading))
    waiting = asyncio.ensure_future(anext(lines))
    for piece in (b"a", b"b\nc"):
        os.write(writing, piece)
    assert await waiting == "ab\n"
    os.write(writing, b"d\n")
    assert await anext(lines) == "cd\n"
    os.close(writing)


async def test_a_line_without_end_is_cut(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    os.write(writing, b"0123456789\nab\n")
    os.close(writing)
    assert await all_of(Lines(reading, most=4)) == ["0123", "4567", "89\n", "ab\n"]


async def test_bytes_that_are_no_text_end_nothing(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    os.write(writing, b"\xff\nok\n")
    os.close(writing)
    assert await all_of(Lines(reading)) == ["\N{REPLACEMENT CHARACTER}\n", "ok\n"]


async def test_stop_ends_the_lines_while_nothing_comes(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    lines = Lines(reading)
    waiting = asyncio.ensure_future(all_of(lines))
    os.write(writing, b"one\nbegun")
    lines.stop()
    lines.stop()
    assert await waiting in ([], ["one\n"])
    os.close(writing)
