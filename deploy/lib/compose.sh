# shellcheck shell=bash
# Docker Compose as a plugin of the Docker client, built from its Go module where it is absent.

COMPOSE_VERSION=v2.40.3
COMPOSE_PLUGIN="${DOCKER_CONFIG:-$HOME/.docker}/cli-plugins/docker-compose"

ensure_compose() {
  docker compose version >/dev/null 2>&1 && return 0
  locked compose install_compose
  docker compose version >/dev/null 2>&1 || die "the Compose plugin does not run"
}

install_compose() {
  local binary="$CACHE/bin/docker-compose-$COMPOSE_VERSION"
  if [ ! -x "$binary" ]; then
    log "building Docker Compose $COMPOSE_VERSION (about a minute)"
    quietly compose build_go "$DEPLOY/images/compose" github.com/docker/compose/v2/cmd "$binary" \
      "-X github.com/docker/compose/v2/internal.Version=$COMPOSE_VERSION"
  fi
  mkdir -p "$(dirname "$COMPOSE_PLUGIN")"
  ln -sf "$binary" "$COMPOSE_PLUGIN"
}

# build_go MODULE_DIR PACKAGE OUTPUT LDFLAGS: builds a program that the wrapper module requires.
# -mod=readonly: what go.sum does not pin is refused.
build_go() {
  (
    cd "$1" || exit
    CGO_ENABLED=0 GOFLAGS=-buildvcs=false go build -mod=readonly -trimpath \
      -ldflags "-s -w $4" -o "$3.part" "$2"
    mv "$3.part" "$3"
  )
}
