"""Gate: token and role before anything of the body is read; bodies are bounded; every error is a problem."""

from pathlib import Path

from tests.api.rig import face
from tests.rig import BUSINESS


async def test_the_body_is_not_read_before_the_token(tmp_path: Path) -> None:
    async with face(tmp_path) as it:
        for role, status in ((None, 401), ("viewer", 403), ("advisor", 422)):
            answer = await it.ask("POST", "/v1/businesses", role, content=b"{not json")
            assert answer.status_code == status, role


async def test_large_bodies_are_413(tmp_path: Path) -> None:
    async with face(tmp_path) as it:
        body = b'{"name": "' + b"x" * 70_000 + b'"}'
        answer = await it.ask("POST", "/v1/businesses", content=body)
        assert answer.status_code == 413
        assert answer.headers["content-type"] == "application/problem+json"


async def test_wrong_values_are_422_with_their_place_and_wrong_addresses_400(
    tmp_path: Path,
) -> None:
    async with face(tmp_path) as it:
        path = f"/v1/businesses/{BUSINESS}/balance/refresh"
        answer = await it.ask("POST", path, json={"force": "perhaps"})
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["where"] == "body.force"
        assert (await it.ask("GET", "/v1/calls?limit=1001")).status_code == 400
        assert (await it.ask("GET", "/v1/calls?limit=0")).status_code == 400
