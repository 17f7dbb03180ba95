"""A flood of forged key ids while Plaid rotates its key: the genuine deliveries get through, and a retired key ends.

Had, of 8 forged ids a second: 0 of 15 genuine deliveries taken, nor any later while it went on; each forgery was
a write to the store; a retired key was believed for a day after its successor had appeared, and for ever where the flood
kept us from asking. Has: the first is taken within 40 s, all that follow at once; the retired key ends with its successor's first delivery, or after a
day, or two where Plaid cannot be asked.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import jwt
import pytest

from rowcol.bootstrap import Parts, Plane
from rowcol.core.app import App
from rowcol.core.delivery import Authentic, Unauthentic
from rowcol.core.ids import AppId
from rowcol.core.wire import NoAnswer, RawDelivery, Request, Response, Silence
from rowcol.engine.inbox import Reception
from rowcol.engine.keys import SEEN_MAX, UNKNOWN_KEYS_MAX, Turns
from rowcol.rails.qbo import webhook as qbo_webhook
from rowcol.services.plane import OpenPlane
from rowcol.simulation.bench.signing import Es256, Hmac
from tests.fakes import T0, FakeClock
from tests.rig import settings

APP = App(
    AppId("main"), "plaid", "production", "http://plaid.example", {"client_id": "", "secret": ""}
)
SECOND = timedelta(seconds=1)
NO_SUCH_KEY = {"error_type": "INVALID_INPUT", "error_code": "INVALID_WEBHOOK_VERIFICATION_KEY_ID"}


@dataclass
class Plaid:
    """Its keys by id, and how often each was asked for; a transport."""

    clock: FakeClock
    keys: dict[str, Es256] = field(default_factory=dict)
    expired_at: dict[str, datetime] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    is_up: bool = True

    async def send(self, base_url: str, request: Request) -> Response | NoAnswer:
        now = self.clock.now()
        key_id = json.loads(request.body)["key_id"]
        self.asked.append(key_id)
        if not self.is_up:
            return NoAnswer(Silence.NOT_SENT, now, now)
        key = self.keys.get(key_id)
        if key is None:
            return Response(400, {}, json.dumps(NO_SUCH_KEY).encode(), now, now)
        jwk = json.loads(key.verification_key(APP.id, now).jwk)
        expired_at = self.expired_at.get(key_id)
        times = {"created_at": 1, "expired_at": expired_at and int(expired_at.timestamp())}
        body = {"key": {**jwk, "kid": key_id, **times}, "request_id": "r"}
        return Response(200, {}, json.dumps(body).encode(), now, now)

    async def close(self) -> None:
        return


@dataclass
class Office:
    """A plane that Plaid, and somebody else, delivers to."""

    plane: OpenPlane
    clock: FakeClock
    plaid: Plaid
    n_taken: int = 0

    async def told(self, key_id: str, key: Es256, number: int = 0) -> Reception:
        """What a delivery is answered that this key signed now."""
        item = {"webhook_type": "ITEM", "webhook_code": "ERROR", "item_id": f"item-{number}"}
        body, now = json.dumps(item).encode(), self.clock.now()
        claims = {
            "iat": int(now.timestamp()),
            "request_body_sha256": hashlib.sha256(body).hexdigest(),
        }
        token = jwt.encode(claims, key._key, algorithm="ES256", headers={"kid": key_id})
        raw = RawDelivery({"plaid-verification": token}, body, now)
        reception = (await self.plane.inbox.receive(APP, raw)).reception
        self.n_taken += reception is Reception.ACCEPTED
        return reception

    async def n_stored(self) -> int:
        return len(await self.plane.store.list_unmatched())


@asynccontextmanager
async def office(folder: Path) -> AsyncIterator[Office]:
    clock = FakeClock()
    plaid = Plaid(clock, {"old": Es256()})
    parts = Parts(clock=clock, apps=(APP,), transport=plaid)
    async with Plane.open(settings(folder), parts=parts, run=False, may_be_new=True) as plane:
        yield Office(plane, clock, plaid)


async def flooded(it: Office, forged: list[list[str]], tell_every: int) -> list[Reception]:
    """Each second some forged ids, and now and then a delivery that Plaid's new key signed; what became of those."""
    forger, answers = Es256(), []
    for second, key_ids in enumerate(forged):
        if second % tell_every == 0:
            answers.append(await it.told("new", it.plaid.keys["new"], second))
        for key_id in key_ids:
            assert await it.told(key_id, forger) in (Reception.BUSY, Reception.REJECTED)
        it.clock.advance(SECOND)
    return answers


async def test_ids_that_come_once_keep_nobody_out(tmp_path: Path) -> None:
    async with office(tmp_path) as it:
        assert await it.told("old", it.plaid.keys["old"]) is Reception.ACCEPTED
        it.plaid.keys["new"] = Es256()
        flood = [[f"forged-{s}-{n}" for n in range(8)] for s in range(75)]
        for key_id in flood[0]:  # before the first that Plaid signs anew
            await it.told(key_id, Es256())
        it.clock.advance(SECOND)
        answers = await flooded(it, flood[1:], tell_every=5)
        first = answers.index(Reception.ACCEPTED)
        assert first * 5 <= 40
        assert set(answers[:first]) <= {Reception.BUSY}
        assert set(answers[first:]) == {Reception.ACCEPTED}
        assert len(it.plaid.asked) <= 12
        assert await it.n_stored() == it.n_taken  # a 200 is on disk


