"""Scripts and settings of whole stacks, drawn at random, and what an answer may be made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from hypothesis import strategies as st

from gateway.core.faults import Fault, Kind, Origin, Reason
from tests.fakes.scripted import HANG, Asked, cut, overloaded, refused_as_invalid, unreachable
from tests.fakes.stacks import Stacks
from tests.fakes.values import unavailable

NAMES = ("a", "b", "c")
PLENTY = 1_000_000
MALFORMED = Fault(Kind.MALFORMED, Origin.UPSTREAM, Reason.UPSTREAM_MALFORMED, "nonsense")

# What is named more often is drawn more often: requests that come far are those that find things.
TIMES = st.sampled_from([0.1, 0.0, 0.2, 0.3, 0.1, 0.5, 0.2, 1.0, 0.1, 2.0])
PIECES = st.sampled_from(["\n", " "])
ENDS = st.sampled_from([(), (cut(),), (), (unavailable(),), (HANG,), (cut(),)])
FAULTS = st.sampled_from(
    [
        unavailable(),
        unavailable(retry_after_s=0.0),
        unavailable(retry_after_s=0.3),
        unavailable(retryable=False),
        unreachable(),
        overloaded(),
        overloaded(0.5),
        refused_as_invalid(),
        MALFORMED,
    ]
)


@st.composite
def streams(draw: Any) -> tuple[Any, ...]:
    """Pieces every so many seconds, then an end, a cut, a fault or nothing any more."""
    every = draw(TIMES)
    parts: list[Any] = []
    for _ in range(draw(st.sampled_from([3, 2, 1, 4]))):
        parts += [every, draw(PIECES)]
    return (*parts, *draw(ENDS))


@st.composite
def steps(draw: Any) -> tuple[Any, ...]:
    """What one call meets: more often than not some text."""
    kind = draw(st.integers(0, 5))
    if kind == 1:
        return (draw(TIMES), draw(FAULTS))
    return (HANG,) if kind == 2 else draw(streams())


STEPS = steps()
SCRIPTS = st.sampled_from([3, 2, 3, 1]).flatmap(
    lambda number: st.fixed_dictionaries(
        {name: st.lists(STEPS, min_size=1, max_size=3) for name in NAMES[:number]}
    )
)
GROUPS = st.sampled_from([(), ("a", "b"), ("b", "c"), NAMES])


@st.composite
def gateways(draw: Any) -> Stacks:
    """A gateway of one to three endpoints with everything about it drawn."""
    scripts = draw(SCRIPTS)
    members = [name for name in draw(GROUPS) if name in scripts]
    pick = lambda *of: draw(st.sampled_from(of))  # noqa: E731 - a short word for many lines
    tables: dict[str, Any] = {
        "each": {
            "max_concurrency": pick(100, 1, 2),
            "max_waiting": pick(0, 3),
            "concurrency": pick("fixed", "adaptive"),
            "timeout_s": pick(300, 300, 1.5),
            "continues": pick(True, True, True, False),
            "idempotent": pick(True, True, True, False),
            "warmup": pick(False, False, False, False, True),
        },
        "stream": {"hold": pick("line", "none")},
        "retry": {"max_tries": pick(3, 1, 5), "budget_tokens": pick(10, 100)},
        "hedge": {"enabled": pick(True, False), "budget": 1.0, "max_calls": pick(2, 3)},
        "timeouts": {"first_text_s": pick(0, 0.7), "between_texts_s": pick(30, 0.4, 0)},
        "breaker": {
            "minimum_calls": pick(10, 2),
            "window_size": 10,
            "open_s": pick(0.5, 5),
            "permits": pick(1, 2),
        },
        "admission": {"max_running": pick(100, 1, 2), "max_queued": pick(100, 0, 1)},
        "tenant_budget": {"max_attempts": pick(PLENTY, PLENTY, 6, 3), "max_tokens": PLENTY},
        "balance": {"by": pick("load", "session")},
    }
    groups = {"g": tuple(members)} if members else {}
    made = Stacks(scripts, groups=groups, signed=True, **tables)
    usual_s = pick(0.1, None, 0.25)
    return made if usual_s is None else made.warm(*scripts, seconds=usual_s)


def is_explained(text: str, calls: Sequence[Asked], *, whole: bool) -> bool:
    """Say whether a text is what calls sent: each to a cut or, the last of a whole one, its end."""
    return any(
        text.startswith(asked.task.partial)
        and text[len(asked.task.partial) :] in _sent(asked, whole=whole)
        and (not asked.task.partial or is_explained(asked.task.partial, calls, whole=False))
        for asked in calls
    )


def _sent(asked: Asked, *, whole: bool) -> Iterable[str]:
    if whole:
        return [asked.text] if asked.how == "answered" else []
    return ["".join(asked.sent[:number]) for number in range(1, len(asked.sent) + 1)]
