"""Metrics: plain counters on the hot path, turned into the Prometheus format when they are asked for. Own registry."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import TypeVar

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from typing_extensions import override

from rowcol.core.change import Action
from rowcol.core.clock_back import is_after, is_kept
from rowcol.core.delivery import NoticeKind
from rowcol.core.ids import AppId
from rowcol.core.need import Purpose
from rowcol.core.pool import Peaks, Stage
from rowcol.core.refusal import Refusal
from rowcol.engine.inbox import Reception
from rowcol.services.plane import OpenPlane
from rowcol.services.pools import PoolRow, peaks, pools

OVERDUE_MAX = timedelta(minutes=5)
POOLS_KEPT = timedelta(seconds=10)
"""How long pools are shown as they were read: any number of scrapers cost one read an app in that time."""

Labels = TypeVar("Labels", bound=tuple[str, ...])

GAPS_KEPT, PEAKS_KEPT = timedelta(minutes=10), timedelta(minutes=5)


class Counts:
    """What this process's HTTP face counted."""

    def __init__(self) -> None:
        self.deliveries: Counter[tuple[str, str, str]] = Counter()
        """rail, app, reception"""
        self.answers: Counter[tuple[str, str]] = Counter()
        """purpose, action"""
        self._pools: tuple[PoolRow, ...] = ()
        self._pools_until: datetime | None = None
        self._peaks: dict[str, tuple[datetime, Mapping[AppId, Peaks]]] = {}
        self._counting = asyncio.Lock()
        self._gaps: Counter[str] = Counter()
        self._notices: Counter[tuple[str, str]] = Counter()
        self._gaps_until: datetime | None = None

    async def pools(self, plane: OpenPlane) -> tuple[PoolRow, ...]:
        """This month's pools, a few seconds old at most."""
        now = plane.clock.now()
        if self._pools_until is None or not is_kept(self._pools_until, now, POOLS_KEPT):
            self._pools = await pools(plane)
            self._pools_until = now + POOLS_KEPT
        return self._pools

    async def peaks(self, plane: OpenPlane, month: str) -> Mapping[AppId, Peaks]:
        """A month's peaks, minutes old at most: one reads them for all who ask, as it is a read of all calls."""
        async with self._counting:
            now = plane.clock.now()
            self._peaks = {
                m: kept for m, kept in self._peaks.items() if is_kept(kept[0], now, PEAKS_KEPT)
            }
            if month not in self._peaks:
                self._peaks[month] = now + PEAKS_KEPT, await peaks(plane, month)
            return self._peaks[month][1]

    async def of_logins(self, plane: OpenPlane) -> tuple[Counter[str], Counter[tuple[str, str]]]:
        """Webhook gaps of all logins by rail, and their notices by rail and kind, some minutes old at most: it reads
        every login."""
        now = plane.clock.now()
        if self._gaps_until is None or not is_kept(self._gaps_until, now, GAPS_KEPT):
            gaps: Counter[str] = Counter()
            notices: Counter[tuple[str, str]] = Counter()
            for firm in await plane.store.list_firms():
                for row in await plane.store.list_connections(firm.id):
                    gaps[row.rail] += row.state.webhook_gaps
                    notices.update((row.rail, notice.kind.value) for notice in row.notices(now))
            self._gaps, self._notices, self._gaps_until = gaps, notices, now + GAPS_KEPT
        return self._gaps, self._notices


async def overdue(plane: OpenPlane) -> timedelta:
    """How long the longest waiting work has been due."""
    due_at = await plane.store.next_due_at()
    return timedelta(0) if due_at is None else max(plane.clock.now() - due_at, timedelta(0))


async def clock_back(plane: OpenPlane) -> timedelta:
    """By how much the newest stamp of our own lies after now: a clock ran ahead, or this one is behind."""
    newest, now = await plane.store.newest_stamp(), plane.clock.now()
    return newest - now if newest is not None and is_after(newest, now) else timedelta(0)


async def exposition(plane: OpenPlane, counts: Counts) -> bytes:
    """Everything, in the text format."""
    registry = CollectorRegistry(auto_describe=False)
    late, back = await overdue(plane), await clock_back(plane)
    rows, logins = await counts.pools(plane), await counts.of_logins(plane)
    registry.register(_Snapshot(plane, counts, (late, back), rows, logins))
    registry.register(await _probed(plane))
    return generate_latest(registry)


async def _probed(plane: OpenPlane) -> Collector:
    try:
        return _Store(await plane.store.probe(), is_ok=True)
    except Refusal:
        return _Store(None, is_ok=False)


class _Store(Collector):
    """The database itself."""

    def __init__(self, free_bytes: int | None, *, is_ok: bool) -> None:
        self._is_ok = is_ok
        self._free_bytes = free_bytes

    @override
    def collect(self) -> Iterable[Metric]:
        yield GaugeMetricFamily(
            "rowcol_store_ok",
            "1 while the store takes what is written and no damaged page was met since the start.",
            value=float(self._is_ok),
        )
        if self._free_bytes is not None:
            yield GaugeMetricFamily(
                "rowcol_store_free_bytes", "Bytes left on its disk.", value=self._free_bytes
            )


