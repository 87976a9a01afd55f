#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A million messages from hostile guests that have paired as they should: every kind of the protocol, right, wrong, and at
# the wrong time. The bridge lives, stays small and writes nowhere but where it should, nothing of theirs reaches a terminal
# or the log, and an honest guest's round trip stays what it was.
source "$(dirname "$0")/harness.sh"
messages=${HOSPES_E2E_MESSAGES:-1000000}
guests=16
limit=$((24 * 1024)) ratio_max=5
if grep -q __asan_init "$(command -v hospes-bridge)"; then
    limit=$((160 * 1024)) ratio_max=20 # a sanitizer makes the same work large and slow
fi
start_bridge
start_guest good
spawn echo good socat TCP-LISTEN:7600,bind=127.0.0.1,fork,reuseaddr,nodelay PIPE
port=$(host_port_of good 7600)
trip() { on_host python3 "$e2e/peer.py" round-trip 127.0.0.1 "$port" 2000; } # the median, in microseconds
quiet=$(trip)

mkdir "$work/evil"
spawn flood host flood_agent "$work/evil" "$guests" "$messages" "${HOSPES_E2E_SEED:-1}"
eventually 'the attackers are ready' logs_say flood ready
touch "$work/began"
before=$(rss_kib bridge)
largest=$before
for ((i = 1; i <= guests; i++)); do
    cli --quiet add "evil$i" "unix:$work/evil/flood-$i"
done
eventually 'they are at it' logs_say flood '^sent'
during=$(trip)
# Clients of theirs, so that hostile channels are opened, too.
knock() {
    local at
    at=$(api GET "/vms/evil$((1 + RANDOM % guests))/forwards" |
        jq -r 'first(.forwards[] | select(.state == "active" and .protocol == "tcp") | .hostPort) // empty')
    [[ -z $at ]] || on_host timeout 2 curl -sS --max-time 1 -o /dev/null "http://127.0.0.1:$at/" 2>>"$work/err" || true
}
sample() {
    local now
    now=$(rss_kib bridge)
    ((now <= largest)) || largest=$now
}
sample
until is_gone flood; do
    knock
    sample
    ((SECONDS < 840)) || fail "not done in time: $(tail -n 1 "$work/flood.log")"
    sleep 0.1
done
wait "${pid[flood]}" || fail 'the flood ended by itself'
unset 'pid[flood]'
sample
tail -n 1 "$work/flood.log"
printf 'the bridge grew by %d KiB; the round trip: %s us before, %s us during\n' "$((largest - before))" "$quiet" "$during"
((largest - before < limit)) || fail "the bridge grew by $((largest - before)) KiB"
((during < quiet * ratio_max)) || fail "the honest guest's round trip went from $quiet to $during us"
sent=$(awk '/^done/ { print $2 }' "$work/flood.log")
((sent >= messages)) || fail "only $sent messages"

# Nothing is written but the state, the sockets and the log; no file of theirs is anywhere.
found=$(find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path "$work" \) -prune -o -name 'hospes-owned*' -print 2>/dev/null)
equal "$found" '' 'files of the attackers'
found=$(find "$work" -newer "$work/began" -type f ! -path "$work/state/*" ! -path "$work/run/*" ! -name '*.log' \
    ! -name body ! -name out ! -name err ! -path "$work/good-state/*" ! -name began)
equal "$found" '' 'files beside the state'
size=$(du -sk "$work/state" | cut -f 1)
((size < 16384)) || fail "the state grew to $size KiB"
size=$(du -k "$work/bridge.log" | cut -f 1)
((size < 8192)) || fail "the log grew to $size KiB"
for command in vms status 'status evil1' 'ports evil1' 'forwards evil2' 'events --since 0'; do
    # shellcheck disable=SC2086 # words
    timeout 5 nsenter --net="/run/netns/$(namespace host)" hospes --socket "$api_socket" $command >>"$work/shown" 2>&1 || true
done
if LC_ALL=C grep -aP '[\x00-\x09\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80\xae' "$work/shown" "$work/bridge.log" >"$work/found"; then
    fail "an escape is shown: $(head -n 3 "$work/found" | cat -v)"
fi

for ((i = 1; i <= guests; i++)); do
    cli --quiet remove "evil$i"
done
is_connected good || fail 'the honest guest is lost'
after=$(trip)
printf 'and %s us afterwards\n' "$after"
