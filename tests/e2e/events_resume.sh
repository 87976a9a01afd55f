#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Server-sent events: what happened while nobody listened comes after Last-Event-ID, once and in order.
source "$(dirname "$0")/harness.sh"
start_bridge
start_guest g1
spawn stream host curl -sN --unix-socket "$api_socket" 'http://localhost/api/v1/events?vm=g1'
says() { grep -q "$1" "$work/stream.log"; }
serve g1 8080
eventually 'the port is told' says 'event: port.opened'
eventually 'the forward is told' says 'event: forward.opened'
kill_hard stream
last=$(grep -a '^id: ' "$work/stream.log" | tail -n 1 | cut -d ' ' -f 2)
matches "$last" '^[0-9]+$' 'the id is a number'
grep '^data: ' "$work/stream.log" | cut -d ' ' -f 2- | jq -e . >/dev/null || fail 'each event is JSON'

serve g1 8081
eventually 'forwarded meanwhile' forward_is_active g1 8081
spawn resumed host curl -sN --unix-socket "$api_socket" -H "Last-Event-ID: $last" 'http://localhost/api/v1/events?vm=g1'
says_again() { grep -q "$1" "$work/resumed.log"; }
eventually 'the missed port is told' says_again 8081
eventually 'the missed forward is told' says_again 'event: forward.opened'
! grep '^data: ' "$work/resumed.log" | grep -q 8080 || fail 'what was seen before comes again'
first=$(grep '^id: ' "$work/resumed.log" | head -n 1 | cut -d ' ' -f 2)
((first > last)) || fail "the first id ($first) is not after $last"

kill_hard http-g1-8081
eventually 'the close is told' says_again 'event: port.closed'
kill_hard agent-g1
eventually 'the loss is told' says_again 'event: vm.disconnected'
start_agent g1
eventually 'the return is told' says_again 'event: vm.connected'
ids=$(grep '^id: ' "$work/resumed.log" | cut -d ' ' -f 2)
equal "$ids" "$(sort -n -u <<<"$ids")" 'ids grow'

# The CLI sees the same.
cli --json events g1 --since "$last" >"$work/events"
grep -q 8081 "$work/events" || fail 'hospes events --since tells what was missed'
jq -e . <"$work/events" >/dev/null || fail 'one JSON object a line'
