from __future__ import annotations

import pytest

from gateway.core.hole import Priority
from gateway.state.lanes import WEIGHTS, Ticket
from gateway.state.queue import (
    LEFT,
    QUEUED,
    RUNNING,
    SHED,
    AdmissionQueue,
    AdmissionSettings,
    Shed,
)
from tests.fakes.virtual import VirtualClock

INTERACTIVE, STANDARD, BATCH = Priority.INTERACTIVE, Priority.STANDARD, Priority.BATCH
HOUR = 3600.0


def queue(clock: VirtualClock | None = None, **settings) -> AdmissionQueue:
    settings.setdefault("max_running", 1)
    return AdmissionQueue(AdmissionSettings(**settings), clock or VirtualClock())


def full(clock: VirtualClock | None = None, **settings) -> AdmissionQueue:
    """Return a queue whose every slot is taken."""
    made = queue(clock, **settings)
    while made.enter():
        pass
    return made


def park(made: AdmissionQueue, tenant: str = "", priority: Priority = STANDARD) -> Ticket:
    ticket, displaced = made.offer(tenant, priority, HOUR)
    assert displaced is None
    assert ticket.state == QUEUED
    return ticket


def grants(made: AdmissionQueue, number: int) -> list[Ticket]:
    woken = [made.finish() for _ in range(number)]
    return [ticket for ticket in woken if ticket is not None]


def shed(made: AdmissionQueue, why: Shed) -> int:
    return made.read().shed[why]


# Slots


def test_so_many_run_at_once_and_no_more() -> None:
    made = queue(max_running=2)
    assert [made.enter() for _ in range(3)] == [True, True, False]
    assert made.finish() is None
    assert made.running == 1
    assert made.enter()


def test_an_offer_finds_a_slot_that_is_free() -> None:
    made = queue()
    ticket, displaced = made.offer("", STANDARD, HOUR)
    assert (ticket.state, displaced, made.running) == (RUNNING, None, 1)


def test_a_slot_that_is_freed_twice_is_a_bug_and_counts_nothing() -> None:
    made = queue()
    with pytest.raises(ValueError, match="freed"):
        made.finish()
    assert made.running == 0


def test_a_request_that_ends_hands_its_slot_to_the_first_that_waits() -> None:
    made = full()
    first, second = park(made), park(made)
    assert [made.finish(), made.running] == [first, 1]
    assert [made.finish(), made.running] == [second, 1]
    assert [made.finish(), made.running] == [None, 0]
    assert first.state == RUNNING


def test_one_grant_for_each_request_that_ends() -> None:
    made = full(max_running=2)
    for _ in range(3):
        park(made)
    assert len(grants(made, 1)) == 1
    assert made.read().queued == 2


# Tenants and classes


def test_tenants_that_wait_are_served_in_turn_and_each_in_its_order() -> None:
    made = full()
    heavy = [park(made, "heavy") for _ in range(4)]
    light = [park(made, "light") for _ in range(2)]
    nobody = park(made, "")
    assert grants(made, 7) == [heavy[0], light[0], nobody, heavy[1], light[1], heavy[2], heavy[3]]


def test_a_tenant_that_comes_back_has_its_turn_last() -> None:
    made = full()
    a = [park(made, "a"), park(made, "a")]
    b = park(made, "b")
    assert made.finish() is a[0]
    c = park(made, "c")
    assert made.finish() is b
    back = park(made, "b")
    assert grants(made, 3) == [a[1], c, back]


def test_a_higher_class_is_served_more_often_by_its_weight() -> None:
    made = full(max_queued=300)
    for priority in Priority:
        for _ in range(100):
            park(made, "", priority)
    served = [ticket.priority for ticket in grants(made, 21 * 4)]
    assert {priority: served.count(priority) for priority in Priority} == {
        INTERACTIVE: 64,
        STANDARD: 16,
        BATCH: 4,
    }
    assert served[0] is INTERACTIVE


def test_batch_never_starves_under_a_flood_of_higher_classes() -> None:
    made = full(max_queued=1000)
    for _ in range(100):
        park(made, "", INTERACTIVE)
        park(made, "", STANDARD)
    patient = park(made, "", BATCH)
    waited = 0
    while made.finish() is not patient:
        waited += 1
        park(made, "", INTERACTIVE)
        park(made, "", STANDARD)
    assert waited == 16 + 4


