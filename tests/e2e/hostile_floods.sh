#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Guests that say too much: 100,000 listeners at once, listeners that come and go without end, a snapshot that has no
# end, answers that nobody asked for, noise where a mux should be. The honest guest next to them is served, the bridge
# stays small, and what is kept of a guest is bounded.
source "$(dirname "$0")/harness.sh"
mkdir "$work/evil"
start_bridge
start_guest good
serve good 8080
page=$(host_port_of good 8080)
spawn evil host python3 "$e2e/hostile_agent.py" serve "$work/evil"
eventually 'the attackers are ready' logs_say evil ready
limit=$((16 * 1024)) seconds=1
if grep -q __asan_init "$(command -v hospes-bridge)"; then
    limit=$((64 * 1024)) seconds=3 # a sanitizer makes the same work large and slow
fi

served_while() { # served_while ATTACK SECONDS
    local before largest now end=$((SECONDS + $2))
    before=$(rss_kib bridge)
    largest=$before
    while ((SECONDS < end)); do
        equal "$(on_host curl -sS --max-time "$seconds" "http://127.0.0.1:$page/")" 'good says hello' "$1: the honest guest is served"
        now=$(rss_kib bridge)
        ((now <= largest)) || largest=$now
    done
    printf '%s: the bridge grew by %d KiB\n' "$1" "$((largest - before))"
    ((largest - before < limit)) || fail "$1: the bridge grew by $((largest - before)) KiB"
}

is_limited() { [[ $(api GET "/vms/$1" | jq -r .error.code) == LIMIT ]]; }

for attack in flood storm churn endless-snapshot; do
    cli --quiet add "$attack" "unix:$work/evil/$attack"
    served_while "$attack" 4
    is_connected "$attack" || is_limited "$attack" || fail "$attack: is lost, and not for what it sent"
    [[ $attack != storm ]] || eventually "$attack: it is let go of" is_limited "$attack"
    [[ $attack == storm ]] && equal "$(api GET /vms/storm/ports | jq '.ports | length')" 4096 'listeners that are kept of a storm'
    cli --quiet remove "$attack"
done

# Noise instead of a mux, and a command that neither speaks nor ends.
for noise in zero:/dev/zero random:/dev/urandom; do
    cli --quiet add "${noise%%:*}" "exec:cat ${noise#*:}"
done
cli --quiet add mute 'exec:sleep 1000'
cli --quiet add brief 'exec:printf HOSPES'
served_while noise 6
code_is() { [[ $(api GET "/vms/$1" | jq -r .error.code) =~ ^($2)$ ]]; }
for name in zero random mute; do
    eventually "$name: the reason" code_is "$name" NO_GREETING
done
eventually 'brief: the reason' code_is brief COMMAND_ENDED
for name in zero random mute brief; do
    cli --quiet remove "$name"
done

# Honest agents in their place.
kill_hard evil
make_namespace honest
spawn agent-honest honest hospes-agent --listen "unix:$work/evil/storm" --listen "unix:$work/evil/flood" --state-dir "$work/honest-state" \
    --admin-socket "$work/honest.admin"
daemons[agent-honest]=yes
serve honest 8090
for attack in storm flood; do
    cli --quiet add "$attack" "unix:$work/evil/$attack"
    eventually "honest instead of $attack" is_connected "$attack"
    eventually "honest instead of $attack: its port" port_of "$attack" 8090
done
eventually 'and its page' fetches "$(host_port_of storm 8090)" 'honest says hello'
