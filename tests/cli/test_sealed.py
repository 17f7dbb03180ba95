"""Another key file, or none, beside sealed logins: doctor and the list say so, and init makes no new key."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from typing_extensions import override

from rowcol.adapters.vault import new_key
from rowcol.api.health import Readiness
from rowcol.api.metrics import Counts, exposition
from rowcol.bootstrap import Plane
from rowcol.core.change import Change
from rowcol.core.connection import ConnectionState
from rowcol.core.evidence import Health
from rowcol.core.ids import BusinessId
from rowcol.core.records import Business
from rowcol.core.stream import StreamRefusal
from rowcol.engine.unstored import UNSTORED
from rowcol.settings import load
from tests.cli.rig import Shell
from tests.contracts.values import connection

FOLDER = "rowcol-data"
BUSINESS = BusinessId("biz-1")
APP = {"ROWCOL_QBO__MAIN__CLIENT_ID": "client", "ROWCOL_QBO__MAIN__SECRET": "secret-of-a-test"}


@pytest.fixture
def firm(tmp_path: Path) -> Shell:
    """One login, sealed with the key of `init`."""
    shell = Shell(tmp_path)
    shell("init")
    asyncio.run(_connect(tmp_path))
    return shell


async def _connect(folder: Path, refusal: StreamRefusal | None = None) -> None:
    async with Plane.open(load(data_dir=folder / FOLDER), run=False) as plane:
        firm = await plane.firm()
        await plane.store.add_business(
            firm, Business(BUSINESS, firm, "Reed", "r-1", plane.clock.now())
        )
        state = ConnectionState(stream_refusal=refusal)
        row = replace(
            connection("con-1"),
            firm=firm,
            business=BUSINESS,
            name="First Bank",
            created_at=plane.clock.now(),
            state=state,
        )
        await plane.store.add_connection(firm, row, plane.vault.seal("canary"))


def finding(shell: Shell) -> dict[str, Any]:
    told = shell.json("doctor", rc=1)["findings"]
    return next(f for f in told if f["about"] == "sealed logins")


def test_the_right_key_is_said_to_fit(firm: Shell) -> None:
    assert finding(firm)["verdict"] == "ok"
    (row,) = firm.lines("connection", "list", "r-1")
    assert (row["health_reason"], row["is_locked"]) == ("", False)


def test_another_key_is_said_of_a_login_whose_stream_is_refused_too(tmp_path: Path) -> None:
    """Had: the refusal in its place, on every face."""
    shell = Shell(tmp_path)
    shell("init")
    now = datetime.now(UTC)  # noqa: TID251 - a command goes by the real clock
    asyncio.run(_connect(tmp_path, StreamRefusal("INVALID_FIELD", 1, now)))
    (row,) = shell.lines("connection", "list", "r-1")
    assert (row["health"], row["is_locked"]) == ("DEGRADED", False)
    assert "INVALID_FIELD" in row["health_reason"]
    (tmp_path / FOLDER / "rowcol.key").write_text(new_key())
    (row,) = shell.lines("connection", "list", "r-1")
    assert (row["health"], row["is_locked"]) == ("DEGRADED", True)
    assert "does not open this login" in row["health_reason"]
    assert "con-1: restore the key file" in shell("connection", "list", "r-1").stdout


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
    refused = firm("init", rc=2).stderr
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


class _Service(BaseHTTPRequestHandler):
    """Says of itself what a test wants."""

    status, reason = 200, ""

    def do_GET(self) -> None:
        self.send_response(self.status)
        self.end_headers()
        self.wfile.write(json.dumps({"status": "", "reason": self.reason}).encode())

    @override
    def log_message(self, format: str, *_arguments: object) -> None:
        """Nothing."""


@pytest.mark.parametrize(
    ("status", "reason", "what_to_do"),
    [
        (200, f"{UNSTORED}: 1", "let it run"),
        (503, "the disk of the database is full; nothing was stored", "its log says"),
        (503, "the database file was deleted", "its log says"),
        (200, "a clock ran 21600 s ahead of now: see doctor", None),
        (200, "", None),
    ],
)
def test_doctor_asks_the_running_service(
    firm: Shell, status: int, reason: str, what_to_do: str | None
) -> None:
    """Had: wrong, and "let it run", for each reason, so exit code 1 for as long as a clock had jumped."""
    said = type("Said", (_Service,), {"status": status, "reason": reason})
    with HTTPServer(("127.0.0.1", 0), said) as server:
        Thread(target=server.handle_request, daemon=True).start()
        firm.environment = {**APP, "ROWCOL_PORT": str(server.server_port)}
        told = firm.json("doctor", rc=0 if what_to_do is None else 1)["findings"]
    found = [f for f in told if f["about"] == "service"]
    wrong = [(f["verdict"], f["text"]) for f in found if f["verdict"] != "ok"]
    assert wrong == ([] if what_to_do is None else [("wrong", reason)])
    assert all((what_to_do or "") in f["what_to_do"] for f in found)


def test_doctor_notes_a_clock_that_ran_ahead(firm: Shell) -> None:
    """A note: nothing is broken by it, so the exit code stays 0."""
    firm.environment = dict(APP)
    ahead = datetime.now(UTC) + timedelta(hours=6)  # noqa: TID251 - a command goes by the real clock
    with closing(sqlite3.connect(firm.folder / FOLDER / "rowcol.db")) as file, file:
        changed = file.execute(
            "UPDATE rowcol_subjects SET leased_at_us = ?", (int(ahead.timestamp() * 1e6),)
        )
        assert changed.rowcount > 0
    told = firm.json("doctor")["findings"]
    (note,) = [f for f in told if f["about"] == "clock" and f["verdict"] == "note"]
    assert "it went back" in note["text"]
    assert 21_000 < int(note["text"].split(", is ")[1].split()[0]) <= 21_600
    assert "compare this machine's clock" in note["what_to_do"]


def test_a_login_that_no_key_opens_is_locked_and_wants_no_repair(firm: Shell) -> None:
    """Doctor advised to repair it, and the list called it OK or NEEDS_RECONNECT."""
    asyncio.run(_break(firm.folder))
    assert "connection repair con-1" in str(firm.json("doctor", rc=1))
    key = firm.folder / FOLDER / "rowcol.key"
    key.write_text(new_key() + "\n")
    told = firm.json("doctor", rc=1)
    assert "connection repair" not in str(told)
    line = next(x for x in firm("connection", "list", "r-1").stdout.splitlines() if "con-1" in x)
    assert "LOCKED" in line


def test_the_service_tells_at_its_start_how_many_it_cannot_open(
    firm: Shell, capsys: pytest.CaptureFixture[str]
) -> None:
    """It gave no sign: no line, no reason, no metric."""
    (firm.folder / FOLDER / "rowcol.key").write_text(new_key() + "\n")
    reason, text = asyncio.run(_served(firm.folder))
    assert reason.startswith("logins that the secret keys of this process do not open: 1;")
    assert "rowcol_locked_logins 1.0" in text
    (line,) = [x for x in capsys.readouterr().out.splitlines() if "keys.locked" in x]
    assert ("logins=1" in line, "con-1" in line + reason) == (True, False)


async def _served(folder: Path) -> tuple[str, str]:
    async with Plane.open(load(data_dir=folder / FOLDER)) as plane:
        health = await Readiness(plane).health()
        assert health.status == "ok"
        return health.reason, (await exposition(plane, Counts())).decode()


async def _break(folder: Path) -> None:
    async with Plane.open(load(data_dir=folder / FOLDER), run=False) as plane:
        firm, now = await plane.firm(), plane.clock.now()
        (row,) = await plane.store.list_connections(firm)
        taken = await plane.store.claim_one(firm, row.id, "test", now, 60)
        assert taken is not None
        state = row.state.with_health(Health.NEEDS_RECONNECT, "withdrawn", now)
        await plane.store.commit(firm, Change(taken, state=state, releases=True))
