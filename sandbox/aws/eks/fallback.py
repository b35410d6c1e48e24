"""What a cluster shows when no Kubernetes API server runs in this process: well-formed, but nobody answers."""
from __future__ import annotations

ENDPOINT = "https://127.0.0.1:9"
# A certificate whose key was thrown away.
CERTIFICATE = b"""\
-----BEGIN CERTIFICATE-----
MIIBLTCB1KADAgECAgEBMAoGCCqGSM49BAMCMBUxEzARBgNVBAMMCmt1YmVybmV0
ZXMwIBcNMjAwMTAxMDAwMDAwWhgPMjEyMDAxMDEwMDAwMDBaMBUxEzARBgNVBAMM
Cmt1YmVybmV0ZXMwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQLM9DMSNsB/vd/
hJOTChWFhEiSVo/8WbI2IkMlpk80x1NCwac6z/G+eGd2gf+tZWYkQ/Hedk3+cPn3
+pYc3YJzoxMwETAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0gAMEUCIQCP
0UnbeWQuWUvvtoKP5XXTvVsUrY3+ZWvgxonyLReOBwIgc/Gsf502fsiLdIS417vb
FzPmeBkNbLEXF0CL9j+7M1g=
-----END CERTIFICATE-----
"""
