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

# TLS at the edge: tenants' addresses say so by themselves.
export EDGE_TLS="${EDGE_TLS:-off}" RP9_EDGE_TLS_PORT="${RP9_EDGE_TLS_PORT:-8443}"
export ACME_EMAIL="${ACME_EMAIL:-}" ACME_DNS_PROVIDER="${ACME_DNS_PROVIDER:-}" ACME_DNS_RESOLVERS="${ACME_DNS_RESOLVERS:-}"
export ACME_DIRECTORY="${ACME_DIRECTORY:-https://acme-v02.api.letsencrypt.org/directory}"
# What is put into Traefik's settings.
for setting in ACME_EMAIL ACME_DNS_PROVIDER ACME_DNS_RESOLVERS ACME_DIRECTORY; do
  [[ "${!setting}" =~ ^[A-Za-z0-9@:/.,+_~=%?-]*$ ]] || die "$setting=${!setting}: no quotes, spaces or braces"
done
case "$EDGE_TLS" in
  off) ;;
  on)
    export PUBLIC_SCHEME="${PUBLIC_SCHEME:-https}" PUBLIC_PORT="${PUBLIC_PORT:-$RP9_EDGE_TLS_PORT}"
    [ "$PUBLIC_SCHEME" = https ] || die "EDGE_TLS=on and PUBLIC_SCHEME=$PUBLIC_SCHEME: who calls plainly is sent to https"
    ;;
  *) die "EDGE_TLS=$EDGE_TLS: on or off" ;;
esac

# Whether Prometheus and Alertmanager are among the services.
export MONITORING="${MONITORING:-on}"
export RP9_PROMETHEUS_PORT="${RP9_PROMETHEUS_PORT:-9090}" RP9_ALERTMANAGER_PORT="${RP9_ALERTMANAGER_PORT:-9093}"
case "$MONITORING" in
  on) export COMPOSE_PROFILES="monitoring${COMPOSE_PROFILES:+,$COMPOSE_PROFILES}" ;;
  off) ;;
  *) die "MONITORING=$MONITORING: on or off" ;;
esac

# Traces are told to Jaeger (TRACING), and Grafana, Loki and Alloy are there too (OBSERVABILITY), which come as images alone.
export OBSERVABILITY="${OBSERVABILITY:-off}" RP9_GRAFANA_PORT="${RP9_GRAFANA_PORT:-3000}"
export TRACING="${TRACING:-$OBSERVABILITY}" RP9_JAEGER_PORT="${RP9_JAEGER_PORT:-16686}"
case "$TRACING$OBSERVABILITY" in
  offoff) ;;
  onoff) COMPOSE_PROFILES="tracing${COMPOSE_PROFILES:+,$COMPOSE_PROFILES}" ;;
  onon)
    [ "$MONITORING" = on ] || die "OBSERVABILITY=on needs MONITORING=on: dashboards show what Prometheus has seen"
    COMPOSE_PROFILES="observability${COMPOSE_PROFILES:+,$COMPOSE_PROFILES}"
    ;;
  *) die "TRACING=$TRACING, OBSERVABILITY=$OBSERVABILITY: on or off, and the first wherever the second is" ;;
esac
[ "$TRACING" = off ] || OTEL_EXPORTER_OTLP_ENDPOINT="${OTEL_EXPORTER_OTLP_ENDPOINT:-http://jaeger:4318}"
export COMPOSE_PROFILES="${COMPOSE_PROFILES:-}" OTEL_EXPORTER_OTLP_ENDPOINT="${OTEL_EXPORTER_OTLP_ENDPOINT:-}"

# Whether SeaweedFS is among the services: unless backups are kept in an S3 store of the operator's own.
export S3_ENDPOINT="${S3_ENDPOINT:-}" S3_BUCKET="${S3_BUCKET:-rp9-backups}"
if [ -n "$S3_ENDPOINT" ]; then OBJECTS="${OBJECTS:-off}"; else OBJECTS="${OBJECTS:-on}"; fi
case "$OBJECTS" in
  on) [ -z "$S3_ENDPOINT" ] || die "OBJECTS=on and S3_ENDPOINT=$S3_ENDPOINT: backups are kept in one place" ;;
  off) ;;
  *) die "OBJECTS=$OBJECTS: on or off" ;;
esac
[ "$OBJECTS" = off ] || COMPOSE_PROFILES="objects${COMPOSE_PROFILES:+,$COMPOSE_PROFILES}"
# Where they are kept nowhere, none are made.
if [ "$OBJECTS" = off ] && [ -z "$S3_ENDPOINT" ]; then BACKUPS=off; else BACKUPS=on; fi
[ "$BACKUPS" = off ] || COMPOSE_PROFILES="backups${COMPOSE_PROFILES:+,$COMPOSE_PROFILES}"
# Whether what the record's server writes goes there as it is written. Without it there are the dumps of each hour.
export RECORD_WAL="${RECORD_WAL:-$BACKUPS}"
case "$RECORD_WAL" in
  on) [ "$BACKUPS" = on ] || die "RECORD_WAL=on, and no store of backups" ;;
  off) ;;
  *) die "RECORD_WAL=$RECORD_WAL: on or off" ;;
esac
# It is put into SeaweedFS' settings.
[[ "$S3_BUCKET" =~ ^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$ ]] || die "S3_BUCKET=$S3_BUCKET: 3 to 63 lower-case letters, digits, dots and dashes"
# So that gateways refuse them.
if [ "$BACKUPS" = on ]; then RP9_BACKUP_BUCKET="$S3_BUCKET"; else RP9_BACKUP_BUCKET=""; fi
export OBJECTS BACKUPS RP9_BACKUP_BUCKET

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
  RP9_DOCKER_ROOT="$(docker info --format '{{.DockerRootDir}}' 2>/dev/null || true)"
  export RP9_DOCKER_SOCKET RP9_DOCKER_GID RP9_DOCKER_ROOT
  local files=(-f "$DEPLOY/compose.yml")
  [ "$EDGE_TLS" = off ] || files+=(-f "$DEPLOY/tls.yml")
  docker compose "${files[@]}" --env-file "$DEPLOY/images/pins" "$@"
}
