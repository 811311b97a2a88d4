"""`ensemble serve` where the store of decisions cannot be opened."""

from __future__ import annotations

from pathlib import Path

from gateway.cli.exits import Exit
from tests.fakes.processes import run


async def test_a_store_that_cannot_be_opened_is_named_without_a_traceback(tmp_path: Path) -> None:
    config = tmp_path / "gateway.toml"
    config.write_text(
        f'[outcomes]\npath = "{tmp_path}"\n[[endpoint]]\nname = "a"\nurl = "127.0.0.1:9"\n', "utf-8"
    )
    ended = await run("serve", "--config", str(config), "--port", "0")
    assert ended.code == Exit.FAILED
    assert str(tmp_path) in ended.err
    assert "Traceback" not in ended.err
