# shellcheck shell=bash
# Debian packages, installed only where the command they bring is missing.

declare -A PACKAGE_OF=(
  [dockerd]=docker.io [ip]=iproute2 [iptables]=iptables [nft]=nftables [debootstrap]=debootstrap
  [strip]=binutils [curl]=curl [unzip]=unzip [protoc]=protobuf-compiler
  [busybox]=busybox-static
)

# ensure_commands COMMAND…
ensure_commands() {
  local command missing=()
  for command in "$@"; do
    PATH="$PATH:/usr/sbin:/sbin" command -v "$command" >/dev/null && continue
    missing+=("${PACKAGE_OF[$command]:-$command}")
  done
  [ "${#missing[@]}" -gt 0 ] || return 0
  command -v apt-get >/dev/null || die "missing: ${missing[*]} (and this is no Debian to install them on)"
  log "installing ${missing[*]}"
  locked apt install_packages "${missing[@]}"
}

install_packages() {
  quietly apt-update as_root apt-get update -q
  quietly apt-install as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -q -y --no-install-recommends "$@"
}
