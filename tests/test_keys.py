"""Keys: addresses are checked, secrets stay out of sight, apps of one name at two rails are two apps."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from rowcol.keys import FIRST_RAIL, KEYS, QboKeys, address, app_id_of

PAIR = {"client_id": "c", "secret": "s"}


def test_apps_of_one_name_are_told_apart() -> None:
    ids = {app_id_of(rail, "main") for rail in (FIRST_RAIL, "second", "third")}
    assert ids == {"main", "second-main", "third-main"}


@pytest.mark.parametrize("rail", sorted(KEYS))
def test_secrets_are_not_shown(rail: str) -> None:
    keys = KEYS[rail].model_validate({"client_id": "c", "secret": "not-shown"})
    assert "not-shown" not in repr(keys) + str(keys)


@pytest.mark.parametrize("text", ["ftp://x", "https://", "host", "https://x?a=1", "https://x#a"])
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(ValueError, match=r"address|part"):
        address(text)


def test_a_trailing_slash_goes() -> None:
    assert address("https://x/y/") == "https://x/y"
    assert address("") == ""


def test_the_emulator_needs_its_address() -> None:
    with pytest.raises(ValidationError, match="emulator's address"):
        QboKeys.model_validate({**PAIR, "environment": "emulated"})


def test_the_worst_case_is_the_default() -> None:
    keys = QboKeys.model_validate(PAIR)
    assert (keys.cdc_metering, keys.monthly_calls) == ("entity", 500_000)
    with pytest.raises(ValidationError):
        QboKeys.model_validate({**PAIR, "cdc_metering": "free"})
