"""What is asked: holes in code out of a file, a small set of our own, or of a given size."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from ensemble_loadtest.faults import PlanError

MAX_PROMPTS = 100_000
MAX_BYTES = 2 * 1024 * 1024
KEYS = ("prompt", "suffix", "language")


@dataclass(frozen=True, slots=True)
class Prompt:
    """One hole: the code before it, the code after it, and its language."""

    prompt: str
    suffix: str = ""
    language: str = "python"


@dataclass(frozen=True, slots=True)
class Asking:
    """What every request asks for besides its hole.

    `tensor` and `suffix_tensor` name OIP's inputs; with an empty name no suffix is sent. `cache`
    allows the gateway to answer from its result cache. `chat` asks OpenAI's chat API.
    """

    model: str = "auto"
    max_tokens: int = 64
    temperature: float | None = None
    cache: bool = False
    chat: bool = False
    tensor: str = "prompt"
    suffix_tensor: str = "suffix"


BUILT_IN = (
    Prompt("def mean(values: list[float]) -> float:\n    return ", "\n"),
    Prompt(
        "def is_leap(year: int) -> bool:\n    ",
        "\n\n\nassert is_leap(2000) and not is_leap(1900)\n",
    ),
    Prompt("class Pile:\n    def __init__(self):\n        self.items = []\n\n    def pop(self):\n"),
    Prompt("def flatten(rows):\n    return [", "\n"),
    Prompt("import re\n\nEMAIL = re.compile(r'", "')\n"),
    Prompt("SELECT name, count(*) FROM visits\nWHERE ", "\nGROUP BY name;\n", "sql"),
    Prompt("fn gcd(a: u64, b: u64) -> u64 {\n    ", "\n}\n", "rust"),
    Prompt("export const later = (run: () => void, ms: number) => {\n  ", "\n};\n", "typescript"),
)  # fmt: skip
LINE = "def step_{number}(value):\n    return value + {number}\n\n\n"


def of_size(characters: int, variants: int = 64) -> tuple[Prompt, ...]:
    """Return prompts of this many characters, which differ at their ends."""
    shortest = len(LINE.format(number=0))
    body = "".join(LINE.format(number=number) for number in range(characters // shortest + 1))
    ends = (f"\n# variant {number}\n" for number in range(variants))
    return tuple(
        Prompt((body[: max(0, characters - len(end))] + end)[-characters:]) for end in ends
    )


def read_prompts(name: str, text: str) -> tuple[Prompt, ...]:
    """Read one JSON object a line with `prompt` and, if it has one, `suffix` and `language`.

    Raises PlanError, naming the line.
    """
    found: list[Prompt] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        if len(found) == MAX_PROMPTS:
            raise PlanError(f"{name}: more than {MAX_PROMPTS} prompts; cut the file")
        found.append(_prompt(f"{name}, line {number}", line))
    if not found:
        raise PlanError(f"{name}: no prompt in it; write one JSON object a line")
    return tuple(found)


def _prompt(where: str, line: str) -> Prompt:
    try:
        document = json.loads(line)
    except ValueError:
        raise PlanError(f'{where}: no JSON; write {{"prompt": "..."}}') from None
    given = cast("dict[str, Any]", document) if isinstance(document, dict) else {}
    texts = {key: given[key] for key in KEYS if key in given}
    if not texts.get("prompt") or not all(isinstance(text, str) for text in texts.values()):
        raise PlanError(f"{where}: prompt, suffix and language are texts, and prompt is not empty")
    if any(len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES for text in texts.values()):
        raise PlanError(f"{where}: a text of more than {MAX_BYTES} bytes; shorten it")
    return Prompt(**texts)


def summary(prompts: Sequence[Prompt]) -> str:
    """Say how many prompts there are and how long, without their texts."""
    sizes = sorted(len(prompt.prompt) + len(prompt.suffix) for prompt in prompts)
    return f"{len(prompts)} of {sizes[0]} to {sizes[-1]} characters"
