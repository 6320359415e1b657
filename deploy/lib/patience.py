"""Waiting for what takes long: requests that outlast a restart, and operations until they have ended."""

import sys
import time

import rp9api

# A cold n8n migrates its database on two busy cores: minutes, not seconds.
PATIENCE = 900
ENDED_WELL = "succeeded"
ENDED_BADLY = ("rolled_back", "stuck")


def watch(operation_id):
    """Follows an operation, telling each step as it changes, until it has ended."""
    told, deadline = {}, time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        operation = patiently("GET", f"/operations/{operation_id}")[0]["data"]
        for position, step in enumerate(operation["steps"]):
            tell(step, position, told)
        if operation["status"] == ENDED_WELL or operation["status"] in ENDED_BADLY:
            return operation
        time.sleep(1)
    raise SystemExit(f"operation {operation_id} has not ended within {PATIENCE} s")


def tell(step, position, told):
    """Prints a step when what is known of it has changed."""
    state = (step["status"], step["attempts"], step.get("error"))
    if told.get(position) == state:
        return
    told[position] = state
    again = f", attempt {step['attempts']}" if step["attempts"] > 1 else ""
    # A step that succeeded in the end still shows its last failure: no news then.
    failed = step.get("error") if step["status"] != "succeeded" else None
    why = f": {failed['detail']}" if failed else ""
    say(f"  {step['name']}: {step['status']}{again}{why}")


def patiently(*arguments):
    """A request that outlasts a restart or a rate limit, but no refusal."""
    deadline = time.monotonic() + 60
    while True:
        try:
            return rp9api.request(*arguments)
        except rp9api.ApiError as error:
            if error.status not in (0, 429, 502, 503, 504) or time.monotonic() > deadline:
                raise
            time.sleep(1)


def say(text):
    print(f"    {text}", file=sys.stderr, flush=True)
