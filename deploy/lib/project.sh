# shellcheck shell=bash
# Which deployment is meant: its name, ports, cluster and state. Environment first, then deploy/.env,
# then the defaults (the same as in compose.yml).

load_env_file "$DEPLOY/.env"

export RP9_PROJECT="${RP9_PROJECT:-rp9}"
[[ "$RP9_PROJECT" =~ ^[a-z0-9][a-z0-9-]*$ ]] || die "RP9_PROJECT=$RP9_PROJECT: lower-case letters, digits and dashes only"
export RP9_API_PORT="${RP9_API_PORT:-8080}" RP9_EDGE_PORT="${RP9_EDGE_PORT:-8000}"
export TENANT_DOMAIN="${TENANT_DOMAIN:-localhost}"
# How many n8ns there are for tenants to share.
export SHARED_INSTANCES="${SHARED_INSTANCES:-1}"
[[ "$SHARED_INSTANCES" =~ ^[0-9]$ ]] || die "SHARED_INSTANCES=$SHARED_INSTANCES: a number from 0 to 9"
export RP9_STATE="$DEPLOY/.state/$RP9_PROJECT"

# One cluster each, since it is by the cluster's label that down finds what is to go.
if [ "$RP9_PROJECT" = rp9 ]; then
  export CLUSTER_ID="${CLUSTER_ID:-local}"
  LOCAL_ENV="$DEPLOY/local.env"
else
  export CLUSTER_ID="${CLUSTER_ID:-$RP9_PROJECT}"
  LOCAL_ENV="$RP9_STATE/local.env"
fi
export LOCAL_ENV

# The compose file does not parse without these, whatever is asked of it.
compose() {
  RP9_DOCKER_SOCKET="$(docker_socket)" || return 1
  RP9_DOCKER_GID="$(stat -c %g "$RP9_DOCKER_SOCKET" 2>/dev/null || echo 0)"
  export RP9_DOCKER_SOCKET RP9_DOCKER_GID
  docker compose -f "$DEPLOY/compose.yml" --env-file "$DEPLOY/images/pins" "$@"
}
