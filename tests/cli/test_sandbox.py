"""Sandbox: real transactions become the truth of accounts; a malformed row is named and nothing starts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import httpx2
import pytest

from rowcol.cli.sandbox import ScaledClock, _announce, _books, _Chosen
from rowcol.sandbox.clock import ManualClock
from rowcol.sandbox.delivery import HttpWebhookSender
from rowcol.sandbox.plaid.emulator import PlaidEmulator
from rowcol.sandbox.plaid.switches import Switches
from rowcol.sandbox.world import World
from rowcol.simulation.chance import stream
from tests.cli.rig import Shell
from tests.fakes import T0, FakeClock

ROWS = "account,date,amount,balance\nShop,2024-03-04,100.00,100.00\nShop,2024-03-05,-40.00,60.00\n"


def test_a_file_is_followed(tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    (tmp_path / "bank.csv").write_text(ROWS)
    shell("init")
    with shell.running("sandbox", "--port", "0", "--transactions", "bank.csv") as sandbox:
        shell.environment.update(sandbox["environment"])
        shell("business", "add", "Shop")
        shell("connect", "plaid", "Shop", "--public-token", sandbox["public_tokens"]["Shop"])
        assert shell.json("read", "Shop", "--force", "--yes")["cash"] in (
            [{"amount_minor": minor, "currency": "USD"}] for minor in (0, 10_000, 6_000)
        )


def test_there_are_companies_to_choose_from(tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    for arguments, n in (((), 3), (("--companies", "5"), 5)):
        with shell.running("sandbox", "--port", "0", *arguments) as sandbox:
            url = f"{sandbox['books_address']}/_control/companies"
            listed = httpx2.get(url, trust_env=False).json()["companies"]
            assert {one["name"]: one["realm_id"] for one in listed} == sandbox["companies"]
            assert len(listed) == n
            assert all(one["n_rows"]["Bill"] == 12 for one in listed)
            assert [one["connected_to"] for one in listed] == [[]] * n


@pytest.mark.parametrize(
    "arguments",
    [
        ["--transactions", "bank.csv"],
        ["--transactions", "none.csv"],
        ["--from", "someday"],
        ["--port", "65535"],
        ["--companies", "0"],
        ["--virtual", "--speed", "2"],
    ],
)
def test_wrong_use(tmp_path: Path, arguments: list[str]) -> None:
    (tmp_path / "bank.csv").write_text(ROWS + "Shop,2024-13-05,1\n")
    done = Shell(tmp_path)("sandbox", "--port", "0", *arguments, rc=2)
    if "bank.csv" in arguments:
        assert "line 4" in done.stderr


def test_time_runs_faster() -> None:
    from datetime import timedelta

    real = FakeClock(T0)
    clock = ScaledClock(real, 60)
    real.advance(timedelta(minutes=1))
    assert clock.now() == T0 + timedelta(hours=1)


def test_a_start_says_whether_the_books_send_webhooks(capsys: pytest.CaptureFixture[str]) -> None:
    clock = ManualClock(datetime(2026, 11, 2, tzinfo=UTC))
    for url in ("", "http://127.0.0.1:8700/webhooks/qbo/main"):
        chosen = _Chosen("", 0, 1.0, True, 1, None, None, "", 0, url, 1)
        books = _books(chosen, clock, HttpWebhookSender())
        plaid = PlaidEmulator(World(), clock, stream(1, "x"), Switches(), HttpWebhookSender())
        _announce(("a", "b"), plaid, books, {}, is_json=False)
        said = capsys.readouterr().out
        assert ("--books-webhook-url" in said) is (not url)
        assert "POST a/_control/people" in said


@pytest.mark.parametrize("metering", ["call", "entity"])
def test_a_start_says_how_changes_are_metered(
    capsys: pytest.CaptureFixture[str], metering: Literal["call", "entity"]
) -> None:
    clock = ManualClock(datetime(2026, 11, 2, tzinfo=UTC))
    chosen = _Chosen("", 0, 1.0, True, 1, None, None, "", 0, "", 1)
    books = _books(chosen, clock, HttpWebhookSender())
    books.switches = replace(books.switches, cdc_metering=metering)
    plaid = PlaidEmulator(World(), clock, stream(1, "x"), Switches(), HttpWebhookSender())
    _announce(("a", "b"), plaid, books, {}, is_json=False)
    assert f"export ROWCOL_QBO__MAIN__CDC_METERING={metering}\n" in capsys.readouterr().out
