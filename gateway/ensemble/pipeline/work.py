"""What each kind of step does: asks endpoints, or judges and chooses among what they wrote."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from gateway.core.candidate import Attempt, Candidate
from gateway.core.composition import CALLING, Rank, StepDefinition
from gateway.core.decision import RoutingDecision
from gateway.core.exchange import Exchange
from gateway.core.faults import Fault, Kind, Origin, Reason
from gateway.core.pipeline import StepKind
from gateway.core.ports import Draft
from gateway.ensemble.checking import check_text
from gateway.ensemble.choose import rate
from gateway.ensemble.filler import Filler
from gateway.ensemble.judge import best, good_enough
from gateway.ensemble.pipeline.parameters import Values
from gateway.ensemble.pipeline.request import step_request
from gateway.ensemble.pipeline.state import Inputs, Made, criticised, written
from gateway.ensemble.run import Run
from gateway.ensemble.sequential import draft_of
from gateway.routing.sampling import drawn_again


@dataclass(slots=True)
class Work:
    """Does the work of the steps of one run.

    `run` is that of the request itself: its checks judge every text. `numbered` counts the
    candidates of all steps, so that each one's number is its own; `decisions` says by that number
    where a text came from; `turns` how often each step has written.
    """

    filler: Filler
    run: Run
    values: Values
    numbered: int = 0
    critiques: int = 0
    turns: Counter[str] = field(default_factory=Counter[str])
    decisions: dict[int, RoutingDecision] = field(default_factory=dict[int, RoutingDecision])

    async def do(self, step: StepDefinition, inputs: Inputs, own: Exchange) -> Made:
        """Do one step, whose calls are recorded in `own` too. Raises Fault."""
        if step.kind in CALLING and own.deadline.left(self.run.clock()) <= 0:
            words = "no time was left to begin it"
            raise Fault(Kind.DEADLINE, Origin.CALLER, Reason.DEADLINE_EXCEEDED, words)
        match step.kind:
            case StepKind.DRAFT:
                return await self._write(step, inputs, own, None)
            case StepKind.REPAIR:
                draft = Draft(inputs.text.completion.text, inputs.issues)
                return await self._write(step, inputs, own, draft)
            case StepKind.CRITIQUE:
                return await self._criticise(step, inputs, own)
            case StepKind.VALIDATE:
                text = await self.judged(inputs.text)
                return Made(text, issues=draft_of(text).issues, passed=good_enough(text))
            case StepKind.SELECT:
                return await self._select(step, inputs)

    async def judged(self, candidate: Candidate) -> Candidate:
        """Check a text that was not checked when it came, which is one that no endpoint wrote."""
        if candidate.verdicts:
            return candidate
        run, text = self.run, candidate.completion.text
        found = await check_text(run.checks, text, run.exchange.deadline, run.clock)
        checked = replace(
            candidate, index=self.numbered, verdicts=found.verdicts, behaviour=found.behaviour
        )
        self.numbered += 1
        score = run.scorer(checked, None)
        checked = checked.rated(score.value, score.method)
        run.exchange.candidates.append(checked)
        return checked

    async def _write(
        self, step: StepDefinition, inputs: Inputs, own: Exchange, draft: Draft | None
    ) -> Made:
        """Have a text written. One that fails its checks is a text all the same."""
        request = step_request(step, self.run.exchange.request, self.values)
        # A step of a later round that drew as it did before could write the same for ever.
        turn, self.turns[step.id] = self.turns[step.id], self.turns[step.id] + 1
        sampling = drawn_again(request.sampling, turn, request.request_id)
        request = replace(request, sampling=sampling)
        without = self._targets(inputs.without)
        try:
            part = await self.filler.part(own, request, step.id, without=without, draft=draft)
        finally:
            first = self._record(own.attempts)
        candidates = tuple(replace(one, index=one.index + first) for one in part.candidates)
        self.run.exchange.candidates.extend(candidates)
        if part.answer is not None:
            chosen = part.answer.chosen.index + first
            self.decisions[chosen] = part.answer.decision
            return written(next(one for one in candidates if one.index == chosen), candidates)
        if part.fault is not None and not (part.fault.kind is Kind.UNVERIFIED and candidates):
            raise part.fault
        return written(best(candidates), candidates)

    async def _criticise(self, step: StepDefinition, inputs: Inputs, own: Exchange) -> Made:
        request = step_request(step, self.run.exchange.request, self.values)
        draft = Draft(inputs.text.completion.text, inputs.issues)
        index, self.critiques = self.critiques, self.critiques + 1
        try:
            critique = await self.filler.critique(own, request, step.id, draft, index=index)
        finally:
            self._record(own.attempts)
        return criticised(critique.issues, critique.endpoint)

    async def _select(self, step: StepDefinition, inputs: Inputs) -> Made:
        """Choose; where all else is equal, the text that is named first."""
        judged = [await self.judged(text) for text in inputs.texts]
        # A text that came on two ways must not agree with itself.
        texts = list({text.index: text for text in judged}.values())
        if step.rank is Rank.SCORE:
            texts = rate(texts, self.run.scorer)
            self._rerate({text.index: text for text in texts})
            ranked = texts
        else:
            ranked = [replace(text, confidence=0.0, utility=None) for text in texts]
        # The place stands for the number, which says who came first.
        placed = [replace(text, index=place) for place, text in enumerate(ranked)]
        return written(texts[best(placed).index], tuple(texts))

    def _rerate(self, rated: Mapping[int, Candidate]) -> None:
        """Put what is known now about texts into the record of the request."""
        candidates = self.run.exchange.candidates
        candidates[:] = [rated.get(one.index, one) for one in candidates]

    def _record(self, attempts: list[Attempt]) -> int:
        """Put a step's attempts into the record of the request; return its first number."""
        first = self.numbered
        self.numbered += max((attempt.candidate for attempt in attempts), default=-1) + 1
        attempts[:] = [
            replace(attempt, candidate=attempt.candidate + first) for attempt in attempts
        ]
        self.run.exchange.attempts.extend(attempts)
        return first

    def _targets(self, names: frozenset[str]) -> frozenset[str]:
        """Name what the router sees: of a replica its group."""
        if not names:
            return names
        replicas = self.filler.router.snapshot.replicas
        groups = {one.name: group for group, members in replicas.items() for one in members}
        return frozenset(groups.get(name, name) for name in names)
