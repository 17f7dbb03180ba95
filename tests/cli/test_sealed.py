"""Another key file, or none, beside sealed logins: doctor and the list say so, and init makes no new key."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from typing_extensions import override

from rowcol.adapters.vault import new_key
from rowcol.bootstrap import Plane
from rowcol.core.ids import BusinessId
from rowcol.core.records import Business
from rowcol.settings import load
from tests.cli.rig import Shell
from tests.contracts.values import connection

FOLDER = "rowcol-data"
BUSINESS = BusinessId("biz-1")


@pytest.fixture
def firm(tmp_path: Path) -> Shell:
    """One login, sealed with the key of `init`."""
    shell = Shell(tmp_path)
    shell("init")
    asyncio.run(_connect(tmp_path))
    return shell


async def _connect(folder: Path) -> None:
    async with Plane.open(load(data_dir=folder / FOLDER), run=False) as plane:
        firm = await plane.firm()
        await plane.store.add_business(
            firm, Business(BUSINESS, firm, "Reed", "r-1", plane.clock.now())
        )
        row = replace(connection("con-1"), firm=firm, business=BUSINESS, name="First Bank")
        await plane.store.add_connection(firm, row, plane.vault.seal("canary"))


def finding(shell: Shell) -> dict[str, Any]:
    told = shell.json("doctor", rc=1)["findings"]
    return next(f for f in told if f["about"] == "sealed logins")


def test_the_right_key_is_said_to_fit(firm: Shell) -> None:
    assert finding(firm)["verdict"] == "ok"
    (row,) = firm.lines("connection", "list", "r-1")
    assert row["health_reason"] == ""


def test_another_key_is_said_by_doctor_and_in_the_list(firm: Shell) -> None:
    """Doctor said `ok`, the list OK; the first call failed."""
    key = firm.folder / FOLDER / "rowcol.key"
    old = key.read_text()
    key.write_text(new_key() + "\n")
    told = finding(firm)
    assert told["verdict"] == "wrong"
    assert "do not open 1 of the 1 logins" in told["text"]
    assert f"{datetime.now(UTC):%Y-%m}" in told["text"]  # noqa: TID251 - sealed by the real clock
    assert "do not run `rowcol init`" in told["what_to_do"]
    (row,) = firm.lines("connection", "list", "r-1")
    assert "does not open this login" in row["health_reason"]
    assert "con-1: restore the key file" in firm("connection", "list", "r-1").stdout
    key.write_text(key.read_text() + old)
    assert finding(firm)["verdict"] == "ok"


@pytest.mark.parametrize("left", [None, "", "\n"])
def test_no_new_key_is_made_beside_sealed_logins(firm: Shell, left: str | None) -> None:
    """It made one: every login was lost for who did not know."""
    key = firm.folder / FOLDER / "rowcol.key"
    key.unlink()
    if left is not None:
        key.write_text(left)
    refused = firm("init", rc=4).stderr
    assert "a new key would open none of them" in refused
    assert "restore the key file" in refused
    assert (key.read_text() if key.exists() else None) == left
    assert finding(firm)["verdict"] == "wrong"
    assert "restore it from your backup" in firm("connection", "list", "r-1", rc=2).stderr


def test_a_key_is_made_beside_a_database_without_logins(tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    shell("init")
    (tmp_path / FOLDER / "rowcol.key").unlink()
    assert shell.json("init")["made"] == [str(tmp_path / FOLDER / "rowcol.key")]


class _NotReady(BaseHTTPRequestHandler):
    """A service that keeps a token in its memory."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"status": "ok", "reason": "a new token is not stored yet: con-1"}')

    @override
    def log_message(self, format: str, *_arguments: object) -> None:
        """Nothing."""


def test_doctor_asks_the_running_service(firm: Shell) -> None:
    with HTTPServer(("127.0.0.1", 0), _NotReady) as server:
        Thread(target=server.handle_request, daemon=True).start()
        firm.environment["ROWCOL_PORT"] = str(server.server_port)
        told = firm.json("doctor", rc=1)["findings"]
    (service,) = [f for f in told if f["about"] == "service"]
    assert (service["verdict"], "not stored yet" in service["text"]) == ("wrong", True)
