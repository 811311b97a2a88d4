"""The port of whatever turns texts into vectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Embedder(Protocol):
    """Turns texts into vectors whose cosine says how near two texts are in meaning."""

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one vector for each text, as [texts, dimensions]; always as many dimensions.

        It may block and may be called from several threads at once. Raises what it likes: the layer
        that asked then fails, and the others go on.
        """
        ...