def test_a_class_that_idled_saves_nothing_up() -> None:
    made = full(max_queued=1000)
    for _ in range(50):
        park(made, "", BATCH)
    grants(made, 40)
    for _ in range(30):
        park(made, "", INTERACTIVE)
        park(made, "", BATCH)
    served = [ticket.priority for ticket in grants(made, 17)]
    assert served.count(BATCH) == 1
    assert served[0] is INTERACTIVE


def test_weights_divide_so_that_passes_stay_whole() -> None:
    assert all(max(WEIGHTS.values()) % weight == 0 for weight in WEIGHTS.values())
    assert list(WEIGHTS) == [INTERACTIVE, STANDARD, BATCH]


# Who is turned away


def test_a_full_queue_refuses_and_says_when_to_come_again() -> None:
    made = full(max_queued=1)
    park(made)
    ticket, _ = made.offer("", STANDARD, HOUR)
    assert ticket.state == SHED
    assert ticket.refusal is not None
    assert ticket.refusal.words == (
        "the gateway is overloaded, 1 requests run and 1 wait: the queue is full"
    )
    assert ticket.refusal.retry_after_s == 1.0
    assert shed(made, Shed.QUEUE_FULL) == 1
    assert made.read().queued == 1


def test_without_a_queue_what_does_not_run_is_refused() -> None:
    made = full(max_queued=0)
    ticket, displaced = made.offer("", INTERACTIVE, HOUR)
    assert (ticket.state, displaced) == (SHED, None)


def test_a_tenant_may_fill_its_part_of_the_queue_only_over_all_its_classes() -> None:
    made = full(max_queued=10, max_queued_per_tenant=2)
    park(made, "heavy", BATCH)
    park(made, "heavy", STANDARD)
    ticket, _ = made.offer("heavy", INTERACTIVE, HOUR)
    assert ticket.state == SHED
    assert shed(made, Shed.TENANT_FULL) == 1
    park(made, "light")
    made.finish()
    park(made, "heavy")


def test_a_higher_class_takes_the_place_of_the_newest_of_the_lowest() -> None:
    made = full(max_queued=4)
    old, new = park(made, "a", BATCH), park(made, "b", BATCH)
    normal = park(made, "a", STANDARD)
    park(made, "a", INTERACTIVE)
    ticket, displaced = made.offer("c", STANDARD, HOUR)
    assert ticket.state == QUEUED
    assert displaced is new
    assert displaced.state == SHED
    assert displaced.refusal is not None
    assert displaced.refusal.words.endswith("a higher class took its place in the full queue")
    assert made.offer("c", INTERACTIVE, HOUR)[1] is old
    assert made.offer("c", STANDARD, HOUR)[0].state == SHED
    assert made.offer("c", INTERACTIVE, HOUR)[1] is ticket
    assert made.offer("c", INTERACTIVE, HOUR)[1] is normal
    assert made.offer("c", INTERACTIVE, HOUR)[0].state == SHED
    assert shed(made, Shed.DISPLACED) == 4
    assert shed(made, Shed.QUEUE_FULL) == 2
    assert made.read().queued == 4


def test_an_equal_class_displaces_nobody() -> None:
    made = full(max_queued=1)
    park(made, "a", BATCH)
    assert made.offer("b", BATCH, HOUR)[0].state == SHED


def paced(clock: VirtualClock, every_s: float, **settings) -> AdmissionQueue:
    """Return a full queue, empty but for one, that frees a slot every so often."""
    made = full(clock, **settings)
    park(made)
    for _ in range(50):
        clock.now += every_s
        made.finish()
        park(made)
    return made


@pytest.mark.parametrize("share", [0.5, 1.0])
def test_a_request_whose_turn_would_leave_it_too_little_time_is_refused_at_once(share) -> None:
    clock = VirtualClock()
    made = paced(clock, 0.5, wait_share=share)
    assert made.offer("", STANDARD, 0.9 / share)[0].state == SHED
    assert shed(made, Shed.TOO_LATE) == 1
    assert made.offer("", STANDARD, 1.1 / share)[0].state == QUEUED


