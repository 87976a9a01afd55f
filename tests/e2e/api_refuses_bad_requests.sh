#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Each bad request gets its status and an error with code and message; nothing else is disturbed.
source "$(dirname "$0")/harness.sh"
start_bridge
start_guest g1
serve g1 8080
port=$(host_port_of g1 8080)
equal "$(stat -c %a "$api_socket")" 600 'the mode of the socket'
equal "$(stat -c %a "${api_socket%/*}")" 700 'the mode of its folder'

json='Content-Type: application/json'
while IFS='|' read -r code method path body; do
    got=$(api_code "$method" "$path" -H "$json" ${body:+--data-binary "$body"})
    equal "$got" "$code" "$method $path $body"
    jq -e '.error | (.code | length > 0) and (.message | length > 0)' "$work/body" >/dev/null ||
        fail "$method $path: the body is no error: $(<"$work/body")"
done <<'REQUESTS'
404|GET|/vms/nobody
404|GET|/nothing
404|DELETE|/vms/g1/forwards/nothing
400|POST|/vms|{
400|POST|/vms|{"name":"a" "link":"b"}
422|POST|/vms|{"name":"../a","link":"unix:/x"}
422|POST|/vms|{"name":"a","link":"carrier-pigeon:5"}
422|POST|/vms|{"name":7,"link":"unix:/x"}
409|POST|/vms|{"name":"g1","link":"unix:/x"}
422|POST|/vms/g1/forwards|{"guestPort":70000}
422|POST|/vms/g1/forwards|{"guestPort":-1}
422|POST|/vms/g1/forwards|{"guestPort":0}
422|POST|/vms/g1/forwards|{"guestPort":80.5}
422|POST|/vms/g1/forwards|{"guestPort":80,"hostPort":65536}
422|POST|/vms/g1/forwards|{"guestPort":80,"protocol":"sctp"}
422|PUT|/vms/g1/ports/8080|{"policy":"perhaps"}
REQUESTS
matches "$(api_code PATCH /vms)" '^405$' 'a method that is not there'
deep=$(printf '[%.0s' {1..5000})
equal "$(api_code POST /vms -H "$json" --data-binary "$deep")" 400 'JSON 5000 levels deep'

# A body of 1 GiB is refused without being held.
before=$(rss_kib bridge)
code=$(head -c 1G /dev/zero | curl -sS --max-time 60 --unix-socket "$api_socket" -o /dev/null -w '%{http_code}' \
    -H "$json" -T - -X POST http://localhost/api/v1/vms 2>/dev/null || true)
matches "$code" '413' 'a body of 1 GiB'
grown=$(($(rss_kib bridge) - before))
((grown < 16384)) || fail "the bridge grew by $grown KiB"
printf 'GET /api/v1/health HTTP/1.1\r\nX: %s\r\n\r\n' "$(head -c 1000000 /dev/zero | tr '\0' x)" |
    socat -t 2 - "UNIX-CONNECT:$api_socket" >"$work/body" 2>/dev/null || true
printf '\0\1\2 rubbish\r\n\r\n' | socat -t 2 - "UNIX-CONNECT:$api_socket" >"$work/body" 2>/dev/null || true

kill_hard agent-g1
eventually 'the loss is noticed' is_not_connected g1
equal "$(api_code GET /vms/g1/health)" 503 'a guest that is not connected'
start_agent g1
eventually 'the page, after all this' fetches "$port" 'g1 says hello'
