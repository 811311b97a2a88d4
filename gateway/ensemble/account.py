"""What one request may still spend: reserved before a call, settled after it."""

from __future__ import annotations

from collections.abc import Callable

from gateway.core.candidate import Usage
from gateway.core.hole import Budget, Hole
from gateway.core.ports import Task
from gateway.routing.tokens import BYTES_PER_TOKEN, LARGEST_ESTIMATE, prompt_tokens
from gateway.state.budget import NOTHING, Amount, Ledger, Limits, TenantLedger


class UnlimitedAccount:
    """The account of a request without a budget."""

    __slots__ = ()

    limited = False
    retry_after_s: float | None = None

    def reserve(self, task: Task) -> str:
        """Allow every call."""
        del task
        return ""

    def settle(self, task: Task, usage: Usage | None) -> None:
        """Keep nothing."""


UNLIMITED = UnlimitedAccount()


class SpendingAccount:
    """Holds the budget of one request over all its attempts, concurrent ones included.

    A call is reserved at its worst case (estimated tokens of the prompt and of the text it goes on
    from or is to judge, and all the tokens it may write, at the endpoint's price), in the
    request's own ledger and in its tenant's, or in neither. `read` estimates the prompt's tokens.
    """

    __slots__ = ("_hole", "_own", "_prompt_tokens", "_read", "_tenant", "limited", "retry_after_s")

    def __init__(
        self,
        budget: Budget,
        tenant: TenantLedger | None = None,
        *,
        read: Callable[[Hole], int] = prompt_tokens,
    ) -> None:
        limits = Limits(budget.max_cost_micros, budget.max_tokens, budget.max_attempts)
        self._own = Ledger(limits, "budget.")
        self._tenant = tenant
        self._hole: Hole | None = None
        self._prompt_tokens = 0
        self._read = read
        self.limited = limits.any or tenant is not None
        self.retry_after_s: float | None = None

    def reserve(self, task: Task) -> str:
        """Set one more call aside; return why not when a budget does not allow it."""
        worst = self._worst(task)
        refusal = self._own.reserve(worst)
        self.retry_after_s = None
        if refusal or self._tenant is None:
            return refusal
        refusal = self._tenant.reserve(worst)
        if refusal:
            self._own.settle(worst, NOTHING)
            self.retry_after_s = self._tenant.retry_after_s
        return refusal

    def settle(self, task: Task, usage: Usage | None) -> None:
        """Replace the worst case of a call by what it used; call it once for each reservation."""
        if usage is None:
            return
        cost = self._cost(task, usage.prompt_tokens + usage.completion_tokens)
        worst, spent = self._worst(task), Amount(cost, usage.completion_tokens, 1)
        self._own.settle(worst, spent)
        if self._tenant is not None:
            self._tenant.settle(worst, spent)

    def _worst(self, task: Task) -> Amount:
        written = task.sampling.max_tokens or LARGEST_ESTIMATE
        hole = task.request.hole
        if hole is not self._hole:
            # All tries for a hole have the same prompt; those for another one follow rarely.
            self._hole, self._prompt_tokens = hole, self._read(hole)
        earlier = task.partial
        if task.draft is not None:
            earlier = "".join((earlier, task.draft.text, *task.draft.issues))
        read = -(-len(earlier.encode("utf-8", "surrogatepass")) // BYTES_PER_TOKEN)
        cost = self._cost(task, self._prompt_tokens + read + written)
        return Amount(cost, written, 1)

    @staticmethod
    def _cost(task: Task, tokens: int) -> int:
        return tokens * task.endpoint.cost_micros_per_1k // 1000
