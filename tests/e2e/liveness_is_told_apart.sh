#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Is the VM there? Is its agent? Does it answer this request? Each state, in the API and in words. And a guest that is
# silent for 25 seconds ends in connected, with what is true by then.
source "$(dirname "$0")/harness.sh"
start_bridge
liveness_is() { # liveness_is GUEST VM AGENT [CODE]
    api GET "/vms/$1" | jq -e --arg vm "$2" --arg agent "$3" --arg code "${4:-}" \
        '.liveness.vm == $vm and .liveness.agent == $agent and (.error.code // "") == $code' >/dev/null
}
says() { # says GUEST PATTERN: hospes status does, with exit status 4 when it is not connected
    local status
    status=$(cli_status status "$1")
    grep -qE "$2" "$work/out" "$work/err" || fail "status of $1: $(cat "$work/out" "$work/err")"
    printf '%s' "$status" >"$work/status"
}

start_guest silent # first, since its silence takes time
serve silent 8080
serve silent 8081
eventually 'served' fetches "$(host_port_of silent 8080)" 'silent says hello'
liveness_is silent alive alive || fail "connected: $(api GET /vms/silent)"
says silent 'the VM is alive, its agent answers'
kill -STOP -- "-${pid[agent-silent]}"
stopped=$SECONDS
curl -sS --max-time 20 --unix-socket "$api_socket" -o "$work/late" -w '%{http_code} %{time_total}\n' http://localhost/api/v1/vms/silent/health \
    >"$work/late.code" &
late=$!
is_quiet() { api GET /vms/silent | jq -e '.liveness.requestsPending == 1 and .liveness.requestQuietMs >= 1000 and .liveness.agent == "alive"' >/dev/null; }
eventually 'a request without an answer is seen' is_quiet
kill_hard http-silent-8080
serve silent 8082

# The others, while that one is silent.
cli add missing "unix:$work/nothing.sock"
python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$work/left.sock"
cli add left "unix:$work/left.sock"
printf 'refuse\n' >"$work/mode"
spawn vmm host python3 "$e2e/hypervisor.py" "$work/v.sock" "$work/mode" 5002=/nowhere 5003=/nowhere
cli add booting "hybrid:$work/v.sock"
spawn cable host socat "PTY,link=$work/middle,raw,echo=0" "PTY,link=$work/unread,raw,echo=0"
cli add unread "serial:$work/middle"
eventually 'no socket: the VM is gone' liveness_is missing gone absent ENOENT
eventually 'nobody at the socket: the VM is gone' liveness_is left gone absent ECONNREFUSED
eventually 'the VM manager answers, no agent does' liveness_is booting alive absent GREETING_REFUSED
eventually 'a cable that nobody reads' liveness_is unread alive absent NO_GREETING
says missing 'the VM is gone, no agent is connected'
says booting 'the VM is alive, no agent is connected'
equal "$(api_code GET /vms/booting/health)" 503 'health of a guest without agent'

wait "$late"
read -r code took <"$work/late.code"
equal "$code" 504 'health of a stopped agent'
jq -e '5 <= . and . < 7' <<<"$took" >/dev/null || fail "504 after $took s"
eventually 'silence is seen' liveness_is silent unknown silent
equal "$(vm_state silent)" connected 'not given up yet'
eventually 'and given up' is_not_connected silent
eventually 'silent still' liveness_is silent unknown silent SILENT
says silent 'its agent is silent'
eventually 'nobody answers a new try' liveness_is silent alive silent NO_GREETING
reached() { ((SECONDS >= stopped + 25)); }
eventually '25 seconds' reached
kill -CONT -- "-${pid[agent-silent]}"
eventually 'connected again' is_connected silent
eventually 'what opened meanwhile' fetches 8082 'silent says hello'
eventually 'what stayed' fetches 8081 'silent says hello'
eventually 'what closed meanwhile' is_refused 8080
eventually 'and is not listed' has_no_port silent 8080
liveness_is silent alive alive || fail "again: $(api GET /vms/silent)"