async def test_ids_that_come_again_each_have_one_look(tmp_path: Path) -> None:
    """Plaid's ladder is 24 h long: as many ids as fit before the rail's own delay it by less."""
    async with office(tmp_path) as it:
        it.plaid.keys["new"] = Es256()
        answers = await flooded(it, [["a", "b", "c", "d", "e"]] * 200, tell_every=20)
        assert answers.index(Reception.ACCEPTED) * 20 <= 180
        assert all(it.plaid.asked.count(key_id) <= 1 for key_id in "abcde")


async def test_a_retired_key_ends_with_its_successors_first_delivery(tmp_path: Path) -> None:
    async with office(tmp_path) as it:
        old, new = it.plaid.keys["old"], Es256()
        assert await it.told("old", old, 1) is Reception.ACCEPTED
        it.clock.advance(SECOND)
        it.plaid.keys["new"], it.plaid.expired_at["old"] = new, it.clock.now()
        assert await it.told("new", new, 2) is Reception.ACCEPTED
        assert await it.told("old", old, 3) is Reception.REJECTED
        assert await it.told("new", new, 4) is Reception.ACCEPTED
        assert it.plaid.asked == ["old", "new", "old"]


async def test_a_retired_key_ends_after_a_day_also_in_a_flood(tmp_path: Path) -> None:
    async with office(tmp_path) as it:
        old, forger = it.plaid.keys["old"], Es256()
        assert await it.told("old", old, 1) is Reception.ACCEPTED
        it.plaid.expired_at["old"] = it.clock.now()
        it.clock.advance(timedelta(hours=23, minutes=58))
        assert await it.told("old", old, 2) is Reception.ACCEPTED
        for second in range(150):
            for n in range(4):
                await it.told(f"forged-{second}-{n}", forger)
            it.clock.advance(SECOND)
        assert await it.told("old", old, 3) is Reception.REJECTED


async def test_a_key_that_cannot_be_asked_for_again_serves_a_second_day(tmp_path: Path) -> None:
    """After it nothing is acknowledged; Plaid comes back for a day."""
    async with office(tmp_path) as it:
        old = it.plaid.keys["old"]
        assert await it.told("old", old, 1) is Reception.ACCEPTED
        it.plaid.is_up = False
        it.clock.advance(timedelta(hours=47))
        assert {await it.told("old", old, n) for n in range(2, 30)} == {Reception.ACCEPTED}
        assert len(it.plaid.asked) == 2  # once in five minutes, not for each
        it.clock.advance(timedelta(hours=1, minutes=6))
        assert await it.told("old", old, 31) is Reception.BUSY
        it.plaid.is_up = True
        assert await it.told("old", old, 32) is Reception.ACCEPTED


def test_what_turns_remember_is_bounded() -> None:
    turns = Turns()
    for n in range(2 * SEEN_MAX + 2 * UNKNOWN_KEYS_MAX):
        turns.next(f"id-{n % SEEN_MAX}", T0)
    assert sum(map(len, turns._seen)) <= 2 * SEEN_MAX
    assert len(turns._again) <= UNKNOWN_KEYS_MAX


def test_ids_that_all_come_twice_keep_nobody_waiting() -> None:
    """Of 8 forgeries a second, each id twice, ten minutes long before the new key, which comes every 5 s: it was looked up
    after 21,000 s; now after 40."""
    turns, asked = Turns(), list[str]()
    for second in range(700):
        told = [f"forged-{second}-{n // 2}" for n in range(8)]
        if second >= 600 and second % 5 == 0:
            told.append("new")  # the last of its second: a slot that opens is the forger's
        for key_id in told:
            chosen = turns.next(key_id, T0 + second * SECOND)
            if chosen is not None:
                asked.append(chosen)
                turns.end(chosen)
        if "new" in asked:
            break
    assert "new" in asked
    assert second <= 660


@pytest.mark.parametrize(
    ("tokens", "is_taken"),
    [
        ("bench-verifier-token", True),
        ("new-token, bench-verifier-token", True),
        ("bench-verifier-token,new-token", True),
        ("new-token", False),
        (",", False),
        ("bench-verifier-token-2", False),
    ],
)
def test_quickbooks_may_replace_its_verifier_token(tokens: str, is_taken: bool) -> None:
    """Had: all deliveries were refused from the portal's change until the service's."""
    request = Hmac().request("/", "1", 1, T0)
    head, _, body = request.partition(b"\r\n\r\n")
    signature = head.split(b"intuit-signature: ")[1].split(b"\r\n")[0].decode()
    raw = RawDelivery({"intuit-signature": signature}, body, T0)
    verdict = qbo_webhook.authenticate(raw, {"verifier_token": tokens})
    assert isinstance(verdict, Authentic if is_taken else Unauthentic)
