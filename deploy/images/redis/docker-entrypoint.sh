#!/bin/sh
# As the official image: options or a configuration file alone mean redis-server, and root gives
# its rights away before it starts.
set -e
case "${1:-}" in
  -* | *.conf) set -- redis-server "$@" ;;
esac
if [ "$1" = redis-server ] && [ "$(id -u)" = 0 ]; then
  find . \! -user redis -exec chown redis:redis '{}' +
  exec setpriv --reuid=redis --regid=redis --clear-groups --no-new-privs "$0" "$@"
fi
exec "$@"
