#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Two guests with a server on one port number: both are reached, and it is said where.
source "$(dirname "$0")/harness.sh"
start_bridge
start_guest g1
serve g1 8080
first=$(host_port_of g1 8080)
equal "$first" 8080 'the first comes first'

start_guest g2
serve g2 8080
second=$(host_port_of g2 8080)
equal "$second" 8081 'the second takes the next'
matches "$(forward_of g2 8080 | jq -r .reason)" '8080.*g1' 'the reason names the other guest'
eventually 'g1 is reached' fetches "$first" 'g1 says hello'
eventually 'g2 is reached' fetches "$second" 'g2 says hello'

# Each keeps its own over a restart of the bridge, whoever connects first.
stop bridge
start_bridge
equal "$(host_port_of g2 8080)" 8081 'g2 has its port again'
equal "$(host_port_of g1 8080)" 8080 'g1 has its port again'

cli remove g1
eventually 'a guest that is removed takes its forwards along' is_refused 8080
eventually 'the other is not disturbed' fetches 8081 'g2 says hello'
