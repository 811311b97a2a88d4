"""Load of replicas: peak EWMA, two choices, sessions."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Callable, Iterable

import pytest

from gateway.core.endpoint import Endpoint
from gateway.core.outcome import Outcome
from gateway.state.load import Load, LoadSettings
from tests.fakes.virtual import VirtualClock

SESSIONS = [f"session-{number}" for number in range(400)]


def load_of(
    clock: VirtualClock,
    *,
    draws: Iterable[float] = (0.0,),
    settings: LoadSettings | None = None,
    **weights: float,
) -> Load:
    replicas = [Endpoint(name, group="g", weight=weight) for name, weight in weights.items()]
    drawn = itertools.cycle(draws)
    return Load(replicas, settings or LoadSettings(), clock, lambda: next(drawn))


def estimate(load: Load, name: str) -> float:
    return load._faded(load._cells[name], load._clock())


def called(load: Load, name: str, seconds: float, outcome: Outcome = Outcome.SUCCESS) -> None:
    load.started(name)
    load.ended(name, outcome, seconds)


def both_ways(clock: VirtualClock, prepare: Callable[[Load], None]) -> set[str]:
    """What is picked of `a` and `b`, whichever is drawn first."""
    picked: set[str] = set()
    for draw in (0.0, 0.9):
        load = load_of(clock, draws=[draw], a=1.0, b=1.0)
        prepare(load)
        picked.add(load.pick(["a", "b"]))
    return picked


# Latency


def test_a_peak_counts_at_once_and_fades_with_tau() -> None:
    clock = VirtualClock()
    load = load_of(clock, a=1.0, b=1.0)
    called(load, "a", 1.0)
    called(load, "b", 1.0)
    called(load, "a", 5.0)
    assert estimate(load, "a") == 5.0
    clock.now += 10
    assert estimate(load, "a") == pytest.approx(1.0 + 4.0 * 0.3679, abs=0.001)
    clock.now += 1000
    assert estimate(load, "a") == pytest.approx(1.0)


def test_a_quicker_answer_pulls_the_average_down_by_the_time_since_the_last() -> None:
    clock = VirtualClock()
    load = load_of(clock, a=1.0, b=1.0)
    called(load, "b", 1.0)
    called(load, "a", 8.0)
    called(load, "a", 6.0)
    assert estimate(load, "a") == 8.0
    clock.now += 10
    called(load, "a", 6.0)
    assert estimate(load, "a") == pytest.approx(6.0 + 2.0 * 0.3679, abs=0.001)


def test_an_estimate_never_falls_below_what_is_usual_for_the_fastest() -> None:
    """One short answer after a quiet time must not make a replica a hundred times better."""
    clock = VirtualClock()
    load = load_of(clock, a=1.0, b=1.0)
    for name in ("a", "b") * 20:
        called(load, name, 5.0)
    clock.now += 600
    called(load, "b", 0.05)
    assert estimate(load, "b") > 4.0
    assert estimate(load, "a") > 4.0


def test_after_a_quiet_time_a_burst_is_spread() -> None:
    """With estimates that fade to 0 all calls go to the replica that answers last."""
    clock = VirtualClock()
    load = load_of(clock, draws=[0.1, 0.7, 0.4], a=1.0, b=1.0)
    for name in ("a", "b"):
        called(load, name, 5.0)
    clock.now += 600
    called(load, "a", 5.0)
    for _ in range(20):
        load.started(load.pick(["a", "b"]))
    assert [cell.in_flight for cell in load._cells.values()] == [10, 10]


def test_a_call_that_counts_neither_way_only_shows_that_it_took_long() -> None:
    clock = VirtualClock()
    load = load_of(clock, a=1.0, b=1.0)
    called(load, "a", 9.0, Outcome.NOT_COUNTED)
    assert estimate(load, "a") == 0.0
    called(load, "b", 1.0)
    called(load, "a", 0.5, Outcome.NOT_COUNTED)
    assert estimate(load, "a") == 0.0
    called(load, "a", 3.0, Outcome.NOT_COUNTED)
    assert estimate(load, "a") == 3.0
    called(load, "a", 2.0, Outcome.NOT_COUNTED)
    assert estimate(load, "a") == 3.0


# Failures


def test_a_replica_that_fails_at_once_is_not_the_favourite() -> None:
    """The black hole: by latency alone, who fails in 1 ms is a thousand times better."""
    clock = VirtualClock()

    def prepare(load: Load) -> None:
        called(load, "a", 1.0)
        called(load, "b", 1.0)
        called(load, "b", 0.001, Outcome.FAILURE)

    assert both_ways(clock, prepare) == {"a"}


def test_a_new_replica_that_fails_at_once_is_not_the_favourite_either() -> None:
    clock = VirtualClock()

    def prepare(load: Load) -> None:
        called(load, "b", 0.001, Outcome.FAILURE)
        called(load, "a", 0.5)

    assert both_ways(clock, prepare) == {"a"}


def test_a_replica_that_fails_gets_no_calls_while_another_has_yet_to_answer() -> None:
    """Models take seconds to answer for the first time, in which a failure takes none."""
    clock = VirtualClock()

    def prepare(load: Load) -> None:
        called(load, "b", 0.001, Outcome.FAILURE)
        for _ in range(20):
            load.started("a")

    assert both_ways(clock, prepare) == {"a"}


def test_a_replica_that_fails_gets_no_calls_because_the_other_is_busy() -> None:
    """It is idle only because it fails at once; it is tried again when that has faded."""
    clock = VirtualClock()

    def prepare(wait_s: float) -> Callable[[Load], None]:
        def failed(load: Load) -> None:
            called(load, "a", 1.0)
            called(load, "b", 0.001, Outcome.FAILURE)
            for _ in range(50):
                load.started("a")
            clock.now += wait_s

        return failed

    assert both_ways(clock, prepare(10)) == {"a"}
    assert both_ways(clock, prepare(20)) == {"b"}


def test_a_failure_counts_against_the_slowest_of_the_others() -> None:
    """Else one short answer, from which the usual is guessed, makes failing the quickest."""
    load = load_of(VirtualClock(), a=1.0, b=1.0)
    called(load, "a", 0.1)
    called(load, "a", 10.0)
    called(load, "b", 0.001, Outcome.FAILURE)
    assert estimate(load, "b") == 50.0


def test_one_answer_ends_the_suspicion() -> None:
    load = load_of(VirtualClock(), a=1.0, b=1.0)
    called(load, "a", 0.0, Outcome.FAILURE)
    called(load, "a", 0.0, Outcome.NOT_COUNTED)
    assert load._cells["a"].failing
    called(load, "a", 1.0)
    load.started("b")
    assert load.pick(["a", "b"]) == "a"


def test_failures_in_a_row_count_for_more_but_are_bounded_and_forgotten() -> None:
    clock = VirtualClock()
    load = load_of(clock, a=1.0, b=1.0)
    called(load, "a", 2.0)
    called(load, "b", 2.0)
    seen: list[float] = []
    for _ in range(4):
        called(load, "b", 0.0, Outcome.FAILURE)
        seen.append(estimate(load, "b"))
    assert seen == [10.0, 50.0, 50.0, 50.0]
    clock.now += 40
    assert estimate(load, "b") < 2 * 2.0


def test_a_failure_that_took_long_counts_with_its_time() -> None:
    clock = VirtualClock()
    load = load_of(clock, a=1.0)
    called(load, "a", 2.0)
    called(load, "a", 300.0, Outcome.FAILURE)
    assert estimate(load, "a") == 300.0
    called(load, "a", 0.0, Outcome.FAILURE)
    assert estimate(load, "a") == 300.0


# Calls in flight


def test_litellm_40401_a_count_in_flight_is_never_negative() -> None:
    """LiteLLM PR #40401: a count below 0 drew 93.7 % of the traffic to one of four backends."""

    def defective(ends: int) -> int:
        return 0 - ends

    clock = VirtualClock()
    load = load_of(clock, draws=[0.0, 0.5, 0.9], a=1.0, b=1.0)
    for name in ("a", "b"):
        called(load, name, 1.0)
    for _ in range(3):
        load.ended("a", Outcome.SUCCESS, 1.0)
    assert defective(3) == -3
    assert load._cells["a"].in_flight == 0
    for _ in range(8):
        load.started(load.pick(["a", "b"]))
    assert load._cells["a"].in_flight == 4


