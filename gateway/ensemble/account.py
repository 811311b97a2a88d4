"""What one request may still spend: reserved before a call, settled after it."""

from __future__ import annotations

from gateway.core.candidate import Attempt
from gateway.core.hole import Budget
from gateway.core.ports import Task


class UnlimitedAccount:
    """The account of a request without a budget."""

    __slots__ = ()

    def reserve(self, task: Task) -> str:
        """Allow every call."""
        del task
        return ""

    def settle(self, task: Task, attempt: Attempt) -> None:
        """Keep nothing."""


UNLIMITED = UnlimitedAccount()


class SpendingAccount:
    """Holds the budget of one request over all its attempts, concurrent ones included.

    A call is reserved at its worst case (estimated prompt tokens + allowed completion tokens at
    the endpoint's price), so that attempts in flight together cannot overspend.
    """

    __slots__ = ("_budget", "_calls", "_cost", "_prompt_tokens", "_tokens")

    def __init__(self, budget: Budget, prompt_tokens: int) -> None:
        self._budget = budget
        self._prompt_tokens = prompt_tokens
        self._calls = 0
        self._cost = 0
        self._tokens = 0

    def reserve(self, task: Task) -> str:
        """Set one more call aside; return why not when the budget does not allow it."""
        cost, tokens = self._worst(task)
        budget = self._budget
        if budget.max_attempts is not None and self._calls >= budget.max_attempts:
            return f"budget.max_attempts = {budget.max_attempts} calls are used up"
        if budget.max_cost_micros is not None and self._cost + cost > budget.max_cost_micros:
            return (
                f"a call may cost up to {cost} micros; {self._cost} of "
                f"budget.max_cost_micros = {budget.max_cost_micros} are spent or reserved"
            )
        if budget.max_tokens is not None and self._tokens + tokens > budget.max_tokens:
            return (
                f"a call may write up to {tokens} tokens; {self._tokens} of "
                f"budget.max_tokens = {budget.max_tokens} are spent or reserved"
            )
        self._calls += 1
        self._cost += cost
        self._tokens += tokens
        return ""

    def settle(self, task: Task, attempt: Attempt) -> None:
        """Replace the worst case by what the attempt cost, as far as the endpoint told."""
        cost, tokens = self._worst(task)
        self._cost += attempt.cost_micros - cost
        self._tokens += attempt.usage.completion_tokens - tokens

    def _worst(self, task: Task) -> tuple[int, int]:
        tokens = task.sampling.max_tokens or 0
        price = task.endpoint.cost_micros_per_1k
        return (self._prompt_tokens + tokens) * price // 1000, tokens
