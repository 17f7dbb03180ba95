"""Alone: a command that asks works for its own business, beside whatever else of the firm is due, and beside a service."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.cli.rig import Shell
from tests.cli.test_books import consented
from tests.waiting import until

OTHERS = 30


def calls(shell: Shell) -> Counter[str]:
    """Lines of the call log by business."""
    return Counter(row[0] for row in _rows(shell, "SELECT business FROM rowcol_calls"))


def logins(shell: Shell) -> list[tuple[str, int | None, int]]:
    """Business, when it is due, and how often it was leased, of those that are not the one asked for."""
    query = "SELECT business, next_at_us, fence FROM rowcol_subjects ORDER BY business, subject"
    return [row for row in _rows(shell, query) if row[0] != business(shell)]


def business(shell: Shell) -> str:
    ((found,),) = _rows(shell, "SELECT id FROM rowcol_businesses WHERE external_id = 'h-1'")
    return str(found)


def _rows(shell: Shell, query: str) -> list[Any]:
    with closing(sqlite3.connect(shell.folder / "rowcol-data" / "rowcol.db")) as database:
        return database.execute(query).fetchall()


@pytest.fixture(scope="module")
def connected(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """Thirty-one businesses, each with a bank login that was never looked at; h-1 has books too, and so has one other."""
    made = Shell(tmp_path_factory.mktemp("alone"))
    made("init")
    with made.running("sandbox", "--port", "0") as sandbox:
        made.environment.update(sandbox["environment"])
        for n in range(OTHERS):
            made("business", "add", f"Other {n}")
            made("connect", "plaid", f"Other {n}", "--sandbox")
        made("business", "add", "Harbor Dental", "--external-id", "h-1")
        made("connect", "plaid", "h-1", "--sandbox")
        companies = iter(sandbox["companies"].values())
        for name in ("h-1", "Other 0"):
            begun = made.json("connect", "qbo", name, "--no-wait")
            url = f"{begun['url']}&realm_id={next(companies)}"
            made("connect", "qbo", name, "--callback", consented(url))
        yield made


@pytest.fixture
def firm(connected: Shell, tmp_path: Path) -> Shell:
    """Each test has the firm as it was connected."""
    shutil.copytree(connected.folder, tmp_path / "firm")
    return Shell(tmp_path / "firm", connected.environment)


@pytest.mark.parametrize(
    "words",
    [
        ("read", "h-1"),
        ("read", "h-1", "--force", "--yes"),
        ("read", "h-1", "--purpose", "guardrail", "--deadline", "1s"),
        ("books", "bills", "h-1"),
    ],
    ids=" ".join,
)
def test_a_question_is_worked_on_for_its_business_only(firm: Shell, words: tuple[str, ...]) -> None:
    before, untouched = calls(firm), logins(firm)
    assert len({row[0] for row in untouched}) == OTHERS
    firm.process(*words, rc=None)
    assert set(calls(firm) - before) == {business(firm)}
    assert logins(firm) == untouched, "no other login was leased, or planned anew"


def test_beside_a_service_it_is_answered_all_the_same(firm: Shell) -> None:
    """Whoever of the two leases the login first; and the service does what is due for the others."""
    with firm.running("serve", "--port", "0"):
        first = firm.json("read", "h-1", "--force", "--yes")
        assert (first["action"], first["label"]) == ("SERVE", None)
        listed = firm.json("books", "bills", "h-1", "--force")
        assert (listed["action"], listed["label"]) == ("SERVE", None)
        asyncio.run(until(lambda: all(fence for _, _, fence in logins(firm))))
