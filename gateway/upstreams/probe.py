"""Active health checks: one task watches each endpoint and reports when its health changes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import NoReturn, Protocol

from gateway.core.value import value

Report = Callable[[str, bool | None], None]
"""Takes an endpoint's name and whether it serves; None when nothing is known any more."""

Sleep = Callable[[float], Awaitable[None]]

log = logging.getLogger(__name__)


class Tell(Protocol):
    """Takes one result of a probe."""

    def __call__(self, *, serving: bool, because: str) -> None:
        """`because` says in a few words what it was concluded from."""
        ...


@value
class ProbeSettings:
    """How one endpoint is checked; times are in seconds.

    `timeout_s` bounds a check, and the wait for the first answer of a Watch. Checks are
    `interval_s` apart; `healthy_after` and `unhealthy_after` of the same result in a row are
    believed. Those over HTTP ask for `path`, which may be a whole URL. A Watch asks for `service`,
    whose empty name is the whole server. Raises ValueError for what cannot be.
    """

    interval_s: float = 5.0
    timeout_s: float = 2.0
    path: str = ""
    service: str = ""
    healthy_after: int = 1
    unhealthy_after: int = 2

    def __post_init__(self) -> None:
        for name in ("interval_s", "timeout_s"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be more than 0")
        for name in ("healthy_after", "unhealthy_after"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1")


@value
class Backoff:
    """Waits between tries: those of gRPC's connection backoff, which gRFC A17 takes over."""

    first_s: float = 1.0
    factor: float = 1.6
    max_s: float = 120.0
    jitter: float = 0.2

    def wait_s(self, failures: int, drawn: float) -> float:
        """Seconds to wait after so many failures before; `drawn` is uniform in [0, 1)."""
        wait = self.first_s
        for _ in range(failures):
            wait *= self.factor
            if wait >= self.max_s:
                wait = self.max_s
                break
        return wait * (1 + self.jitter * (2 * drawn - 1))


class Streak:
    """Believes a result only after enough of the same in a row."""

    def __init__(self, healthy_after: int, unhealthy_after: int) -> None:
        self._needed = {True: healthy_after, False: unhealthy_after}
        self._last = False
        self._length = 0

    def believes(self, *, good: bool) -> bool:
        """Count a result; say whether it is to be believed by now."""
        self._length = self._length + 1 if good is self._last else 1
        self._last = good
        return self._length >= self._needed[good]


async def ask_again(
    check: Callable[[], Awaitable[tuple[bool, str]]],
    settings: ProbeSettings,
    sleep: Sleep,
    tell: Tell,
) -> NoReturn:
    """Check at fixed intervals, the first time at once; tell each result that is to be believed.

    `check` returns whether it was good, and what that was concluded from.
    """
    streak = Streak(settings.healthy_after, settings.unhealthy_after)
    while True:
        good, because = await check()
        if streak.believes(good=good):
            tell(serving=good, because=because)
        await sleep(settings.interval_s)


class Probe(Protocol):
    """Knows how to find out whether one endpoint serves."""

    async def watch(self, tell: Tell) -> None:
        """Tell each result until cancelled; return when there is nothing to be found out."""
        ...


class Prober:
    """Runs one probe for each endpoint and reports every change, and only changes.

    Nothing is reported of an endpoint before its first result. A probe that dies of a bug makes
    its endpoint unknown again, so that it gets calls. Use it inside one event loop.
    """

    def __init__(self, probes: Mapping[str, Probe], report: Report) -> None:
        self._probes = probes
        self._report = report
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to watch. Raises RuntimeError when it was begun before."""
        if self._tasks:
            raise RuntimeError("the endpoints are watched already")
        self._tasks = [
            asyncio.create_task(self._watch(name, probe)) for name, probe in self._probes.items()
        ]

    async def close(self) -> None:
        """Cancel every probe and wait until its connection is closed."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _watch(self, name: str, probe: Probe) -> None:
        told: bool | None = None

        def tell(*, serving: bool, because: str) -> None:
            nonlocal told
            if serving is not told:
                told = serving
                log.log(
                    logging.INFO if serving else logging.WARNING,
                    "endpoint health",
                    extra={"endpoint": name, "serving": serving, "because": because},
                )
                self._report(name, serving)

        try:
            await probe.watch(tell)
        except Exception:
            log.exception("health check broke", extra={"endpoint": name})
            self._report(name, None)
