#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Both daemons end with status 0 and without a leak whatever is under way, also when told twice; a start that fails says
# why, and a broken state file is set aside.
source "$(dirname "$0")/harness.sh"
busy() { # transfers both ways, a reader of events, a request without an answer
    spawn "get$1" host curl -sS --limit-rate 100k -o /dev/null "http://127.0.0.1:$page/big"
    spawn "drain$1" host socat -u OPEN:/dev/zero "TCP:127.0.0.1:$drain"
    spawn "hold$1" host python3 "$e2e/peer.py" hold 127.0.0.1 "$drain" 20
    spawn "events$1" host curl -sSN --unix-socket "$api_socket" http://localhost/api/v1/events
    eventually 'under way' logs_say "hold$1" '^open 20'
}
end_twice() { # end_twice NAME
    kill -TERM "${pid[$1]}"
    kill -TERM "${pid[$1]}" 2>/dev/null || true
    kill -INT "${pid[$1]}" 2>/dev/null || true
    local status=0
    poll "$patience" is_gone "$1" || fail "$1 does not end"
    wait "${pid[$1]}" || status=$?
    equal "$status" 0 "the status of $1, told twice"
    unset "pid[$1]" "daemons[$1]"
}
start_bridge
start_guest g1
serve g1 8080
head -c 64M /dev/zero >"$work/g1-8080-www/big"
spawn drain g1 socat -u TCP-LISTEN:7501,bind=127.0.0.1,fork,reuseaddr SYSTEM:'sleep 1000'
page=$(host_port_of g1 8080)
drain=$(host_port_of g1 7501)

busy 1
kill -STOP -- "-${pid[agent-g1]}"
spawn asking host curl -sS --unix-socket "$api_socket" http://localhost/api/v1/vms/g1/health
eventually 'a request is pending' eval 'api GET /vms/g1 | jq -e ".liveness.requestsPending == 1" >/dev/null'
cli forward g1 9000:9100 # is still to be written when it ends
end_twice bridge
kill -CONT -- "-${pid[agent-g1]}"
start_bridge
eventually 'connected again' is_connected g1
eventually 'what was still to be written is remembered' forward_is_active g1 9000
busy 2
end_twice agent-g1
start_agent g1
eventually 'connected again' is_connected g1

# A file that is no JSON, one that cannot be read as forwards, and one that is well.
stop bridge
cp "$work/state/g1.json" "$work/g1.good"
printf '{"link": "unix:' >"$work/state/g2.json"
jq '.forwards = 7' "$work/g1.good" >"$work/state/g1.json"
start_bridge
eventually 'the good part is used' is_connected g1
logs_say bridge 'g2: .*broken.*kept as g2.json.broken' || fail 'the broken file is not told'
logs_say bridge 'g1: .*kept as g1.json.broken' || fail 'the file without sense is not told'
[[ -e $work/state/g2.json.broken && -e $work/state/g1.json.broken ]] || fail 'they are not kept'
stop bridge
start_bridge
eventually 'it is not forgotten for that' is_connected g1

# Starts that fail: a sentence, status 1, nothing left behind. What the sanitizers say is seen at the end.
refuses() { # refuses PATTERN PROGRAM OPTION…
    local status=0 pattern=$1
    shift
    on_host timeout "$patience" "$@" 2>"$work/refused.log" || status=$?
    equal "$status" 1 "$*"
    grep -qE "$pattern" "$work/refused.log" || fail "$*: $(<"$work/refused.log")"
    grep -qE 'Sanitizer|left open' "$work/refused.log" && fail "$*: $(<"$work/refused.log")"
    return 0
}
: >"$work/file"
bridge=(hospes-bridge --config "$work/empty.json" --panel off)
printf '{}\n' >"$work/empty.json"
refuses 'state folder .*not a directory' "${bridge[@]}" --state-dir "$work/file" --socket "$work/a/api.sock"
refuses 'state folder .*not a directory' "${bridge[@]}" --state-dir "$work/file/state" --socket "$work/a/api.sock"
refuses 'no such file|not permitted|permission|read-only' "${bridge[@]}" --state-dir /proc/nothing --socket "$work/a/api.sock"
refuses 'not a directory|already exists' "${bridge[@]}" --state-dir "$work/s" --socket "$work/file/api.sock"
refuses 'socket|too long' "${bridge[@]}" --state-dir "$work/s" --socket "$work/$(printf 'x%.0s' {1..120})"
refuses 'already|in use' "${bridge[@]}" --state-dir "$work/s" --socket "$api_socket"
jq -n --arg link "unix:$work/g1.ctl" '{vms: [{name: "a", link: $link}, {name: "a", link: $link}]}' >"$work/twice.json"
refuses 'already' hospes-bridge --config "$work/twice.json" --panel off --state-dir "$work/s" --socket "$work/a/api.sock"
refuses 'cannot listen' hospes-agent --listen "unix:$work/no/such/folder"
refuses 'cannot open' hospes-agent --listen "serial:$work/no-device"
refuses 'cannot listen' hospes-agent --listen "unix:$work/h.ctl" --listen "unix:$work/file/x"
api_is_up || fail 'the bridge in place was disturbed'
