"""The words of one language for commands and jobs, and texts as words."""

from __future__ import annotations

import re
import unicodedata

from gateway.core.control import Command, Dial, Direction, JobKind
from gateway.core.value import value

JOB_ID = r"job-[0-9a-f]+-[0-9a-f]+"
_WORD = re.compile(rf"{JOB_ID}|\w+")
_APOSTROPHES = str.maketrans({"'": None, "\N{RIGHT SINGLE QUOTATION MARK}": None})

Phrase = tuple[str, ...]
"""A phrase as its words."""


@value
class Spoken:
    """What a phrase stands for: a command, which way it turns a dial, and which dial."""

    command: Command
    direction: Direction | None = None
    dial: Dial | None = None


@value
class Language:
    """The words of one language; phrases have one word or several.

    `kinds` name kinds of job, `dials` what VOLUME turns, `directions` which way. `every` says that
    all are meant, `negations` that the opposite is. `fillers` mean nothing.
    """

    name: str
    commands: tuple[tuple[Phrase, Spoken], ...]
    kinds: tuple[tuple[Phrase, JobKind], ...]
    dials: tuple[tuple[Phrase, Dial], ...]
    directions: tuple[tuple[Phrase, Direction], ...]
    every: tuple[Phrase, ...]
    negations: tuple[Phrase, ...]
    fillers: tuple[Phrase, ...]


def words_of(text: str) -> Phrase:
    """Cut a text into words, in lower case; an id of a job is one word.

    Compatible forms of a letter are the same one, and so are the two Russian letters that are
    written alike; apostrophes are left out, so that `don't` is one word.
    """
    folded = unicodedata.normalize("NFKC", text).casefold().translate(_APOSTROPHES)
    folded = folded.replace("\N{CYRILLIC SMALL LETTER IO}", "\N{CYRILLIC SMALL LETTER IE}")
    return tuple(_WORD.findall(folded))
