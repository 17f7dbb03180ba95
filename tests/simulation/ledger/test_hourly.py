"""Hourly: seven calls a company and hour, each of them counted by the emulator."""

from __future__ import annotations

from rowcol.simulation.ledger.figures import figures_of
from rowcol.simulation.ledger.hourly import hourly
from rowcol.simulation.ledger.play import planned


async def test_seven_calls_an_hour() -> None:
    shares: list[float] = []
    events, counts = await hourly(planned(1, 2, 1), shares.append)
    figures = figures_of(events)
    assert figures.metered_calls_per_company_day == 168
    assert figures.metered_calls == 2 * 7 * 168 == counts["n_requests"]
    assert figures.peak_per_minute_per_company == 7
    assert {request.status for request in events.requests} == {200}
    assert shares == sorted(shares)
