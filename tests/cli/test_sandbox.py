"""Sandbox: real transactions become the truth of accounts; a malformed row is named and nothing starts."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from queue import Queue
from typing import Any, Literal

import httpx2
import jwt
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from rowcol.adapters.clock import SystemClock
from rowcol.cli.sandbox import ScaledClock, _announce, _books, _Chosen
from rowcol.core.delivery import Authentic, VerificationKey
from rowcol.core.ids import AppId
from rowcol.core.wire import RawDelivery, Response
from rowcol.rails.plaid import webhook as plaid_webhook
from rowcol.rails.qbo import webhook as qbo_webhook
from rowcol.sandbox.clock import ManualClock
from rowcol.sandbox.delivery import HttpWebhookSender
from rowcol.sandbox.plaid.emulator import PlaidEmulator
from rowcol.sandbox.plaid.switches import Switches
from rowcol.sandbox.world import World
from rowcol.simulation.chance import stream
from tests.cli.rig import Shell
from tests.fakes import T0, FakeClock
from tests.sandbox.serving import serving
from tests.waiting import HANG_S

AGE_MAX_S = 300
"""Plaid's rule for the age of a webhook."""
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
    real = FakeClock(T0)
    clock = ScaledClock(real, 60)
    real.advance(timedelta(minutes=1))
    assert clock.now() == T0 + timedelta(hours=1)


class Receiver:
    """Keeps what is delivered, with the time at which it came."""

    def __init__(self) -> None:
        self.came: Queue[RawDelivery] = Queue()
        self.app = Starlette(routes=[Route("/hook", self._receive, methods=["POST"])])

    async def _receive(self, request: Request) -> PlainTextResponse:
        body, now = await request.body(), SystemClock().now()
        self.came.put(RawDelivery(dict(request.headers), body, now))
        return PlainTextResponse("")


def check_plaid(sandbox: dict[str, Any], receiver: Receiver, hook: str) -> None:
    """A webhook passes PyJWT, an age limit and our own check, all by the time at which it came."""
    environment = sandbox["environment"]
    keys = {
        "client_id": environment["ROWCOL_PLAID__MAIN__CLIENT_ID"],
        "secret": environment["ROWCOL_PLAID__MAIN__SECRET"],
    }
    with httpx2.Client(base_url=sandbox["address"], trust_env=False) as plaid:
        wish = {"institution_id": "ins_56", "accounts": [{"name": "Till"}], "webhook": hook}
        made = plaid.post("/_control/items", json=wish).json()
        named = {"item_id": made["item_id"], "at": "2031-01-01T00:00:00Z"}
        plaid.post("/_control/faults", json={"knob": "consent_expires", **named})
        plaid.post("/_control/deliver")
        delivery = receiver.came.get(timeout=HANG_S)
        token = delivery.headers["plaid-verification"]
        asked = keys | {"key_id": jwt.get_unverified_header(token)["kid"]}
        answer = plaid.post("/webhook_verification_key/get", json=asked)
    claims = jwt.decode(token, jwt.PyJWK(answer.json()["key"]).key, algorithms=["ES256"])
    assert abs(delivery.received_at.timestamp() - claims["iat"]) < AGE_MAX_S
    at = delivery.received_at
    key = plaid_webhook.read_key(AppId("main"), Response(200, {}, answer.content, at, at))
    assert isinstance(key, VerificationKey)
    assert isinstance(plaid_webhook.authenticate(delivery, {key.key_id: key}), Authentic)
    assert json.loads(delivery.body)["disconnect_time"] == "2031-01-01T00:00:00Z"


def check_books(sandbox: dict[str, Any], receiver: Receiver) -> None:
    """Intuit signs no time; `time` of an event is that of the emulated books."""
    environment = sandbox["environment"]
    client_id = environment["ROWCOL_QBO__MAIN__CLIENT_ID"]
    realm_id = next(iter(sandbox["companies"].values()))
    with httpx2.Client(base_url=sandbox["books_address"], trust_env=False) as books:
        consent = {"realm_id": realm_id, "client_id": client_id}
        code = books.post("/_control/consent", json=consent).json()["code"]
        books.post(
            "/oauth2/v1/tokens/bearer",
            data={"grant_type": "authorization_code", "code": code, "redirect_uri": "http://x"},
            auth=(client_id, environment["ROWCOL_QBO__MAIN__SECRET"]),
        ).raise_for_status()
        row = {"realm_id": realm_id, "operation": "create", "entity": "Customer"}
        books.post("/_control/books", json=row | {"body": {"DisplayName": "Ann"}})
        books.post("/_control/deliver")
        delivery = receiver.came.get(timeout=HANG_S)
        now = datetime.fromisoformat(books.get("/_control/state").json()["now"])
    secrets = {"verifier_token": environment["ROWCOL_QBO__MAIN__VERIFIER_TOKEN"]}
    assert isinstance(qbo_webhook.authenticate(delivery, secrets), Authentic)
    [event] = json.loads(delivery.body)
    assert event["time"] == f"{now:%Y-%m-%dT%H:%M:%S.%f}000Z"
    assert now.year == 2024


def test_what_a_faster_clock_signs_is_accepted(tmp_path: Path) -> None:
    """Signed in emulated time, all was refused after a real second with `--speed 60`."""
    receiver = Receiver()
    with (
        serving(receiver.app) as url,
        Shell(tmp_path).running("sandbox", "--port", "0", "--speed", "100000") as sandbox,
    ):
        check_plaid(sandbox, receiver, f"{url}/hook")


def test_what_a_clock_that_stands_signs_is_accepted(tmp_path: Path) -> None:
    """Signed in emulated time, all was refused where the clock stood in the year of the file."""
    (tmp_path / "bank.csv").write_text(ROWS)
    receiver = Receiver()
    with serving(receiver.app) as url:
        given = ("--virtual", "--transactions", "bank.csv", "--books-webhook-url", f"{url}/hook")
        with Shell(tmp_path).running("sandbox", "--port", "0", *given) as sandbox:
            check_plaid(sandbox, receiver, f"{url}/hook")
            check_books(sandbox, receiver)


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
