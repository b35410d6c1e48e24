#!/usr/bin/env python3
"""Compare our operation table, codecs and endpoint rules with botocore's models.

usage: check_aws_codec.py TOOL [ROUNDS] [SEED]     (TOOL = the built aws_codec_tool)
Exit 0 when all agree, 1 when not, 77 when botocore is missing.
"""
import base64
import datetime
import itertools
import json
import random
import re
import subprocess
import sys
import urllib.parse
import xml.etree.ElementTree as ET
from xml.sax.saxutils import escape

try:
    import botocore.session
    from botocore.awsrequest import HeadersDict
    from botocore.endpoint_provider import EndpointProvider
    from botocore.parsers import create_parser
    from botocore.serialize import create_serializer
except ImportError:
    print("SKIP: no botocore")
    sys.exit(77)

SESSION = botocore.session.get_session()
MODELS = {}
TEXTS = ["a", "Role-1", "x y", "a/b:c", "é€😀", "<&>\"'", "100%", "a+b=c", "line\nbreak", "tab\there", "~._-", "{\"a\": 1}"]
LABELS = ["name", "arn:aws:iam::1:role/x", "b-1", "a b", "é", "x+y", "100%"]
# Members that our kinds never send: checksums are ours to make, the rest belongs to features we do not use.
NOT_SENT = {"ChecksumAlgorithm", "ContentMD5", "MFA", "RequestPayer", "OptionalObjectAttributes", "GrantFullControl",
            "GrantRead", "GrantReadACP", "GrantWrite", "GrantWriteACP", "IfMatchInitiatedTime", "LastModifiedTime",
            "RequestCharged", "CreationTimeAfter", "CreationTimeBefore"}


def model(service):
    if service not in MODELS:
        MODELS[service] = SESSION.get_service_model(service)
    return MODELS[service]


class Tool:
    def __init__(self, path):
        self.process = subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)

    def ask(self, **request):
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


class Report:
    def __init__(self):
        self.bad, self.good = 0, 0

    def check(self, ok, what, *detail):
        if ok:
            self.good += 1
            return
        self.bad += 1
        if self.bad <= 25:
            print("DIFFERS", what, *[str(d)[:700] for d in detail], sep="\n    ")


# ---- the table against the models ----

def shape_entries(text):
    for entry in (text or "").split():
        m = re.fullmatch(r"([A-Za-z0-9]+)(?:=([A-Za-z0-9-]+))?(?::([a-z])(?:\((\w+)\))?)?", entry)
        assert m, entry
        yield m.group(1), m.group(2) or m.group(1), m.group(3) or "t", m.group(4)


def walk(shape, seen=()):
    """(member name, wire name, letter, item name) of every member below a shape."""
    if shape is None or shape.name in seen:
        return
    if shape.type_name == "list":
        yield from walk(shape.member, seen)
    if shape.type_name != "structure":
        return
    for name, member in shape.members.items():
        if member.serialization.get("location") in ("header", "uri", "querystring", "headers"):
            continue
        wire = member.serialization.get("name", name)
        letter, item = "t", None
        if member.type_name == "list":
            letter = "f" if member.serialization.get("flattened") else "l"
            item = member.member.serialization.get("name")
            if letter == "f" and item:
                wire = item
        elif member.type_name == "structure":
            letter = "s"
        elif member.type_name in ("integer", "long"):
            letter = "i"
        elif member.type_name == "boolean":
            letter = "b"
        yield name, wire, letter, item
        yield from walk(member, seen + (shape.name,))


def member_path(op):
    """The model's path with labels named after members, as our table has it."""
    names = {s.serialization.get("name", m): m for m, s in (op.input_shape.members.items() if op.input_shape else ())
             if s.serialization.get("location") == "uri"}
    return re.sub(r"{(\w+)(\+?)}", lambda m: "{" + names[m.group(1)] + m.group(2) + "}", op.http["requestUri"])