def test_a_replica_of_another_group_is_a_bug() -> None:
    load = load_of(VirtualClock(), a=1.0)
    with pytest.raises(KeyError):
        load.started("z")
    with pytest.raises(KeyError):
        load.ended("z", Outcome.SUCCESS, 1.0)


# Two choices


def test_the_one_with_less_to_do_wins_whichever_is_drawn_first() -> None:
    clock = VirtualClock()

    def prepare(load: Load) -> None:
        for name in ("a", "b"):
            called(load, name, 1.0)
        load.started("b")

    assert both_ways(clock, prepare) == {"a"}


def test_the_much_slower_one_waits_until_the_other_has_as_much_to_do() -> None:
    clock = VirtualClock()

    def busy(calls: int) -> Callable[[Load], None]:
        def prepare(load: Load) -> None:
            called(load, "a", 1.0)
            called(load, "b", 4.0)
            for _ in range(calls):
                load.started("a")

        return prepare

    assert [both_ways(clock, busy(calls)) for calls in (0, 3, 4)] == [{"a"}, {"a"}, {"b"}]


def test_a_new_replica_gets_one_call_at_once_and_no_second_before_it_answers() -> None:
    clock = VirtualClock()

    def prepare(load: Load) -> None:
        called(load, "a", 1.0)
        for _ in range(3):
            load.started("a")

    def probed(load: Load) -> None:
        prepare(load)
        load.started("b")

    assert both_ways(clock, prepare) == {"b"}
    assert both_ways(clock, probed) == {"a"}


