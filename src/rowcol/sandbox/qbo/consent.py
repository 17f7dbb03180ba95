"""Consent: which company a click connects, and the page on which a person chooses one.

Only a browser gets the page (`Accept: text/html`), and only where there is a choice. Every other client, such as a test or
intuit-oauth, is answered at once with the next company that it is not connected to. `realm`, as a query parameter or a form
field, names one in either case.
"""

from __future__ import annotations

from html import escape
from urllib.parse import parse_qsl

from rowcol.sandbox.qbo.emulator import QboEmulator
from rowcol.sandbox.qbo.wire import Asked

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>Connect a company</title></head>
<body>
<h1>Emulated QuickBooks Online</h1>
<p>Which company may <b>{client}</b> read and write?</p>
<form method="post">
<ul>
{companies}
</ul>
<button name="realm" value="none">Cancel</button>
</form>
</body>
</html>
"""
_COMPANY = '<li><button name="realm" value="{realm}">{name}</button>{note}</li>'


def wish_of(asked: Asked) -> dict[str, str]:
    """The parameters of the request; the page posts its choice to its own address."""
    if asked.method != "POST":
        return asked.query
    return asked.query | dict(parse_qsl(asked.body.decode(errors="replace")))


def has_choice(emulator: QboEmulator, asked: Asked) -> bool:
    """Whether to show the page. Companies that are connected are on it, too: one may have to be connected again."""
    is_browser = "text/html" in asked.headers.get("accept", "")
    return is_browser and len(emulator.companies) > 1 and "realm" not in wish_of(asked)


def next_company(emulator: QboEmulator, client_id: str) -> str:
    """The first company that no grant of the app holds, else the first one; `""` when there is none."""
    realms = list(emulator.companies)
    is_held = emulator.tokens.is_connected
    return next((realm for realm in realms if not is_held(client_id, realm)), (realms or [""])[0])


def page(emulator: QboEmulator, client_id: str) -> bytes:
    """A button for each company; those that wait to be connected come first."""
    rows: dict[bool, list[str]] = {False: [], True: []}
    for realm_id, company in emulator.companies.items():
        is_held = emulator.tokens.is_connected(client_id, realm_id)
        note = f" {realm_id}{', connected' if is_held else ''}"
        rows[is_held].append(
            _COMPANY.format(realm=escape(realm_id), name=escape(company.name), note=escape(note))
        )
    companies = "\n".join(rows[False] + rows[True])
    return _PAGE.format(client=escape(client_id), companies=companies).encode()