def check_row(row, report):
    service = model(row["service"])
    op = service.operation_model(row["name"])
    name = f"{row['service']}.{row['name']}"
    report.check(service.metadata["protocol"] == row["protocol"], name + " protocol", row["protocol"])
    report.check(service.signing_name == row["signing_name"], name + " signing name")
    report.check(service.service_id.hyphenize().replace("-", "_").upper() == row["env"], name + " env", row["env"])
    if row["version"]:
        report.check(service.api_version == row["version"], name + " version")
    if row["target"]:
        report.check(service.metadata["targetPrefix"] == row["target"], name + " target")
    if row["method"]:
        report.check(op.http["method"] == row["method"], name + " method")
        report.check(member_path(op) == row["path"], name + " path", member_path(op), row["path"])
    tokens = list(op.idempotent_members)
    if row["shipped"]:
        report.check(tokens == ([row["token"]] if row["token"] else []), name + " token", tokens, row["token"])
    report.check((op.auth_type == "none") == row["anonymous"], name + " anonymous", op.auth_type)
    report.check(bool(op.http_checksum.get("requestChecksumRequired")) == row["checksum"], name + " checksum")
    if row["protocol"] == "query" and row["shipped"]:
        has = bool(op.output_shape and op.output_shape.members)
        report.check(has == row["result"], name + " result", has)
    is_read = re.match(r"(Get|List|Describe|Head|AssumeRole)", row["name"]) is not None
    report.check(is_read != row["write"], name + " access")
    makes = re.match(r"(Create(?!Tags$)|Allocate)", row["name"]) is not None  # CreateTags twice is CreateTags once
    report.check(row["creates"] == (makes and row["shipped"]), name + " creates")
    check_places(row, op, name, report)
    if row["protocol"] in ("query", "rest-xml") and row["shipped"]:
        check_answer_shape(row, op, name, report)
        check_request_shape(row, op, name, report)
    if row["shipped"]:
        check_pages(row, name, report)


def check_places(row, op, name, report):
    want = {"header": {}, "querystring": {}}
    for member, shape in (op.input_shape.members.items() if op.input_shape else ()):
        place = shape.serialization.get("location")
        if place in want:
            want[place][member] = shape.serialization.get("name", member)
    for place, column in (("header", "headers"), ("querystring", "query")):
        ours = {n: w for n, w, _, _ in shape_entries(row[column])}
        for member, wire in ours.items():
            report.check(want[place].get(member) == wire, f"{name} {column} {member}", wire, want[place].get(member))
        missing = set(want[place]) - set(ours) - NOT_SENT
        report.check(not missing, f"{name} {column} missing", missing)
    payload = op.input_shape.serialization.get("payload") if op.input_shape else None
    report.check(payload == row["payload"], name + " payload", payload, row["payload"])
    out = op.output_shape
    report.check((out.serialization.get("payload") if out else None) == row["answer_payload"], name + " answer payload")
    heads = {n: s.serialization["name"].lower() for n, s in (out.members.items() if out else ())
             if s.serialization.get("location") == "header" and n not in NOT_SENT}
    ours = {n: w for n, w, _, _ in shape_entries(row["answer_headers"])}
    report.check(heads == ours, name + " answer headers", heads, ours)


def check_answer_shape(row, op, name, report):
    ours = {n: (w, t) for n, w, t, _ in shape_entries(row["answer"])}
    by_name = {}
    for member, wire, letter, _ in walk(op.output_shape):
        by_name.setdefault(member, set()).add((wire, letter))
    payload = row["answer_payload"]
    for member, kinds in by_name.items():
        report.check(len(kinds) == 1, f"{name}: {member} has two meanings", kinds)
        wire, letter = next(iter(kinds))
        have_wire, have = ours.pop(member, (member, "t"))
        if member == payload:
            continue
        same = have == letter or (letter == "t" and have == "d")
        report.check(same and have_wire == wire, f"{name} answer {member}", (wire, letter), (have_wire, have))
    report.check(not ours, f"{name} answer has more than the model", ours)


def check_request_shape(row, op, name, report):
    ours = {n: (w, t, i) for n, w, t, i in shape_entries(row["shape"])}
    for member, wire, letter, item in dict.fromkeys(walk(op.input_shape)):
        if letter not in "lf" and wire == member:
            continue
        if member == row["payload"]:
            continue
        have_wire, have, have_item = ours.pop(member, (member, "l" if row["protocol"] == "query" else "t", None))
        if letter in "lf":
            report.check(have == letter and have_wire == wire, f"{name} request {member}", (wire, letter), (have_wire, have))
            if letter == "l":
                report.check((have_item or "member") == (item or "member"), f"{name} request {member} item", item, have_item)
        else:
            report.check(have_wire == wire, f"{name} request {member}", wire, have_wire)
    report.check(not ours, f"{name} request has more than the model", ours)


