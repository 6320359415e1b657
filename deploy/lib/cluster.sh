# shellcheck shell=bash
# What a provisioner has made in the engine, found by its labels and by nothing else.

# tenant_things KIND CLUSTER: ids of this cluster's containers, networks or volumes that belong to a
# tenant (the shared servers carry the cluster's label too, but no tenant's).
tenant_things() {
  local filters=(--filter "label=io.rp9.cluster=$2" --filter label=io.rp9.tenant)
  case "$1" in
    container) docker container ls -aq "${filters[@]}" ;;
    *) docker "$1" ls -q "${filters[@]}" ;;
  esac
}

# remove_tenants CLUSTER [keep-data]
remove_tenants() {
  local ids
  mapfile -t ids < <(tenant_things container "$1")
  [ "${#ids[@]}" -eq 0 ] || docker rm -f -v "${ids[@]}" >/dev/null
  mapfile -t ids < <(tenant_things network "$1")
  [ "${#ids[@]}" -eq 0 ] || remove_networks "${ids[@]}"
  [ "${2:-}" != keep-data ] || return 0
  mapfile -t ids < <(tenant_things volume "$1")
  [ "${#ids[@]}" -eq 0 ] || docker volume rm -f "${ids[@]}" >/dev/null
  # The engine's note of which record drives it goes with the record.
  docker volume rm -f "rp9-$1-record" >/dev/null
}

# A shared server that is still attached is let go of first; the engine refuses otherwise.
remove_networks() {
  local network container
  for network in "$@"; do
    for container in $(docker network inspect -f '{{range $id, $_ := .Containers}}{{$id}} {{end}}' "$network"); do
      docker network disconnect -f "$network" "$container"
    done
    docker network rm "$network" >/dev/null
  done
}
