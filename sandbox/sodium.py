"""Sealed boxes (crypto_box_seal) by libsodium through ctypes, or by PyNaCl where only that is there.

GitHub receives secrets as sealed boxes; the sandbox opens them, the tools here make them.
"""
from __future__ import annotations

import ctypes
import ctypes.util
import functools

KEY_BYTES = 32
SEAL_BYTES = 48


class SodiumError(Exception):
    """The box does not open, or no library can be found."""


class _CtypesSodium:
    def __init__(self, library: ctypes.CDLL) -> None:
        self._library = library
        if library.sodium_init() < 0:
            raise SodiumError("sodium_init failed")

    def keypair(self) -> tuple[bytes, bytes]:
        public, secret = ctypes.create_string_buffer(KEY_BYTES), ctypes.create_string_buffer(KEY_BYTES)
        self._library.crypto_box_keypair(public, secret)
        return public.raw, secret.raw

    def seal(self, message: bytes, public: bytes) -> bytes:
        box = ctypes.create_string_buffer(len(message) + SEAL_BYTES)
        if self._library.crypto_box_seal(box, message, ctypes.c_ulonglong(len(message)), public) != 0:
            raise SodiumError("cannot seal")
        return box.raw

    def open(self, box: bytes, public: bytes, secret: bytes) -> bytes:
        if len(box) < SEAL_BYTES:
            raise SodiumError("box too short")
        message = ctypes.create_string_buffer(max(1, len(box) - SEAL_BYTES))
        if self._library.crypto_box_seal_open(message, box, ctypes.c_ulonglong(len(box)), public, secret) != 0:
            raise SodiumError("box does not open")
        return message.raw[:len(box) - SEAL_BYTES]


class _PyNaCl:
    def keypair(self) -> tuple[bytes, bytes]:
        from nacl.public import PrivateKey

        key = PrivateKey.generate()
        return bytes(key.public_key), bytes(key)

    def seal(self, message: bytes, public: bytes) -> bytes:
        from nacl.public import PublicKey, SealedBox

        return SealedBox(PublicKey(public)).encrypt(message)

    def open(self, box: bytes, public: bytes, secret: bytes) -> bytes:
        from nacl.exceptions import CryptoError
        from nacl.public import PrivateKey, SealedBox

        try:
            return SealedBox(PrivateKey(secret)).decrypt(box)
        except (CryptoError, ValueError, TypeError) as error:
            raise SodiumError(str(error)) from None


@functools.lru_cache(maxsize=None)
def _engine() -> "_CtypesSodium | _PyNaCl":
    for name in ("libsodium.so.23", "libsodium.so.26", ctypes.util.find_library("sodium")):
        try:
            if name:
                return _CtypesSodium(ctypes.CDLL(name))
        except OSError:
            continue
    try:
        import nacl.public  # noqa: F401
    except ImportError:
        raise SodiumError("neither libsodium.so.23 (Debian: libsodium23) nor PyNaCl found") from None
    return _PyNaCl()


def _need_key(*keys: bytes) -> None:
    if any(len(key) != KEY_BYTES for key in keys):
        raise SodiumError(f"a key has {KEY_BYTES} bytes")


def keypair() -> tuple[bytes, bytes]:
    """A new (public, secret) pair."""
    return _engine().keypair()


def seal(message: bytes, public: bytes) -> bytes:
    """Encrypt for the holder of the secret key; each call gives another box."""
    _need_key(public)
    return _engine().seal(message, public)


def open_box(box: bytes, public: bytes, secret: bytes) -> bytes:
    """Decrypt, or raise SodiumError."""
    _need_key(public, secret)
    return _engine().open(box, public, secret)