def check_pages(row, name, report):
    try:
        pages = SESSION.get_component("data_loader").load_service_model(row["service"], "paginators-1")["pagination"]
    except Exception:
        pages = {}
    page = pages.get(row["name"])

    def names(value):
        return [] if not value else value if isinstance(value, list) else [value]
    if not page or "input_token" not in page:
        report.check(not row["page_in"], name + " pages", row["page_in"])
        return
    report.check(names(page["input_token"]) == (row["page_in"] or "").split(), name + " page_in")
    report.check(names(page["output_token"]) == (row["page_out"] or "").split(), name + " page_out")
    report.check(page.get("more_results") == row["page_more"], name + " page_more")
    report.check(set(names(page["result_key"])) == set((row["page_lists"] or "").split()), name + " page_lists")


# ---- requests ----

def random_value(rng, shape, name, depth=0):
    kind = shape.type_name
    if kind == "structure" and getattr(shape, "is_tagged_union", False):
        member = rng.choice(sorted(shape.members))
        return {member: random_value(rng, shape.members[member], member, depth + 1)}
    if kind == "structure":
        made = {}
        for member, sub in shape.members.items():
            if member in NOT_SENT:
                continue
            if member in shape.required_members or rng.random() < (0.5 if depth < 3 else 0.1):
                made[member] = random_value(rng, sub, member, depth + 1)
        return made
    if kind == "list":
        return [random_value(rng, shape.member, name, depth + 1) for _ in range(rng.randrange(0, 4))]
    if kind == "map":
        return {rng.choice("abc") + str(i): random_value(rng, shape.value, name, depth + 1) for i in range(rng.randrange(0, 3))}
    if kind == "boolean":
        return rng.random() < 0.5
    if kind in ("integer", "long"):
        return rng.choice([0, 1, 3600, 123456789])
    if kind in ("float", "double"):
        return 1.5
    if kind == "timestamp":
        return "2026-11-22T17:31:05Z"
    if kind == "blob":
        return rng.choice(["", "YQ==", "AAECAw=="])  # base64, as our documents have it
    return rng.choice(TEXTS)


def with_bytes(shape, value):
    """The same parameters as botocore wants them: blobs as bytes."""
    if shape.type_name == "structure":
        return {m: with_bytes(shape.members[m], v) for m, v in value.items()}
    if shape.type_name == "list":
        return [with_bytes(shape.member, v) for v in value]
    if shape.type_name == "map":
        return {k: with_bytes(shape.value, v) for k, v in value.items()}
    return base64.b64decode(value) if shape.type_name == "blob" else value


def random_params(rng, op):
    params = random_value(rng, op.input_shape, "") if op.input_shape else {}
    if not op.input_shape:
        return {}
    for member, shape in op.input_shape.members.items():
        place = shape.serialization.get("location")
        if place == "uri":
            params[member] = "bucket.name" if member == "Bucket" else rng.choice(LABELS + (["k/../e y"] if member == "Key" else []))
        if place == "header" and member in params and isinstance(params[member], str):
            params[member] = rng.choice(["123456789012", "private", "a b"])
    return params


def form(body):
    return sorted(urllib.parse.parse_qsl(body, keep_blank_values=True, strict_parsing=bool(body)))


def tree(element):
    return (element.tag, element.text or "", [tree(c) for c in element])


def unordered(node):
    """Members may come in any order, items of lists not: sort by tag, stable."""
    tag, text, children = node
    return (tag, text, sorted((unordered(c) for c in children), key=lambda c: c[0]))


