"""kubectl against a cluster of the sandbox.

    cluster = open_cluster(cloud, "mlops")              # without EKS: no CreateCluster, everybody of the account is admin
    answer = kubectl(cloud, "mlops", "get", "namespaces")
    path = kubeconfig(cloud, "mlops", folder)           # for any other client

A cluster that EKS made is there as soon as DescribeCluster says ACTIVE.
"""
from __future__ import annotations

import base64
import json
import os
import ssl
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from .sandbox import ACCESS_KEY, SECRET_KEY, Sandbox

REGION = "us-east-1"


def open_cluster(cloud: Sandbox, name: str, **settings: Any) -> dict[str, Any]:
    """Make a cluster by the control URL; settings: nodes, region, account."""
    return cloud.control("POST", "/kubernetes/clusters", {"name": name, **settings})


def cluster_of(cloud: Sandbox, name: str) -> dict[str, Any]:
    """Endpoint, certificate authority and all objects."""
    return cloud.control("GET", f"/kubernetes/clusters?name={name}")["clusters"][0]


def token(cluster: str, *, access_key: str = ACCESS_KEY, secret: str = SECRET_KEY, session_token: str | None = None, region: str = REGION,
          expires: int = 60) -> str:
    """A bearer token as `aws eks get-token` makes it."""
    from botocore.auth import SigV4QueryAuth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    request = AWSRequest("GET", f"https://sts.{region}.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15",
                         headers={"x-k8s-aws-id": cluster})
    SigV4QueryAuth(Credentials(access_key, secret, session_token), "sts", region, expires=expires).add_auth(request)
    return encode_token(request.url)


def encode_token(url: str) -> str:
    return "k8s-aws-v1." + base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")


def kubeconfig(cloud: Sandbox, cluster: str, folder: str | Path, *, user: dict[str, Any] | None = None) -> Path:
    """Write a kubeconfig; the token comes from `aws eks get-token` unless `user` says otherwise ({"token": ...})."""
    known = cluster_of(cloud, cluster)
    environment = [{"name": name, "value": value} for name, value in cloud.environment().items() if name.startswith("AWS_")]
    exec_ = {"apiVersion": "client.authentication.k8s.io/v1beta1", "command": sys.executable, "interactiveMode": "Never", "env": environment,
             "args": ["-m", "awscli", "eks", "get-token", "--cluster-name", cluster, "--region", known["region"], "--output", "json"]}
    document = {
        "apiVersion": "v1", "kind": "Config", "current-context": cluster,
        "clusters": [{"name": cluster, "cluster": {"server": known["endpoint"],
                                                   "certificate-authority-data": known["certificate_authority_data"]}}],
        "users": [{"name": "user", "user": user or {"exec": exec_}}],
        "contexts": [{"name": cluster, "context": {"cluster": cluster, "user": "user"}}]}
    path = Path(folder) / "kubeconfig"
    path.write_text(json.dumps(document))
    path.chmod(0o600)
    return path


def kubectl(cloud: Sandbox, cluster: str, *arguments: str, stdin: str = "", check: bool = True,
            user: dict[str, Any] | None = None) -> subprocess.CompletedProcess[str]:
    """Run kubectl with a ready token; raises with its stderr unless `check` is False."""
    with tempfile.TemporaryDirectory() as folder:
        path = kubeconfig(cloud, cluster, folder, user=user or {"token": token(cluster)})
        environment = {**os.environ, "KUBECONFIG": str(path), "HOME": folder, "NO_PROXY": "127.0.0.1,localhost"}
        done = subprocess.run(["kubectl", *arguments], input=stdin, capture_output=True, text=True, timeout=60, env=environment, check=False)
    if check and done.returncode:
        raise AssertionError(f"kubectl {' '.join(arguments)}: {done.stderr}{done.stdout}")
    return done


class Api:
    """Raw HTTPS to a cluster: `api(method, path, body) -> (status, document)`."""

    def __init__(self, cloud: Sandbox, cluster: str, *, bearer: str | None = None) -> None:
        known = cluster_of(cloud, cluster)
        self._endpoint = known["endpoint"]
        self._bearer = token(cluster) if bearer is None else bearer
        context = ssl.create_default_context(cadata=known["certificate_authority"])
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))

    def open(self, method: str, path: str, body: Any = None, content_type: str = "application/json", **headers: str) -> Any:
        """The answer as urllib gives it, also for errors; a str or bytes body goes as it is."""
        data = body.encode() if isinstance(body, str) else body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        sent = {"Content-Type": content_type, "User-Agent": "test/1", **headers}
        if self._bearer:
            sent["Authorization"] = f"Bearer {self._bearer}"
        request = urllib.request.Request(self._endpoint + path, data, sent, method=method)
        try:
            return self._opener.open(request, timeout=30)
        except urllib.error.HTTPError as error:
            return error

    def __call__(self, method: str, path: str, body: Any = None, content_type: str = "application/json", **headers: str) -> tuple[int, Any]:
        with self.open(method, path, body, content_type, **headers) as answer:
            text = answer.read()
            return answer.status, json.loads(text) if text.startswith(b"{") else text.decode()

    def apply(self, path: str, document: Any, *, manager: str = "mlopsd", **query: str) -> tuple[int, Any]:
        """Server-side apply."""
        text = "&".join([f"fieldManager={manager}", "fieldValidation=Strict", *(f"{name}={value}" for name, value in query.items())])
        return self("PATCH", f"{path}?{text}", document, "application/apply-patch+yaml")
