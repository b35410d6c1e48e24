#!/usr/bin/env python3
"""Compare policy_equal() with a second implementation of the same rules.

usage: check_policy.py TOOL [COUNT [SEED]]

TOOL is policy_tool. Random policies are changed in ways that keep their
meaning and in ways that do not; for each pair the tool and the code below must
agree, and a change that keeps the meaning must be "equal" to both. The seed is
printed first, so that a failure can be repeated.
"""
import copy
import json
import random
import re
import subprocess
import sys
from collections import Counter

# ---- the rules, said once more ----


def listed(value):
    return value if isinstance(value, list) else [value]


def frozen(value):
    """Any JSON value as something hashable; objects without order, arrays with it."""
    if isinstance(value, dict):
        return ("object", frozenset((k, frozen(v)) for k, v in value.items()))
    if isinstance(value, list):
        return ("array", tuple(frozen(v) for v in value))
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return (type(value).__name__, value)
    return ("number", value)


def ascii_lower(text):
    return "".join(chr(ord(c) + 32) if "A" <= c <= "Z" else c for c in text)


def action(value):
    return frozen(ascii_lower(value) if isinstance(value, str) else value)


def principal_id(value):
    match = isinstance(value, str) and re.fullmatch(r"arn:aws[^:]*:iam::([0-9]{12}):root", value)
    return frozen(match.group(1) if match else value)


def principal(value):
    if value == "*":
        value = {"AWS": "*"}
    if not isinstance(value, dict):
        return frozen(value)
    return frozenset((kind, frozenset(map(principal_id, listed(ids))))
                     for kind, ids in value.items() if ids != [])


def condition_value(value):
    if isinstance(value, bool):
        return frozen("true" if value else "false")
    if isinstance(value, (int, float)):
        return frozen(format(value, "g") if isinstance(value, float) else str(value))
    return frozen(value)


def operator(keys):
    if not isinstance(keys, dict):
        return frozen(keys)
    spelled = Counter(ascii_lower(k) for k in keys)
    return frozenset((ascii_lower(k) if spelled[ascii_lower(k)] == 1 else k,
                      frozenset(map(condition_value, listed(v)))) for k, v in keys.items())


def condition(value):
    if not isinstance(value, dict):
        return frozen(value)
    return frozenset((name, operator(keys)) for name, keys in value.items())


MEMBERS = {
    "Effect": lambda v: frozen(ascii_lower(v)) if isinstance(v, str) else frozen(v),
    "Action": lambda v: frozenset(map(action, listed(v))),
    "NotAction": lambda v: frozenset(map(action, listed(v))),
    "Resource": lambda v: frozenset(map(frozen, listed(v))),
    "NotResource": lambda v: frozenset(map(frozen, listed(v))),
    "Principal": principal,
    "NotPrincipal": principal,
    "Condition": condition,
}


def statement(value):
    return frozenset((name, MEMBERS.get(name, frozen)(member)) for name, member in value.items()
                     if not (name == "Sid" and member in ("", None)))


def meaning(policy):
    rest = {k: frozen(v) for k, v in policy.items() if k != "Statement"}
    if policy.get("Version") is None:
        rest["Version"] = frozen("2008-10-17")
    statements = Counter(statement(s) for s in listed(policy["Statement"]))
    return frozenset(rest.items()), frozenset(statements.items())


# ---- policies to try ----

ACTIONS = ["s3:GetObject", "s3:*", "ecr:BatchGetImage", "sts:AssumeRole", "sts:AssumeRoleWithWebIdentity", "*"]
RESOURCES = ["*", "arn:aws:s3:::bucket", "arn:aws:s3:::bucket/*", "arn:aws:s3:::Bucket"]
PRINCIPALS = ["123456789012", "arn:aws:iam::123456789012:root", "arn:aws:iam::123456789012:role/x",
              "arn:aws-cn:iam::210987654321:root", "AIDAEXAMPLE", "*", "arn:aws:iam::12345678901:root",
              "arn:aws:iam::123456789012:root:root", "arn:awsiam::123456789012:root", "arn:aws::iam::123456789012:root"]