def check_request(rng, row, tool, report):
    service = model(row["service"])
    op = service.operation_model(row["name"])
    params = random_params(rng, op)
    name = f"{row['service']}.{row['name']}"
    ours = tool.ask(do="encode", service=row["service"], op=row["name"], params=params)
    theirs = create_serializer(service.metadata["protocol"], include_validation=False).serialize_to_request(
        with_bytes(op.input_shape, params) if op.input_shape else params, op)
    if ours is None or "error" in ours:
        return report.check(False, name + " not encoded", params, ours)
    report.check(ours["method"] == theirs["method"], name + " method")
    body = theirs["body"]
    path, _, query = theirs["url_path"].partition("?")
    report.check(urllib.parse.unquote(ours["path"]) == urllib.parse.unquote(path), name + " path", ours["path"], path)
    report.check(not re.search(r"[^A-Za-z0-9%/._~-]", ours["path"]), name + " path is encoded", ours["path"])
    pairs = urllib.parse.parse_qsl(query, keep_blank_values=True)
    for k, v in (theirs["query_string"] or {}).items():
        pairs += [(k, x) for x in v] if isinstance(v, list) else [(k, str(v))]
    report.check(sorted(pairs) == sorted(urllib.parse.parse_qsl(ours["query"], keep_blank_values=True)), name + " query", ours["query"], pairs)
    check_body(row, op, name, ours, body, report, params)
    check_headers(row, name, ours, theirs["headers"], report)


def check_body(row, op, name, ours, body, report, params):
    text = ours["body"]
    if isinstance(body, dict):
        want = sorted((k, str(v)) for k, v in body.items())
        report.check(form(text) == want, name + " form", form(text), want, params)
    elif row["protocol"] in ("json", "rest-json"):
        body = body.decode() if isinstance(body, bytes) else body
        same = json.loads(text or "{}") == json.loads(body or "{}") and (bool(text) == bool(body) or row["protocol"] == "rest-json")
        report.check(same, name + " json", text, body)
    else:
        body = body.encode() if isinstance(body, str) else body
        if not body or not text or row["name"] == "PutBucketPolicy":
            report.check(text.encode() == (body or b""), name + " body", text, body)
        else:
            a, b = unordered(tree(ET.fromstring(text))), unordered(tree(ET.fromstring(body)))
            report.check(a == b, name + " xml", text, body)
            report.check("\r" not in text and "\n" not in text, name + " raw line ends", text)


def check_headers(row, name, ours, theirs, report):
    have = {h.split(": ", 1)[0].lower(): h.split(": ", 1)[1] for h in ours["headers"]}
    for k, v in theirs.items():
        if k.lower() != "content-type" or row["protocol"] in ("query", "ec2", "json"):
            report.check(have.get(k.lower()) == v, f"{name} header {k}", have, v)
    more = set(have) - {k.lower() for k in theirs} - {"content-type", "x-amz-sdk-checksum-algorithm", "x-amz-checksum-sha256"}
    report.check(not more, name + " more headers", more)
    if row["checksum"]:
        import hashlib
        want = base64.b64encode(hashlib.sha256(ours["body"].encode()).digest()).decode()
        report.check(have.get("x-amz-checksum-sha256") == want, name + " checksum", have)


# ---- answers ----

def answer_value(rng, shape, name, depth=0):
    if shape.type_name == "string" and "Document" in name:
        return urllib.parse.quote(json.dumps({"Version": "2012-10-17", "S": rng.choice(TEXTS), "plus": "a+b"}))
    if shape.type_name == "structure":
        if getattr(shape, "is_tagged_union", False):
            member = rng.choice(sorted(shape.members))
            return {member: answer_value(rng, shape.members[member], member, depth + 1)}
        if depth > 6:
            return {}
        return {m: answer_value(rng, s, m, depth + 1) for m, s in shape.members.items()
                if s.serialization.get("location") is None and rng.random() < 0.7}
    if shape.type_name == "list":
        return [answer_value(rng, shape.member, name, depth + 1) for _ in range(rng.randrange(0, 3))]
    if shape.type_name == "timestamp":
        return rng.randrange(0, 2000000000)
    return random_value(rng, shape, name, depth)


def to_xml(shape, value, tag):
    kind = shape.type_name
    if kind == "structure":
        inner = ""
        for member, sub in shape.members.items():
            if member not in value:
                continue
            wire = sub.serialization.get("name", member)
            if sub.type_name == "list" and sub.serialization.get("flattened"):
                wire = sub.member.serialization.get("name", wire)
                inner += "".join(to_xml(sub.member, v, wire) for v in value[member])
            else:
                inner += to_xml(sub, value[member], wire)
        return f"<{tag}>{inner}<Unknown>x</Unknown></{tag}>" if inner else f"<{tag}/>"
    if kind == "list":
        item = shape.member.serialization.get("name", "member")
        return f"<{tag}>" + "".join(to_xml(shape.member, v, item) for v in value) + f"</{tag}>"
    if kind == "timestamp":
        return f"<{tag}>{datetime.datetime.fromtimestamp(value, datetime.timezone.utc):%Y-%m-%dT%H:%M:%SZ}</{tag}>"
    if kind == "boolean":
        return f"<{tag}>{str(value).lower()}</{tag}>"
    return f"<{tag}>{escape(str(value))}</{tag}>"


