"""Hosted page in a real browser: a bank connected, broken and repaired in place, and never twice the cash between."""

from __future__ import annotations

import json
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from tests import browser
from tests.cli.rig import PROGRAM, Shell
from tests.waiting import HANG_S

OPERATING = {"account_id": "w-op", "name": "Operating", "mask": "1111", "opening_minor": 1_000_000}
TRUST = {
    "account_id": "w-trust",
    "name": "Client Trust",
    "mask": "2222",
    "opening_minor": 25_000_000,
}
ANN = {"username": "ann", "password": "let me in", "institution_id": "ins_109508"}


def control(shell: Shell, path: str, **body: Any) -> dict[str, Any]:
    url = f"{shell.environment['ROWCOL_PLAID__MAIN__BASE_URL']}/_control/{path}"
    request = urllib.request.Request(url, json.dumps(body).encode() if body else None)
    with urllib.request.urlopen(request, timeout=HANG_S) as answer:
        out: dict[str, Any] = json.loads(answer.read())
    return out


@contextmanager
def waiting(shell: Shell, *arguments: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A command that shows a page and waits; the page's address, and the process."""
    process = subprocess.Popen(
        [*PROGRAM, *arguments, "--json"],
        cwd=shell.folder,
        env=shell._environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line, process.communicate()[1]
        yield json.loads(line)["hosted_link_url"], process
    finally:
        process.kill()
        process.communicate()


def ended(process: subprocess.Popen[str]) -> dict[str, Any]:
    """What the command said at its end."""
    out, err = process.communicate(timeout=HANG_S)
    assert process.returncode == 0, (out, err)
    said: dict[str, Any] = json.loads(out)
    return said


def sign_in(page: Page, *, password: str = "let me in") -> None:
    page.fill("#username", "ann")
    page.fill("#password", password)
    page.click("#sign-in")


def go_through(url: str, *, bank: str = "") -> None:
    """As the client does: bank, name and password, accounts where they are asked for, consent."""
    with browser.page() as page:
        page.goto(url)
        if bank:
            page.click(f"#bank-{bank}")
        sign_in(page)
        page.wait_for_selector("#continue, #allow")
        if page.locator("#continue").count():
            page.click("#continue")
        page.click("#allow")
        page.wait_for_selector("#outcome")


def give_up(url: str, *, bank: str) -> None:
    """A wrong password, said on the page; then the person leaves."""
    with browser.page() as page:
        page.goto(url)
        page.click(f"#bank-{bank}")
        sign_in(page, password="wrong")
        assert page.inner_text("#error")
        page.click("#cancel")
        page.wait_for_selector("#outcome")


def guardrail(shell: Shell) -> tuple[str, int]:
    said = shell(
        "read", "Law Five", "--purpose", "guardrail", "--deadline", "20s", "--json", rc=None
    )
    out = json.loads(said.stdout)
    return out["action"], sum(amount["amount_minor"] for amount in out["cash"])


def roles(shell: Shell) -> dict[str, str]:
    return {row["mask"]: row["role"] for row in shell.lines("account", "list", "Law Five")}


def free_port() -> int:
    """Where the bank's webhooks reach the service."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def until_told(shell: Shell, health: str) -> None:
    """Look until the service has heard of it: every look takes a while by itself."""
    for _ in range(600):
        if shell.lines("connection", "list", "Law Five")[0]["health"] == health:
            return
    raise AssertionError(f"the login never became {health}")


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Shell]:
    """A firm with the emulated bank beside it, where Ann may sign in, and the service running."""
    made = Shell(tmp_path)
    made("init")
    with made.running("sandbox", "--port", "0") as sandbox:
        made.environment.update(sandbox["environment"])
        port = free_port()
        made.environment["ROWCOL_PUBLIC_URL"] = f"http://127.0.0.1:{port}"
        made("business", "add", "Law Five")
        control(made, "people", **ANN, accounts=[OPERATING, TRUST])
        with made.running("serve", "--port", str(port)):
            yield made


def test_connect_break_and_repair_in_place(office: Shell) -> None:
    with waiting(office, "connect", "plaid", "Law Five") as (url, process):
        go_through(url, bank="ins_109508")
        login = ended(process)
    assert (login["rail"], login["health"]) == ("plaid", "OK")
    office("read", "Law Five", "--force", "--yes", rc=None)
    trust = next(
        row["account"]
        for row in office.lines("account", "list", "Law Five")
        if row["mask"] == "2222"
    )
    office("account", "role", trust, "trust")
    assert guardrail(office) == ("SERVE", 1_000_000)

    control(office, "faults", knob="break_login", item_id=login["remote_id"])
    until_told(office, "NEEDS_RECONNECT")
    # Seen less than an hour ago, so it is served: under the label that the login needs a person.
    assert guardrail(office) == ("SERVE", 1_000_000)
    assert "repaired by a person" in office.json("read", "Law Five", rc=3)["label"]
    assert f"rowcol connection repair {login['id']}" in office("doctor", rc=None).stdout
    assert roles(office) == {"1111": "OPERATING", "2222": "TRUST"}

    with waiting(office, "connection", "repair", login["id"]) as (url, process):
        assert guardrail(office)[1] == 1_000_000
        go_through(url)
        repaired = ended(process)
    assert (repaired["id"], repaired["remote_id"]) == (login["id"], login["remote_id"])
    assert (repaired["health"], repaired["needs"]) == ("OK", "")
    assert guardrail(office) == ("SERVE", 1_000_000)
    assert roles(office) == {"1111": "OPERATING", "2222": "TRUST"}
    assert len(office.lines("connection", "list", "Law Five")) == 1


def test_who_leaves_the_page_and_who_has_it_already(office: Shell) -> None:
    with waiting(office, "connect", "plaid", "Law Five") as (url, process):
        give_up(url, bank="ins_109508")
        _, said = process.communicate(timeout=HANG_S)
        assert process.returncode == 4, said
    assert office.lines("connection", "list", "Law Five") == []

    with waiting(office, "connect", "plaid", "Law Five") as (url, process):
        go_through(url, bank="ins_109508")
        ended(process)
    office("read", "Law Five", "--force", "--yes", rc=None)
    with waiting(office, "connect", "plaid", "Law Five") as (url, process):
        go_through(url, bank="ins_109508")
        _, said = process.communicate(timeout=HANG_S)
        assert process.returncode == 4, said
        assert "already" in said
    assert len(office.lines("connection", "list", "Law Five")) == 1


def test_nobody_waits_and_the_service_finishes_it(office: Shell) -> None:
    begun = office.json("connect", "plaid", "Law Five", "--no-wait")
    go_through(begun["hosted_link_url"], bank="ins_109508")
    resume = ("--resume", begun["session_id"], "--timeout", "60s")
    assert "connected con_" in office("connect", "plaid", "Law Five", *resume).stdout
    assert len(office.lines("connection", "list", "Law Five")) == 1
