#!/usr/bin/env python3
"""Compare encodings, digests, JSON and seals of common/ with Python's own.

usage: check_common.py COMMON_DUMP [SEED]

Exit 77 when a Python module (nacl, for seals and sealed boxes) is missing and
all other comparisons were good.
"""
import base64
import hashlib
import hmac
import json
import random
import subprocess
import sys
import urllib.parse

try:
    import nacl.bindings
    import nacl.exceptions
    import nacl.public
except ImportError:
    nacl = None

ROUNDS = 300
# What is put into good JSON to spoil it.
PIECES = [b"{", b"}", b"[", b"]", b",", b":", b'"', b"\\", b"0", b"-", b".", b"e", b"1", b"'", b"\xff", b"\n",
          b"\\u00", b"NaN", b"null", b'"a":1,', b"\xc3", b" "]


class Batch:
    """Questions for the tool, asked in one go."""

    def __init__(self):
        self.lines = []
        self.checks = []

    def ask(self, operation, arguments, check):
        """check gets the answer as bytes, or None for "refused"; False is a failure."""
        self.lines.append(" ".join([operation] + [a.hex() or "-" for a in arguments]))
        self.checks.append(check)

    def run(self, tool):
        answer = subprocess.run([tool], input="\n".join(self.lines) + "\n", stdout=subprocess.PIPE,
                                check=True, universal_newlines=True)
        answers = answer.stdout.splitlines()
        assert len(answers) == len(self.lines), "%d answers to %d questions" % (len(answers), len(self.lines))
        failures = 0
        for line, text, check in zip(self.lines, answers, self.checks):
            value = None if text == "refused" else b"" if text == "-" else bytes.fromhex(text)
            if not check(value):
                failures += 1
                if failures <= 5:
                    print("%s\n  answer: %r" % (line[:600], value))
        return failures


def equals(expected):
    return lambda value: value == expected


def random_text(rng, size):
    return bytes(rng.choice(b"abcXYZ019-._~/%+ &=?#\x01\x7f\xc3\xa4\xff") for _ in range(size))


def ask_encodings(batch, rng):
    data = rng.randbytes(rng.randrange(70))
    text = random_text(rng, rng.randrange(40))
    encoded = base64.b64encode(data)
    batch.ask("base64", [data], equals(encoded))
    batch.ask("base64url", [data], equals(base64.urlsafe_b64encode(data).rstrip(b"=")))
    batch.ask("unbase64", [encoded], equals(data))
    batch.ask("percent", [text], equals(urllib.parse.quote(text, safe="").encode()))
    batch.ask("percent/", [text], equals(urllib.parse.quote(text, safe="/").encode()))
    batch.ask("unpercent", [text], equals(urllib.parse.unquote_to_bytes(text.replace(b"%00", b"%2500"))))
    batch.ask("unpercent", [urllib.parse.quote(text).encode()], equals(text))


def ask_damaged_base64(batch, rng):
    text = bytearray(base64.b64encode(rng.randbytes(rng.randrange(1, 30))))
    for _ in range(rng.randrange(1, 3)):
        last = len(bytes(text).rstrip(b"=")) - 1
        text[rng.choice([last, rng.randrange(len(text))])] = rng.choice(b"ABCxyz019+/==-_ \n!\xc3")
    text = bytes(text)
    try:
        expected = base64.b64decode(text, validate=True)
        if base64.b64encode(expected) != text:
            expected = None  # bits that no byte carries, or padding in the middle
    except ValueError:
        expected = None
    batch.ask("unbase64", [text], equals(expected))


def ask_digests(batch, rng):
    data = rng.randbytes(rng.choice([0, 1, 55, 56, 63, 64, 65, 200, 5000]))
    key = rng.randbytes(rng.choice([0, 1, 32, 63, 64, 65, 200, 4096, 4097]))
    batch.ask("sha256", [data], equals(hashlib.sha256(data).digest()))
    batch.ask("hmac", [key, data], equals(hmac.new(key, data, "sha256").digest()))


def derive(key, number, size):
    salt = number.to_bytes(16, "little")
    return hashlib.blake2b(key=key, salt=salt, person=b"mlopsd/1", digest_size=size).digest()


def ask_keys(batch, rng):
    key = rng.randbytes(32)
    data = rng.randbytes(rng.randrange(50))
    purpose = b"purpose/%d" % rng.randrange(9)
    mark = hashlib.blake2b(purpose + b"\0" + data, key=derive(key, 2, 32), digest_size=16).hexdigest()
    batch.ask("key_id", [key], equals(derive(key, 3, 16)[:8].hex().encode()))
    batch.ask("fingerprint", [key, purpose, data], equals(mark.encode()))


