# shellcheck shell=bash
# Who is told of alerts: Alertmanager's settings from the deployment's. What is secret stays in files (needs secrets.sh).

# Empty where nothing is told by e-mail.
ALERT_EMAIL_HOST="${ALERT_EMAIL_HOST:-}"
ALERT_EMAIL_TLS="${ALERT_EMAIL_TLS:-starttls}"
ALERT_EMAIL_PORT="${ALERT_EMAIL_PORT:-}"
ALERT_EMAIL_USER="${ALERT_EMAIL_USER:-}"
ALERT_EMAIL_SENDER="${ALERT_EMAIL_SENDER:-}"
ALERT_EMAIL_TO="${ALERT_EMAIL_TO:-}"
# What the runbooks' paths are put behind.
ALERT_RUNBOOKS_URL="${ALERT_RUNBOOKS_URL:-}"

# The secrets: the file that is named, or the one among the keys.
ALERT_SLACK_WEBHOOK_FILE="${ALERT_SLACK_WEBHOOK_FILE:-$KEYS/alert_slack_webhook}"
ALERT_EMAIL_PASSWORD_FILE="${ALERT_EMAIL_PASSWORD_FILE:-$KEYS/alert_email_password}"

slack_is_told() { [ -s "$ALERT_SLACK_WEBHOOK_FILE" ]; }
email_is_told() { [ -n "$ALERT_EMAIL_HOST" ]; }

# Without its end of line; nothing where there is no such file.
alert_secret() { [ ! -s "$1" ] || printf '%s' "$(cat "$1")"; }

# Refuses what cannot be meant, before anything is started with it.
check_alerts() {
  local file setting
  for file in "$ALERT_SLACK_WEBHOOK_FILE" "$ALERT_EMAIL_PASSWORD_FILE"; do
    [[ "$file" = "$KEYS"/* ]] || [ -s "$file" ] || die "$file: no such file, or nothing in it"
  done
  # They are put into quotes, and Alertmanager reads braces as its own.
  for setting in ALERT_EMAIL_HOST ALERT_EMAIL_PORT ALERT_EMAIL_USER ALERT_EMAIL_SENDER ALERT_EMAIL_TO ALERT_RUNBOOKS_URL; do
    [[ ! "${!setting}" =~ [\'\"{}\\[:cntrl:]] ]] || die "$setting=${!setting}: no quotes, backslashes or braces"
  done
  ! email_is_told || check_email
}

check_email() {
  [ -n "$ALERT_EMAIL_SENDER" ] && [ -n "$ALERT_EMAIL_TO" ] || die "ALERT_EMAIL_HOST needs ALERT_EMAIL_SENDER and ALERT_EMAIL_TO"
  case "$ALERT_EMAIL_TLS" in
    starttls | off) ALERT_EMAIL_PORT="${ALERT_EMAIL_PORT:-587}" ;;
    # Alertmanager speaks TLS from the first byte on this port and on no other.
    implicit) ALERT_EMAIL_PORT="${ALERT_EMAIL_PORT:-465}" ;;
    *) die "ALERT_EMAIL_TLS=$ALERT_EMAIL_TLS: starttls, implicit or off" ;;
  esac
  [[ "$ALERT_EMAIL_PORT" =~ ^[0-9]{1,5}$ ]] || die "ALERT_EMAIL_PORT=$ALERT_EMAIL_PORT: a number"
  [ "$ALERT_EMAIL_TLS" = implicit ] && [ "$ALERT_EMAIL_PORT" != 465 ] && die "ALERT_EMAIL_TLS=implicit: on port 465 only"
  [ "$ALERT_EMAIL_TLS" = implicit ] || [ "$ALERT_EMAIL_PORT" != 465 ] || die "ALERT_EMAIL_PORT=465: with ALERT_EMAIL_TLS=implicit only"
  [ -z "$ALERT_EMAIL_USER" ] || [ -s "$ALERT_EMAIL_PASSWORD_FILE" ] || die "ALERT_EMAIL_USER needs $ALERT_EMAIL_PASSWORD_FILE"
  [ -z "$ALERT_EMAIL_USER" ] || [ "$ALERT_EMAIL_TLS" != off ] || die "ALERT_EMAIL_USER: a password is not sent without TLS (ALERT_EMAIL_TLS)"
}

# receiver NAME CHANNEL…: one that does nothing where no channel is named.
receiver() {
  local conf="$DEPLOY/conf/alertmanager" channel
  # shellcheck disable=SC2034 # told reads it by its name
  local REQUIRE_TLS=true
  # shellcheck disable=SC2034
  [ "$ALERT_EMAIL_TLS" = starttls ] || REQUIRE_TLS=false
  printf '  - name: %s\n' "$1"
  shift
  for channel in "$@"; do
    told "$conf/$channel.yml.in" ALERT_EMAIL_TO ALERT_EMAIL_SENDER ALERT_EMAIL_HOST ALERT_EMAIL_PORT REQUIRE_TLS ALERT_RUNBOOKS_URL
    [ "$channel" = slack ] || [ -z "$ALERT_EMAIL_USER" ] || told "$conf/email-login.yml.in" ALERT_EMAIL_USER
  done
}

# Who is called is told by every channel; of the rest Slack is told, or whoever reads the mails where there is none.
alertmanager_settings() {
  local all=() quiet=()
  ! slack_is_told || all+=(slack)
  ! email_is_told || all+=(email)
  quiet=("${all[@]:0:1}")
  cat "$DEPLOY/conf/alertmanager/alertmanager.yml.in"
  receiver critical "${all[@]}"
  receiver warning "${quiet[@]}"
  receiver info "${quiet[@]}"
}

# In words, for up's last lines.
who_is_told() {
  local told=()
  [ "$MONITORING" = on ] || { echo "nothing is watched (MONITORING=off)" && return; }
  ! slack_is_told || told+=(Slack)
  ! email_is_told || told+=("$ALERT_EMAIL_TO")
  case "${#told[@]}" in
    0) echo "NOBODY IS TOLD (docs/observability.md says how Slack or a mailbox is)" ;;
    1) echo "told to ${told[0]}" ;;
    *) echo "told to ${told[0]} and ${told[1]}" ;;
  esac
}
