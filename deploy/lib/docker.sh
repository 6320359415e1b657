# shellcheck shell=bash
# A Docker engine: the one that answers, or one started by hand and remembered.

DOCKERD_PID_FILE="$CACHE/dockerd.pid"
# BuildKit needs the buildx plugin; clients without it still carry the classic builder.
if ! docker buildx version >/dev/null 2>&1; then export DOCKER_BUILDKIT=0; fi

docker_answers() { timeout 10 docker version --format '{{.Server.Version}}' >/dev/null 2>&1; }

ensure_docker() {
  docker_answers && return 0
  ensure_commands docker
  docker_answers && return 0
  [ -z "${DOCKER_HOST:-}" ] || die "no Docker engine answers at DOCKER_HOST=$DOCKER_HOST"
  ensure_commands dockerd ip iptables
  # Installing the package may have started it, where there is an init to do so.
  docker_answers || locked dockerd start_dockerd
}

start_dockerd() {
  local attempt
  docker_answers && return 0
  log "starting dockerd (log: $LOGS/dockerd.log)"
  # A session of its own, so that Ctrl-C in up does not take the engine down with it; and
  # without our lock's descriptor, which would otherwise be held for as long as it runs.
  as_root env PATH="$PATH:/usr/sbin:/sbin" setsid nohup dockerd >>"$LOGS/dockerd.log" 2>&1 </dev/null 9>&- &
  for attempt in $(seq 60); do
    if docker_answers; then
      as_root cat /var/run/docker.pid >"$DOCKERD_PID_FILE"
      log "dockerd answers after ${attempt} s"
      return 0
    fi
    sleep 1
  done
  tail -n 20 "$LOGS/dockerd.log" >&2
  die "dockerd did not come up"
}

# An engine that answers may still be unable to start anything (cgroups, seccomp, oom score).
check_docker_runs() {
  docker run --rm --network none --entrypoint /bin/true "$1" ||
    die "the Docker engine answers but cannot run a container; see $LOGS/dockerd.log"
}

# Stops the engine only if start_dockerd above is where it came from.
stop_our_docker() {
  local pid
  [ -f "$DOCKERD_PID_FILE" ] || return 0
  pid="$(cat "$DOCKERD_PID_FILE")"
  if [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = dockerd ]; then
    log "stopping the dockerd that up started (pid $pid)"
    as_root kill "$pid"
    timeout 60 tail --pid="$pid" -f /dev/null || die "dockerd $pid does not stop"
  fi
  rm -f "$DOCKERD_PID_FILE"
}

docker_socket() {
  local host="${DOCKER_HOST:-unix:///var/run/docker.sock}"
  case "$host" in
    unix://*) printf '%s\n' "${host#unix://}" ;;
    *) die "the provisioner is given the engine's socket, and DOCKER_HOST=$host is none" ;;
  esac
}
