from __future__ import annotations

import pytest
from pydantic import ValidationError

from gateway.config.checking import SandboxConfig


def test_the_sandbox_works_with_what_the_file_says() -> None:
    config = SandboxConfig(wall_s=3, languages={"sh": ("/bin/sh", "{file}")}, readable=("/opt/a",))
    options = config.options()
    assert (options.wall_s, options.readable) == (3, ("/opt/a",))
    assert options.languages == {"sh": ("/bin/sh", "{file}")}
    assert options.bwrap == "bwrap"


@pytest.mark.parametrize("command", [(), ("/bin/sh",), ("{file}",), ("/bin/sh", "file")])
def test_a_command_that_does_not_get_the_file_is_refused(command: tuple[str, ...]) -> None:
    with pytest.raises(ValidationError, match="the command of sh needs an argument with"):
        SandboxConfig(languages={"sh": command})


@pytest.mark.parametrize("folder", ["/", "", "opt", "/opt/", "//opt", "~/x"])
def test_a_folder_to_show_is_an_absolute_path_below_the_root(folder: str) -> None:
    with pytest.raises(ValidationError):
        SandboxConfig(readable=(folder,))


def test_a_language_that_no_hole_can_have_is_refused() -> None:
    with pytest.raises(ValidationError, match="JavaScript must be in lower case"):
        SandboxConfig(languages={"JavaScript": ("/usr/bin/node", "{file}")})
