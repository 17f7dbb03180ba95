"""Examples: one for each operation, none for what does not exist."""

from rowcol.api.examples import ANSWERS, REQUESTS
from rowcol.api.operations import ROLES
from rowcol.rails.registry import RAILS


def test_each_operation_has_an_answer() -> None:
    assert set(ANSWERS) == set(ROLES)


def test_requests_are_of_writes() -> None:
    assert set(REQUESTS) <= set(ROLES)
    assert not [key for key in REQUESTS if key.startswith(("GET", "DELETE"))]


def test_the_example_of_a_call_may_be_called() -> None:
    sent = REQUESTS["POST /v1/businesses/{business_id}/calls"]
    endpoint = RAILS[sent["rail"]].spec.endpoints[sent["endpoint"]]
    assert endpoint.is_callable
    assert sent.get("method") in (None, endpoint.method)
