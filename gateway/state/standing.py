"""What is known of an endpoint besides its breaker: its health, and whether it is new."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable
from enum import StrEnum
from threading import Lock

from gateway.core.faults import Reason
from gateway.core.machine import Transition, targets
from gateway.core.outcome import Outcome
from gateway.core.value import value


class Health(StrEnum):
    """What active checks say. An endpoint of which nothing is known gets calls."""

    UNKNOWN = "unknown"
    SERVING = "serving"
    NOT_SERVING = "not_serving"


class WarmUp(StrEnum):
    """Whether an endpoint is new, and gets a small share of the calls until it proves itself."""

    WARMING_UP = "warming_up"
    WARM = "warm"


HEALTH_INITIAL: str = Health.UNKNOWN
HEALTH_TRANSITIONS = (
    Transition(Health.UNKNOWN, "says_serving", Health.SERVING, "A check says that it serves."),
    Transition(
        Health.UNKNOWN,
        "says_not_serving",
        Health.NOT_SERVING,
        "A check says that it does not serve, or fails; it gets no calls.",
    ),
    Transition(
        Health.SERVING,
        "says_not_serving",
        Health.NOT_SERVING,
        "A check says that it no longer serves, or fails; it gets no calls.",
    ),
    Transition(
        Health.NOT_SERVING,
        "says_serving",
        Health.SERVING,
        "A check says that it serves again; it gets calls at once.",
    ),
    Transition(
        Health.SERVING, "says_nothing", Health.UNKNOWN, "It is no longer checked; it gets calls."
    ),
    Transition(
        Health.NOT_SERVING,
        "says_nothing",
        Health.UNKNOWN,
        "It is no longer checked; it gets calls, and its breaker decides.",
    ),
)

WARMUP_INITIAL: str = WarmUp.WARMING_UP
WARMUP_TRANSITIONS = (
    Transition(
        WarmUp.WARMING_UP, "known", WarmUp.WARM, "It is not new: it gets all its calls at once."
    ),
    Transition(
        WarmUp.WARMING_UP,
        "graduated",
        WarmUp.WARM,
        "Of its last calls enough succeeded; it gets all its calls from now on.",
    ),
)

_HEALTH = targets(HEALTH_TRANSITIONS)
_WARMUP = targets(WARMUP_TRANSITIONS)
_SAYS = {
    Health.UNKNOWN: "says_nothing",
    Health.SERVING: "says_serving",
    Health.NOT_SERVING: "says_not_serving",
}


@value
class WarmUpSettings:
    """`share` of the calls that would go to a new endpoint does (above 0, at most 1).

    It is no longer new when of its last `queries` (at least 1) calls a part of `success` or more
    succeeded (0 to 1). Raises ValueError for what cannot be followed.
    """

    share: float = 0.05
    queries: int = 50
    success: float = 0.8

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise ValueError("share must be above 0 and at most 1")
        if self.queries < 1:
            raise ValueError("queries must be at least 1")
        if not 0 <= self.success <= 1:
            raise ValueError("success must be from 0 to 1")


@value
class StandingReading:
    """How an endpoint stands. `queries` and `succeeded` count the last calls of its warm-up."""

    health: Health
    warmup: WarmUp
    queries: int
    succeeded: int


class EndpointStanding:
    """The standing of one endpoint. Safe for any number of threads.

    `clear` is true while nothing keeps calls from it: the only thing that a call of a healthy,
    warm endpoint looks at. The share of a new one is exact: with 0.05, each 20th call that could
    go to it does. What it did not take it does not save up.
    """

    __slots__ = (
        "_due",
        "_health",
        "_lock",
        "_name",
        "_outcomes",
        "_seen",
        "_settings",
        "_warmup",
        "clear",
    )

    def __init__(self, name: str, settings: WarmUpSettings, *, new: bool) -> None:
        self._name = name
        self._settings = settings
        self._lock = Lock()
        self._health = Health(HEALTH_INITIAL)
        self._warmup = WarmUp(WARMUP_INITIAL)
        self._outcomes: deque[bool] = deque(maxlen=settings.queries)
        self._seen = 0
        self._due = False
        self.clear = False
        if not new:
            self._step("known")

    def set_health(self, status: str) -> None:
        """Take what a check says, a word of `Health`. Raises ValueError for another word."""
        health = Health(status)
        with self._lock:
            if health is not self._health:
                self._health = Health(_HEALTH[self._health, _SAYS[health]])
                self._see()

    def ready(self) -> bool:
        """Say whether a call that could go here may; ask once for each such call.

        The turn of a new endpoint stays until a call takes it.
        """
        if self.clear:
            return True
        with self._lock:
            if self._health is Health.NOT_SERVING:
                return False
            return self._warmup is WarmUp.WARM or self._turn()

    def refusal(self, *, last: bool) -> tuple[Reason, str] | None:
        """Say why a call may not be made, and in words; None when it may.

        A new endpoint is called beyond its share when nothing else would be (`last`); one that
        does not serve is not.
        """
        with self._lock:
            if self._health is Health.NOT_SERVING:
                words = f"endpoint {self._name!r}: its health check says that it does not serve"
                return Reason.ENDPOINT_UNHEALTHY, words
            if self._warmup is WarmUp.WARM:
                return None
            if self._due or self._turn() or last:
                self._due = False
                return None
            share = self._settings.share
        words = f"endpoint {self._name!r}: it is warming up and takes {share:.3g} of its calls"
        return Reason.ENDPOINT_WARMING_UP, words

    def ended(self, outcome: Outcome) -> None:
        """A call ended. Only a success or a failure says something about a new endpoint.

        With enough calls but too few successes it stays new, and the last calls go on to count.
        """
        if outcome is Outcome.NOT_COUNTED:
            return
        settings = self._settings
        with self._lock:
            if self._warmup is WarmUp.WARM:
                return
            outcomes = self._outcomes
            outcomes.append(outcome is Outcome.SUCCESS)
            if (
                len(outcomes) == settings.queries
                and sum(outcomes) / len(outcomes) >= settings.success
            ):
                self._step("graduated")

    def read(self) -> StandingReading:
        """How it stands now."""
        with self._lock:
            return StandingReading(
                self._health, self._warmup, len(self._outcomes), sum(self._outcomes)
            )

    def _turn(self) -> bool:
        """Count one call that could go here; say whether the endpoint's turn has come."""
        share = self._settings.share
        # Each product is rounded once, so errors do not add up.
        before, self._seen = self._seen, self._seen + 1
        if int(self._seen * share + 1e-9) > int(before * share + 1e-9):
            self._due = True
        return self._due

    def _step(self, event: str) -> None:
        self._warmup = WarmUp(_WARMUP[self._warmup, event])
        self._see()

    def _see(self) -> None:
        self.clear = self._warmup is WarmUp.WARM and self._health is not Health.NOT_SERVING


class Standing:
    """The standing of each endpoint, by name. A name that is not among them raises KeyError."""

    def __init__(
        self, endpoints: Iterable[str], settings: WarmUpSettings, new: Collection[str] = ()
    ) -> None:
        """`new` names the endpoints that have to warm up. Raises ValueError for an unknown one."""
        self._endpoints = {
            name: EndpointStanding(name, settings, new=name in new) for name in endpoints
        }
        unknown = sorted(set(new) - set(self._endpoints))
        if unknown:
            raise ValueError(f"endpoints to warm up are not configured: {', '.join(unknown)}")

    def of(self, name: str) -> EndpointStanding:
        """The standing of one endpoint, for the policy that guards it."""
        return self._endpoints[name]

    def set_health(self, name: str, status: str) -> None:
        """Take what a check says of an endpoint; see `EndpointStanding.set_health`."""
        self._endpoints[name].set_health(status)

    def ready(self, name: str) -> bool:
        """Say whether a call that could go to an endpoint may; ask once for each such call."""
        return self._endpoints[name].ready()

    def read(self, name: str) -> StandingReading:
        """How an endpoint stands now."""
        return self._endpoints[name].read()
