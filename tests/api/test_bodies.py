"""Bodies: what is misspelt, missing or too long is refused; an account's role may be in any case."""

import pytest
from pydantic import ValidationError

from rowcol.api.bodies import (
    DEPTH_MAX,
    MICROS_MAX,
    AccountRole,
    ApiCall,
    FirmSettings,
    NewBusiness,
    NewToken,
    Refresh,
    Switch,
)
from rowcol.core.cash import Role


def test_a_misspelt_member_is_refused() -> None:
    with pytest.raises(ValidationError):
        Refresh.model_validate({"forced": True})


@pytest.mark.parametrize("word", ["operating", "OPERATING", "Operating"])
def test_roles_in_any_case(word: str) -> None:
    assert AccountRole.model_validate({"role": word}).role is Role.OPERATING


def test_a_role_that_is_none_is_refused() -> None:
    for wrong in ("slush", 1, None):
        with pytest.raises(ValidationError):
            AccountRole.model_validate({"role": wrong})


def test_bounds() -> None:
    with pytest.raises(ValidationError):
        NewBusiness.model_validate({"name": "x" * 201})
    with pytest.raises(ValidationError):
        NewToken.model_validate({"role": "viewer", "label": ""})
    with pytest.raises(ValidationError):
        Switch.model_validate({"what": "rail:../x"})


def test_amounts_fit_the_database() -> None:
    price = {"rail": "r", "item": "i", "since": "2026-11-01", "source": "contract"}
    for wrong in (
        {"budget_micros_month": MICROS_MAX + 1},
        {"prices": [{**price, "micros": MICROS_MAX + 1}]},
    ):
        with pytest.raises(ValidationError):
            FirmSettings.model_validate(wrong)


def test_a_bottomless_call_is_refused() -> None:
    def nested(levels: int) -> dict[str, object]:
        return {"a": nested(levels - 1)} if levels else {}

    call = {"rail": "r", "endpoint": "e"}
    ApiCall.model_validate({**call, "data": nested(DEPTH_MAX - 1)})
    for wrong in (nested(DEPTH_MAX), {"a": [nested(DEPTH_MAX)]}):
        with pytest.raises(ValidationError, match="levels deep"):
            ApiCall.model_validate({**call, "data": wrong})
