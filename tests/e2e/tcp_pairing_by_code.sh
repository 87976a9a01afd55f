#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Two that have never met pair on tcp by a code that people compare: the same on both sides when nobody is between, and
# different ones when somebody is. A no, of either, pairs nothing.
source "$(dirname "$0")/harness.sh"
start_bridge
make_namespace g1
start_agent g1 tcp:127.0.0.1:5002
serve g1 8080
spawn wire g1 socat "UNIX-LISTEN:$work/g1.tcp,fork,backlog=128" TCP:127.0.0.1:5002,nodelay
eventually 'the wire is there' test -S "$work/g1.tcp"
records=$work/records
mkdir "$records"
printf 'pass\n' >"$work/mode"
spawn mitm host python3 "$e2e/mitm.py" serve 5102 "$work/g1.tcp" "$work/mode" "$records"
eventually 'somebody is between' listens host 5102
cli --quiet add far tcp:127.0.0.1:5102

# The guest's people: hospes-agent pair, which reads their word from a pipe.
mkfifo "$work/word"
exec 7<>"$work/word"
# It waits for the next host when one has ended it, for three codes in all.
spawn pair g1 sh -c 'exec hospes-agent pair --admin-socket "$1" <"$2"' sh "$work/g1.admin" "$work/word"
eventually 'the guest waits' logs_say pair 'waiting'
tries=0
guests_codes() { sed -nE 's/^ *code ([0-9]{3}) ([0-9]{3})$/\1\2/p' "$work/pair.log"; }
guests_code() { guests_codes | tail -n 1; }
guest_shows() { (($(guests_codes | wc -l) == tries)); }
pairing() { api GET /vms/far/pair; }
hosts_code() { pairing | jq -r '.code // ""'; }
host_shows() { [[ $(hosts_code) =~ ^[0-9]{6}$ ]]; }
decide() { api_code POST /vms/far/pair -H 'Content-Type: application/json' --data-binary "$1"; }
host_says() { # host_says true|false
    matches "$(decide "$(jq -cn --arg code "$(hosts_code)" --argjson same "$1" '{code: $code, same: $same}')")" '^20[02]$' \
        "what the host says: $(<"$work/body")"
}
begin() { # begin WHO: both sides show a code
    ((++tries))
    matches "$(decide '{}')" '^20[02]$' "$1: $(<"$work/body")"
    eventually "$1: the host shows a code" host_shows
    eventually "$1: the guest shows a code" guest_shows
}
nothing_is_paired() {
    [[ $(pairing | jq -r '.state') != paired ]] &&
        hospes-agent hosts --admin-socket "$work/g1.admin" --json | jq -e '.hosts == []' >/dev/null
}

# Somebody between: two handshakes, two codes.
printf 'own\n' >"$work/mode"
begin 'somebody between'
[[ $(hosts_code) != "$(guests_code)" ]] || fail 'both sides show one code though somebody is between'
equal "$(<"$records/codes")" "$(hosts_code) $(guests_code)" 'he knows both codes, and can not make them one'
host_says false
guest_knows() { (($(grep -c 'has ended it' "$work/pair.log") == tries)); }
eventually 'the guest is told' guest_knows
nothing_is_paired || fail 'somebody between is paired'

# Nobody between, and the host's people say no.
printf 'pass\n' >"$work/mode"
begin 'a no'
equal "$(hosts_code)" "$(guests_code)" 'the codes when nobody is between'
host_says false
guest_knows() { (($(grep -c 'has ended it' "$work/pair.log") == tries)); }
eventually 'the guest is told' guest_knows
nothing_is_paired || fail 'paired after a no'
is_not_connected far || fail 'connected after a no'

# And a yes.
begin 'a yes'
equal "$(hosts_code)" "$(guests_code)" 'the codes when nobody is between'
is_not_connected far || fail 'connected before anybody has said yes'
printf 'y\n' >&7
host_says true
eventually 'connected' is_connected far
eventually 'the guest is done' is_gone pair
eventually 'the page' fetches "$(host_port_of far 8080)" 'g1 says hello'

# It lasts, on both sides.
eventually 'the pairing is written' grep -q '"pairing"' "$work/state/far.json"
stop agent-g1
start_agent g1 tcp:127.0.0.1:5002
kill_hard bridge
start_bridge
eventually 'connected again' is_connected far
