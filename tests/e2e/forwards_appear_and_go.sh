#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A server that starts in the guest is on the host's localhost, on both loopbacks; when it stops, so does the forward.
source "$(dirname "$0")/harness.sh"
start_bridge
start_guest g1

serve g1 8080
equal "$(host_port_of g1 8080)" 8080 'the host port is the guest port'
equal "$(fetch 8080)" 'g1 says hello' 'the page over 127.0.0.1'
equal "$(fetch 8080 '[::1]')" 'g1 says hello' 'the page over ::1'
matches "$(port_of g1 8080 | jq -r .process.name)" '^http.server$' 'the name of the process'
equal "$(port_of g1 8080 | jq -r .process.pid)" "${pid[http-g1-8080]}" 'the pid of the process'
equal "$(forward_of g1 8080 | jq -r .kind)" auto 'the kind of forward'
not listens g1 8081 || fail 'nothing else may listen'

kill_hard http-g1-8080
eventually 'the forward goes' is_refused 8080
eventually 'the port goes from the list' has_no_port g1 8080

# The last one closed is reported too, and a new one is found again.
serve g1 8080 127.0.0.1 'back again'
eventually 'the server is back' fetches 8080 'back again'
