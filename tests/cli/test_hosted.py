"""Hosted: the page is printed, waited for and finished, as a person at a terminal and a script see it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.cli.rig import Shell
from tests.fake_plaid import CHECKING, LOGIN_REQUIRED, FakePlaid, served

NAME = "Harbor Dental"


@dataclass
class Desk:
    """A shell whose Plaid is the fake on loopback."""

    shell: Shell
    plaid: FakePlaid

    def meanwhile(self, *steps: str) -> None:
        """What a person does at the page, as soon as it was shown."""

        def act() -> None:
            for step in steps:
                getattr(self.plaid, step)()

        began = self.plaid.count("link.token.create")

        def watch(name: str) -> None:
            if name == "link.token.get" and self.plaid.count("link.token.create") > began:
                self.plaid.on_answer = None
                act()

        self.plaid.on_answer = watch

    def connected(self, error: dict[str, Any] | None = None) -> dict[str, Any]:
        """A login after its first look; `error`: that the look found."""
        self.meanwhile("goes_through")
        lines = self.shell("connect", "plaid", NAME, "--json").stdout.splitlines()
        (item,) = self.plaid.items.values()
        item.error = error
        self.shell("read", NAME, "--force", "--yes", rc=None)
        found: dict[str, Any] = json.loads(lines[-1])
        return found


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    plaid = FakePlaid()
    with served(plaid) as address:
        shell = Shell(tmp_path)
        shell("init")
        main = "ROWCOL_PLAID__MAIN__"
        shell.environment.update(
            {
                f"{main}CLIENT_ID": "c",
                f"{main}SECRET": "s",
                f"{main}ENVIRONMENT": "emulated",
                f"{main}BASE_URL": address,
            }
        )
        shell("business", "add", NAME)
        yield Desk(shell, plaid)


def test_the_page_is_printed_and_waited_for(desk: Desk) -> None:
    desk.meanwhile("opens", "goes_through")
    said = desk.shell("connect", "plaid", NAME)
    page, made = said.stdout.splitlines()
    assert page == f"http://page.example/{desk.plaid.last_link}"
    assert made.startswith("connected con_")
    assert "for one use" in said.stderr
    assert "--resume lnk_" in said.stderr


def test_a_script_gets_the_page_then_the_login(desk: Desk) -> None:
    desk.meanwhile("goes_through")
    first, second = map(
        json.loads, desk.shell("connect", "plaid", NAME, "--json").stdout.splitlines()
    )
    assert first["hosted_link_url"].startswith("http://page.example/")
    assert set(first) == {"session_id", "link_token", "hosted_link_url", "expires_at"}
    assert second["id"].startswith("con_")


def test_who_does_not_wait_resumes(desk: Desk) -> None:
    begun = desk.shell.json("connect", "plaid", NAME, "--no-wait")
    assert desk.plaid.count("link.token.get") == 0
    desk.plaid.goes_through()
    said = desk.shell("connect", "plaid", NAME, "--resume", begun["session_id"], "--json")
    assert json.loads(said.stdout.splitlines()[-1])["id"].startswith("con_")
    again = desk.shell("connect", "plaid", NAME, "--resume", begun["session_id"])
    assert "connected con_" in again.stdout
    assert desk.plaid.count("item.public_token.exchange") == 1


def test_who_does_not_wait_is_told_the_session(desk: Desk) -> None:
    """Without --json there was no id to go on with."""
    said = desk.shell("connect", "plaid", NAME, "--no-wait")
    assert "session lnk_" in said.stderr
    assert "--resume lnk_" in said.stderr
    assert said.stdout.startswith("http://page.example/")


def test_running_it_again_begins_another_and_names_the_first(desk: Desk) -> None:
    begun = desk.shell.json("connect", "plaid", NAME, "--no-wait")
    said = desk.shell("connect", "plaid", NAME, "--no-wait")
    assert f"{begun['session_id']} is open, too" in said.stderr


def test_waiting_ends_when_the_person_said(desk: Desk) -> None:
    said = desk.shell("connect", "plaid", NAME, "--timeout", "1s", rc=4)
    assert "nobody went through the page in time" in said.stderr
    assert "waits again" in said.stderr


def test_a_person_who_left_is_the_rails_no(desk: Desk) -> None:
    desk.meanwhile("leaves")
    said = desk.shell("connect", "plaid", NAME, rc=4)
    assert "the person left the page before the end (requires_credentials)" in said.stderr


def test_a_duplicate_is_refused_and_connected_anyway(desk: Desk) -> None:
    login = desk.connected()
    desk.meanwhile("goes_through")
    said = desk.shell("connect", "plaid", NAME, rc=4)
    assert f"the login {login['id']}" in said.stderr
    session = said.stderr.partition("--resume ")[2].split()[0].strip("`")
    assert f"--resume {session} --anyway" in said.stderr
    assert desk.plaid.count("item.public_token.exchange") == 1
    desk.shell("connect", "plaid", NAME, "--resume", session, "--anyway")
    assert desk.plaid.count("item.public_token.exchange") == 2


def test_metadata_guards_a_public_token(desk: Desk) -> None:
    desk.connected()
    desk.shell("connect", "plaid", NAME, "--no-wait")
    public = desk.plaid.goes_through(CHECKING)
    bank = {"institution_id": "ins_1", "name": "First Bank"}
    told = json.dumps({"institution": bank, "accounts": [CHECKING]})
    words = ("connect", "plaid", NAME, "--public-token", public, "--metadata", told)
    assert "shows one of these accounts already" in desk.shell(*words, rc=4).stderr
    assert "connected con_" in desk.shell(*words, "--anyway").stdout


@pytest.mark.parametrize(
    "wrong",
    [
        ["--metadata", "{}"],
        ["--public-token", "x", "--metadata", "[]"],
        ["--public-token", "x", "--metadata", "{"],
        ["--resume", "lnk_1", "--sandbox"],
        ["--resume", "lnk_none"],
        ["--timeout", "3x"],
    ],
)
def test_wrong_use(desk: Desk, wrong: list[str]) -> None:
    desk.shell("connect", "plaid", NAME, *wrong, rc=2)


def test_without_a_page_the_link_token_is_printed_as_before(desk: Desk) -> None:
    desk.plaid.has_page = False
    said = desk.shell("connect", "plaid", NAME)
    assert said.stdout.strip() == desk.plaid.last_link
    assert "--public-token" in said.stderr


def test_a_broken_login_is_repaired_in_place(desk: Desk) -> None:
    login = desk.connected(LOGIN_REQUIRED)
    listed = desk.shell("connection", "list", NAME).stdout
    assert f"needs a person: `rowcol connection repair {login['id']}`" in listed
    desk.meanwhile("repairs")
    said = desk.shell("connection", "repair", login["id"])
    assert f"{login['id']} is OK" in said.stdout
    (row,) = desk.shell.lines("connection", "list", NAME)
    assert (row["id"], row["health"]) == (login["id"], "OK")


def test_accounts_are_added(desk: Desk) -> None:
    login = desk.connected()
    desk.meanwhile("repairs")
    said = desk.shell("connection", "add-accounts", login["id"], "--json")
    first, second = map(json.loads, said.stdout.splitlines())
    assert first["hosted_link_url"]
    assert second["id"] == login["id"]


def test_a_repair_is_resumed(desk: Desk) -> None:
    login = desk.connected()
    begun = desk.shell.json("connection", "repair", login["id"], "--no-wait")
    desk.plaid.repairs()
    said = desk.shell("connection", "repair", login["id"], "--resume", begun["session_id"])
    assert f"{login['id']} is OK" in said.stdout


def test_the_service_finishes_what_nobody_waits_for(desk: Desk) -> None:
    begun = desk.shell.json("connect", "plaid", NAME, "--no-wait")
    desk.plaid.goes_through()
    done = threading.Event()
    desk.plaid.on_answer = lambda name: done.set() if name == "item.get" else None
    with desk.shell.running("serve", "--port", "0"):
        assert done.wait(30), "the service asked, exchanged and looked at the new login"
    (login,) = desk.shell.lines("connection", "list", NAME)
    said = desk.shell("connect", "plaid", NAME, "--resume", begun["session_id"], "--json")
    assert json.loads(said.stdout)["id"] == login["id"]


def test_a_consent_that_ends_soon_is_listed_with_the_command(desk: Desk) -> None:
    desk.meanwhile("goes_through")
    desk.shell("connect", "plaid", NAME)
    (item,) = desk.plaid.items.values()
    item.consent_until = f"{desk.plaid.now() + timedelta(days=9):%Y-%m-%dT00:00:00Z}"
    desk.shell("read", NAME, "--force", "--yes")
    (login,) = desk.shell.lines("connection", "list", NAME)
    ends_on = item.consent_until[:10]
    (told,) = login["notices"]
    assert (told["kind"], told["text"]) == ("CONSENT_ENDS", f"its consent ends on {ends_on}")
    command = f"`rowcol connection repair {login['id']}`"
    listed = desk.shell("connection", "list", NAME).stdout
    assert f"{login['id']}: its consent ends on {ends_on}: {command}" in listed
    found = desk.shell("doctor", "--json", rc=None)
    told_of = [f for f in json.loads(found.stdout)["findings"] if f["what_to_do"] == command]
    assert [f["text"] for f in told_of] == [f"its consent ends on {ends_on}"]
