"""Topics: what requests are about, in the words of the operator, and where such requests go."""

from __future__ import annotations

from gateway.core.endpoint import Capability
from gateway.core.value import value


@value
class Keyword:
    """A word or phrase that speaks for a topic; `weight` 0..1 is its confidence when alone."""

    phrase: str
    weight: float = 0.88


@value
class Hint:
    """A modifier that may apply to requests of a topic, such as `style = functional`.

    At most one hint of a `group` applies. `phrases` ask for it, `negatives` forbid it.
    """

    name: str
    group: str
    phrases: tuple[str, ...]
    negatives: tuple[str, ...] = ()


@value
class Topic:
    """A kind of request and where it goes: to an endpoint, or to the first with a capability.

    `priority`: lower wins among topics that match equally well. `samples`, `description` and
    `name` are compared with the request's words; `language` is the programming language that they
    are about, empty for any.
    """

    name: str
    capability: Capability | None = None
    endpoint: str = ""
    priority: int = 0
    keywords: tuple[Keyword, ...] = ()
    boosters: tuple[str, ...] = ()
    negatives: tuple[str, ...] = ()
    samples: tuple[str, ...] = ()
    description: str = ""
    language: str = ""
    shapes: tuple[str, ...] = ()
    hints: tuple[Hint, ...] = ()
