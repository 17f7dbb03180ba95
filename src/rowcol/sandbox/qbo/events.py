"""Events: what a webhook says of a change, in the CloudEvents and in the legacy spelling. The body carries no values."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from rowcol.sandbox.qbo.switches import Switches
from rowcol.sandbox.qbo.values import encode

SOURCE: Final = "intuit.dsnBgbseACLLRZNxo2dfc4evmEJdxde58xeeYcZliOU="
_PAST: Final = {
    "create": "created",
    "update": "updated",
    "delete": "deleted",
    "merge": "merged",
}


@dataclass(frozen=True, slots=True)
class Event:
    """One change of one row in one company."""

    event_id: str
    realm_id: str
    entity: str
    row_id: str
    operation: str
    at: datetime
    deleted_id: str | None = None


def body_of(events: Sequence[Event], switches: Switches) -> bytes:
    if switches.webhook_format == "legacy":
        return encode(_legacy(events))
    return encode([_cloud_event(event, switches) for event in events])


def _cloud_event(event: Event, switches: Switches) -> dict[str, Any]:
    operation = _PAST.get(event.operation, switches.void_suffix)
    at = event.at.astimezone(UTC)
    return {
        "specversion": "1.0",
        "id": event.event_id,
        "source": SOURCE,
        "type": f"qbo.{event.entity.lower()}.{operation}.v1",
        "datacontenttype": "application/json",
        "time": f"{at:%Y-%m-%dT%H:%M:%S.%f}000Z",
        "intuitentityid": event.row_id,
        "intuitaccountid": event.realm_id,
        "data": {} if event.deleted_id is None else {"deletedid": event.deleted_id},
    }


def _legacy(events: Sequence[Event]) -> dict[str, Any]:
    by_realm: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for event in events:
        at = event.at.astimezone(UTC)
        entity: dict[str, Any] = {
            "name": event.entity,
            "id": event.row_id,
            "operation": event.operation.capitalize(),
            "lastUpdated": f"{at.isoformat(timespec='milliseconds').removesuffix('+00:00')}Z",
        }
        if event.deleted_id is not None:
            entity["deletedId"] = event.deleted_id
        by_realm[event.realm_id].append(entity)
    return {
        "eventNotifications": [
            {"realmId": realm_id, "dataChangeEvent": {"entities": entities}}
            for realm_id, entities in by_realm.items()
        ]
    }
