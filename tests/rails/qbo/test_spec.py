"""Spec: what is metered, what is a write, and that every event hints at something that is mirrored."""

from __future__ import annotations

import pytest

from rowcol.core.quota import QuotaScope
from rowcol.core.rail import Role
from rowcol.rails.qbo.facts import BOOKS
from rowcol.rails.qbo.spec import (
    ANNOUNCED,
    ENDPOINTS,
    ENTITIES,
    EVENTS,
    MERGED,
    NAME_LISTS,
    SPEC,
)


def test_reads_are_metered_and_writes_are_not() -> None:
    for name, endpoint in ENDPOINTS.items():
        assert endpoint.name == name
        assert endpoint.is_metered == (not endpoint.is_write and not endpoint.host)
        assert endpoint.tariff is None
        assert (endpoint.timeout_s >= 30) == (name != "discovery")
        assert bool(endpoint.quotas) == (not endpoint.host)
    assert {n for n, e in ENDPOINTS.items() if e.is_write} == {
        *("entity.create", "entity.update", "entity.delete", "entity.void")
    }
    assert not ENDPOINTS["cdc"].is_callable, "its answer moves the cursor"


@pytest.mark.parametrize("name", sorted(n for n, e in ENDPOINTS.items() if not e.host))
def test_all_endpoints_share_one_limit_a_company(name: str) -> None:
    for rules in ENDPOINTS[name].quotas.values():
        assert [(r.scope, r.limit, r.period_s, r.shared) for r in rules] == [
            (QuotaScope.COMPANY, 500, 60, "company"),
            (QuotaScope.COMPANY, 10, 1, "company"),
            (QuotaScope.APP, 500, 60, "portfolio"),
        ]


def test_events_hint_at_what_is_mirrored() -> None:
    streams = {signal.stream for signals in EVENTS.values() for signal in signals}
    merges = {f"{name}{MERGED}" for name in NAME_LISTS}
    assert streams == ANNOUNCED | merges | {BOOKS}
    assert set(ENTITIES) > ANNOUNCED
    assert all(len(signals) == 1 for signals in EVENTS.values())


def test_it_is_a_lazy_rail_of_books_with_a_pool() -> None:
    assert (SPEC.role, SPEC.is_lazy, SPEC.live, SPEC.prices) == (Role.BOOKS, True, "", ())
    assert SPEC.pool is not None
    assert SPEC.pool.limit == 500_000
    assert set(SPEC.hosts) >= {e.host for e in ENDPOINTS.values() if e.host}
    assert all(set(h) == set(SPEC.base_urls) for h in SPEC.hosts.values())
    assert len(ENTITIES) == len(set(ENTITIES)) == 16
