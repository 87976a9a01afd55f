#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A guest has its host. Another bridge with a key of its own is refused, and the paired one's user sees it: in the events, in the
# audit log, in the counters. Accepted by the guest's owner it comes in; forgotten again it is out at once.
source "$(dirname "$0")/harness.sh"
start_bridge
start_guest g1
spawn events host hospes --socket "$api_socket" --json events --since 0 --follow

other_socket=$work/other-run/api.sock
printf '{"vms":[{"name":"taken","link":"unix:%s,%s"}]}\n' "$work/g1.ctl" "$work/g1.evt" >"$work/other.json"
spawn stranger host hospes-bridge --config "$work/other.json" --state-dir "$work/other-state" --socket "$other_socket" --panel off
daemons[stranger]=yes
other() { curl -sS --max-time "$patience" --unix-socket "$other_socket" "http://localhost/api/v1$1"; }
strangers_error() { [[ $(other /vms/taken 2>/dev/null | jq -r .error.code) == "$1" ]]; }
eventually 'the stranger is refused' strangers_error NOT_PAIRED
matches "$(other /vms/taken | jq -r .error.message)" 'hospes-agent trust' 'the stranger is told what would help'
eventually 'the agent says so' logs_say agent-g1 'refused 1 connection'

key=$(other /identity | jq -r .key)
told() { grep -F '"vm.refused"' "$work/events.log" | grep -F NOT_PAIRED | grep -qF "${key:0:20}"; }
eventually 'the event' told
audited() { cli --json audit | jq -e '[.entries[] | select(.action == "agent.refused" and .status == "NOT_PAIRED" and .guest == "g1")] | length > 0' >/dev/null; }
eventually 'the line in the audit log' audited
cli audit verify >"$work/verify" || fail "the audit log is broken: $(<"$work/verify")"
is_connected g1 || fail 'the paired bridge is disturbed'

# A changed key on the host's side is the same thing: the owner of the guest decides.
inside g1 hospes-agent trust "$key" --admin-socket "$work/g1.admin" --name other
curl -sS --unix-socket "$other_socket" -X POST -H 'Content-Type: application/json' --data '{}' \
    http://localhost/api/v1/vms/taken/pair >/dev/null
other_is_connected() { [[ $(other /vms/taken | jq -r .state) == connected ]]; }
eventually 'accepted' other_is_connected
inside g1 hospes-agent forget "$key" --admin-socket "$work/g1.admin"
eventually 'forgotten: out at once' not other_is_connected
is_connected g1 || fail 'the other host went, too'
inside g1 hospes-agent hosts --json --admin-socket "$work/g1.admin" | jq -e '.hosts | length == 1' >/dev/null ||
    fail 'the guest knows another number of hosts'
