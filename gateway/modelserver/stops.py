"""Ends a stream of pieces before a stop string, also when the string spans several pieces."""

from __future__ import annotations

from gateway.modelserver.engine import Piece


class StopFilter:
    """Holds a piece back only while the text could still turn into a stop string."""

    def __init__(self, stops: tuple[str, ...]) -> None:
        self._stops = stops
        self._held: list[Piece] = []
        self.met = False

    def feed(self, piece: Piece) -> list[Piece]:
        """Take one piece; returns those that may go out. After `met` nothing more goes out."""
        if self.met:
            return []
        self._held.append(piece)
        text = "".join(held.text for held in self._held)
        starts = [start for stop in self._stops if (start := text.find(stop)) >= 0]
        if starts:
            self.met = True
            return self._release(min(starts), cut=True)
        return self._release(len(text) - self._undecided(text), cut=False)

    def flush(self) -> list[Piece]:
        """The pieces still held when the text ends without a stop string."""
        held, self._held = self._held, []
        return [] if self.met else held

    def _undecided(self, text: str) -> int:
        """Length of the longest end of the text that begins a stop string."""
        longest = max((len(stop) for stop in self._stops), default=0) - 1
        for length in range(min(longest, len(text)), 0, -1):
            if any(stop.startswith(text[-length:]) for stop in self._stops):
                return length
        return 0

    def _release(self, upto: int, *, cut: bool) -> list[Piece]:
        """Let go of whole pieces up to a character; with `cut` also of the part before it."""
        out: list[Piece] = []
        while self._held and len(self._held[0].text) <= upto:
            piece = self._held.pop(0)
            upto -= len(piece.text)
            out.append(piece)
        if cut and upto and self._held:
            out.append(Piece(self._held[0].text[:upto], self._held[0].logprobs))
        return out
