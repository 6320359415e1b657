# shellcheck shell=bash
# What every script here shares: where things are, and how progress is told.

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
DEPLOY="$ROOT/deploy"
# Outside the checkout, so that a fresh clone does not pay for the images again.
CACHE="${RP9_CACHE:-$HOME/.cache/rp9}"
LOGS="$CACHE/logs"
export ROOT DEPLOY CACHE LOGS
mkdir -p "$LOGS" "$CACHE/locks" "$CACHE/bin"

elapsed() {
  local seconds=$((SECONDS - ${1:-0}))
  printf '%dm%02ds' $((seconds / 60)) $((seconds % 60))
}

# Progress goes to stderr: stdout belongs to whoever asked for a value.
log() { printf '[%s] %s\n' "$(elapsed)" "$*" >&2; }
die() {
  printf '[%s] FAILED: %s\n' "$(elapsed)" "$*" >&2
  exit 1
}

# attempt COMMAND…: runs it and leaves its status in $status. The subshell keeps `set -e` at work
# inside the command, which `command || …` would switch off all the way down; for the same reason
# none of the functions below may be called with `||`, `if` or `!` around them.
attempt() {
  set +e
  (
    set -e
    "$@"
  )
  status=$?
  set -e
}

# quietly NAME COMMAND…: runs a long command with its output in a log file; the log's end is
# shown only when it fails, and then the script stops.
quietly() {
  local name="$1" file status
  shift
  file="$LOGS/$name.log"
  attempt "$@" >"$file" 2>&1
  [ "$status" -eq 0 ] && return 0
  tail -n 40 "$file" >&2
  die "$name ended with $status; the whole log is $file"
}

# stage NAME COMMAND…: announces, runs, says how long it took; stops the script on failure.
stage() {
  local name="$1" began=$SECONDS status
  shift
  log "== $name"
  attempt "$@"
  [ "$status" -eq 0 ] || die "$name (after $(elapsed "$began"))"
  log "== $name: done in $(elapsed "$began")"
}

# built_in PROFILE: the folder for what cargo builds in this profile. That of `dev` alone has another name.
built_in() {
  local folder="$1"
  [ "$folder" != dev ] || folder=debug
  printf '%s/%s' "${CARGO_TARGET_DIR:-$ROOT/target}" "$folder"
}

as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n -- "$@"; fi
}

# What is mounted from the checkout is read by services' users, whatever umask it was made with. There is
# no secret in it.
open_conf() { chmod -R a+rX "$DEPLOY/conf"; }

# locked NAME COMMAND…: one at a time on this machine. The lock dies with its holder. The
# command must not leave a daemon behind that inherits the descriptor (close 9 for those).
locked() {
  local name="$1"
  shift
  (
    if ! flock -n 9; then
      log "$name: another run is at it, waiting"
      flock 9
    fi
    "$@"
  ) 9>"$CACHE/locks/$name.lock"
}

# Reads NAME=value lines; what the environment already says wins.
load_env_file() {
  local name value
  [ -f "$1" ] || return 0
  while IFS='=' read -r name value; do
    [[ "$name" =~ ^[A-Z][A-Z0-9_]*$ ]] || continue
    [ -n "${!name+set}" ] || export "$name=$value"
  done <"$1"
}
