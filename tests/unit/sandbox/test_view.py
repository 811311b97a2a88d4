from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from gateway.sandbox import trouble, view
from gateway.sandbox.trouble import UnavailableError
from gateway.sandbox.view import INSIDE, look, readable
from tests.fakes.sandboxes import options

PROGRAMS = {"bwrap": "/usr/bin/bwrap", "setpriv": "/usr/bin/setpriv"}


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Programs that are on the path."""
    programs = dict(PROGRAMS)
    monkeypatch.setattr(shutil, "which", programs.get)
    return programs


@pytest.fixture
def root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)


@pytest.fixture
def someone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)


@pytest.fixture
def python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An interpreter outside /usr, which is that of the gateway."""
    path = tmp_path / f"bin/python{sys.version_info.major}.{sys.version_info.minor}"
    path.parent.mkdir()
    path.touch(0o755)
    monkeypatch.setattr(sys, "base_prefix", str(tmp_path))
    return path


def reason(**changed: object) -> str:
    with pytest.raises(UnavailableError) as caught:
        look(options(**changed))
    return str(caught.value)


@pytest.mark.usefixtures("root")
def test_a_gateway_that_is_root_becomes_nobody_first(found: dict[str, str]) -> None:
    launcher = look(options()).launcher
    assert launcher[0] == found["setpriv"]
    assert {"--reuid=65534", "--regid=65534", "--clear-groups"} < set(launcher)
    assert launcher[-1] == found["bwrap"]


@pytest.mark.usefixtures("someone")
def test_any_other_user_needs_no_setpriv(found: dict[str, str]) -> None:
    del found["setpriv"]
    assert look(options()).launcher == (found["bwrap"],)


@pytest.mark.usefixtures("root")
def test_a_missing_program_is_named_with_its_package(found: dict[str, str]) -> None:
    del found["setpriv"]
    assert reason() == trouble.NO_SETPRIV
    del found["bwrap"]
    assert reason() == trouble.NO_BWRAP


@pytest.mark.usefixtures("someone", "found")
def test_an_interpreter_outside_usr_is_seen_in_a_place_of_its_own(python: Path) -> None:
    seen = look(options())
    assert seen.python == f"{INSIDE}/bin/{python.name}"
    assert seen.binds[-2:] == (
        (str(python), seen.python),
        (str(python.parents[1] / "lib"), f"{INSIDE}/lib"),
    )
    assert seen.libraries == f"{INSIDE}/lib"


@pytest.mark.usefixtures("someone", "found")
def test_the_interpreter_of_the_settings_goes_first(tmp_path: Path, python: Path) -> None:
    other = tmp_path / "other" / "bin" / "python3"
    other.parent.mkdir(parents=True)
    other.touch(0o755)
    assert look(options(python=str(other))).python == f"{INSIDE}/bin/python3"
    assert reason(python=str(tmp_path / "none")) == trouble.UNREADABLE_PYTHON
    assert python.exists()


@pytest.mark.usefixtures("someone", "found")
def test_no_interpreter_at_all_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(view, "readable", lambda path, *, root: False)
    assert reason() == trouble.NO_PYTHON


@pytest.mark.usefixtures("someone", "found")
def test_only_usr_what_leads_there_and_what_was_asked_for_is_seen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(view, "_python", lambda *_, **__: ("/usr/bin/python3", ()))
    seen = look(options(readable=("/opt/node",)))
    assert ("/usr", "/usr") in seen.binds
    assert ("/opt/node", "/opt/node") in seen.binds
    places = {inside for _, inside in seen.binds} | {inside for _, inside in seen.links}
    assert places <= {"/usr", "/opt/node", *(f"/{name}" for name in view.ROOTS)}
    assert seen.libraries == ""


def test_root_asks_whether_everybody_may_enter(tmp_path: Path) -> None:
    file = tmp_path / "python3"
    file.touch(0o755)
    tmp_path.chmod(0o700)
    assert not readable(file, root=True)
    assert readable(file, root=False)
    assert readable(Path("/usr/bin/env"), root=True)
    assert not readable(tmp_path / "none", root=True)
    assert not readable(tmp_path, root=False)
