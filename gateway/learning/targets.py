"""What routing should achieve, and how far a number is from it (D-05)."""

from __future__ import annotations

from enum import StrEnum

from gateway.core.value import value
from gateway.learning.intervals import Rate


class Grade(StrEnum):
    """GOOD: at its target; BAD: surely beyond its alarm; WATCH: between; UNKNOWN: no case."""

    GOOD = "good"
    WATCH = "watch"
    BAD = "bad"
    UNKNOWN = "unknown"


@value
class Bar:
    """A number, what it should be and from where on it alarms; `least` when more is better."""

    name: str
    target: float
    alarm: float
    least: bool = True

    def misses(self, number: float) -> bool:
        """Say whether a number is not at the target."""
        return number < self.target if self.least else number > self.target

    def alarms(self, number: float) -> bool:
        """Say whether a number is beyond the alarm."""
        return number < self.alarm if self.least else number > self.alarm


ACCURACY = Bar("accuracy of decisions", 0.95, 0.90)
CORRECTIONS = Bar("decisions that were corrected", 0.05, 0.10, least=False)
CLARIFICATIONS = Bar("requests for clarification", 0.05, 0.05, least=False)
MISROUTINGS = Bar("bad answers where another endpoint was right", 0.02, 0.02, least=False)
LATENCY_S = Bar("mean time of a decision", 0.1, 0.2, least=False)


@value
class Measure:
    """A number held against its bar; `words` say how it is, with the number of cases."""

    name: str
    grade: Grade
    words: str


def measured(bar: Bar, rate: Rate) -> Measure:
    """Grade a share. It alarms only when its whole interval of 95% is beyond the alarm."""
    if rate.share is None:
        return Measure(bar.name, Grade.UNKNOWN, f"{bar.name}: unknown")
    grade = Grade.WATCH if bar.misses(rate.share) else Grade.GOOD
    if grade is Grade.WATCH and bar.alarms(rate.interval.high if bar.least else rate.interval.low):
        grade = Grade.BAD
    side = "at least" if bar.least else "at most"
    return Measure(bar.name, grade, f"{bar.name}: {rate}, should be {side} {bar.target:.0%}")


def timed(bar: Bar, seconds: float | None, of: int) -> Measure:
    """Grade a mean time over `of` cases, in seconds; None when there is no case."""
    if seconds is None:
        return Measure(bar.name, Grade.UNKNOWN, f"{bar.name}: unknown")
    grade = Grade.WATCH if bar.misses(seconds) else Grade.GOOD
    if bar.alarms(seconds):
        grade = Grade.BAD
    words = f"{seconds * 1000:.1f} ms of {of}, should be at most {bar.target * 1000:.0f} ms"
    return Measure(bar.name, grade, f"{bar.name}: {words}")
