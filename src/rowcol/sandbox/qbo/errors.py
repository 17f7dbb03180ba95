"""Errors: the faults of the API, their texts, and the three envelopes they come in."""

from __future__ import annotations

from typing import Any, Final
from xml.sax.saxutils import escape

FORBIDDEN: Final = 403
VALIDATION: Final = "ValidationFault"
TEXTS: Final[dict[str, tuple[str, str]]] = {
    "120": ("Authorization Failure", "Authorization Failure : {0}"),
    "500": ("Unsupported Operation", "Operation {0} is not supported."),
    "600": ("Duplicate Request Id", "The request id was used before with another content : {0}"),
    "610": (
        "Object Not Found",
        "Object Not Found : Something you're trying to use has been made inactive. Check the fields with accounts, customers, items, vendors or employees.",
    ),
    "1040": ("Batch too big", "The batch holds {0} items, more than the maximum of 30."),
    "2010": ("Request has invalid or unsupported property", "Property Name:{0} is unsupported"),
    "2020": (
        "Required param missing, need to supply the required value for the API",
        "Required parameter {0} is missing in the request",
    ),
    "2030": ("Invalid ID", "Id should be a valid number. Supplied value:{0}"),
    "2050": ("String length is either shorter or longer than supported", "{0} is too long"),
    "2170": ("Invalid Enumeration", "Invalid Enumeration : {0}"),
    "2410": (
        "Curreny, ExchangeRate is missing.",
        "The currency and exchange rate are required for transaction in foreign currency.",
    ),
    "2500": ("Invalid Reference Id", "Invalid Reference Id : {0} element id not found"),
    "3201": ("message=AuthorizationFailed; errorCode=003201; statusCode={1}", ""),
    "4000": ("Error parsing query", "QueryParserError: {0}"),
    "4001": ("Invalid query", "QueryValidationError: {0}"),
    "5010": (
        "Stale Object Error",
        "Stale Object Error : You and somebody else were working on this at the same time. They finished before you did, so your work was not saved.",
    ),
    "6000": ("A business validation error has occurred", "Business Validation Error: {0}"),
    "6070": ("Amount mismatch", "The amounts do not add up : {0}"),
    "6140": (
        "Duplicate Document Number Error",
        "Duplicate Document Number Error : You must specify a different number. DocNumber={0}",
    ),
    "6190": ("Invalid Company Status", "Subscription period has ended or canceled : {0}"),
    "6210": ("Account Period Closed", "The account period has closed : {0}"),
    "6240": ("Duplicate Name Exists Error", "The name supplied already exists. : null"),
    "6540": ("Deposited Transaction", "The transaction was deposited and cannot be changed : {0}"),
}
_BARE: Final = frozenset({"120", "500", "3201", "4000", "4001", "6240", "10000"})
"""Recorded or documented without `element`; all others have one, if only an empty one."""
_AUTH_NAMES: Final = {
    "3100": "ApplicationAuthorizationFailed",
    "3200": "AuthenticationFailed",
    "3201": "AuthorizationFailed",
}
"""Code -> its name in the lower-case envelope."""


class QboError(Exception):
    """A refusal of the API: what the client did, or how the company is."""

    def __init__(
        self,
        code: str,
        about: str = "",
        *,
        status: int = 400,
        element: str | None = None,
        fault_type: str = VALIDATION,
    ) -> None:
        message, detail = TEXTS.get(code, ("Error", "{0}"))
        self.code = code
        self.status = status
        self.message = message.format(about, status)
        self.detail = detail.format(about)
        self.element = "" if element is None and code not in _BARE else element
        self.fault_type = fault_type
        super().__init__(f"{code} {self.detail}")

    def fault(self) -> dict[str, Any]:
        """The inside of the envelope, also of an item in a batch."""
        return fault(self.code, self.message, self.detail, self.fault_type, self.element)


def fault(
    code: str, message: str, detail: str, fault_type: str, element: str | None = None
) -> dict[str, Any]:
    error = {"Message": message, "Detail": detail, "code": code}
    if element is not None:
        error["element"] = element
    return {"Error": [error], "type": fault_type}


def throttle_texts(status: int) -> tuple[str, str]:
    """Message and detail of code 3001."""
    message = f"message=ThrottleExceeded; errorCode=003001; statusCode={status}"
    return message, "The request limit was reached.  Try again later"


def throttle_json(status: int) -> dict[str, Any]:
    """The upper-case envelope without its time."""
    return fault("3001", *throttle_texts(status), "SERVICE")


def throttle_xml(status: int, time: str) -> bytes:
    """What comes in spite of `Accept: application/json`."""
    message, detail = throttle_texts(status)
    return (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
        f'<IntuitResponse time="{time}" xmlns="http://schema.intuit.com/finance/v3"><Fault type="SERVICE">'
        f'<Error code="3001"><Message>{escape(message)}</Message><Detail>{escape(detail)}</Detail></Error>'
        "</Fault></IntuitResponse>"
    ).encode()


def auth_fault(code: str, status: int, time_ms: int, detail: str | None = None) -> dict[str, Any]:
    """The lower-case envelope that only authentication uses."""
    message = f"message={_AUTH_NAMES[code]}; errorCode={code:0>6}; statusCode={status}"
    error = {"message": message, "detail": detail, "code": code, "element": None}
    refused = "SERVICE" if status == FORBIDDEN else "AUTHORIZATION"
    return {
        "warnings": None,
        "intuitObject": None,
        "fault": {"error": [error], "type": "AUTHENTICATION" if code == "3200" else refused},
        "report": None,
        "queryResponse": None,
        "batchItemResponse": [],
        "attachableResponse": [],
        "syncErrorResponse": None,
        "requestId": None,
        "time": time_ms,
        "status": None,
        "cdcresponse": [],
    }
