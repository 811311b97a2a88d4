"""A source cut at the markers of its holes, and put together again with their fills.

Fills are put between the pieces, never searched for: a fill that happens to hold a marker, or that
is equal to one, changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from gateway.core.faults import FieldViolation
from gateway.core.refinement import RefineHole
from gateway.core.value import value

_BRACKETED = re.compile(r"<<[^<>]{1,252}>>")
_BLANK = re.compile(r"[ \t]*")
_LINE_END = re.compile(r"[ \t]*(?:\r?\n|\Z)")


@value
class Slot:
    """The place of a marker in the source, `start` to `end` in characters.

    `indent` is the white space at the beginning of its line; `alone`: nothing else is on the line.
    """

    place: int
    start: int
    end: int
    indent: str
    alone: bool


@value
class Source:
    """`texts[i]` stands before the hole at `ids[i]`, the last text after all of them."""

    texts: tuple[str, ...]
    ids: tuple[str, ...]
    slots: tuple[Slot, ...]

    def whole(self, shown: Mapping[str, str]) -> str:
        """Put it together, with what is shown for each hole."""
        return _joined(self.texts, [shown[one] for one in self.ids])

    def around(self, hole: str, shown: Mapping[str, str]) -> tuple[str, str]:
        """Return the text before a hole and after it, with what is shown for each other one."""
        at = self.ids.index(hole)
        texts, others = self.texts, [shown[one] for one in self.ids]
        before = _joined(texts[: at + 1], others[:at])
        return before, _joined(texts[at + 1 :], others[at + 1 :])

    def slot(self, hole: str) -> Slot:
        """Where a hole stands."""
        return self.slots[self.ids.index(hole)]


def _joined(texts: Sequence[str], between: Sequence[str]) -> str:
    pieces = [texts[0]]
    for shown, text in zip(between, texts[1:], strict=True):
        pieces += (shown, text)
    return "".join(pieces)


def find_slots(
    text: str, holes: Sequence[RefineHole]
) -> tuple[tuple[Slot, ...], tuple[FieldViolation, ...]]:
    """Find each hole's marker; return the places in the order of the text, and every mistake.

    A marker is to occur exactly once, and not within another.
    """
    starts = _starts(text, [hole.marker for hole in holes])
    mistakes: list[FieldViolation] = []
    slots: list[Slot] = []
    for place, hole in enumerate(holes):
        found = starts[hole.marker]
        if len(found) == 1:
            slots.append(_slot(text, place, found[0], found[0] + len(hole.marker)))
        elif found:
            words = "occurs more than once in the source; choose one that occurs once"
            mistakes.append(FieldViolation(f"holes[{place}].marker", words))
        else:
            words = f"does not occur in the source; write it where hole {hole.id!r} is"
            mistakes.append(FieldViolation(f"holes[{place}].marker", words))
    slots.sort(key=lambda slot: (slot.start, slot.end))
    mistakes.extend(_overlaps(slots, holes))
    return tuple(slots), tuple(mistakes)


def _starts(text: str, markers: Sequence[str]) -> Mapping[str, Sequence[int]]:
    """Find the first two places of each marker; one that is empty has none.

    Markers in angle brackets are found in one pass: no two of them can overlap.
    """
    starts: dict[str, list[int]] = {marker: [] for marker in markers}
    for match in _BRACKETED.finditer(text):
        if match[0] in starts:
            starts[match[0]].append(match.start())
    for marker, found in starts.items():
        if not marker or _BRACKETED.fullmatch(marker):
            continue
        at = text.find(marker)
        while at >= 0 and len(found) < 2:  # noqa: PLR2004 - one more than there may be
            found.append(at)
            at = text.find(marker, at + 1)
    return starts


def _slot(text: str, place: int, start: int, end: int) -> Slot:
    line = text.rfind("\n", 0, start) + 1
    blank = _BLANK.match(text, line, start)
    indent = blank[0] if blank else ""
    alone = line + len(indent) == start and _LINE_END.match(text, end) is not None
    return Slot(place, start, end, indent, alone)


def _overlaps(slots: Sequence[Slot], holes: Sequence[RefineHole]) -> Iterator[FieldViolation]:
    widest: Slot | None = None
    for slot in slots:
        if widest is not None and slot.start < widest.end:
            one, other = sorted((slot.place, widest.place))
            yield FieldViolation(
                f"holes[{other}].marker",
                f"overlaps the marker of hole {holes[one].id!r} in the source; choose another",
            )
        if widest is None or slot.end > widest.end:
            widest = slot


def cut(text: str, holes: Sequence[RefineHole], slots: tuple[Slot, ...]) -> Source:
    """Cut a source at places that `find_slots` found without a mistake."""
    ends = (0, *(slot.end for slot in slots))
    starts = (*(slot.start for slot in slots), len(text))
    return Source(
        tuple(text[end:start] for end, start in zip(ends, starts, strict=True)),
        tuple(holes[slot.place].id for slot in slots),
        slots,
    )
