"""A company: one realm with its clock and its books."""

from __future__ import annotations

from collections.abc import Callable

from rowcol.sandbox.qbo import chart
from rowcol.sandbox.qbo.books import Books, Edit
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
    ) -> None:
        self.realm_id = realm_id
        self.name = name
        self.clock = clock
        self.books = Books(clock, switches, lambda edit: announce(realm_id, edit))
        for entity, row_id, body in chart.first_rows(name, clock.time_zone, clock.today()):
            self.books.create(entity, body, row_id=row_id)
