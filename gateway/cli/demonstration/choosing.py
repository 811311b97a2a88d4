"""Chooses the holes of a demonstration: always the same ones for the same seed and library."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import zip_longest
from pathlib import Path

from gateway.cli.demonstration.cutting import Module
from gateway.cli.demonstration.holes import Cut, CutHole
from gateway.cli.demonstration.verifying import Doctests
from gateway.modelserver.corpus import heldout_files, module_name

CUTS = tuple(Cut)
TESTED_SHARE = 2
"""One hole of so many is cut where the module's own doctests run, as long as there are any."""


def heldout_sources() -> dict[str, tuple[Path, str]]:
    """File and text of every module that no model was trained on and that can be read."""
    found: dict[str, tuple[Path, str]] = {}
    for path in heldout_files():
        try:
            found[module_name(path)] = (path, path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError):
            continue
    return found


def has_doctests(source: str) -> bool:
    """True when the text shows examples; whether they run is found out by running them."""
    return ">>> " in source


def choose(
    sources: Mapping[str, str], doctests: Mapping[str, Doctests], count: int, seed: int
) -> list[CutHole]:
    """Choose `count` holes, the three kinds of cuts in turn, each from a function of its own.

    Every other round takes holes on lines that the module's own doctests run; the other holes come
    from modules without doctests, so that every doctest result is about a fill that was run.
    Returns fewer when the modules offer no more.
    """
    rng = random.Random(seed)  # noqa: S311 - a choice to repeat, not a secret
    tested: dict[Cut, dict[str, list[CutHole]]] = {cut: defaultdict(list) for cut in CUTS}
    others: dict[Cut, dict[str, list[CutHole]]] = {cut: defaultdict(list) for cut in CUTS}
    for name in sorted(sources):
        for hole in _holes(name, sources[name], rng):
            own = doctests.get(name)
            if own is None:
                others[hole.cut][name].append(hole)
            elif own.lines.issuperset(hole.lines):
                tested[hole.cut][name].append(hole)
    queues = {
        (cut, wanted): _in_turn(pool[cut], rng)
        for wanted, pool in ((True, tested), (False, others))
        for cut in CUTS
    }
    chosen: list[CutHole] = []
    used: set[tuple[str, str]] = set()
    for place in range(count):
        cut = CUTS[place % len(CUTS)]
        wanted = place // len(CUTS) % TESTED_SHARE == 0
        hole = _next(queues[cut, wanted], used) or _next(queues[cut, not wanted], used)
        if hole is not None:
            chosen.append(hole)
    return chosen


def _holes(name: str, source: str, rng: random.Random) -> Iterable[CutHole]:
    try:
        return list(Module(name, source).holes(rng))
    except (SyntaxError, ValueError):
        return []


def _in_turn(by_module: Mapping[str, list[CutHole]], rng: random.Random) -> Iterator[CutHole]:
    """Holes of one module after the other, so that a large module does not crowd out the rest."""
    groups = [rng.sample(holes, len(holes)) for holes in by_module.values()]
    rng.shuffle(groups)
    for row in zip_longest(*groups):
        yield from (hole for hole in row if hole is not None)


def _next(queue: Iterator[CutHole], used: set[tuple[str, str]]) -> CutHole | None:
    """Take the next hole of a function that has none yet."""
    for hole in queue:
        if (hole.module, hole.function) not in used:
            used.add((hole.module, hole.function))
            return hole
    return None
