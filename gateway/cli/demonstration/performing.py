"""The demonstration from start to end: choose holes, start a fleet, send, kill, check."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ensemble_client import AsyncClient

from gateway.cli.demonstration.answers import Answer
from gateway.cli.demonstration.asking import Question
from gateway.cli.demonstration.choosing import choose, has_doctests, heldout_sources
from gateway.cli.demonstration.endpoints import FAST, QUICK
from gateway.cli.demonstration.fleet import Fleet, running
from gateway.cli.demonstration.learning import FIRST, REST, Learned, perform_learning
from gateway.cli.demonstration.lessons import Lesson, Task, choose_lessons
from gateway.cli.demonstration.repeating import Repeated, perform_repeating
from gateway.cli.demonstration.sending import Killer, Sender
from gateway.cli.demonstration.steering import Steered, perform_steering
from gateway.cli.demonstration.totals import Checked, Totals, shortcomings
from gateway.cli.demonstration.trying import try_all
from gateway.cli.demonstration.verifying import AT_ONCE, Doctests, passing, run_doctests
from gateway.cli.demonstration.works import Works, perform_works

KILLED = FAST
"""The model server that is killed half way: simple holes go to it first."""

MOST_CUT = 200
"""Holes among which those of one module are looked for."""

Tell = Callable[[str, int, int], None]
"""Hears what is going on: words, how much of it is done, how much there is (0: not known)."""


@dataclass(frozen=True, slots=True)
class Report:
    """What was seen. `checked` is in the order of the answers; times are in seconds."""

    checked: tuple[Checked, ...]
    sent: int
    seed: int
    killed: str
    start_s: float
    send_s: float
    check_s: float
    missing: tuple[str, ...]
    works: Works
    learned: Learned
    steered: Steered
    repeated: Repeated

    @property
    def totals(self) -> dict[str, Totals]:
        """Totals of everything, and of the answers before and after the kill."""
        before = [one for one in self.checked if not one.answer.after_kill]
        after = [one for one in self.checked if one.answer.after_kill]
        return {
            "all": Totals.of(self.checked, self.sent),
            "before": Totals.of(before, len(before)),
            "after": Totals.of(after, len(after)),
        }


async def perform(folder: Path, count: int, seed: int, tell: Tell) -> Report:
    """Run the demonstration; `folder` takes configuration and logs. Raises StartError."""
    began = time.perf_counter()
    tell("running the doctests of untouched modules", 0, 0)
    sources = await asyncio.to_thread(heldout_sources)
    shown = {name: found for name, found in sources.items() if has_doctests(found[1])}
    own = await passing(shown)
    texts = {name: text for name, (_, text) in sources.items()}
    holes = choose(texts, own, count, seed)
    questions = [Question.of(number, hole) for number, hole in enumerate(holes)]
    lessons = choose_lessons(texts, FIRST + REST + len(Task), seed)

    def starting(name: str) -> None:
        tell(f"starting {name} (model servers train the first time)", 0, 0)

    async with running(folder, starting) as fleet:
        started = time.perf_counter()
        tell("constraints, a refinement and a pipeline", 0, 0)
        async with AsyncClient(f"127.0.0.1:{fleet.gateway.port}") as client:
            works = await perform_works(client, choose(texts, own, MOST_CUT, seed))
            tell("small holes, from which routing learns", 0, 0)
            learned = await _learn(client, fleet, lessons)
            # Before the kill: a stand-in's answer is not cached, and has no next endpoint.
            tell("a batch that is steered, and requests that are repeated", 0, 0)
            steered = await perform_steering(client, lessons)
            repeated = await perform_repeating(client)
        answers = await _send(questions, fleet.gateway.port, fleet.servers[KILLED].kill, tell)
        ended = time.perf_counter()
    checked = await _check(answers, own, {name: path for name, (path, _) in sources.items()}, tell)
    return Report(
        checked=tuple(checked),
        sent=len(questions),
        seed=seed,
        killed=KILLED,
        start_s=started - began,
        send_s=ended - started,
        check_s=time.perf_counter() - ended,
        missing=(
            *shortcomings(checked, len(questions), KILLED),
            *learned.missing,
            *steered.missing,
            *repeated.missing,
        ),
        works=works,
        learned=learned,
        steered=steered,
        repeated=repeated,
    )


async def _learn(client: AsyncClient, fleet: Fleet, lessons: Sequence[Lesson]) -> Learned:
    fills = await try_all({name: fleet.servers[name].port for name in QUICK}, lessons)
    return await perform_learning(client, lessons, fills)


async def _send(questions: Sequence[Question], port: int, kill: Killer, tell: Tell) -> list[Answer]:
    done = 0

    def heard(_: Answer) -> None:
        nonlocal done
        done += 1
        tell("filling holes", done, len(questions))

    async with AsyncClient(f"127.0.0.1:{port}") as client:
        return await Sender(client, kill, heard).send(questions)


async def _check(
    answers: Sequence[Answer], own: dict[str, Doctests], paths: dict[str, Path], tell: Tell
) -> list[Checked]:
    """Parse every filled module and run its own doctests, each in a process with limits."""
    gate = asyncio.Semaphore(AT_ONCE)
    done = 0

    async def check(answer: Answer) -> Checked:
        nonlocal done
        hole = answer.question.hole
        examples = own[hole.module].attempted if hole.module in own else 0
        checked = Checked.of(answer, examples, None)
        if checked.parses and examples:
            async with gate:
                source = hole.filled(answer.text)
                found = await run_doctests(hole.module, paths[hole.module], source)
            checked = Checked(answer, checked.parses, examples, found)
        done += 1
        tell("checking the filled modules", done, len(answers))
        return checked

    return list(await asyncio.gather(*(check(answer) for answer in answers)))
