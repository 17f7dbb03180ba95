"""What a host's log shows when something breaks inside of us, at each layer: no token, code or payload, not even with locals.

The host is as unlucky as can be: it logs every exception with the `repr` of each local in each frame of ours, as error trackers do, prints
what structlog prints unconfigured, and has the root logger at DEBUG.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import traceback
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
import structlog
import uvicorn
from fastapi import FastAPI
from starlette.requests import Request
from typing_extensions import override

from rowcol.api.app import plane_router
from rowcol.api.roles import Principal, Role
from rowcol.core.rail import Look
from rowcol.core.wire import NoAnswer, Response
from rowcol.services import consent
from rowcol.services.integration import IntegrationService
from tests.company_rig import CompanyRig, company_rig
from tests.fake_books import LEDGER
from tests.fake_company import APP
from tests.rig import BUSINESS, FIRM

CANARY = "97531"
"""In every token of the rail, in what people bring and in what the rail answers."""
TESTS = str(Path(__file__).parent.parent)


class HostLog(logging.Handler):
    """Everything that reaches the host's log, exceptions with their locals."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.text = ""
        self.n_errors = 0

    @override
    def emit(self, record: logging.LogRecord) -> None:
        if record.name == "httpx2":  # these tests' own client: nothing here is sent by ours
            return
        self.text += f"{record.name} {record.getMessage()}\n"
        if record.exc_info and record.exc_info[1]:
            self.add(record.exc_info[1])

    def add(self, error: BaseException | None) -> None:
        """With all that it came of."""
        self.n_errors += 1
        seen = set[int]()
        while error is not None and id(error) not in seen:
            seen.add(id(error))
            self.text += f"{error!r} {error.args!r} {getattr(error, '__notes__', '')}\n"
            for frame, line in traceback.walk_tb(error.__traceback__):
                if not frame.f_code.co_filename.startswith(TESTS):
                    self.text += f"{frame.f_code.co_filename}:{line} {frame.f_locals!r}\n"
            error = error.__cause__ or error.__context__


@pytest.fixture
def log(capsys: pytest.CaptureFixture[str]) -> Iterator[HostLog]:
    handler, root = HostLog(), logging.getLogger()
    before = (root.level, root.handlers[:], structlog.get_config())
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield handler
    root.removeHandler(handler)
    assert (root.level, root.handlers, structlog.get_config()) == (logging.DEBUG, *before[1:])
    root.setLevel(before[0])
    out, err = capsys.readouterr()
    assert CANARY not in out + err + handler.text


@pytest.fixture
async def it(tmp_path: Path) -> AsyncIterator[CompanyRig]:
    async with company_rig(tmp_path, connected=False) as made:
        made.company.number = int(CANARY) * 1000
        yield made


async def begun(it: CompanyRig) -> dict[str, str]:
    """What a callback of a consent brings; the state is as secret as the code."""
    grant = await consent.begin(it.plane, FIRM, BUSINESS, APP)
    (state,) = parse_qs(urlsplit(grant.url).query)["state"]
    return {"state": state, "code": f"code-{CANARY}"}


async def connected(it: CompanyRig) -> None:
    row = await consent.complete(it.plane, await begun(it))
    it.connection = row.id
    await it.settle()


async def boom(*_arguments: object, **_more: object) -> None:
    raise RuntimeError("boom")


def boom_plain(*_arguments: object, **_more: object) -> None:
    raise ValueError("boom")


class Wire:
    """An answer that breaks whoever reads it, or a wire that breaks itself."""

    def __init__(self, it: CompanyRig, body: bytes | None) -> None:
        self._inner, self._body = it.company, body

    async def send(self, base_url: str, request: Any) -> Response | NoAnswer:
        if self._body is None:
            raise RuntimeError("boom")
        now = self._inner.clock.now()
        return Response(200, {"set-cookie": CANARY}, self._body, now, now)


def _break_store(name: str, it: CompanyRig) -> None:
    setattr(it.plane.store, name, boom)


