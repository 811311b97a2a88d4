"""What the layers of the learned router propose for a request, apart and together."""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum

from gateway.core.value import value

OVERSHOOT = 1e-9
"""A confidence may be this far outside 0..1, as a cosine of rounded numbers is (X-02)."""


class LayerName(StrEnum):
    """The layers, in the order of the cascade; `shape` takes part in fusion only."""

    KEYWORD = "keyword"
    SIMILARITY = "similarity"
    SHAPE = "shape"
    KNN = "knn"
    HEAD = "head"
    CLARIFY = "clarify"


class LayerStatus(StrEnum):
    """How a layer ended. DECLINED: it ran and proposed nothing, or too little.

    ABSTAINED: by design it had nothing to say about such a request (a topic of another language, no
    text). UNAVAILABLE: not configured, not trained or of another version. LATE: no answer in its
    time. FAILED: it raised. SKIPPED: an earlier layer had decided, or the layer is switched off.
    """

    DECIDED = "decided"
    DECLINED = "declined"
    ABSTAINED = "abstained"
    UNAVAILABLE = "unavailable"
    LATE = "late"
    FAILED = "failed"
    SKIPPED = "skipped"


@value
class Proposal:
    """What one layer says. Raises ValueError for a confidence outside 0..1 beyond rounding.

    `endpoint` is where it would send the request, empty for nowhere; `topic` the topic it went by,
    if any. `words` say why; `details` hold the numbers behind it, by name. `abstained` says that
    the layer had nothing to go by, which counts neither for nor against the others.
    """

    layer: str
    endpoint: str = ""
    confidence: float = 0.0
    topic: str = ""
    words: str = ""
    details: tuple[tuple[str, str], ...] = ()
    abstained: bool = False

    def __post_init__(self) -> None:
        confidence = self.confidence
        if not -OVERSHOOT <= confidence <= 1 + OVERSHOOT:
            raise ValueError(f"confidence {confidence!r} of {self.layer} is not within 0..1")
        if not 0 <= confidence <= 1:
            object.__setattr__(self, "confidence", min(max(confidence, 0.0), 1.0))


@value
class LayerRecord:
    """One layer in the record of a decision; `reason` says why it is not `decided`.

    `threshold` is what its confidence was held against; `elapsed_s` its time, 0 when it did not
    run. `shadow` is true of a layer that ran after the decision, to learn what it would have said.
    """

    layer: LayerName
    status: LayerStatus
    confidence: float = 0.0
    threshold: float = 1.0
    endpoint: str = ""
    topic: str = ""
    reason: str = ""
    elapsed_s: float = 0.0
    details: tuple[tuple[str, str], ...] = ()
    shadow: bool = False

    @property
    def attempted(self) -> bool:
        """True when the layer ran."""
        return self.status not in {LayerStatus.SKIPPED, LayerStatus.UNAVAILABLE}


class Level(StrEnum):
    """How far a fused match is to be trusted."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    NONE = "none"


@value
class FusedMatch:
    """All proposals together (X-09 to X-16).

    `evidence`: 0..1, how sure those are that propose the winner. `coverage`: 0..1, the weight that
    ran and agreed over the weight that ran. `ambiguous`: the second best is close; `candidates`
    then holds both, best first. `hints` are (group, name) pairs, `lite` a request for a small
    answer.
    """

    endpoint: str = ""
    topic: str = ""
    evidence: float = 0.0
    coverage: float = 0.0
    level: Level = Level.NONE
    ambiguous: bool = False
    candidates: tuple[tuple[str, float], ...] = ()
    contributions: tuple[tuple[str, float], ...] = ()
    hints: tuple[tuple[str, str], ...] = ()
    lite: bool = False


NO_MATCH = FusedMatch()


@value
class Clarification:
    """The router cannot tell: questions for the caller, and the endpoints in question, best first.

    A caller answers by naming what it wants: a capability, a tag, an objective or the task kind.
    """

    questions: tuple[str, ...]
    candidates: tuple[str, ...] = ()


@value
class ThresholdSet:
    """Thresholds of the cascade's layers, 0..1, as one version.

    A layer decides when its confidence is at least its threshold; one without any never runs.
    """

    version: int = 1
    thresholds: tuple[tuple[LayerName, float], ...] = field(
        default=(
            (LayerName.KEYWORD, 0.85),
            (LayerName.SIMILARITY, 0.70),
            (LayerName.KNN, 0.85),
            (LayerName.HEAD, 0.90),
        )
    )

    def of(self, layer: LayerName) -> float:
        """Return the threshold of a layer; 1 for one that has none."""
        return next((value for name, value in self.thresholds if name is layer), 1.0)


DEFAULT_THRESHOLDS = ThresholdSet()
