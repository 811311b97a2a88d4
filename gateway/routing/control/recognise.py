"""Texts to commands: the words as they stand, then words that were mistyped, else a refusal.

Nothing is guessed: a text with a word that is not known asks for nothing, and neither does one that
says not to, or names two commands (Q-02, Q-03).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from gateway.core.control import (
    Command,
    Dial,
    Direction,
    JobKind,
    Recognised,
    Unrecognised,
)
from gateway.routing.control.similar import nearest
from gateway.routing.control.words import JOB_ID, Language, Phrase, Spoken, words_of

MOST_WORDS = 16
WHOLE = 0.95
"""Confidence in a text that is a command and nothing else."""
WITH_OBJECT = 0.9
MISTYPED = 0.15
"""By how much each mistyped word lowers it."""
LEAST = 0.6

_ID_PREFIX = JOB_ID.partition("[")[0]


@dataclass(frozen=True)
class _Every:
    """All are meant."""


@dataclass(frozen=True)
class _Not:
    """The opposite is meant."""


@dataclass(frozen=True)
class _Filler:
    """Means nothing."""


Meaning = Spoken | JobKind | Dial | Direction | _Every | _Not | _Filler


@dataclass(slots=True)
class _Heard:
    """What the words of one text mean, as they are read."""

    spoken: list[Spoken] = field(default_factory=list[Spoken])
    kinds: dict[JobKind, None] = field(default_factory=dict[JobKind, None])
    dials: set[Dial] = field(default_factory=set[Dial])
    directions: set[Direction] = field(default_factory=set[Direction])
    jobs: dict[str, None] = field(default_factory=dict[str, None])
    unknown: list[str] = field(default_factory=list[str])
    every: bool = False
    negated: bool = False
    objects: int = 0

    def take(self, meaning: Meaning) -> None:
        """Add what one phrase means."""
        self.objects += 1
        match meaning:
            case Spoken():
                self.spoken.append(meaning)
                self.objects -= 1
            case JobKind():
                self.kinds[meaning] = None
            case Dial():
                self.dials.add(meaning)
            case Direction():
                self.directions.add(meaning)
            case _Every():
                self.every = True
            case _Not():
                self.negated = True
            case _:
                self.objects -= 1


class Recogniser:
    """Reads commands in several languages at once. Pure; the same text means the same, always.

    Raises ValueError for a phrase that means two things.
    """

    def __init__(self, languages: Iterable[Language]) -> None:
        self._meanings: dict[Phrase, Meaning] = {}
        for language in languages:
            self._learn(language)
        self._longest = max((len(phrase) for phrase in self._meanings), default=0)
        # Phrases of several words are not mistyped into: their words alone mean something else.
        self._single = {
            phrase[0]: found for phrase, found in self._meanings.items() if not phrase[1:]
        }
        self._alone = {word for phrase in self._meanings for word in phrase}

    def __call__(self, text: str) -> Recognised | Unrecognised:
        """Say what a text asks for."""
        words = words_of(text)
        if not words:
            return Unrecognised("it has no words")
        if len(words) > MOST_WORDS:
            return Unrecognised(f"it has more than {MOST_WORDS} words")
        heard = _Heard()
        read, mistyped = self._mended(words)
        self._hear(read, heard)
        if not heard.spoken and heard.dials and heard.directions:
            # A dial and a way say it all: "raise the temperature".
            heard.spoken.append(Spoken(Command.VOLUME))
        return _meant(heard, mistyped)

    def _learn(self, language: Language) -> None:
        pairs: list[tuple[Phrase, Meaning]] = [
            *language.commands,
            *language.kinds,
            *language.dials,
            *language.directions,
            *((phrase, _Every()) for phrase in language.every),
            *((phrase, _Not()) for phrase in language.negations),
            *((phrase, _Filler()) for phrase in language.fillers),
        ]
        for phrase, meaning in pairs:
            known = self._meanings.setdefault(phrase, meaning)
            if known != meaning:
                words = " ".join(phrase)
                raise ValueError(f"{language.name}: {words!r} means both {known} and {meaning}")

    def _mended(self, words: Sequence[str]) -> tuple[list[str], int]:
        """Replace each word that nobody knows by the one it was mistyped from, if that is clear."""
        read: list[str] = []
        mended = 0
        for word in words:
            if word in self._alone or word.startswith(_ID_PREFIX):
                read.append(word)
                continue
            found = nearest(word, self._single)
            mended += found is not None
            read.append(found or word)
        return read, mended

    def _hear(self, words: Sequence[str], heard: _Heard) -> None:
        """Take the longest phrase that is known from each place on; phrases end where words do."""
        place = 0
        while place < len(words):
            for length in range(min(self._longest, len(words) - place), 0, -1):
                meaning = self._meanings.get(tuple(words[place : place + length]))
                if meaning is not None:
                    heard.take(meaning)
                    place += length
                    break
            else:
                if words[place].startswith(_ID_PREFIX):
                    heard.jobs[words[place]] = None
                else:
                    heard.unknown.append(words[place])
                place += 1


def _meant(heard: _Heard, mistyped: int) -> Recognised | Unrecognised:
    """Sum up what was heard: one command, or why it is none."""
    commands = {one.command for one in heard.spoken}
    would_be = next(iter(commands)) if len(commands) == 1 else None
    confidence = (WITH_OBJECT if heard.objects or heard.jobs else WHOLE) - MISTYPED * mistyped
    why = _lack(heard, commands)
    if why or would_be is None or confidence < LEAST:
        return Unrecognised(why or "too many of its words are mistyped", would_be, confidence)
    directions = {one.direction for one in heard.spoken if one.direction} | heard.directions
    dials = {one.dial for one in heard.spoken if one.dial} | heard.dials
    return Recognised(
        would_be,
        next(iter(directions), None),
        next(iter(dials), Dial.TEMPERATURE),
        tuple(heard.kinds),
        next(iter(heard.jobs), ""),
        heard.every,
        confidence,
        "similarity" if mistyped else "exact",
    )


def _lack(heard: _Heard, commands: set[Command]) -> str:
    """Say why a text asks for nothing that can be done; nothing when it does."""
    if heard.unknown:
        return f"{heard.unknown[0]!r} is not known"
    if not commands:
        return "it names no command"
    if len(commands) > 1:
        return "it names several commands"
    if heard.negated:
        return "it says not to"
    if len(heard.jobs) > 1:
        return "it names several jobs; use `all`, or one command for each"
    directions = {one.direction for one in heard.spoken if one.direction} | heard.directions
    dials = {one.dial for one in heard.spoken if one.dial} | heard.dials
    if Command.VOLUME in commands:
        if len(directions) != 1:
            return "it does not say whether up or down"
        return "" if len(dials) <= 1 else "it names several dials"
    return "only a dial goes up or down" if directions or dials else ""
