"""However the bytes arrive, the same events and the same text come out."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.upstreams.fence import FenceStripper, strip_fence
from gateway.upstreams.sse import ServerEvent, SseParser

texts = st.text(
    st.characters(blacklist_categories=["Cs"], blacklist_characters="\r\n"), max_size=20
)
ends = st.sampled_from(["\n", "\r\n", "\r"])


@st.composite
def streams(draw: st.DrawFn) -> tuple[bytes, list[ServerEvent]]:
    """A stream as a server may write it, with comments and unknown fields, and its events."""
    raw: list[str] = []
    expected: list[ServerEvent] = []
    for _ in range(draw(st.integers(0, 6))):
        name = draw(st.sampled_from(["", "error", "ping"]))
        data = draw(st.lists(texts, max_size=3))
        lines = [f"event: {name}"] if name else []
        lines += [f"data: {line}" for line in data]
        extra = draw(st.sampled_from([None, ": alive", "id: 7", "retry: 5", "nonsense"]))
        if extra:
            lines.insert(draw(st.integers(0, len(lines))), extra)
        raw.extend(line + draw(ends) for line in [*lines, ""])
        if data:
            expected.append(ServerEvent(name or "message", "\n".join(data)))
    # A lone CR followed by a line that starts with LF would read as one line end.
    return "".join(raw).encode(), expected


@st.composite
def cuts(draw: st.DrawFn, whole: bytes | str) -> list[bytes | str]:
    places = sorted(draw(st.lists(st.integers(0, len(whole)), max_size=12)))
    return [whole[a:b] for a, b in zip([0, *places], [*places, len(whole)], strict=True)]


@given(streams(), st.data())
def test_any_chunking_gives_the_same_events(
    stream: tuple[bytes, list[ServerEvent]], data: st.DataObject
) -> None:
    raw, expected = stream
    parser = SseParser()
    got = [event for chunk in data.draw(cuts(raw)) for event in parser.feed(chunk)]
    whole = SseParser().feed(raw)
    assert got == whole
    if b"\r" not in raw:
        assert got == expected


@given(streams())
def test_one_byte_at_a_time(stream: tuple[bytes, list[ServerEvent]]) -> None:
    raw, _ = stream
    parser = SseParser()
    got = [event for byte in raw for event in parser.feed(bytes([byte]))]
    assert got == SseParser().feed(raw)


fenced = st.lists(
    st.sampled_from(["```", "`", "python", "\n", "\r\n", " ", "x = 1", "é", " " * 200]), max_size=14
).map("".join)


@given(fenced, st.data())
def test_any_chunking_strips_the_same_fence(text: str, data: st.DataObject) -> None:
    stripper = FenceStripper()
    got = "".join(map(stripper.feed, data.draw(cuts(text)))) + stripper.finish()
    assert got == strip_fence(text)
    assert got in text
