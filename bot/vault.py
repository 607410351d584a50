"""What must be unreadable at rest: sealed with a key of the settings, and bound to whose it is and what.

AES-256-GCM. The first key seals, all of them open: a new key goes in front, `threadbook credentials reseal` seals
everything anew, the old key goes away. Why so: docs/decisions/0017-credentials-in-a-vault.md.
"""

import base64
import binascii
import hashlib
import secrets
from collections.abc import Sequence
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_SIZE = 32
#: What is sealed begins with its form and the mark of its key; then come the nonce and what GCM makes of the rest.
_FORM = b"\x01"
_MARK_SIZE, _NONCE_SIZE = 4, 12
_HEAD = len(_FORM) + _MARK_SIZE


class VaultError(Exception):
    """Something cannot be sealed or opened; its text is a sentence for whoever runs the system, without a secret."""


class NoKey(VaultError):
    """There is no key at all."""

    def __init__(self) -> None:
        super().__init__("VAULT_KEYS is not set: `threadbook credentials key` makes a key.")


class WrongKey(VaultError):
    """None of the keys is the one that sealed this."""

    def __init__(self, mark: str) -> None:
        super().__init__(f"The key that it was sealed with (mark {mark}) is not among VAULT_KEYS.")


class NotAsSealed(VaultError):
    """It was changed since, or was sealed for another business or another purpose."""

    def __init__(self) -> None:
        super().__init__("It is not what was sealed: the row was changed, or copied from another business.")


class BadKey(ValueError):
    """This is no key; the text says what one looks like, and nothing of what was given."""

    def __init__(self) -> None:
        super().__init__(f"must be keys of {KEY_SIZE} bytes in base64, comma-separated")


def make_key() -> str:
    """Return a new key, as `VAULT_KEYS` takes it."""
    return base64.urlsafe_b64encode(secrets.token_bytes(KEY_SIZE)).decode()


def read_keys(text: str) -> list[bytes]:
    """Return the keys of a comma-separated list, in its order; raises BadKey."""
    return [_read_key(part.strip()) for part in text.split(",") if part.strip()]


def _read_key(text: str) -> bytes:
    try:
        # Both alphabets of base64 are taken: `openssl rand -base64 32` writes the other one.
        key = base64.b64decode(text.replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError):
        raise BadKey from None
    if len(key) != KEY_SIZE:
        raise BadKey
    return key


class Vault:
    """Seals and opens by the keys it was given; holds no state, so that every process may have one."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._keys = [(_mark(key), AESGCM(key)) for key in keys]

    @classmethod
    def of(cls, text: str) -> "Vault":
        """Return the vault of the setting `VAULT_KEYS`; raises BadKey."""
        return cls(read_keys(text))

    @property
    def has_key(self) -> bool:
        """Whether anything can be sealed."""
        return bool(self._keys)

    def seal(self, plain: bytes, business_id: UUID, kind: str) -> bytes:
        """Return the bytes as only this vault opens them, for this business and kind; raises NoKey."""
        if not self._keys:
            raise NoKey
        mark, cipher = self._keys[0]
        nonce = secrets.token_bytes(_NONCE_SIZE)
        return _FORM + mark + nonce + cipher.encrypt(nonce, plain, _bound(mark, business_id, kind))

    def open(self, sealed: bytes, business_id: UUID, kind: str) -> bytes:
        """Return what was sealed for this business and kind; raises NoKey, WrongKey or NotAsSealed."""
        if not self._keys:
            raise NoKey
        mark, rest = sealed[len(_FORM) : _HEAD], sealed[_HEAD:]
        if sealed[: len(_FORM)] != _FORM or len(rest) <= _NONCE_SIZE:
            raise NotAsSealed
        ciphers = [cipher for known, cipher in self._keys if known == mark]
        if not ciphers:
            raise WrongKey(mark.hex())
        for cipher in ciphers:
            try:
                return cipher.decrypt(rest[:_NONCE_SIZE], rest[_NONCE_SIZE:], _bound(mark, business_id, kind))
            except InvalidTag:
                continue
        raise NotAsSealed

    def is_current(self, sealed: bytes) -> bool:
        """Whether the first key sealed this; if not, the key that did must stay until it is sealed anew."""
        return bool(self._keys) and sealed[:_HEAD] == _FORM + self._keys[0][0]


def _mark(key: bytes) -> bytes:
    """Return what a key is told by: four bytes of a digest, which say nothing of the key."""
    return hashlib.sha256(b"threadbook vault mark" + key).digest()[:_MARK_SIZE]


def _bound(mark: bytes, business_id: UUID, kind: str) -> bytes:
    """Return what must be the same on opening, though it stands nowhere in what is sealed."""
    return _FORM + mark + business_id.bytes + kind.encode()
