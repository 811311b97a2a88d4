from __future__ import annotations

from threading import Barrier, Thread

import pytest

from gateway.state.intake import Intake


def test_items_come_out_in_the_order_of_their_coming() -> None:
    intake: Intake[int] = Intake(10)
    assert all(intake.offer(number) for number in range(5))
    assert (intake.take(3), len(intake)) == ([0, 1, 2], 2)
    assert (intake.take(3), intake.take(3)) == ([3, 4], [])


def test_a_full_intake_refuses_and_counts_and_keeps_what_it_has() -> None:
    intake: Intake[int] = Intake(2)
    assert [intake.offer(number) for number in range(5)] == [True, True, False, False, False]
    assert (intake.taken, intake.dropped) == (2, 3)
    assert intake.take(9) == [0, 1]
    assert intake.offer(5)
    assert (intake.taken, intake.dropped) == (3, 3)


def test_only_what_comes_into_an_empty_intake_signals() -> None:
    intake: Intake[int] = Intake(2)
    told: list[int] = []
    intake.signal = lambda: told.append(len(intake))
    for number in range(4):
        intake.offer(number)
    assert told == [1]
    intake.take(1)
    intake.offer(4)
    assert told == [1]
    intake.take(2)
    intake.offer(5)
    assert told == [1, 1]


def test_whoever_is_signalled_may_take_at_once() -> None:
    """It is called without the lock."""
    intake: Intake[int] = Intake(2)
    taken: list[int] = []
    intake.signal = lambda: taken.extend(intake.take(2))
    assert intake.offer(1)
    assert intake.offer(2)
    assert taken == [1, 2]


def test_threads_lose_nothing_and_count_everything() -> None:
    intake: Intake[tuple[int, int]] = Intake(700)
    start = Barrier(4)

    def offer(thread: int) -> None:
        start.wait()
        for number in range(300):
            intake.offer((thread, number))

    threads = [Thread(target=offer, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (intake.taken, intake.dropped) == (700, 500)
    found = intake.take(1000)
    assert len(set(found)) == 700
    for thread in range(4):
        mine = [number for one, number in found if one == thread]
        assert mine == sorted(mine)


def test_an_intake_without_room_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="limit"):
        Intake(0)
