"""Facts: what the rails told us. Observations are always accepted, coverages only under the fence.

An observation is appended once; `latest` keeps the newest per account: a later `true_at` wins, of
equal ones the later `received_at`, and an older one never overwrites, in whatever order they come. One that lies after
now loses to any.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Insert

from rowcol.adapters.sql.codec import Columns, dumps, us
from rowcol.adapters.sql.prepared import prepared
from rowcol.adapters.sql.tables import Tables
from rowcol.adapters.sql.tx import Tx, insert_new, upsert
from rowcol.core.evidence import Coverage, Observation, Source
from rowcol.core.ids import FirmId

ANY, LIVE = "ANY", "LIVE"


def observe(tx: Tx, firm: FirmId, connection: str, seen: Sequence[Observation]) -> None:
    """Append observations and move `latest`."""
    if not seen:
        return
    columns = [_observation_columns(firm, connection, o) for o in seen]
    tx.run(_add_observation(tx.t), columns)
    slots: dict[tuple[str, str], Columns] = {}
    for values in columns:
        for slot in (ANY, LIVE) if values["source"] == Source.LIVE else (ANY,):
            place = (values["remote_account"], slot)
            known = slots.get(place)
            if known is None or _when(values) >= _when(known):
                slots[place] = {**values, "slot": slot}
    late_us = tx.late_us()
    tx.run(_move_latest(tx.t), [{**values, "late_us": late_us} for values in slots.values()])


def cover(tx: Tx, firm: FirmId, connection: str, coverages: Sequence[Coverage]) -> None:
    """Keep the newest coverage of each scope and source."""
    if coverages:
        late_us = tx.late_us()
        tx.run(
            _move_coverage(tx.t),
            [
                {
                    "firm": firm,
                    "connection": connection,
                    "scope": coverage.scope,
                    "source": coverage.source,
                    "complete_as_of_us": us(coverage.complete_as_of),
                    "late_us": late_us,
                }
                for coverage in coverages
            ],
        )


def _when(values: Columns) -> tuple[int, int]:
    return values["true_at_us"], values["received_at_us"]


def _observation_columns(firm: FirmId, connection: str, seen: Observation) -> Columns:
    return {
        "firm": firm,
        "connection": connection,
        "remote_account": seen.remote_account,
        "true_at_us": us(seen.true_at),
        "received_at_us": us(seen.received_at),
        "source": seen.source.value,
        "balance": dumps(seen.balance),
        "call": seen.call,
    }


@prepared
def _add_observation(t: Tables) -> Insert:
    return insert_new(t, t.observations)


@prepared
def _move_latest(t: Tables) -> Insert:
    return upsert(t, t.latest, newer=("true_at_us", "received_at_us"))


@prepared
def _move_coverage(t: Tables) -> Insert:
    return upsert(t, t.coverages, newer=("complete_as_of_us",))
