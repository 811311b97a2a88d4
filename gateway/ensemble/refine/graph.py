"""Which hole comes before which: mistakes in the dependencies, the waves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from itertools import islice

from gateway.core.faults import FieldViolation
from gateway.core.refinement import RefineHole, RefineOptions
from gateway.ensemble.refine.splitting import splits

MOST_CIRCLES = 8
"""Circles that are looked for; each takes a pass over all dependencies."""

MOST_NAMED = 8
"""Holes of a circle that are named."""


def mistakes_in_graph(
    holes: Sequence[RefineHole], options: RefineOptions
) -> Iterator[FieldViolation]:
    """Name every id that is used twice and every dependency that cannot be kept to."""
    places: dict[str, int] = {}
    for place, hole in enumerate(holes):
        first = places.setdefault(hole.id, place)
        if first != place:
            words = f"{hole.id!r} is also the id of holes[{first}]; rename one"
            yield FieldViolation(f"holes[{place}].id", words)
    for place, hole in enumerate(holes):
        yield from _ids_of_parts(place, hole, places, holes, options)
        for at, other in enumerate(hole.depends_on):
            path = f"holes[{place}].depends_on[{at}]"
            if other == hole.id:
                yield FieldViolation(path, "a hole cannot depend on itself; drop it")
            elif other not in places:
                yield FieldViolation(path, f"no hole has the id {other!r}; name one of `holes`")
    yield from islice(_circles(holes, places), MOST_CIRCLES)


def _ids_of_parts(
    place: int,
    hole: RefineHole,
    places: Mapping[str, int],
    holes: Sequence[RefineHole],
    options: RefineOptions,
) -> Iterator[FieldViolation]:
    """Refuse an id that a part of another hole may get."""
    names = hole.id.split(".")
    for count in range(1, len(names)):
        head = ".".join(names[:count])
        if head in places and splits(holes[places[head]], options):
            words = f"ids that begin with `{head}.` are those of the parts of {head!r}; rename it"
            yield FieldViolation(f"holes[{place}].id", words)


def _circles(holes: Sequence[RefineHole], places: Mapping[str, int]) -> Iterator[FieldViolation]:
    """Name circles one after the other, each without the holes of those before."""
    graph: dict[str, set[str]] = {}
    for hole in holes:
        before = graph.setdefault(hole.id, set())
        before.update(other for other in hole.depends_on if other in places and other != hole.id)
    while True:
        try:
            TopologicalSorter(graph).prepare()
        except CycleError as error:
            # From a hole to the one that depends on it, the first one again at the end.
            circle: list[str] = error.args[1][:0:-1]
            first = min(circle, key=places.__getitem__)
            start = circle.index(first)
            yield FieldViolation(
                f"holes[{places[first]}].depends_on", _told([*circle[start:], *circle[:start]])
            )
            for one in circle:
                del graph[one]
            for before in graph.values():
                before.difference_update(circle)
        else:
            return


def _told(circle: Sequence[str]) -> str:
    names = [repr(one) for one in circle[:MOST_NAMED]]
    if len(circle) > MOST_NAMED:
        names.append(f"{len(circle) - MOST_NAMED} more")
    way = " -> ".join([*names, names[0]])
    return f"the dependencies go in a circle: {way}; drop one of them"


def waves(holes: Sequence[RefineHole]) -> tuple[tuple[str, ...], ...]:
    """Put the holes in waves, of which each depends on earlier ones only; request order within.

    Raises graphlib.CycleError: call `mistakes_in_graph` first.
    """
    places = {hole.id: place for place, hole in enumerate(holes)}
    sorter = TopologicalSorter({hole.id: hole.depends_on for hole in holes})
    sorter.prepare()
    found: list[tuple[str, ...]] = []
    while sorter.is_active():
        ready = sorter.get_ready()
        found.append(tuple(sorted(ready, key=places.__getitem__)))
        sorter.done(*ready)
    return tuple(found)
