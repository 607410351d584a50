"""The vault: what is sealed opens with its key, for its business and its purpose, and in no other way."""

import base64
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.vault import BadKey, NoKey, NotAsSealed, Vault, WrongKey, make_key, read_keys

OURS, THEIRS = uuid4(), uuid4()
OLD, NEW = make_key(), make_key()


@given(st.binary(max_size=2000))
def test_what_is_sealed_opens_and_shows_nothing_of_itself(plain: bytes) -> None:
    vault = Vault.of(OLD)
    sealed = vault.seal(plain, OURS, "twilio")
    assert vault.open(sealed, OURS, "twilio") == plain
    assert len(plain) < 4 or plain not in sealed
    assert vault.seal(plain, OURS, "twilio") != sealed


@pytest.mark.parametrize(("business", "kind"), [(THEIRS, "twilio"), (OURS, "stripe")])
def test_what_was_sealed_for_another_is_refused(business: object, kind: str) -> None:
    vault = Vault.of(OLD)
    with pytest.raises(NotAsSealed):
        vault.open(vault.seal(b"secret", OURS, "twilio"), business, kind)  # type: ignore[arg-type]


def test_anything_changed_is_refused() -> None:
    vault = Vault.of(OLD)
    sealed = vault.seal(b"secret", OURS, "twilio")
    for place in range(len(sealed)):
        changed = bytearray(sealed)
        changed[place] ^= 1
        with pytest.raises((NotAsSealed, WrongKey)):
            vault.open(bytes(changed), OURS, "twilio")
    for size in range(len(sealed)):
        with pytest.raises((NotAsSealed, WrongKey)):
            vault.open(sealed[:size], OURS, "twilio")


def test_the_first_key_seals_and_all_open() -> None:
    old = Vault.of(OLD).seal(b"secret", OURS, "twilio")
    both = Vault.of(f"{NEW}, {OLD}")
    assert both.open(old, OURS, "twilio") == b"secret"
    assert not both.is_current(old)
    fresh = both.seal(b"secret", OURS, "twilio")
    assert both.is_current(fresh)
    assert Vault.of(NEW).open(fresh, OURS, "twilio") == b"secret"
    with pytest.raises(WrongKey) as refused:
        Vault.of(NEW).open(old, OURS, "twilio")
    assert OLD not in str(refused.value)
    assert NEW not in str(refused.value)


def test_without_a_key_nothing_is_sealed_or_opened() -> None:
    with pytest.raises(NoKey):
        Vault.of("").seal(b"secret", OURS, "twilio")
    with pytest.raises(NoKey):
        Vault.of(" , ").open(Vault.of(OLD).seal(b"secret", OURS, "twilio"), OURS, "twilio")
    assert not Vault.of("").has_key


def test_both_alphabets_of_base64_are_keys() -> None:
    key = bytes([255, 254]) * 16
    assert read_keys(base64.b64encode(key).decode()) == read_keys(base64.urlsafe_b64encode(key).decode()) == [key]


@pytest.mark.parametrize(
    "text",
    ["short", "k" * 44, "!" * 44, base64.b64encode(b"x" * 16).decode(), f"{OLD},x"],
    ids=["short", "letters", "signs", "half a key", "a key and none"],
)
def test_what_is_no_key_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(BadKey) as refused:
        read_keys(text)
    assert text not in str(refused.value)
