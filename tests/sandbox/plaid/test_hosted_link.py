"""Hosted Link: a person walks through the page over HTTP, and the official SDK reads what became of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest

from rowcol.sandbox.clock import ManualClock
from rowcol.sandbox.plaid import PlaidEmulator, Switches, plaid_app
from rowcol.sandbox.world import World
from tests.exchanges.test_plaid_exchanges import read_by_sdk, strays
from tests.sandbox.browser import Browser, Page
from tests.sandbox.rig import CREDENTIALS, WEBHOOK, Inbox, SeedBits
from tests.sandbox.serving import serving

LINK: dict[str, Any] = {
    "client_name": "RowCol",
    "language": "en",
    "country_codes": ["US"],
    "user": {"client_user_id": "u1"},
    "products": ["transactions"],
    "webhook": WEBHOOK,
    "hosted_link": {},
}
UPDATE = {name: value for name, value in LINK.items() if name not in {"products", "webhook"}}
ANN: dict[str, Any] = {
    "username": "ann",
    "password": "let me in",
    "institution_id": "ins_56",
    "accounts": [
        {"account_id": "operating", "name": "Operating", "mask": "1234", "opening_minor": 500_000},
        {"account_id": "reserve", "name": "Reserve", "mask": "9", "subtype": "savings"},
        {"account_id": "card", "name": "Card", "type": "credit", "subtype": "credit card"},
    ],
}


@dataclass
class Office:
    """A firm that links banks: its calls, its webhooks, and the browser of its clients."""

    web: httpx2.Client
    emulator: PlaidEmulator
    inbox: Inbox

    def call(self, path: str, /, **body: Any) -> dict[str, Any]:
        answer = self.web.post(path, json=CREDENTIALS | body)
        said: dict[str, Any] = answer.json()
        assert answer.status_code == 200, said
        return said

    def error(self, path: str, /, **body: Any) -> str:
        answer = self.web.post(path, json=CREDENTIALS | body)
        assert answer.status_code >= 400, answer.text
        code: str = answer.json()["error_code"]
        return code

    def control(self, path: str, /, **body: Any) -> dict[str, Any]:
        answer = self.web.post(f"/_control/{path}", json=body)
        assert answer.status_code == 200, answer.text
        said: dict[str, Any] = answer.json()
        return said

    def turn(self, knob: str, **arguments: Any) -> dict[str, Any]:
        return self.control("faults", knob=knob, **arguments)

    def create(self, **more: Any) -> dict[str, Any]:
        return self.call("/link/token/create", **(LINK | more))

    def update(self, token: str, **more: Any) -> dict[str, Any]:
        return self.call("/link/token/create", **UPDATE, access_token=token, **more)

    def open(self, made: dict[str, Any]) -> Browser:
        return Browser(self.web, made["hosted_link_url"])

    def look(self, made: dict[str, Any]) -> dict[str, Any]:
        """`/link/token/get`, which the SDK must be able to read without a stray key."""
        answer = self.call("/link/token/get", link_token=made["link_token"])
        assert list(strays(read_by_sdk(answer, "LinkTokenGetResponse"))) == []
        return answer

    def session(self, made: dict[str, Any]) -> dict[str, Any]:
        session: dict[str, Any] = self.look(made)["link_sessions"][-1]
        return session

    def webhooks(self, code: str = "SESSION_FINISHED") -> list[dict[str, Any]]:
        """Bodies of this code, delivered by now."""
        self.control("clock/advance", seconds=0)
        bodies = [json.loads(body) for _, body, _ in self.inbox.deliveries]
        return [body for body in bodies if body["webhook_code"] == code]

    def connect(self, made: dict[str, Any] | None = None, **tick: bool) -> dict[str, str]:
        """Ann links her accounts at Chase; the tokens of the new Item."""
        made = made or self.create()
        browser = self.open(made)
        browser.press("bank-ins_56")
        sign_in(browser)
        browser.press("continue", tick=tick)
        browser.press("allow")
        [result] = self.session(made)["results"]["item_add_results"]
        return self.call("/item/public_token/exchange", public_token=result["public_token"])


def sign_in(browser: Browser, username: str = "ann", password: str = "let me in") -> Page:
    return browser.press("sign-in", {"username": username, "password": password})


@contextmanager
def open_office(switches: Switches | None = None) -> Iterator[Office]:
    inbox = Inbox()
    clock = ManualClock()
    emulator = PlaidEmulator(World(), clock, SeedBits(3), switches or Switches(), inbox)
    with (
        serving(plaid_app(emulator)) as url,
        httpx2.Client(base_url=url, trust_env=False, follow_redirects=True) as web,
    ):
        office = Office(web, emulator, inbox)
        office.control("people", **ANN)
        yield office


@pytest.fixture
def office() -> Iterator[Office]:
    with open_office() as opened:
        yield opened


# The whole way


def test_the_address_is_the_emulators_own(office: Office) -> None:
    made = office.create()
    assert list(strays(read_by_sdk(made, "LinkTokenCreateResponse"))) == []
    assert made["hosted_link_url"].startswith(str(office.web.base_url).rstrip("/") + "/hl/")
    answer = office.web.post(
        "/link/token/create", json=CREDENTIALS | LINK, headers={"host": "plaid.test:81"}
    )
    assert answer.json()["hosted_link_url"].startswith("http://plaid.test:81/hl/")


def test_before_anybody_came(office: Office) -> None:
    made = office.create(account_filters={"depository": {"account_subtypes": ["all"]}})
    answer = office.look(made)
    assert answer["link_sessions"] == []
    assert answer["created_at"] == "2026-01-05T09:00:00Z"
    assert answer["expiration"] == made["expiration"]
    assert answer["metadata"] == {
        "account_filters": {"depository": {"account_subtypes": ["all"]}},
        "client_name": "RowCol",
        "country_codes": ["US"],
        "initial_products": ["transactions"],
        "language": "en",
        "redirect_uri": None,
        "webhook": WEBHOOK,
    }


def test_from_the_link_to_the_item(office: Office) -> None:
    made = office.create()
    browser = office.open(made)
    assert browser.page.title == "Choose your bank - RowCol"
    assert office.session(made)["finished_at"] is None
    browser.press("bank-ins_56")
    sign_in(browser)
    assert browser.page.boxes == {"Operating 1234": True, "Reserve 9": True, "Card": True}
    browser.press("continue", tick={"Card": False})
    assert "Card" not in browser.answer.text
    browser.press("allow")
    assert browser.page.data["outcome"]["data-status"] == "success"
    session = office.session(made)
    [result] = session["results"]["item_add_results"]
    assert result["institution"] == {"institution_id": "ins_56", "name": "Chase"}
    assert [(one["name"], one["mask"]) for one in result["accounts"]] == [
        ("Operating", "1234"),
        ("Reserve", "9"),
    ]
    assert session["on_success"]["public_token"] == result["public_token"]
    assert session["events"][0]["event_name"] == "HANDOFF"
    token = office.call("/item/public_token/exchange", public_token=result["public_token"])
    shown = office.call("/accounts/get", access_token=token["access_token"])
    assert [one["account_id"] for one in shown["accounts"]] == [
        one["id"] for one in result["accounts"]
    ]
    assert shown["accounts"][0]["balances"]["current"] == 5000
    assert shown["item"]["webhook"] == WEBHOOK


def test_the_end_is_told_by_a_signed_webhook_without_an_item(office: Office) -> None:
    made = office.create()
    office.connect(made)
    [said] = office.webhooks()
    assert list(strays(read_by_sdk(said, "LinkSessionFinishedWebhook"))) == []
    token = office.session(made)["on_success"]["public_token"]
    assert said == {
        "environment": "sandbox",
        "link_session_id": office.session(made)["link_session_id"],
        "link_token": made["link_token"],
        "public_token": token,
        "public_tokens": [token],
        "status": "SUCCESS",
        "webhook_code": "SESSION_FINISHED",
        "webhook_type": "LINK",
    }
    url, _, headers = next(one for one in office.inbox.deliveries if b"SESSION_FINISHED" in one[1])
    assert url == WEBHOOK
    assert headers["Plaid-Verification"].count(".") == 2
    deliveries = office.web.get("/_control/deliveries").json()["attempts"]
    assert [one["item_id"] for one in deliveries[:2]] == [None, None]
    [events] = office.webhooks("EVENTS")
    assert list(strays(read_by_sdk(events, "LinkEventsWebhook"))) == []


@pytest.mark.parametrize(("lower", "status"), [(False, "SUCCESS"), (True, "success")])
@pytest.mark.parametrize("events", [False, True])
def test_what_link_says_by_webhook(lower: bool, status: str, events: bool) -> None:
    switches = Switches(session_status_is_lower=lower, sends_link_events=events)
    with open_office(switches) as office:
        office.connect()
        assert [one["status"] for one in office.webhooks()] == [status]
        assert len(office.webhooks("EVENTS")) == events


def test_a_lost_webhook_is_tried_again(office: Office) -> None:
    office.inbox.status = None
    office.connect()
    assert len(office.webhooks()) == 1
    office.inbox.status = 200
    office.control("clock/advance", seconds=30)
    assert len(office.webhooks()) == 2


def test_without_a_webhook_the_session_is_found_by_asking(office: Office) -> None:
    made = office.create(webhook=None)
    office.connect(made)
    assert office.webhooks() == []
    assert office.session(made)["finished_at"] is not None


# Leaving


@pytest.mark.parametrize(
    ("n_steps", "status"),
    [
        (0, "institution_not_found"),
        (1, "requires_credentials"),
        (2, "requires_account_selection"),
        (3, "requires_account_selection"),
    ],
)
def test_one_may_leave_at_every_step(office: Office, n_steps: int, status: str) -> None:
    made = office.create()
    browser = office.open(made)
    steps: list[tuple[str, dict[str, str]]] = [
        ("bank-ins_109508", {}),
        ("sign-in", {"username": "user_good", "password": "pass_good"}),
        ("continue", {}),
    ]
    for button, typed in steps[:n_steps]:
        browser.press(button, typed)
    browser.press("cancel")
    assert browser.page.data["outcome"]["data-status"] == "exited"
    session = office.session(made)
    assert session["exit"]["metadata"]["status"] == status
    assert session["exit"]["error"] is None
    assert "results" not in session
    [said] = office.webhooks()
    assert (said["status"], said["public_tokens"]) == ("EXITED", [])
    assert "public_token" not in said
    assert office.web.get("/_control/items").json() == {"items": []}


def test_who_left_may_start_again_until_one_succeeded(office: Office) -> None:
    made = office.create()
    browser = office.open(made)
    browser.press("cancel")
    browser.follow("again")
    assert browser.page.title.startswith("Choose your bank")
    office.connect(made)
    sessions = office.look(made)["link_sessions"]
    assert [("exit" in one, "results" in one) for one in sessions] == [
        (True, False),
        (False, False),
        (False, True),
    ]
    browser.press("bank-ins_56")
    assert (browser.answer.status_code, browser.page.forms) == (410, [])
    assert browser.page.texts["outcome"] == "This link was used"
    assert office.open(made).answer.status_code == 410
    assert len(office.look(made)["link_sessions"]) == 3


def test_an_oauth_bank_is_left_in_its_own_words(office: Office) -> None:
    made = office.create()
    browser = office.open(made)
    browser.press("bank-ins_56")
    browser.press("cancel")
    left = office.session(made)["exit"]["metadata"]
    assert left["status"] == "requires_oauth"
    assert left["institution"] == {"institution_id": "ins_56", "name": "Chase"}


# What goes wrong


@pytest.mark.parametrize(
    ("username", "password", "code"),
    [
        ("ann", "wrong", "INVALID_CREDENTIALS"),
        ("ann", "error_ITEM_LOCKED", "ITEM_LOCKED"),
        ("nobody", "pass_good", "INVALID_CREDENTIALS"),
        ("user_good", "wrong", "INVALID_CREDENTIALS"),
        ("user_good", "error_USER_SETUP_REQUIRED", "USER_SETUP_REQUIRED"),
        ("user_good", "error_nonsense", "INTERNAL_SERVER_ERROR"),
        ("user_custom", "{}", "INVALID_CREDENTIALS"),
        ("user_custom", '{"force_error": "INVALID_MFA"}', "INVALID_MFA"),
    ],
)
def test_a_failed_login_is_named_and_may_be_repeated(
    office: Office, username: str, password: str, code: str
) -> None:
    made = office.create()
    browser = office.open(made)
    browser.press("bank-ins_56")
    assert sign_in(browser, username, password).error == code
    assert browser.reload().error == code
    assert sign_in(browser).error is None
    browser.press("cancel")
    session = office.session(made)
    assert session["exit"]["error"] is None
    [error] = [one for one in session["events"] if one["event_name"] == "ERROR"]
    assert error["event_metadata"]["error_code"] == code


def test_who_leaves_because_of_an_error_leaves_with_it(office: Office) -> None:
    made = office.create()
    browser = office.open(made)
    browser.press("bank-ins_56")
    sign_in(browser, password="error_ITEM_LOCKED")
    browser.press("cancel")
    left = office.session(made)["exit"]
    assert left["error"]["error_code"] == "ITEM_LOCKED"
    assert office.session(made)["on_exit"] == left


def test_too_many_wrong_passwords_end_the_link(office: Office) -> None:
    made = office.create()
    browser = office.open(made)
    browser.press("bank-ins_56")
    for _ in range(5):
        sign_in(browser, password="wrong")
    assert browser.page.data["outcome"]["data-status"] == "exited"
    assert "again" not in browser.page.links
    assert office.open(made).answer.status_code == 410
    assert office.session(made)["exit"]["error"]["error_code"] == "INVALID_CREDENTIALS"
    assert [one["status"] for one in office.webhooks()] == ["EXITED"]


def test_a_bank_that_is_down_cannot_be_chosen(office: Office) -> None:
    made = office.create()
    browser = office.open(made)
    assert browser.press("bank-ins_132361").error == "INSTITUTION_DOWN"
    assert browser.press("bank-ins_133402").error == "INSTITUTION_NO_LONGER_SUPPORTED"
    assert browser.press("bank-ins_56").error is None
    office.turn("outage", institution_id="ins_56")
    assert sign_in(browser).error == "INSTITUTION_DOWN"
    office.turn("clear")
    assert sign_in(browser).error is None


def test_no_account_is_no_choice(office: Office) -> None:
    browser = office.open(office.create())
    browser.press("bank-ins_56")
    sign_in(browser)
    none = dict.fromkeys(browser.page.boxes, False)
    assert browser.press("continue", tick=none).error == "NO_ACCOUNTS"


def test_filters_hide_accounts(office: Office) -> None:
    filters: dict[str, Any] = {
        "depository": {"account_subtypes": ["savings"]},
        "credit": {"account_subtypes": ["all"]},
    }
    browser = office.open(office.create(account_filters=filters))
    browser.press("bank-ins_56")
    sign_in(browser)
    assert list(browser.page.boxes) == ["Reserve 9", "Card"]
    browser = office.open(office.create(account_filters={"loan": {}}))
    browser.press("bank-ins_56")
    assert sign_in(browser).error == "NO_ACCOUNTS"


def test_accounts_that_close_meanwhile_are_not_linked(office: Office) -> None:
    item = office.connect()
    [first, *_] = office.call("/accounts/get", access_token=item["access_token"])["accounts"]
    made = office.create()
    browser = office.open(made)
    browser.press("bank-ins_56")
    sign_in(browser)
    browser.press("continue", tick={"Reserve 9": False, "Card": False})
    office.turn("close_account", item_id=item["item_id"], account_id=first["account_id"])
    assert browser.press("allow").error == "NO_ACCOUNTS"


def test_no_bank_of_another_country_is_known(office: Office) -> None:
    browser = office.open(office.create(country_codes=["GB"]))
    assert [button for form in browser.page.forms for button in form.buttons] == ["cancel"]


# The life of a link


@pytest.mark.parametrize(
    ("asked", "seconds"), [({}, 14_400), ({"url_lifetime_seconds": 86_400}, 86_400)]
)
def test_a_link_expires(office: Office, asked: dict[str, Any], seconds: int) -> None:
    made = office.create(hosted_link=asked)
    browser = office.open(made)
    office.control("clock/advance", seconds=seconds - 1)
    assert browser.press("bank-ins_56").error is None
    office.control("clock/advance", seconds=1)
    assert browser.reload().texts["outcome"] == "This link has expired"
    assert (browser.answer.status_code, browser.page.forms) == (410, [])
    assert office.open(made).answer.status_code == 410
    [session] = office.look(made)["link_sessions"]
    assert session["finished_at"] is None
    office.control("clock/advance", seconds=6 * 3_600 + 1)
    token = made["link_token"]
    assert office.error("/link/token/get", link_token=token) == "INVALID_LINK_TOKEN"


@pytest.mark.parametrize(("life_s", "ends"), [(None, "13:00:00"), (1_800, "09:30:00")])
def test_how_long_a_hosted_link_lives_is_a_switch(life_s: int | None, ends: str) -> None:
    with open_office(Switches(hosted_link_life_s=life_s)) as office:
        assert office.create()["expiration"] == f"2026-01-05T{ends}Z"
        assert office.create(hosted_link=None)["expiration"] == "2026-01-05T13:00:00Z"


def test_sessions_are_told_for_six_hours(office: Office) -> None:
    made = office.create(hosted_link={"url_lifetime_seconds": 86_400})
    office.connect(made)
    office.control("clock/advance", seconds=6 * 3_600)
    assert len(office.look(made)["link_sessions"]) == 1
    office.control("clock/advance", seconds=1)
    assert office.look(made)["link_sessions"] == []


def test_old_tokens_are_forgotten(office: Office) -> None:
    office.create()
    office.control("clock/advance", seconds=11 * 3_600)
    made = office.create()
    listed = office.web.get("/_control/link_tokens").json()["link_tokens"]
    assert [one["link_token"] for one in listed] == [made["link_token"]]
    assert made["hosted_link_url"].endswith(listed[0]["path"])


def test_nobody_else_may_ask(office: Office) -> None:
    office.emulator.clients["other"] = "secret"
    made = office.create()
    asked = {"link_token": made["link_token"], "client_id": "other", "secret": "secret"}
    assert office.error("/link/token/get", **asked) == "INVALID_LINK_TOKEN"
    assert office.error("/link/token/get", link_token="link-sandbox-0") == "INVALID_LINK_TOKEN"


def test_a_token_without_a_page_has_none(office: Office) -> None:
    made = office.create(hosted_link=None)
    assert "hosted_link_url" not in made
    assert office.look(made)["link_sessions"] == []
    [listed] = office.web.get("/_control/link_tokens").json()["link_tokens"]
    assert listed["path"] is None
    hosted_id = office.emulator.link_tokens.all()[0].hosted_id
    assert office.web.get(f"/hl/{hosted_id}").status_code == 404
    assert office.web.post(f"/hl/{hosted_id}", data={}).status_code == 404


def test_a_preview_is_no_visit_and_visits_are_bounded(office: Office) -> None:
    made = office.create()
    assert office.web.head(made["hosted_link_url"]).status_code == 200
    assert office.look(made)["link_sessions"] == []
    for _ in range(50):
        assert office.open(made).answer.status_code == 200
    assert office.open(made).answer.status_code == 429


# The page


def test_what_is_shown_is_escaped(office: Office) -> None:
    office.control(
        "people",
        username="<i>",
        institution_id="ins_56",
        accounts=[{"account_id": '"><b>', "name": "<script>alert(1)</script>", "mask": "'"}],
    )
    made = office.create(
        client_name="<script>", hosted_link={"completion_redirect_uri": 'https://x.test/?a="<b>'}
    )
    browser = office.open(made)
    texts = [browser.answer.text]
    for button in ("bank-ins_56", "sign-in", "continue", "allow"):
        typed = {"username": "<i>", "password": "pass_good"} if button == "sign-in" else {}
        browser.press(button, typed)
        texts.append(browser.answer.text)
    assert all("<script" not in text and "<b>" not in text and "<i>" not in text for text in texts)
    assert browser.page.links["finish"] == 'https://x.test/?a="<b>'
    assert "script-src" not in browser.answer.headers["content-security-policy"]
    assert browser.answer.headers["content-security-policy"].startswith("default-src 'none'")


def test_a_long_name_is_not_shown(office: Office) -> None:
    browser = office.open(office.create(client_name="R" * 31))
    assert browser.page.title == "Choose your bank - This Application"


def test_a_form_of_a_step_that_is_over_changes_nothing(office: Office) -> None:
    made = office.create()
    browser = office.open(made)
    session = office.session(made)["link_session_id"]
    browser.press("bank-ins_56")
    stale = {"session": session, "stage": "bank", "institution_id": "ins_109508"}
    answer = office.web.post(made["hosted_link_url"], data=stale)
    assert Page(answer.text).title.startswith("Sign in")
    assert "Chase" in answer.text
    browser.press("cancel")
    answer = office.web.post(made["hosted_link_url"], data=stale)
    assert Page(answer.text).data["outcome"]["data-status"] == "exited"
    assert len(office.webhooks()) == 1


def test_a_form_without_a_session_begins_one(office: Office) -> None:
    made = office.create()
    answer = office.web.post(made["hosted_link_url"], data={"institution_id": "ins_56"})
    assert Page(answer.text).title.startswith("Choose your bank")


def test_a_huge_form_is_refused(office: Office) -> None:
    made = office.create()
    assert office.web.post(made["hosted_link_url"], data={"x": "y" * 200_000}).status_code == 413
    many = "&".join(["a=b"] * 501)
    assert office.web.post(made["hosted_link_url"], content=many).status_code == 413


def test_sandbox_users_are_found_again(office: Office) -> None:
    seen = []
    for username, password in (
        ("user_good", "pass_good"),
        ("user_good", "pass_good"),
        ("user_yuppie", "anything"),
        ("user_custom", '{"override_accounts": [{"type": "depository", "subtype": "cd"}]}'),
    ):
        browser = office.open(office.create())
        browser.press("bank-ins_109508")
        page = sign_in(browser, username, password)
        seen.append([value for form in page.forms for value, _ in form.boxes.values()])
    assert [len(one) for one in seen] == [8, 8, 8, 1]
    assert seen[0] == seen[1] != seen[2]


# The same account twice


def test_an_account_linked_again_has_new_ids_and_one_identity(office: Office) -> None:
    items = [office.connect(), office.connect()]
    assert items[0]["item_id"] != items[1]["item_id"]
    shown = [
        office.call("/accounts/get", access_token=one["access_token"])["accounts"][0]
        for one in items
    ]
    assert shown[0]["account_id"] != shown[1]["account_id"]
    assert shown[0]["persistent_account_id"] == shown[1]["persistent_account_id"]
    office.control(
        "accounts/operating/postings", postings=[{"amount_minor": 100, "description": "x"}]
    )
    live = [
        office.call("/accounts/balance/get", access_token=one["access_token"])["accounts"][0]
        for one in items
    ]
    assert [one["balances"]["current"] for one in live] == [5001, 5001]
    assert office.error("/item/get", access_token="access-sandbox-0") == "INVALID_ACCESS_TOKEN"


def test_few_banks_give_persistent_ids(office: Office) -> None:
    office.control("people", **(ANN | {"institution_id": "ins_19"}))
    made = office.create()
    browser = office.open(made)
    browser.press("bank-ins_19")
    sign_in(browser)
    browser.press("continue")
    browser.press("allow")
    [said] = office.webhooks()
    item = office.call("/item/public_token/exchange", public_token=said["public_token"])
    shown = office.call("/accounts/get", access_token=item["access_token"])["accounts"]
    assert all("persistent_account_id" not in one for one in shown)


@pytest.mark.parametrize("breaks", [False, True])
def test_the_older_item_may_break(breaks: bool) -> None:
    with open_office(Switches(duplicate_breaks_older=breaks)) as office:
        alone = office.connect(None, **{"Operating 1234": False, "Reserve 9": False})
        older = office.connect(None, Card=False)
        newer = office.connect(None, Card=False)
        errors = {
            name: office.call("/item/get", access_token=one["access_token"])["item"]["error"]
            for name, one in {"alone": alone, "older": older, "newer": newer}.items()
        }
        assert (errors["alone"], errors["newer"]) == (None, None)
        assert (errors["older"] is not None) is breaks


# Update mode


def broken(office: Office) -> dict[str, str]:
    item = office.connect()
    office.turn("break_login", item_id=item["item_id"])
    return item


def repair(office: Office, made: dict[str, Any], **tick: bool) -> Browser:
    browser = office.open(made)
    sign_in(browser)
    browser.press("continue", tick=tick)
    browser.press("allow")
    return browser


def test_update_mode_repairs_the_same_item(office: Office) -> None:
    item = broken(office)
    before = office.call("/accounts/get", access_token=item["access_token"])["accounts"]
    office.control("clock/advance", seconds=86_400)
    made = office.update(item["access_token"])
    assert made["expiration"] == "2026-01-06T09:30:00Z"
    browser = repair(office, made)
    assert browser.page.data["outcome"]["data-status"] == "success"
    got = office.call("/item/get", access_token=item["access_token"])["item"]
    assert (got["item_id"], got["error"]) == (item["item_id"], None)
    assert got["consent_expiration_time"] == "2027-01-06T09:00:00Z"
    after = office.call("/accounts/get", access_token=item["access_token"])["accounts"]
    assert [one["account_id"] for one in after] == [one["account_id"] for one in before]
    session = office.session(made)
    assert session["results"]["item_add_results"] == []
    assert "on_success" not in session
    assert office.webhooks("LOGIN_REPAIRED") == []
    assert office.webhooks()[-1]["public_tokens"] == []


@pytest.mark.parametrize("sends", [True, False])
def test_whether_update_mode_is_told_is_a_switch(sends: bool) -> None:
    with open_office(Switches(update_mode_sends_session_finished=sends)) as office:
        item = broken(office)
        n_before = len(office.webhooks())
        repair(office, office.update(item["access_token"], webhook="http://127.0.0.1:9/ignored"))
        assert len(office.webhooks()) - n_before == sends
        assert {url for url, _, _ in office.inbox.deliveries} == {WEBHOOK}


def test_a_public_token_of_update_mode_is_good_for_nothing() -> None:
    with open_office(Switches(update_mode_has_public_token=True)) as office:
        item = broken(office)
        made = office.update(item["access_token"])
        repair(office, made)
        [result] = office.session(made)["results"]["item_add_results"]
        known = office.call("/accounts/get", access_token=item["access_token"])["accounts"]
        assert [one["id"] for one in result["accounts"]] == [one["account_id"] for one in known]
        code = office.error("/item/public_token/exchange", public_token=result["public_token"])
        assert code == "INVALID_PUBLIC_TOKEN"


def test_a_repair_elsewhere_is_told(office: Office) -> None:
    item = broken(office)
    office.control("repair", item_id=item["item_id"])
    assert len(office.webhooks("LOGIN_REPAIRED")) == 1


def test_only_the_same_person_may_repair(office: Office) -> None:
    item = broken(office)
    browser = office.open(office.update(item["access_token"]))
    assert sign_in(browser, "bob").error == "INVALID_UPDATED_USERNAME"
    assert sign_in(browser, "ann", "wrong").error == "INVALID_CREDENTIALS"
    assert sign_in(browser, "ann", "error_ITEM_LOCKED").error == "ITEM_LOCKED"
    assert sign_in(browser).error is None


def test_items_made_without_a_page_are_repaired_by_the_sandbox_user(office: Office) -> None:
    made = office.control("items", institution_id="ins_19", accounts=[{"name": "Cash"}])
    office.turn("break_login", item_id=made["item_id"])
    browser = office.open(office.update(made["access_token"]))
    assert sign_in(browser, "user_yuppie", "x").error == "INVALID_UPDATED_USERNAME"
    sign_in(browser, "user_good", "pass_good")
    assert browser.page.title.startswith("Allow access")
    assert "Cash" in browser.answer.text
    browser.press("allow")
    assert office.call("/item/get", access_token=made["access_token"])["item"]["error"] is None


def test_accounts_are_chosen_again(office: Office) -> None:
    item = office.connect(None, Card=False)
    token = item["access_token"]
    office.call("/transactions/sync", access_token=token)
    before = office.call("/accounts/get", access_token=token)["accounts"]
    made = office.update(token, update={"account_selection_enabled": True})
    browser = office.open(made)
    sign_in(browser)
    assert browser.page.boxes == {"Operating 1234": True, "Reserve 9": True, "Card": False}
    browser.press("continue", tick={"Reserve 9": False, "Card": True})
    browser.press("allow")
    after = office.call("/accounts/get", access_token=token)["accounts"]
    assert [one["name"] for one in after] == ["Operating", "Card"]
    assert after[0]["account_id"] == before[0]["account_id"]
    gone = {"account_ids": [before[1]["account_id"]]}
    assert office.error("/accounts/get", access_token=token, options=gone) == "INVALID_ACCOUNT_ID"
    repair(office, office.update(token), **{"Reserve 9": True})
    again = office.call("/accounts/get", access_token=token)["accounts"]
    assert [one["name"] for one in again] == ["Operating", "Card", "Reserve"]
    assert again[2]["account_id"] != before[1]["account_id"]


def test_other_banks_ask_for_accounts_only_when_it_is_wanted(office: Office) -> None:
    office.control("people", **(ANN | {"institution_id": "ins_19"}))
    made = office.create()
    browser = office.open(made)
    browser.press("bank-ins_19")
    sign_in(browser)
    browser.press("continue")
    browser.press("allow")
    public_token = office.session(made)["on_success"]["public_token"]
    token = office.call("/item/public_token/exchange", public_token=public_token)["access_token"]
    for wanted, title in ((False, "Allow access"), (True, "Choose accounts")):
        update = {"account_selection_enabled": wanted}
        browser = office.open(office.update(token, update=update))
        assert sign_in(browser).title.startswith(title)


@pytest.mark.parametrize(
    ("how", "code"), [("remove", "ITEM_NOT_FOUND"), ("revoke", "USER_PERMISSION_REVOKED")]
)
def test_an_item_that_is_gone_cannot_be_repaired(office: Office, how: str, code: str) -> None:
    item = office.connect()
    made = office.update(item["access_token"])
    browser = office.open(made)
    if how == "remove":
        office.call("/item/remove", access_token=item["access_token"])
    else:
        office.turn("revoke", item_id=item["item_id"])
    assert sign_in(browser).data["outcome"]["data-status"] == "exited"
    assert office.session(made)["exit"]["error"]["error_code"] == code
    asked = UPDATE | {"access_token": item["access_token"]}
    assert office.error("/link/token/create", **asked) == code


# Accounts that come and go


def test_a_new_account_is_seen_only_after_it_was_shared(office: Office) -> None:
    item = office.connect()
    token = item["access_token"]
    office.control("clock/advance", seconds=120)
    postings = [{"amount_minor": -700, "posted_at": "2026-01-03T12:00:00Z", "description": "Old"}]
    account = {"account_id": "tax", "name": "Tax", "mask": "77", "postings": postings}
    office.turn("new_account", item_id=item["item_id"], account=account)
    [said] = office.webhooks("NEW_ACCOUNTS_AVAILABLE")
    assert list(strays(read_by_sdk(said, "NewAccountsAvailableWebhook"))) == []
    assert said["item_id"] == item["item_id"]
    office.control("pull", item_id=item["item_id"])
    assert len(office.call("/accounts/get", access_token=token)["accounts"]) == 3
    cursor = office.call("/transactions/sync", access_token=token)["next_cursor"]
    repair(office, office.update(token), **{"Tax 77": True})
    shown = office.call("/accounts/get", access_token=token)["accounts"]
    assert [one["name"] for one in shown][3:] == ["Tax"]
    office.control("clock/advance", seconds=1)
    page = office.call("/transactions/sync", access_token=token, cursor=cursor)
    assert [one["name"] for one in page["added"]] == ["Old"]
    assert "SYNC_UPDATES_AVAILABLE" in office.inbox.codes()


def test_a_closed_account_is_gone_at_every_item(office: Office) -> None:
    first, second = office.connect(), office.connect()
    office.control("clock/advance", seconds=120)
    office.control(
        "accounts/operating/postings", postings=[{"amount_minor": 100, "description": "x"}]
    )
    office.control("pull", item_id=first["item_id"])
    [account, *_] = office.call("/accounts/get", access_token=first["access_token"])["accounts"]
    office.turn("close_account", item_id=first["item_id"], account_id=account["account_id"])
    for item in (first, second):
        shown = office.call("/accounts/get", access_token=item["access_token"])["accounts"]
        assert [one["name"] for one in shown] == ["Reserve", "Card"]
    page = office.call("/transactions/sync", access_token=first["access_token"])
    assert [one["name"] for one in page["added"]] == ["x"]
    browser = office.open(office.create())
    browser.press("bank-ins_56")
    assert "Operating 1234" not in sign_in(browser).boxes


def test_an_item_without_accounts_says_so(office: Office) -> None:
    item = office.connect(None, **{"Reserve 9": False, "Card": False})
    token = item["access_token"]
    [account] = office.call("/accounts/get", access_token=token)["accounts"]
    office.turn("close_account", item_id=item["item_id"], account_id=account["account_id"])
    for path in ("/accounts/get", "/accounts/balance/get", "/transactions/refresh"):
        assert office.error(path, access_token=token) == "NO_ACCOUNTS"
    fired = {"access_token": token, "webhook_code": "USER_ACCOUNT_REVOKED"}
    assert office.error("/sandbox/item/fire_webhook", **fired) == "NO_ACCOUNTS"


def test_people_are_listed_and_registered_once(office: Office) -> None:
    [ann] = office.web.get("/_control/people").json()["people"]
    assert ann == {
        "institution_id": "ins_56",
        "username": "ann",
        "password": "let me in",
        "world_account_ids": ["operating", "reserve", "card"],
    }
    for wrong in (ANN, ANN | {"institution_id": "ins_0"}, {"username": "x"}):
        assert office.web.post("/_control/people", json=wrong).status_code == 400
    bob = {"username": "bob", "institution_id": "ins_13", "accounts": [{"account_id": "card"}]}
    assert office.control("people", **bob)["password"] == "pass_good"
