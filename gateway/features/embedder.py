"""Embedding models: a callable of the operator's own, or an ONNX file beside its tokenizer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from gateway.core.embedding import Embedder

NO_EXTRA = "no runtime for ONNX models is installed: run `pip install 'ensemble-gateway[onnx]'`"
TOKENIZER = "tokenizer.json"
"""Name of the tokenizer's file, which lies in the folder of the model."""

MOST_TOKENS = 256
"""Tokens of one text that the model reads; small embedding models are trained on so many."""

BATCH = 32
"""Texts in one run of the model, which bounds its memory."""


def load_embedder(source: str) -> Embedder:
    """Load an embedder by `module:attribute` or by the path of an `.onnx` file.

    The attribute is an object with `embed`, or a function from texts to vectors. Blocks while a
    model loads. Raises ValueError with what is wrong and how to mend it; what the operator's own
    module raises goes through.
    """
    if source.endswith(".onnx"):
        return _load_onnx(Path(source))
    module, colon, attribute = source.partition(":")
    if not (module and colon and attribute):
        raise ValueError(f"{source!r} is neither `module:attribute` nor the path of an .onnx file")
    try:
        found: object = getattr(import_module(module), attribute)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise
        raise ValueError(f"there is no module {module!r} for the embedder {source!r}") from None
    except AttributeError:
        raise ValueError(f"module {module!r} has no attribute {attribute!r}") from None
    if callable(getattr(found, "embed", None)):
        return cast("Embedder", found)
    if callable(found):
        return CallableEmbedder(cast("Callable[[Sequence[str]], object]", found))
    raise ValueError(f"{source!r} is neither a function nor an object with `embed`")


class CallableEmbedder:
    """An embedder made of a function from texts to vectors."""

    def __init__(self, function: Callable[[Sequence[str]], object]) -> None:
        self._function = function

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return what the function returns, as an array."""
        return np.asarray(self._function(texts), dtype=np.float32)


class OnnxEmbedder:
    """Runs a sentence embedding model; a text's vector is the mean over its tokens.

    `session` is an `onnxruntime.InferenceSession` whose first output is [texts, tokens, dimensions]
    or, pooled already, [texts, dimensions]. `tokenizer` is a `tokenizers.Tokenizer` that cuts and
    pads.
    """

    def __init__(self, session: Any, tokenizer: Any) -> None:
        self._session = session
        self._tokenizer = tokenizer
        self._inputs = {one.name for one in session.get_inputs()}

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed texts, `BATCH` at a time; blocks while the model runs."""
        batches = [texts[start : start + BATCH] for start in range(0, len(texts), BATCH)]
        return np.concatenate([self._run(batch) for batch in batches])

    def _run(self, texts: Sequence[str]) -> NDArray[np.float32]:
        read = self._tokenizer.encode_batch(list(texts))
        mask = np.asarray([one.attention_mask for one in read], np.int64)
        given = {
            "input_ids": np.asarray([one.ids for one in read], np.int64),
            "attention_mask": mask,
            "token_type_ids": np.zeros_like(mask),
        }
        wanted = {name: array for name, array in given.items() if name in self._inputs}
        output = np.asarray(self._session.run(None, wanted)[0], np.float32)
        if output.ndim == 2:  # noqa: PLR2004 - [texts, dimensions]
            return output
        shown = mask[:, :, None].astype(np.float32)
        return (output * shown).sum(axis=1) / np.maximum(shown.sum(axis=1), 1.0)


def _load_onnx(path: Path) -> OnnxEmbedder:
    beside = path.parent / TOKENIZER
    for file in (path, beside):
        if not file.is_file():
            raise ValueError(f"the embedder needs the file {file}, which is not there")
    try:
        # By name: neither is installed with the gateway, and an idle one does not load them.
        runtime, tokenizers = import_module("onnxruntime"), import_module("tokenizers")
    except ImportError:
        raise ValueError(NO_EXTRA) from None
    tokenizer = tokenizers.Tokenizer.from_file(str(beside))
    tokenizer.enable_truncation(max_length=MOST_TOKENS)
    tokenizer.enable_padding()
    session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return OnnxEmbedder(session, tokenizer)
