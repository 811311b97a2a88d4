"""Ledgers: what may still be spent, held from any number of threads without overspending."""

from __future__ import annotations

from threading import Lock

from gateway.core.ports import Clock
from gateway.core.value import value


@value
class Amount:
    """What calls take: millionths of the currency, tokens written, calls made."""

    cost_micros: int = 0
    tokens: int = 0
    attempts: int = 0


NOTHING = Amount()


@value
class Limits:
    """Most that may be spent; None = no limit. Raises ValueError for a negative one."""

    cost_micros: int | None = None
    tokens: int | None = None
    attempts: int | None = None

    def __post_init__(self) -> None:
        for name in ("cost_micros", "tokens", "attempts"):
            most: int | None = getattr(self, name)
            if most is not None and most < 0:
                raise ValueError(f"{name} must not be negative, not {most}")

    @property
    def any(self) -> bool:
        """True when something is limited."""
        return not (self.cost_micros is None and self.tokens is None and self.attempts is None)


class Ledger:
    """Reserved before a call, settled after it. Safe for any number of threads.

    Spent and reserved together never exceed a limit, as long as no call takes more than was
    reserved for it; when one does, the truth is booked and nothing more is granted.
    `names` is put before the names of the limits in a refusal.
    """

    __slots__ = ("_limits", "_lock", "_names", "_taken")

    def __init__(self, limits: Limits, names: str = "") -> None:
        self._limits = limits
        self._names = names
        self._lock = Lock()
        self._taken = NOTHING

    @property
    def taken(self) -> Amount:
        """What is spent or reserved."""
        return self._taken

    def reserve(self, amount: Amount) -> str:
        """Set an amount aside; return why not, and change nothing, when it does not fit."""
        with self._lock:
            taken = self._taken
            refusal = self._refusal(amount, taken)
            if not refusal:
                self._taken = Amount(
                    taken.cost_micros + amount.cost_micros,
                    taken.tokens + amount.tokens,
                    taken.attempts + amount.attempts,
                )
            return refusal

    def settle(self, reserved: Amount, spent: Amount) -> None:
        """Replace what was reserved by what was spent; call it once for each reservation."""
        with self._lock:
            taken = self._taken
            self._taken = Amount(
                taken.cost_micros - reserved.cost_micros + spent.cost_micros,
                taken.tokens - reserved.tokens + spent.tokens,
                taken.attempts - reserved.attempts + spent.attempts,
            )

    def _refusal(self, amount: Amount, taken: Amount) -> str:
        most = self._limits.attempts
        if most is not None and taken.attempts + amount.attempts > most:
            return f"{self._names}max_attempts = {most} calls are used up"
        most = self._limits.cost_micros
        if most is not None and taken.cost_micros + amount.cost_micros > most:
            return (
                f"a call may cost up to {amount.cost_micros} micros; {taken.cost_micros} of "
                f"{self._names}max_cost_micros = {most} are spent or reserved"
            )
        most = self._limits.tokens
        if most is not None and taken.tokens + amount.tokens > most:
            return (
                f"a call may write up to {amount.tokens} tokens; {taken.tokens} of "
                f"{self._names}max_tokens = {most} are spent or reserved"
            )
        return ""


class TenantLedger(Ledger):
    """What one tenant may spend in one window of time; its refusals say when that ends."""

    __slots__ = ("_clock", "_ends_at", "_whose")

    def __init__(self, limits: Limits, whose: str, ends_at: float, clock: Clock) -> None:
        super().__init__(limits)
        self._whose = whose
        self._ends_at = ends_at
        self._clock = clock

    @property
    def retry_after_s(self) -> float:
        """Seconds until the window ends."""
        return max(0.0, self._ends_at - self._clock())

    def reserve(self, amount: Amount) -> str:
        """Set an amount aside; return why not, and when to come back, when it does not fit."""
        refusal = super().reserve(amount)
        if not refusal:
            return ""
        return f"{self._whose}: {refusal}; the window ends in {self.retry_after_s:.1f} s"


class TenantBudgets:
    """The ledgers of all tenants, each for one fixed window after the other (`window_s` seconds).

    A request belongs to the window in which it asked for its ledger, and settles there however
    long it takes. When a window ends all its ledgers go, idle tenants with them. No more than
    `most_tenants` are kept in one window: whoever comes later shares one ledger with the others who
    did, so that inventing names neither takes memory nor buys anything.
    Raises ValueError for a window or a number that is not positive.
    """

    def __init__(
        self,
        limits: Limits,
        clock: Clock,
        *,
        window_s: float = 3600.0,
        most_tenants: int = 10_000,
    ) -> None:
        if window_s <= 0:
            raise ValueError(f"window_s must be positive, not {window_s}")
        if most_tenants < 1:
            raise ValueError(f"most_tenants must be at least 1, not {most_tenants}")
        self._limits = limits
        self._clock = clock
        self._window_s = window_s
        self._most_tenants = most_tenants
        self._lock = Lock()
        self._started_at = clock()
        self._ends_at = self._started_at
        self._ledgers: dict[str, TenantLedger] = {}
        self._others: TenantLedger | None = None

    def ledger(self, tenant: str) -> TenantLedger:
        """Return the tenant's ledger of the running window; "" is whoever did not say."""
        with self._lock:
            now = self._clock()
            if now >= self._ends_at:
                self._begin_window(now)
            ledger = self._ledgers.get(tenant)
            if ledger is None:
                ledger = self._new(tenant)
            return ledger

    def _begin_window(self, now: float) -> None:
        passed = (now - self._started_at) // self._window_s
        self._ends_at = self._started_at + (passed + 1) * self._window_s
        self._ledgers = {}
        self._others = None

    def _new(self, tenant: str) -> TenantLedger:
        if len(self._ledgers) < self._most_tenants:
            whose = f"tenant {tenant!r}" if tenant else "callers without a tenant"
            ledger = TenantLedger(self._limits, whose, self._ends_at, self._clock)
            self._ledgers[tenant] = ledger
            return ledger
        if self._others is None:
            whose = f"tenants beyond the first {self._most_tenants}, together"
            self._others = TenantLedger(self._limits, whose, self._ends_at, self._clock)
        return self._others
