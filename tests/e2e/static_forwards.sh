#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A forward that a user asked for is there before its server is, survives a restart, and goes with its connections.
source "$(dirname "$0")/harness.sh"
start_bridge
start_guest g1

cli forward g1 9000:9100
equal "$(host_port_of g1 9000)" 9100 'the host port asked for'
serve g1 9000
eventually 'the server is reached' fetches 9100 'g1 says hello'
equal "$(forward_of g1 9000 | jq -r .kind)" static 'the kind of forward'

matches "$(cli_status forward g1 70000)" '^[12]$' 'a port out of range'
matches "$(cli_status forward g1 9000:0x50)" '^[12]$' 'a port that is no number'
matches "$(cli_status forward nobody 9000)" '^1$' 'a guest that is not there'
matches "$(cli_status unforward g1 1)" '^1$' 'a forward that is not there'

stop bridge
start_bridge
equal "$(host_port_of g1 9000)" 9100 'remembered'
eventually 'the server is reached after a restart' fetches 9100 'g1 says hello'

spawn watches g1 python3 "$e2e/peer.py" watch-server 9001 "$work/ended"
cli forward g1 9001:9101
equal "$(host_port_of g1 9001)" 9101 'the host port asked for'
spawn holder host python3 "$e2e/peer.py" hold 127.0.0.1 9101 1
is_counted() { forward_of g1 9001 | jq -e '.connections == 1' >/dev/null; }
eventually 'the connection is counted' is_counted
cli unforward g1 9101
eventually 'its connections go with it' test -s "$work/ended"
