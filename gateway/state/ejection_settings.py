"""When a replica is left out of its group, and for how long: the settings of gRFC A50."""

from __future__ import annotations

from gateway.core.value import value

_WHOLE = 100


def _percent(name: str, number: int) -> None:
    if not 0 <= number <= _WHOLE:
        raise ValueError(f"{name}: must be from 0 to 100")


def _at_least_0(name: str, number: float) -> None:
    if number < 0:
        raise ValueError(f"{name}: must be 0 or more")


@value
class SuccessRate:
    """Ejects statistical outliers: replicas that succeed far less often than the others.

    Looks at the replicas with `request_volume` calls or more in the interval, if there are
    `minimum_hosts` or more of them, and ejects those whose success rate is below mean -
    `stdev_factor` / 1000 x standard deviation (of the population), each with a chance of
    `enforcement_percentage` percent. Raises ValueError that begins with the wrong field's name.
    """

    stdev_factor: int = 1900
    enforcement_percentage: int = 100
    minimum_hosts: int = 5
    request_volume: int = 100

    def __post_init__(self) -> None:
        """Refuse what is out of range."""
        _at_least_0("stdev_factor", self.stdev_factor)
        _percent("enforcement_percentage", self.enforcement_percentage)
        _at_least_0("minimum_hosts", self.minimum_hosts)
        _at_least_0("request_volume", self.request_volume)


@value
class FailurePercentage:
    """Ejects replicas that fail too often, however the others do.

    In a group of `minimum_hosts` replicas or more, ejects those with `request_volume` calls or
    more in the interval of which more than `threshold` percent failed, each with a chance of
    `enforcement_percentage` percent. Raises ValueError that begins with the wrong field's name.
    """

    threshold: int = 85
    enforcement_percentage: int = 100
    minimum_hosts: int = 5
    request_volume: int = 50

    def __post_init__(self) -> None:
        """Refuse what is out of range."""
        _percent("threshold", self.threshold)
        _percent("enforcement_percentage", self.enforcement_percentage)
        _at_least_0("minimum_hosts", self.minimum_hosts)
        _at_least_0("request_volume", self.request_volume)


@value
class EjectionSettings:
    """The defaults of gRFC A50. Without both algorithms nothing is ejected.

    A replica ejected for the n-th time in a row is out for `base_s` x n seconds, at most `max_s`
    (or `base_s`, if that is longer). Nothing is ejected while `max_percent` percent of the group
    or more are out already; the first one always may be. A50 says "greater than" there, by which
    two of ten would be out at 10 percent; gRPC and Envoy compare as we do.
    Raises ValueError that begins with the wrong field's name.
    """

    interval_s: float = 10.0
    base_s: float = 30.0
    max_s: float = 300.0
    max_percent: int = 10
    success_rate: SuccessRate | None = SuccessRate()
    failure_percentage: FailurePercentage | None = FailurePercentage()

    def __post_init__(self) -> None:
        """Refuse what is out of range."""
        if self.interval_s <= 0:
            raise ValueError("interval_s: must be above 0")
        if self.base_s <= 0:
            raise ValueError("base_s: must be above 0")
        _at_least_0("max_s", self.max_s)
        _percent("max_percent", self.max_percent)

    @property
    def enabled(self) -> bool:
        """True when there is an algorithm to eject by."""
        return self.success_rate is not None or self.failure_percentage is not None

    @property
    def longest_s(self) -> float:
        """No ejection lasts longer."""
        return max(self.base_s, self.max_s)

    def ejection_s(self, multiplier: int) -> float:
        """How long a replica is out that was ejected so many times in a row."""
        return min(self.base_s * multiplier, self.longest_s)
