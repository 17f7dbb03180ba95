"""Calling: what the rail declares as callable and nothing else; a write's key goes to the rail as it was sent."""

from pathlib import Path

from tests.api.books_rig import books_face
from tests.fake_books import LEDGER

WRITE = {"rail": LEDGER, "endpoint": "bill.create", "data": {"body": {"Line": "1.10"}}}


async def test_a_declared_endpoint_is_called(tmp_path: Path) -> None:
    async with books_face(tmp_path) as it:
        body = {"rail": LEDGER, "endpoint": "company", "data": {"depth": 1}}
        answer = await it.ask("POST", "calls", "operator", json=body)
        assert answer.status_code == 200
        assert answer.json()["answer"]["echo"]["depth"] == 1
        (call, *_) = (await it.ask("GET", "/v1/calls")).json()["items"]
        assert (call["endpoint"], call["trigger"]) == ("company", "PERSON")


async def test_the_method_is_the_endpoints_own_unless_another_is_said(tmp_path: Path) -> None:
    async with books_face(tmp_path) as it:
        for body, own, other in (
            ({"rail": LEDGER, "endpoint": "company"}, "GET", "POST"),
            (WRITE, "POST", "GET"),
        ):
            for said in ({}, {"method": None}, {"method": own}):
                answer = await it.ask("POST", "calls", "operator", json=body | said)
                assert answer.status_code == 200, (said, answer.text)
            wrong = await it.ask("POST", "calls", "operator", json=body | {"method": other})
            assert (wrong.status_code, wrong.json()["what_to_do"]) == (422, f"call it by {own}")


async def test_the_key_goes_to_the_rail(tmp_path: Path) -> None:
    async with books_face(tmp_path) as it:
        for _ in range(2):
            sent = await it.ask(
                "POST", "calls", "operator", json=WRITE, headers={"Idempotency-Key": "k-1"}
            )
            assert sent.status_code == 200, sent.text
            assert it.it.office.bodies[-1]["requestid"] == "k-1"
        long = await it.ask(
            "POST", "calls", "operator", json=WRITE, headers={"Idempotency-Key": "k" * 51}
        )
        assert long.status_code == 400


async def test_what_is_not_callable_and_floats_are_refused(tmp_path: Path) -> None:
    async with books_face(tmp_path) as it:
        it.it.office.calls.clear()
        for wrong in ({"endpoint": "changes"}, {"rail": "none"}, {"data": {"body": {"Amt": 1.1}}}):
            answer = await it.ask("POST", "calls", "operator", json=WRITE | wrong)
            assert (answer.status_code, answer.json()["code"]) == (422, "bad_input")
        assert (await it.ask("POST", "calls", "advisor", json=WRITE)).status_code == 403
        assert it.it.office.calls == []
