# shellcheck shell=bash
# Where backups are kept, who may enter there, and what opens them: settings and keys of lib/project.sh and lib/secrets.sh.

# Who may enter our own store, and there the one bucket.
objects_identities() {
  local text
  text="$(fill "$DEPLOY/conf/seaweedfs/s3.json.in" ACCESS_KEY_ID objects_access_key_id SECRET_ACCESS_KEY objects_secret_access_key)"
  printf '%s\n' "${text//@S3_BUCKET@/$S3_BUCKET}"
}

# What opens backups when nothing of the platform is left: the private half is the operator's, and no service is given it. Whoever keeps
# it elsewhere from the beginning puts their own recipient there. The engine keeps no log of the container that tells it.
ensure_recovery_key() {
  local pair
  if [ "$BACKUPS" = off ] || [ -s "$KEYS/recovery_recipient" ]; then return 0; fi
  [ ! -e "$KEYS/recovery_key" ] || die "$KEYS/recovery_key is there and recovery_recipient is not: bring it back (age-keygen -y), or remove the key"
  pair="$(docker run --rm --network none --log-driver none --read-only --cap-drop ALL --user 10004:10004 rp9/backup:dev new-recovery-key)"
  umask 077
  take recovery_key 'AGE-SECRET-KEY-1[0-9A-Z]*' <<<"$pair"
  take recipient 'age1[0-9a-z]*' recovery_recipient <<<"$pair"
  umask 022
}

# take FIELD FORM [NAME]: what standard input, in JSON, says of a field becomes a key.
take() {
  local file="$KEYS/${3:-$1}"
  sed -n 's/.*"'"$1"'": *"\('"$2"'\)".*/\1/p' >"$file.part"
  [ -s "$file.part" ] || die "new-recovery-key told no $1"
  mv "$file.part" "$file"
}

# Of our own store, or of the operator's: those are files of keys/.
store_key() {
  local name="$1"
  if [ -z "$S3_ENDPOINT" ]; then
    key "objects_${name#s3_}"
  elif [ -s "$KEYS/$name" ]; then
    key "$name"
  else
    die "S3_ENDPOINT=$S3_ENDPOINT is entered with the files $KEYS/s3_access_key_id and s3_secret_access_key; write them and run up again"
  fi
}

where_backups_are() {
  local place="volume ${RP9_PROJECT}_objects, on this machine" opener="$KEYS/recovery_key"
  [ -s "$opener" ] || opener="your recovery key"
  [ -z "$S3_ENDPOINT" ] || place="$S3_ENDPOINT/$S3_BUCKET"
  if [ "$BACKUPS" = on ]; then
    echo "$place; nothing but $opener opens them without this platform: keep a copy elsewhere"
  else
    echo "nowhere (OBJECTS=off)"
  fi
}
