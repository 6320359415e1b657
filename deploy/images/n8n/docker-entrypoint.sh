#!/bin/sh
# As the official image: arguments are n8n's own (`start`, `worker --concurrency=10`), none is `start`.
exec n8n "$@"
