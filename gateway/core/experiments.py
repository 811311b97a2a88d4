"""Experiments: one share of the traffic is routed in another way, to find out which is better."""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum

from gateway.core.hole import Objective, RoutingMode
from gateway.core.matching import LayerName
from gateway.core.value import value


class UnitKey(StrEnum):
    """What stays in one arm: everything of a session, of a tenant, of a label's value, or nothing.

    REQUEST draws for each request anew, the same again for the same request id. Of a request that
    lacks the session, tenant or label, its request id takes the place.
    """

    SESSION = "session"
    TENANT = "tenant"
    REQUEST = "request"
    LABEL = "label"


@value
class GuardRail:
    """When an arm is stopped because it does harm.

    It is stopped once its quality is lower than the control arm's by more than `margin`, or its
    share of failures higher by more than `failure_margin`, beyond doubt: an arm that does no such
    harm is stopped with a probability of at most `alpha`, however often one looks. Margins are
    within 0..1, `alpha` between 0 and 1.
    """

    margin: float = 0.02
    failure_margin: float = 0.02
    alpha: float = 0.05


@value
class Arm:
    """One way to route. What is None or empty stays as it is for everybody.

    `weight` is above 0; its share of the weights of all arms is its share of the experiment. The
    `control` arm is what the others are compared with. Requests in a `shadow` arm are answered as
    if there were no experiment, and what the arm would have chosen is recorded. `layers` are the
    only ones of the learned router that may decide (L-07), `thresholds` replace those of the
    layers named, `endpoint` is taken first wherever it may be called.
    """

    name: str
    weight: float = 1.0
    control: bool = False
    shadow: bool = False
    layers: frozenset[LayerName] | None = None
    routing_mode: RoutingMode | None = None
    objective: Objective | None = None
    thresholds: tuple[tuple[LayerName, float], ...] = ()
    endpoint: str = ""


@value
class Experiment:
    """Arms, at least one, and who is in them.

    `share`, 0..1, of the units take part; raising it never moves a unit from one arm to another.
    Experiments with different salts split independently of each other; a new `salt` draws all
    units anew. `label` is the key of the label that makes the unit, with unit LABEL only.
    """

    name: str
    salt: str
    arms: tuple[Arm, ...]
    unit: UnitKey = UnitKey.SESSION
    label: str = ""
    share: float = 0.0
    enabled: bool = True
    guard_rail: GuardRail = field(default=GuardRail())

    @property
    def control(self) -> Arm | None:
        """The arm that the others are compared with, if there is one."""
        return next((arm for arm in self.arms if arm.control), None)
