"""Makes the n8ns that tenants share. Run by up; running it twice makes them once.

Environment: RP9_URL, RP9_JWT_SECRET_FILE, RP9_HMAC_SECRET_FILE, SHARED_INSTANCES (how many there are to be). One more than that is left alone.
Progress goes to stderr.
"""

import json
import os
import sys
import time
import uuid

import rp9api
from patience import ENDED_WELL, PATIENCE, patiently, say, watch

GONE = ("failed", "deleting", "deleted")
# What this machine cannot hold is no reason to be without a platform.
NO_PLACE = ("no_room", "plan_too_large")


def main():
    for number in range(1, int(os.environ["SHARED_INSTANCES"]) + 1):
        ensure(f"shared-{number}")


def ensure(name):
    """One that takes tenants, or is known not to have room here."""
    if find(name) is None and not create(name):
        return
    await_up(name)


def find(name):
    """The one of this name that is there, or is to be."""
    listed = patiently("GET", "/shared-instances")[0]["data"]
    return next((one for one in listed if one["name"] == name and one["state"] not in GONE), None)


def create(name):
    """Asks for it and watches the operation to a good end. False: there is no room."""
    try:
        made = patiently("POST", "/shared-instances", {"name": name}, str(uuid.uuid4()))[0]
    except rp9api.ApiError as error:
        code = code_of(error)
        if code in NO_PLACE:
            say(f"no n8n to be shared is made: {error}")
            return False
        # Somebody else was faster.
        if code == "subdomain_taken" and find(name):
            return True
        raise
    say(f"{name} is {made['id']}: operation {made['operation_id']}")
    operation = watch(made["operation_id"])
    if operation["status"] != ENDED_WELL:
        raise SystemExit(f"{name} could not be made: {operation['status']}: {operation.get('error')}")
    return True


def code_of(error):
    try:
        return json.loads(error.problem)["code"]
    except (ValueError, KeyError, TypeError):
        return None


def await_up(name):
    """An earlier run may have left it in the making."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        instance = find(name)
        if instance is None:
            raise SystemExit(f"{name} could not be made; see GET /shared-instances")
        if instance["state"] != "provisioning":
            return
        time.sleep(1)
    raise SystemExit(f"{name} is not up within {PATIENCE} s")


if __name__ == "__main__":
    try:
        main()
    except rp9api.ApiError as problem:
        sys.exit(f"the API refused: {problem}")
