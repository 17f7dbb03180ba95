"""Errors: the three envelopes."""

from __future__ import annotations

from rowcol.sandbox.qbo.errors import QboError, auth_fault, throttle_json, throttle_xml


def test_the_upper_case_envelope() -> None:
    fault = QboError("2500", "VendorRef", element="VendorRef").fault()
    assert fault["type"] == "ValidationFault"
    assert fault["Error"][0]["code"] == "2500"
    assert "VendorRef" in fault["Error"][0]["Detail"]


def test_the_lower_case_envelope() -> None:
    error = auth_fault("3200", 401, 1)["fault"]["error"][0]
    assert error["message"] == "message=AuthenticationFailed; errorCode=003200; statusCode=401"


def test_a_refusal_that_tells_its_own_status() -> None:
    error = QboError("3201", status=400, fault_type="AUTHORIZATION").fault()["Error"][0]
    assert error["Message"] == "message=AuthorizationFailed; errorCode=003201; statusCode=400"
    assert "element" not in error


def test_throttles() -> None:
    message = throttle_json(429)["Error"][0]["Message"]
    assert message == "message=ThrottleExceeded; errorCode=003001; statusCode=429"
    assert b"statusCode=403" in throttle_xml(403, "now")
