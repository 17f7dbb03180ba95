"""Refusal: errors that people meet. Each leaf says what to do next; none carries a secret or a rail's raw text.

Refusal (has `.message`, `.what_to_do`, `.code`)                                                     exit 4
|- BadInput        the request itself is wrong                      HTTP 422                        exit 2
|- NotFound        no such thing for this firm                      HTTP 404                        exit 2
|- Forbidden       this token may not                               HTTP 403                        exit 2
|- Unauthorized    no valid token                                   HTTP 401                        exit 2
|- Conflict        it is there already, or moved meanwhile          HTTP 409                        exit 4
|- Busy            a queue is full, or the store is locked          HTTP 503 + Retry-After          exit 4
|- Misconfigured   a setting or the schema is wrong                 HTTP 500                        exit 2
|- RailRefused     the rail said no                                 HTTP 502                        exit 4
|- NotYet          our own limit opens later; nothing was sent      HTTP 429 + Retry-After          exit 4
`- Unreadable      stored bytes that no key opens                   HTTP 500                        exit 2

What each exit code means to a script is in `cli/face.py`; a narrower refusal ends as the one that it is a kind of.
"""

from __future__ import annotations


class Refusal(Exception):
    """Something expected that cannot be done, said for a person."""

    code = "refused"
    status = 400

    def __init__(self, message: str, what_to_do: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.what_to_do = what_to_do


class BadInput(Refusal):
    """The request itself is wrong."""

    code = "bad_input"
    status = 422


class NotFound(Refusal):
    """No such thing for this firm."""

    code = "not_found"
    status = 404


class Forbidden(Refusal):
    """This token may not."""

    code = "forbidden"
    status = 403


class Unauthorized(Refusal):
    """No valid token."""

    code = "unauthorized"
    status = 401


class Conflict(Refusal):
    """It is there already, or it moved meanwhile."""

    code = "conflict"
    status = 409


class Busy(Refusal):
    """A queue is full, the store is locked, or somebody else works on the login: ask again.

    What was to be stored was not, or its commit was not heard of. What was asked of a rail may have been done before that: the call log says.
    """

    code = "busy"
    status = 503

    def __init__(self, message: str, what_to_do: str = "", retry_after_s: int = 1) -> None:
        super().__init__(message, what_to_do)
        self.retry_after_s = retry_after_s


class NotYet(Refusal):
    """Our own limit says later; the rail was not asked."""

    code = "not_yet"
    status = 429

    def __init__(self, message: str, what_to_do: str = "", retry_after_s: int = 1) -> None:
        super().__init__(message, what_to_do)
        self.retry_after_s = retry_after_s


class Misconfigured(Refusal):
    """A setting or the database's schema is wrong."""

    code = "misconfigured"
    status = 500


class RailRefused(Refusal):
    """The rail said no."""

    code = "rail_refused"
    status = 502


class Unreadable(Refusal):
    """Stored bytes that none of the configured keys opens."""

    code = "unreadable"
    status = 500
