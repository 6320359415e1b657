# shellcheck shell=bash
# Can public images be pulled? Asked once an hour, since a closed network answers slowly.

# RP9_REGISTRY=yes|no says so without asking.
registry_reachable() {
  local memory="$CACHE/registry"
  case "${RP9_REGISTRY:-}" in
    yes) return 0 ;;
    no) return 1 ;;
  esac
  if [ -z "$(find "$memory" -mmin -60 2>/dev/null)" ]; then
    ask_registry >"$memory.part"
    mv "$memory.part" "$memory"
    log "container registry reachable: $(cat "$memory")"
  fi
  [ "$(cat "$memory")" = yes ]
}

# Any HTTP answer of the registry's own protocol will do: without credentials it is a 401.
ask_registry() {
  local status
  status="$(curl -s -o /dev/null -m 5 -w '%{http_code}' https://registry-1.docker.io/v2/ || true)"
  case "$status" in
    200 | 401) echo yes ;;
    *) echo no ;;
  esac
}
