#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Exit statuses, JSON on demand, and text from the guest that can't move the cursor.
source "$(dirname "$0")/harness.sh"
equal "$(cli_status vms)" 3 'no bridge'
matches "$(<"$work/err")" 'hospes-bridge' 'the hint'
start_bridge
equal "$(cli_status doctor)" 0 'doctor on a machine without guests'
matches "$(<"$work/out")" 'hospes add' 'what to do next'
equal "$(cli_status frobnicate)" 2 'a command that is none'
equal "$(cli_status vms --frobnicate)" 2 'an option that is none'
equal "$(cli_status forward)" 2 'arguments missing'
equal "$(cli_status status nobody)" 1 'a guest that is not there'
equal "$(cli_status add bad/name unix:/x)" 1 'a name that can not be'
equal "$(cli_status --version)" 0 'the version'
equal "$(cli_status --help)" 0 'the help'

start_guest g1
equal "$(cli_status add g1 unix:/x)" 1 'a name that is taken'
ln -s "$(command -v socat)" "$work/"$'ev\e[31mil'
spawn evil g1 "$work/"$'ev\e[31mil' TCP-LISTEN:8400,bind=127.0.0.1,fork,reuseaddr PIPE
eventually 'its port is known' port_of g1 8400
cli ports g1 >"$work/out"
grep -q 8400 "$work/out" || fail 'hospes ports lists the port'
! grep -q $'\e' "$work/out" || fail 'an escape sequence of the guest reaches the terminal'
for command in vms 'status g1' status 'ports g1'; do
    # shellcheck disable=SC2086 # words are wanted
    cli --json $command | jq -e . >/dev/null || fail "hospes --json $command is no JSON"
    # shellcheck disable=SC2086
    [[ -n $(cli $command) ]] || fail "hospes $command says nothing"
done
cli vms | grep -q 'g1.*connected' || fail 'hospes vms tells the state'

spawn ports host hospes --socket "$api_socket" ports g1 --watch
serve g1 8080
eventually 'ports --watch tells of a new port' logs_say ports 8080
cli remove g1
equal "$(cli_status status g1)" 1 'after its removal'
