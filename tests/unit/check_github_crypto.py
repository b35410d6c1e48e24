#!/usr/bin/python3
"""Sealed boxes and App tokens as libraries of other people see them: what the
client seals must open with PyNaCl, what it signs must verify with `cryptography`.

usage: check_github_crypto.py [PATH-OF-github_probe]     exit 77: nothing to check with
"""
import base64
import json
import os
import subprocess
import sys

PROBE = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("GITHUB_PROBE", "./tests/unit/github_probe")
VALUES = ["", "a", "p\u00e4ssw\u00f6rd \u2713\nline 2\n", "x" * 48 * 1024, "{\"json\": true}"]


def probe(*arguments):
    return json.loads(subprocess.run([PROBE, *arguments], check=True, stdout=subprocess.PIPE).stdout)


def check_boxes(public):
    for value in VALUES:
        key = public.PrivateKey.generate()
        body = probe("seal", base64.b64encode(bytes(key.public_key)).decode(), value)
        box = base64.b64decode(body["encrypted_value"], validate=True)
        plain = value.encode()
        assert len(box) == len(plain) + 48, "length of the box"
        assert public.SealedBox(key).decrypt(box) == plain, "content of the box"
        assert set(body) == {"encrypted_value", "key_id"}, sorted(body)
    return f"{len(VALUES)} boxes opened"


def part(text):
    assert "=" not in text, "padding"
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def check_token(hashes, padding, serialization):
    made = probe("jwt")
    head, claims, signature = made["jwt"].split(".")
    key = serialization.load_pem_public_key(made["public_key"].encode())
    key.verify(part(signature), f"{head}.{claims}".encode(), padding.PKCS1v15(), hashes.SHA256())
    assert json.loads(part(head)) == {"alg": "RS256", "typ": "JWT"}, part(head)
    now = made["now"]
    expected = {"iat": now - 60, "exp": now + 540, "iss": "Iv1.probe"}
    assert json.loads(part(claims)) == expected, part(claims)
    return "token verified"


def main():
    done = []
    try:
        from nacl import public
        done.append(check_boxes(public))
    except ImportError:
        print("no PyNaCl: boxes not checked")
    try:
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import padding
        done.append(check_token(hashes, padding, serialization))
    except ImportError:
        print("no cryptography: tokens not checked")
    print("; ".join(done) or "nothing checked")
    return 0 if done else 77


if __name__ == "__main__":
    sys.exit(main())
