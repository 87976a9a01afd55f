#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# No descriptors left in the agent: connections are refused, the log says so without a flood, and it passes.
source "$(dirname "$0")/harness.sh"
start_bridge
start_guest g1
spawn sink g1 socat TCP-LISTEN:7600,bind=127.0.0.1,fork,reuseaddr,backlog=128 PIPE
serve g1 8080
port=$(host_port_of g1 7600)
page=$(host_port_of g1 8080)
since=$(api GET /vms/g1 | jq -r .since)

limit=$(($(descriptors agent-g1) + 9))
prlimit --pid "${pid[agent-g1]}" --nofile="$limit:$limit"
for i in 1 2 3 4; do
    spawn "holder$i" host python3 "$e2e/peer.py" hold 127.0.0.1 "$port" 50
done
for i in 1 2 3 4; do
    eventually 'all have tried' logs_say "holder$i" '^open'
done
eventually 'the log tells' logs_say agent-g1 'refused [0-9]+ connection'
is_gone agent-g1 && fail 'the agent died'
lines=$(grep -c refused "$work/agent-g1.log")
((lines < 20)) || fail "the agent's log is flooded: $lines lines"

# A guest's servers may be tried a thousand times a second: one line each second says how many.
for _ in {1..300}; do
    on_host python3 - "$port" <<<'
import socket, sys
for _ in range(20):
    socket.create_connection(("127.0.0.1", int(sys.argv[1]))).close()' 2>/dev/null || true
    ((SECONDS < 10)) || break
done
lines=$(grep -c refused "$work/agent-g1.log")
((lines < 40)) || fail "the agent's log is flooded: $lines lines in $SECONDS s"
lines=$(grep -c refused "$work/bridge.log" || true)
((lines < 60)) || fail "the bridge's log is flooded: $lines lines in $SECONDS s"

for i in 1 2 3 4; do
    kill_hard "holder$i"
done
eventually 'served again' fetches "$page" 'g1 says hello'
equal "$(vm_state g1)" connected 'the link'
equal "$(api GET /vms/g1 | jq -r .since)" "$since" 'the session was never lost'
