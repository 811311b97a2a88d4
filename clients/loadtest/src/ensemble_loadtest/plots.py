"""Plots of lines as SVG inside a page: no script, colours and fonts from its style sheet."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 420, 250
LEFT, RIGHT, TOP, BOTTOM = 62, 24, 12, 40
ACROSS, DOWN = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
TICKS = 5

Point = tuple[float, float | None]
Form = Callable[[float], str]


@dataclass(frozen=True, slots=True)
class Line:
    """One line; `style` is the number of its colour and dashes in the style sheet."""

    name: str
    style: int
    points: Sequence[Point]


@dataclass(frozen=True, slots=True)
class Axis:
    """How numbers become places: through `scale`, between the ticks; `form` writes a tick."""

    title: str
    ticks: Sequence[float]
    form: Form
    scale: Callable[[float], float] = float

    def share(self, number: float) -> float:
        """Return where a number is between the ends, 0..1."""
        low, high = self.scale(self.ticks[0]), self.scale(self.ticks[-1])
        place = (self.scale(number) - low) / (high - low) if high > low else 0.0
        return min(1.0, max(0.0, place))


def nice_ticks(most: float) -> list[float]:
    """Return 0 and round steps up to at least this number."""
    if most <= 0:
        return [0.0, 1.0]
    power = 10 ** math.floor(math.log10(most / (TICKS - 1)))
    step = next(
        power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor * (TICKS - 1) >= most
    )
    return [step * number for number in range(math.ceil(most / step - 1e-9) + 1)]


def highest(lines: Iterable[Line]) -> float:
    """Return the largest number of all lines."""
    return max((y for line in lines for _, y in line.points if y is not None), default=0.0)


def tail_share(share: float) -> float:
    """Stretch shares so that each further nine takes the same room, as tails are looked at."""
    return -math.log10(max(1e-6, 1 - share))


def plot(title: str, lines: Sequence[Line], across: Axis, up: Axis) -> str:
    """Draw lines; the legend stands beside in HTML, see `legend`."""
    body = [*_grid(across, up), *(_path(line, across, up) for line in lines)]
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">'
        + "".join(body)
        + "</svg>"
    )


def legend(lines: Sequence[Line]) -> str:
    """Name the lines with a sample of each."""
    return (
        '<p class="legend">'
        + " ".join(
            f'<span><svg viewBox="0 0 22 8" aria-hidden="true"><path class="line s{line.style}" '
            f'd="M0 4H22"/></svg> {escape(line.name)}</span>'
            for line in lines
        )
        + "</p>"
    )


def _x(axis: Axis, number: float) -> float:
    return round(LEFT + ACROSS * axis.share(number), 1)


def _y(axis: Axis, number: float) -> float:
    return round(TOP + DOWN * (1 - axis.share(number)), 1)


def _grid(across: Axis, up: Axis) -> list[str]:
    parts: list[str] = []
    for tick in up.ticks:
        y = _y(up, tick)
        parts += [
            f'<path class="grid" d="M{LEFT} {y}H{WIDTH - RIGHT}"/>',
            f'<text class="y" x="{LEFT - 6}" y="{y + 4}">{escape(up.form(tick))}</text>',
        ]
    for tick in across.ticks:
        x = _x(across, tick)
        text = escape(across.form(tick))
        parts += [
            f'<path class="grid" d="M{x} {TOP}V{HEIGHT - BOTTOM}"/>',
            f'<text class="x" x="{x}" y="{HEIGHT - BOTTOM + 16}">{text}</text>',
        ]
    middle = LEFT + ACROSS / 2
    return [*parts, f'<text class="x" x="{middle}" y="{HEIGHT - 5}">{escape(across.title)}</text>']


def _path(line: Line, across: Axis, up: Axis) -> str:
    """Draw one line, with a gap where a number is missing and a dot where one stands alone."""
    steps: list[str] = []
    pen_up = True
    for x, y in line.points:
        if y is None:
            pen_up = True
            continue
        steps.append(f"{'M' if pen_up else 'L'}{_x(across, x)} {_y(up, y)}")
        if pen_up:
            steps.append("h0.01")
        pen_up = False
    return f'<path class="line s{line.style}" d="{"".join(steps)}"/>'
