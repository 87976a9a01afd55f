#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# ignore, block, unblock and forward by port, range and process; a block ends what is open; all of it is remembered.
source "$(dirname "$0")/harness.sh"
start_bridge
start_guest g1

# Ignored by default, but known.
spawn ssh g1 socat TCP-LISTEN:22,bind=127.0.0.1,fork,reuseaddr PIPE
serve g1 8080
equal "$(host_port_of g1 8080)" 8080 'an ordinary port'
eventually 'port 22 is known' port_of g1 22
has_no_active_forward g1 22 || fail 'port 22 is not forwarded by default'
cli policy g1 22 forward
eventually 'a rule forwards what the defaults ignore' forward_is_active g1 22
cli policy g1 22 ignore
eventually 'a rule takes it back' has_no_active_forward g1 22

spawn watches g1 python3 "$e2e/peer.py" watch-server 8300 "$work/ended"
port=$(host_port_of g1 8300)
spawn holder host python3 "$e2e/peer.py" hold 127.0.0.1 "$port" 1
is_counted() { forward_of g1 8300 | jq -e '.connections == 1' >/dev/null; }
eventually 'the connection is counted' is_counted
cli block g1 8300
eventually 'a block closes open connections' test -s "$work/ended"
eventually 'a blocked port is refused' is_refused "$port"
has_no_active_forward g1 8300 || fail 'a blocked forward is not active'

stop bridge
start_bridge
eventually 'connected again' is_connected g1
eventually 'the port is known again' port_of g1 8300
equal "$(host_port_of g1 8080)" 8080 'the others are forwarded'
has_no_active_forward g1 8300 || fail 'a block is remembered'
cli unblock g1 8300
eventually 'an unblocked port is forwarded' forward_is_active g1 8300

cli policy g1 8000-8399 ignore
eventually 'a range is ignored' is_refused 8080
cli policy g1 'process:http*' forward
eventually 'the newest rule comes first' forward_is_active g1 8080
matches "$(cli_status policy g1 8080 perhaps)" '^[12]$' 'an action that is none'
matches "$(cli_status policy g1 99999 block)" '^[12]$' 'a port that is none'
