"""How busy the replicas of a group are, and which of them takes the next call."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b
from math import ceil, exp, log
from threading import Lock

from gateway.core.endpoint import Endpoint
from gateway.core.outcome import Outcome
from gateway.core.ports import Clock
from gateway.core.value import value

PENALTY_S = 1e6
"""Taken for the latency of a replica that has calls running and has never answered one."""

FIRST_GUESS_S = 1.0
"""Taken for the usual latency while no replica of the group has answered."""

SLOWER = 2.0
"""A replica this many times slower than another is left to the other while that has time."""

SMOOTHING = 0.1
"""Part that one answer has in the usual latency of its replica."""


@value
class LoadSettings:
    """How the next replica is chosen.

    `tau_s`: time constant, in seconds, with which a peak of latency is forgotten. A failed call
    counts as `failure_factor` (at least 1) times slower than the answers of the others.
    `by_session` keeps the calls of one session on one replica, which then has its prompt cached;
    `spread` is the most that such a replica may have in flight, as a multiple of its fair share
    (above 1). Raises ValueError for what cannot be followed.
    """

    tau_s: float = 10.0
    failure_factor: float = 5.0
    by_session: bool = False
    spread: float = 1.25

    def __post_init__(self) -> None:
        if not self.tau_s > 0:
            raise ValueError("tau_s must be more than 0")
        if not self.failure_factor >= 1:
            raise ValueError("failure_factor must be at least 1")
        if not self.spread > 1:
            raise ValueError("spread must be more than 1")


class _Cell:
    """What is known of one replica. `peak_s` is 0 before its first sample."""

    __slots__ = ("failing", "hashed", "in_flight", "name", "peak_s", "stamp", "usual_s", "weight")

    def __init__(self, replica: Endpoint, now: float) -> None:
        self.name = replica.name
        self.weight = replica.weight
        self.in_flight = 0
        self.failing = False
        self.peak_s = 0.0
        self.usual_s = 0.0
        self.stamp = now
        self.hashed = blake2b(replica.name.encode() + b"\0", digest_size=8)


class Load:
    """Load of the replicas of one group. Safe for any number of threads.

    Latency is a peak EWMA: it rises at once to a slow answer and forgets it with the time constant
    tau (Finagle, `com.twitter.finagle.loadbalancer.PeakEwma`). What a replica has to do is
    latency x calls in flight / weight. Two things differ from Finagle, because answers of models
    take seconds. An estimate fades to the latency that is usual for the fastest replica of the
    group, not to 0: after a quiet time, all calls would go to whoever did not answer last. And a
    failure counts as a slow answer, so that a replica which fails at once does not look like the
    fastest and swallow all traffic.

    Naming a replica that is not of the group raises KeyError: a bug of the caller.
    """

    def __init__(
        self,
        replicas: Iterable[Endpoint],
        settings: LoadSettings,
        clock: Clock,
        draw: Callable[[], float],
    ) -> None:
        """`draw` returns uniform numbers in [0, 1)."""
        now = clock()
        self._cells = {replica.name: _Cell(replica, now) for replica in replicas}
        self._settings = settings
        self._clock = clock
        self._draw = draw
        self._lock = Lock()
        self._fastest_s = 0.0

    def started(self, name: str) -> None:
        """A call of the replica begins."""
        cell = self._cells[name]
        with self._lock:
            cell.in_flight += 1

    def ended(self, name: str, outcome: Outcome, elapsed_s: float) -> None:
        """A call of the replica ended as `outcome` after `elapsed_s` seconds.

        One that counts neither way says only that an answer would have taken longer: a peak.
        """
        cell = self._cells[name]
        now = self._clock()
        with self._lock:
            # Never below 0: a counter that is would draw all traffic to its replica for good.
            if cell.in_flight:
                cell.in_flight -= 1
            if outcome is Outcome.SUCCESS:
                cell.failing = False
                self._answered(cell, elapsed_s, now)
            elif outcome is Outcome.FAILURE:
                cell.failing = True
                cell.peak_s = self._as_slow_answer(cell, elapsed_s, now)
                cell.stamp = now
            elif elapsed_s > max(self._faded(cell, now), self._fastest_s) > 0:
                cell.peak_s = elapsed_s
                cell.stamp = now

    def pick(self, candidates: Sequence[str], session_id: str = "") -> str:
        """Choose one of the candidates, of which there is at least one.

        By session when that is wanted and there is one, else of two drawn by weight the one that
        has less to do. When both have as much to do the first drawn is taken, so that each gets
        its weight's share of light traffic too.
        """
        if len(candidates) == 1:
            return candidates[0]
        cells = [self._cells[name] for name in candidates]
        if session_id and self._settings.by_session:
            return self._of_session(cells, session_id).name
        first = self._drawn(cells)
        others = [cell for cell in cells if cell is not first]
        second = self._drawn(others)
        now = self._clock()
        with self._lock:
            return self._less_busy(first, second, now).name

    def _answered(self, cell: _Cell, elapsed_s: float, now: float) -> None:
        if elapsed_s < cell.peak_s:
            fading = exp((cell.stamp - now) / self._settings.tau_s)
            cell.peak_s = elapsed_s + (cell.peak_s - elapsed_s) * fading
        else:
            cell.peak_s = elapsed_s
        cell.stamp = now
        before = cell.usual_s or elapsed_s
        cell.usual_s = before + (elapsed_s - before) * SMOOTHING
        known = (cell.usual_s for cell in self._cells.values() if cell.usual_s)
        self._fastest_s = min(known, default=0.0)

    def _as_slow_answer(self, cell: _Cell, elapsed_s: float, now: float) -> float:
        """How slow an answer a failure counts as.

        Slower by a factor than the slowest of those that do not fail, by its square after a second
        failure in a row, and no more, so that the replica is tried again after a few tau.
        """
        factor = self._settings.failure_factor
        others = (self._faded(one, now) for one in self._cells.values() if not one.failing)
        usual = max(others, default=0.0) or self._fastest_s or FIRST_GUESS_S
        estimate = max(self._faded(cell, now), usual)
        return max(elapsed_s, estimate, min(estimate * factor, usual * factor * factor))

    def _faded(self, cell: _Cell, now: float) -> float:
        """The latency of a replica as of now; 0 when nothing is known of it."""
        if not cell.peak_s:
            return 0.0
        over = cell.peak_s - self._fastest_s
        if over <= 0:
            return self._fastest_s
        return self._fastest_s + over * exp((cell.stamp - now) / self._settings.tau_s)

    def _estimate(self, cell: _Cell, now: float) -> float:
        """What counts as the latency of a replica: a new one gets one call until it answers."""
        return self._faded(cell, now) or (PENALTY_S if cell.in_flight else 0.0)

    def _drawn(self, cells: Sequence[_Cell]) -> _Cell:
        left = self._draw() * sum(cell.weight for cell in cells)
        for cell in cells[:-1]:
            left -= cell.weight
            if left < 0:
                return cell
        return cells[-1]

    def _less_busy(self, first: _Cell, second: _Cell, now: float) -> _Cell:
        """The power of two choices (Mitzenmacher, 2001): the first unless the second is better.

        One is busier than the other when the other, given this call, would have no more to do
        than it has now. With equal weights and latencies that is: when it has more in flight.
        One whose last call failed gets none until that has faded, however busy the other is, or
        while the other has yet to answer for the first time.
        """
        if first.failing != second.failing:
            good, bad = (second, first) if first.failing else (first, second)
            if not good.peak_s or self._faded(bad, now) > SLOWER * self._faded(good, now):
                return good
        one, two = self._estimate(first, now), self._estimate(second, now)
        with_first = one * (first.in_flight + 1) / first.weight
        with_second = two * (second.in_flight + 1) / second.weight
        first_busier = one * first.in_flight / first.weight >= with_second
        second_busier = two * second.in_flight / second.weight >= with_first
        if first_busier != second_busier:
            return second if first_busier else first
        return second if one > SLOWER * two else first

    def _of_session(self, cells: Sequence[_Cell], session_id: str) -> _Cell:
        """The replica of a session: rendezvous hashing with bounded loads.

        The highest -weight / ln(hash) wins (Thaler and Ravishankar, 1998; Schindelhauer and
        Schomaker, 2005, for weights), so that a replica which leaves moves its own sessions only.
        One that has `spread` times its share of the calls is passed over for the next (Mirrokni,
        Thorup and Zadimoghaddam, "Consistent Hashing with Bounded Loads", 2018); shares sum up to
        more than the calls, so one is always left.
        """
        session = session_id.encode(errors="surrogatepass")
        with self._lock:
            calls = 1 + sum(cell.in_flight for cell in cells)
            most = self._settings.spread * calls / sum(cell.weight for cell in cells)
            free = [cell for cell in cells if cell.in_flight < ceil(most * cell.weight)]
        return max(free, key=lambda cell: cell.weight / -log(_uniform(cell, session)))


def _uniform(cell: _Cell, session: bytes) -> float:
    """A number in (0, 1) that depends on the replica's name and the session, and nothing else."""
    hashed = cell.hashed.copy()
    hashed.update(session)
    # 52 bits and a half: never 0, never rounded to 1, whose logarithms cannot be divided by.
    return ((int.from_bytes(hashed.digest()) >> 12) + 0.5) / 2**52
