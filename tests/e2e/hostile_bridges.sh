#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Hostile bridges at an agent's socket, next to an honest one: each is refused by name, the honest one keeps its session
# and its forwards, and the agent stays small.
source "$(dirname "$0")/harness.sh"
start_bridge
start_guest g1
serve g1 8080
spawn sink g1 socat -u TCP-LISTEN:7700,bind=127.0.0.1,fork,reuseaddr,backlog=128 OPEN:/dev/null
spawn source g1 socat -u OPEN:/dev/zero TCP-LISTEN:7701,bind=127.0.0.1,fork,reuseaddr,backlog=128
page=$(host_port_of g1 8080)
eventually 'the servers listen' port_of g1 7701
socket=$work/g1.ctl
attack() { # attack COMMAND [ARGUMENT…]
    python3 "$e2e/hostile_bridge.py" "$1" "$socket" "$work/test.key" "${@:2}" || fail "hostile_bridge.py $1"
}
trust_test_bridge g1
since=$(api GET /vms/g1 | jq -r .since)
before=$(rss_kib agent-g1)
limit=$((16 * 1024)) # of growth; a sanitizer needs more for the same
grep -q __asan_init "$(command -v hospes-agent)" && limit=$((64 * 1024))
well() { # well AFTER: all is as before
    local now
    equal "$(on_host curl -sS --max-time 1 "http://127.0.0.1:$page/")" 'g1 says hello' "after $1: served"
    equal "$(api GET /vms/g1 | jq -r .since)" "$since" "after $1: the session of the honest bridge"
    now=$(rss_kib agent-g1)
    printf 'after %s: the agent grew by %d KiB\n' "$1" "$((now - before))"
    ((now - before < limit)) || fail "after $1: the agent grew by $((now - before)) KiB"
}
background() { # background NAME TEXT ATTACK…: until it prints TEXT
    local name=$1 text=$2
    shift 2
    spawn "$name" host python3 "$e2e/hostile_bridge.py" "$1" "$socket" "$work/test.key" "${@:2}"
    eventually "$name is under way" logs_say "$name" "$text"
}

for kind in beginnings cursors sessions; do
    attack "$kind"
    well "$kind"
done
attack claim 100
well '100 claimed sessions'
attack reconnect 2
well 'two seconds of reconnecting'

ulimit -n "$(ulimit -Hn)"
background silent 'open 10000' silent 10000
well '10,000 silent connections'
kill_hard silent
background deaf 'deaf 8' deaf 7701 8
for _ in {1..10}; do
    well 'channels and answers that nobody reads'
done
kill_hard deaf
well 'their end'
eventually 'nothing of it is left' test "$(inside g1 ss -Hnt state established | wc -l)" -le 2
