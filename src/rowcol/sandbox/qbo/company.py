"""A company: one realm with its clock and its books."""

from __future__ import annotations

from collections.abc import Callable

from rowcol.sandbox.qbo import chart
from rowcol.sandbox.qbo.books import Books, Edit
from rowcol.sandbox.qbo.currency import CurrencySettings, home_of
from rowcol.sandbox.qbo.switches import Switches
from rowcol.sandbox.qbo.values import CompanyClock


class Company:
    """What a realm id stands for."""

    def __init__(
        self,
        realm_id: str,
        name: str,
        clock: CompanyClock,
        switches: Switches,
        announce: Callable[[str, Edit], None],
        country: str = "US",
    ) -> None:
        """Raise `ValueError` for a country whose currency is not known here."""
        currency = CurrencySettings(home_of(country))
        self.realm_id = realm_id
        self.name = name
        self.clock = clock
        self.books = Books(clock, switches, lambda edit: announce(realm_id, edit), currency)
        rows = chart.first_rows(name, clock.time_zone, clock.today(), country)
        for entity, row_id, body in rows:
            self.books.create(entity, body, row_id=row_id)