KEYS = ["aws:SourceArn", "aws:sourcearn", "aws:SecureTransport", "token.actions.githubusercontent.com:sub", "s3:max-keys"]
VALUES = ["a", "B", "true", True, False, 12, "12", 1.5, "1.5", "repo:o/r:*", "é", -3]


def some(rng, choices):
    picked = [rng.choice(choices) for _ in range(rng.randint(1, 3))]
    return picked[0] if len(picked) == 1 and rng.random() < 0.6 else picked


def make_principal(rng):
    if rng.random() < 0.2:
        return "*"
    result = {"AWS": some(rng, PRINCIPALS)}
    if rng.random() < 0.4:
        result["Federated"] = some(rng, ["arn:aws:iam::123456789012:oidc-provider/x", "accounts.google.com"])
    if rng.random() < 0.1:
        result["Service"] = []
    return result


def make_statement(rng):
    result = {"Effect": rng.choice(["Allow", "Deny", "allow"])}
    if rng.random() < 0.5:
        result["Sid"] = rng.choice(["", "One", "Two"])
    result[rng.choice(["Action", "NotAction"])] = some(rng, ACTIONS)
    if rng.random() < 0.7:
        result[rng.choice(["Resource", "NotResource"])] = some(rng, RESOURCES)
    if rng.random() < 0.5:
        result[rng.choice(["Principal", "NotPrincipal"])] = make_principal(rng)
    if rng.random() < 0.5:
        result["Condition"] = {rng.choice(["StringEquals", "StringLike", "Bool"]):
                               {rng.choice(KEYS): some(rng, VALUES) for _ in range(rng.randint(1, 3))}
                               for _ in range(rng.randint(1, 2))}
    return result


def make_policy(rng):
    result = {"Statement": [make_statement(rng) for _ in range(rng.randint(1, 3))]}
    if rng.random() < 0.8:
        result["Version"] = rng.choice(["2012-10-17", "2008-10-17"])
    if rng.random() < 0.2:
        result["Id"] = rng.choice(["x", ""])
    return result


# ---- changes ----


def shuffled(rng, value):
    """The same with other orders of members, and of lists that are sets."""
    if isinstance(value, dict):
        items = list(value.items())
        rng.shuffle(items)
        return {k: shuffled(rng, v) for k, v in items}
    if isinstance(value, list):
        value = [shuffled(rng, v) for v in value]
        rng.shuffle(value)
    return value


def random_case(rng, text):
    return "".join(c.upper() if rng.random() < 0.5 else c.lower() for c in text)


def each_set(policy):
    for item in listed(policy["Statement"]):
        for name in ("Action", "NotAction", "Resource", "NotResource"):
            if name in item:
                yield item, name
        for name in ("Principal", "NotPrincipal"):
            if isinstance(item.get(name), dict):
                for kind in item[name]:
                    yield item[name], kind
        for keys in item.get("Condition", {}).values():
            for key in keys:
                yield keys, key


def keep_wrapping(rng, policy):
    for holder, name in list(each_set(policy)):
        if isinstance(holder[name], list) and len(holder[name]) == 1:
            holder[name] = holder[name][0]
        elif not isinstance(holder[name], list) and rng.random() < 0.5:
            holder[name] = [holder[name]]
    if isinstance(policy["Statement"], list) and len(policy["Statement"]) == 1:
        policy["Statement"] = policy["Statement"][0]


def keep_doubles(rng, policy):
    for holder, name in list(each_set(policy)):
        if isinstance(holder[name], list) and holder[name]:
            holder[name] = holder[name] + [rng.choice(holder[name])]


def keep_case(rng, policy):
    for item in listed(policy["Statement"]):
        item["Effect"] = random_case(rng, item["Effect"])
        for name in ("Action", "NotAction"):
            if name in item:
                item[name] = [random_case(rng, a) for a in listed(item[name])]