def ask_seals(batch, rng):
    key = rng.randbytes(32)
    place = b"secrets/%d/value" % rng.randrange(100)
    data = rng.randbytes(rng.randrange(100))
    sealing = derive(key, 1, 32)

    def opens(value):
        try:
            return nacl.bindings.crypto_aead_xchacha20poly1305_ietf_decrypt(value[24:], place, value[:24],
                                                                           sealing) == data
        except nacl.exceptions.CryptoError:
            return False

    nonce = rng.randbytes(24)
    sealed = nonce + nacl.bindings.crypto_aead_xchacha20poly1305_ietf_encrypt(data, place, nonce, sealing)
    batch.ask("seal", [key, place, data], opens)
    batch.ask("unseal", [key, place, sealed], equals(data))
    batch.ask("unseal", [key, place + b"x", sealed], equals(None))
    private = nacl.public.PrivateKey(rng.randbytes(32))
    batch.ask("box", [bytes(private.public_key), data],
              lambda value: nacl.public.SealedBox(private).decrypt(value) == data)


def random_json(rng, depth):
    kind = rng.randrange(10 if depth > 0 else 7)
    if kind == 0:
        return rng.choice([None, True, False])
    if kind <= 2:
        return rng.choice([0, -1, 7, 1 << 53, (1 << 63) - 1, -(1 << 63), (1 << 64) - 1,
                           rng.randrange(-10**9, 10**9)])
    if kind == 3:
        return rng.choice([0.1, 1.5, -2.25, 1e300, 5e-324, 1e-7, 123456789.125, rng.random(),
                           rng.uniform(-1e9, 1e9)])
    if kind <= 6:
        return "".join(rng.choice("ab/\\\"\n\t\x01\x1f\x7fäß日😀\u2028 {}[],:") for _ in range(rng.randrange(8)))
    if kind == 7:
        return [random_json(rng, depth - 1) for _ in range(rng.randrange(4))]
    return {"".join(rng.choice("abcÄ日😀\"\n/") for _ in range(rng.randrange(4))):
            random_json(rng, depth - 1) for _ in range(rng.randrange(5))}


class Refused(Exception):
    pass


def unique(pairs):
    if len(set(k for k, _ in pairs)) != len(pairs):
        raise Refused("duplicate key")
    return dict(pairs)


def refuse_constant(name):
    raise Refused(name)


def checked_int(text):
    number = int(text)
    if not -(1 << 63) <= number < 1 << 64:
        raise Refused("beyond 64 bits")
    return number


def checked_float(text):
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise Refused("not finite")
    return number


def strings_of(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from strings_of(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from strings_of(item)


def read_by_python(data):
    """The value under our rules, or Refused."""
    try:
        value = json.loads(data.decode("utf-8"), object_pairs_hook=unique, parse_constant=refuse_constant,
                           parse_int=checked_int, parse_float=checked_float)
    except (ValueError, RecursionError) as error:
        raise Refused(str(error))
    for text in strings_of(value):
        if "\0" in text or any(0xd800 <= ord(c) <= 0xdfff for c in text):
            raise Refused("NUL or half of a pair")
    return value


def canonical_alike(expected):
    """Same value with 1 == 1.0 but not == True; same bytes where no float is in it."""
    def check(value):
        if value is None:
            return False
        text = value.decode("utf-8")
        if json.loads(text) != expected:
            return False
        plain = json.dumps(expected, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return "." in plain or "e" in plain or text == plain
    return check


def ask_json(batch, rng):
    value = random_json(rng, 4)
    text = json.dumps(value, ensure_ascii=rng.random() < 0.5, indent=rng.choice([None, None, 1]))
    data = text.encode("utf-8")
    batch.ask("json", [data], canonical_alike(value))
    damaged = bytearray(data)
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(damaged) + 1)
        what = rng.randrange(3)
        if what == 0:
            damaged[at:at] = rng.choice(PIECES)
        elif what == 1:
            del damaged[at:at + rng.randrange(1, 3)]
        else:
            damaged[at:at] = damaged[at:at + rng.randrange(1, 6)]
    damaged = bytes(damaged)
    try:
        batch.ask("json", [damaged], canonical_alike(read_by_python(damaged)))
    except (Refused, UnicodeDecodeError):
        batch.ask("json", [damaged], equals(None))


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(1 << 32)
    print("seed %d" % seed)
    rng = random.Random(seed)
    batch = Batch()
    for _ in range(ROUNDS):
        ask_encodings(batch, rng)
        ask_damaged_base64(batch, rng)
        ask_digests(batch, rng)
        ask_keys(batch, rng)
        for _ in range(5):
            ask_json(batch, rng)
        if nacl:
            ask_seals(batch, rng)
    failures = batch.run(sys.argv[1])
    print("%d comparisons" % len(batch.lines))
    if failures:
        sys.exit("%d failed (seed %d)" % (failures, seed))
    if not nacl:
        print("SKIP: PyNaCl is missing, seals were not compared")
        sys.exit(77)


if __name__ == "__main__":
    main()
