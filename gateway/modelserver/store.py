"""Trained models on disk: trained at the first start, read at the next.

A file is a NumPy archive without pickled objects. One that cannot be read, or that is not exactly
what was asked for, is trained again and replaced whole.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import tempfile
import zipfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np

from gateway.modelserver import corpus
from gateway.modelserver.model import FIRST_TOKEN, Model, Progress, train

FORMAT = "1"
"""Changes with the tokenizer, the training or the file format."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a model is trained: contexts of `depth` tokens, the first `tokens` of the corpus."""

    depth: int
    tokens: int

    @property
    def key(self) -> str:
        """Names everything that the trained model depends on."""
        python = f"{platform.python_implementation()}-{platform.python_version()}"
        return f"ngram-{FORMAT}-{python}-d{self.depth}-t{self.tokens}-s{corpus.SPLIT}"

    @property
    def revision(self) -> str:
        """A short name of the trained weights."""
        return hashlib.sha256(self.key.encode()).hexdigest()[:12]


def cache_folder() -> Path:
    """Where trained models are kept: `$XDG_CACHE_HOME/ensemble`, else `~/.cache/ensemble`."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if base else Path.home() / ".cache") / "ensemble"


def trained(recipe: Recipe, folder: Path, progress: Progress | None = None) -> Model:
    """The model of a recipe, read from the folder or trained and put there.

    A folder that cannot be written to costs the next start a training, nothing else.
    """
    path = folder / f"{recipe.key}.npz"
    found = read(path, recipe)
    if found is not None:
        return found
    texts = corpus.texts(corpus.training_files())
    model = train(texts, recipe.depth, recipe.tokens, progress)
    with suppress(OSError):
        write(model, path, recipe)
    return model


def write(model: Model, path: Path, recipe: Recipe) -> None:
    """Write a model under a name of its own first, so that no reader ever sees half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    vocabulary = json.dumps(model.vocabulary).encode()
    handle, name = tempfile.mkstemp(dir=path.parent, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez(
                file,
                key=np.frombuffer(recipe.key.encode(), dtype=np.uint8),
                vocabulary=np.frombuffer(vocabulary, dtype=np.uint8),
                full=model.contexts.full,
                order=model.contexts.order,
            )
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def read(path: Path, recipe: Recipe) -> Model | None:
    """Read a model; None when there is no such file or it is not a sound model of this recipe."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            if stored["key"].tobytes() != recipe.key.encode():
                return None
            vocabulary = _vocabulary(stored["vocabulary"].tobytes())
            full, order = stored["full"], stored["order"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, RecursionError):
        return None
    sound = (
        len(vocabulary) >= FIRST_TOKEN
        and full.dtype == order.dtype == np.int32
        and full.ndim == order.ndim == 1
        and len(full) == len(order) > 0
        and 0 <= full.min() <= full.max() < len(vocabulary)
        and 0 <= order.min() <= order.max() < len(order)
    )
    return Model.of(vocabulary, full, order, recipe.depth) if sound else None


def _vocabulary(raw: bytes) -> tuple[str, ...]:
    """Read the tokens. Raises ValueError when they are none."""
    items: object = json.loads(raw)
    if not isinstance(items, list):
        raise ValueError("not a list")  # noqa: TRY004 - the file is wrong, not the program
    tokens = [item for item in cast("list[object]", items) if isinstance(item, str) and item]
    if len(tokens) != len(cast("list[object]", items)):
        raise ValueError("not all are tokens")
    return tuple(tokens)
