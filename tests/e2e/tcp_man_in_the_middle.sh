#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Somebody between a bridge and an agent on tcp: reads nothing of what is said, changes nothing without an end, repeats
# nothing, cuts nothing off unseen, weakens nothing, and is neither taken for the guest nor for the host.
source "$(dirname "$0")/harness.sh"
start_bridge
make_namespace g1
start_agent g1 tcp:127.0.0.1:5002
serve g1 8080
marker=$(head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n')
for _ in {1..4000}; do printf '%s\n' "$marker"; done >"$work/g1-8080-www/big"
spawn wire g1 socat "UNIX-LISTEN:$work/g1.tcp,fork,backlog=128" TCP:127.0.0.1:5002,nodelay
eventually 'the wire is there' test -S "$work/g1.tcp"
records=$work/records
mode() { printf '%s\n' "$*" >"$work/mode.part" && mv "$work/mode.part" "$work/mode"; }
mode pass
mkdir "$records"
spawn mitm host python3 "$e2e/mitm.py" serve 5102 "$work/g1.tcp" "$work/mode" "$records"
eventually 'somebody is between' listens host 5102

# Each side is told the other's key. The guest learns the host's from whoever administers both.
spawn ask host python3 "$e2e/session.py" bridge-key "$work/ask.sock"
eventually 'a place to ask' test -S "$work/ask.sock"
cli --quiet add ask "unix:$work/ask.sock"
eventually 'the key of the bridge' is_gone ask
cli --quiet remove ask
inside g1 hospes-agent trust "$(<"$work/ask.log")" --admin-socket "$work/g1.admin"
key=$(python3 "$e2e/session.py" agent-key "$work/g1.tcp")
add_far() { # add_far [KEY]: anew, so that it is dialled at once
    api_code DELETE /vms/far >"$work/out"
    local body
    body=$(jq -cn --arg key "${1-}" '{name: "far", link: "tcp:127.0.0.1:5102"} + if $key == "" then {} else {key: $key} end')
    matches "$(api_code POST /vms -H 'Content-Type: application/json' --data-binary "$body")" '^20[01]$' "adding far: $(<"$work/body")"
}
error_is() { [[ $(api GET /vms/far | jq -r '.error.code // "-"') =~ ^($1)$ ]]; }

# Read: nothing to see.
add_far "$key"
eventually 'connected through him' is_connected far
port=$(host_port_of far 8080)
on_host curl -sS --max-time "$patience" -o "$work/got" "http://127.0.0.1:$port/big" || fail 'a page through him'
cmp "$work/got" "$work/g1-8080-www/big" || fail 'the page is another one'
seen=$(cat "$records"/* | wc -c)
((seen > 190000)) || fail "he was not between: $seen bytes"
for word in "$marker" 'HTTP/1.0' SimpleHTTP 'python3 -m' 'http.server'; do
    ! grep -aqrF "$word" "$records" || fail "he reads '$word' in $(grep -alrF "$word" "$records" | tr '\n' ' ')"
done

# Repeat: a whole control session, its feed, and channels of a session that lives.
mkdir "$work/old"
cp "$records"/* "$work/old"
replayed() { python3 "$e2e/mitm.py" replay "$1" "$work/g1.tcp"; }
controls=("$work"/old/*-control.up) joins=("$work"/old/*-join.up)
((${#joins[@]} >= 2)) || fail 'no feed and channel are recorded'
equal "$(replayed "${controls[0]}")" 'REFUSE AUTHENTICATION_FAILED' 'a session of his'
for record in "${joins[@]}"; do
    matches "$(replayed "$record")" '^REFUSE (AUTHENTICATION_FAILED|UNKNOWN_SESSION)$' 'a connection of his'
done
is_connected far || fail 'the session suffers from what is repeated'

# Change: the connection ends, and what came was right. He may hit a feed instead: that is read again.
partial() { # partial MODE…: a download meanwhile; what came of it is in $work/got
    mode "$@"
    status=0
    on_host curl -sS --max-time 20 -o "$work/got" "http://127.0.0.1:$port/big" 2>"$work/err" || status=$?
    mode pass
    : >>"$work/got"
    cmp -n "$(stat -c %s "$work/got")" "$work/got" "$work/g1-8080-www/big" || fail "$*: a wrong byte arrives"
}
for at in 20000 20001 20007 66000 100003 190000; do
    eventually "before byte $at" is_connected far
    rm -f "$work/got"
    partial flip-down "$at"
    ((status != 0)) || fail "byte $at flipped, and the page is whole"
done
for at in 30000 100000; do
    rm -f "$work/got"
    for how in cut end; do
        eventually "before the cut at $at" is_connected far
        partial "$how" "$at"
        ((status != 0)) || fail "cut at $at ($how), and it is not noticed"
    done
done
# Without a length the end of the connection is all that tells: it must be a reset.
spawn stream g1 socat -U TCP-LISTEN:7800,bind=127.0.0.1,fork,reuseaddr OPEN:"$work/g1-8080-www/big",rdonly
stream=$(host_port_of far 7800)
equal "$(on_host python3 "$e2e/peer.py" talk 127.0.0.1 "$stream")" "eof $(stat -c %s "$work/g1-8080-www/big")" 'a whole stream'
for how in cut end; do
    mode "$how" 50000
    matches "$(on_host python3 "$e2e/peer.py" talk 127.0.0.1 "$stream")" '^reset ' "a stream that is cut ($how)"
    mode pass
    eventually 'connected afterwards' is_connected far
done
mode flip-up 10
matches "$(on_host python3 "$e2e/peer.py" talk 127.0.0.1 "$stream")" '^reset ' 'a flipped byte on the way to the guest'
mode pass

# Weaken: HELLO says less than the bridge did.
for change in '{"ciphers": 1}' '{"ciphers": 0}' '{"sealing": 2}' '{"link": "unix"}' '{"version": 2}' '{"pattern": 1}' \
    '{"software": "x"}' '{"capabilities": []}'; do
    mode hello "$change"
    add_far "$key"
    eventually "$change is noticed" error_is 'AUTHENTICATION_FAILED|OTHER_KEY|NOT_ALLOWED|NOT_SUPPORTED|MALFORMED|NEEDS_AUTHENTICATION'
    is_not_connected far || fail "$change, and it is connected"
done

# Pretend: a key of his own towards both.
mode own
add_far "$key"
eventually 'he is not taken for the guest' error_is 'KEY_CHANGED|AUTHENTICATION_FAILED|OTHER_KEY'
add_far
eventually 'nor is anybody taken unseen on tcp' error_is 'CODE_NEEDED|NOT_PAIRED'
eventually 'he has tried the guest' test -s "$records/agent-said"
matches "$(<"$records/agent-said")" 'CODE_NEEDED|NOT_PAIRED' 'nor is he taken for the host'

# Nothing of it lasts.
mode pass
add_far "$key"
eventually 'connected when he lets be' is_connected far
eventually 'and served' fetches "$(host_port_of far 8080)" 'g1 says hello'
