#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Datagrams come and go, each whole, each client getting its own answers: automatic and static.
source "$(dirname "$0")/harness.sh"
start_bridge
start_guest g1

spawn echo g1 python3 "$e2e/peer.py" udp-echo 5700
port=$(host_port_of g1 5700 udp)
echoes() { [[ $(printf '%s' "$2" | on_host socat -t 1 - "UDP4:127.0.0.1:$1") == "$2" ]]; }
eventually 'a datagram comes back' echoes "$port" ping
large=$(head -c 8000 /dev/zero | tr '\0' x)
eventually 'a large datagram comes back whole' echoes "$port" "$large"

kill_hard echo
eventually 'the forward goes' has_no_active_forward g1 5700 udp

cli forward g1 5701:5711 --udp
equal "$(host_port_of g1 5701 udp)" 5711 'the static forward has the port that was asked for'
spawn echo g1 python3 "$e2e/peer.py" udp-echo 5701
eventually 'a datagram comes back through the static forward' echoes 5711 'static ping'
kill_hard echo
cli unforward g1 5711
eventually 'the static forward goes' not forward_of g1 5701 udp
