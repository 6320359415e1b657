# shellcheck shell=bash
# What tenants' containers must not reach: this machine's own addresses, ports that it publishes, and a cloud's metadata service, which
# gives the machine's rights to whoever asks. Docker lets containers reach all of these. One chain of our own holds the rules; two
# jumps, for packets from the tenants' addresses alone, lead to it: from INPUT, where packets for this machine arrive, and from
# DOCKER-USER, which the engine keeps for others and asks first about everything that it forwards. Nothing else is changed.

# Names of chains have 28 characters at most.
FIREWALL_CHAIN="RP9-${RP9_PROJECT:0:24}"
TENANT_SUBNETS="${TENANT_SUBNETS:-10.201.0.0/16}"
# Link-local: the metadata service of most clouds; and Alibaba's.
METADATA=(169.254.0.0/16 100.100.100.200/32)

# Prints the command whose tables the engine uses; there may be two.
engine_iptables() {
  local command
  for command in iptables iptables-nft iptables-legacy; do
    if as_root env PATH="$PATH:/usr/sbin:/sbin" "$command" -w -n -L DOCKER-USER >/dev/null 2>&1; then
      printf '%s\n' "$command"
      return 0
    fi
  done
  return 1
}

as_firewall() { as_root env PATH="$PATH:/usr/sbin:/sbin" "$@"; }

# Answers to what came from here, and questions to a resolver pass: on some clouds and machines it is at one of these addresses.
# Refused with a word, so that nobody waits.
firewall_rules() {
  local refuse=(-j REJECT --reject-with icmp-admin-prohibited) address
  printf '*filter\n:%s - [0:0]\n' "$FIREWALL_CHAIN"
  printf -- "-A $FIREWALL_CHAIN %s\n" \
    "-m conntrack --ctstate ESTABLISHED,RELATED -j RETURN" \
    "-p udp --dport 53 -j RETURN" \
    "-p tcp --dport 53 -j RETURN" \
    "-m addrtype --dst-type LOCAL ${refuse[*]}" \
    "-m conntrack --ctstate DNAT ${refuse[*]}"
  for address in "${METADATA[@]}"; do
    printf -- "-A $FIREWALL_CHAIN %s\n" "-d $address ${refuse[*]}"
  done
  printf 'COMMIT\n'
}

# Jumps to our chain from chain $2, other than the wanted one if there is one: of other subnets, of an earlier run.
drop_jumps() {
  local iptables="$1" from="$2" keep="${3:-}" rule
  as_firewall "$iptables" -w -S "$from" 2>/dev/null | grep -- " -j $FIREWALL_CHAIN\$" | while read -r rule; do
    # shellcheck disable=SC2086 # a rule is words
    [ "$rule" = "$keep" ] || as_firewall "$iptables" -w ${rule/#-A/-D}
  done || true
}

# The chain is replaced as a whole: at no moment is half of it there.
ensure_firewall() {
  local iptables from
  if ! iptables="$(engine_iptables)"; then
    firewall_is_missing
    return 0
  fi
  firewall_rules | as_firewall "$iptables-restore" -w --noflush
  for from in INPUT DOCKER-USER; do
    drop_jumps "$iptables" "$from" "-A $from -s $TENANT_SUBNETS -j $FIREWALL_CHAIN"
    as_firewall "$iptables" -w -C "$from" -s "$TENANT_SUBNETS" -j "$FIREWALL_CHAIN" 2>/dev/null ||
      as_firewall "$iptables" -w -I "$from" 1 -s "$TENANT_SUBNETS" -j "$FIREWALL_CHAIN"
  done
}

remove_firewall() {
  local iptables from
  iptables="$(engine_iptables)" || return 0
  for from in INPUT DOCKER-USER; do drop_jumps "$iptables" "$from"; done
  as_firewall "$iptables" -w -F "$FIREWALL_CHAIN" 2>/dev/null || return 0
  as_firewall "$iptables" -w -X "$FIREWALL_CHAIN"
}

firewall_is_missing() {
  cat >&2 <<EOF

  !! TENANTS' CONTAINERS CAN REACH THIS MACHINE'S ADDRESSES AND ITS CLOUD'S METADATA SERVICE.
  !! up may not add the rule that keeps them away: it needs root (or sudo without a password), and an engine
  !! that keeps a chain DOCKER-USER in iptables. docs/limits.md says what to keep away by other means.

EOF
}
