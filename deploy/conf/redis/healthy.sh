#!/bin/sh
# The password goes by environment: redis-cli's own option would show it in the process list.
REDISCLI_AUTH="$(cat "$RP9_PASSWORD_FILE")" redis-cli --user rp9 --no-auth-warning ping | grep -q PONG
