#!/bin/sh
# As the official image: options and Traefik's own commands need not name the program.
set -e
case "${1:-}" in
  -* | version | healthcheck) set -- traefik "$@" ;;
esac
exec "$@"
