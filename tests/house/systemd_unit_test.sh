#!/usr/bin/env bash
# Holds packaging/systemd/packferry.service against the program, and against systemd where systemd is there.
#   systemd_unit_test.sh PACKFERRY
set -euo pipefail
packferry=$1
cd "$(dirname "$0")/../.."
unit=packaging/systemd/packferry.service

fail() {
  echo "systemd unit: $*" >&2
  exit 1
}
value_of() { sed -n "s/^$1=//p" "$unit"; }

# What it starts is a command that there is, and the signal that reloads is the one that the help names.
read -r program command configuration <<<"$(value_of ExecStart)"
[ "$program" = packferry ] || fail "ExecStart= starts $program"
help=$("$packferry" "$command" --help)
grep -qF "usage: packferry $command CONFIG" <<<"$help" || fail "'packferry $command' takes no CONFIG"
[[ $(value_of ExecReload) == *-HUP* ]] || fail "ExecReload= sends something else than SIGHUP"
grep -q SIGHUP <<<"$help" || fail "'packferry $command' reloads by another signal"
grep -qF "$configuration" docs/operating.md || fail "docs/operating.md does not know $configuration"

# It is killed only after it has had the time that the configuration gives it.
# shellcheck disable=SC2016
drain=$(sed -n 's/^| `drain` | `\([0-9]*\)s` .*/\1/p' docs/configuration.md)
stop=$(value_of TimeoutStopSec)
[ "${stop%s}" -gt "$((drain + 30))" ] || fail "TimeoutStopSec=$stop leaves no room after $drain seconds of drain"

user=$(value_of User)
grep -q "^u $user " packaging/systemd/packferry.sysusers.conf || fail "nobody makes the user $user"

command -v systemd-analyze >/dev/null || exit 0
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
sed "s|^ExecStart=packferry |ExecStart=$(realpath "$packferry") |" "$unit" >"$directory/packferry.service"
said=$(systemd-analyze verify --man=no --recursive-errors=no "$directory/packferry.service" 2>&1) || fail "$said"
[ -z "$said" ] || fail "$said"
# Out of 10, in tenths; 0 is a service that cannot do anything.
systemd-analyze security --offline=true --threshold=20 "$directory/packferry.service" >"$directory/said" ||
  { tail -n 1 "$directory/said" && fail "it may do more than it needs"; }
