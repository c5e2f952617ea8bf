"""Answers with secrets, as the database has them."""

from engine.server.seal import seal, unseal


def test_only_both_keys_open_what_was_sealed() -> None:
    sealed = seal(b"lsk_secret", "lsk_own", "a")
    assert unseal(sealed, "lsk_own", "a") == b"lsk_secret"
    assert unseal(sealed, "lsk_other", "a") is None
    assert unseal(sealed, "lsk_own", "b") is None


def test_what_was_changed_or_cut_is_not_opened() -> None:
    sealed = seal(b"lsk_secret", "lsk_own", "a")
    for place in range(len(sealed)):
        changed = bytearray(sealed)
        changed[place] ^= 1
        assert unseal(bytes(changed), "lsk_own", "a") is None
    assert unseal(sealed[:-1], "lsk_own", "a") is None


def test_the_same_answer_looks_different_each_time() -> None:
    assert seal(b"lsk_secret", "lsk_own", "a") != seal(b"lsk_secret", "lsk_own", "a")
    assert b"lsk_secret" not in seal(b"lsk_secret", "lsk_own", "a")
