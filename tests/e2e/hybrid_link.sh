#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The CONNECT greeting of Firecracker and its kin: refused, silent, slow, and the connection lost.
source "$(dirname "$0")/harness.sh"
start_bridge
make_namespace g1
printf 'refuse\n' >"$work/mode"
start_agent g1
spawn vmm host python3 "$e2e/hypervisor.py" "$work/v.sock" "$work/mode" "5002=$work/g1.ctl" "5003=$work/g1.evt"
eventually 'the socket is there' test -S "$work/v.sock"
cli add g1 "hybrid:$work/v.sock"
error_is() { [[ $(api GET /vms/g1 | jq -r '.error | tostring') =~ $1 ]]; }
eventually 'a refusal is told' error_is '[Rr]efused|GREETING|listen'

printf 'silent\n' >"$work/mode"
eventually 'silence is told' error_is '[Nn]o (answer|greeting)|NO_GREETING|silent|in time'

printf 'slow\n' >"$work/mode"
eventually 'connects though OK comes byte by byte' is_connected g1
serve g1 8080
eventually 'the page' fetches "$(host_port_of g1 8080)" 'g1 says hello'

printf 'ok\n' >"$work/mode"
kill_hard vmm
eventually 'the loss is noticed' is_not_connected g1
spawn vmm host python3 "$e2e/hypervisor.py" "$work/v.sock" "$work/mode" "5002=$work/g1.ctl" "5003=$work/g1.evt"
eventually 'connects again' is_connected g1
eventually 'the page again' fetches 8080 'g1 says hello'

# Paths that can't be: too long for a socket, and not there.
long=$(printf 'x%.0s' {1..200})
matches "$(cli_status add g2 "hybrid:/tmp/$long")" '^[12]$' 'a path beyond 108 bytes'
cli add g3 "hybrid:$work/nothing"
says_why() { [[ $(vm_error g3) =~ [Nn]o\ such ]]; }
eventually 'a socket that is not there is told' says_why
