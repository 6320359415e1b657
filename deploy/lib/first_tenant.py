"""Makes the first dedicated tenant and writes deploy's local.env. Run by up; running it twice makes one.

Environment: RP9_URL, RP9_JWT_SECRET_FILE, RP9_HMAC_SECRET_FILE, LOCAL_ENV (the file to write).
Progress goes to stderr; stdout is a shell script for up: TENANT_STATUS, TENANT_URL, OWNER_EMAIL, OWNER_PASSWORD.
"""

import os
import shlex
import sys
import time

import rp9api
from patience import ENDED_WELL, patiently, say, watch

TENANT = {
    "name": "Acme",
    "email": "owner@acme.example",
    "subdomain": "acme",
    "mode": "dedicated",
    "plan": "pro",
}
# Fixed: a second run, or one after a crash, is answered with the first run's tenant. The number only
# rises past attempts that are known to have failed and were rolled back.
KEY = "deploy-first-tenant-{}"
ATTEMPTS = 5
# It is made, whatever somebody has done with it since.
MADE = ("active", "suspended", "migrating")


def main():
    tenant = find_tenant()
    if tenant is None or tenant["status"] not in MADE:
        create()
        tenant = await_made()
    write_local_env(tenant)
    report(tenant)


def find_tenant():
    """The tenant as the API shows it, or None."""
    try:
        answer = patiently("GET", f"/tenants/{TENANT['subdomain']}")[0]
    except rp9api.ApiError as error:
        if error.status == 404:
            return None
        raise
    return answer["data"]["tenant"] | {"status": answer["data"]["status"]}


def create():
    """Asks for the tenant and watches the operation to a good end."""
    for attempt in range(1, ATTEMPTS + 1):
        answer, replayed = patiently("POST", "/tenants", TENANT, KEY.format(attempt))
        answer = answer.get("data", answer)
        say(f"tenant {answer['tenant_id']}: operation {answer['operation_id']}")
        operation = watch(answer["operation_id"])
        if operation["status"] == ENDED_WELL:
            return
        if not replayed or operation["status"] == "stuck":
            raise SystemExit(f"the tenant could not be made: {operation['status']}: {operation.get('error')}")
        say("that was an earlier attempt, which failed; trying anew")
    raise SystemExit(f"{ATTEMPTS} earlier attempts have failed; see GET /operations")


def await_made():
    """The operation is over; the tenant's row says so at once or something is wrong."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        tenant = find_tenant()
        if tenant and tenant["status"] in MADE:
            return tenant
        time.sleep(1)
    raise SystemExit("the operation succeeded but the tenant is not there")


def write_local_env(tenant):
    """For shells and tests: everything needed to speak to this deployment."""
    values = {
        "RP9_URL": os.environ["RP9_URL"],
        "RP9_TOKEN": rp9api.token("local-operator", "admin"),
        "RP9_JWT_SECRET": rp9api.secret("RP9_JWT_SECRET"),
        "RP9_HMAC_SECRET": rp9api.secret("RP9_HMAC_SECRET"),
        "RP9_ROLE": "admin",
        "RP9_TENANT_ID": tenant["id"],
        "RP9_TENANT_URL": tenant["login_url"],
    }
    path = os.environ["LOCAL_ENV"]
    draft = os.open(path + ".part", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(draft, "w", encoding="utf-8") as file:
        file.writelines(f"{name}={shlex.quote(value)}\n" for name, value in values.items())
    os.replace(path + ".part", path)


def report(tenant):
    """The owner's first login is shown as long as the control plane still has it."""
    try:
        login = patiently("GET", f"/tenants/{tenant['id']}/initial-login")[0]["data"]
    except rp9api.ApiError as error:
        if error.status not in (404, 409, 410):
            raise
        login = {"email": "", "password": ""}
    for name, value in (
        ("TENANT_STATUS", tenant["status"]),
        ("TENANT_URL", tenant["login_url"]),
        ("OWNER_EMAIL", login["email"]),
        ("OWNER_PASSWORD", login["password"]),
    ):
        print(f"{name}={shlex.quote(value)}")


if __name__ == "__main__":
    try:
        main()
    except rp9api.ApiError as problem:
        sys.exit(f"the API refused: {problem}")
