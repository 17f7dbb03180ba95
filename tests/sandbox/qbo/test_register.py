"""The register: names are shared by three lists, and free again when their row is gone."""

from __future__ import annotations

import pytest

from rowcol.sandbox.qbo.errors import QboError
from tests.sandbox.qbo.rig import Rig


def test_vendors_and_customers_share_names(rig: Rig) -> None:
    rig.vendor("Same")
    with pytest.raises(QboError, match="6240"):
        rig.customer("SAME")
    rig.books.create("Item", {"Name": "Same"})


def test_a_name_is_free_after_a_change(rig: Rig) -> None:
    vendor = rig.vendor("Old")
    rig.books.update("Vendor", vendor, {"DisplayName": "New"})
    rig.vendor("Old")
    with pytest.raises(QboError, match="6240"):
        rig.vendor("new")