def write_answer(row, op, value):
    shape = op.output_shape
    if row["protocol"] in ("json", "rest-json"):
        return json.dumps(value)
    if row["protocol"] in ("query", "ec2"):
        wrapper = shape.serialization.get("resultWrapper") if shape else None
        inner = to_xml(shape, value, wrapper or "X") if shape else ""
        if shape and not wrapper:
            inner = inner[len("<X>"):-len("</X>")] if inner.startswith("<X>") else ""
        return f"<{row['name']}Response xmlns=\"urn:x\">{inner}<ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></{row['name']}Response>"
    payload = shape.serialization.get("payload") if shape else None
    if payload and shape.members[payload].type_name == "structure":
        return to_xml(shape.members[payload], value.get(payload, {}), row["answer_root"])
    if payload:
        return value.get(payload, "{}")
    return to_xml(shape, value, row["answer_root"]) if row["answer_root"] else ""


def strip(shape, value, ours):
    """What both know, in one form: times as seconds, documents decoded, unknown members dropped from ours."""
    if shape.type_name == "structure":
        value = value if isinstance(value, dict) else {}
        return {m: strip(s, value[m], ours) for m, s in shape.members.items() if value.get(m) is not None}
    if shape.type_name == "list":
        return [strip(shape.member, v, ours) for v in value]
    if shape.type_name == "timestamp":
        if isinstance(value, datetime.datetime):
            return value.timestamp()
        if isinstance(value, str):
            return datetime.datetime.fromisoformat(value.replace("Z", "+00:00")).timestamp()
        return float(value)
    if shape.type_name == "blob":
        return value if isinstance(value, str) else base64.b64encode(value).decode()
    if shape.type_name == "string" and not ours and str(value).startswith("%7B"):
        return urllib.parse.unquote(value)
    return value


def check_answer(rng, row, tool, report):
    op = model(row["service"]).operation_model(row["name"])
    name = f"{row['service']}.{row['name']} answer"
    shape = op.output_shape
    value = answer_value(rng, shape, "") if shape else {}
    if shape and row["answer_payload"] and row["answer_payload"] not in value:
        value[row["answer_payload"]] = answer_value(rng, shape.members[row["answer_payload"]], row["answer_payload"])
    payload = value.get(row["answer_payload"]) if row["answer_payload"] else None
    if isinstance(payload, str) and payload.lstrip(" \t\r\n").startswith("<"):
        value[row["answer_payload"]] = "{" + payload  # a body that begins like XML is taken for an error, on purpose
    body = write_answer(row, op, value)
    headers = {n.lower(): "eu-west-1" for n in (s.serialization.get("name") for s in (shape.members.values() if shape else ())
                                               if s.serialization.get("location") == "header") if n}
    headers.pop("x-amz-access-point-alias", None)
    ours = tool.ask(do="decode", service=row["service"], op=row["name"], status=200, headers=list(headers.items()), body=body)
    if ours is None or "error" in ours:
        return report.check(False, name + " not read", body, ours)
    if not shape:
        # EC2 has no <...Result>: what the root holds besides members comes along
        return report.check(set(ours["answer"]) <= ({"ResponseMetadata"} if row["protocol"] == "ec2" else set()), name, ours)
    parser = create_parser(model(row["service"]).metadata["protocol"])
    theirs = parser.parse({"status_code": 200, "headers": HeadersDict(headers), "body": body.encode()}, shape)
    theirs.pop("ResponseMetadata", None)
    theirs.pop("RequestCharged", None)
    for member, sub in shape.members.items():
        if sub.serialization.get("location") == "statusCode":
            theirs.pop(member, None)  # the HTTP status under another name
    a, b = strip(shape, ours["answer"], True), strip(shape, theirs, False)
    report.check(a == b, name, body, json.dumps(a), json.dumps(b))


