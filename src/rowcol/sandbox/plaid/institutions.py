"""Institutions and webhook verification keys: the endpoints without an Item."""

from __future__ import annotations

from typing import Final

from rowcol.sandbox.plaid.calls import Call
from rowcol.sandbox.plaid.catalog import Institution
from rowcol.sandbox.plaid.errors import PlaidError
from rowcol.sandbox.plaid.faults import Health
from rowcol.sandbox.plaid.shapes import Shape, institution_shape, institution_status_shape

_PRIMARY_COLOR: Final = "#1f1f1f"


def get_institution(call: Call) -> Shape:
    """A bank; with `include_status` its health, where the environment has any."""
    bank = call.emulator.institutions.get(call.body["institution_id"])
    if (
        bank is None or "US" not in call.body["country_codes"]
    ):  # the catalog knows American ones only
        raise PlaidError("INVALID_INSTITUTION")
    shape = institution_shape(bank)
    if call.options.get("include_optional_metadata"):
        shape |= {"logo": None, "primary_color": _PRIMARY_COLOR, "url": "https://plaid.com"}
    if call.options.get("include_status") and call.emulator.switches.institution_status:
        shape["status"] = _status(call, bank)
    return {"institution": shape}


def _status(call: Call, bank: Institution) -> Shape | None:
    faults = call.emulator.faults
    code = faults.outage_code(bank, call.now)
    default = Health.DELAYED if bank.is_degraded else Health.HEALTHY
    health = faults.health.get(bank.institution_id, default)
    if code is None and health is Health.UNKNOWN:
        return None
    is_delayed = health is Health.DELAYED
    shape = institution_status_shape(call.now, is_down=code is not None, is_delayed=is_delayed)
    if code is None and health is Health.TRANSACTIONS_UNKNOWN:
        shape["transactions_updates"] = None
    return shape


def get_verification_key(call: Call) -> Shape:
    """The public half of a webhook key."""
    key = call.emulator.keys.key(call.body["key_id"])
    if key is None:
        raise PlaidError("INVALID_WEBHOOK_VERIFICATION_KEY_ID")
    return {"key": key.jwk()}
