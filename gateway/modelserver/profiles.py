"""The n-gram servers that can be started: fast, quality and constrained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from gateway.modelserver.constrained import ConstrainedEngine
from gateway.modelserver.engine import Engine
from gateway.modelserver.model import Progress
from gateway.modelserver.ngram import NgramEngine, NgramSettings
from gateway.modelserver.store import Recipe, trained


class Profile(StrEnum):
    """Which trade of speed against quality is served."""

    FAST = "fast"
    QUALITY = "quality"
    CONSTRAINED = "constrained"


@dataclass(frozen=True, slots=True)
class ProfileSettings:
    """What a profile is made of."""

    recipe: Recipe
    settings: NgramSettings
    constrained: bool = False


PROFILES: Mapping[Profile, ProfileSettings] = {
    Profile.FAST: ProfileSettings(Recipe(3, 400_000), NgramSettings(width=1)),
    Profile.QUALITY: ProfileSettings(Recipe(6, 4_000_000), NgramSettings(width=12, parse=True)),
    Profile.CONSTRAINED: ProfileSettings(
        Recipe(5, 1_000_000), NgramSettings(width=4, parse=True), constrained=True
    ),
}


def ngram_engine(
    profile: Profile, folder: Path, *, tokens: int | None = None, progress: Progress | None = None
) -> Engine:
    """The engine of a profile, trained if its model is not in the folder.

    `tokens` limits the corpus further than the profile does.
    """
    chosen = PROFILES[profile]
    most = chosen.recipe.tokens if tokens is None else min(tokens, chosen.recipe.tokens)
    recipe = Recipe(chosen.recipe.depth, most)
    model = trained(recipe, folder, progress)
    engine = NgramEngine(model, chosen.settings, f"{profile}-{recipe.revision}")
    return ConstrainedEngine(engine) if chosen.constrained else engine
