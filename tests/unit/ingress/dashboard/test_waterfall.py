"""Stages laid out in the tree and in time."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.trace import Stage, StageStatus
from gateway.ingress.dashboard.waterfall import MAX_CHARS, MAX_DEPTH, WIDTH, waterfall
from tests.fakes.dashboards import trace


def stage(number: int, parent: int, begin: float, took: float, **fields: object) -> Stage:
    made = Stage(number, parent, f"s{number}", StageStatus.OK, begin, took, took)
    return replace(made, **fields)  # type: ignore[arg-type]


def test_each_stage_stands_below_what_it_is_part_of() -> None:
    stages = (
        stage(1, 0, 0.0, 0.1),
        stage(2, 0, 0.1, 0.9),
        stage(3, 2, 0.2, 0.1),
        stage(4, 3, 0.2, 0.1),
        stage(5, 2, 0.5, 0.4),
    )
    rows = waterfall(trace(1, stages=stages[::-1], elapsed_s=1.0))
    assert [(row.stage.id, row.depth) for row in rows] == [(1, 0), (2, 0), (3, 1), (4, 2), (5, 1)]


def test_own_time_is_what_no_stage_inside_covers() -> None:
    stages = (
        stage(1, 0, 0.0, 1.0),
        stage(2, 1, 0.2, 0.3),
        stage(3, 1, 0.4, 0.2),
    )
    first, second, _ = waterfall(trace(1, stages=stages, elapsed_s=1.0))
    assert first.bar == (0.0, 1000.0)
    assert first.own == ((0.0, 200.0), (600.0, 400.0))
    assert second.own == (second.bar,)


def test_a_stage_that_failed_or_stopped_does_not_end_well() -> None:
    stages = tuple(
        stage(number, 0, 0.0, 0.1, status=status) for number, status in enumerate(StageStatus, 1)
    )
    rows = waterfall(trace(1, stages=stages, elapsed_s=1.0))
    well = {row.stage.status for row in rows if row.ended_well}
    assert well == {StageStatus.OK, StageStatus.SKIPPED}


def test_what_a_stage_told_is_words_without_what_says_nothing() -> None:
    told = (
        ("zero", 0),
        ("no", False),
        ("nothing", None),
        ("empty", ""),
        ("endpoint", "a"),
        ("why", "slow"),
        ("list", ["ü", 1]),
        ("long", "x" * 5000),
    )
    (row,) = waterfall(trace(1, stages=(stage(1, 0, 0, 1, attributes=told),)))
    assert row.gist == "a, slow"
    assert row.attributes[:-1] == (
        ("zero", "0"),
        ("no", "false"),
        ("endpoint", "a"),
        ("why", "slow"),
        ("list", '["ü", 1]'),
    )
    assert row.attributes[-1] == ("long", f"{'x' * MAX_CHARS}… (5000 characters)")


def test_a_gist_is_short() -> None:
    told = (("message", "y" * 500),)
    (row,) = waterfall(trace(1, stages=(stage(1, 0, 0, 1, attributes=told),)))
    assert len(row.gist) == 141


SECONDS = st.floats(0, 100, allow_nan=False)
STAGES = st.lists(st.tuples(st.integers(0, 30), SECONDS, SECONDS), max_size=25).map(
    lambda rows: tuple(
        stage(number, parent, begin, took) for number, (parent, begin, took) in enumerate(rows, 1)
    )
)


@given(STAGES, SECONDS)
def test_every_stage_is_there_once_and_inside_the_drawing(
    stages: tuple[Stage, ...], elapsed_s: float
) -> None:
    rows = waterfall(trace(1, stages=stages, elapsed_s=elapsed_s))
    assert sorted(row.stage.id for row in rows) == [one.id for one in stages]
    for row in rows:
        assert 0 <= row.depth <= MAX_DEPTH
        for begin, width in (row.bar, *row.own):
            assert begin >= 0
            assert width > 0
            assert begin + width <= WIDTH + 0.02
