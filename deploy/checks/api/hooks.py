"""What Schemathesis does not know of this API: how its requests prove who is asking, and what its errors promise."""

import base64
import hashlib
import hmac
import json
import os
import re
import time

import requests
import schemathesis

AUDIENCE = "rp9-orchestrator"
# RFC 6901, section 3: nothing, or steps whose tildes are escaped.
POINTER = re.compile(r"(/([^~/]|~[01])*)*")
READS = ("GET", "HEAD", "OPTIONS", "TRACE")


def _base64url(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _token():
    claims = {"sub": "fuzz", "role": os.environ["RP9_ROLE"], "aud": AUDIENCE, "exp": int(time.time()) + 3600}
    parts = ({"alg": "HS256", "typ": "JWT"}, claims)
    message = ".".join(_base64url(json.dumps(part).encode()) for part in parts)
    mac = hmac.digest(os.environ["RP9_JWT_SECRET"].encode(), message.encode(), "sha256")
    return f"{message}.{_base64url(mac)}"


class Proof(requests.auth.AuthBase):
    """Puts a token on each request, and a v2 signature on those that change something, over what is really sent."""

    def __call__(self, request):
        request.headers["Authorization"] = f"Bearer {_token()}"
        if request.method in READS or os.environ["RP9_SIGNED"] == "no":
            return request
        body = request.body or b""
        if isinstance(body, str):
            body = body.encode()
        key = request.headers.get("idempotency-key", "")
        if isinstance(key, bytes):
            key = key.decode("latin-1")
        timestamp = str(int(time.time()))
        digest = hashlib.sha256(body).hexdigest()
        message = "\n".join((timestamp, request.method, request.path_url, digest, key.strip(" \t")))
        mac = hmac.digest(os.environ["RP9_HMAC_SECRET"].encode(), message.encode("latin-1", "replace"), "sha256")
        request.headers["x-rp9-timestamp"] = timestamp
        request.headers["x-rp9-signature"] = f"v2={mac.hex()}"
        return request


schemathesis.auth.set_from_requests(Proof())


@schemathesis.hook
def before_call(ctx, case, **kwargs):
    """Logs that are followed end when somebody hangs up, like all streams: they are asked for without."""
    query = case.query or {}
    values = query.get("follow")
    values = values if isinstance(values, list) else [values]
    if any(str(value).lower() == "true" for value in values):
        query["follow"] = "false"


@schemathesis.check
def errors_are_problems(ctx, response, case):
    """Every error is a document of RFC 9457 that says where, why and under which trace."""
    kind = response.headers.get("content-type", [""])[0]
    if response.status_code < 400 or (response.status_code == 503 and kind == "application/json"):
        return
    assert kind == "application/problem+json", f"an error of type {kind!r}"
    problem = response.json()
    assert problem["type"] == f"urn:rp9:problem:{problem['code']}", problem
    assert problem["status"] == response.status_code, problem
    assert all(isinstance(problem[name], str) and problem[name] for name in ("title", "detail")), problem
    assert re.fullmatch(r"[0-9a-f]{32}", problem["trace_id"]), problem
    errors = problem.get("errors", [])
    assert errors or problem["code"] != "invalid_fields", problem
    for error in errors:
        assert POINTER.fullmatch(error["pointer"]), error
        assert error["code"] and error["detail"], error


# Why a request that fits the description may be refused all the same: what no schema says. Everything else that is
# refused is a fault, of the description or of the parser.
BEYOND_SCHEMAS = {
    "idempotency_key_reused",
    "invalid_cursor",
    "invalid_characters",
    "invalid_domain",
    "invalid_email",
    "invalid_event",
    # Not every month has 31 days, not every name is a time zone's, and how fine a resolution may be depends on the period.
    "invalid_period",
    "invalid_time_zone",
    "too_fine",
    # So many bytes, not characters.
    "invalid_subject",
    "number_too_large",
    "reserved_domain",
    "reserved_subdomain",
    "shared_not_configured",
    "too_large",
    # What is null is not there, and one of several has to be, or no two of them may.
    "nothing_asked_for",
    "contradicts",
    "not_for_this",
    "weight_required",
    "the_same",
    "result_required",
    # What a plan allows is a row; and a moment is in the past or not.
    "out_of_range",
    # Owners' keys name tenants, and others do not.
    "not_narrowed",
    "tenants_required",
    # There are reserved subdomains, and no others can name a tenant.
    "invalid_tenant",
    "unknown_cluster",
    "unknown_plan",
    "unknown_region",
    "unknown_tenant",
}


@schemathesis.check
def fitting_requests_are_accepted(ctx, response, case):
    """What fits the description is refused for reasons alone that a schema cannot give."""
    if response.status_code not in (400, 415, 422) or not (case.meta and case.meta.generation.mode.is_positive):
        return
    problem = response.json()
    reasons = {error["code"] for error in problem.get("errors", [])} or {problem["code"]}
    assert reasons <= BEYOND_SCHEMAS, f"{sorted(reasons - BEYOND_SCHEMAS)}: {problem}"