def keep_accounts(rng, policy):
    swap = {"123456789012": "arn:aws:iam::123456789012:root", "arn:aws:iam::123456789012:root": "123456789012"}
    for item in listed(policy["Statement"]):
        for name in ("Principal", "NotPrincipal"):
            if item.get(name) == "*":
                item[name] = {"AWS": ["*"]}
            elif isinstance(item.get(name), dict):
                item[name]["AWS"] = [swap.get(p, p) for p in listed(item[name]["AWS"])]
                if rng.random() < 0.3:
                    item[name]["CanonicalUser"] = []


def keep_values(rng, policy):
    for item in listed(policy["Statement"]):
        for keys in item.get("Condition", {}).values():
            for key in keys:
                keys[key] = [json.dumps(v) if isinstance(v, (bool, int, float)) else v for v in listed(keys[key])]


def keep_defaults(rng, policy):
    if policy.get("Version") == "2008-10-17":
        del policy["Version"]
    elif "Version" not in policy:
        policy["Version"] = "2008-10-17"
    for item in listed(policy["Statement"]):
        if item.get("Sid") == "":
            del item["Sid"]
        elif "Sid" not in item:
            item["Sid"] = ""


KEEP = [keep_wrapping, keep_doubles, keep_case, keep_accounts, keep_values, keep_defaults]


def break_something(rng, policy):
    item = rng.choice(listed(policy["Statement"]))
    holder, name = rng.choice(list(each_set(policy)))
    choice = rng.randrange(9)
    if choice == 0:
        policy["Statement"] = listed(policy["Statement"]) + [make_statement(rng)]
    elif choice == 1:
        policy["Statement"] = listed(policy["Statement"]) + [copy.deepcopy(item)]
    elif choice == 2:
        holder[name] = listed(holder[name]) + [rng.choice(["new", "S3:*", "*", "TRUE", 12])]
    elif choice == 3:
        holder[name] = listed(holder[name])[1:]
    elif choice == 4:
        item["Effect"] = rng.choice(["Allow", "Deny"])
    elif choice == 5:
        item.pop(rng.choice(list(item)))
    elif choice == 6:
        policy["Version"] = rng.choice(["2012-10-17", "2008-10-17", "2020-01-01"])
    elif choice == 7:
        item[rng.choice(["Sid", "Extra"])] = rng.choice(["", "One", "one", ["One"], {"a": [1, 2]}])
    else:
        for values in (v for v in [holder[name]] if isinstance(v, str)):
            holder[name] = random_case(rng, values)


def make_pairs(rng, count):
    for _ in range(count):
        first = make_policy(rng)
        second = copy.deepcopy(first)
        same = rng.random() < 0.6
        for change in rng.sample(KEEP, rng.randint(1, len(KEEP))):
            change(rng, second)
        if not same:
            break_something(rng, second)
        second = shuffled(rng, second) if rng.random() < 0.7 else second
        if rng.random() < 0.2:
            yield same, first, json.dumps(second), second
        else:
            yield same, first, second, second


def main():
    tool = sys.argv[1]
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 5000
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else random.randrange(2**32)
    print(f"seed {seed}, {count} pairs", flush=True)
    rng = random.Random(seed)
    pairs = list(make_pairs(rng, count))
    text = "".join(json.dumps([a, b], ensure_ascii=False) + "\n" for _, a, b, _ in pairs)
    done = subprocess.run([tool], input=text.encode(), capture_output=True, check=False)
    answers = done.stdout.decode().split()
    if done.returncode != 0 or len(answers) != count:
        sys.exit(f"{tool}: exit {done.returncode}, {len(answers)} answers: {done.stderr.decode()[-2000:]}")
    seen, bad = Counter(answers), 0
    for (same, a, _, b), answer in zip(pairs, answers):
        expected = "equal" if meaning(a) == meaning(b) else "different"
        if answer != expected or (same and answer != "equal"):
            bad += 1
            if bad <= 3:
                print(f"tool says {answer}, check says {expected}, kept its meaning: {same}\n  {json.dumps(a)}\n  {json.dumps(b)}")
    print(dict(seen))
    if seen["equal"] < count // 4 or seen["different"] < count // 10:
        sys.exit("too few of a sort: the check does not check")
    if bad:
        sys.exit(f"{bad} of {count} pairs are wrong")


main()
