#!/bin/sh
# Redis with its users in a file it may rewrite itself (ACL SAVE): the provisioner adds one user for
# each tenant. The administrator's line and the gateway's are made anew at each start from the secrets' hashes.
set -eu

acl=/data/users.acl
hash_of() { tr -d '\n' <"$1" | sha256sum | cut -d' ' -f1; }
rp9="$(hash_of "$RP9_PASSWORD_FILE")"
gateway="$(hash_of "$RP9_GATEWAY_PASSWORD_FILE")"
{
  if [ -f "$acl" ]; then grep -v -e '^user default ' -e '^user rp9 ' -e '^user gateway ' "$acl" || true; fi
  # Nobody can log in as the default user, off and without a password. It keeps its rights because Redis loads its log as this user:
  # without them everything that a script wrote, each queued job, is dropped at the next start (redis/redis#14541).
  echo 'user default off resetpass ~* &* +@all'
  echo "user rp9 on #$rp9 ~* &* +@all"
  # Counts requests with one script (crates/gateway/src/rates/count.lua), under keys of its own.
  echo "user gateway on #$gateway ~rates:* resetchannels -@all +evalsha +script|load +get +incr +pttl +pexpire"
} >"$acl.part"
chmod 0600 "$acl.part"
mv "$acl.part" "$acl"

# Losing a queue makes n8n give up the executions in it: everything is logged to disk, and a full
# memory refuses writes rather than dropping keys.
exec redis-server --dir /data --aclfile "$acl" --appendonly yes --appendfsync everysec \
  --maxmemory "${REDIS_MAXMEMORY:-512mb}" --maxmemory-policy noeviction --save '' "$@"
