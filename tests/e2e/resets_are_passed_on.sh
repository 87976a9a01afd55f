#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A connection that ends by a reset on one side does so on the other, and is not mistaken for a clean end.
source "$(dirname "$0")/harness.sh"
start_bridge
start_guest g1

# Nobody listens there: the forward accepts (it can't know), then resets.
cli forward g1 7100 --no-fallback
port=$(host_port_of g1 7100)
equal "$(on_host python3 "$e2e/peer.py" talk 127.0.0.1 "$port")" 'reset 0' 'refused in the guest'

spawn resets g1 python3 "$e2e/peer.py" reset-server 7101
port=$(host_port_of g1 7101)
equal "$(on_host python3 "$e2e/peer.py" talk 127.0.0.1 "$port" hello)" 'reset 0' 'reset by the server'

spawn watches g1 python3 "$e2e/peer.py" watch-server 7102 "$work/ended"
port=$(host_port_of g1 7102)
on_host python3 "$e2e/peer.py" reset 127.0.0.1 "$port"
eventually 'the server learns of the end' test -s "$work/ended"
equal "$(<"$work/ended")" 'reset 6' 'reset by the client'

rm "$work/ended"
printf 'hello\n' | on_host socat -t "$patience" - "TCP:127.0.0.1:$port" >/dev/null
eventually 'the server learns of the end' test -s "$work/ended"
equal "$(<"$work/ended")" 'eof 6' 'a clean end stays one'
