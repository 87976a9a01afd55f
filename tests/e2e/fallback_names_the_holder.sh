#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A host port that is taken gives way to the next free one, and the reason says who holds it.
source "$(dirname "$0")/harness.sh"
start_bridge
start_guest g1

spawn holder host socat TCP-LISTEN:8080,bind=127.0.0.1,fork,reuseaddr PIPE
eventually 'the holder listens' listens host 8080
serve g1 8080
port=$(host_port_of g1 8080)
equal "$port" 8081 'the next free port'
equal "$(fetch 8081)" 'g1 says hello' 'the page through the other port'
forward=$(forward_of g1 8080)
equal "$(jq -r .requestedHostPort <<<"$forward")" 8080 'the port that was wanted'
matches "$(jq -r .reason <<<"$forward")" '8080.*socat' 'who holds it'

cli_status forward g1 9000:8080 --no-fallback >/dev/null
eventually 'without fallback it fails' forward_is g1 9000 failed
matches "$(forward_of g1 9000 | jq -r .reason)" '8080.*socat' 'who holds it'

# ::1 alone is enough to be in the way: one port means both loopbacks.
spawn six host socat TCP6-LISTEN:8200,bind=::1,fork,reuseaddr PIPE
eventually 'the holder listens' listens host 8200
serve g1 8200
equal "$(host_port_of g1 8200)" 8201 'the next port that is free on both loopbacks'

# The port of before is used again after a restart, though the wanted one is free by now.
kill_hard holder
stop bridge
start_bridge
equal "$(host_port_of g1 8080)" 8081 'the same host port again'
