"""Commands that wait for a confirmation: each may be answered once, and not for ever."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from gateway.core.control import Choice, Wanted
from gateway.core.ports import Clock
from gateway.core.value import value

MOST = 1000
"""Questions that wait at once; the oldest is given up for a newer one."""


@value
class Question:
    """A command, who gave it, and what it may mean."""

    tenant: str
    session_id: str
    wanted: Wanted
    choices: tuple[Choice, ...]


class Questions:
    """The questions that were asked and not answered. Belongs to one event loop, holds no lock.

    `token` makes names that nobody can guess; `life_s`: seconds for which a question can be
    answered.
    """

    def __init__(self, life_s: float, clock: Clock, token: Callable[[], str]) -> None:
        self._life_s = life_s
        self._clock = clock
        self._token = token
        # By the time they were asked, so that the first one is the oldest.
        self._asked: OrderedDict[str, tuple[float, Question]] = OrderedDict()

    def __len__(self) -> int:
        self._expire()
        return len(self._asked)

    def ask(self, question: Question) -> str:
        """Keep a question; return the token to answer it with."""
        self._expire()
        token = self._token()
        self._asked[token] = (self._clock(), question)
        if len(self._asked) > MOST:
            self._asked.popitem(last=False)
        return token

    def look(self, tenant: str, token: str) -> Question | None:
        """Return a tenant's question that waits; None when it does not, or no longer."""
        self._expire()
        found = self._asked.get(token)
        return None if found is None or found[1].tenant != tenant else found[1]

    def answered(self, token: str) -> None:
        """Forget a question: its token is used up."""
        del self._asked[token]

    def _expire(self) -> None:
        until = self._clock() - self._life_s
        while self._asked and next(iter(self._asked.values()))[0] <= until:
            self._asked.popitem(last=False)
