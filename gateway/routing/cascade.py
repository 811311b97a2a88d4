"""The learned layers one after the other, until one is sure enough; else the caller is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from types import MappingProxyType

from gateway.core.endpoint import Capability
from gateway.core.hole import Objective, Request
from gateway.core.matching import (
    OVERSHOOT,
    Clarification,
    LayerName,
    LayerRecord,
    LayerStatus,
    Proposal,
    ThresholdSet,
)
from gateway.core.value import value

ORDER = (LayerName.KEYWORD, LayerName.SIMILARITY, LayerName.KNN, LayerName.HEAD)
"""The layers that may decide, cheapest first; after them comes the question to the caller."""

NOTHING_LEFT_OUT: Mapping[LayerName, str] = MappingProxyType({})


@value
class Ran:
    """How one matcher ended. Without a `proposal`, `error` says why; it holds no text of others.

    Status DECIDED says here only that it proposes an endpoint: whether it is sure enough, the
    cascade says. `elapsed_s`: its time since `began`, a reading of the clock; both are 0 when it
    did not run.
    """

    name: str
    status: LayerStatus
    proposal: Proposal | None = None
    error: str = ""
    elapsed_s: float = 0.0
    began: float = field(default=0.0, compare=False)

    @classmethod
    def of(cls, proposal: Proposal, elapsed_s: float = 0.0) -> Ran:
        """Of a matcher that answered."""
        if proposal.abstained:
            status = LayerStatus.ABSTAINED
        else:
            status = LayerStatus.DECIDED if proposal.endpoint else LayerStatus.DECLINED
        return cls(proposal.layer, status, proposal, elapsed_s=elapsed_s)


class Ending(StrEnum):
    """How a cascade ends. Only DECIDED is a success of a layer.

    BEST_EFFORT: no layer was sure enough, and the caller asked for the surest one nevertheless.
    CLARIFICATION: none was, so that the caller is asked.
    """

    DECIDED = "decided"
    BEST_EFFORT = "best_effort"
    CLARIFICATION = "clarification"


@value
class CascadeResult:
    """What came of a cascade. `records` has every layer, in their order, `clarify` last.

    `layer` and `proposal` are those followed, None with a CLARIFICATION, which has the questions.
    """

    ending: Ending
    records: tuple[LayerRecord, ...]
    layer: LayerName | None = None
    proposal: Proposal | None = None
    clarification: Clarification | None = None

    @property
    def confidence(self) -> float:
        """Confidence of the proposal followed; 0 when there is none (L-09)."""
        return 0.0 if self.proposal is None else self.proposal.confidence


class Cascade:
    """Says which layer is needed next, and is told how it ended.

        while (layer := cascade.wanted) is not None:
            cascade.take(<how the matcher of that layer ended>)
        result = cascade.result()

    A layer decides whose confidence is at least its threshold; no number but those of `thresholds`
    has a say (L-08), and a layer without one there never runs. Neither do those in `left_out`, by
    the reason why; that of `clarify` is ignored, since a cascade may always end without an answer.
    With `best_effort`, the surest layer is followed when none is sure enough (L-13). With `shadow`,
    the layers after the deciding one are wanted too, to learn what they would have said (U-05):
    whoever does not want to wait for them asks for the result as soon as it is `settled`.
    """

    __slots__ = (
        "_best_effort",
        "_decided",
        "_declined",
        "_records",
        "_request",
        "_shadow",
        "_thresholds",
        "_to_ask",
    )

    def __init__(
        self,
        thresholds: ThresholdSet,
        request: Request,
        *,
        left_out: Mapping[LayerName, str] = NOTHING_LEFT_OUT,
        best_effort: bool = False,
        shadow: bool = False,
    ) -> None:
        self._thresholds = thresholds
        self._request = request
        self._best_effort = best_effort
        self._shadow = shadow
        self._decided: tuple[LayerName, Proposal] | None = None
        self._declined: list[tuple[LayerName, Proposal]] = []
        known = {layer for layer, _ in thresholds.thresholds}
        unknown = f"version {thresholds.version} of the thresholds has none for it"
        why = {layer: unknown for layer in ORDER if layer not in known} | dict(left_out)
        self._records = {layer: self._skipped(layer, why[layer]) for layer in ORDER if layer in why}
        self._to_ask = [layer for layer in ORDER if layer not in why]

    @property
    def wanted(self) -> LayerName | None:
        """The layer to run next; None when there is nothing more to learn."""
        over = self._decided is not None and not self._shadow
        return None if over or not self._to_ask else self._to_ask[0]

    @property
    def settled(self) -> bool:
        """True when no layer that is still wanted can change the result but by its record."""
        return self._decided is not None or not self._to_ask

    def take(self, ran: Ran) -> None:
        """Record how the wanted layer ended. Raises ValueError for any other."""
        layer = self.wanted
        if layer is None or ran.name != layer:
            raise ValueError(f"the cascade waits for {layer}, not for {ran.name}")
        self._to_ask.pop(0)
        record = _record(layer, ran, self._thresholds.of(layer), shadow=self._decided is not None)
        self._records[layer] = record
        if record.shadow or ran.proposal is None:
            return
        if record.status is LayerStatus.DECIDED:
            self._decided = layer, ran.proposal
        elif record.status is LayerStatus.DECLINED and record.endpoint and record.confidence > 0:
            self._declined.append((layer, ran.proposal))

    def result(self) -> CascadeResult:
        """Return what came of it, with what was recorded so far.

        Raises ValueError before it is settled.
        """
        if not self.settled:
            raise ValueError(f"the cascade still waits for {self.wanted}")
        if self._decided is not None:
            return self._followed(Ending.DECIDED, *self._decided, f"{self._decided[0]} had decided")
        if self._best_effort and self._declined:
            layer, proposal = max(self._declined, key=lambda one: one[1].confidence)
            return self._followed(Ending.BEST_EFFORT, layer, proposal, "best effort was asked for")
        candidates = sorted(self._declined, key=lambda one: -one[1].confidence)
        asked = Clarification(
            questions_for(self._request),
            tuple(dict.fromkeys(proposal.endpoint for _, proposal in candidates)),
        )
        asking = LayerRecord(
            LayerName.CLARIFY,
            LayerStatus.DECLINED,
            threshold=self._thresholds.of(LayerName.CLARIFY),
            reason="no layer was sure enough, so the caller is asked",
        )
        return CascadeResult(
            Ending.CLARIFICATION, (*self._recorded(""), asking), clarification=asked
        )

    def _followed(
        self, ending: Ending, layer: LayerName, proposal: Proposal, reason: str
    ) -> CascadeResult:
        last = self._skipped(LayerName.CLARIFY, reason)
        return CascadeResult(ending, (*self._recorded(reason), last), layer, proposal)

    def _recorded(self, skipped: str) -> tuple[LayerRecord, ...]:
        """Every layer's record in order, those that did not run `skipped` for that reason."""
        return tuple(self._records.get(layer) or self._skipped(layer, skipped) for layer in ORDER)

    def _skipped(self, layer: LayerName, reason: str) -> LayerRecord:
        threshold = self._thresholds.of(layer)
        return LayerRecord(layer, LayerStatus.SKIPPED, threshold=threshold, reason=reason)


