#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# On tcp nobody is taken unseen, nothing goes plain, and with the keys of both known it is a link like any other.
source "$(dirname "$0")/harness.sh"
start_bridge
make_namespace g1
start_agent g1 tcp:127.0.0.1:5002
spawn wire g1 socat "UNIX-LISTEN:$work/g1.tcp,fork,backlog=128" TCP:127.0.0.1:5002,nodelay
spawn wire-end host socat TCP-LISTEN:5102,bind=127.0.0.1,fork,reuseaddr,nodelay "UNIX-CONNECT:$work/g1.tcp"
eventually 'the wire is there' listens host 5102
eventually 'both ends of it' test -S "$work/g1.tcp"
json='Content-Type: application/json'
error_is() { [[ $(api GET "/vms/$1" | jq -r '.error.code // "-"') =~ ^($2)$ ]]; }

cli --quiet add far tcp:127.0.0.1:5102
eventually 'a first contact needs a code' error_is far 'CODE_NEEDED|NOT_PAIRED'
cli_status status far >"$work/status"
grep -q 'hospes pair' "$work/out" "$work/err" || fail "status does not tell what to do: $(cat "$work/out" "$work/err")"
is_not_connected far || fail 'connected without trust'
cli --quiet remove far
matches "$(api_code POST /vms -H "$json" --data-binary '{"name":"far","link":"tcp:127.0.0.1:5102","encryption":"never"}')" '^4..$' \
    'tcp without encryption'

# A secret that was provisioned on both sides.
head -c 32 /dev/urandom | base64 >"$work/psk"
chmod 0600 "$work/psk"
stop agent-g1
mkdir -m 0700 "$work/credentials"
cp "$work/psk" "$work/credentials/hospes.psk"
CREDENTIALS_DIRECTORY=$work/credentials start_agent g1 tcp:127.0.0.1:5002
eventually 'the agent listens' listens g1 5002
body=$(jq -cn --arg psk "$work/psk" '{name: "far", link: "tcp:127.0.0.1:5102", pskFile: $psk}')
matches "$(api_code POST /vms -H "$json" --data-binary "$body")" '^20[01]$' "adding far: $(<"$work/body")"
eventually 'connected by the secret' is_connected far
serve g1 8080
eventually 'the page' fetches "$(host_port_of far 8080)" 'g1 says hello'
kill_hard bridge
start_bridge
eventually 'connected again' is_connected far
eventually 'the page again' fetches "$(host_port_of far 8080)" 'g1 says hello'

# Another secret is none.
head -c 32 /dev/urandom | base64 >"$work/other"
chmod 0600 "$work/other"
cli --quiet remove far
body=$(jq -cn --arg psk "$work/other" '{name: "other", link: "tcp:127.0.0.1:5102", pskFile: $psk}')
matches "$(api_code POST /vms -H "$json" --data-binary "$body")" '^20[01]$' "adding other: $(<"$work/body")"
eventually 'another secret' error_is other 'AUTHENTICATION_FAILED'
