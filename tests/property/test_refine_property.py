"""Any graph of holes, any endpoint: what a refinement promises holds."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.core.faults import Kind
from gateway.core.hole import HoleKind
from gateway.core.refinement import FailureStrategy, HoleStatus, RefineHole, RefineOptions
from gateway.ensemble.refine.graph import mistakes_in_graph, waves
from gateway.ensemble.refine.source import cut, find_slots
from gateway.ensemble.refine.splitting import parts_of
from gateway.ensemble.refine.statuses import OPEN
from tests.fakes.ensemble import says
from tests.fakes.refining import BAD, hole, python_source, refined, writes

NAMES = [f"h{number}" for number in range(7)]
STRATEGIES = st.sampled_from(list(FailureStrategy))
KINDS = st.sampled_from(["expression", "statement", "block", "function", "unspecified"])


@st.composite
def plans(draw: st.DrawFn) -> list[RefineHole]:
    """Holes in any order whose dependencies go in no circle."""
    names = NAMES[: draw(st.integers(1, len(NAMES)))]
    holes = [
        hole(
            name,
            *draw(st.lists(st.sampled_from(names[:place]), max_size=3, unique=True))
            if place
            else (),
            kind=draw(KINDS),
            on_failure=draw(STRATEGIES),
        )
        for place, name in enumerate(names)
    ]
    return draw(st.permutations(holes))


def source_of(holes: list[RefineHole]) -> str:
    return "".join(f"{one.id} = {one.marker}\n" for one in holes)


def all_ids(holes: list[RefineHole]) -> list[str]:
    """The ids of the holes and of every part that they may be split into."""
    ids: list[str] = []
    left = list(holes)
    while left:
        one = left.pop()
        ids.append(one.id)
        left += parts_of(one)
    return ids


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[RefineHole], dict[str, list[str]], bool]:
    """Holes and what is written for each of them, good and bad texts one after the other."""
    holes = draw(plans())
    text = st.lists(st.sampled_from([BAD, "1"]), min_size=1, max_size=3)
    return holes, {name: draw(text) for name in all_ids(holes)}, draw(st.booleans())


@settings(deadline=None, max_examples=60)
@given(cases())
def test_every_hole_ends_and_nothing_is_tried_too_early(case) -> None:
    """P-05 and P-08: the promises hold for any graph, any strategy and any texts."""
    holes, texts, parallel = case
    done = refined(
        {"x": writes(texts), "y": writes(texts)},
        python_source(source_of(holes)),
        holes,
        parallel=parallel,
        max_iterations=5,
        settings={"max_attempts": 1},
    )
    states = {one.id: one for one in done.report.holes}
    assert all(one.status not in OPEN for one in states.values())
    filled = {name for name, one in states.items() if one.status is HoleStatus.FILLED}
    told: set[str] = set()
    before = {one.id: set(one.depends_on) for one in holes}
    for event in done.progress:
        one = event.hole
        if one.status is HoleStatus.IN_PROGRESS:
            assert before.get(one.id, set()) <= told
        if one.status is HoleStatus.FILLED:
            told.add(one.id)
        assert event.filled == len(told)
    assert told == filled
    for one in holes:
        unmet = {other for other in one.depends_on if other not in filled}
        assert (states[one.id].status is HoleStatus.BLOCKED) == bool(unmet)
    expected = source_of(holes)
    for one in holes:
        if one.id in filled:
            expected = expected.replace(one.marker, states[one.id].fill)
    assert done.text == expected
    assert done.report.complete == (filled == set(states))
    assert done.report.iterations <= 5


@settings(deadline=None, max_examples=100)
@given(plans(), st.data())
def test_a_circle_is_always_refused(holes: list[RefineHole], data) -> None:
    """P-05: whatever else depends on what."""
    order = [name for wave in waves(holes) for name in wave]
    size = data.draw(st.integers(2, 7))
    circle = order[:size]
    if len(circle) < 2:
        return
    places = {one.id: place for place, one in enumerate(holes)}
    for name, other in zip(circle, [*circle[1:], circle[0]], strict=True):
        old = holes[places[name]]
        kind = str(HoleKind.EXPRESSION)
        holes[places[name]] = hole(name, *old.depends_on, other, kind=kind)
    found = list(mistakes_in_graph(holes, RefineOptions()))
    assert found
    assert all("circle" in one.description for one in found)
    done = refined({"e": says("1")}, python_source(source_of(holes)), holes)
    assert (done.fault.kind, done.asked) == (Kind.INVALID, [])


TEXTS = st.text(alphabet="ab<>\n ", max_size=12)


@settings(deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=5), st.data())
@example(["<", ">>"], None)
def test_each_fill_stands_in_the_text_exactly_once(texts: list[str], data) -> None:
    """P-08: put in place of its marker, whatever the texts and the fills look like."""
    holes = [hole(f"h{place}") for place in range(len(texts) - 1)]
    text = texts[0] + "".join(
        one.marker + after for one, after in zip(holes, texts[1:], strict=True)
    )
    slots, mistakes = find_slots(text, holes)
    assert mistakes == ()
    source = cut(text, holes, slots)
    assert list(source.texts) == texts
    fills = {one.id: data.draw(TEXTS) if data else one.marker for one in holes}
    whole = texts[0] + "".join(
        fills[one.id] + after for one, after in zip(holes, texts[1:], strict=True)
    )
    assert source.whole(fills) == whole
    for one in holes:
        before, after = source.around(one.id, fills)
        assert before + fills[one.id] + after == whole
