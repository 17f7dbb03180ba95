"""Vault: secrets at rest, sealed with Fernet. The first key seals, every key opens, so keys can be rotated."""

from __future__ import annotations

from collections.abc import Sequence

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
                "a stored secret was sealed with a key that is not configured",
                "add the old key after the new one in ROWCOL_SECRET_KEYS or the key file",
            ) from error


def new_key() -> str:
    """A fresh Fernet key."""
    return Fernet.generate_key().decode()
