"""Loading an embedder. The ONNX runtime itself is no dependency: a stand-in takes its place."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from gateway.features.embedder import (
    BATCH,
    MOST_TOKENS,
    NO_EXTRA,
    CallableEmbedder,
    OnnxEmbedder,
    load_embedder,
)


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = ModuleType("own_embeddings")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return module


def test_a_function_of_the_operator_is_an_embedder(own: ModuleType) -> None:
    own.lengths = lambda texts: [[len(text)] for text in texts]
    vectors = load_embedder("own_embeddings:lengths").embed(["a", "bc"])
    assert vectors.dtype == np.float32
    assert vectors.tolist() == [[1.0], [2.0]]


def test_an_object_with_embed_is_taken_as_it_is(own: ModuleType) -> None:
    own.model = CallableEmbedder(list)
    assert load_embedder("own_embeddings:model") is own.model


@pytest.mark.parametrize(
    ("source", "wrong"),
    [
        ("model", "neither `module:attribute` nor the path"),
        (":x", "neither `module:attribute` nor the path"),
        ("own_embeddings:", "neither `module:attribute` nor the path"),
        ("own_embeddings:missing", "module 'own_embeddings' has no attribute 'missing'"),
        ("own_embeddings:number", "neither a function nor an object"),
        ("no_such_module:x", "there is no module 'no_such_module'"),
        ("no_such_module.deep:x", "there is no module 'no_such_module.deep'"),
    ],
)
def test_what_is_wrong_with_a_source_is_said(own: ModuleType, source: str, wrong: str) -> None:
    own.number = 3
    with pytest.raises(ValueError, match=wrong):
        load_embedder(source)


def test_what_the_operator_s_module_lacks_goes_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "needing.py").write_text("import no_such_package\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="no_such_package"):
        load_embedder("needing:embed")


@dataclass
class Session:
    """Answers with the ids of the tokens as vectors of one number, or with `output`."""

    names: tuple[str, ...] = ("input_ids", "attention_mask")
    output: object = None

    def __post_init__(self) -> None:
        self.runs: list[dict[str, np.ndarray]] = []

    def get_inputs(self) -> list[SimpleNamespace]:
        return [SimpleNamespace(name=name) for name in self.names]

    def run(self, _: None, given: dict[str, np.ndarray]) -> list[object]:
        self.runs.append(given)
        return [given["input_ids"][:, :, None] if self.output is None else self.output]


class Tokenizer:
    """One token a character, its code; pads with 999, which the mask hides."""

    cut = 0
    padded = False

    @classmethod
    def from_file(cls, path: str) -> Tokenizer:
        assert Path(path).name == "tokenizer.json"
        return cls()

    def enable_truncation(self, max_length: int) -> None:
        self.cut = max_length

    def enable_padding(self) -> None:
        self.padded = True

    def encode_batch(self, texts: list[str]) -> list[SimpleNamespace]:
        longest = max(map(len, texts))
        return [
            SimpleNamespace(
                ids=[ord(one) for one in text] + [999] * (longest - len(text)),
                attention_mask=[1] * len(text) + [0] * (longest - len(text)),
            )
            for text in texts
        ]


def test_a_vector_is_the_mean_over_the_tokens_of_its_text() -> None:
    session = Session()
    vectors = OnnxEmbedder(session, Tokenizer()).embed(["ac", "b", ""])
    assert vectors.tolist() == [[98.0], [98.0], [0.0]]
    assert set(session.runs[0]) == {"input_ids", "attention_mask"}


def test_a_pooled_output_is_taken_as_it_is() -> None:
    session = Session((*Session.names, "token_type_ids"), output=[[1.0, 2.0]])
    assert OnnxEmbedder(session, Tokenizer()).embed(["a"]).tolist() == [[1.0, 2.0]]
    assert session.runs[0]["token_type_ids"].tolist() == [[0]]


def test_many_texts_are_run_in_batches() -> None:
    session = Session()
    vectors = OnnxEmbedder(session, Tokenizer()).embed(["a"] * (BATCH + 1))
    assert vectors.shape == (BATCH + 1, 1)
    assert [len(run["input_ids"]) for run in session.runs] == [BATCH, 1]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "small.onnx"
    path.touch()
    (tmp_path / "tokenizer.json").touch()
    return path


def test_a_model_is_loaded_with_its_tokenizer(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def start(path: str, providers: list[str]) -> Session:
        asked.append((path, providers))
        return Session()

    runtime = SimpleNamespace(InferenceSession=start)
    monkeypatch.setitem(sys.modules, "onnxruntime", runtime)
    monkeypatch.setitem(sys.modules, "tokenizers", SimpleNamespace(Tokenizer=Tokenizer))
    embedder = load_embedder(str(model))
    assert asked == [(str(model), ["CPUExecutionProvider"])]
    assert isinstance(embedder, OnnxEmbedder)
    assert (embedder._tokenizer.cut, embedder._tokenizer.padded) == (MOST_TOKENS, True)
    assert embedder.embed(["a"]).tolist() == [[97.0]]


@pytest.mark.parametrize("missing", ["onnxruntime", "tokenizers"])
def test_without_the_extra_one_error_names_it(
    model: Path, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    for name in ("onnxruntime", "tokenizers"):
        monkeypatch.setitem(sys.modules, name, None if name == missing else SimpleNamespace())
    with pytest.raises(ValueError, match=r"ensemble-gateway\[onnx\]") as caught:
        load_embedder(str(model))
    assert str(caught.value) == NO_EXTRA


@pytest.mark.parametrize("gone", ["small.onnx", "tokenizer.json"])
def test_a_file_that_is_not_there_is_named(model: Path, gone: str) -> None:
    (model.parent / gone).unlink()
    with pytest.raises(ValueError, match=gone):
        load_embedder(str(model))
