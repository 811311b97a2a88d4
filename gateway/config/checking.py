"""Settings of the checks that run or type-check candidates."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from gateway.config.section import Seconds, Section


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
    case_s: Seconds = Field(default=2.0, description="Longest time of one case.")
    memory_mib: int = Field(default=512, ge=64, le=65_536, description="Memory of one program.")
    processes: int = Field(default=16, ge=1, le=1024, description="Processes of one program.")
    disk_mib: int = Field(default=16, ge=1, le=4096, description="Disk of one program, in memory.")
    max_running: int = Field(default=2, ge=1, le=256, description="Programs run at once.")
    max_waiting: int = Field(
        default=256, ge=0, le=100_000, description="Programs that wait for a place; more are unrun."
    )
    max_kept: int = Field(
        default=4096, ge=0, le=1_000_000, description="Reports kept: the same program is run once."
    )


class ChecksConfig(Section):
    """Checks that need a tool of the machine."""

    type_checker: TypeCheckerKind = Field(
        default=TypeCheckerKind.NONE, description="pyright needs the extra `types`."
    )
    type_timeout_s: Seconds = Field(default=20.0, description="Longest time of one type check.")
    examples: bool = Field(
        default=True, description="Run the `>>>` examples of Python code, where there is a sandbox."
    )