# ---- errors and endpoints ----

def check_errors(row, tool, report):
    code, message = "SomeThing", "no <way> é"
    request_id = "req-1"
    bodies = {
        "query": f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{escape(message)}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>",
        "ec2": f"<Response><Errors><Error><Code>{code}</Code><Message>{escape(message)}</Message></Error></Errors><RequestID>{request_id}</RequestID></Response>",
        "rest-xml": f"<Error><Code>{code}</Code><Message>{escape(message)}</Message><RequestId>{request_id}</RequestId><HostId>h</HostId></Error>",
        "json": json.dumps({"__type": "com.x#" + code, "message": message}),
        "rest-json": json.dumps({"message": message}),
    }
    headers = {"json": {"x-amzn-requestid": request_id}, "rest-xml": {"x-amz-request-id": request_id}, "rest-json": {"x-amzn-requestid": request_id, "x-amzn-errortype": code + ":http://x/"}}
    heads = headers.get(row["protocol"], {})
    body = bodies[row["protocol"]]
    op = model(row["service"]).operation_model(row["name"])
    ours = tool.ask(do="error", service=row["service"], op=row["name"], status=400, headers=list(heads.items()), body=body)
    theirs = create_parser(row["protocol"]).parse({"status_code": 400, "headers": HeadersDict(heads), "body": body.encode()}, op.output_shape)
    name = f"{row['service']}.{row['name']} error"
    report.check(ours["code"] == theirs["Error"]["Code"] == code, name, ours, theirs)
    report.check(ours["error"].endswith(theirs["Error"]["Message"]), name + " message", ours)
    report.check(ours["request_id"] == theirs["ResponseMetadata"].get("RequestId"), name + " request id", ours, theirs)


REGIONS = ["us-east-1", "eu-west-1", "ap-southeast-4", "cn-north-1", "cn-northwest-1", "us-gov-west-1", "us-gov-east-1", "us-iso-east-1",
           "us-isob-east-1", "eu-isoe-west-1", "us-isof-south-1", "eusc-de-east-1"]


def check_endpoints(services, tool, report):
    loader = SESSION.get_component("data_loader")
    partitions = loader.load_data("partitions")
    for service in services:
        provider = EndpointProvider(loader.load_service_model(service, "endpoint-rule-set-1"), partitions)
        for region, dual, fips in itertools.product(REGIONS, (False, True), (False, True)):
            args = {"Region": region, "UseDualStack": dual, "UseFIPS": fips}
            if service == "sts":
                args["UseGlobalEndpoint"] = False
            if service == "s3":
                args |= {"Bucket": "bkt", "UseArnRegion": True, "Accelerate": False, "ForcePathStyle": False,
                         "DisableMultiRegionAccessPoints": False, "UseGlobalEndpoint": False}
            ours = tool.ask(do="endpoint", service=service, region=region, dual=dual, fips=fips)
            if fips and region.startswith("cn-") and service in ("iam", "s3"):
                report.check("error" in ours, f"{service} FIPS in China", ours)
                continue
            want = provider.resolve_endpoint(**args)
            host = want.url.removeprefix("https://").removeprefix("bkt.")
            report.check(ours.get("host") == host, f"{service} {region} dual={dual} fips={fips}", ours, host)
            for scheme in want.properties.get("authSchemes", []):
                if scheme["name"] == "sigv4":
                    report.check(ours.get("region") == scheme.get("signingRegion", region), f"{service} {region} signing", ours, scheme)


def main():
    tool, report = Tool(sys.argv[1]), Report()
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 40
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else random.randrange(1 << 32)
    rng = random.Random(seed)
    rows = tool.ask(do="table")["rows"]
    print(f"seed {seed}, {len(rows)} operations, {rounds} rounds")
    for row in rows:
        check_row(row, report)
        check_errors(row, tool, report)
        for _ in range(rounds):
            check_request(rng, row, tool, report)
            check_answer(rng, row, tool, report)
    check_endpoints(sorted({r["service"] for r in rows if r["shipped"]}), tool, report)
    print(f"{report.good} agree, {report.bad} differ")
    return 1 if report.bad or not report.good else 0


if __name__ == "__main__":
    sys.exit(main())
