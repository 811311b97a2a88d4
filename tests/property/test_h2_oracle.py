"""Our engine and the `h2` library talk to each other, and so do two of ours.

Whatever is said on one side comes out on the other, byte for byte. The library raises when a
window is passed or a frame may not come, and ours ends the connection: either fails the machine.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

pytest.importorskip("h2")

from gateway.h2.codes import MisuseError
from tests.unit.h2.oracle import Fields, Ours, Said, Side, Theirs

NAME = st.text("abcdefghijklmnopqrstuvwxyz0123456789-_.", min_size=1, max_size=9).map(
    lambda name: ("x-" + name).encode()
)
VALUE = st.binary(max_size=40).map(lambda value: value.translate(None, b"\0\r\n").strip(b" \t\v\f"))
EXTRA = st.lists(st.tuples(NAME, VALUE), max_size=4).map(tuple)
LONG = bytes(range(251)) * 300
SIZE = st.sampled_from([5000, 16_385, 40_000, 70_000])
BODY = st.binary(max_size=20) | SIZE.map(lambda size: LONG[:size])
RARELY = st.sampled_from([False, False, False, True])
METHOD = st.sampled_from([b"GET", b"POST", b"PUT"])


def request_of(method: bytes, path: bytes, extra: Fields) -> Fields:
    """Write the fields of a request."""
    first = ((b":method", method), (b":scheme", b"http"), (b":authority", b"a"), (b":path", path))
    return (*first, *extra)


class Conversation(RuleBasedStateMachine):
    """What was said on either side is kept, and held against what the other was told."""

    sides: tuple[Side, Side]

    def __init__(self) -> None:
        super().__init__()
        self.said: tuple[dict[int, Said], dict[int, Said]] = ({}, {})
        self.wires = [bytearray(), bytearray()]
        self.reset: set[int] = set()

    @initialize(kinds=st.sampled_from([(Ours, Theirs), (Theirs, Ours), (Ours, Ours)]))
    def begin(self, kinds: tuple[type[Ours | Theirs], type[Ours | Theirs]]) -> None:
        self.sides = (kinds[0](client=True), kinds[1](client=False))

    def _writable(self, side: int) -> list[int]:
        return [
            stream
            for stream, said in self.said[side].items()
            if said.headers is not None and not said.ended and stream not in self.reset
        ]

    def _answerable(self) -> list[int]:
        heard, said = self.sides[1].told, self.said[1]
        return [
            stream
            for stream, told in heard.items()
            if told.headers
            and stream not in self.reset
            and said.get(stream, Said()).headers is None
        ]

    @rule(method=METHOD, extra=EXTRA, end=RARELY, path=st.sampled_from([b"/", b"/a.B/C"]))
    def ask(self, method: bytes, extra: Fields, end: bool, path: bytes) -> None:
        fields = request_of(method, path, extra)
        stream = self.sides[0].request(fields, end=end)
        if stream is not None:
            self.said[0][stream] = Said(headers=fields, ended=end)

    @rule(method=METHOD, extra=EXTRA)
    def begin_to_talk(self, method: bytes, extra: Fields) -> None:
        """Open a stream in both directions."""
        self.ask(method, extra, end=False, path=b"/a.B/C")
        self.carry(0, 10**9)
        for place in range(len(self._answerable())):
            self.answer(place, extra, end=False, interim=False)

    @precondition(lambda self: self._answerable())
    @rule(pick=st.integers(0, 99), extra=EXTRA, end=RARELY, interim=st.booleans())
    def answer(self, pick: int, extra: Fields, end: bool, interim: bool) -> None:
        waiting = self._answerable()
        stream = waiting[pick % len(waiting)]
        said = self.said[1].setdefault(stream, Said())
        if interim:
            early = ((b":status", b"103"), *extra)
            self.sides[1].headers(stream, early, end=False)
            said.interim.append(early)
        fields = ((b":status", b"200"), *extra)
        self.sides[1].headers(stream, fields, end=end)
        said.headers, said.ended = fields, end

    def _either(self, pick: int) -> tuple[int, int] | None:
        """Pick a side and a stream of its own that is open for it."""
        found = [(side, stream) for side in (0, 1) for stream in self._writable(side)]
        return found[pick % len(found)] if found else None

    @rule(pick=st.integers(0, 99), body=BODY, end=RARELY)
    def talk(self, pick: int, body: bytes, end: bool) -> None:
        found = self._either(pick)
        if found:
            side, stream = found
            self.sides[side].data(stream, body, end=end)
            said = self.said[side][stream]
            said.body += body
            said.ended = end

    @rule(body=BODY)
    def all_talk(self, body: bytes) -> None:
        for side in (0, 1):
            for stream in self._writable(side):
                self.sides[side].data(stream, body, end=False)
                self.said[side][stream].body += body

    @rule(pick=st.integers(0, 99), extra=EXTRA)
    def conclude(self, pick: int, extra: Fields) -> None:
        found = self._either(pick)
        if found:
            side, stream = found
            fields = ((b"x-last", b"1"), *extra)
            self.sides[side].headers(stream, fields, end=True)
            said = self.said[side][stream]
            said.trailers, said.ended = fields, True

    @rule(pick=st.integers(0, 99))
    def break_off(self, pick: int) -> None:
        found = self._either(pick)
        if found:
            side, stream = found
            self.reset.add(stream)
            self.sides[side].reset(stream)

    @rule(side=st.sampled_from([0, 1]))
    def ping(self, side: int) -> None:
        self.sides[side].ping()

    @rule(side=st.sampled_from([0, 1]), size=st.integers(0, 100_000))
    def widen(self, side: int, size: int) -> None:
        """Only the library changes its window while it runs."""
        changing = self.sides[side]
        if isinstance(changing, Theirs):
            changing.window(size)

    @rule(side=st.sampled_from([0, 1]))
    def use(self, side: int) -> None:
        for stream in tuple(self.sides[side].owed):
            self.sides[side].consume(stream)

    @rule(side=st.sampled_from([0, 1]), size=st.sampled_from([1, 9, 700, 20_000, 10**9, 10**9]))
    def carry(self, side: int, size: int) -> None:
        """Carry some of what a side wrote: the rest stays on the way."""
        wire = self.wires[side]
        wire += self.sides[side].give()
        piece = bytes(wire[:size])
        del wire[:size]
        if piece:
            self.sides[1 - side].take(piece)
            self._follow_resets()

    def _follow_resets(self) -> None:
        for side in self.sides:
            self.reset |= {stream for stream, told in side.told.items() if told.reset}

    @rule(side=st.sampled_from([0, 1]), stream=st.integers(0, 60), body=st.binary(max_size=9))
    def misuse(self, side: int, stream: int, body: bytes) -> None:
        """Ours refuses what may not be, and nothing of it goes out."""
        engine = self.sides[side]
        said = self.said[side].get(stream, Said())
        if isinstance(engine, Ours) and (said.headers is None or said.ended):
            before = engine.connection.open_streams
            with pytest.raises(MisuseError):
                engine.data(stream, body, end=False)
            assert engine.connection.open_streams == before

    @invariant()
    def nobody_was_told_what_was_not_said(self) -> None:
        if not hasattr(self, "sides"):
            return
        for side in (0, 1):
            for stream, told in self.sides[1 - side].told.items():
                said = self.said[side].get(stream, Said())
                assert told.headers in {None, said.headers}
                assert said.body.startswith(told.body)
                assert said.interim[: len(told.interim)] == told.interim
                assert told.trailers in {None, said.trailers}

    def teardown(self) -> None:
        """Carry all there is, and use it, until both are silent."""
        if not hasattr(self, "sides"):
            return
        self._until_silent()
        for side in self.sides:
            if isinstance(side, Theirs):
                side.window(100_000)
        self._until_silent()
        for side in (0, 1):
            for stream, said in self.said[side].items():
                if stream not in self.reset:
                    assert self.sides[1 - side].told[stream] == said
                    assert not self.sides[side].waits(stream)

    def _until_silent(self) -> None:
        silent = False
        while not silent:
            silent = True
            for side in (0, 1):
                self.use(side)
                written = bytes(self.wires[side]) + self.sides[side].give()
                self.wires[side].clear()
                if written:
                    silent = False
                    self.sides[1 - side].take(written)
                    self._follow_resets()


TestConversation = Conversation.TestCase
TestConversation.settings = settings(
    max_examples=60,
    stateful_step_count=50,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
