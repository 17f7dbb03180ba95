"""Books in two processes on one file: fifty readers with one expired token make one renewal, with and without grace."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from rowcol.adapters.clock import SystemClock
from rowcol.bootstrap import Plane
from rowcol.core.ids import BusinessId, FirmId
from rowcol.core.records import Business, Firm
from rowcol.keys import QboKeys
from rowcol.sandbox.qbo import QboClient, QboEmulator, Switches, qbo_app
from rowcol.services import consent
from rowcol.services.integration import IntegrationService
from rowcol.settings import Settings
from rowcol.simulation.chance import stream
from rowcol.simulation.ledger.clerk import OPENING, Clerk
from rowcol.simulation.sockets import bound, serving, url_of
from rowcol.simulation.wires import NowhereSender

READERS_EACH = 25
KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
FIRM, BUSINESS = FirmId("firm-1"), BusinessId("biz-1")
READ = """
import asyncio, json
from rowcol.bootstrap import Plane
from rowcol.core.need import Purpose
from rowcol.services.cache import CacheService
from rowcol.settings import load

async def main():
    async with Plane.open(load(), firm="firm-1") as plane:
        service = CacheService(plane, "biz-1")
        found = await asyncio.gather(*(
            service.list_bills(purpose=Purpose.GUARDRAIL) for _ in range(READERS)
        ))
        print(json.dumps([[a.action, a.label, len(a.value)] for a in found]))

asyncio.run(main())
"""


async def read_in_a_process(environment: dict[str, str]) -> list[list[object]]:
    """What so many readers of one process are told."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        READ.replace("READERS", str(READERS_EACH)),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 90)
    assert process.returncode == 0, err.decode()
    found: list[list[object]] = json.loads(out)
    return found


@pytest.mark.serial
@pytest.mark.timeout(120)
@pytest.mark.parametrize("grace_s", [0, 86_400])
async def test_one_renewal_however_many_ask(tmp_path: Path, grace_s: int) -> None:
    clients = {"qbo-client": QboClient()}
    switches = Switches(rotation_grace_s=grace_s)
    clock = SystemClock()
    emulator = QboEmulator(clock, stream(1, "b"), switches, NowhereSender(), clients=clients)
    company = emulator.add_company("Harbor")
    Clerk(company.books, stream(1, "clerk")).open_the_books()
    made = bound()
    async with serving(qbo_app(emulator), made):
        keys = QboKeys.model_validate(
            {
                "client_id": "qbo-client",
                "secret": clients["qbo-client"].secret,
                "environment": "emulated",
                "base_url": url_of(made),
            }
        )
        values = {"data_dir": tmp_path, "secret_keys": (KEY,), "qbo": {"main": keys}}
        settings = Settings.model_validate(values)
        async with Plane.open(settings, firm=FIRM, may_be_new=True) as plane:
            now = plane.clock.now()
            await plane.store.add_firm(Firm(FIRM, "Reed & Co", now))
            await plane.store.add_business(FIRM, Business(BUSINESS, FIRM, "Harbor", "", now))
            service = IntegrationService(plane, BUSINESS, firm=FIRM)
            begun = await service.begin_connect("qbo")
            state = parse_qs(urlsplit(begun.url).query)["state"][0]
            code = emulator.consent("qbo-client", company.realm_id)
            answers = {"state": state, "code": code, "realmId": company.realm_id}
            login = await consent.complete(plane, answers)
            while not (view := await plane.store.read_view(FIRM, login.id)) or not view.coverages:
                await clock.sleep_until(clock.now() + timedelta(milliseconds=50))
        emulator.expire_access(company.realm_id)
        (grant,) = emulator.tokens.grants
        grant.rotated_at = clock.now() - timedelta(hours=25)  # the next renewal rotates
        company.books.update("Bill", company.books.rows("Bill")[0]["Id"], {"PrivateNote": "x"})
        environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("ROWCOL_")},
            "ROWCOL_DATA_DIR": str(tmp_path),
            "ROWCOL_SECRET_KEYS": KEY,
            "ROWCOL_QBO__MAIN__CLIENT_ID": "qbo-client",
            "ROWCOL_QBO__MAIN__SECRET": clients["qbo-client"].secret,
            "ROWCOL_QBO__MAIN__ENVIRONMENT": "emulated",
            "ROWCOL_QBO__MAIN__BASE_URL": url_of(made),
        }
        await asyncio.to_thread(_age, tmp_path)
        before = len(emulator.meter.requests)
        both = await asyncio.gather(*(read_in_a_process(environment) for _ in range(2)))
    answers_told = [tuple(answer) for told in both for answer in told]
    assert answers_told == [("SERVE", None, OPENING)] * 2 * READERS_EACH
    assert [renewal.outcome for renewal in emulator.tokens.renewals] == ["ok"]
    asked = [(r.operation, r.status) for r in emulator.meter.requests[before:]]
    assert asked.count(("cdc", 401)) == 1
    assert asked.count(("cdc", 200)) <= 2, "a process may ask once more when its readers came later"


def _age(folder: Path) -> None:
    """What was read becomes an hour old."""
    import sqlite3

    with sqlite3.connect(folder / "rowcol.db") as file:
        hour_us = 3_600_000_000
        file.execute(
            "UPDATE rowcol_coverages SET complete_as_of_us = complete_as_of_us - ?", (hour_us,)
        )
