#!/usr/bin/env python3
"""Compare our SigV4 signatures with botocore's over random requests.

usage: check_aws_signer.py TOOL [COUNT] [SEED]     (TOOL = the built aws_sign_tool)
Exit 0 when all agree, 1 when not, 77 when botocore is missing.
"""
import datetime
import json
import random
import subprocess
import sys
from unittest import mock

try:
    import botocore.auth
    from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth, SigV4QueryAuth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials
except ImportError:
    print("SKIP: no botocore")
    sys.exit(77)

WORDS = ["a", "b-c", "_x", "~t", "..", ".", "", "%3A", "%2F", "arn%3Aaws", "%E2%82%AC", "z%20z", "0.1", "Key", "UPPER",
         "%25", "x*y", "p:q", "a@b", "s+t", "(1)", "!", "'", ",", ";", "%C3%BC"]
NAMES = ["x-amz-meta-a", "X-Amz-Target", "content-type", "x-amz-checksum-sha256", "X-K8s-Aws-Id", "Accept", "X-amz-acl",
         "x-amz", "x-amz-a-b", "User-Agent", "Connection", "Transfer-Encoding", "X-Amzn-Trace-Id", "expect"]
# Never signed by us, and hop-by-hop; botocore of some age signs more of these, so the comparison leaves them to it.
VALUES = ["v", "  two   words ", "a\tb", "", "x,y", "Zürich", "application/x-amz-json-1.1", "k=v; q=\"a  b\""]


def path(rng, tidy_ok):
    words = WORDS if tidy_ok else [w for w in WORDS if w not in (".", "..", "")]
    text = "/" + "/".join(rng.choice(words) for _ in range(rng.randrange(0, 6)))
    return text + rng.choice(["", "", "/"])


def query(rng):
    keys = ["Action", "a", "A", "b", "prefix", "versioning", "a-b", "a.b", "a%20b", "max-keys", "tagKeys", "%E2%82%AC"]
    vals = ["", "1", "x%2Fy", "%20", "~", "z", "Z", "0", "a%3Db", "%E2%82%AC"]
    pairs = []
    for _ in range(rng.randrange(0, 6)):
        key = rng.choice(keys)
        pairs.append(key if rng.random() < 0.2 else key + "=" + rng.choice(vals))
    return "&".join(pairs)


def case(rng):
    s3 = rng.random() < 0.3
    names = rng.sample(NAMES, rng.randrange(0, 5))
    headers = {n: rng.choice(VALUES) for n in names}
    return {
        "mode": rng.choice(["headers", "headers", "query"]),
        "method": rng.choice(["GET", "POST", "PUT", "DELETE", "HEAD"]),
        "host": rng.choice(["iam.amazonaws.com", "localhost:4566", "b.s3.eu-west-1.amazonaws.com", "[::1]:81"]),
        "path": path(rng, not s3), "query": query(rng),
        "headers": headers,
        "body": rng.choice(["", "Action=x", "{}", "ünïcode \U0001f600", "x" * 3000]),
        "service": "s3" if s3 else rng.choice(["iam", "sts", "ecr", "tagging"]),
        "region": rng.choice(["us-east-1", "eu-west-1", "cn-north-1"]),
        "time_ms": rng.randrange(0, 4102444800) * 1000 + rng.randrange(1000),
        "id": "AKID" + "".join(rng.choice("ABCDEF0123456789") for _ in range(16)),
        "secret": "".join(rng.choice("abc/+=XYZ019") for _ in range(40)),
        "token": rng.choice([None, "FwoGZXIvYXdzE/+=token=="]),
        "expires": rng.randrange(1, 604800), "s3": s3,
    }


def theirs(c):
    cls = {(False, "headers"): SigV4Auth, (True, "headers"): S3SigV4Auth,
           (False, "query"): SigV4QueryAuth, (True, "query"): S3SigV4QueryAuth}[(c["s3"], c["mode"])]
    url = "http://" + c["host"] + c["path"] + ("?" + c["query"] if c["query"] else "")
    request = AWSRequest(method=c["method"], url=url, headers=dict(c["headers"]), data=c["body"].encode())
    kwargs = {"expires": c["expires"]} if c["mode"] == "query" else {}
    auth = cls(Credentials(c["id"], c["secret"], c["token"]), c["service"], c["region"], **kwargs)
    now = datetime.datetime.fromtimestamp(c["time_ms"] // 1000, datetime.timezone.utc)
    with mock.patch.object(botocore.auth, "get_current_datetime", lambda *a, **k: now):
        auth.add_auth(request)
    return request


def compare(c, ours):
    request = theirs(c)
    if c["mode"] == "query":
        want = request.url.split("?", 1)[1].split("X-Amz-Signature=")[1]
        return want, ours["query"].split("X-Amz-Signature=")[1]
    want = request.headers["Authorization"]
    got = [h.split(": ", 1)[1] for h in ours["headers"] if h.lower().startswith("authorization:")][0]
    return want, got


def line(c):
    sent = dict(c, headers=[f"{k}: {v}" for k, v in c["headers"].items()], raw_path=c["s3"],
                hash_header=c["s3"] and c["mode"] == "headers", unsigned=c["s3"] and c["mode"] == "query")
    if c["mode"] == "query":  # botocore writes the query anew before it signs: give both the same
        from urllib.parse import parse_qs, urlsplit
        from botocore.utils import percent_encode_sequence
        pairs = {k: v[0] for k, v in parse_qs(c["query"], keep_blank_values=True).items()}
        sent["query"] = percent_encode_sequence(pairs)
    sent = {k: v for k, v in sent.items() if v is not None}
    return json.dumps(sent)


def comparable(c):
    """botocore signs Connection; joins nothing; and its query form takes application/x-www-form-urlencoded bodies apart."""
    c["headers"] = {k: v for k, v in c["headers"].items() if k != "Connection"}
    if c["mode"] == "query":
        c["body"] = ""
    return c


def main():
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 3000
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else random.randrange(1 << 32)
    print(f"seed {seed}, {count} requests")
    rng = random.Random(seed)
    cases = [comparable(case(rng)) for _ in range(count)]
    run = subprocess.run([sys.argv[1]], input="\n".join(line(c) for c in cases) + "\n", text=True,
                         stdout=subprocess.PIPE, check=True)
    answers = [json.loads(x) for x in run.stdout.splitlines()]
    if len(answers) != count:
        print(f"{len(answers)} answers for {count} requests")
        return 1
    bad = 0
    for c, ours in zip(cases, answers):
        want, got = compare(c, ours)
        if want != got:
            bad += 1
            if bad <= 5:
                print("DIFFERS", json.dumps(c, ensure_ascii=False), "\n  want", want, "\n  got ", got)
    print(f"{count - bad} agree, {bad} differ")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