STORE_FAULTS = {"open_call", "settle", "commit", "store_token", "add_connection", "read_view"}
FAULTS = {
    "wire": lambda it: setattr(it.plane.gateway, "_transport", Wire(it, None)),
    "no JSON": lambda it: setattr(it.plane.gateway, "_transport", Wire(it, CANARY.encode())),
    "not UTF-8": lambda it: setattr(
        it.plane.gateway, "_transport", Wire(it, b"\xff" + CANARY.encode())
    ),
    "seal": lambda it: setattr(type(it.plane.vault), "seal", boom_plain),
    "open": lambda it: setattr(type(it.plane.vault), "open", boom_plain),
    **{name: partial(_break_store, name) for name in sorted(STORE_FAULTS)},
}


QUICK = {"wire", "not UTF-8", "open", "add_connection"}
EACH = [name if name in QUICK else pytest.param(name, marks=pytest.mark.long) for name in FAULTS]


@pytest.fixture(params=EACH)
def fault(request: pytest.FixtureRequest, it: CompanyRig) -> Iterator[Any]:
    kind = type(it.plane.vault)
    before = kind.seal, kind.open
    yield FAULTS[request.param]
    kind.seal, kind.open = before  # type: ignore[method-assign]
    for name in STORE_FAULTS & set(vars(it.plane.store)):
        delattr(it.plane.store, name)  # it works again, so that closing need not wait for it


async def host(it: CompanyRig) -> httpx2.AsyncClient:
    async def principal(request: Request) -> Principal:
        return Principal(FIRM, Role.ADMIN, "host")

    app = FastAPI()
    app.include_router(plane_router(it.plane, principal), prefix="/cash")
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    return httpx2.AsyncClient(transport=transport, base_url="http://host")


async def asked(it: CompanyRig, log: HostLog, answers: dict[str, str]) -> None:
    """By each face: what raises is logged as the unluckiest host does."""
    service = IntegrationService(it.plane, BUSINESS)
    calls = (
        service.connect(LEDGER, f"public-{CANARY}"),
        service.call_api(LEDGER, "bill.create", "POST", {"body": {"x": CANARY}}),
        service.begin_connect(LEDGER),
        service.consented("lnk-none"),
    )
    for call in calls:
        try:
            async with asyncio.timeout(10):
                await call
        except Exception:
            logging.getLogger("host").exception("failed")
    async with await host(it) as client:
        query = "&".join(f"{k}={v}" for k, v in answers.items())
        await client.get(f"/cash/oauth/{LEDGER}/callback?{query}")
        body = {"public_token": f"p-{CANARY}", "rail": LEDGER}
        bearer = {"authorization": f"Bearer {CANARY}"}
        for path in (f"v1/businesses/{BUSINESS}/connections", f"webhooks/{LEDGER}/main"):
            await client.post(f"/cash/{path}", json=body, headers=bearer)
            await client.post(f"/cash/{path}", json={**body, "more": CANARY}, headers=bearer)


async def test_no_layer_s_fault_shows_a_secret(it: CompanyRig, log: HostLog, fault: Any) -> None:
    """Before: the code, the public token and what was written to the books, in locals of ours."""
    await connected(it)
    answers = await begun(it)
    it.company.expired.update(f"a{it.company.number - n}" for n in range(3))
    fault(it)
    await asked(it, log, answers)
    await it.settle()
    gc.collect()  # what nobody retrieved is told now
    await asyncio.sleep(0)  # noqa: TID251 - a turn of the loop
    assert log.n_errors


def test_values_that_carry_secrets_do_not_show_them() -> None:
    assert CANARY not in repr(Look("x", {"code": CANARY}, body={"memo": CANARY}))


@pytest.mark.parametrize("name", ["code", "state"])
async def test_a_server_s_access_log_has_no_query_of_a_callback(
    it: CompanyRig, log: HostLog, name: str
) -> None:
    """It had code and state, as the address was."""
    access = logging.getLogger("uvicorn.access")  # other servers of this process turned it off
    access.propagate, access.disabled = True, False
    access.setLevel(logging.INFO)
    app = FastAPI()
    app.include_router(plane_router(it.plane))
    config = uvicorn.Config(app, port=0, log_config=None, lifespan="off", ws="none")
    server = uvicorn.Server(config)
    config.load()
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    port = server.servers[0].sockets[0].getsockname()[1]
    async with httpx2.AsyncClient() as client:
        await client.get(f"http://127.0.0.1:{port}/oauth/{LEDGER}/callback?{name}={CANARY}")
    await server.shutdown()
    assert f"/oauth/{LEDGER}/callback" in log.text