def test_new_replicas_share_the_first_calls() -> None:
    load = load_of(VirtualClock(), draws=[0.0, 0.4, 0.9], a=1.0, b=1.0, c=1.0)
    for _ in range(30):
        load.started(load.pick(["a", "b", "c"]))
    assert all(9 <= cell.in_flight <= 11 for cell in load._cells.values())


def test_one_candidate_is_taken_without_a_draw() -> None:
    load = load_of(VirtualClock(), draws=[], a=1.0, b=1.0)
    assert load.pick(["b"]) == "b"


@pytest.mark.parametrize("at_once", [1, 2, 8, 40])
def test_weights_are_shares_in_light_and_in_heavy_traffic(at_once: int) -> None:
    clock, draw = VirtualClock(), random.Random(7).random
    replicas = [Endpoint("a", weight=3.0), Endpoint("b", weight=1.0)]
    load = Load(replicas, LoadSettings(), clock, draw)
    running: list[str] = []
    picked: Counter[str] = Counter()
    for _ in range(4000):
        if len(running) == at_once:
            clock.now += 1.0 / at_once
            load.ended(running.pop(0), Outcome.SUCCESS, 1.0)
        name = load.pick(["a", "b"])
        load.started(name)
        running.append(name)
        picked[name] += 1
    assert picked["a"] / picked.total() == pytest.approx(0.75, abs=0.06)


# Sessions


def by_session(clock: VirtualClock, **weights: float) -> Load:
    return load_of(clock, settings=LoadSettings(by_session=True), **weights)


def test_a_session_stays_on_its_replica() -> None:
    clock = VirtualClock()
    load, again = by_session(clock, a=1, b=1, c=1), by_session(clock, c=1, b=1, a=1)
    homes = {session: load.pick(["a", "b", "c"], session) for session in SESSIONS}
    assert homes == {session: again.pick(["c", "a", "b"], session) for session in SESSIONS}
    assert len(set(homes.values())) == 3


def test_the_hash_is_the_same_in_every_process() -> None:
    load = by_session(VirtualClock(), a=1, b=1, c=1)
    homes = [load.pick(["a", "b", "c"], f"s{number}") for number in range(8)]
    assert "".join(homes) == "bbabbabc"


def test_sessions_are_shared_by_weight() -> None:
    load = by_session(VirtualClock(), a=3, b=1)
    homes = Counter(load.pick(["a", "b"], session) for session in SESSIONS)
    assert homes["a"] / len(SESSIONS) == pytest.approx(0.75, abs=0.06)


def test_without_a_session_or_without_the_wish_two_are_drawn() -> None:
    clock = VirtualClock()
    for load, session in (
        (by_session(clock, a=1, b=1), ""),
        (load_of(clock, a=1, b=1), "session"),
    ):
        load.started("a")
        assert load.pick(["a", "b"], session) == "b"


def test_a_replica_with_more_than_its_bounded_share_is_passed_over() -> None:
    load = by_session(VirtualClock(), a=1, b=1, c=1)
    home = load.pick(["a", "b", "c"], "hot")
    taken: list[str] = []
    for _ in range(12):
        taken.append(load.pick(["a", "b", "c"], "hot"))
        load.started(taken[-1])
    counts = Counter(taken)
    assert counts.most_common(1)[0][0] == home
    assert max(counts.values()) <= 5  # 1.25 x 12 / 3
    assert len(counts) == 3


def test_a_bound_counts_weights() -> None:
    load = by_session(VirtualClock(), a=9, b=1)
    session = next(one for one in SESSIONS if load.pick(["a", "b"], one) == "a")
    for _ in range(9):
        load.started("a")
    assert load.pick(["a", "b"], session) == "a"


def test_a_session_id_may_hold_any_character() -> None:
    load = by_session(VirtualClock(), a=1, b=1)
    assert load.pick(["a", "b"], "\ud800\0") in {"a", "b"}


# Settings


@pytest.mark.parametrize(
    ("field", "setting"),
    [("tau_s", 0.0), ("failure_factor", 0.9), ("spread", 1.0), ("tau_s", float("nan"))],
)
def test_settings_that_make_no_sense_are_refused_by_name(field: str, setting: float) -> None:
    with pytest.raises(ValueError, match=f"{field} must be"):
        LoadSettings(**{field: setting})
