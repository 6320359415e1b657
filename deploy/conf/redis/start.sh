#!/bin/sh
# Redis with its users in a file it may rewrite itself (ACL SAVE): the provisioner adds one user for
# each tenant. The administrator's line is made anew at each start from the secret's hash.
set -eu

acl=/data/users.acl
hash="$(tr -d '\n' <"$RP9_PASSWORD_FILE" | sha256sum | cut -d' ' -f1)"
{
  if [ -f "$acl" ]; then grep -v -e '^user default ' -e '^user rp9 ' "$acl" || true; fi
  echo 'user default off resetkeys resetchannels -@all'
  echo "user rp9 on #$hash ~* &* +@all"
} >"$acl.part"
chmod 0600 "$acl.part"
mv "$acl.part" "$acl"

# Losing a queue makes n8n give up the executions in it: everything is logged to disk, and a full
# memory refuses writes rather than dropping keys.
exec redis-server --dir /data --aclfile "$acl" --appendonly yes --appendfsync everysec \
  --maxmemory "${REDIS_MAXMEMORY:-512mb}" --maxmemory-policy noeviction --save '' "$@"
