from __future__ import annotations

import asyncio

import pytest

from gateway.core.deadline import Deadline
from gateway.core.exchange import Exchange
from gateway.policies.measure import measure
from tests.fakes.values import make_request, unavailable
from tests.fakes.virtual import VirtualClock, run_virtual

ANSWER = object()


class Meter:
    def __init__(self) -> None:
        self.seen: list[tuple[Exchange, BaseException | None, float]] = []

    def ended(self, exchange, error, elapsed_s) -> None:
        self.seen.append((exchange, error, elapsed_s))


def measured(end: BaseException | None) -> tuple[BaseException | None, float]:
    clock, meter = VirtualClock(), Meter()
    exchange = Exchange(make_request(), Deadline(9.0))

    async def handle(_):
        clock.now += 2.5
        if end is not None:
            raise end
        return ANSWER

    work = measure(meter, clock)(handle)(exchange)
    if end is None:
        assert run_virtual(clock, work) is ANSWER
    else:
        with pytest.raises(type(end)):
            run_virtual(clock, work)
    ((seen, error, elapsed_s),) = meter.seen
    assert seen is exchange
    return error, elapsed_s


@pytest.mark.parametrize("end", [None, unavailable(), asyncio.CancelledError(), KeyError("x")])
def test_a_request_is_measured_once_however_it_ends(end: BaseException | None):
    assert measured(end) == (end, 2.5)
