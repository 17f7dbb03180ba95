"""Read: a value with its proof, the price before it is paid, and nobody else's work done. Exit codes are in test_exit.py."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from rowcol.cli.read import deadline_of, patiently, waiting
from rowcol.core.need import Purpose
from rowcol.core.refusal import BadInput
from tests.cli.rig import Shell, file_size
from tests.waiting import until

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def test_a_business_without_a_login_holds(shell: Shell) -> None:
    shell("business", "add", "Empty")
    assert shell.json("read", "Empty", rc=1)["action"] == "HOLD"
    assert "HOLD" in shell("read", "Empty", rc=1).stdout


def test_a_login_is_read(connected: Shell) -> None:
    out = connected.json("read", "h-1")
    assert out["action"] == "SERVE"
    assert out["cash"][0]["currency"] == "USD"
    assert out["as_of"]
    assert "as of" in connected("read", "Harbor Dental").stdout


def test_the_price_is_asked_for_first(connected: Shell) -> None:
    done = connected("read", "h-1", "--force", rc=2)
    assert "$0.10" in done.stderr
    assert "--yes" in done.stderr
    assert connected.json("read", "h-1", "--force", "--yes")["purpose"] == "FORCED"


@pytest.mark.parametrize(
    "wrong",
    [
        ["read", "nobody"],
        ["read", "h-1", "--purpose", "guess"],
        ["read", "h-1", "--deadline", "soon"],
        ["read", "h-1", "--force", "--purpose", "ritual"],
        ["read", "h-1", "--firm", "none"],
    ],
)
def test_wrong_use(connected: Shell, wrong: list[str]) -> None:
    done = connected(*wrong, rc=2)
    assert "->" in done.stderr


@pytest.mark.parametrize(
    ("text", "when"),
    [
        ("", None),
        ("90s", NOW + timedelta(seconds=90)),
        ("15m", NOW + timedelta(minutes=15)),
        ("2026-11-20T13:00", NOW + timedelta(hours=1)),
        ("2026-11-20T13:00+01:00", NOW),
    ],
)
def test_deadlines(text: str, when: datetime | None) -> None:
    assert deadline_of(text, NOW) == when


def test_a_deadline_that_is_none() -> None:
    for wrong in ("m", "1w", "-5m", "x"):
        with pytest.raises(BadInput):
            deadline_of(wrong, NOW)


@pytest.mark.parametrize(
    ("purpose", "deadline", "said"),
    [
        (Purpose.GUARDRAIL, None, "it, until 2026-11-20 15:00:00 UTC; --deadline"),
        (Purpose.GUARDRAIL, NOW + timedelta(minutes=1), "it, until 2026-11-20 12:01:00 UTC; --"),
        (Purpose.DISPLAY, None, "it"),
        (Purpose.FORCED, NOW, "it"),
    ],
)
def test_what_is_waited_for_and_until_when(
    purpose: Purpose, deadline: datetime | None, said: str
) -> None:
    text = waiting("it", purpose, NOW, deadline)
    assert text == said if said == "it" else text.startswith(said)


async def test_what_takes_a_while_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    async def ends_once_it_was_said() -> str:
        await until(lambda: "for it" in capsys.readouterr().err)
        return "done"

    assert await patiently(ends_once_it_was_said(), "for it") == "done"


def test_a_display_is_answered_where_nothing_can_be_stored(connected: Shell) -> None:
    """As over HTTP; had exit code 4, its answer thrown away with the record of it."""
    with closing(sqlite3.connect(connected.folder / "rowcol-data" / "rowcol.db")) as service:
        service.execute(
            "SELECT count(*) FROM rowcol_firms"
        )  # as a service does, it keeps the log open
        with file_size(0):
            said = connected.json("read", "h-1")
    assert (said["action"], bool(said["cash"])) == ("SERVE", True)
