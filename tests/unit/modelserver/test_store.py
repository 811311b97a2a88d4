from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gateway.modelserver import corpus, store
from gateway.modelserver.model import Model
from gateway.modelserver.profiles import Profile, ngram_engine
from gateway.modelserver.store import Recipe, cache_folder, read, trained, write
from tests.fakes.ngram import fill, tiny_model

RECIPE = Recipe(5, 10_000)


def same(first: Model, second: Model) -> bool:
    return (
        first.vocabulary == second.vocabulary
        and np.array_equal(first.contexts.full, second.contexts.full)
        and np.array_equal(first.contexts.order, second.contexts.order)
        and np.array_equal(first.contexts.keys, second.contexts.keys)
    )


def test_a_model_comes_back_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "new" / "model.npz"
    write(tiny_model(), path, RECIPE)
    found = read(path, RECIPE)
    assert found is not None
    assert same(found, tiny_model())
    assert [item.name for item in path.parent.iterdir()] == ["model.npz"]


def test_a_model_of_another_recipe_is_not_taken(tmp_path: Path) -> None:
    write(tiny_model(), tmp_path / "model.npz", RECIPE)
    assert read(tmp_path / "model.npz", Recipe(5, 10_001)) is None


def test_a_missing_file_is_no_model(tmp_path: Path) -> None:
    assert read(tmp_path / "none.npz", RECIPE) is None


@pytest.mark.parametrize("broken", [b"", b"PK\x03\x04", b"not an archive", b"\x80\x04."])
def test_a_file_that_cannot_be_read_is_no_model(tmp_path: Path, broken: bytes) -> None:
    path = tmp_path / "model.npz"
    path.write_bytes(broken)
    assert read(path, RECIPE) is None


def test_a_cut_file_is_no_model(tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    write(tiny_model(), path, RECIPE)
    path.write_bytes(path.read_bytes()[:-200])
    assert read(path, RECIPE) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"full": np.array([999_999], np.int32), "order": np.array([0], np.int32)},
        {"order": np.array([7], np.int32), "full": np.array([2], np.int32)},
        {"full": np.array([2], np.int64), "order": np.array([0], np.int64)},
        {"full": np.array([], np.int32), "order": np.array([], np.int32)},
        {"vocabulary": np.frombuffer(b"[1, 2, 3]", np.uint8)},
        {"vocabulary": np.frombuffer(b"7", np.uint8)},
        {"vocabulary": np.frombuffer(b"nonsense", np.uint8)},
        {"vocabulary": np.array([{}], dtype=object)},
    ],
)
def test_a_model_that_is_not_sound_is_refused(tmp_path: Path, wrong: dict[str, object]) -> None:
    path = tmp_path / "model.npz"
    model = tiny_model()
    parts: dict[str, object] = {
        "key": np.frombuffer(RECIPE.key.encode(), np.uint8),
        "vocabulary": np.frombuffer(b'["a", "b", "c"]', np.uint8),
        "full": model.contexts.full,
        "order": model.contexts.order,
    }
    np.savez(path, **{**parts, **wrong})  # type: ignore[arg-type]
    assert read(path, RECIPE) is None


def test_the_second_start_does_not_train(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    first = trained(Recipe(2, 5000), tmp_path, lambda read, most: seen.append(read))
    assert seen
    monkeypatch.setattr(store, "train", None)
    assert same(first, trained(Recipe(2, 5000), tmp_path))


def test_a_broken_model_is_trained_again_and_replaced(tmp_path: Path) -> None:
    recipe = Recipe(2, 5000)
    path = tmp_path / f"{recipe.key}.npz"
    path.write_bytes(b"broken")
    model = trained(recipe, tmp_path)
    found = read(path, recipe)
    assert found is not None
    assert same(model, found)


def test_a_folder_that_cannot_be_written_costs_nothing_but_time(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    assert trained(Recipe(2, 5000), tmp_path / "file" / "folder").total > 0


def test_the_cache_follows_xdg(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "ensemble"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path.home() / ".cache" / "ensemble"


def test_held_out_files_are_never_trained_on() -> None:
    held, learned = corpus.heldout_files(), corpus.training_files()
    assert held
    assert not set(held) & set(learned)
    assert held == corpus.heldout_files()
    assert 0.02 < len(held) / (len(held) + len(learned)) < 0.25
    assert all(corpus.place_in_split(corpus.module_name(path)) < corpus.HELD_OUT for path in held)


def test_files_that_are_not_utf_8_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "good.py").write_text("x = 1\n")
    (tmp_path / "bad.py").write_bytes(b"\xff")
    files = [tmp_path / name for name in ("bad.py", "gone.py", "good.py")]
    assert list(corpus.texts(files)) == ["x = 1\n"]


@pytest.mark.parametrize("profile", list(Profile))
async def test_every_profile_fills(profile: Profile, tmp_path: Path) -> None:
    engine = ngram_engine(profile, tmp_path, tokens=5000)
    assert engine.card.revision.startswith(profile)
    _, _, end = await fill(engine, "def f(self):\n    return ", "\n")
    assert end is not None