class _Snapshot(Collector):
    """The numbers at one moment."""

    def __init__(
        self,
        plane: OpenPlane,
        counts: Counts,
        times: tuple[timedelta, timedelta],
        rows: tuple[PoolRow, ...],
        logins: tuple[Counter[str], Counter[tuple[str, str]]],
    ) -> None:
        self._plane = plane
        self._counts = counts
        self._overdue, self._clock_back = times
        self._rows = rows
        self._gaps, self._notices = logins

    @override
    def collect(self) -> Iterable[Metric]:
        gateway, apps = self._plane.gateway, self._plane.apps.values()
        used = {app.rail: self._plane.rails[app.rail].spec for app in apps}
        endpoints = [(r, n, each) for r, spec in used.items() for n, each in spec.endpoints.items()]
        yield _counter(
            "rowcol_deliveries",
            "Webhooks by what became of them.",
            ("rail", "app", "reception"),
            self._counts.deliveries,
            [(app.rail, app.id, each) for app in apps for each in Reception],
        )
        yield _counter(
            "rowcol_answers",
            "Answers over HTTP.",
            ("purpose", "action"),
            self._counts.answers,
            [(purpose.value, action.value) for purpose in Purpose for action in Action],
        )
        yield _counter(
            "rowcol_calls",
            "Calls that this process sent; outcome: the HTTP status, or why there was none.",
            ("rail", "endpoint", "outcome"),
            gateway.sent,
        )
        yield _counter(
            "rowcol_paid_micros",
            "Micro-dollars of the priced calls that this process sent, at the price book.",
            ("rail", "endpoint"),
            gateway.priced_micros,
            [(rail, name) for rail, name, each in endpoints if each.tariff is not None],
        )
        dropped = CounterMetricFamily(
            "rowcol_decisions_dropped", "Decision records that did not fit into the buffer."
        )
        dropped.add_metric((), self._plane.decisions.dropped)
        yield dropped
        gaps = GaugeMetricFamily(
            "rowcol_webhook_gaps",
            "Changes of the logins there are that a look found and no webhook had announced.",
            labels=("rail",),
        )
        for rail, count in sorted(self._gaps.items()):
            gaps.add_metric((rail,), count)
        yield gaps
        for name, text, value in self._gauges():
            yield GaugeMetricFamily(name, text, value=value)
        yield _notice_gauge(self._notices, used)
        yield from _pool_gauges(self._rows)

    def _gauges(self) -> Iterable[tuple[str, str, float]]:
        yield (
            "rowcol_runner_overdue_seconds",
            "How long the longest waiting work has been due.",
            self._overdue.total_seconds(),
        )
        yield (
            "rowcol_clock_back_seconds",
            "By how much the newest stamp of our own lies after now: a clock ran ahead, or this one is behind.",
            self._clock_back.total_seconds(),
        )
        yield (
            "rowcol_unstored_tokens",
            "New tokens that the store has not taken yet: they are in this process's memory only.",
            len(self._plane.renewer.unstored.subjects),
        )
        yield (
            "rowcol_locked_logins",
            "Logins that none of the secret keys opened when this process started.",
            self._plane.locked,
        )


def _notice_gauge(counts: Counter[tuple[str, str]], rails: Iterable[str]) -> Metric:
    made = GaugeMetricFamily(
        "rowcol_login_notices",
        "Logins of which the rail announced something that nobody answered yet.",
        labels=("rail", "kind"),
    )
    zeros = {(rail, kind.value): 0 for rail in rails for kind in NoticeKind}
    for key, count in sorted({**zeros, **counts}.items()):
        made.add_metric(key, count)
    return made


def _pool_gauges(rows: tuple[PoolRow, ...]) -> Iterable[Metric]:
    labels = ("rail", "app")
    used = GaugeMetricFamily(
        "rowcol_pool_used",
        "Metered calls of this month, those on their way included.",
        labels=labels,
    )
    limit = GaugeMetricFamily("rowcol_pool_limit", "What this month admits.", labels=labels)
    forecast = GaugeMetricFamily(
        "rowcol_pool_forecast", "Metered calls by the month's end at its mean rate.", labels=labels
    )
    stage = GaugeMetricFamily(
        "rowcol_pool_stage", "1 for the stage that the pool is in.", labels=(*labels, "stage")
    )
    for row in rows:
        key = (row.app.rail, row.app.id)
        used.add_metric(key, row.pool.used)
        limit.add_metric(key, row.pool.limit)
        if row.pace is not None:
            forecast.add_metric(key, row.pace.forecast)
            for one in Stage:
                stage.add_metric((*key, one.value), float(one is row.pace.stage))
    yield from (used, limit, forecast, stage)


def _counter(
    name: str,
    text: str,
    labels: tuple[str, ...],
    values: Mapping[Labels, int],
    known: Iterable[Labels] = (),
) -> Metric:
    """`known`: labels that are there from the start, with 0."""
    family = CounterMetricFamily(name, text, labels=labels)
    for key, value in sorted({**dict.fromkeys(known, 0), **values}.items()):
        family.add_metric(key, value)
    return family
