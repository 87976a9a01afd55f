#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Clients that never read, in front of a server that never stops: memory stays bounded, everyone else is served.
source "$(dirname "$0")/harness.sh"
start_bridge
start_guest g1
spawn flood g1 socat -u OPEN:/dev/zero TCP-LISTEN:7500,bind=127.0.0.1,fork,reuseaddr
spawn drain g1 socat -u TCP-LISTEN:7501,bind=127.0.0.1,fork,reuseaddr SYSTEM:'sleep 1000'
serve g1 8080
flood=$(host_port_of g1 7500)
drain=$(host_port_of g1 7501)
page=$(host_port_of g1 8080)
equal "$(fetch "$page")" 'g1 says hello' 'before'
bridge_before=$(rss_kib bridge)
agent_before=$(rss_kib agent-g1)

for ((i = 0; i < 16; i++)); do
    spawn "stopped$i" host socat -u "TCP:127.0.0.1:$flood" OPEN:/dev/null
    spawn "writer$i" host socat -u OPEN:/dev/zero "TCP:127.0.0.1:$drain"
done
all_flow() { forward_of g1 7500 | jq -e '.connections == 16 and .bytesIn > 1000000' >/dev/null; }
eventually 'all are connected' all_flow
for ((i = 0; i < 16; i++)); do
    kill -STOP -- "-${pid[stopped$i]}"
done

# Stopped: the counters stand still, since nobody takes a byte any more.
counters() { api GET /vms/g1/forwards | jq -c '[.forwards[] | select(.guestPort == 7500 or .guestPort == 7501) | .bytesIn, .bytesOut]'; }
last=
stand_still() {
    local now
    now=$(counters)
    [[ $now == "$last" ]] && return
    last=$now
    sleep 0.5
    return 1
}
eventually 'the writers are held back' stand_still
bridge_grown=$(($(rss_kib bridge) - bridge_before))
agent_grown=$(($(rss_kib agent-g1) - agent_before))
printf 'grown by: bridge %d KiB, agent %d KiB\n' "$bridge_grown" "$agent_grown"
# 32 connections, at most a queue (512 KiB) and as much again each; a sanitizer triples it.
((bridge_grown < 98304)) || fail "the bridge grew by $bridge_grown KiB"
((agent_grown < 98304)) || fail "the agent grew by $agent_grown KiB"

for _ in {1..10}; do
    equal "$(fetch "$page")" 'g1 says hello' 'others are served meanwhile'
done
equal "$(vm_state g1)" connected 'the link is well'

for ((i = 0; i < 16; i++)); do
    kill_hard "stopped$i"
    kill_hard "writer$i"
done
# What a dead client had sent is still on its way to a server that does not read: that ends with the server.
kill_hard drain
kill_hard flood
none_left() { api GET /vms/g1/forwards | jq -e '[.forwards[].connections] | add // 0 | . == 0' >/dev/null; }
eventually 'every connection goes' none_left
