"""The hosted page of Link: HTML forms without scripts, under the address that `hosted_link_url` names.

Each form is answered by a redirect to the page of its session, so reloading and going back change nothing. A form of a step
that is over is ignored. Names of controls (for tests in a browser): `name="institution_id"`, `username`, `password`, `account`
(one checkbox each), ids `sign-in`, `continue`, `allow`, `cancel`, `again`, `finish`, and `error` and `outcome` of the texts.
"""

from __future__ import annotations

from functools import partial
from html import escape
from typing import Final
from urllib.parse import parse_qs, quote

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from rowcol.sandbox.plaid.emulator import PlaidEmulator
from rowcol.sandbox.plaid.link_flow import (
    Form,
    act,
    leave,
    offered_accounts,
    offered_banks,
    open_session,
)
from rowcol.sandbox.plaid.link_tokens import LinkSession, LinkToken, Stage
from rowcol.sandbox.world import AccountFacts

PATH: Final = "/hl/"
_BODY_BYTES_MAX: Final = 128 * 1024
"""A custom user's password may have 55 kB, and percent signs make more of it."""
_N_FIELDS_MAX: Final = 500
_NAME_CHARS_MAX: Final = 30
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_STYLE: Final = (
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:32rem;margin:2rem auto;padding:0 1rem;color:#111;background:#fff}"
    "button,input,.button{font:inherit;padding:.4rem .8rem}label{display:block;margin:.4rem 0}"
    "ul{list-style:none;padding:0}#error{border-left:.3rem solid #b00;padding-left:.6rem}small{color:#555}"
)
_TITLES: Final = {
    Stage.BANK: "Choose your bank",
    Stage.LOGIN: "Sign in",
    Stage.ACCOUNTS: "Choose accounts",
    Stage.CONSENT: "Allow access",
    Stage.SUCCESS: "Connected",
    Stage.EXITED: "Nothing was connected",
}


def hosted_link_url(address: str, link_token: LinkToken) -> str:
    """Where the person goes; `address` is the emulator's own."""
    return f"{address}{PATH}{link_token.hosted_id}"


def hosted_link_routes(emulator: PlaidEmulator) -> list[Route]:
    """The page and its forms."""
    path = PATH + "{hosted_id}"
    return [
        Route(path, partial(_show, emulator), methods=["GET"]),
        Route(path, partial(_receive, emulator), methods=["POST"]),
    ]


async def _show(emulator: PlaidEmulator, request: Request) -> Response:
    now = emulator.clock.now()
    emulator.catch_up(now)
    link_token = emulator.link_tokens.hosted(request.path_params["hosted_id"])
    if link_token is None:
        return _notice("This link is not known", "Ask for a new one.", 404)
    session = link_token.session(request.query_params.get("session", ""))
    if session is not None and session.finished_at is not None:
        return _page(link_token, session.stage, _end(emulator, link_token, session))
    if not link_token.is_open(now):
        return _over(link_token)
    if session is None:
        return _begin(emulator, link_token, request)
    return _page(link_token, session.stage, _step(emulator, link_token, session))


def _begin(emulator: PlaidEmulator, link_token: LinkToken, request: Request) -> Response:
    if request.method == "HEAD":  # a preview is no visit
        return Response(headers=_HEADERS)
    opened = open_session(emulator, link_token)
    if opened is None:
        return _notice("This link was opened too often", "Ask for a new one.", 429)
    return _to(link_token, opened)


async def _receive(emulator: PlaidEmulator, request: Request) -> Response:
    emulator.catch_up(emulator.clock.now())
    link_token = emulator.link_tokens.hosted(request.path_params["hosted_id"])
    if link_token is None:
        return _notice("This link is not known", "Ask for a new one.", 404)
    form = await _form(request)
    if form is None:
        return _notice("Too much", "This form is larger than anything this page asks for.", 413)
    session = link_token.session(form.get("session", [""])[0])
    if session is None:
        return _to(link_token, None)
    if session.finished_at is None:
        if not link_token.is_open(emulator.clock.now()):
            return _over(link_token)
        if form.get("action", [""])[0] == "cancel":
            leave(emulator, link_token, session)
        elif form.get("stage", [""])[0] == session.stage:
            act(emulator, link_token, session, form)
    return _to(link_token, session)


async def _form(request: Request) -> Form | None:
    """The fields; None when there is too much of it. What is no form has no fields."""
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > _BODY_BYTES_MAX:
            return None
    try:
        return parse_qs(raw.decode(errors="replace"), max_num_fields=_N_FIELDS_MAX)
    except ValueError:
        return None


def _to(link_token: LinkToken, session: LinkSession | None) -> Response:
    query = "" if session is None else f"?session={quote(session.session_id)}"
    return RedirectResponse(f"{PATH}{link_token.hosted_id}{query}", 303, _HEADERS)


def _over(link_token: LinkToken) -> Response:
    if link_token.is_used:
        return _notice("This link was used", "It connected a bank already.", 410)
    if link_token.is_invalidated:
        return _notice("This link is no longer valid", "The sign-in failed too often.", 410)
    return _notice("This link has expired", "Ask for a new one.", 410)


# Pages


def _page(link_token: LinkToken, stage: Stage, content: str) -> Response:
    name = _client_name(link_token)
    title = escape(f"{_TITLES[stage]} - {name}")
    return _html(title, content, 200, escape(link_token.request.language))


