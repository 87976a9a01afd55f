#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Health, the guest's own socket without /vms/NAME, and what is true of a guest.
source "$(dirname "$0")/harness.sh"
start_bridge
start_guest g1
health=$(api GET /vms/g1/health)
jq -e '.rttMs >= 0 and .uptimeSec > 0 and .load1 >= 0 and .memory.total > .memory.available
       and (.disks | length > 0) and (.addresses | type == "array") and (.status | length > 0)' <<<"$health" >/dev/null || fail "health: $health"
vm=$(api GET /vms/g1)
jq -e --arg hostname "$(hostname)" '.name == "g1" and .state == "connected" and .agent.hostname == $hostname
       and (.agent.version | length > 0) and (.capabilities | length > 0)' <<<"$vm" >/dev/null || fail "vm: $vm"

eventually 'the guest has a socket of its own' test -S "$work/run/vm/g1.sock"
own=$(curl -sS --unix-socket "$work/run/vm/g1.sock" http://localhost/api/v1/health)
jq -e .status <<<"$own" >/dev/null || fail "health on the guest's own socket: $own"
curl -sS --fail --unix-socket "$work/run/vm/g1.sock" http://localhost/api/v1/ports | jq -e '.ports | type == "array"' >/dev/null ||
    fail "ports on the guest's own socket"
cli remove g1
eventually 'the socket goes with the guest' not test -e "$work/run/vm/g1.sock"

# A second bridge on the same socket is refused; the first is not disturbed.
status=0
on_host timeout "$patience" hospes-bridge --config "$work/config.json" --state-dir "$work/other" --socket "$api_socket" \
    --panel off 2>"$work/err" || status=$?
equal "$status" 1 'a second bridge'
api_is_up || fail 'the first bridge is disturbed'
