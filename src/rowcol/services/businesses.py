"""Businesses: found by name, id or the firm's own id for them, and added once however often they are."""

from __future__ import annotations

from rowcol.core.ids import BusinessId, FirmId
from rowcol.core.records import Business
from rowcol.core.refusal import BadInput, Conflict, NotFound
from rowcol.services.plane import OpenPlane

PAGE = 1000


async def find_or_add(
    plane: OpenPlane, firm: FirmId, name: str, external_id: str
) -> tuple[Business, bool]:
    """The firm's business with this `external_id`, added if there is none. True: it is new."""
    name, external_id = name.strip(), external_id.strip()
    if not name or not external_id:
        raise BadInput("a business needs a name", "say how your firm calls it")
    if "\0" in name + external_id:
        raise BadInput("a name cannot hold a NUL character", "leave it out")
    found = await _by_external_id(plane, firm, external_id)
    if found is not None:
        return found, False
    row = Business(BusinessId(plane.rng.new_id("biz")), firm, name, external_id, plane.clock.now())
    try:
        await plane.store.add_business(firm, row)
    except Conflict:
        found = await _by_external_id(plane, firm, external_id)
        if found is None:
            raise
        return found, False
    return row, True


async def find(plane: OpenPlane, firm: FirmId, word: str) -> Business:
    """By id, external id or name, in this order. Raise `NotFound`, or `BadInput` where the name fits several."""
    row = await plane.store.read_business(firm, BusinessId(word))
    if row is not None:
        return row
    rows = [r for r in await every(plane, firm) if word in (r.external_id, r.name)]
    rows = [r for r in rows if r.external_id == word] or rows
    if len(rows) > 1:
        ids = ", ".join(r.id for r in rows[:5])
        raise BadInput(f"{len(rows)} businesses are called {word!r}", f"give the id: {ids}")
    if not rows:
        raise NotFound(
            f"no business {word!r} in this firm", "list them with `rowcol business list`"
        )
    return rows[0]


async def every(plane: OpenPlane, firm: FirmId) -> tuple[Business, ...]:
    """All of them, page by page."""
    out: list[Business] = []
    while True:
        after = out[-1].id if out else ""
        page = await plane.store.list_businesses(firm, after=after, limit=PAGE)
        out += page
        if len(page) < PAGE:
            return tuple(out)


async def _by_external_id(plane: OpenPlane, firm: FirmId, external_id: str) -> Business | None:
    rows = (r for r in await every(plane, firm) if r.external_id == external_id)
    return next(rows, None)
