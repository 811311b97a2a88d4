"""Settings of the checks that run or type-check candidates."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field, field_validator

from gateway.config.section import Seconds, Section
from gateway.sandbox.options import SandboxOptions

HostFolder = Annotated[str, Field(pattern=r"^(/[^/]+)+$")]


class SandboxKind(StrEnum):
    """What contains the programs that are made of candidates."""

    NONE = "none"
    BUBBLEWRAP = "bubblewrap"


class TypeCheckerKind(StrEnum):
    """What checks types."""

    NONE = "none"
    PYRIGHT = "pyright"


class SandboxConfig(Section):
    """Where unit tests and examples run. Off unless asked for: it runs what models wrote."""

    kind: SandboxKind = Field(
        default=SandboxKind.NONE, description="none leaves unit tests unchecked."
    )
    wall_s: Seconds = Field(default=10.0, description="Longest time of one program, its cases too.")
    cpu_s: int = Field(default=5, ge=1, le=3600, description="Processor seconds of one process.")
    case_s: Seconds = Field(
        default=2.0,
        description="Longest time of one case; in languages other than Python, of each run.",
    )
    memory_mib: int = Field(
        default=512, ge=64, le=65_536, description="Memory of one program, all processes together."
    )
    processes: int = Field(
        default=16, ge=1, le=1024, description="Processes and threads of one program."
    )
    disk_mib: int = Field(default=16, ge=1, le=4096, description="Disk of one program, in memory.")
    max_running: int = Field(default=2, ge=1, le=256, description="Programs run at once.")
    max_waiting: int = Field(
        default=256, ge=0, le=100_000, description="Programs that wait for a place; more are unrun."
    )
    max_kept: int = Field(
        default=4096, ge=0, le=1_000_000, description="Reports kept: the same program is run once."
    )
    bwrap: str = Field(default="bwrap", description="bubblewrap, by name or path.")
    python: str = Field(
        default="",
        description="Path of the Python that runs programs, 3.11 or newer, without its installed "
        "packages; default: the gateway's own if all may read it, else /usr/bin/python3.",
    )
    readable: tuple[HostFolder, ...] = Field(
        default=(), description="Folders of the host that programs may read, besides /usr."
    )
    languages: dict[str, tuple[str, ...]] = Field(
        default={},
        description="The command for each language but Python, which needs none, such as "
        '`javascript = ["/usr/bin/node", "{file}.js"]`; exit status 0 is success.',
    )

    @field_validator("languages")
    @classmethod
    def commands_name_the_file(
        cls, languages: dict[str, tuple[str, ...]]
    ) -> dict[str, tuple[str, ...]]:
        """A command that does not get the file would succeed whatever the program is."""
        for name, command in languages.items():
            if name != name.lower():
                raise ValueError(f"{name} must be in lower case, as languages of holes are")
            if not any("{file}" in word for word in command[1:]):
                raise ValueError(f"the command of {name} needs an argument with {{file}}")
        return languages

    def options(self) -> SandboxOptions:
        """Return what the sandbox itself works with."""
        return SandboxOptions(**self.model_dump(exclude={"kind"}))


class ChecksConfig(Section):
    """Checks that need a tool of the machine."""

    type_checker: TypeCheckerKind = Field(
        default=TypeCheckerKind.NONE, description="pyright needs the extra `types`."
    )
    type_timeout_s: Seconds = Field(default=20.0, description="Longest time of one type check.")
    examples: bool = Field(
        default=True, description="Run the `>>>` examples of Python code, where there is a sandbox."
    )
