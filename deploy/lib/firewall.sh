# shellcheck shell=bash
# What tenants' containers must not reach: each other's networks, this machine's own addresses, ports that it publishes, and a cloud's
# metadata service, which gives the machine's rights to whoever asks. Docker lets containers reach all of these but the first, and the
# first too for a moment whenever it makes a network: it takes the jump to its rules out and puts it back. So the rules are a table of
# our own, asked before the engine's and replaced as a whole, which nobody else changes. Nothing of anybody else's is changed either.

TENANT_SUBNETS="${TENANT_SUBNETS:-10.201.0.0/16}"
# Link-local: the metadata service of most clouds; and Alibaba's.
METADATA="169.254.0.0/16, 100.100.100.200"

as_firewall() { as_root env PATH="$PATH:/usr/sbin:/sbin" "$@"; }

# Whether the engine's networks are this machine's: not those of one that is elsewhere, rootless, or in a machine of its own.
engine_is_here() {
  local bridge
  bridge="$(docker network inspect -f '{{index .Options "com.docker.network.bridge.name"}}' bridge 2>/dev/null)" || return 1
  [ -n "$bridge" ] && [ -e "/sys/class/net/$bridge" ]
}

# Answers to what came from here, and questions to a resolver pass: on some clouds and machines it is at one of these addresses.
# Refused with a word, so that nobody waits. What leaves by the bridge it came from stays within one tenant's network. In one without an exit,
# whose bridge the engine's adapter calls rp9x…, nothing is begun but with its servers and its n8n: not with the edge, which answers for
# everybody. (This machine has no way into such a network: what leaves by one of them came from the same.) That holds where the machine
# shows its filter what a bridge forwards, as br_netfilter makes it; what leaves the bridge is refused anyway.
firewall_rules() {
  local refuse="reject with icmpx type admin-prohibited"
  cat <<EOF
table inet $1
delete table inet $1
table inet $1 {
  chain sandboxes {
    oifname "rp9x*" tcp dport { 5432, 5678, 6379 } accept
    $refuse
  }
  chain tenants {
    ct state established,related return
    iifname "rp9x*" jump sandboxes
    ip daddr $TENANT_SUBNETS fib daddr type != local fib daddr . iif oif missing $refuse
    meta l4proto { tcp, udp } th dport 53 return
    fib daddr type local $refuse
    ct status dnat $refuse
    ip daddr { $METADATA } $refuse
  }
  chain forward {
    type filter hook forward priority filter - 10
    ip saddr $TENANT_SUBNETS jump tenants
  }
  chain input {
    type filter hook input priority filter - 10
    ip saddr $TENANT_SUBNETS jump tenants
  }
}
EOF
}

# ensure_firewall TABLE: keeps TENANT_SUBNETS in, or says loudly that nothing does.
ensure_firewall() {
  ! command -v apt-get >/dev/null || ensure_commands nft
  { engine_is_here && firewall_rules "$1" | as_firewall nft -f -; } || firewall_is_missing
}

firewall_stands() { as_firewall nft list table inet "$1" >/dev/null 2>&1; }

remove_firewall() { ! firewall_stands "$1" || as_firewall nft delete table inet "$1"; }

# A former release had one chain, which the engine's led to.
remove_former_chain() {
  local chain="RP9-${1:0:24}" iptables from rule
  for iptables in iptables-nft iptables-legacy; do
    as_firewall "$iptables" -w -n -L "$chain" >/dev/null 2>&1 || continue
    for from in INPUT DOCKER-USER; do
      as_firewall "$iptables" -w -S "$from" 2>/dev/null | grep -- " -j $chain\$" | while read -r rule; do
        # shellcheck disable=SC2086 # a rule is words
        as_firewall "$iptables" -w ${rule/#-A/-D}
      done || true
    done
    as_firewall "$iptables" -w -F "$chain"
    as_firewall "$iptables" -w -X "$chain"
  done
}

firewall_is_missing() {
  cat >&2 <<EOF

  !! TENANTS' CONTAINERS CAN REACH THIS MACHINE'S ADDRESSES, ITS CLOUD'S METADATA SERVICE AND, FOR MOMENTS, EACH OTHER.
  !! up may not add the rules that keep them away: it needs nft, root (or sudo without a password), and an engine
  !! whose networks are this machine's. docs/limits.md says what to keep away by other means.

EOF
}
