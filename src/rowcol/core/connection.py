"""Connection: one login at one rail, and what we know of its remote side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from rowcol.core.delivery import NOTICE, Notice, NoticeKind, heard, notice_of
from rowcol.core.evidence import Health
from rowcol.core.ids import AppId, BusinessId, ConnectionId, FirmId, RemoteId
from rowcol.core.outcome import RULES, Outcome, retry_at
from rowcol.core.stream import CURSOR_TRIES, RESTART_EVERY, StreamRefusal

PULLS_KEPT = 168
"""Past looks of the rail at the bank that are kept to learn its rhythm: four weeks at six a day, one at 24."""
ENDING = timedelta(days=30)
"""So long before a consent ends, whatever is done with it, somebody should give it anew."""


@dataclass(frozen=True, slots=True)
class ConnectionState:
    """What we know of the remote side; moved only by `reconcile`, under the lease's fence.

    `seen_until`: the rail's own last successful look at the bank. `balances_as_of`: the look that
    our balances come from. `looked_at`: when we last asked the rail for that time. `pulls`: past
    values of `seen_until`, oldest first. `dirty`: streams that something hinted at, with the
    reason. `delivered_at`: when a delivery last came. `cursor`: where the stream of changes was last published. `page`: where an unfinished
    paged read goes on. `stream_*`: the failures in a row of a paged stream and when it may be
     asked again; it keeps nothing else waiting. `stream_stuck`: why, once it failed so often that people should hear of it. `stream_refusal`: see `core/stream`. `paid_failed_at`: a paid call brought no value: not paid again for whoever
     asked before. `paid_is_unknown`: it may have been billed. `posted_*`: how many posted rows the stream brought, how many of them are dated on
    days when banks are closed, and the first date: what the closed-days proof rests on. `condemned_token`: the hash of the sealed token that the rail knows no more: nothing is called with it;
    another one that is stored lifts it. `notices`: what the rail announced, answered ones too. `facts`: the rail's own
    small facts, opaque here. `unconfirmed`: by entity how often rows that a whole listing did not show could not be
    asked for by id; 0 once it was published with them.
    """

    health: Health = Health.OK
    health_reason: str = ""
    health_since: datetime | None = None
    seen_until: datetime | None = None
    balances_as_of: datetime | None = None
    looked_at: datetime | None = None
    synced_until: datetime | None = None
    pulls: tuple[datetime, ...] = ()
    dirty: Mapping[str, str] = field(default_factory=dict)
    delivered_at: datetime | None = None
    cursor: str = ""
    page: str = ""
    failures: int = 0
    retry_at: datetime | None = None
    stream_failures: int = 0
    stream_retry_at: datetime | None = None
    stream_stuck: str = ""
    stream_refusal: StreamRefusal | None = None
    paid_failed_at: datetime | None = None
    paid_is_unknown: bool = False
    webhook_gaps: int = 0
    webhook_gap_at: datetime | None = None
    posted_count: int = 0
    posted_closed_days: int = 0
    first_posted_on: date | None = None
    condemned_token: str = ""
    notices: tuple[Notice, ...] = ()
    facts: Mapping[str, str | int | bool | None] = field(default_factory=dict)
    unconfirmed: Mapping[str, int] = field(default_factory=dict)

    def marked(self, stream: str, reason: str) -> ConnectionState:
        """The same with `stream` worth a look; the first reason is kept. A notice is kept among the notices."""
        if stream.startswith(NOTICE):
            new = notice_of(stream, reason, self.delivered_at)
            return replace(self, notices=heard(self.notices, new))
        return self if stream in self.dirty else replace(self, dirty={**self.dirty, stream: reason})

    def cleared(self, stream: str) -> ConnectionState:
        """The same with `stream` looked at."""
        rest = {name: reason for name, reason in self.dirty.items() if name != stream}
        return replace(self, dirty=rest)

    def answered(self, at: datetime, *kinds: NoticeKind) -> ConnectionState:
        """The same after notices of these kinds were answered."""
        notices = tuple(
            replace(n, over_at=at) if n.kind in kinds and n.over_at is None else n
            for n in self.notices
        )
        return replace(self, notices=notices)

    def seen(self, until: datetime, looked_at: datetime) -> ConnectionState:
        """The same after the rail told when it last saw the bank; that time never moves backwards."""
        if self.seen_until is not None and until <= self.seen_until:
            return replace(self, looked_at=looked_at)
        pulls = (*self.pulls, until)[-PULLS_KEPT:]
        return replace(self, seen_until=until, looked_at=looked_at, pulls=pulls)

    def with_health(self, health: Health, reason: str, now: datetime) -> ConnectionState:
        """The same with a health; since when only moves if it changed."""
        since = self.health_since if health is self.health else now
        return replace(self, health=health, health_reason=reason, health_since=since)

    def after(self, outcome: Outcome, detail: str, now: datetime) -> ConnectionState:
        """The same after a call that ended so, by the table in `core/outcome`."""
        if outcome in (Outcome.OK, Outcome.RESTART):
            return replace(self, failures=0, retry_at=None)
        health = RULES[outcome].health
        moved = self if health is None else self.with_health(health, detail, now)
        failures = self.failures + 1
        return replace(moved, failures=failures, retry_at=retry_at(outcome, failures, now))

    def paid_without_value(self, at: datetime, *, is_unknown: bool) -> ConnectionState:
        """The same after a paid call brought no value; `is_unknown`: it may have been billed."""
        return replace(self, paid_failed_at=at, paid_is_unknown=is_unknown)

    def payable(self) -> ConnectionState:
        """The same with nothing that speaks against paying again."""
        return replace(self, paid_failed_at=None, paid_is_unknown=False)

    def refused(self, code: str, at: datetime) -> ConnectionState:
        """The same after the rail refused to read on in the stream; the third time its cursor goes, at most once a day."""
        known = self.stream_refusal or StreamRefusal(code, 0, at)
        if known.over_at is not None:
            known = StreamRefusal(code, 0, at, restarted_at=known.restarted_at)
        known = replace(known, code=code, count=known.count + 1)
        state = replace(self, stream_refusal=known)
        lately = known.restarted_at is not None and at - known.restarted_at < RESTART_EVERY
        is_due = known.count >= CURSOR_TRIES and self.cursor != "" and not lately
        return state.restarted(code, at) if is_due else state

    def restarted(self, code: str, at: datetime) -> ConnectionState:
        """The same with the stream to be read from nothing: what was counted of it is counted anew."""
        return replace(
            self,
            cursor="",
            page="",
            stream_failures=0,
            stream_retry_at=None,
            stream_stuck="",
            stream_refusal=StreamRefusal(code, 0, at, restarted_at=at),
            posted_count=0,
            posted_closed_days=0,
            first_posted_on=None,
        )

    def followed(self, at: datetime) -> ConnectionState:
        """The same after the stream was read to its end."""
        known = self.stream_refusal
        if known is None or known.over_at is not None:
            return self
        over = None if known.restarted_at is None else replace(known, count=0, over_at=at)
        return replace(self, stream_refusal=over)

    @property
    def is_restarting(self) -> bool:
        """Whether the stream is being read from nothing in place of a cursor that was dropped."""
        known = self.stream_refusal
        return known is not None and known.restarted_at is not None and not self.cursor


@dataclass(frozen=True, slots=True)
class Connection:
    """A connection's row. `remote_id` is what the rail's deliveries name.

    `institution` and `name`: what the host said when it made the row, else "". The rail tells the
    bank with its first look: read `institution_id` and `label`.
    """

    id: ConnectionId
    firm: FirmId
    business: BusinessId
    rail: str
    app: AppId
    environment: str
    remote_id: RemoteId
    institution: str
    name: str
    created_at: datetime
    state: ConnectionState = field(default_factory=ConnectionState)
    is_paused: bool = False

    @property
    def institution_id(self) -> str:
        """The bank behind it, as the rail names it; "" before the first look."""
        return self.institution or str(self.state.facts.get("institution_id") or "")

    @property
    def label(self) -> str:
        """What people call it: its own name, the bank's as the rail told it, else our id."""
        return self.name or str(self.state.facts.get("institution_name") or "") or self.id

    @property
    def health(self) -> Health:
        """For people: a stream that is refused, or fails and fails, makes a login that is well otherwise a degraded one."""
        refusal, health = self.state.stream_refusal, self.state.health
        is_refused = refusal is not None and refusal.over_at is None
        is_degraded = is_refused or self._kept != "" or self.state.stream_stuck != ""
        return Health.DEGRADED if health is Health.OK and is_degraded else health

    def health_reason(self, now: datetime) -> str:
        """Why it is what it is."""
        is_degraded = self.health is Health.DEGRADED
        return self.refusal(now) if is_degraded else self.state.health_reason

    def refusal(self, now: datetime) -> str:
        """What is the matter with its changes, or was not long ago; "" for nothing."""
        known = self.state.stream_refusal
        is_refused = known is not None and known.over_at is None
        stuck = "" if is_refused else self.state.stream_stuck
        told = stuck or (
            "" if known is None else known.told(now, has_cursor=self.state.cursor != "")
        )
        return "; ".join(filter(None, (told, self._kept)))

    @property
    def _kept(self) -> str:
        kept = ", ".join(entity for entity, count in self.state.unconfirmed.items() if not count)
        why = "the rail refuses to tell by id what a whole listing did not show"
        return f"{why}: what was deleted of {kept} may still be shown" if kept else ""

    @property
    def consent_until(self) -> datetime | None:
        """When its consent ends for good, where the rail told."""
        said = self.state.facts.get("consent_until")
        return datetime.fromisoformat(said) if isinstance(said, str) and said else None

    def notices(self, now: datetime) -> tuple[Notice, ...]:
        """What is to be said of it ahead: what was announced and not answered, and a consent that ends within `ENDING`.

        A time that has passed is no announcement any more: then the health tells.
        """
        if self.state.health is Health.RETIRED:
            return ()
        found = {n.kind: n for n in self.state.notices if n.over_at is None}
        ends_at = self.consent_until
        if ends_at is not None and ends_at - now < ENDING:
            since = found.get(NoticeKind.CONSENT_ENDS, Notice(NoticeKind.CONSENT_ENDS, None)).since
            found[NoticeKind.CONSENT_ENDS] = Notice(NoticeKind.CONSENT_ENDS, since, ends_at)
        return tuple(n for _, n in sorted(found.items()) if n.until is None or n.until > now)
