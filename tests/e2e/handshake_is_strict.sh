#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Every message of the handshake truncated, flipped at each byte, out of turn, replayed, for another key, with another
# HELLO: refused by name. Next to it an honest session and a real bridge are served, and thousands of tries leave nothing
# behind in the agent.
source "$(dirname "$0")/harness.sh"
start_bridge
start_guest g1
serve g1 8080
page=$(host_port_of g1 8080)
trust_test_bridge g1
since=$(api GET /vms/g1 | jq -r .since)
strict() { python3 "$e2e/handshake_is_strict.py" "$1" "$work/g1.ctl" "$work/test.key" "${@:2}" || fail "handshake_is_strict.py $1"; }
mkdir "$work/peers"
python3 "$e2e/peers_agree.py" "$work/peers" || fail 'the test peers do not agree with each other'

spawn silent host python3 "$e2e/handshake_is_strict.py" silent "$work/g1.ctl" "$work/test.key"
strict each
limit=2048 # KiB of growth
grep -q __asan_init "$(command -v hospes-agent)" && limit=$((16 * 1024))
strict many 1000
before=$(rss_kib agent-g1)
descriptors_before=$(descriptors agent-g1)
strict many 4000
grown=$(($(rss_kib agent-g1) - before))
printf 'the agent grew by %d KiB\n' "$grown"
((grown < limit)) || fail "the agent grew by $grown KiB"
fewer() { (($(descriptors agent-g1) <= descriptors_before)); }
eventually 'no descriptor is left behind' fewer
lines=$(wc -l <"$work/agent-g1.log")
((lines < 1000)) || fail "the agent's log is flooded: $lines lines"
eventually 'half a handshake is over by itself' is_gone silent
wait "${pid[silent]}" || fail 'half a handshake is not over by itself'
unset 'pid[silent]'

equal "$(fetch "$page")" 'g1 says hello' 'served after all this'
equal "$(api GET /vms/g1 | jq -r .since)" "$since" 'the session of the real bridge'
stranger_is_logged() { strict stranger && logs_say agent-g1 'knows other hosts'; } # one line a second tells of the last one
eventually 'the log tells of strangers' stranger_is_logged
