#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# 500 connections as fast as they come: each is served, none leaves a descriptor behind.
source "$(dirname "$0")/harness.sh"
start_bridge
start_guest g1
serve g1 8080
port=$(host_port_of g1 8080)
equal "$(fetch "$port")" 'g1 says hello' 'before'
bridge_before=$(descriptors bridge)
agent_before=$(descriptors agent-g1)

on_host curl -sS --no-progress-meter --parallel --parallel-max 4 --max-time 60 -o /dev/null -w '%{http_code}\n' \
    "http://127.0.0.1:$port/?[1-500]" >"$work/codes"
equal "$(sort "$work/codes" | uniq -c | awk '{ print $2 " × " $1 }')" '200 × 500' 'the answers'

none_is_left() { (($(descriptors bridge) <= bridge_before && $(descriptors agent-g1) <= agent_before)); }
eventually 'no descriptor is left behind' none_is_left
equal "$(forward_of g1 8080 | jq .connections)" 0 'the connections that are counted'
