"""The control plane's HTTP API for scripts: tokens, signatures, requests. Standard library only.

By hand, with the environment that `up` leaves in deploy/local.env:

    python3 deploy/lib/rp9api.py GET /tenants
    python3 deploy/lib/rp9api.py POST /tenants '{"name": "Acme", …}'

Secrets come by environment, RP9_JWT_SECRET and RP9_HMAC_SECRET or files that …_FILE name. Never as arguments.
"""

import base64
import hashlib
import hmac
import json
import os
import sys
import time
import urllib.error
import urllib.request
import uuid

AUDIENCE = "rp9-orchestrator"


class ApiError(Exception):
    """An answer other than success; `status` is 0 when there was none."""

    def __init__(self, status, problem):
        super().__init__(f"HTTP {status}: {problem}")
        self.status = status
        self.problem = problem


def secret(name):
    """The secret NAME, or the one in the file that NAME_FILE points to."""
    if name in os.environ:
        return os.environ[name]
    with open(os.environ[f"{name}_FILE"], encoding="utf-8") as file:
        return file.read().strip()


def token(subject, role, lifetime=86400):
    """A JWT as the gateway asks for it: HS256, audience and end of validity set."""
    now = int(time.time())
    claims = {"sub": subject, "role": role, "aud": AUDIENCE, "iat": now, "exp": now + lifetime}
    signed = f"{_part({'alg': 'HS256', 'typ': 'JWT'})}.{_part(claims)}"
    mac = hmac.digest(secret("RP9_JWT_SECRET").encode(), signed.encode(), "sha256")
    return f"{signed}.{_base64url(mac)}"


def signature(method, path, body, timestamp, idempotency_key=""):
    """The v2 signature: binds time, method, path with query, body and idempotency key."""
    digest = hashlib.sha256(body).hexdigest()
    message = "\n".join([timestamp, method, path, digest, idempotency_key])
    mac = hmac.new(secret("RP9_HMAC_SECRET").encode(), message.encode(), "sha256")
    return f"v2={mac.hexdigest()}"


def request(method, path, payload=None, idempotency_key="", timeout=30):
    """Sends a signed request; returns (decoded answer, whether it was replayed) or raises ApiError."""
    body = b"" if payload is None else json.dumps(payload).encode()
    timestamp = str(int(time.time()))
    headers = {
        "Authorization": f"Bearer {token('deploy', 'admin', 300)}",
        "x-rp9-timestamp": timestamp,
        "x-rp9-signature": signature(method, path, body, timestamp, idempotency_key),
    }
    if payload is not None:
        headers["Content-Type"] = "application/json"
    if idempotency_key:
        headers["Idempotency-Key"] = idempotency_key
    outgoing = urllib.request.Request(
        os.environ["RP9_URL"] + path, data=body or None, headers=headers, method=method
    )
    try:
        with urllib.request.urlopen(outgoing, timeout=timeout) as answer:
            replayed = answer.headers.get("Idempotency-Replayed", "").lower() == "true"
            return json.loads(answer.read() or b"null"), replayed
    except urllib.error.HTTPError as error:
        raise ApiError(error.code, error.read().decode(errors="replace")) from None
    except (urllib.error.URLError, OSError) as error:
        raise ApiError(0, str(error)) from None


def _part(value):
    return _base64url(json.dumps(value, separators=(",", ":")).encode())


def _base64url(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def main(method, path, payload=None):
    """Sends one request and prints the answer; a fresh idempotency key makes each run a request of its own."""
    key = "" if method == "GET" else str(uuid.uuid4())
    try:
        answer, _ = request(method, path, None if payload is None else json.loads(payload), key)
    except ApiError as error:
        sys.exit(str(error))
    print(json.dumps(answer, indent=2))


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    main(*sys.argv[1:])