def _record(layer: LayerName, ran: Ran, threshold: float, *, shadow: bool) -> LayerRecord:
    proposal = ran.proposal
    if proposal is None:
        return LayerRecord(
            layer,
            ran.status,
            threshold=threshold,
            reason=ran.error,
            elapsed_s=ran.elapsed_s,
            shadow=shadow,
        )
    status, reason = _judged(proposal, threshold)
    return LayerRecord(
        layer,
        status,
        proposal.confidence,
        threshold,
        proposal.endpoint,
        proposal.topic,
        reason,
        ran.elapsed_s,
        proposal.details,
        shadow,
    )


def _judged(proposal: Proposal, threshold: float) -> tuple[LayerStatus, str]:
    """Hold a proposal against its threshold; say what is missing, empty when nothing is."""
    if proposal.abstained:
        return LayerStatus.ABSTAINED, proposal.words or "it has nothing to go by"
    if not proposal.endpoint:
        return LayerStatus.DECLINED, proposal.words or "it proposes no endpoint"
    if proposal.confidence < threshold:
        below = f"confidence {proposal.confidence:.4g} is below {threshold:g}"
        return LayerStatus.DECLINED, below
    return LayerStatus.DECIDED, ""


def questions_for(request: Request) -> tuple[str, ...]:
    """Ask for what the request leaves open, naming the field that takes the answer."""
    asked: list[str] = []
    if not any(key == "task" and words for key, words in request.labels):
        asked.append(
            "Which kind of task is it? Say it in `labels` under `task`, in a word that is the "
            "same for all such requests: complete, fill, refactor, repair, explain, test."
        )
    if not request.endpoint_filter.required_capabilities:
        names = ", ".join(capability.name for capability in Capability)
        asked.append(
            "Which capability must the endpoint have? Name it in "
            f"`endpoint_filter.required_capabilities`: {names}."
        )
    if request.objective is Objective.BALANCED:
        names = ", ".join(one.name for one in Objective if one is not Objective.BALANCED)
        asked.append(f"What matters most? Name it in `objective`: {names}.")
    asked.append("Shall the rules decide instead? Set `routing_mode` to RULES.")
    return tuple(asked)


class Activation(StrEnum):
    """How many endpoints two scores are worth."""

    SINGLE = "single"
    BEST_OF_TWO = "best_of_two"
    CLARIFY = "clarify"


@value
class ActivationSettings:
    """Scores from `activate` count; from `sure`, or `margin` ahead, the best needs no second."""

    activate: float = 0.30
    sure: float = 0.75
    margin: float = 0.20


DEFAULT_ACTIVATION = ActivationSettings()


def activation(
    best: float, second: float = 0.0, settings: ActivationSettings = DEFAULT_ACTIVATION
) -> Activation:
    """Say what the two best scores, each 0..1, call for (L-17)."""
    if best < settings.activate - OVERSHOOT:
        return Activation.CLARIFY
    clear = best >= settings.sure - OVERSHOOT or best - second >= settings.margin - OVERSHOOT
    if clear or second < settings.activate - OVERSHOOT:
        return Activation.SINGLE
    return Activation.BEST_OF_TWO