def _notice(title: str, text: str, status: int) -> Response:
    content = f'<h1 id="outcome">{escape(title)}</h1><p>{escape(text)}</p>'
    return _html(escape(title), content, status)


def _html(title: str, content: str, status: int, language: str = "en") -> Response:
    page = (
        f'<!DOCTYPE html><html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><meta name="robots" content="noindex">'
        f"<title>{title}</title><style>{_STYLE}</style></head><body><main>{content}</main>"
        "<p><small>Emulated Plaid Link. No real bank is asked.</small></p></body></html>"
    )
    return HTMLResponse(page, status, _HEADERS)


def _step(emulator: PlaidEmulator, link_token: LinkToken, session: LinkSession) -> str:
    """The form of the stage, with what went wrong, hidden fields and a way out."""
    inner = {
        Stage.BANK: _bank_form,
        Stage.LOGIN: _login_form,
        Stage.ACCOUNTS: _accounts_form,
        Stage.CONSENT: _consent_form,
    }[session.stage](emulator, link_token, session)
    action = f"{PATH}{link_token.hosted_id}"
    return (
        f"<h1>{_TITLES[session.stage]}</h1>{_alert(session)}"
        f'<form method="post" action="{action}">'
        f'<input type="hidden" name="session" value="{escape(session.session_id)}">'
        f'<input type="hidden" name="stage" value="{session.stage}">{inner}</form>'
        f'<form method="post" action="{action}">'
        f'<input type="hidden" name="session" value="{escape(session.session_id)}">'
        '<button id="cancel" name="action" value="cancel">Cancel</button></form>'
    )


def _alert(session: LinkSession) -> str:
    if session.error is None:
        return ""
    code = escape(str(session.error["error_code"]))
    text = session.error["display_message"] or session.error["error_message"]
    return f'<p id="error" role="alert" data-code="{code}">{escape(str(text))} <small>{code}</small></p>'


def _bank_form(emulator: PlaidEmulator, link_token: LinkToken, _session: LinkSession) -> str:
    buttons = "".join(
        f'<li><button name="institution_id" value="{escape(bank.institution_id)}"'
        f' id="bank-{escape(bank.institution_id)}">{escape(bank.name)}</button></li>'
        for bank in offered_banks(emulator, link_token)
    )
    name = escape(_client_name(link_token))
    return f"<p>{name} uses Plaid to read your accounts.</p><ul>{buttons}</ul>"


def _login_form(_emulator: PlaidEmulator, _token: LinkToken, session: LinkSession) -> str:
    return (
        f"<p>{_bank_name(session)}</p>"
        '<label for="username">User name</label>'
        '<input id="username" name="username" autocomplete="off" required autofocus>'
        '<label for="password">Password</label>'
        '<input id="password" name="password" type="password" autocomplete="off" required>'
        '<p><button id="sign-in">Sign in</button></p>'
    )


def _accounts_form(emulator: PlaidEmulator, link_token: LinkToken, session: LinkSession) -> str:
    item = link_token.request.item
    rows = []
    for n, ledger in enumerate(offered_accounts(emulator, link_token, session)):
        is_ticked = item is None or ledger.account_id in item.shared_ids
        rows.append(
            f'<label for="account-{n}"><input type="checkbox" id="account-{n}" name="account"'
            f' value="{escape(ledger.account_id)}"{" checked" if is_ticked else ""}>'
            f" {escape(_account_name(ledger.facts))}</label>"
        )
    return (
        f"<fieldset><legend>Accounts at {_bank_name(session)}</legend>{''.join(rows)}</fieldset>"
        '<p><button id="continue">Continue</button></p>'
    )


def _consent_form(emulator: PlaidEmulator, link_token: LinkToken, session: LinkSession) -> str:
    item = link_token.request.item
    shared = set(session.chosen_ids) or (item.shared_ids if item is not None else set())
    facts = [emulator.world.ledger(account_id).facts for account_id in sorted(shared)]
    names = "".join(f"<li>{escape(_account_name(one))}</li>" for one in facts)
    return (
        f"<p>{escape(_client_name(link_token))} wants to read balances and transactions of these accounts at"
        f' {_bank_name(session)}:</p><ul>{names}</ul><p><button id="allow">Allow</button></p>'
    )


def _end(emulator: PlaidEmulator, link_token: LinkToken, session: LinkSession) -> str:
    is_success = session.stage is Stage.SUCCESS
    said = f'<h1 id="outcome" data-status="{session.stage}">{_TITLES[session.stage]}</h1>'
    said += "<p>You may close this page.</p>" if is_success else _alert(session)
    if not is_success and link_token.is_open(emulator.clock.now()):
        said += f'<p><a id="again" href="{PATH}{link_token.hosted_id}">Start again</a></p>'
    uri = link_token.request.completion_redirect_uri
    if uri is not None:
        name = escape(_client_name(link_token))
        said += f'<p><a id="finish" href="{escape(uri)}">Go back to {name}</a></p>'
    return said


def _client_name(link_token: LinkToken) -> str:
    """The spec of the request: a longer name is not shown."""
    name = link_token.request.client_name
    return name if len(name) <= _NAME_CHARS_MAX else "This Application"


def _account_name(facts: AccountFacts) -> str:
    return facts.name if facts.mask is None else f"{facts.name} {facts.mask}"


def _bank_name(session: LinkSession) -> str:
    return "" if session.bank is None else escape(session.bank.name)
