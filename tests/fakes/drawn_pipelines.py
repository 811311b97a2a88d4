"""Tables of pipelines that have no mistake, drawn step by step."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from gateway.config.pipeline_checks import table_problems
from gateway.config.pipeline_tables import PipelineTable

Step = dict[str, Any]
WRITES = ("draft", "repair", "select")
CALLING = ("draft", "critique", "repair")


class _Table:
    """Steps so far; `draw` is hypothesis's."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.steps: list[Step] = []

    def of(self, *kinds: str) -> list[Step]:
        return [step for step in self.steps if step["do"] in kinds]

    def source(self, steps: list[Step], field: str, constant: Any) -> Any:
        """Refer to one of some steps, with a default where it may give nothing, or anyway."""
        step = self.draw(st.sampled_from(steps))
        reference = f"${step['id']}.{field}"
        if self.draw(st.booleans()) and not _unsure(step):
            return reference
        sure = [f"${one['id']}.{field}" for one in steps if not _unsure(one)]
        return {"source": reference, "default": self.draw(st.sampled_from([*sure, constant]))}

    def text(self) -> Any:
        return self.source(self.of(*WRITES, "validate"), "text", "0")

    def issues(self) -> Any:
        return self.source(self.of("critique", "validate"), "issues", ["mend it"])

    def add(self, number: int) -> None:
        kinds = ["draft"]
        if self.of(*WRITES):
            kinds += ["critique", "validate", "select"]
            kinds += ["repair"] if self.of("critique", "validate") else []
        kind = self.draw(st.sampled_from(kinds))
        step: Step = {"id": f"s{number}", "do": kind}
        if kind == "select":
            count = self.draw(st.integers(1, 3))
            step["texts"] = [self.text() for _ in range(count)]
            step["by"] = self.draw(st.sampled_from(["checks", "score"]))
        elif kind != "draft":
            step["text"] = self.text()
        if kind == "repair":
            step["issues"] = [self.issues()]
        if kind in CALLING:
            self._fall_back(step)
            flags = [one for one in self.of("critique", "validate") if not _unsure(one)]
            if flags and self.draw(st.booleans()):
                chosen = self.draw(st.sampled_from(flags))
                step["when"] = self.draw(st.sampled_from(["", "!"])) + f"${chosen['id']}.passed"
        self.steps.append(step)

    def _fall_back(self, step: Step) -> None:
        step["on_error"] = self.draw(st.sampled_from(["fail_fast", "skip", "fallback"]))
        if step["on_error"] == "fallback":
            constant = {"issues": ["x"]} if step["do"] == "critique" else {"text": "7"}
            step["fallback"] = self.draw(st.sampled_from([f"{step['id']}_else", constant]))

    def stand_ins(self) -> list[Step]:
        found = [step for step in self.steps if isinstance(step.get("fallback"), str)]
        return [
            {
                **{name: step[name] for name in ("do", "text", "issues") if name in step},
                "id": step["fallback"],
                "on_error": self.draw(st.sampled_from(["fail_fast", "skip"])),
            }
            for step in found
        ]

    def loop(self, first: int) -> Step:
        """Repeat the steps from one on; a text of the loop may be that of the round before."""
        looped = self.steps[first:]
        flags = [one for one in looped if one["do"] in {"critique", "validate"}]
        before = [step for step in self.steps[:first] if step["do"] in WRITES and not _unsure(step)]
        for place, step in enumerate(looped):
            later = [one for one in looped[place:] if one["do"] in WRITES]
            if "text" in step and later and before and self.draw(st.booleans()):
                source = f"${self.draw(st.sampled_from(later))['id']}.text"
                step["text"] = {"source": source, "default": f"${before[0]['id']}.text"}
        until = [f"${one['id']}.passed" for one in flags if self.draw(st.booleans())]
        ids = [step["id"] for step in looped]
        return {"steps": ids, "rounds": self.draw(st.integers(1, 3)), "until": until}


def _unsure(step: Step) -> bool:
    return "when" in step and step["do"] in {"draft", "critique"}


@st.composite
def tables(draw: st.DrawFn) -> PipelineTable:
    drawn = _Table(draw)
    for number in range(draw(st.integers(1, 6))):
        drawn.add(number)
    drawn.steps.append({"id": "last", "do": "select", "texts": [drawn.text(), drawn.text()]})
    document: dict[str, Any] = {"name": "own", "output": "last"}
    if draw(st.booleans()) and len(drawn.steps) > 2:
        document["loop"] = drawn.loop(draw(st.integers(1, len(drawn.steps) - 2)))
    steps = [*drawn.steps, *drawn.stand_ins()]
    return _pruned(document, steps)


def _pruned(document: dict[str, Any], steps: list[Step]) -> PipelineTable:
    """Take out what leads nowhere."""
    while True:
        loop = document.get("loop")
        if loop is not None:
            left = {step["id"] for step in steps}
            loop["steps"] = [one for one in loop["steps"] if one in left]
            loop["until"] = [one for one in loop["until"] if one[1:].split(".")[0] in left]
            if not loop["steps"]:
                del document["loop"]
        table = PipelineTable.model_validate({**document, "step": steps})
        problems = table_problems("pipeline", table)
        unused = {
            int(problem.path.removeprefix("pipeline.step[").removesuffix("]"))
            for problem in problems
            if problem.why.startswith("nothing that leads")
        }
        if not unused:
            assert problems == []
            return table
        steps = [step for place, step in enumerate(steps) if place not in unused]
