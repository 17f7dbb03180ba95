"""Examination: what is late, paused, unmatched or without a token is found."""

import sqlite3
from contextlib import closing
from pathlib import Path

from rowcol.bootstrap import apps_of
from rowcol.cli.database_findings import about_file
from rowcol.cli.examination import _content, about_app
from rowcol.cli.findings import Finding
from rowcol.rails.registry import RAILS
from tests.rig import rig, settings


async def test_what_a_database_tells(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        await it.plane.store.set_switch("pause.paid", "in dispute")
        found = {f.about: f async for f in _content(it.plane.store)}
        assert found["tokens of Firm"].verdict == "note"
        assert found["pause.paid"].text == "paused: in dispute"
        assert found["last webhook of Firm"].text == "none yet"
        assert found["runner"].verdict == "wrong"


def test_a_database_that_the_service_has_open_is_no_note(tmp_path: Path) -> None:
    """Had a note about other processes in every run beside `serve`."""
    file = tmp_path / "rowcol.db"
    with closing(sqlite3.connect(file)) as open_one:
        open_one.execute("PRAGMA journal_mode=WAL")
        open_one.execute("CREATE TABLE x (y)")
        for is_served in (False, True):
            found = {f.about for f in about_file(file, is_served=is_served)}
            assert ("other processes" in found) is not is_served


def about(folder: Path, environment: str, **more: object) -> dict[str, Finding]:
    keys = {"client_id": "x", "secret": "y", "environment": environment}
    (app,) = apps_of(settings(folder, qbo={"main": keys}, **more))
    return {f.about: f for f in about_app(app, RAILS[app.rail].spec)}


def test_what_is_only_assumed_of_the_books_is_said(tmp_path: Path) -> None:
    found = about(tmp_path, "sandbox")
    assert "no webhook is believed" in found["webhooks of qbo-main"].text
    assert "ROWCOL_QBO__MAIN__VERIFIER_TOKEN" in found["webhooks of qbo-main"].what_to_do
    assert "cdc by entity" in found["metered calls of qbo-main"].text
    assert "that lists of changes omit nothing" in found["metered calls of qbo-main"].text
    for variable in ("ROWCOL_QBO__MAIN__CDC_METERING", "ROWCOL_QBO__MAIN__CDC_OMITS"):
        assert variable in found["metered calls of qbo-main"].what_to_do
    assert "localhost" in found["redirect address of qbo-main"].text
    assert not [f for f in found.values() if f.verdict == "wrong"]


def test_production_sends_nobody_back_to_this_machine(tmp_path: Path) -> None:
    wrong = about(tmp_path, "production")["redirect address of qbo-main"]
    assert (wrong.verdict, "ROWCOL_PUBLIC_URL" in wrong.what_to_do) == ("wrong", True)
    well = about(tmp_path, "production", public_url="https://r.example")
    assert well["redirect address of qbo-main"].verdict == "ok"
