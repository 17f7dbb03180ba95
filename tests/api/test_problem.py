"""Problem: a refusal's words reach the client, an exception's never do."""

import json

import pytest
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from rowcol.adapters.chance import SeededRng
from rowcol.api import problem
from rowcol.core.refusal import Busy, Misconfigured, NotFound, Unauthorized


def members(response: object) -> dict[str, object]:
    return json.loads(getattr(response, "body"))  # type: ignore[no-any-return]  # noqa: B009


def test_a_refusal_is_said_with_what_to_do() -> None:
    answer = problem.refused(NotFound("no such thing", "look elsewhere"))
    assert (answer.status_code, answer.media_type) == (404, "application/problem+json")
    assert members(answer)["what_to_do"] == "look elsewhere"
    assert members(answer)["type"] == "urn:rowcol:problem:not_found"


def test_headers_that_clients_need() -> None:
    assert problem.refused(Busy("full", retry_after_s=3)).headers["retry-after"] == "3"
    assert problem.refused(Unauthorized("who")).headers["www-authenticate"] == "Bearer"


def test_what_only_the_operator_may_know_is_not_said() -> None:
    answer = problem.refused(Misconfigured("ROWCOL_X is wrong", "set it"))
    assert answer.status_code == 500
    assert b"ROWCOL_X" not in bytes(answer.body)


def test_an_exception_becomes_a_reference() -> None:
    answer = problem.broken(ValueError("secret"), SeededRng(1), "here")
    assert b"secret" not in bytes(answer.body)
    assert str(members(answer)["reference"]).startswith("err_")


def test_validation_names_places_and_never_what_was_sent() -> None:
    error = RequestValidationError(
        [{"loc": ("body", "role"), "msg": "is wrong", "input": "hunter2", "type": "x"}] * 50
    )
    answer = members(problem.invalid(error))
    assert answer["errors"] == [{"where": "body.role", "message": "is wrong"}] * 20
    assert "hunter2" not in json.dumps(answer)


def test_an_unknown_members_name_is_cut_short() -> None:
    error = RequestValidationError(
        [{"loc": ("body", "k" * 60_000), "msg": "is wrong", "type": "x"}]
    )
    assert len(bytes(problem.invalid(error).body)) < 1000


@pytest.mark.parametrize(
    ("status", "code"), [(404, "not_found"), (413, "content_too_large"), (422, "bad_input")]
)
def test_the_frameworks_own_errors(status: int, code: str) -> None:
    answer = members(problem.plain(HTTPException(status)))
    assert answer["status"] == status
    assert answer["code"] == code
