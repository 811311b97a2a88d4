"""Every request is measured once, however it ends, where somebody wants the numbers."""

from __future__ import annotations

from gateway.core.answer import Answer
from gateway.core.exchange import Exchange, Guard, Handle
from gateway.core.ports import Clock
from gateway.core.telemetry import Meter


def measure(meter: Meter, clock: Clock) -> Guard:
    """Tell the meter how each request ended and how long it took, waiting in line included."""

    def wrap(handle: Handle) -> Handle:
        async def measured(exchange: Exchange) -> Answer:
            started = clock()
            try:
                answer = await handle(exchange)
            except BaseException as error:
                meter.ended(exchange, error, clock() - started)
                raise
            meter.ended(exchange, None, clock() - started)
            return answer

        return measured

    return wrap
