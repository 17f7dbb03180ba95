"""A company: a realm id of 19 digits as text, and a clock in its own zone."""

from __future__ import annotations

from tests.sandbox.qbo.rig import Rig


def test_a_realm_id_is_19_digits_of_text(rig: Rig) -> None:
    assert len(rig.realm) == 19
    assert rig.realm.isdigit()
    other = rig.emulator.add_company("Other", "4620816365", "America/Los_Angeles")
    assert other.realm_id == "4620816365"
    assert other.clock.time().endswith("-08:00")


def test_a_company_says_its_name(rig: Rig) -> None:
    assert rig.books.get("CompanyInfo", "1")["CompanyName"] == rig.company.name
