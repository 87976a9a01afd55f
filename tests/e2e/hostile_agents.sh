#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Some two hundred hostile guests at once, in the handshake and after it: each gets its reason, the honest guest next to them is served all the time, the
# bridge stays small, nothing of theirs reaches a terminal, and honest agents in their place are welcome afterwards.
source "$(dirname "$0")/harness.sh"
mkdir "$work/evil"
python3 "$e2e/hostile_agent.py" list >"$work/attacks"
jq -R --arg folder "$work/evil" 'split(" ")[0] | {name: ., link: "unix:\($folder)/\(.)"}' "$work/attacks" | jq -s '{vms: .}' >"$work/config.json"
start_bridge
start_guest good
serve good 8080
page=$(host_port_of good 8080)
before=$(rss_kib bridge)
largest=$before
limit=$((16 * 1024)) # of growth; a sanitizer needs more for the same
grep -q __asan_init "$(command -v hospes-bridge)" && limit=$((64 * 1024))
spawn evil host python3 "$e2e/hostile_agent.py" serve "$work/evil"

fetch_in_time() { # the honest guest's page, within a second
    local now
    equal "$(on_host curl -sS --max-time 1 "http://127.0.0.1:$page/")" 'good says hello' 'the honest guest is served'
    now=$(rss_kib bridge)
    ((now <= largest)) || largest=$now
}
all_told() { # what is said of each attack; differences in $work/differs
    fetch_in_time
    api GET /vms | jq -r '.vms[] | .name + " " + if .state == "connected" then .state else .error.code // "-" end' >"$work/told"
    awk 'NR == FNR { wanted[$1] = "^(" $2 ")$"; next } $1 in wanted && $2 !~ wanted[$1] { print; bad = 1 } END { exit bad }' \
        "$work/attacks" "$work/told" >"$work/differs"
}
told_in_time() { poll "$patience" all_told || fail "wrong reasons: $(tr '\n' ';' <"$work/differs")"; }
told_in_time
until logs_say bridge 'never-reads: disconnected: no heartbeat'; do
    fetch_in_time
    ((SECONDS < 60)) || fail 'the one that never reads is not found out'
    sleep 0.1
done
told_in_time

# The clients of hostile channels: each connection ends soon, however it does.
while read -r attack _ port; do
    ((port == 0)) && continue
    eventually "$attack: the port is forwarded" forward_is_active "$attack" "$port"
    on_host curl -sS --max-time 5 -o /dev/null "http://127.0.0.1:$port/" 2>"$work/err" || true
    grep -q 'timed out' "$work/err" && fail "$attack: the client waits for ever"
    is_connected "$attack" || fail "$attack: the guest is lost by a channel"
done <"$work/attacks"
fetch_in_time

printf 'the bridge grew by %d KiB\n' "$((largest - before))"
((largest - before < limit)) || fail "the bridge grew by $((largest - before)) KiB"

# Nothing of theirs moves a cursor, in a terminal or in the log: no C0 but newline, no C1, no turned direction.
for command in status 'status escapes' 'status refuse' 'ports escapes' 'status rst'; do
    # shellcheck disable=SC2086 # words
    cli $command >>"$work/shown" 2>&1 || true
done
if LC_ALL=C grep -aP '[\x00-\x09\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80\xae' "$work/shown" "$work/bridge.log" >"$work/found"; then
    fail "an escape is shown: $(head -n 3 "$work/found" | cat -v)"
fi

# An honest agent in their place.
kill_hard evil
after=(garbage order escapes never-reads fin-twice)
specs=()
for attack in "${after[@]}"; do
    specs+=(--listen "unix:$work/evil/$attack")
done
make_namespace honest
spawn agent-honest honest hospes-agent "${specs[@]}" --state-dir "$work/honest-state" --admin-socket "$work/honest.admin"
daemons[agent-honest]=yes
serve honest 8090
changed_is_told() { [[ $(api GET /vms/order | jq -r .error.code) == KEY_CHANGED ]]; }
eventually 'another agent is not taken for the one that was paired' changed_is_told
for attack in "${after[@]}"; do
    [[ $attack == garbage ]] || pair_anew "$attack"
    eventually "honest instead of $attack" is_connected "$attack"
    eventually "honest instead of $attack: its port" port_of "$attack" 8090
done
eventually 'and its page' fetches "$(host_port_of garbage 8090)" 'honest says hello'
fetch_in_time
