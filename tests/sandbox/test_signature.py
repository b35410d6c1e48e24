"""Who may speak: AWS signatures, keys, clocks."""
from __future__ import annotations

import hashlib
import unittest
import urllib.error
import urllib.request

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from support import Answer, SandboxTest, call

from lib.sandbox import ACCESS_KEY, OTHER_ACCESS_KEY, OTHER_ACCOUNT, OTHER_SECRET_KEY, SECRET_KEY


class Signature(SandboxTest):
    def test_good_keys_and_accounts(self) -> None:
        self.assertEqual(self.cloud.client("sts").get_caller_identity()["Account"], "123456789012")
        other = self.cloud.client("sts", access_key=OTHER_ACCESS_KEY, secret=OTHER_SECRET_KEY).get_caller_identity()
        self.assertEqual((other["Account"], other["Arn"]), (OTHER_ACCOUNT, f"arn:aws:iam::{OTHER_ACCOUNT}:user/sandbox"))
        keys = self.cloud.control("GET", "/keys")
        self.assertEqual(keys[ACCESS_KEY], {"secret": SECRET_KEY, "account": "123456789012"})

    def test_accounts_do_not_see_each_other(self) -> None:
        self.cloud.client("ecr").create_repository(repositoryName="mine")
        other = self.cloud.client("ecr", access_key=OTHER_ACCESS_KEY, secret=OTHER_SECRET_KEY)
        self.assertEqual(other.describe_repositories()["repositories"], [])

    def test_wrong_secret_unknown_key_per_service(self) -> None:
        table = {"sts": ("get_caller_identity", "SignatureDoesNotMatch", "InvalidClientTokenId"),
                 "iam": ("list_roles", "SignatureDoesNotMatch", "InvalidClientTokenId"),
                 "s3": ("list_buckets", "SignatureDoesNotMatch", "InvalidAccessKeyId"),
                 "ec2": ("describe_vpcs", "AuthFailure", "AuthFailure"),
                 "eks": ("list_clusters", "InvalidSignatureException", "UnrecognizedClientException"),
                 "ecr": ("describe_repositories", "InvalidSignatureException", "UnrecognizedClientException")}
        for service, (method, wrong, unknown) in table.items():
            with self.subTest(service):
                self.refused(wrong, getattr(self.cloud.client(service, secret="nonsense"), method))
                self.refused(unknown, getattr(self.cloud.client(service, access_key="AKIANOBODY"), method))

    def test_unsigned(self) -> None:
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = call(self.cloud.aws, "POST", "/", b"Action=GetCallerIdentity&Version=2011-06-15", form)
        self.assertEqual(answer.status, 403)
        self.assertIn(b"<Code>MissingAuthenticationToken</Code>", answer.body)
        answer = call(self.cloud.aws, "POST", "/", b"{}", {"X-Amz-Target": "AmazonEC2ContainerRegistry_V20150921.DescribeRepositories"})
        self.assertIn(b"MissingAuthenticationTokenException", answer.body)

    def test_web_identity_needs_no_signature(self) -> None:
        from botocore import UNSIGNED

        sts = boto3.client("sts", endpoint_url=self.cloud.aws, region_name="us-east-1", config=Config(signature_version=UNSIGNED))
        answer = sts.assume_role_with_web_identity(RoleArn="arn:aws:iam::123456789012:role/x", RoleSessionName="session",
                                                   WebIdentityToken="token")
        self._check_temporary(answer["Credentials"])

    def test_temporary_keys(self) -> None:
        answer = self.cloud.client("sts").assume_role(RoleArn=f"arn:aws:iam::{OTHER_ACCOUNT}:role/visitor", RoleSessionName="session")
        keys = answer["Credentials"]
        identity = self._check_temporary(keys)
        self.assertEqual(identity["Arn"], f"arn:aws:sts::{OTHER_ACCOUNT}:assumed-role/visitor/session")
        self.refused("InvalidClientTokenId", self._client(keys, token="other").get_caller_identity)
        self.refused("InvalidClientTokenId", self._client(keys, token=None).get_caller_identity)
        self.refused("SignatureDoesNotMatch", self._client(keys, secret="other").get_caller_identity)

    def test_temporary_keys_expire(self) -> None:
        self.cloud.control("POST", "/keys", {"access_key": "ASIAOLD", "secret": "s", "session_token": "t", "expires": 1})
        old = {"access_key": "ASIAOLD", "secret": "s", "token": "t"}
        self.refused("ExpiredToken", self.cloud.client("sts", **old).get_caller_identity)
        self.refused("ExpiredTokenException", self.cloud.client("ecr", **old).describe_repositories)

    def _client(self, keys: dict[str, str], **changed: str | None) -> object:
        given = {"access_key": keys["AccessKeyId"], "secret": keys["SecretAccessKey"], "token": keys["SessionToken"], **changed}
        return self.cloud.client("sts", **given)

    def _check_temporary(self, keys: dict[str, str]) -> dict[str, str]:
        return self._client(keys).get_caller_identity()

    def test_keys_of_iam_users(self) -> None:
        iam = self.cloud.client("iam")
        iam.create_user(UserName="ops")
        key = iam.create_access_key(UserName="ops")["AccessKey"]
        sts = self.cloud.client("sts", access_key=key["AccessKeyId"], secret=key["SecretAccessKey"])
        self.assertTrue(sts.get_caller_identity()["Arn"].endswith(":user/ops"))

    def test_clock(self) -> None:
        for offset, good in ((240, True), (-240, True), (400, False), (-400, False)):
            self.cloud.control("POST", "/clock", {"offset": offset})
            with self.subTest(offset):
                if good:
                    self.cloud.client("sts").get_caller_identity()
                    continue
                answer = self.refused("SignatureDoesNotMatch", self.cloud.client("sts").get_caller_identity)
                self.assertIn("Signature expired" if offset > 0 else "Signature not yet current", answer["Error"]["Message"])
                self.assertIn("date", answer["ResponseMetadata"]["HTTPHeaders"])
                self.refused("RequestTimeTooSkewed", self.cloud.client("s3").list_buckets)
                self.refused("RequestExpired", self.cloud.client("ec2").describe_vpcs)
                self.refused("InvalidSignatureException", self.cloud.client("ecr").describe_repositories)

    def test_clock_stamps_resources(self) -> None:
        self.cloud.control("POST", "/clock", {"offset": -200})
        iam = self.cloud.client("iam")
        arn = iam.create_open_id_connect_provider(Url="https://example.org")["OpenIDConnectProviderArn"]
        created = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)["CreateDate"].timestamp()
        now = self.cloud.control("GET", "/clock")["now"]
        self.assertAlmostEqual(created, now, delta=20)

    def test_presigned(self) -> None:
        sts = self.cloud.client("sts")
        url = sts.generate_presigned_url("get_caller_identity", ExpiresIn=60, HttpMethod="GET")
        with urllib.request.urlopen(url) as answer:
            self.assertIn(b"<Account>123456789012</Account>", answer.read())
        self._refused_url(url.replace("X-Amz-Signature=", "X-Amz-Signature=0"), b"SignatureDoesNotMatch")
        self.cloud.control("POST", "/clock", {"offset": 100})
        self._refused_url(url, b"Signature expired")
        s3 = self.cloud.client("s3", signature_version="s3v4")
        self.cloud.control("POST", "/clock", {"offset": 0})
        s3.create_bucket(Bucket="bucket-one")
        s3.put_object(Bucket="bucket-one", Key="a b/+ü", Body=b"hello")
        with urllib.request.urlopen(s3.generate_presigned_url("get_object", Params={"Bucket": "bucket-one", "Key": "a b/+ü"})) as answer:
            self.assertEqual(answer.read(), b"hello")

    def _refused_url(self, url: str, text: bytes) -> None:
        with self.assertRaises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(url)
        with caught.exception as error:
            self.assertIn(text, error.read())

    def _signed(self, path: str, service: str, *, body: bytes = b"", method: str = "GET", send: bytes | None = None,
                extra: dict[str, str] | None = None, unsigned: dict[str, str] | None = None) -> Answer:
        """Sign by hand and send, maybe something else than was signed."""
        headers = {"x-amz-content-sha256": hashlib.sha256(body).hexdigest(), **(extra or {})}
        request = AWSRequest(method, self.cloud.aws + path, data=body, headers=headers)
        SigV4Auth(Credentials(ACCESS_KEY, SECRET_KEY), service, "us-east-1").add_auth(request)
        return call(self.cloud.aws, method, path, body if send is None else send,
                    {"Host": self.cloud.aws.removeprefix("http://"), **dict(request.headers.items()), **(unsigned or {})})

    def test_path_encoded_twice(self) -> None:
        path = "/clusters/c/access-entries/arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fr"
        self.assertNotIn(b"Signature", self._signed(path, "eks").body)
        record = self.cloud.log()[-1]
        self.assertEqual(record["operation"], "DescribeAccessEntry")
        self.assertIn("arn:aws:iam::123456789012:role/r", record["resources"])

    def test_body_changed_on_the_way(self) -> None:
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        body = b"Action=ListRoles&Version=2010-05-08"
        self.assertEqual(self._signed("/", "iam", method="POST", body=body, extra=form).status, 200)
        spoilt = self._signed("/", "iam", method="POST", body=body, send=body + b"&PathPrefix=/x/", extra=form)
        self.assertIn(b"SignatureDoesNotMatch", spoilt.body)

    def test_s3_payload_hash(self) -> None:
        self.cloud.client("s3").create_bucket(Bucket="bucket-one")
        spoilt = self._s3_put(hashlib.sha256(b"one").hexdigest(), b"two")
        self.assertIn(b"XAmzContentSHA256Mismatch", spoilt.body)
        self.assertEqual(self._s3_put(hashlib.sha256(b"one").hexdigest(), b"one").status, 200)

    def _s3_put(self, declared: str, body: bytes) -> Answer:
        from botocore.auth import S3SigV4Auth

        request = AWSRequest("PUT", self.cloud.aws + "/bucket-one/key", data=body, headers={"X-Amz-Content-SHA256": declared})
        request.context["payload_signing_enabled"] = True
        signer = S3SigV4Auth(Credentials(ACCESS_KEY, SECRET_KEY), "s3", "us-east-1")
        signer.payload = lambda _: declared  # type: ignore[method-assign]
        signer.add_auth(request)
        return call(self.cloud.aws, "PUT", "/bucket-one/key", body,
                    {"Host": self.cloud.aws.removeprefix("http://"), **dict(request.headers.items())})

    def test_amz_headers_must_be_signed(self) -> None:
        answer = self._signed("/", "s3", unsigned={"x-amz-expected-bucket-owner": "123456789012"})
        self.assertEqual(answer.status, 403)
        self.assertIn(b"not signed", answer.body)

    def test_query_signed_in_any_spelling(self) -> None:
        """AWS decodes and encodes again: a client may send what it likes as long as it signs the canonical form."""
        self.assertEqual(self._signed("/?prefix=a%2Db", "s3").status, 403, "botocore signs a%2Db as it stands, AWS signs a-b")
        self.assertEqual(self._signed("/?prefix=a-b", "s3").status, 200)


class NoVerify(SandboxTest):
    options = {"verify": False}

    def test_anything_goes(self) -> None:
        client = self.cloud.client("sts", access_key="AKIAWHOEVER", secret="whatever")
        self.assertEqual(client.get_caller_identity()["Account"], "123456789012")
        other = self.cloud.client("sts", access_key=OTHER_ACCESS_KEY, secret="whatever")
        self.assertEqual(other.get_caller_identity()["Account"], OTHER_ACCOUNT)


if __name__ == "__main__":
    unittest.main()
