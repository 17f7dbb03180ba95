"""Store contract: what every `FullStore` does. An implementation's test is this class with a `store` fixture."""

from __future__ import annotations

from tests.contracts.store_calls import CallContract
from tests.contracts.store_commit import CommitContract
from tests.contracts.store_inbox import InboxContract
from tests.contracts.store_people import PeopleContract, TenantContract
from tests.contracts.store_subjects import SubjectContract


class StoreContract(
    InboxContract, SubjectContract, CommitContract, CallContract, PeopleContract, TenantContract
):
    """Everything. Fixtures wanted: `store`, and `store_run` to run a coroutine function on a fresh store."""
