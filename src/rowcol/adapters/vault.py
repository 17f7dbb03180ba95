"""Vault: secrets at rest, sealed with Fernet. The first key seals, every key opens, so keys can be rotated."""

from __future__ import annotations

from base64 import urlsafe_b64decode
from collections.abc import Sequence
from datetime import UTC, datetime

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from rowcol.core.refusal import Misconfigured, Unreadable
from rowcol.core.secret import Secret


class FernetVault:
    """Seals with the first key; opens with any."""

    def __init__(self, keys: Sequence[str]) -> None:
        try:
            self._fernet = MultiFernet([Fernet(key) for key in keys])
        except ValueError:
            keys = ()  # no traceback shows them, nor the error that names one
            raise Misconfigured(
                "a secret key is not a Fernet key (32 bytes, URL-safe base64)",
                "set ROWCOL_SECRET_KEYS, or the key file that `rowcol init` wrote",
            ) from None

    def seal(self, plain: str) -> bytes:
        """Encrypt and sign."""
        return self._fernet.encrypt(plain.encode())

    def open(self, sealed: bytes) -> Secret:
        """Decrypt. Raise `Unreadable` when no configured key opens it."""
        try:
            return Secret(self._fernet.decrypt(sealed).decode())
        except InvalidToken as error:
            raise Unreadable(
                "a stored secret was sealed with a key that is not configured: see `rowcol doctor`",
                "add the old key after the new one in ROWCOL_SECRET_KEYS or the key file",
            ) from error


def sealed_at(sealed: bytes) -> datetime | None:
    """When a token was sealed: it says so in the clear, unproven. None where it is none of ours."""
    try:
        return datetime.fromtimestamp(int.from_bytes(urlsafe_b64decode(sealed)[1:9], "big"), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def new_key() -> str:
    """A fresh Fernet key."""
    return Fernet.generate_key().decode()
