#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# No descriptors left in the bridge: connections are refused and the log says so; nothing dies, and it passes.
source "$(dirname "$0")/harness.sh"
start_bridge
start_guest g1
spawn sink g1 socat TCP-LISTEN:7600,bind=127.0.0.1,fork,reuseaddr,backlog=128 PIPE
serve g1 8080
port=$(host_port_of g1 7600)
page=$(host_port_of g1 8080)
equal "$(fetch "$page")" 'g1 says hello' 'before'

limit=$(($(descriptors bridge) + 12))
prlimit --pid "${pid[bridge]}" --nofile="$limit:$limit"
for i in 1 2 3 4; do
    spawn "holder$i" host python3 "$e2e/peer.py" hold 127.0.0.1 "$port" 20
done
eventually 'the log tells' logs_say bridge 'descriptor|too many open files|EMFILE'
is_gone bridge && fail 'the bridge died'

for i in 1 2 3 4; do
    kill_hard "holder$i"
done
eventually 'served again' fetches "$page" 'g1 says hello'
eventually 'the API answers' api_is_up
lines=$(grep -ciE 'descriptor|too many open files|EMFILE' "$work/bridge.log")
((lines < 200)) || fail "the log is flooded: $lines lines"
equal "$(vm_state g1)" connected 'the link is well'