def test_a_request_that_would_wait_longer_than_allowed_is_refused_at_once() -> None:
    clock = VirtualClock()
    made = paced(clock, 5.0, max_wait_s=9.0)
    assert made.offer("", STANDARD, HOUR)[0].state == SHED


def test_a_higher_class_is_judged_by_its_own_place_in_the_queue() -> None:
    clock = VirtualClock()
    made = paced(clock, 0.5)
    for _ in range(20):
        park(made, "", BATCH)
    assert made.offer("", STANDARD, 10.0)[0].state == QUEUED
    assert made.offer("", BATCH, 10.0)[0].state == SHED


def test_a_light_tenant_is_judged_by_its_turn_not_by_the_line_of_a_heavy_one() -> None:
    clock = VirtualClock()
    made = paced(clock, 0.5)
    for _ in range(50):
        park(made, "heavy")
    assert made.offer("light", STANDARD, 6.0)[0].state == QUEUED
    assert made.offer("heavy", STANDARD, 6.0)[0].state == SHED


def test_nobody_is_refused_for_lateness_while_nothing_is_known() -> None:
    made = full()
    assert made.offer("", STANDARD, 1e-9)[0].state == QUEUED


def test_one_that_would_be_late_displaces_nobody() -> None:
    clock = VirtualClock()
    made = paced(clock, 0.5, max_queued=1)
    ticket, displaced = made.offer("", INTERACTIVE, 0.1)
    assert (ticket.state, displaced) == (SHED, None)


def test_refusing_everybody_does_not_freeze_a_bad_estimate() -> None:
    """The endpoint was slow and is fast again: refused requests keep the measurement going."""
    clock = VirtualClock()
    made = full(clock)
    park(made)
    clock.now += 29.0
    made.finish()
    made.finish()
    refused = 0
    while True:
        assert made.enter()
        ticket, _ = made.offer("", STANDARD, 5.0)
        if ticket.state == QUEUED:
            break
        refused += 1
        clock.now += 0.1
        assert made.finish() is None
    assert 0 < refused < 20


# Leaving and waiting too long


def test_a_caller_that_leaves_frees_its_place_at_once() -> None:
    made = full(max_queued=1)
    gone = park(made)
    assert made.leave(gone) is None
    stays = park(made)
    assert made.finish() is stays
    assert gone.state == LEFT
    assert made.read().left == 1


def test_a_caller_that_leaves_as_its_turn_comes_hands_the_slot_on() -> None:
    made = full()
    gone, stays = park(made), park(made)
    assert made.finish() is gone
    assert made.leave(gone) is stays
    assert made.running == 1
    assert made.leave(stays) is None
    assert made.running == 0
    read = made.read()
    assert (read.admitted, read.left, read.queued) == (1, 2, 0)


def test_a_caller_that_leaves_as_it_is_displaced_was_shed() -> None:
    made = full(max_queued=1)
    low = park(made, "", BATCH)
    made.offer("", INTERACTIVE, HOUR)
    assert made.leave(low) is None
    assert low.state == SHED
    assert made.read().left == 0


def test_nobody_waits_longer_than_the_longest_wait() -> None:
    made = full()
    ticket = park(made)
    assert made.expire(ticket)
    assert (ticket.state, shed(made, Shed.WAITED_TOO_LONG)) == (SHED, 1)
    assert made.finish() is None


def test_a_turn_that_came_in_time_cannot_be_too_late_any_more() -> None:
    made = full()
    ticket = park(made)
    made.finish()
    assert not made.expire(ticket)
    assert ticket.state == RUNNING


def test_the_counters_add_up() -> None:
    clock = VirtualClock()
    made = full(clock, max_queued=2)
    park(made)
    made.leave(park(made))
    park(made)
    made.offer("", STANDARD, HOUR)
    clock.now += 2.5
    made.finish()
    read = made.read()
    assert (read.running, read.queued, read.admitted, read.left) == (1, 1, 2, 1)
    assert sum(read.shed.values()) == 1
    assert read.longest_wait_s == 2.5
