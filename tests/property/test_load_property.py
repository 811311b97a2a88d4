"""Balancing over arbitrary groups, weights, sessions and interleavings."""

from __future__ import annotations

import random
from threading import Thread

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.endpoint import Endpoint
from gateway.core.outcome import Outcome
from gateway.state.load import Load, LoadSettings
from tests.fakes.virtual import VirtualClock

WEIGHT = st.floats(0.1, 10)
DRAW = st.floats(0, 1, exclude_max=True)
GROUP = st.lists(WEIGHT, min_size=2, max_size=8)
FEW = settings(max_examples=60, deadline=None)


def replicas_of(weights: list[float]) -> list[Endpoint]:
    return [Endpoint(f"r{place}", group="g", weight=weight) for place, weight in enumerate(weights)]


def load_of(weights: list[float], *, by_session: bool = False, draw=lambda: 0.5) -> Load:
    return Load(replicas_of(weights), LoadSettings(by_session=by_session), VirtualClock(), draw)


@FEW
@given(GROUP, st.data())
def test_a_replica_that_leaves_moves_its_own_sessions_only(
    weights: list[float], data: st.DataObject
) -> None:
    load = load_of(weights, by_session=True)
    names = [replica.name for replica in replicas_of(weights)]
    gone = data.draw(st.sampled_from(names))
    rest = [name for name in names if name != gone]
    for number in range(100):
        home = load.pick(names, f"s{number}")
        after = load.pick(rest, f"s{number}")
        assert home in {after, gone}


def test_one_of_n_equal_replicas_has_one_nth_of_the_sessions() -> None:
    for count in (2, 3, 5, 10):
        load = load_of([1.0] * count, by_session=True)
        names = [f"r{place}" for place in range(count)]
        homes = [load.pick(names, f"s{number}") for number in range(3000)]
        for name in names:
            assert abs(homes.count(name) / 3000 - 1 / count) < 0.03


@FEW
@given(GROUP, st.lists(st.integers(0, 12), min_size=8, max_size=8), st.data())
def test_two_choices_never_take_the_busier(
    weights: list[float], calls: list[int], data: st.DataObject
) -> None:
    """Never one that already has as much to do as the other would have with this call."""
    draws = data.draw(st.lists(DRAW, min_size=2, max_size=2))
    seconds = data.draw(st.lists(st.floats(0.01, 60), min_size=8, max_size=8))
    left = iter(draws)
    load = load_of(weights, draw=lambda: next(left))
    for replica, running, taken in zip(replicas_of(weights), calls, seconds, strict=False):
        load.ended(replica.name, Outcome.SUCCESS, taken)
        for _ in range(running):
            load.started(replica.name)
    cells = list(load._cells.values())
    pair = drawn_pair(cells, draws)
    picked = load._cells[load.pick([cell.name for cell in cells])]
    assert picked in pair
    (other,) = [cell for cell in pair if cell is not picked]
    now = load._clock()
    has = load._faded(picked, now) * picked.in_flight / picked.weight
    would_have = load._faded(other, now) * (other.in_flight + 1) / other.weight
    assert has < would_have


def drawn_pair(cells, draws):
    first = by_weight(cells, draws[0])
    return first, by_weight([cell for cell in cells if cell is not first], draws[1])


def by_weight(cells, drawn: float):
    left = drawn * sum(cell.weight for cell in cells)
    for cell in cells[:-1]:
        left -= cell.weight
        if left < 0:
            return cell
    return cells[-1]


@FEW
@given(st.integers(2, 6), st.lists(st.integers(0, 12), min_size=6, max_size=6), DRAW, DRAW)
def test_of_equals_the_one_with_more_in_flight_is_never_taken(
    count: int, calls: list[int], one: float, two: float
) -> None:
    left = iter((one, two))
    load = load_of([1.0] * count, draw=lambda: next(left))
    for name, running in zip(load._cells, calls, strict=False):
        load.ended(name, Outcome.SUCCESS, 1.0)
        for _ in range(running):
            load.started(name)
    cells = list(load._cells.values())
    pair = drawn_pair(cells, (one, two))
    picked = load.pick(list(load._cells))
    assert load._cells[picked].in_flight == min(cell.in_flight for cell in pair)


@FEW
@given(st.integers(2, 5), st.integers(0, 2**32))
def test_shares_follow_weights_over_a_seeded_sequence(count: int, seed: int) -> None:
    chance = random.Random(seed)
    weights = [float(chance.randint(1, 5)) for _ in range(count)]
    load = load_of(weights, draw=chance.random)
    names = list(load._cells)
    running: list[str] = []
    picked = dict.fromkeys(names, 0)
    for _ in range(1500):
        if len(running) == 4:
            load.ended(running.pop(0), Outcome.SUCCESS, 1.0)
        name = load.pick(names)
        load.started(name)
        running.append(name)
        picked[name] += 1
    for name, weight in zip(names, weights, strict=True):
        assert abs(picked[name] / 1500 - weight / sum(weights)) < 0.12


@FEW
@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.booleans(), st.sampled_from(Outcome))),
)
def test_calls_in_flight_are_those_begun_and_not_ended(
    steps: list[tuple[str, bool, Outcome]],
) -> None:
    load = Load([Endpoint(name) for name in "abc"], LoadSettings(), VirtualClock(), lambda: 0.5)
    running = dict.fromkeys("abc", 0)
    for name, begins, outcome in steps:
        if begins:
            load.started(name)
            running[name] += 1
        else:
            load.ended(name, outcome, 0.5)
            running[name] = max(0, running[name] - 1)
        assert {one: cell.in_flight for one, cell in load._cells.items()} == running


def test_no_call_is_lost_between_threads() -> None:
    load = Load([Endpoint(name) for name in "abc"], LoadSettings(), VirtualClock(), lambda: 0.5)
    for name in "abc":
        load.started(name)

    def work() -> None:
        for _ in range(300):
            name = load.pick(["a", "b", "c"])
            load.started(name)
            load.ended(name, Outcome.SUCCESS, 0.1)

    threads = [Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [cell.in_flight for cell in load._cells.values()] == [1, 1, 1]
